/* SPDX-License-Identifier: Apache-2.0 */
/* Products whose activations stay floats: what codes stand for, rows of A in panels as floats or as bf16, and their
 * sums. */
#include <string.h>

#include "kernels/formats/scale.h"
#include "kernels/prepare.h"
#include "kernels/turn.h"

void lb_value_tables_aim(lb_value_tables *tables, const lowbit_packed *w, lb_tile *tile) {
    const lb_format *f = lb_format_of(w->type.format);
    const int32_t mask = lb_bits(f) < 4 ? (1 << lb_bits(f)) - 1 : 15;
    for (int32_t i = 0; i < LB_LINE && !lb_is_float(f); i++)
        tables->bytes[i] = (int8_t)(w->book ? w->book[i % 16] : f->value_scale * (i & mask) - f->value_offset);
    for (int32_t i = 0; i < 16 && !lb_is_float(f); i++) tables->floats[i] = (float)tables->bytes[i];
    tile->table = tables->floats;
    tile->bytes = tables->bytes;
    tile->value_scale = f->value_scale;
    tile->value_offset = f->value_offset;
}

/* The source of a block: floats, or bf16. */
typedef struct source {
    const float *floats; /* the block's first row, or NULL */
    const uint16_t *halves;
    int64_t stride, rows;
} source;

static source source_of(const lb_gemm_call *call, int64_t block) {
    const lowbit_gemm_args *args = call->args;
    const int64_t mr = call->config.kernel->mr, first = block * mr * args->a.stride;
    source s = {.stride = args->a.stride, .rows = lb_min(mr, call->m - block * mr)};
    if (args->a.data)
        s.floats = args->a.data + first;
    else
        s.halves = args->a_bf16 + first;
    return s;
}

static float element(const source *s, int64_t i, int64_t k) {
    return s->floats ? s->floats[i * s->stride + k] : lb_bf16_to_float(s->halves[i * s->stride + k]);
}

/* Rows of k in [first, end) side by side: each is read as one stream, the panel is written as one. */
static void weave_floats(const source *s, int64_t mr, int64_t first, int64_t end, float *to) {
    const int64_t word = (int64_t)sizeof *to, fours = s->rows / 4 * 4, whole = (end - first) / 4 * 4;
    const float *rows = s->floats + first;
    for (int64_t k = 0; k < whole; k += 4)
        for (int64_t i = 0; i < fours; i += 4)
            lb_turn_four(rows + i * s->stride + k, s->stride * word, to + k * mr + i, mr * word);
    for (int64_t k = 0; k < end - first; k++)
        for (int64_t i = k < whole ? fours : 0; i < s->rows; i++) to[k * mr + i] = rows[i * s->stride + k];
}

static void weave_halves(const source *s, int64_t mr, int64_t first, int64_t end, float *to) {
    for (int64_t k = first; k < end; k++, to += mr)
        for (int64_t i = 0; i < s->rows; i++) to[i] = element(s, i, k);
}

/* Rows of k in [first, end), 32 k of each in turn, rounded to bf16 or already such. */
static void lay_halves(const lb_gemm_call *call, const source *s, int64_t first, int64_t end, uint16_t *to) {
    enum { TOGETHER = LB_LINE / sizeof(uint16_t) };
    const int64_t step = call->config.kernel->mr * TOGETHER;
    for (int64_t i = 0; i < s->rows; i++, to += TOGETHER) {
        const int64_t at = i * s->stride + first;
        if (s->floats) {
            call->config.unit->round_row(s->floats + at, (size_t)(end - first), to, (size_t)step);
            continue;
        }
        for (int64_t k = 0; k < end - first; k += TOGETHER)
            memcpy(to + k / TOGETHER * step, s->halves + at + k,
                   (size_t)lb_min(TOGETHER, end - first - k) * sizeof *to);
    }
}

/* Sixteen sums side by side, added up in order: the same for any tile. */
static float sum_of(const source *s, int64_t i, int64_t first, int64_t end) {
    float sums[16] = {0}, sum = 0;
    for (int64_t k = first; k < end; k++) sums[(k - first) % 16] += element(s, i, k);
    for (int j = 0; j < 16; j++) sum += sums[j];
    return sum;
}

static void sum_groups(const lb_gemm_call *call, const lb_prepared *p, int64_t block, const source *s) {
    const int64_t mr = call->config.kernel->mr, k = call->problem->k, groups = p->rows.groups;
    const int64_t group = groups > 1 ? call->problem->weights.group : k;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t i = 0; i < mr; i++)
            p->row_sums[(block * groups + g) * mr + i] =
                i < s->rows ? sum_of(s, i, g * group, lb_min(k, (g + 1) * group)) : 0;
}

void lb_prepare_float_block(const lb_gemm_call *call, const lb_prepared *p, int64_t block) {
    const int64_t mr = call->config.kernel->mr, k = call->problem->k;
    const source s = source_of(call, block);
    for (int64_t first = 0, end; first < k; first = end) {
        end = lb_part_end(call->problem, &call->config, first);
        const int64_t real = lb_min(end, k);
        const int64_t length = lb_round_up(end - first, p->panel_k);
        void *panel = lb_panel_at(p, mr, block, first, end - first);
        if (s.rows < mr || real < first + length) memset(panel, 0, (size_t)(length * mr * p->panel_bits / 8));
        if (call->config.kernel->a_layout == LB_A_HALVES)
            lay_halves(call, &s, first, real, panel);
        else if (s.floats)
            weave_floats(&s, mr, first, real, panel);
        else
            weave_halves(&s, mr, first, real, panel);
    }
    for (int64_t i = 0; i < mr; i++) p->scales[block * mr + i] = 1;
    if (p->row_sums) sum_groups(call, p, block, &s);
}
