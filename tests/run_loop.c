/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/syscalls.sh looks at: a thousand runs between two writes to standard output, on the calling thread.
 *
 *     run_loop alone    without a pool
 *     run_loop pool     with a pool of one thread
 *     run_loop tiles    prepared and tiled by hand
 *     run_loop noisy    with a system call of its own in the loop, to show that it would be seen */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lowbit/lowbit.h"

enum { M = 5, N = 100, K = 200, RUNS = 1000 };

static void must(lowbit_status status, const lowbit_error *error) {
    if (status == LOWBIT_OK) return;
    fprintf(stderr, "%s: %s\n", lowbit_status_string(status), error->message);
    exit(1);
}

static void say(const char *word) {
    if (write(STDOUT_FILENO, word, strlen(word)) < 0) exit(1);
}

typedef struct product {
    lowbit_ctx *ctx;
    lowbit_plan *plan;
    lowbit_packed packed;
    lowbit_gemm_args args;
    void *workspace;
    int64_t workspace_bytes;
    lowbit_pool pool;
} product;

/* Memory that lives as long as the program. */
static void *aligned(int64_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, (size_t)bytes) != 0) exit(1);
    return memory;
}

static void pack(product *p, lowbit_error *error) {
    static float w[N * K];
    for (int i = 0; i < N * K; i++) w[i] = (float)(i % 101 - 50);
    const lowbit_weight_type type = {sizeof type, LOWBIT_I4, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F16, 32, 0};
    const lowbit_matrix view = {w, N, K, K};
    lowbit_weights weights = {.struct_size = sizeof weights};
    int64_t bytes = 0;
    must(lowbit_quantize(p->ctx, &view, &type, LOWBIT_RULE_AUTO, NULL, &weights, error), error);
    must(lowbit_packed_size(&type, N, K, &bytes, error), error);
    void *blob = aligned(bytes);
    must(lowbit_pack(p->ctx, &weights, blob, bytes, NULL, error), error);
    p->packed.struct_size = sizeof p->packed;
    must(lowbit_packed_open(blob, bytes, 0, &p->packed, error), error);
    lowbit_weights_free(p->ctx, &weights);
}

static void prepare(product *p, lowbit_error *error) {
    static float a[M * K], out[M * N];
    lowbit_problem problem = {.struct_size = sizeof problem};
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    for (int i = 0; i < M * K; i++) a[i] = (float)(i % 7 - 3);
    must(lowbit_ctx_create(NULL, &p->ctx, error), error);
    pack(p, error);
    must(lowbit_problem_parse("i4g32a8:m5n100k200", &problem, error), error);
    must(lowbit_plan_create(p->ctx, &problem, NULL, &p->plan, error), error);
    must(lowbit_workspace_size(p->plan, M, &p->workspace_bytes, error), error);
    p->workspace = aligned(p->workspace_bytes);
    p->args = (lowbit_gemm_args){
        .struct_size = sizeof p->args, .weights = &p->packed, .a = {a, M, K, K}, .out = out, .out_stride = N};
    options.threads = 1;
    p->pool.struct_size = sizeof p->pool;
    must(lowbit_pool_create(p->ctx, &options, &p->pool, error), error);
}

static void run(const product *p, const char *way, lowbit_error *error) {
    const lowbit_pool *pool = strcmp(way, "pool") == 0 ? &p->pool : NULL;
    if (strcmp(way, "tiles") == 0) {
        must(lowbit_gemm_prepare(p->plan, &p->args, p->workspace, p->workspace_bytes, NULL, error), error);
        must(lowbit_gemm_tile(p->plan, &p->args, p->workspace, p->workspace_bytes, 0, M, 0, N, error), error);
    } else {
        must(lowbit_gemm(p->plan, &p->args, p->workspace, p->workspace_bytes, pool, error), error);
    }
    if (strcmp(way, "noisy") == 0) (void)getppid();
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "";
    lowbit_error error = LOWBIT_ERROR_INIT;
    product p = {.ctx = NULL};
    prepare(&p, &error);
    say("loop begins\n");
    for (int i = 0; i < RUNS; i++) run(&p, way, &error);
    say("loop ends\n");
    lowbit_pool_destroy(&p.pool);
    lowbit_plan_destroy(p.ctx, p.plan);
    free(p.workspace);
    free((void *)(p.packed.lines - 64)); /* the blob begins with its header */
    lowbit_ctx_destroy(p.ctx);
    return 0;
}
