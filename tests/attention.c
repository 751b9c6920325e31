/* SPDX-License-Identifier: Apache-2.0 */
/* Attention against its law: every kind on shapes of all sorts, with caches and without, at every level, on any
 * threads. */
#include "nn/attention.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/attention_oracle.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"

static lb_attention *make(const lowbit_ctx *ctx, const attention_sample *s) {
    static const int64_t kMore[] = {0, 0, 1, 20, 1500, 6000};
    const int64_t tokens = s->tokens + kMore[check_random_in(0, LB_COUNT(kMore) - 1)];
    const lb_attention_options options = {.kind = s->kind, .tokens = tokens};
    lb_attention *attention = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(lb_attention_create(ctx, &s->shape, &options, &attention, &error) == LOWBIT_OK))
        printf("%s\n", error.message);
    return attention;
}

/* One run in scratch of its exact size and of random garbage. */
static void run(const lb_attention *attention, const lb_attention_call *call, const lowbit_pool *pool) {
    const int64_t bytes = lb_attention_workspace(attention, pool ? pool->num_threads(pool->user) : 1);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    lowbit_error error = LOWBIT_ERROR_INIT;
    memset(workspace, (int)check_random_in(0, 255), (size_t)bytes);
    const long before = heap_calls();
    if (!CHECK(lb_attention_run(attention, call, workspace, bytes, pool, &error) == LOWBIT_OK))
        printf("%s\n", error.message);
    CHECK(heap_calls() == before);
}

/* What stands between the rows of a result is not ours. */
static void check_gaps(const float *out, int64_t rows, int64_t width, int64_t stride) {
    for (int64_t i = 0; i + 1 < rows; i++)
        for (int64_t e = width; e < stride; e++) {
            uint32_t bits;
            memcpy(&bits, out + i * stride + e, sizeof bits);
            if (bits != 0xA5A5A5A5) CHECK(bits == 0xA5A5A5A5);
        }
}

/* A result in memory that ends with it. */
static float *result(const attention_sample *s, int64_t stride) {
    const int64_t rows = attention_rows(s), width = attention_width(s);
    return check_guarded((size_t)((rows - 1) * stride + width) * sizeof(float), CHECK_GUARD_AFTER);
}

static void check_law(const attention_sample *s, const float *out, int64_t stride) {
    const int64_t rows = attention_rows(s), width = attention_width(s), count = rows * width;
    double *want = malloc((size_t)(2 * count) * sizeof *want), *bound = want + count;
    float *exact = malloc((size_t)count * sizeof *exact);
    attention_law(s, want, bound);
    for (int64_t i = 0; i < count; i++) {
        const double got = (double)out[i / width * stride + i % width];
        if (fabs(got - want[i]) <= bound[i]) continue;
        printf("row %lld, element %lld: %g, not %g within %g\n", (long long)(i / width), (long long)(i % width), got,
               want[i], bound[i]);
        CHECK(!"within the bound");
        break;
    }
    if (s->kind == LB_ATTENTION_I8) {
        attention_integers(s, exact);
        CHECK(check_same_floats(out, exact, rows, width, stride, width));
    }
    free(exact);
    free(want);
}

static void check_sample(const lowbit_ctx *ctx, const attention_sample *s, const lowbit_pool *pool) {
    const int64_t stride = attention_width(s) + 1;
    lb_attention *attention = make(ctx, s);
    if (!attention) return;
    float *out = result(s, stride);
    lb_attention_call call = attention_call_of(s, out, stride);
    run(attention, &call, pool);
    check_gaps(out, attention_rows(s), attention_width(s), stride);
    check_law(s, out, stride);
    call.out = s->qkv; /* in the place of q */
    call.out_stride = s->stride;
    run(attention, &call, pool);
    CHECK(check_same_floats(s->qkv, out, attention_rows(s), attention_width(s), s->stride, stride));
    lb_attention_destroy(attention);
    check_guard_free_all();
}

/* ---- shapes ---- */

static lb_attention_shape random_shape(void) {
    static const int64_t kHeads[][2] = {{1, 1}, {2, 2}, {3, 1}, {4, 2}, {6, 3}, {5, 5}};
    static const int64_t kHead[] = {1, 2, 4, 8, 15, 16, 20, 32, 48, 64, 65, 80, 128};
    const int64_t *heads = kHeads[check_random_in(0, LB_COUNT(kHeads) - 1)];
    lb_attention_shape shape = {.heads = heads[0], .kv_heads = heads[1], .head = kHead[check_random_in(0, 12)]};
    shape.scale = check_random() % 4 ? 1 / sqrtf((float)shape.head) : 0.25f;
    shape.causal = check_random() % 2;
    if (shape.head % 2 == 0 && check_random() % 2) shape.rope_base = check_random() % 2 ? 10000.0f : 500.0f;
    shape.rope_halves = check_random() % 2;
    return shape;
}

void subject_attention(void) {
    lowbit_ctx *ctx = context_with(0);
    const lowbit_pool pool = pool_shuffled();
    for (int i = 0; i < 240; i++) {
        const lb_attention_shape shape = random_shape();
        attention_sample s;
        attention_sample_make(&s, &shape, (uint32_t)i % LB_ATTENTION_KINDS, check_random_in(1, i % 5 ? 40 : 200));
        attention_sample_print(&s, "");
        check_sample(ctx, &s, i % 2 ? &pool : NULL);
        attention_sample_free(&s);
    }
    for (uint32_t kind = 0; kind < LB_ATTENTION_KINDS; kind++) { /* tiles of fewer rows */
        const lb_attention_shape shape = {.heads = 2, .kv_heads = 1, .head = 8, .scale = 0.5f, .causal = true};
        attention_sample s;
        attention_sample_make(&s, &shape, kind, 1400);
        attention_sample_print(&s, "long");
        check_sample(ctx, &s, NULL);
        attention_sample_free(&s);
    }
    lowbit_ctx_destroy(ctx);
}

/* Each level of the machine with those below it. */
void subject_attention_levels(void) {
    static const lb_attention_shape kShapes[] = {
        {.heads = 2, .kv_heads = 2, .head = 64, .scale = 0.125f},
        {.heads = 4, .kv_heads = 2, .head = 24, .scale = 0.2f, .causal = true, .rope_base = 10000}};
    lowbit_ctx *all = context_with(0);
    lowbit_isa_info isa = {.struct_size = sizeof isa};
    uint32_t mask = 0;
    for (size_t level = 0; lowbit_isa_get(all, level, &isa, NULL) == LOWBIT_OK; level++) {
        if (!isa.enabled) continue;
        lowbit_ctx *ctx = context_with(mask |= isa.bit);
        for (uint32_t i = 0; i < LB_ATTENTION_KINDS * LB_COUNT(kShapes); i++) {
            attention_sample s;
            attention_sample_make(&s, &kShapes[i % LB_COUNT(kShapes)], i / LB_COUNT(kShapes), 70);
            attention_sample_print(&s, isa.name);
            check_sample(ctx, &s, NULL);
            attention_sample_free(&s);
        }
        lowbit_ctx_destroy(ctx);
    }
    lowbit_ctx_destroy(all);
}

/* ---- threads ---- */

void subject_attention_threads(void) {
    static const uint32_t kThreads[] = {2, 3, 7};
    lowbit_ctx *ctx = context_with(0);
    for (uint32_t i = 0; i < 12; i++) {
        lb_attention_shape shape = random_shape();
        attention_sample s;
        shape.kv_heads = i % 4 ? 6 : 1; /* enough for all threads to have some, and too few */
        shape.heads = shape.kv_heads * check_random_in(1, 2);
        attention_sample_make(&s, &shape, i % LB_ATTENTION_KINDS, 200);
        attention_sample_print(&s, "threads");
        const int64_t rows = attention_rows(&s), width = attention_width(&s);
        lb_attention *attention = make(ctx, &s);
        float *alone = result(&s, width), *out = result(&s, width);
        lb_attention_call call = attention_call_of(&s, alone, width);
        run(attention, &call, NULL);
        call.out = out;
        for (size_t t = 0; t < LB_COUNT(kThreads); t++) {
            lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
            lowbit_pool pool = LOWBIT_POOL_INIT;
            options.threads = kThreads[t];
            CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
            memset(out, 0, (size_t)(rows * width) * sizeof *out);
            run(attention, &call, &pool);
            CHECK(check_same_floats(out, alone, rows, width, width, width));
            lowbit_pool_destroy(&pool);
        }
        lb_attention_destroy(attention);
        check_guard_free_all();
        attention_sample_free(&s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- caches ---- */

/* A sample that is fed in pieces of its sequences, as a decoder would. */
typedef struct feeding {
    const attention_sample *s;
    lb_attention *attention;
    lb_attention_cache *caches[ATTENTION_SEQUENCES];
    float *out; /* [rows][width] */
} feeding;

static void begin_feeding(feeding *f, const lowbit_ctx *ctx, const attention_sample *s) {
    *f = (feeding){.s = s, .attention = make(ctx, s), .out = result(s, attention_width(s))};
    for (int64_t i = 0; i < s->sequences; i++)
        CHECK(lb_attention_cache_create(f->attention, &f->caches[i], NULL) == LOWBIT_OK);
}

static void end_feeding(feeding *f) {
    for (int64_t i = 0; i < f->s->sequences; i++) lb_attention_cache_destroy(f->caches[i]);
    lb_attention_destroy(f->attention);
}

/* The next rows of all sequences, up to `most` of each; false when there were none. */
static bool feed(feeding *f, int64_t most, const lowbit_pool *pool) {
    const attention_sample *s = f->s;
    const int64_t width = attention_width(s), row = s->stride;
    attention_sample piece = *s;
    int64_t from[ATTENTION_SEQUENCES] = {0};
    for (int64_t i = 0; i < s->sequences; i++) {
        from[i] = s->first[i] + lb_attention_cache_length(f->caches[i]);
        piece.first[i + 1] = piece.first[i] + lb_min(most, s->first[i + 1] - from[i]);
    }
    if (attention_rows(&piece) == 0) return false;
    piece.qkv = malloc((size_t)(attention_rows(&piece) * row) * sizeof(float));
    for (int64_t i = 0; i < s->sequences; i++)
        memcpy(piece.qkv + piece.first[i] * row, s->qkv + from[i] * row,
               (size_t)((piece.first[i + 1] - piece.first[i]) * row) * sizeof(float));
    float *out = result(&piece, width);
    lb_attention_call call = attention_call_of(&piece, out, width);
    call.caches = f->caches;
    run(f->attention, &call, pool);
    for (int64_t i = 0; i < s->sequences; i++)
        memcpy(f->out + from[i] * width, out + piece.first[i] * width,
               (size_t)((piece.first[i + 1] - piece.first[i]) * width) * sizeof(float));
    free(piece.qkv);
    return true;
}

static void feed_all(feeding *f, const lowbit_pool *pool) {
    while (feed(f, check_random() % 2 ? 1 : check_random_in(1, 30), pool)) {
    }
}

/* What a cache held and forgot leaves no trace. */
static void fill_with_others(feeding *f, const lowbit_pool *pool) {
    const int64_t count = attention_rows(f->s) * f->s->stride;
    for (int64_t i = 0; i < count; i++) f->s->qkv[i] *= -1.5f;
    feed_all(f, pool);
    for (int64_t i = 0; i < count; i++) f->s->qkv[i] /= -1.5f;
    for (int64_t i = 0; i < f->s->sequences; i++) CHECK(lb_attention_cache_rewind(f->caches[i], 0, NULL) == LOWBIT_OK);
}

/* Forgets some tokens, and hears that it cannot forget what is not there. */
static void rewind_some(feeding *f) {
    for (int64_t i = 0; i < f->s->sequences; i++) {
        const int64_t length = lb_attention_cache_length(f->caches[i]);
        CHECK(length == f->s->first[i + 1] - f->s->first[i]);
        CHECK(lb_attention_cache_rewind(f->caches[i], length + 1, NULL) == LOWBIT_INVALID_ARGUMENT);
        CHECK(lb_attention_cache_rewind(f->caches[i], -1, NULL) == LOWBIT_INVALID_ARGUMENT);
        CHECK(lb_attention_cache_rewind(f->caches[i], check_random_in(0, length), NULL) == LOWBIT_OK);
    }
}

static void check_cache(const lowbit_ctx *ctx, const attention_sample *s, const lowbit_pool *pool) {
    const int64_t rows = attention_rows(s), width = attention_width(s);
    feeding f;
    begin_feeding(&f, ctx, s);
    fill_with_others(&f, pool);
    float *whole = result(s, width);
    const lb_attention_call call = attention_call_of(s, whole, width);
    run(f.attention, &call, pool);
    for (int round = 0; round < 2; round++) {
        feed_all(&f, pool);
        check_law(s, f.out, width);
        if (s->kind != LB_ATTENTION_F32) CHECK(check_same_floats(f.out, whole, rows, width, width, width));
        rewind_some(&f);
    }
    end_feeding(&f);
    check_guard_free_all();
}

void subject_attention_cache(void) {
    lowbit_ctx *ctx = context_with(0);
    const lowbit_pool pool = pool_shuffled();
    for (int i = 0; i < 60; i++) {
        lb_attention_shape shape = random_shape();
        attention_sample s;
        shape.causal = true;
        attention_sample_make(&s, &shape, (uint32_t)i % LB_ATTENTION_KINDS, check_random_in(1, i % 5 ? 40 : 150));
        attention_sample_print(&s, "cache");
        check_cache(ctx, &s, i % 2 ? &pool : NULL);
        attention_sample_free(&s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- what is not a number ---- */

/* A key that is not a number spoils the rows that see it, in the heads that it serves, and no others. */
void subject_attention_nan(void) {
    const lb_attention_shape shape = {.heads = 4, .kv_heads = 2, .head = 16, .scale = 0.25f, .causal = true};
    lowbit_ctx *ctx = context_with(0);
    for (uint32_t kind = LB_ATTENTION_F32; kind <= LB_ATTENTION_I8; kind++) {
        attention_sample s;
        attention_sample_make(&s, &shape, kind, 60);
        attention_sample_print(&s, "a NaN");
        const int64_t width = attention_width(&s), rows = attention_rows(&s), bad = check_random_in(0, rows - 1);
        const int64_t spoiled = check_random_in(0, 1);
        int64_t end = 0;
        for (int64_t i = 0; end <= bad; i++) end = s.first[i + 1];
        s.qkv[bad * s.stride + width + spoiled * shape.head + check_random_in(0, 15)] = NAN;
        lb_attention *attention = make(ctx, &s);
        float *out = result(&s, width);
        const lb_attention_call call = attention_call_of(&s, out, width);
        run(attention, &call, NULL);
        for (int64_t i = 0; i < rows * width; i++) {
            const bool sees = i / width >= bad && i / width < end && i % width / (2 * shape.head) == spoiled;
            if (isnan(out[i]) != sees) CHECK(isnan(out[i]) == sees);
        }
        lb_attention_destroy(attention);
        check_guard_free_all();
        attention_sample_free(&s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- refusals ---- */

static void refused(const lowbit_ctx *ctx, lb_attention_shape shape, uint32_t kind, int64_t tokens) {
    const lb_attention_options options = {.kind = kind, .tokens = tokens};
    lb_attention *attention = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lb_attention_create(ctx, &shape, &options, &attention, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(!attention && error.message[0]);
}

static void check_calls(const lowbit_ctx *ctx, const lb_attention_shape *shape) {
    const lb_attention_options options = {.tokens = 4}, other = {.tokens = 4, .kind = LB_ATTENTION_I8};
    lb_attention *attention = NULL, *another = NULL;
    lb_attention_cache *cache = NULL, *foreign = NULL;
    CHECK(lb_attention_create(ctx, shape, &options, &attention, NULL) == LOWBIT_OK);
    CHECK(lb_attention_create(ctx, shape, &other, &another, NULL) == LOWBIT_OK);
    CHECK(lb_attention_cache_create(attention, &cache, NULL) == LOWBIT_OK);
    CHECK(lb_attention_cache_create(another, &foreign, NULL) == LOWBIT_OK);
    const int64_t bytes = lb_attention_workspace(attention, 1), width = shape->heads * shape->head;
    float *x = check_guarded((size_t)(5 * width) * sizeof *x, CHECK_GUARD_AFTER);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    const int64_t five[] = {0, 5}, three[] = {0, 3}, back[] = {3, 0};
    for (int64_t i = 0; i < 5 * width; i++) x[i] = 1;
    lb_attention_call call = {x, x, x, width, width, width, x, width, 1, five, NULL};
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    call.first = back;
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    call.first = three;
    CHECK(lb_attention_run(attention, &call, workspace, bytes - 1, NULL, NULL) == LOWBIT_TOO_SMALL);
    call.caches = &foreign;
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    call.caches = &cache;
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_OK);
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_INVALID_ARGUMENT); /* full */
    CHECK(lb_attention_cache_length(cache) == 3 && lb_attention_cache_bytes(cache) > 0);
    call.sequences = 0;
    CHECK(lb_attention_run(attention, &call, workspace, bytes, NULL, NULL) == LOWBIT_OK);
    lb_attention_cache_destroy(cache);
    lb_attention_cache_destroy(foreign);
    lb_attention_destroy(attention);
    lb_attention_destroy(another);
    check_guard_free_all();
}

void subject_attention_refusals(void) {
    const lb_attention_shape good = {.heads = 2, .kv_heads = 2, .head = 8, .scale = 1};
    lowbit_ctx *ctx = context_with(0);
    lb_attention_shape bad[] = {good, good, good, good, good, good, good};
    bad[0].heads = 0, bad[1].kv_heads = 0, bad[2].heads = 3, bad[3].head = 0, bad[4].scale = 0;
    bad[5].scale = NAN, bad[6].head = 7, bad[6].rope_base = 10000;
    check_context("refusals of attention");
    for (size_t i = 0; i < LB_COUNT(bad); i++) refused(ctx, bad[i], LB_ATTENTION_F32, 4);
    refused(ctx, good, LB_ATTENTION_KINDS, 4);
    refused(ctx, good, LB_ATTENTION_F32, 0);
    refused(ctx, good, LB_ATTENTION_F32, INT64_C(1) << 40);
    check_calls(ctx, &good);
    lb_attention_destroy(NULL);
    lb_attention_cache_destroy(NULL);
    lowbit_ctx_destroy(ctx);
}
