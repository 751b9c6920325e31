/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX Runtime: MatMulInteger (integers, exact) and MatMulNBits (codes in blocks, float activations). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers/onnx_product.h"
#include "bench/peers/peers.h"

/* What a way keeps: the session, and codes of ours until it is destroyed. */
typedef struct state {
    lb_onnx_product *product;
    uint8_t *a;     /* MatMulInteger u8s8: the codes of A, 128 more than ours */
    uint8_t *codes; /* MatMulInteger: [k][n]; MatMulNBits: [n][blocks][block * bits / 8], lower bits first */
    float *scales;  /* [n][blocks] */
    int64_t n, k, block;
    int bits;
} state;

static void destroy(void *made) {
    state *s = made;
    lb_onnx_product_destroy(s->product);
    free(s->a);
    free(s->codes);
    free(s->scales);
    free(s);
}

static bool run(void *made, size_t copy) { return lb_onnx_product_run(((state *)made)->product, copy); }

static lb_onnx_tensor matrix(const char *name, ONNXTensorElementDataType type, int64_t rows, int64_t columns,
                             const void *data, size_t element) {
    return (lb_onnx_tensor){.name = name,
                            .type = type,
                            .shape = {rows, columns},
                            .rank = 2,
                            .data = (void *)(uintptr_t)data,
                            .bytes = (size_t)(rows * columns) * element};
}

/* Opens the node, or lets go of all that was made for it. */
static void *finish(state *s, const lb_onnx_node *node, const lb_peer_work *work, char *reason) {
    s->product = lb_onnx_product_create(node, work->copies, work->threads, reason, LB_PEER_REASON);
    if (s->product) return s;
    destroy(s);
    return NULL;
}

/* ---- MatMulInteger ---- */

static bool fill_integers(state *s, const lb_peer_work *work, bool unsigned_a) {
    const int64_t count = work->m * work->k;
    s->codes = malloc((size_t)(work->k * work->n));
    if (unsigned_a) s->a = malloc((size_t)count);
    if (!s->codes || (unsigned_a && !s->a)) return false;
    for (int64_t n = 0; n < work->n; n++)
        for (int64_t k = 0; k < work->k; k++) s->codes[k * work->n + n] = (uint8_t)work->w8[n * work->k + k];
    for (int64_t i = 0; unsigned_a && i < count; i++) s->a[i] = (uint8_t)(work->a8[i] + 128);
    return true;
}

static void *create_integer(const lb_peer_work *work, bool unsigned_a, char *reason) {
    static const uint8_t kZero = 128;
    state *s = calloc(1, sizeof *s);
    snprintf(reason, LB_PEER_REASON, "no memory");
    if (!s) return NULL;
    if (!fill_integers(s, work, unsigned_a)) return destroy(s), NULL;
    const ONNXTensorElementDataType s8 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, u8 = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    lb_onnx_node node = {.op = "MatMulInteger", .domain = "", .input_count = unsigned_a ? 3 : 2};
    node.inputs[0] = matrix("a", unsigned_a ? u8 : s8, work->m, work->k, unsigned_a ? (void *)s->a : work->a8, 1);
    node.inputs[1] = matrix("w", s8, work->k, work->n, s->codes, 1);
    node.inputs[2] = (lb_onnx_tensor){.name = "zero", .type = u8, .data = (void *)(uintptr_t)&kZero, .bytes = 1};
    node.output = matrix("y", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, work->m, work->n, work->out, 4);
    return finish(s, &node, work, reason);
}

/* ---- MatMulNBits ---- */

static int64_t blocks_of(const state *s) { return (s->k + s->block - 1) / s->block; }

static uint8_t *byte_of(const state *s, int64_t n, int64_t k, int *shift) {
    *shift = (int)(k * s->bits % 8);
    return &s->codes[n * blocks_of(s) * (s->block * s->bits / 8) + k * s->bits / 8];
}

/* The largest value of the block becomes the lowest code, so that all codes are in use. */
static void quantize_block(const state *s, const float *w, int64_t n, int64_t from) {
    const int half = 1 << (s->bits - 1);
    const int64_t to = from + s->block < s->k ? from + s->block : s->k;
    float most = 0;
    for (int64_t k = from; k < to; k++)
        if (fabsf(w[n * s->k + k]) > fabsf(most)) most = w[n * s->k + k];
    const float scale = most / (float)-half;
    s->scales[n * blocks_of(s) + from / s->block] = scale;
    for (int64_t k = from; k < from + s->block; k++) {
        const float code = k < to && scale != 0 ? rintf(w[n * s->k + k] / scale) + (float)half : (float)half;
        int shift;
        uint8_t *byte = byte_of(s, n, k, &shift);
        *byte = (uint8_t)(*byte | (int)fminf(code, (float)(2 * half - 1)) << shift);
    }
}

static bool fill_blocks(state *s, const lb_peer_work *work) {
    s->codes = calloc((size_t)(s->n * blocks_of(s)), (size_t)(s->block * s->bits / 8));
    s->scales = malloc((size_t)(s->n * blocks_of(s)) * sizeof *s->scales);
    if (!s->codes || !s->scales) return false;
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t k = 0; k < s->k; k += s->block) quantize_block(s, work->w, n, k);
    return true;
}

static void weights(const void *made, float *w) {
    const state *s = made;
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t k = 0; k < s->k; k++) {
            int shift;
            const uint8_t byte = *byte_of(s, n, k, &shift);
            const int code = (byte >> shift & ((1 << s->bits) - 1)) - (1 << (s->bits - 1));
            w[n * s->k + k] = (float)code * s->scales[n * blocks_of(s) + k / s->block];
        }
}

static void *create_blocks(const lb_peer_work *work, int bits, int64_t block, int level, char *reason) {
    state *s = calloc(1, sizeof *s);
    snprintf(reason, LB_PEER_REASON, "no memory");
    if (!s) return NULL;
    *s = (state){.n = work->n, .k = work->k, .block = block, .bits = bits};
    if (!fill_blocks(s, work)) return destroy(s), NULL;
    const int64_t row = block * bits / 8;
    lb_onnx_node node = {.op = "MatMulNBits", .domain = "com.microsoft", .input_count = 3, .attribute_count = 5};
    node.inputs[0] = matrix("a", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, work->m, work->k, work->a, 4);
    node.inputs[1] = matrix("codes", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, work->n, blocks_of(s) * row, s->codes, 1);
    memcpy(node.inputs[1].shape, (const int64_t[]){work->n, blocks_of(s), row}, sizeof node.inputs[1].shape);
    node.inputs[1].rank = 3;
    node.inputs[2] = matrix("scales", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, work->n * blocks_of(s), 1, s->scales, 4);
    node.inputs[2].rank = 1;
    node.output = matrix("y", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, work->m, work->n, work->out, 4);
    const lb_onnx_attribute attributes[] = {
        {"K", work->k}, {"N", work->n}, {"bits", bits}, {"block_size", block}, {"accuracy_level", level}};
    memcpy(node.attributes, attributes, sizeof attributes);
    return finish(s, &node, work, reason);
}

/* ---- The ways ---- */

static bool takes_integers(const lowbit_problem *p) { return lb_peer_has_codes(p) && lb_peer_is_of_floats(p); }

static bool takes_blocks(const lowbit_problem *p, int bits, int block) {
    static const uint8_t kBits[] = {[LOWBIT_I8] = 8, [LOWBIT_I4] = 4, [LOWBIT_I2] = 2, [LOWBIT_S2] = 2};
    const int nearest = p->weights.group > 0 && p->weights.group < 128 ? 32 : 128;
    return lb_peer_is_of_floats(p) && p->weights.format < sizeof kBits && kBits[p->weights.format] == bits &&
           nearest == block;
}

static void *create_u8s8(const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    return create_integer(work, true, reason);
}

static void *create_s8s8(const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    return create_integer(work, false, reason);
}

/* Bits and block. Level 1 multiplies floats, 4 quantizes A to 8 bits where it has kernels for that: tolerances are of
 * sums of floats, and of an element that is off by 1/254 of its block's largest, errors of either sign meeting. */
#define BLOCKS(X) X(2, 32) X(2, 128) X(4, 32) X(4, 128) X(8, 32) X(8, 128)

#define CREATE_LEVEL(bits, block, level)                                                                               \
    static void *create_##bits##_##block##_##level(const lb_peer_work *work, char reason[LB_PEER_REASON]) {            \
        return create_blocks(work, bits, block, level, reason);                                                        \
    }
#define CREATE(bits, block)                                                                                            \
    static bool takes_##bits##_##block(const lowbit_problem *p) { return takes_blocks(p, bits, block); }               \
    CREATE_LEVEL(bits, block, 1)                                                                                       \
    CREATE_LEVEL(bits, block, 4)
BLOCKS(CREATE)

#define ROW(bits, block, level, tolerance)                                                                             \
    {"MatMulNBits " #bits " b" #block " l" #level,                                                                     \
     false,                                                                                                            \
     tolerance,                                                                                                        \
     takes_##bits##_##block,                                                                                           \
     create_##bits##_##block##_##level,                                                                                \
     run,                                                                                                              \
     weights,                                                                                                          \
     destroy,                                                                                                          \
     bits,                                                                                                             \
     NULL},
#define ROWS(bits, block) ROW(bits, block, 1, 1e-5) ROW(bits, block, 4, 4e-3)
static const lb_peer_way kWays[] = {
    {"MatMulInteger u8s8", true, 0, takes_integers, create_u8s8, run, NULL, destroy, 8, NULL},
    {"MatMulInteger s8s8", true, 0, takes_integers, create_s8s8, run, NULL, destroy, 8, NULL},
    BLOCKS(ROWS)};

const lb_peer lb_peer_onnxruntime = {"onnxruntime", lb_onnx_version, kWays, sizeof kWays / sizeof kWays[0]};
