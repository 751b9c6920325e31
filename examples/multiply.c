/* SPDX-License-Identifier: Apache-2.0 */
/* y = x * w^T with int4 weights: quantize, pack, plan, run, and compare with a plain loop over the float weights. */
#include <lowbit/lowbit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { M = 3, N = 64, K = 256 };
static float w[N][K], x[M][K], y[M][N];
static lowbit_error error = LOWBIT_ERROR_INIT;

static void must(lowbit_status status) {
    if (status == LOWBIT_OK) return;
    fprintf(stderr, "%s: %s\n", lowbit_status_string(status), error.message);
    exit(1);
}

static void *aligned(int64_t bytes) { return aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64); }

int main(void) {
    for (int i = 0; i < N * K; i++) (&w[0][0])[i] = (float)(i * 37 % 101) / 50 - 1;
    for (int i = 0; i < M * K; i++) (&x[0][0])[i] = (float)(i * 53 % 97) / 48 - 1;

    lowbit_ctx *ctx;
    lowbit_plan *plan;
    lowbit_problem problem = {.struct_size = sizeof problem};
    must(lowbit_ctx_create(NULL, &ctx, &error));
    must(lowbit_problem_parse("i4g32a8:m3n64k256", &problem, &error));
    must(lowbit_plan_create(ctx, &problem, NULL, &plan, &error));

    lowbit_matrix weights = {&w[0][0], N, K, K};
    lowbit_weights codes = {.struct_size = sizeof codes};
    lowbit_packed packed = {.struct_size = sizeof packed};
    int64_t blob_bytes, scratch_bytes;
    must(lowbit_quantize(ctx, &weights, &problem.weights, LOWBIT_RULE_AUTO, NULL, &codes, &error));
    must(lowbit_packed_size(&problem.weights, N, K, &blob_bytes, &error));
    must(lowbit_workspace_size(plan, M, &scratch_bytes, &error));
    void *blob = aligned(blob_bytes), *scratch = aligned(scratch_bytes);
    must(lowbit_pack(ctx, &codes, blob, blob_bytes, NULL, &error));
    must(lowbit_packed_open(blob, blob_bytes, 0, &packed, &error));

    lowbit_gemm_args args = {.struct_size = sizeof args, .weights = &packed, .a = {&x[0][0], M, K, K}, .out_stride = N};
    args.out = y;
    must(lowbit_gemm(plan, &args, scratch, scratch_bytes, NULL, &error));
    double off = 0, size = 0;
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double want = 0;
            for (int k = 0; k < K; k++) want += (double)x[m][k] * w[n][k];
            off += (y[m][n] - want) * (y[m][n] - want);
            size += want * want;
        }
    printf("%lld bytes instead of %zu, relative error %.3f\n", (long long)blob_bytes, sizeof w, sqrt(off / size));
    free(scratch);
    free(blob);
    lowbit_weights_free(ctx, &codes);
    lowbit_plan_destroy(ctx, plan);
    lowbit_ctx_destroy(ctx);
    return sqrt(off / size) > 0.15;
}
