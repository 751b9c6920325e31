/* SPDX-License-Identifier: Apache-2.0 */
/* scalar: plain C, always there, always legal. The same contract as the SIMD units, one column at a time. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/formats/scale.h"
#include "kernels/simd/activations.h"
#include "kernels/simd/bits.h"
#include "kernels/simd/depthwise_scalar.h"
#include "kernels/simd/fma_scalar.h"
#include "kernels/simd/probe_scalar.h"
#include "kernels/simd/softmax_scalar.h"
#include "kernels/simd/sums_scalar.h"
#include "kernels/simd/ukernel.h"
#include "lowbit/context.h"

enum { ROWS = 4, COLUMNS = LB_PANEL };

/* Field f of a byte, as the coding has it; x = what the byte has left after the fields before. */
static inline uint32_t take(int coding, const uint8_t *book, uint32_t *x) {
    const int bits = coding == LB_CODING_C4 ? 4 : 1 << coding;
    const uint32_t low = *x & ((1u << bits) - 1), three = 3 * *x;
    if (coding == LB_CODING_T5) {
        *x = three & 0xff;
        return three >> 8;
    }
    *x >>= bits;
    return coding == LB_CODING_C4 ? book[low] : low;
}

/* Sum of a * code over the lines of one group for column n and row i of a tile of `mr` rows. */
static inline uint32_t raw_sum(const lb_tile *t, int coding, size_t mr, size_t first, size_t count, size_t n,
                               size_t i) {
    const size_t fields = lb_codings[coding].line_k / 4;
    const int8_t *a = (const int8_t *)t->a + (first * fields * mr + i) * 4;
    const uint8_t *lane = t->lines[0] + first * LB_LINE + n * 4;
    uint32_t sum = 0;
    for (size_t l = 0; l < count; l++, lane += LB_LINE, a += fields * mr * 4)
        for (size_t j = 0; j < 4; j++) {
            uint32_t x = lane[j];
            for (size_t f = 0; f < fields; f++) sum += take(coding, t->book, &x) * (uint32_t)a[f * mr * 4 + j];
        }
    return sum;
}

static inline uint32_t ones(uint32_t bits) {
    bits -= bits >> 1 & 0x55555555;
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333);
    return ((bits + (bits >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

/* The same of 1-bit codes and so many bit planes of A, the top one of several negative. */
static inline uint32_t and_sum(const lb_tile *t, int planes, size_t mr, size_t first, size_t count, size_t n,
                               size_t i) {
    uint32_t sum = 0;
    for (size_t l = first; l < first + count; l++) {
        const uint32_t *a = (const uint32_t *)t->a + (l * mr + i) * (size_t)planes;
        uint32_t lane;
        memcpy(&lane, t->lines[0] + l * LB_LINE + n * 4, sizeof lane);
        for (int p = 0; p < planes; p++) {
            const uint32_t counted = ones(lane & a[p]) << p;
            sum = p > 0 && p + 1 == planes ? sum - counted : sum + counted;
        }
    }
    return sum;
}

/* The same of signs, as the contract has it: less one for each k where they differ. */
static inline uint32_t xor_sum(const lb_tile *t, int planes, size_t mr, size_t first, size_t count, size_t n,
                               size_t i) {
    uint32_t sum = 0;
    (void)planes;
    for (size_t l = first; l < first + count; l++) {
        uint32_t lane;
        memcpy(&lane, t->lines[0] + l * LB_LINE + n * 4, sizeof lane);
        sum -= ones(lane ^ ((const uint32_t *)t->a)[l * mr + i]);
    }
    return sum;
}

/* The same of v - 2 max(a, v), as kernels/simd/l1-inl.h has it; v = code - 128. */
static inline uint32_t l1_sum(const lb_tile *t, int coding, size_t mr, size_t first, size_t count, size_t n, size_t i) {
    const int8_t *a = (const int8_t *)t->a + (first * mr + i) * 4;
    const uint8_t *lane = t->lines[0] + first * LB_LINE + n * 4;
    uint32_t sum = 0;
    (void)coding;
    for (size_t l = 0; l < count; l++, lane += LB_LINE, a += mr * 4)
        for (size_t j = 0; j < 4; j++) {
            const int32_t v = lane[j] - 128;
            sum += (uint32_t)(v - 2 * (a[j] > v ? a[j] : v));
        }
    return sum;
}

/* Which of them a tile adds up. */
typedef uint32_t (*sum_fn)(const lb_tile *t, int coding, size_t mr, size_t first, size_t count, size_t n, size_t i);

static inline int32_t corrected(const lb_tile *t, uint32_t raw, size_t row_at, size_t scale_at) {
    const uint32_t column = t->column_sums && !t->mult ? (uint32_t)t->a_zero * (uint32_t)t->column_sums[scale_at] : 0;
    if (t->zero) return (int32_t)(raw - (uint32_t)t->asum[row_at] * t->zero[scale_at] - column);
    return (int32_t)((raw << t->shift) + (uint32_t)t->corr[row_at] - column);
}

/* x * multiplier * 2^(shift - 31) by h, the product in units of 2^31, and a rounding shift of it. */
static inline int32_t rescale(int32_t x, int32_t multiplier, int32_t shift, uint32_t rounding) {
    const int64_t product = (int64_t)x * multiplier;
    const int right = shift < 0 ? -shift : 0;
    int64_t r = (product + ((int64_t)1 << (30 - (shift > 0 ? shift : 0)))) >> (31 - (shift > 0 ? shift : 0));
    if (right) {
        const int64_t h = rounding == LOWBIT_ROUND_DOUBLE ? r - (r < 0) : product >> 31;
        r = (h + ((int64_t)1 << (right - 1))) >> right;
    }
    return (int32_t)(r < -LB_REQUANT_MOST ? -LB_REQUANT_MOST : r > LB_REQUANT_MOST ? LB_REQUANT_MOST : r);
}

static inline void put_code(const lb_tile *t, size_t i, size_t n, int32_t code) {
    const size_t at = i * t->out_stride + n;
    if (t->out_kind == LOWBIT_OUT_S8)
        ((int8_t *)t->out)[at] = (int8_t)code;
    else
        ((uint8_t *)t->out)[at] = (uint8_t)code;
}

static inline int32_t residual_code(const lb_tile *t, size_t i, size_t n) {
    const size_t at = i * t->residual_stride + n;
    return t->out_kind == LOWBIT_OUT_S8 ? ((const int8_t *)t->residual)[at] : ((const uint8_t *)t->residual)[at];
}

/* Steps of the output: by one rounding or two of integers. */
static inline int32_t integer_steps(const lb_tile *t, size_t i, size_t n, int32_t sum) {
    const lb_requant *q = t->requant;
    if (!t->residual) return rescale(sum, t->multipliers[n], t->shifts[n], q->rounding);
    const int32_t fraction = LB_REQUANT_FRACTION, added = residual_code(t, i, n) - q->residual_zero;
    const int32_t r = rescale(sum, t->multipliers[n], t->shifts[n] + fraction, q->rounding) +
                      rescale(added, q->residual_multiplier, q->residual_shift + fraction, q->rounding);
    return (r + (1 << (fraction - 1))) >> fraction;
}

/* By floats; clamped before they are rounded, as the codes will be. */
static inline int32_t float_steps(const lb_tile *t, size_t i, size_t n, int32_t sum) {
    const lb_requant *q = t->requant;
    float r = (float)sum * ldexpf((float)t->multipliers[n], t->shifts[n] - 31);
    if (t->residual)
        r += (float)(residual_code(t, i, n) - q->residual_zero) *
             ldexpf((float)q->residual_multiplier, q->residual_shift - 31);
    return (int32_t)rintf(fminf(fmaxf(r, -LB_REQUANT_MOST), LB_REQUANT_MOST));
}

static inline void store_integer(const lb_tile *t, size_t i, size_t n, int32_t dot) {
    const lb_requant *q = t->requant;
    const uint32_t bias = t->bias ? (uint32_t)((const int32_t *)t->bias)[n] : 0;
    const int32_t sum = (int32_t)((uint32_t)dot + bias);
    const int32_t r =
        q->zero + (q->rounding == LOWBIT_ROUND_FLOAT ? float_steps(t, i, n, sum) : integer_steps(t, i, n, sum));
    put_code(t, i, n, r < q->low ? q->low : r > q->high ? q->high : r);
}

static inline void store(const lb_tile *t, size_t i, size_t n, float total) {
    float y = total * t->ascale[i];
    if (t->bias) y = y + ((const float *)t->bias)[n];
    if (t->residual) y = y + ((const float *)t->residual)[i * t->residual_stride + n];
    y = lb_activate(t->act, y);
    if (t->out_kind == LOWBIT_OUT_F32) {
        ((float *)t->out)[i * t->out_stride + n] = y;
        return;
    }
    const lb_requant *q = t->requant;
    const float low = (float)(q->low - q->zero), high = (float)(q->high - q->zero);
    const float steps = isnan(y) ? 0.0f : y * q->reciprocal;
    put_code(t, i, n, (int32_t)rintf(fminf(fmaxf(steps, low), high)) + q->zero);
}

/* Progressive groups: the integer total waits as the bits of the float. */
static inline void add_multiplied(float *total, int32_t dot, uint32_t mult) {
    uint32_t sum;
    memcpy(&sum, total, sizeof sum);
    sum += mult * (uint32_t)dot;
    memcpy(total, &sum, sizeof sum);
}

/* The output of an integer sum, where it is made of that; else false. */
static inline bool store_dot(const lb_tile *t, size_t i, size_t n, int32_t dot) {
    if (t->out_kind == LOWBIT_OUT_S32)
        ((int32_t *)t->out)[i * t->out_stride + n] = dot;
    else if (t->multipliers)
        store_integer(t, i, n, dot);
    else
        return false;
    return true;
}

/* The output of the total, or of its float times the scale of the row. */
static inline void finish_multiplied(const lb_tile *t, size_t i, size_t n, float *total) {
    int32_t sum;
    memcpy(&sum, total, sizeof sum);
    const size_t at = t->row_scale_at[0] + n;
    if (t->column_sums) sum = (int32_t)((uint32_t)sum - (uint32_t)t->a_zero * (uint32_t)t->column_sums[at]);
    if (!store_dot(t, i, n, sum))
        store(t, i, n, 0.0f + (float)sum * lb_scale_load(t->scale_type, t->scale, (int64_t)at));
}

static inline void column(const lb_tile *t, sum_fn raw, int coding, size_t mr, size_t n, size_t i) {
    int32_t *sum = &t->sums[i * COLUMNS + n];
    float *total = &t->totals[i * COLUMNS + n];
    if (t->start) *total = 0;
    for (size_t g = 0; g < t->groups; g++) {
        const size_t first = g * t->lines_per_group, at = t->scale_at[0] + g * LB_PANEL + n, row_at = g * mr + i;
        const size_t count = lb_tile_group_lines(t, g);
        const uint32_t before = g == 0 && t->resume ? (uint32_t)*sum : 0;
        *sum = (int32_t)(before + raw(t, coding, mr, first, count, n, i));
        if (g + 1 == t->groups && t->suspend) return;
        const int32_t dot = corrected(t, (uint32_t)*sum, row_at, at);
        if (t->mult) {
            add_multiplied(total, dot, t->mult[at]);
            continue;
        }
        if (store_dot(t, i, n, dot)) return;
        *total = *total + (float)dot * lb_scale_load(t->scale_type, t->scale, (int64_t)at);
        if (t->min) *total = *total + (float)t->asum[row_at] * lb_scale_load(t->scale_type, t->min, (int64_t)at);
    }
    if (!t->finish) return;
    if (t->mult)
        finish_multiplied(t, i, n, total);
    else
        store(t, i, n, *total);
}

static inline float join(const int32_t dot[LB_DIGITS]) {
    return ((float)dot[2] * 256.0f + (float)dot[1]) * 256.0f + (float)dot[0];
}

/* The output of the three integer totals of progressive groups. */
static inline float join_totals(const lb_tile *t, size_t n, size_t i) {
    int32_t dot[LB_DIGITS];
    for (size_t d = 0; d < LB_DIGITS; d++)
        memcpy(&dot[d], &t->totals[(i * LB_DIGITS + d) * COLUMNS + n], sizeof dot[d]);
    return join(dot) * t->units[i] * lb_scale_load(t->scale_type, t->scale, (int64_t)(t->row_scale_at[0] + n));
}

/* Row i of floats is rows 3 i + d of digits; sums and corrections are those of codes. */
static inline void digits_column(const lb_tile *t, int coding, size_t mr, size_t n, size_t i) {
    const size_t rows = LB_DIGITS * mr, row = LB_DIGITS * i;
    float *total = &t->totals[i * COLUMNS + n];
    if (t->start && !t->resume)
        for (size_t d = 0; d < LB_DIGITS; d++) t->totals[(t->mult ? row + d : i) * COLUMNS + n] = 0;
    for (size_t g = 0; g < t->groups; g++) {
        const size_t first = g * t->lines_per_group, at = t->scale_at[0] + g * LB_PANEL + n;
        int32_t dot[LB_DIGITS];
        for (size_t d = 0; d < LB_DIGITS; d++) {
            int32_t *sum = &t->sums[(row + d) * COLUMNS + n];
            const uint32_t before = g == 0 && t->resume ? (uint32_t)*sum : 0;
            *sum = (int32_t)(before + raw_sum(t, coding, rows, first, lb_tile_group_lines(t, g), n, row + d));
            dot[d] = corrected(t, (uint32_t)*sum, g * rows + row + d, at);
        }
        if (g + 1 == t->groups && t->suspend) return;
        for (size_t d = 0; t->mult && d < LB_DIGITS; d++)
            add_multiplied(&t->totals[(row + d) * COLUMNS + n], dot[d], t->mult[at]);
        if (t->mult) continue;
        *total = *total + join(dot) * t->units[i] * lb_scale_load(t->scale_type, t->scale, (int64_t)at);
        if (t->min) *total = *total + t->row_sums[g * mr + i] * lb_scale_load(t->scale_type, t->min, (int64_t)at);
    }
    if (t->finish) store(t, i, n, t->mult ? 0.0f + join_totals(t, n, i) : *total);
}

#define TILE(name, raw, coding, mr)                                                                                    \
    static void name(const lb_tile *t) {                                                                               \
        for (size_t n = 0; n < COLUMNS; n++)                                                                           \
            for (size_t i = 0; i < (mr); i++) column(t, raw, coding, mr, n, i);                                        \
    }
TILE(tile_1_w8, raw_sum, LB_CODING_W8, 1)
TILE(tile_1_w4, raw_sum, LB_CODING_W4, 1)
TILE(tile_1_w2, raw_sum, LB_CODING_W2, 1)
TILE(tile_1_w1, raw_sum, LB_CODING_W1, 1)
TILE(tile_1_t5, raw_sum, LB_CODING_T5, 1)
TILE(tile_1_c4, raw_sum, LB_CODING_C4, 1)
TILE(tile_4_w8, raw_sum, LB_CODING_W8, ROWS)
TILE(tile_4_w4, raw_sum, LB_CODING_W4, ROWS)
TILE(tile_4_w2, raw_sum, LB_CODING_W2, ROWS)
TILE(tile_4_w1, raw_sum, LB_CODING_W1, ROWS)
TILE(tile_4_t5, raw_sum, LB_CODING_T5, ROWS)
TILE(tile_4_c4, raw_sum, LB_CODING_C4, ROWS)
TILE(tile_1_l1, l1_sum, LB_CODING_W8, 1)
TILE(tile_4_l1, l1_sum, LB_CODING_W8, ROWS)
TILE(tile_xor, xor_sum, 1, 1)
TILE(tile_and, and_sum, 1, 1)
TILE(tile_and2, and_sum, 2, 1)
TILE(tile_and4, and_sum, 4, 1)

#define DIGITS(coding)                                                                                                 \
    static void digits_##coding(const lb_tile *t) {                                                                    \
        for (size_t n = 0; n < COLUMNS; n++) digits_column(t, LB_CODING_##coding, 1, n, 0);                            \
    }
#define DIGITS_ROW(coding, cost)                                                                                       \
    { LB_CODING_##coding, LB_ALGORITHM_DIGITS, LB_A_S8, 0, 0, 0, 1, COLUMNS, cost, 0, digits_##coding, NULL, NULL }
DIGITS(W8)
DIGITS(W4)
DIGITS(W2)
DIGITS(W1)
DIGITS(T5)
DIGITS(C4)

#define FLOATS(name, term, coding, mr)                                                                                 \
    static void name##_##mr##_##coding(const lb_tile *t) {                                                             \
        for (size_t n = 0; n < COLUMNS; n++)                                                                           \
            for (size_t i = 0; i < (mr); i++)                                                                          \
                if (add_groups(t, term, LB_CODING_##coding, mr, n, i, &t->totals[i * COLUMNS + n]))                    \
                    store(t, i, n, t->totals[i * COLUMNS + n]);                                                        \
    }
#define FLOATS_ROW(name, algorithm, coding, mr, cost)                                                                  \
    {                                                                                                                  \
        LB_CODING_##coding, algorithm, LB_A_F32, 0, 0, 0, mr, COLUMNS, (cost) * (mr), 0, name##_##mr##_##coding, NULL, \
            NULL                                                                                                       \
    }
#define FMA(coding, mr) FLOATS(fma, product, coding, mr)
#define FMA_ROW(coding, mr, cost) FLOATS_ROW(fma, LB_ALGORITHM_FMA, coding, mr, cost)
#define FMA_CODINGS(X, mr) X(W8, mr) X(W4, mr) X(W2, mr) X(W1, mr) X(T5, mr) X(C4, mr) X(BF16, mr) X(F32, mr)
#define FMA_ROWS(mr)                                                                                                   \
    FMA_ROW(W8, mr, 8192), FMA_ROW(W4, mr, 16384), FMA_ROW(W2, mr, 32768), FMA_ROW(W1, mr, 65536),                     \
        FMA_ROW(T5, mr, 131072), FMA_ROW(C4, mr, 16384), FMA_ROW(BF16, mr, 4096), FMA_ROW(F32, mr, 2048)
FMA_CODINGS(FMA, 1)
FMA_CODINGS(FMA, 4)

#define L1F_ROWS(mr) FLOATS_ROW(l1f, LB_ALGORITHM_L1F, BF16, mr, 4096), FLOATS_ROW(l1f, LB_ALGORITHM_L1F, F32, mr, 2048)
FLOATS(l1f, distance, BF16, 1)
FLOATS(l1f, distance, F32, 1)
FLOATS(l1f, distance, BF16, 4)
FLOATS(l1f, distance, F32, 4)

static const lb_kernel kKernels[] = {
    {LB_CODING_W8, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 4096, 0, tile_1_w8, NULL, NULL},
    {LB_CODING_W8, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 16384, 0, tile_4_w8, NULL, NULL},
    {LB_CODING_W4, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 8192, 0, tile_1_w4, NULL, NULL},
    {LB_CODING_W4, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 32768, 0, tile_4_w4, NULL, NULL},
    {LB_CODING_W2, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 16384, 0, tile_1_w2, NULL, NULL},
    {LB_CODING_W2, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 65536, 0, tile_4_w2, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 32768, 0, tile_1_w1, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 131072, 0, tile_4_w1, NULL, NULL},
    {LB_CODING_T5, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 20480, 0, tile_1_t5, NULL, NULL},
    {LB_CODING_T5, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 81920, 0, tile_4_t5, NULL, NULL},
    {LB_CODING_C4, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, 1, COLUMNS, 8192, 0, tile_1_c4, NULL, NULL},
    {LB_CODING_C4, LB_ALGORITHM_DOT, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 32768, 0, tile_4_c4, NULL, NULL},
    {LB_CODING_W8, LB_ALGORITHM_L1, LB_A_S8, 0, 0, 0, 1, COLUMNS, 4096, 0, tile_1_l1, NULL, NULL},
    {LB_CODING_W8, LB_ALGORITHM_L1, LB_A_S8, 0, 0, 0, ROWS, COLUMNS, 16384, 0, tile_4_l1, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_XOR, LB_A_BITS1, 0, 0, 0, 1, COLUMNS, 8192, 0, tile_xor, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_AND, LB_A_BITS1, 0, 0, 0, 1, COLUMNS, 8192, 0, tile_and, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_AND2, LB_A_BITS2, 0, 0, 0, 1, COLUMNS, 16384, 0, tile_and2, NULL, NULL},
    {LB_CODING_W1, LB_ALGORITHM_AND4, LB_A_BITS4, 0, 0, 0, 1, COLUMNS, 32768, 0, tile_and4, NULL, NULL},
    FMA_ROWS(1),
    FMA_ROWS(4),
    L1F_ROWS(1),
    L1F_ROWS(4),
    DIGITS_ROW(W8, 3 * 4096),
    DIGITS_ROW(W4, 3 * 8192),
    DIGITS_ROW(W2, 3 * 16384),
    DIGITS_ROW(W1, 3 * 32768),
    DIGITS_ROW(T5, 3 * 20480),
    DIGITS_ROW(C4, 3 * 8192),
};

/* Depthwise: a group whose sums stand in the tile, and the totals of all. */
static void end_totals(const lb_tile *t) {
    for (size_t i = 0; i < t->rows; i++)
        for (size_t n = 0; n < COLUMNS; n++) store(t, i, n, t->totals[i * COLUMNS + n]);
}

static void end_sums(const lb_tile *t) {
    for (size_t i = 0; i < t->rows; i++)
        for (size_t n = 0; n < COLUMNS; n++) {
            const int32_t dot = t->sums[i * COLUMNS + n];
            float *total = &t->totals[i * COLUMNS + n];
            if (t->finish && store_dot(t, i, n, dot)) continue;
            const float scale = lb_scale_load(t->scale_type, t->scale, (int64_t)(t->scale_at[0] + n));
            *total = (t->start ? 0.0f : *total) + (float)dot * scale;
            if (t->finish) store(t, i, n, *total);
        }
}

static const lb_depthwise_ops kDepthwise = {
    COLUMNS, {NULL, NULL, 0}, {weave_pairs, sum_pairs, 0}, {weave_floats, sum_floats, 0}, end_sums, end_totals};

static float largest_magnitude(const float *x, size_t k) {
    float largest = 0;
    for (size_t i = 0; i < k; i++) {
        if (!isfinite(x[i])) return INFINITY;
        largest = fmaxf(largest, fabsf(x[i]));
    }
    return largest;
}

static float code_by_absmax(const float *x, size_t k, float most, int8_t *codes) {
    const float largest = largest_magnitude(x, k), r = most / largest;
    const int codable = isfinite(largest) && largest >= 0x1p-100f;
    for (size_t i = 0; codable && i < k; i++) codes[i] = (int8_t)fminf(fmaxf(rintf(x[i] * r), -most), most);
    return codable ? largest / most : isfinite(largest) ? 0.0f : NAN;
}

static float code_by_scale(const float *x, size_t k, const lb_row_rule *rule, int8_t *codes) {
    const float r = 1.0f / rule->scale;
    const float low = (float)(rule->low - rule->zero), high = (float)(rule->high - rule->zero);
    for (size_t i = 0; i < k; i++) {
        const float steps = isnan(x[i]) ? 0.0f : fminf(fmaxf(x[i] * r, low), high);
        codes[i] = (int8_t)((int32_t)rintf(steps) + rule->zero);
    }
    return rule->scale;
}

static float code_by_sign(const float *x, size_t k, uint32_t kind, int8_t *codes) {
    for (size_t i = 0; i < k; i++)
        codes[i] = (int8_t)(kind == LB_ROWS_SIGN ? (x[i] < 0.0f ? -1 : 1) : (x[i] > 0.0f ? 1 : 0));
    return 1.0f;
}

static float power_of_two(int exponent) { return lb_bits_float((uint32_t)(exponent + 127) << 23); }

/* rne(x / 2^exponent) as 65536 d2 + 256 d1 + d0, digit d at codes + d * padded. Powers beyond those of normal numbers
 * come as two. */
static float code_by_digits(const float *x, size_t k, int8_t *codes, size_t padded) {
    const float largest = largest_magnitude(x, k);
    if (!isfinite(largest)) return NAN;
    uint32_t bits;
    memcpy(&bits, &largest, sizeof bits);
    /* One more where 2^23, rounded, would leave what three digits can say: 0x7f7f7f. */
    const int exponent = (int)((bits + 0x010101) >> 23) - 149, half = exponent / 2;
    for (size_t i = 0; i < k; i++) {
        int32_t integer = (int32_t)rintf(x[i] * power_of_two(-half) * power_of_two(half - exponent));
        for (size_t d = 0; d < LB_DIGITS; d++) {
            const int32_t digit = ((integer + 128) & 255) - 128;
            codes[d * padded + i] = (int8_t)digit;
            integer = (integer - digit) / 256;
        }
    }
    return power_of_two(half) * power_of_two(exponent - half);
}

static int has_nan(const float *x, size_t k) {
    for (size_t i = 0; i < k; i++)
        if (isnan(x[i])) return 1;
    return 0;
}

static void quantize_row(const float *x, size_t k, size_t ahead, size_t group, const lb_row_rule *rule, int8_t *codes,
                         size_t padded, int32_t *sums, float *scale) {
    (void)ahead;
    const size_t rows = rule->kind == LB_ROWS_DIGITS ? LB_DIGITS : 1, groups = (k + group - 1) / group;
    memset(codes, 0, rows * padded);
    memset(sums, 0, rows * groups * sizeof *sums);
    switch (rule->kind) {
        case LB_ROWS_DIGITS: *scale = code_by_digits(x, k, codes, padded); break;
        case LB_ROWS_ABSMAX: *scale = code_by_absmax(x, k, (float)rule->high, codes); break;
        case LB_ROWS_FIXED: *scale = code_by_scale(x, k, rule, codes); break;
        default: *scale = code_by_sign(x, k, rule->kind, codes);
    }
    if (has_nan(x, k)) *scale = NAN;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < k; i++) sums[r * groups + i / group] += codes[r * padded + i];
}

static void pack_row(const float *x, size_t k, size_t ahead, size_t group, const lb_row_rule *rule, int8_t *codes,
                     size_t padded, int32_t *sums, float *scale) {
    (void)ahead;
    uint32_t *words = (uint32_t *)(void *)codes;
    memset(words, 0, padded / 8);
    memset(sums, 0, (k + group - 1) / group * sizeof *sums);
    for (size_t i = 0; i < k; i++) {
        int8_t code;
        code_by_sign(x + i, 1, rule->kind, &code);
        words[i / 32] |= (uint32_t)(code > 0) << (8 * (i % 4) + i % 32 / 4);
        sums[i / group] += code;
    }
    *scale = has_nan(x, k) ? NAN : 1.0f;
}

extern const lb_isa_unit lb_unit_scalar;
const lb_isa_unit lb_unit_scalar = {.isa = LOWBIT_ISA_SCALAR,
                                    .kernels = kKernels,
                                    .kernel_count = sizeof kKernels / sizeof kKernels[0],
                                    .quantize_row = quantize_row,
                                    .pack_row = pack_row,
                                    .soften_row = lb_soften_row,
                                    .sum_codes = lb_sum_codes,
                                    .bits = &lb_bits_scalar,
                                    .probes = kProbes,
                                    .probe_count = sizeof kProbes / sizeof kProbes[0],
                                    .depthwise = &kDepthwise};
