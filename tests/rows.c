/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing rows of activations: the scalar unit against the law, and every SIMD unit against the scalar one, bit for
 * bit, between pages that cannot be touched. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "tests/check.h"

enum { MOST = 200, PADDED = 512, MOST_GROUPS = PADDED / 16 };

enum {
    KIND_RANDOM,
    KIND_TIES,
    KIND_NAN,
    KIND_INFINITE,
    KIND_TINY,  /* all below 2^-100: codes 0 */
    KIND_LEAST, /* the largest is 2^-100 itself: coded */
    KIND_DENORMAL,
    KIND_ZERO, /* of both signs */
    KIND_HUGE,
    KIND_MIXED, /* any finite bits */
    KINDS
};

/* A row of `k` values; where a kind means one special element, it stands anywhere. */
static void fill_row(float *x, int64_t k, int kind) {
    const int64_t place = check_random_in(0, k - 1);
    for (int64_t i = 0; i < k; i++) {
        const float u = check_random_float(-1, 1);
        switch (kind) {
            case KIND_TIES: x[i] = ((float)check_random_in(-127, 126) + 0.5f) * 0x1p-3f; break;
            case KIND_TINY: x[i] = u * 0x1.fffffep-101f; break;
            case KIND_LEAST: x[i] = u * 0x1p-100f; break;
            case KIND_DENORMAL: x[i] = u * FLT_MIN; break;
            case KIND_ZERO: x[i] = u < 0 ? -0.0f : 0.0f; break;
            case KIND_HUGE: x[i] = u < 0 ? -FLT_MAX : u * FLT_MAX; break;
            case KIND_MIXED: x[i] = ldexpf(u, (int)check_random_in(-149, 127)); break;
            default: x[i] = u; break;
        }
    }
    const float sign = check_random() & 1 ? -1.0f : 1.0f;
    if (kind == KIND_TIES) x[place] = sign * 127 * 0x1p-3f; /* so that r is 8 and x * r ends in .5 */
    if (kind == KIND_NAN) x[place] = copysignf(NAN, sign);
    if (kind == KIND_INFINITE) x[place] = sign * INFINITY;
    if (kind == KIND_TINY) x[place] = sign * 0x1.fffffep-101f;
    if (kind == KIND_LEAST) x[place] = sign * 0x1p-100f;
}

typedef struct quantized {
    int8_t codes[PADDED];
    int32_t sums[MOST_GROUPS];
    float scale;
} quantized;

static float half_to_even(float x) {
    const float below = floorf(x), rest = x - below;
    return rest > 0.5f || (rest == 0.5f && fmodf(below, 2) != 0) ? below + 1 : below;
}

/* docs/numerics.md and lowbit_quantize_rows_static, element by element. */
static void law_fixed(const float *x, int64_t k, int64_t group, const lb_row_rule *rule, quantized *q) {
    memset(q, 0, sizeof *q);
    q->scale = rule->scale;
    for (int64_t i = 0; i < k; i++) {
        const float steps = x[i] * (1 / rule->scale);
        const float code = steps > 1000 ? 1000 : steps < -1000 ? -1000 : half_to_even(steps);
        const int32_t shifted = isnan(x[i]) ? rule->zero : (int32_t)code + rule->zero;
        if (isnan(x[i])) q->scale = NAN;
        q->codes[i] = (int8_t)(shifted < -128 ? -128 : shifted > 127 ? 127 : shifted);
        q->sums[i / group] += q->codes[i];
    }
}

/* docs/numerics.md and lowbit_quantize_rows, element by element. */
static void law(const float *x, int64_t k, int64_t group, quantized *q) {
    float most = 0;
    bool finite = true;
    for (int64_t i = 0; i < k; i++) {
        finite = finite && isfinite(x[i]);
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    }
    memset(q, 0, sizeof *q);
    q->scale = !finite ? NAN : most < 0x1p-100f ? 0 : most / 127;
    for (int64_t i = 0; finite && most >= 0x1p-100f && i < k; i++) {
        const float code = half_to_even(x[i] * (127 / most));
        q->codes[i] = (int8_t)(code < -127 ? -127 : code > 127 ? 127 : code);
        q->sums[i / group] += q->codes[i];
    }
}

/* Rooms that end, or begin, at a page which cannot be touched. */
typedef struct rooms {
    int side;
    uint8_t *x, *codes, *sums, *scale;
} rooms;

static rooms make_rooms(int side) {
    return (rooms){side, check_guarded(MOST * 4, side), check_guarded(PADDED, side),
                   check_guarded(MOST_GROUPS * 4, side), check_guarded(4, side)};
}

static void *inside(const rooms *r, uint8_t *room, size_t whole, size_t used) {
    return r->side == CHECK_GUARD_AFTER ? room + (whole - used) : room;
}

static void check_unit(const rooms *r, const lb_isa_unit *unit, const lb_row_rule *rule, const float *x, int64_t k,
                       int64_t group, size_t padded, const quantized *want) {
    const size_t groups = (size_t)lb_div_up(k, group);
    int8_t *codes = inside(r, r->codes, PADDED, padded);
    int32_t *sums = inside(r, r->sums, MOST_GROUPS * 4, groups * 4);
    float scale;
    memset(r->codes, 0xA5, PADDED);
    memset(r->sums, 0xA5, MOST_GROUPS * 4);
    unit->quantize_row(x, (size_t)k, 0, (size_t)group, rule, codes, padded, sums, (float *)(void *)r->scale);
    memcpy(&scale, r->scale, sizeof scale);
    CHECK(memcmp(codes, want->codes, padded) == 0);
    CHECK(memcmp(sums, want->sums, groups * sizeof *sums) == 0);
    CHECK(memcmp(&scale, &want->scale, sizeof scale) == 0 || (isnan(scale) && isnan(want->scale)));
}

/* Steps of 1/8 make ties of KIND_TIES; of any other size, also the least and one beyond which nothing but 0 is left. */
static lb_row_rule any_rule(void) {
    static const float kScales[] = {0x1p-3f, 0x1p-126f, FLT_MAX, 0.01f};
    return (lb_row_rule){LB_ROWS_FIXED, -128, 127,
                         check_random() & 1 ? kScales[check_random_in(0, 3)] : check_random_float(0.001f, 0.1f),
                         (int32_t)check_random_in(-128, 127)};
}

static void check_row(const lowbit_ctx *ctx, const rooms *r, int64_t k, int64_t group, int kind) {
    float *x = inside(r, r->x, MOST * 4, (size_t)k * 4);
    const lb_row_rule rule = any_rule(), absmax = lb_row_rule_for(LOWBIT_A8);
    quantized want, want_fixed;
    const size_t padded = (size_t)lb_round_up(k, LB_LINE) + (check_random() & 1 ? LB_LINE : 0);
    fill_row(x, k, kind);
    law(x, k, group, &want);
    law_fixed(x, k, group, &rule, &want_fixed);
    for (size_t u = 0; lb_unit_at(u); u++) {
        const lb_isa_unit *unit = lb_unit_at(u);
        if (!(unit->isa & ctx->isa_enabled)) continue;
        check_context("%s: k %d group %d kind %d", lb_unit_name(unit), (int)k, (int)group, kind);
        check_unit(r, unit, &absmax, x, k, group, padded, &want);
        check_context("%s: k %d group %d kind %d scale %g zero %d", lb_unit_name(unit), (int)k, (int)group, kind,
                      (double)rule.scale, rule.zero);
        check_unit(r, unit, &rule, x, k, group, padded, &want_fixed);
    }
}

void subject_rows(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const int64_t kGroups[] = {0, 16, 32, 48, 64, 128};
    for (int side = CHECK_GUARD_AFTER; side <= CHECK_GUARD_BEFORE; side++) {
        const rooms r = make_rooms(side);
        for (int64_t k = 1; k <= MOST; k++)
            for (int kind = 0; kind < KINDS; kind++)
                for (size_t g = 0; g < LB_COUNT(kGroups); g++) check_row(ctx, &r, k, kGroups[g] ? kGroups[g] : k, kind);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- the public door: sizes, places, pools ---- */

static void check_matrix(const lowbit_ctx *ctx, int64_t m, int64_t k, int64_t group, const lowbit_pool *pool) {
    const int64_t stride = k + check_random_in(0, 3);
    float *a = check_guarded((size_t)((m - 1) * stride + k) * sizeof *a, CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < m; i++) fill_row(a + i * stride, k, (int)check_random_in(0, KINDS - 1));
    lowbit_rows rows = {.struct_size = sizeof rows};
    const lb_row_rule rule = any_rule();
    const bool fixed = check_random() & 1;
    int64_t bytes = 0;
    check_context("%lld x %lld group %lld fixed %d", (long long)m, (long long)k, (long long)group, fixed);
    CHECK(lowbit_rows_size(m, k, group, &bytes, NULL) == LOWBIT_OK && bytes % 64 == 0);
    uint8_t *memory = check_guarded((size_t)bytes, (int)(check_random() & 1));
    const lowbit_matrix view = {a, m, k, stride};
    const lowbit_status status =
        fixed ? lowbit_quantize_rows_static(ctx, &view, group, rule.scale, rule.zero, memory, bytes, pool, &rows, NULL)
              : lowbit_quantize_rows(ctx, &view, group, memory, bytes, pool, &rows, NULL);
    if (!CHECK(status == LOWBIT_OK)) return;
    CHECK(rows.m == m && rows.k == k && rows.stride % 64 == 0 && rows.stride >= k &&
          rows.groups == lb_groups(k, group) && rows.zero == (fixed ? rule.zero : 0));
    for (int64_t i = 0; i < m; i++) {
        quantized want;
        if (fixed)
            law_fixed(a + i * stride, k, group ? group : k, &rule, &want);
        else
            law(a + i * stride, k, group ? group : k, &want);
        CHECK(memcmp(rows.codes + i * rows.stride, want.codes, (size_t)lb_round_up(k, 64)) == 0);
        CHECK(memcmp(rows.sums + i * rows.groups, want.sums, (size_t)rows.groups * sizeof *rows.sums) == 0);
        CHECK(memcmp(&rows.scales[i], &want.scale, sizeof(float)) == 0 || isnan(want.scale));
    }
    check_guard_free_all();
}

/* A program that was compiled before rows had a zero point: nothing is written behind its struct. */
static void check_older(const lowbit_ctx *ctx) {
    float x[8] = {1, 2, 3};
    static _Alignas(64) uint8_t memory[1024];
    const lowbit_matrix view = {x, 1, 8, 8};
    lowbit_rows rows;
    memset(&rows, 0x5A, sizeof rows);
    rows.struct_size = offsetof(lowbit_rows, zero);
    check_context("%s", "rows of an older program");
    CHECK(lowbit_quantize_rows(ctx, &view, 0, memory, sizeof memory, NULL, &rows, NULL) == LOWBIT_OK);
    CHECK(rows.zero == 0x5A5A5A5A && rows.m == 1 && rows.struct_size == offsetof(lowbit_rows, zero));
    CHECK(lowbit_quantize_rows_static(ctx, &view, 0, 1, 0, memory, sizeof memory, NULL, &rows, NULL) == LOWBIT_OK);
    CHECK(lowbit_quantize_rows_static(ctx, &view, 0, 1, 3, memory, sizeof memory, NULL, &rows, NULL) ==
          LOWBIT_INVALID_ARGUMENT);
}

void subject_rows_matrix(void) {
    lowbit_ctx *ctx = NULL;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    options.threads = 3;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
    for (int round = 0; round < 200; round++)
        check_matrix(ctx, check_random_in(1, 20), check_random_in(1, MOST), 16 * check_random_in(0, 9),
                     round & 1 ? &pool : NULL);
    check_older(ctx);
    lowbit_pool_destroy(&pool);
    lowbit_ctx_destroy(ctx);
}
