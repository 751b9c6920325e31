/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms `fma` and `l1f` of the portable level: the contract of lb_tile for float activations, one column at a
 * time. */
#ifndef LOWBIT_KERNELS_SIMD_FMA_SCALAR_H_
#define LOWBIT_KERNELS_SIMD_FMA_SCALAR_H_

#include <math.h>
#include <string.h>

#include "kernels/formats/scale.h"
#include "kernels/simd/ukernel.h"

/* v of element k of a lane: code, or float. */
static inline float lane_value(const lb_tile *t, int coding, const uint8_t *lane, size_t k) {
    const size_t bits = lb_codings[coding].bits;
    uint32_t word;
    memcpy(&word, lane, sizeof word);
    switch (coding) {
        case LB_CODING_F32: return lb_bits_float(word);
        case LB_CODING_BF16: return lb_bf16_to_float((uint16_t)(word >> 16 * k));
        case LB_CODING_W8: return (float)lane[k] - (float)t->value_offset;
        case LB_CODING_T5: {
            uint32_t x = lane[k % 4];
            for (size_t f = 0; f < k / 4; f++) x = 3 * x & 0xff;
            return t->table[3 * x >> 8];
        }
        default: return t->table[(size_t)lane[k % 4] >> k / 4 * bits & 15];
    }
}

/* What an algorithm adds up. */
typedef float (*float_term)(float a, float w);

static inline float product(float a, float w) { return a * w; }

static inline float distance(float a, float w) { return -fabsf(a - w); }

/* sum + the terms of `count` lines from `first` on, column n and row i of mr. */
static inline float add_terms(const lb_tile *t, float_term term, int coding, size_t mr, size_t first, size_t count,
                              size_t n, size_t i, float sum) {
    const size_t line_k = lb_codings[coding].line_k;
    const float *a = (const float *)t->a + first * line_k * mr + i;
    const uint8_t *lane = t->lines[0] + first * LB_LINE + n * 4;
    for (size_t l = 0; l < count; l++, lane += LB_LINE)
        for (size_t k = 0; k < line_k; k++, a += mr) sum += term(*a, lane_value(t, coding, lane, k));
    return sum;
}

/* before + what the sum of group g comes to. */
static inline float add_scaled(const lb_tile *t, float before, float sum, float row_sum, size_t at) {
    const float o = (float)t->value_offset;
    if (t->zero) sum += row_sum * (o - (float)t->zero[at]);
    if (t->min) sum += row_sum * o;
    if (!t->scale) return sum;
    const float scale = t->mult ? (float)t->mult[at] : lb_scale_load(t->scale_type, t->scale, (int64_t)at);
    const float total = before + sum * scale;
    return t->min ? total + row_sum * lb_scale_load(t->scale_type, t->min, (int64_t)at) : total;
}

/* Output (n, i) as far as this call goes; true where `total` is all of it. */
static inline int add_groups(const lb_tile *t, float_term term, int coding, size_t mr, size_t n, size_t i,
                             float *total) {
    float kept;
    memcpy(&kept, &t->sums[i * LB_PANEL + n], sizeof kept);
    if (t->start && !t->resume) *total = 0;
    for (size_t g = 0; g < t->groups; g++) {
        const size_t at = t->scale_at[0] + g * LB_PANEL + n, first = g * t->lines_per_group;
        const float before = g == 0 && t->resume ? kept : 0;
        const float sum = add_terms(t, term, coding, mr, first, lb_tile_group_lines(t, g), n, i, before);
        memcpy(&t->sums[i * LB_PANEL + n], &sum, sizeof sum);
        if (g + 1 == t->groups && t->suspend) return 0;
        *total = add_scaled(t, *total, sum, t->row_sums ? t->row_sums[g * mr + i] : 0, at);
    }
    if (t->finish && t->mult) *total *= lb_scale_load(t->scale_type, t->scale, (int64_t)(t->row_scale_at[0] + n));
    return t->finish != 0;
}

#endif
