/* SPDX-License-Identifier: Apache-2.0 */
/* The packed blob: bit-exact both ways, byte by byte what the formula of kernels/layout.h says, and the same whoever
 * packs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"

static const int32_t kGroups[] = {LOWBIT_GROUP_ROW, LOWBIT_GROUP_TENSOR, 16, 32, 64, 96, 128, 1024};

/* Calls `visit` for every legal type. */
static void each_type(const lowbit_ctx *ctx, void (*visit)(const lowbit_ctx *ctx, const lowbit_weight_type *type)) {
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (uint32_t offset = LOWBIT_SYMMETRIC; offset <= LOWBIT_MINIMUM; offset++)
            for (uint32_t scale = 0; scale < LB_SCALE_TYPES; scale++)
                for (size_t g = 0; g < 2 * LB_COUNT(kGroups); g++) {
                    lowbit_weight_type type = LOWBIT_WEIGHT_TYPE_INIT;
                    type.format = f->id;
                    type.offset = offset;
                    type.scale_type = scale;
                    type.group = kGroups[g / 2];
                    type.progressive = g % 2;
                    if (lb_check_weight_type(&type, NULL) != LOWBIT_OK) continue;
                    check_context("format %s offset %u scale type %u group %d%s", f->name, offset, scale, type.group,
                                  type.progressive ? "p" : "");
                    visit(ctx, &type);
                }
}

static lowbit_weights make_weights(const lowbit_ctx *ctx, const lowbit_weight_type *type, int64_t n, int64_t k) {
    lowbit_weights w = {.struct_size = sizeof w, .type = *type, .n = n, .k = k};
    CHECK(lb_weights_alloc(ctx, &w, NULL) == LOWBIT_OK);
    weights_fill(&w, DATA_RANDOM);
    return w;
}

/* ---- the formula, told once more and slowly ---- */

static void put(uint8_t *bytes, uint64_t value, int count) {
    for (int i = 0; i < count; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t fnv(const uint8_t *bytes, int64_t count) {
    uint64_t sum = UINT64_C(14695981039346656037);
    for (int64_t i = 0; i < count; i++) {
        sum ^= bytes[i];
        sum *= UINT64_C(1099511628211);
    }
    return sum;
}

/* Eight sums, each over every eighth 64-bit word; then one over their bytes. */
static uint64_t naive_payload_sum(const uint8_t *payload, int64_t bytes) {
    uint8_t sums[64];
    for (int lane = 0; lane < 8; lane++) {
        uint64_t sum = UINT64_C(14695981039346656037) + (uint64_t)lane;
        for (int64_t at = lane * 8; at < bytes; at += 64) {
            uint64_t word = 0;
            for (int i = 0; i < 8; i++) word |= (uint64_t)payload[at + i] << (8 * i);
            sum = (sum ^ word) * UINT64_C(1099511628211);
        }
        put(sums + lane * 8, sum, 8);
    }
    return fnv(sums, sizeof sums);
}

static void naive_header_of(const lowbit_weights *w, int64_t bytes, uint8_t *blob) {
    const lb_format *f = lb_format_of(w->type.format);
    put(blob, UINT64_C(0x4b50544942574f4c), 8); /* "LOWBITPK" */
    put(blob + 8, 1, 2);                        /* version */
    put(blob + 10, 64, 2);                      /* bytes of the header */
    blob[12] = (uint8_t)lb_bits(f);
    blob[13] = (uint8_t)w->type.format;
    blob[14] = (uint8_t)w->type.scale_type;
    blob[15] = (uint8_t)w->type.offset;
    put(blob + 16, (uint64_t)w->n, 8);
    put(blob + 24, (uint64_t)w->k, 4);
    put(blob + 28, (uint64_t)lb_max(w->type.group, 0), 4);
    put(blob + 32, (uint64_t)bytes, 8);
    put(blob + 40, naive_payload_sum(blob + 64, bytes - 64), 8);
    put(blob + 48, 64, 4); /* alignment */
    blob[52] = (uint8_t)w->type.progressive;
    put(blob + 53, 0, 3);
    put(blob + 56, fnv(blob, 56), 8);
}

static void naive_scale(const lowbit_weights *w, float x, uint8_t *to) {
    switch (w->type.scale_type) {
        case LOWBIT_SCALE_F32: put(to, lb_float_bits(x), 4); break;
        case LOWBIT_SCALE_F16: put(to, lb_f16_from_float(x), 2); break;
        default: put(to, lb_float_bits(x) >> 16, 2); break;
    }
}

static int64_t up64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* k of a line: 4 for each field of a byte. */
static int64_t naive_line_k(const lowbit_weights *w) {
    return w->type.format == LOWBIT_T5 ? 20 : 32 / lb_bits(lb_format_of(w->type.format));
}

/* Trits c0 .. c4 are digits of v, the first one the most significant, and the byte is 256 v / 243, rounded up. Adds the
 * element to a byte that holds those before it. */
static void naive_trit(uint8_t *byte, int64_t field, uint32_t code) {
    static const uint32_t kWeights[] = {81, 27, 9, 3, 1};
    const uint32_t before = *byte * 243u / 256;
    *byte = (uint8_t)(((before + kWeights[field] * code) * 256 + 242) / 243);
}

static void naive_elements(const lowbit_weights *w, uint8_t *lines) {
    const int64_t line_k = naive_line_k(w), panel_lines = (w->k + line_k - 1) / line_k;
    const int64_t bits = lb_bits(lb_format_of(w->type.format));
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t k = 0; k < w->k; k++) {
            const int64_t at = n * w->stride + k, field = k % line_k / 4;
            uint8_t *lane = lines + (n / 16 * panel_lines + k / line_k) * 64 + n % 16 * 4;
            if (bits == 32)
                memcpy(lane, w->codes + at * 4, 4);
            else if (bits == 16)
                memcpy(lane + k % 2 * 2, w->codes + at * 2, 2);
            else if (w->type.format == LOWBIT_T5)
                naive_trit(&lane[k % 4], field, w->codes[at]);
            else
                lane[k % 4] |= (uint8_t)(w->codes[at] << (bits * field));
        }
}

/* The whole blob in memory that malloc made; its bytes in *bytes. */
static uint8_t *naive_pack(const lowbit_weights *w, int64_t *bytes) {
    const int64_t panels = (w->n + 15) / 16, line_k = naive_line_k(w);
    const int64_t groups = w->type.group > 0 ? (w->k + w->type.group - 1) / w->type.group : 1;
    const int64_t lines = panels * ((w->k + line_k - 1) / line_k), each = w->type.scale_type ? 2 : 4;
    const int64_t row_scales = !w->scales ? 0 : w->multipliers ? 1 : groups;
    const int64_t scales = 64 + lines * 64, zeros = scales + up64(panels * row_scales * 16 * each);
    const int64_t mins = zeros + (w->zeros ? up64(panels * groups * 16) : 0);
    const int64_t multipliers = mins + (w->mins ? up64(panels * groups * 16 * each) : 0);
    const int64_t book = multipliers + (w->multipliers ? up64(panels * groups * 16) : 0);
    const int8_t *values = lb_book_of(w);
    *bytes = book + (values ? 64 : 0) + 15 * 64;
    uint8_t *blob = calloc(1, (size_t)*bytes);
    naive_elements(w, blob + 64);
    if (values) memcpy(blob + book, values, 16);
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t g = 0; g < groups; g++) {
            const int64_t from = w->type.group == LOWBIT_GROUP_TENSOR ? 0 : n * groups + g;
            const int64_t to = (n / 16 * groups + g) * 16 + n % 16;
            if (!w->scales) {
                continue;
            } else if (w->multipliers) {
                blob[multipliers + to] = w->multipliers[from];
                naive_scale(w, w->scales[n], blob + scales + (n / 16 * 16 + n % 16) * each);
            } else {
                naive_scale(w, w->scales[from], blob + scales + to * each);
            }
            if (w->zeros) blob[zeros + to] = w->zeros[from];
            if (w->mins) naive_scale(w, w->mins[from], blob + mins + to * each);
        }
    naive_header_of(w, *bytes, blob);
    return blob;
}

/* ---- one type ---- */

static bool same_weights(const lowbit_weights *a, const lowbit_weights *b) {
    bool same = a->n == b->n && a->k == b->k && !a->zeros == !b->zeros && !a->mins == !b->mins &&
                !a->multipliers == !b->multipliers && !a->scales == !b->scales &&
                (!lb_book_of(a) || memcmp(lb_book_of(a), lb_book_of(b), 16) == 0);
    const int64_t groups = lb_groups(a->k, a->type.group);
    for (int64_t n = 0; same && n < a->n; n++) {
        const int64_t bytes = lb_codings[lb_format_of(a->type.format)->coding].element_bytes;
        same = memcmp(a->codes + n * a->stride * bytes, b->codes + n * b->stride * bytes, (size_t)(a->k * bytes)) == 0;
        for (int64_t g = 0; a->scales && g < groups; g++) {
            const int64_t i = lb_group_index(a, n, g), j = lb_group_index(b, n, g);
            const float *scale = a->scales + lb_scale_index(a, n, g);
            same = same && memcmp(scale, b->scales + lb_scale_index(b, n, g), sizeof(float)) == 0;
            same = same && (!a->multipliers || a->multipliers[i] == b->multipliers[j]);
            same = same && (!a->zeros || a->zeros[i] == b->zeros[j]);
            same = same && (!a->mins || memcmp(a->mins + i, b->mins + j, sizeof(float)) == 0);
        }
    }
    return same;
}

static void check_shape(const lowbit_ctx *ctx, const lowbit_weight_type *type, int64_t n, int64_t k) {
    lowbit_weights w = make_weights(ctx, type, n, k), back = {.struct_size = sizeof back};
    lowbit_packed packed = {.struct_size = sizeof packed};
    int64_t bytes = 0, naive_bytes = 0;
    uint8_t *naive = naive_pack(&w, &naive_bytes);
    CHECK(lowbit_packed_size(type, n, k, &bytes, NULL) == LOWBIT_OK && bytes == naive_bytes && bytes % 64 == 0);
    uint8_t *blob = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_pack(ctx, &w, blob, bytes, NULL, NULL) == LOWBIT_OK);
    CHECK(memcmp(blob, naive, (size_t)bytes) == 0);
    CHECK(lowbit_packed_open(blob, bytes, LOWBIT_OPEN_VERIFY, &packed, NULL) == LOWBIT_OK);
    CHECK(packed.n == n && packed.k == k && packed.bytes == bytes && packed.type.group == lb_max(type->group, 0));
    CHECK(lowbit_unpack(ctx, &packed, &back, NULL) == LOWBIT_OK && same_weights(&w, &back));
    lowbit_weights_free(ctx, &back);
    lowbit_weights_free(ctx, &w);
    free(naive);
    check_guard_free_all();
}

static void check_type(const lowbit_ctx *ctx, const lowbit_weight_type *type) {
    check_shape(ctx, type, 1, 1);
    check_shape(ctx, type, check_random_in(1, 50), check_random_in(1, 300));
}

void subject_packed(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    each_type(ctx, check_type);
    lowbit_ctx_destroy(ctx);
}

/* ---- who packs, and from where ---- */

static void check_pool(const lowbit_ctx *ctx, const lowbit_weights *w, const uint8_t *want, int64_t bytes,
                       const lowbit_pool *pool) {
    uint8_t *blob = check_guarded((size_t)bytes + 64, CHECK_GUARD_BEFORE);
    CHECK(lowbit_pack(ctx, w, blob, bytes + 64, pool, NULL) == LOWBIT_OK);
    CHECK(memcmp(blob, want, (size_t)bytes) == 0);
    for (int i = 0; i < 64; i++) CHECK(blob[bytes + i] == 0xA5); /* more room than needed is left alone */
}

void subject_packed_pools(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    sample s = sample_make(ctx, "i4mg32a8:m1n333k200", DATA_RANDOM);
    lowbit_pool reversed = pool_reversed(), shuffled = pool_shuffled();
    check_pool(ctx, &s.weights, s.blob, s.blob_bytes, &reversed);
    check_pool(ctx, &s.weights, s.blob, s.blob_bytes, &shuffled);
    for (uint32_t threads = 1; threads <= 7; threads += 2) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        options.threads = threads;
        CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
        check_pool(ctx, &s.weights, s.blob, s.blob_bytes, &pool);
        lowbit_pool_destroy(&pool);
    }
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* The caller's codes may lie in a larger matrix, and end at the end of a page. */
void subject_packed_strides(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const char *const kProblems[] = {"i8a8:m1n17k33", "i4zg32a8:m1n19k77", "i2a8:m1n16k95", "b1a8:m1n5k63",
                                            "i4zg32pa8:m1n19k77"};
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) {
        sample s = sample_make(ctx, kProblems[i], DATA_RANDOM);
        lowbit_weights w = s.weights;
        check_context("%s", kProblems[i]);
        w.stride = w.k + 5;
        w.codes = check_guarded((size_t)((w.n - 1) * w.stride + w.k), CHECK_GUARD_AFTER);
        for (int64_t n = 0; n < w.n; n++) memcpy(w.codes + n * w.stride, s.weights.codes + n * w.k, (size_t)w.k);
        check_pool(ctx, &w, s.blob, s.blob_bytes, NULL);
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}

/* Codes that the format lacks are refused by row, wherever they stand. */
void subject_packed_codes(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const char *const kProblems[] = {"i4a8:m1n21k50", "i2a8:m1n21k50", "t2a8:m1n21k50", "b1a8:m1n21k50"};
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) {
        sample s = sample_make(ctx, kProblems[i], DATA_RANDOM);
        const uint8_t codes = (uint8_t)lb_format_of(s.weights.type.format)->codes;
        for (int64_t at = 0; at < s.weights.n * s.weights.k; at += check_random_in(1, 30)) {
            lowbit_error error = LOWBIT_ERROR_INIT;
            const uint8_t kept = s.weights.codes[at];
            char row[32];
            snprintf(row, sizeof row, "row %d ", (int)(at / s.weights.k));
            check_context("%s code %lld", kProblems[i], (long long)at);
            s.weights.codes[at] = (uint8_t)(check_random() & 1 ? codes : 255);
            CHECK(lowbit_pack(ctx, &s.weights, s.blob, s.blob_bytes, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
            CHECK(strncmp(error.message, row, strlen(row)) == 0);
            s.weights.codes[at] = kept;
        }
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}
