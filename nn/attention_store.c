/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/attention_store.h"

#include <string.h>

#include "kernels/layout.h"
#include "kernels/rows.h"
#include "lowbit/gemm.h"

/* Keys whose lanes are turned over together. */
enum { TOGETHER = 4 };

static bool is_float(const lb_store_layout *l) { return lb_is_float(l->format); }
static bool is_bits(const lb_store_layout *l) { return lb_bits(l->format) == 1; }
static bool has_scales(const lb_store_layout *l) { return !is_float(l) && !is_bits(l); }

/* Lanes of a token in the scratch: one for each element at most, in whole panels. */
static int64_t row_lanes(const lb_store_layout *l) { return lb_round_up(l->head, LB_LINE); }

lb_store_layout lb_store_layout_of(const lb_format *format, int64_t head, int64_t tokens) {
    lb_store_layout l = {.format = format, .head = head, .tokens = tokens};
    const int64_t scales = has_scales(&l) ? lb_round_up(tokens, LB_PANEL) * (int64_t)sizeof(float) : 0;
    l.key_lines = lb_div_up(head, lb_line_k(format));
    l.value_lines = lb_div_up(tokens, lb_line_k(format));
    l.values = lb_div_up(tokens, LB_PANEL) * l.key_lines * LB_LINE + LB_SLACK_BYTES;
    l.key_scales = l.values + lb_div_up(head, LB_PANEL) * l.value_lines * LB_LINE + LB_SLACK_BYTES;
    l.value_scales = l.key_scales + scales;
    l.bytes = l.value_scales + scales;
    l.scratch = TOGETHER * row_lanes(&l) * (int64_t)sizeof(uint32_t);
    return l;
}

/* ---- a token as lanes ---- */

/* Codes of x, unsigned as packed lines have them, in a scratch of whole lines; returns the scale. */
static float code_row(const lb_store_layout *l, const lb_isa_unit *unit, const float *x, uint8_t *codes) {
    const lb_row_rule rule = lb_row_rule_for(LOWBIT_A8);
    const size_t head = (size_t)l->head;
    int32_t sum;
    float scale;
    unit->quantize_row(x, head, 0, head, &rule, (int8_t *)codes, (size_t)row_lanes(l), &sum, &scale);
    for (size_t i = 0; i < head; i++) codes[i] ^= 0x80;
    return scale;
}

/* The lanes of a key, one for each line: in `lanes`, or where they are already. */
static const void *key_lanes(const lb_store_layout *l, const lb_isa_unit *unit, const float *key, uint32_t *lanes,
                             float *scale) {
    const lb_row_rule rule = lb_row_rule_for(LOWBIT_A1);
    const size_t head = (size_t)l->head;
    int32_t sum;
    if (is_float(l)) return key;
    if (has_scales(l))
        *scale = code_row(l, unit, key, (uint8_t *)lanes);
    else
        unit->pack_row(key, head, 0, head, &rule, (int8_t *)lanes, (size_t)row_lanes(l), &sum, scale);
    return lanes;
}

/* The elements of a value, one a lane, whole panels of them: in `lanes`, or where they are already. */
static const void *value_lanes(const lb_store_layout *l, const lb_isa_unit *unit, const float *value, uint32_t *lanes,
                               float *scale) {
    uint8_t *codes = (uint8_t *)(lanes + row_lanes(l));
    if (is_float(l) && l->head % LB_PANEL == 0) return value;
    if (is_float(l)) memcpy(lanes, value, (size_t)l->head * sizeof *value);
    if (has_scales(l)) *scale = code_row(l, unit, value, codes);
    for (int64_t i = 0; has_scales(l) && i < l->head; i++) lanes[i] = codes[i];
    for (int64_t i = 0; is_bits(l) && i < l->head; i++) lanes[i] = !(value[i] < 0);
    for (int64_t i = l->head; i % LB_PANEL; i++) lanes[i] = 0;
    return lanes;
}

/* ---- lanes in their places ---- */

/* Vectors of any compiler for any CPU. */
typedef uint32_t words __attribute__((vector_size(16)));

static words load(const uint8_t *from) {
    words w;
    memcpy(&w, from, sizeof w);
    return w;
}

/* Four lines of four keys that stand side by side. */
static void turn_four(const uint8_t *const *keys, int64_t at, uint8_t *lines) {
    const words a = load(keys[0] + at), b = load(keys[1] + at), c = load(keys[2] + at), d = load(keys[3] + at);
    const words ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const words ef = __builtin_shufflevector(a, b, 2, 6, 3, 7), gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const words turned[] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                            __builtin_shufflevector(ef, gh, 0, 1, 4, 5), __builtin_shufflevector(ef, gh, 2, 3, 6, 7)};
    for (int64_t i = 0; i < 4; i++) memcpy(lines + i * LB_LINE, &turned[i], sizeof turned[i]);
}

/* The lanes of `count` keys, 1 or TOGETHER, as tokens t and on. */
static void put_keys(const lb_store_layout *l, const uint8_t *const *keys, int64_t count, int64_t t, uint8_t *store) {
    uint8_t *lines = store + t / LB_PANEL * l->key_lines * LB_LINE + t % LB_PANEL * 4;
    int64_t line = 0;
    for (; count == TOGETHER && line + 4 <= l->key_lines; line += 4) turn_four(keys, line * 4, lines + line * LB_LINE);
    for (; line < l->key_lines; line++)
        for (int64_t i = 0; i < count; i++) memcpy(lines + line * LB_LINE + i * 4, keys[i] + line * 4, 4);
}

/* The elements of a value into the field of token t of their lanes, which keep the others. */
static void put_value(const lb_store_layout *l, const uint8_t *elements, int64_t t, uint8_t *store) {
    const int64_t line_k = lb_line_k(l->format), bits = lb_bits(l->format), field = t % line_k;
    const int shift = (int)(8 * (field % 4) + bits * (field / 4));
    const uint32_t keep = is_float(l) ? 0 : ~(((1u << bits) - 1) << shift);
    uint8_t *line = store + l->values + t / line_k * LB_LINE;
    for (int64_t p = 0; p < lb_div_up(l->head, LB_PANEL); p++, line += l->value_lines * LB_LINE, elements += LB_LINE)
        for (int64_t at = 0; at < LB_LINE; at += (int64_t)sizeof(words)) {
            const words now = (load(line + at) & keep) | load(elements + at) << shift;
            memcpy(line + at, &now, sizeof now);
        }
}

static float *key_scales(const lb_store_layout *l, const void *store) {
    return (float *)(uintptr_t)((const uint8_t *)store + l->key_scales);
}

const float *lb_store_value_scales(const lb_store_layout *l, const void *store) {
    return has_scales(l) ? (const float *)(const void *)((const uint8_t *)store + l->value_scales) : NULL;
}

void lb_store_put(const lb_store_layout *l, const lb_isa_unit *unit, const lb_store_rows *rows, int64_t t,
                  void *scratch, void *store) {
    float *scales = key_scales(l, store), *value_scales = (float *)(uintptr_t)lb_store_value_scales(l, store), ignored;
    uint32_t *lanes = scratch;
    for (int64_t r = 0, count; r < rows->count; r += count) {
        const uint8_t *keys[TOGETHER];
        count = (t + r) % TOGETHER == 0 && r + TOGETHER <= rows->count ? TOGETHER : 1;
        for (int64_t i = 0; i < count; i++)
            keys[i] = key_lanes(l, unit, rows->keys + (r + i) * rows->key_stride, lanes + i * row_lanes(l),
                                value_scales ? scales + t + r + i : &ignored);
        put_keys(l, keys, count, t + r, store);
        for (int64_t i = r; i < r + count; i++)
            put_value(l,
                      value_lanes(l, unit, rows->values + i * rows->value_stride, lanes,
                                  value_scales ? value_scales + t + i : &ignored),
                      t + i, store);
    }
}

/* ---- as weights ---- */

static lowbit_packed weights(const lb_store_layout *l, int64_t n, int64_t k, const uint8_t *lines,
                             const float *scales) {
    const lowbit_weight_type type = {.struct_size = sizeof type, .format = l->format->id};
    return (lowbit_packed){.struct_size = sizeof(lowbit_packed),
                           .type = type,
                           .n = n,
                           .k = k,
                           .groups = 1,
                           .lines = lines,
                           .panel_lines = lb_div_up(k, lb_line_k(l->format)),
                           .scales = is_float(l) ? NULL : scales};
}

lowbit_packed lb_store_keys(const lb_store_layout *l, const void *store, int64_t n, const float *ones) {
    return weights(l, n, l->head, store, has_scales(l) ? key_scales(l, store) : ones);
}

lowbit_packed lb_store_values(const lb_store_layout *l, const void *store, int64_t n, const float *ones) {
    return weights(l, l->head, n, (const uint8_t *)store + l->values, ones);
}
