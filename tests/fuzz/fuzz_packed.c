/* SPDX-License-Identifier: Apache-2.0 */
/* Packed blobs: any bytes. What opens, even without its payload's checksum, can be unpacked, dequantized and multiplied
 * without a step outside the blob.
 *
 * The first byte of an input says whether the header is signed anew before it is opened (bit 0), since a fuzzer does
 * not guess checksums, and whether the payload is verified (bit 1). */
#include <stdlib.h>
#include <string.h>

#include "lowbit/lowbit.h"
#include "tests/fuzz/fuzz.h"

enum { HEADER = 64, SIGNED = 56, MOST_ELEMENTS = 1 << 16 };

static const lowbit_ctx *context(void) {
    static lowbit_ctx *ctx;
    if (!ctx) fuzz_require(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK, "a context");
    return ctx;
}

static void sign(uint8_t *blob) {
    uint64_t sum = UINT64_C(14695981039346656037);
    for (int i = 0; i < SIGNED; i++) sum = (sum ^ blob[i]) * UINT64_C(1099511628211);
    memcpy(blob + SIGNED, &sum, sizeof sum);
}

/* Codes of a blob that was not verified may be none of the format: then packing refuses, else it gives the blob back.
 */
static void check_unpack(const lowbit_packed *packed) {
    lowbit_weights w = {.struct_size = sizeof w};
    if (lowbit_unpack(context(), packed, &w, NULL) != LOWBIT_OK) return;
    float *values = malloc((size_t)(w.n * w.k) * sizeof *values);
    if (values) fuzz_require(lowbit_dequantize(&w, values, w.k, NULL) == LOWBIT_OK, "unpacked weights are legal");
    free(values);
    lowbit_weights_free(context(), &w);
}

static void check_product(const lowbit_packed *packed) {
    lowbit_problem p = {.struct_size = sizeof p, .weights = packed->type, .activations = LOWBIT_A8, .m = 5};
    p.n = packed->n, p.k = packed->k;
    lowbit_plan *plan = NULL;
    int64_t bytes = 0;
    fuzz_require(lowbit_plan_create(context(), &p, NULL, &plan, NULL) == LOWBIT_OK, "what opens has a plan");
    fuzz_require(lowbit_workspace_size(plan, p.m, &bytes, NULL) == LOWBIT_OK, "and a workspace");
    void *workspace = NULL;
    float *a = calloc((size_t)(p.m * p.k), sizeof *a), *out = malloc((size_t)(p.m * p.n) * sizeof *out);
    if (posix_memalign(&workspace, 64, (size_t)bytes) == 0 && a && out) {
        for (int64_t i = 0; i < p.m * p.k; i++) a[i] = (float)(i % 17 - 8);
        const lowbit_gemm_args args = {
            .struct_size = sizeof args, .weights = packed, .a = {a, p.m, p.k, p.k}, .out = out, .out_stride = p.n};
        fuzz_require(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK, "and runs");
    }
    free(a);
    free(out);
    free(workspace);
    lowbit_plan_destroy(context(), plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const uint8_t mode = data[0];
    const int64_t bytes = (int64_t)size - 1;
    void *memory = NULL; /* of exactly the blob's bytes, so that the sanitizer sees one too many */
    if (posix_memalign(&memory, 64, bytes ? (size_t)bytes : 1) != 0) return 0;
    memcpy(memory, data + 1, (size_t)bytes);
    if ((mode & 1) && bytes >= HEADER) sign(memory);
    lowbit_packed packed = {.struct_size = sizeof packed};
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_packed_open(memory, bytes, mode >> 1 & 1, &packed, &error);
    if (status != LOWBIT_OK) {
        fuzz_require(status == LOWBIT_BAD_FORMAT && error.message[0] != 0, "a refusal has a reason");
    } else {
        fuzz_require(packed.bytes <= bytes, "the blob lies inside its memory");
        if (packed.n * packed.k <= MOST_ELEMENTS) {
            check_unpack(&packed);
            check_product(&packed);
        }
    }
    free(memory);
    return 0;
}

/* One small blob of each kind of type, to be opened as it is, signed anew, verified. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const lowbit_weight_type kTypes[] = {
        {sizeof(lowbit_weight_type), LOWBIT_I8, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0},
        {sizeof(lowbit_weight_type), LOWBIT_I4, LOWBIT_MINIMUM, LOWBIT_SCALE_F16, 32, 0},
        {sizeof(lowbit_weight_type), LOWBIT_I2, LOWBIT_ZERO_POINT, LOWBIT_SCALE_BF16, 16, 0},
        {sizeof(lowbit_weight_type), LOWBIT_T2, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0},
        {sizeof(lowbit_weight_type), LOWBIT_B1, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F16, 64, 0},
        {sizeof(lowbit_weight_type), LOWBIT_I4, LOWBIT_ZERO_POINT, LOWBIT_SCALE_F16, 32, 1},
        {sizeof(lowbit_weight_type), LOWBIT_T2, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, 16, 1},
    };
    enum { N = 17, K = 70, MODES = 4 };
    if (index >= MODES * sizeof kTypes / sizeof *kTypes) return 0;
    const lowbit_weight_type *type = &kTypes[index / MODES];
    float w[N * K];
    for (int i = 0; i < N * K; i++) w[i] = (float)(i * 37 % 101 - 50);
    const lowbit_matrix view = {w, N, K, K};
    lowbit_weights weights = {.struct_size = sizeof weights};
    int64_t bytes = 0;
    void *blob = NULL;
    fuzz_require(lowbit_quantize(context(), &view, type, 0, NULL, &weights, NULL) == LOWBIT_OK, "a seed");
    fuzz_require(lowbit_packed_size(type, N, K, &bytes, NULL) == LOWBIT_OK && bytes < (int64_t)room, "its size");
    fuzz_require(posix_memalign(&blob, 64, (size_t)bytes) == 0, "its memory");
    fuzz_require(lowbit_pack(context(), &weights, blob, bytes, NULL, NULL) == LOWBIT_OK, "its blob");
    data[0] = (uint8_t)(index % MODES);
    memcpy(data + 1, blob, (size_t)bytes);
    free(blob);
    lowbit_weights_free(context(), &weights);
    return (size_t)bytes + 1;
}
