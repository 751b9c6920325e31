/* SPDX-License-Identifier: Apache-2.0 */
/* Attention against its law: every kind on shapes of all sorts, with caches and without, at every level, on any
 * threads. */
#include "nn/attention.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/softmax.h"
#include "tests/attention_oracle.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"

static lb_attention *make(const lowbit_ctx *ctx, const attention_sample *s) {
    const lb_attention_options options = {.kind = s->kind, .tokens = s->tokens};
    lb_attention *attention = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(lb_attention_create(ctx, &s->shape, &options, &attention, &error) == LOWBIT_OK))
        printf("%s\n", error.message);
    return attention;
}

/* One run in scratch and output of their exact sizes, both of random garbage. */
static void run(const lb_attention *attention, const lb_attention_call *call, int64_t rows, int64_t width,
                const lowbit_pool *pool) {
    const int64_t bytes = lb_attention_workspace(attention, pool ? pool->num_threads(pool->user) : 1);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    lowbit_error error = LOWBIT_ERROR_INIT;
    memset(workspace, (int)check_random_in(0, 255), (size_t)bytes);
    const long before = heap_calls();
    if (!CHECK(lb_attention_run(attention, call, workspace, bytes, pool, &error) == LOWBIT_OK))
        printf("%s\n", error.message);
    CHECK(heap_calls() == before);
    for (int64_t i = 0; i + 1 < rows; i++) /* the gap between rows is not ours */
        for (int64_t e = width; e < call->out_stride; e++) {
            uint32_t bits;
            memcpy(&bits, call->out + i * call->out_stride + e, sizeof bits);
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
        check_same_floats(out, exact, rows, width, stride, width);
    }
    free(exact);
    free(want);
}

static void check_sample(const lowbit_ctx *ctx, const attention_sample *s, const lowbit_pool *pool) {
    const int64_t stride = attention_width(s) + 1;
    lb_attention *attention = make(ctx, s);
    if (!attention) return;
    float *out = result(s, stride);
    const lb_attention_call call = attention_call_of(s, out, stride);
    run(attention, &call, attention_rows(s), attention_width(s), pool);
    check_law(s, out, stride);
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
