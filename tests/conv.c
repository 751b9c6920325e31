/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions against their law: shapes of every kind, all that is multiplied, every kernel, any threads. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/formats/format.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/conv_sample.h"
#include "tests/hostile.h"

/* One run in scratch and output of their exact sizes, both of random garbage, of `batch` images. */
static void run(const lowbit_conv2d_plan *plan, const conv_sample *c, bool codes, int64_t batch,
                const lowbit_pool *pool, const void *want) {
    const int64_t n = c->conv.out_channels, stride = n + 1, m = c->shape.m / c->conv.batch * batch;
    const int64_t bytes_each = sample_out_bytes(&c->whole), row = stride * bytes_each, used = n * bytes_each;
    const int side = check_random() & 1 ? CHECK_GUARD_AFTER : CHECK_GUARD_BEFORE;
    int64_t bytes = 0;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const uint32_t workers = pool ? (uint32_t)pool->num_threads(pool->user) : 1;
    CHECK(lowbit_conv2d_workspace_size(plan, batch, workers, &bytes, NULL) == LOWBIT_OK && bytes % 64 == 0);
    void *workspace = check_guarded((size_t)bytes, side);
    uint8_t *out = check_guarded((size_t)((m - 1) * row + used), side);
    memset(workspace, (int)check_random_in(0, 255), (size_t)bytes);
    lowbit_conv2d_args args = conv_sample_args(c, codes, out, stride);
    args.batch = batch;
    if (!CHECK(lowbit_conv2d_run(plan, &args, workspace, bytes, pool, &error) == LOWBIT_OK))
        printf("%s\n", error.message);
    conv_sample_check(c, m, out, stride, want);
    for (int64_t i = 0; i + 1 < m; i++) /* the gap between rows is not ours */
        for (int64_t at = used; at < row; at++)
            if (out[i * row + at] != 0xA5) CHECK(out[i * row + at] == 0xA5);
}

static uint32_t factors_of(const lowbit_conv2d_plan *plan, int64_t batch) {
    lowbit_plan_info info = {.struct_size = sizeof info};
    CHECK(lowbit_conv2d_plan_describe(plan, batch, &info, NULL) == LOWBIT_OK);
    return strncmp(info.kernel, "depthwise", 9) == 0 ? (uint32_t)LB_FACTORS_FLOAT : sample_factors(info.kernel);
}

/* Floats, and codes where it takes some; all images, and fewer. */
static void run_plan(const lowbit_ctx *ctx, const conv_sample *c, const lowbit_conv2d_plan *plan,
                     const lowbit_pool *pool) {
    const int64_t fewer = check_random_in(1, c->conv.batch);
    const void *want = conv_sample_reference(ctx, c, factors_of(plan, c->conv.batch));
    run(plan, c, false, c->conv.batch, pool, want);
    if (c->codes) run(plan, c, true, c->conv.batch, pool, want);
    if (fewer < c->conv.batch && factors_of(plan, fewer) == factors_of(plan, c->conv.batch))
        run(plan, c, c->codes != NULL, fewer, pool, want);
}

static lowbit_conv2d_plan *make_plan(const lowbit_ctx *ctx, const conv_sample *c, uint32_t threads) {
    lowbit_conv2d_plan *plan = NULL;
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = threads;
    CHECK(lowbit_conv2d_plan_create(ctx, &c->conv, &options, &plan, NULL) == LOWBIT_OK);
    return plan;
}

/* Any kernel of the context that takes the product. */
static lowbit_conv2d_plan *force_any(const lowbit_ctx *ctx, const conv_sample *c) {
    lowbit_conv2d_plan *plan = NULL;
    const size_t count = lowbit_kernel_count(), first = (size_t)check_random_in(0, (int64_t)count - 1);
    lowbit_kernel_info info = {.struct_size = sizeof info};
    for (size_t i = 0; i < count && !plan; i++) {
        lowbit_kernel_get(ctx, (first + i) % count, &info, NULL);
        if (info.enabled && lowbit_conv2d_plan_force(ctx, &c->conv, info.name, 1, &plan, NULL) == LOWBIT_OK)
            check_context("%s", info.name);
    }
    CHECK(plan);
    return plan;
}

/* The estimate's choice, and a kernel at random. */
static void check_conv(const lowbit_ctx *ctx, const char *text, const lowbit_pool *pool, uint32_t threads) {
    conv_sample c;
    if (!conv_sample_make(ctx, text, &c)) return;
    for (int forced = 0; forced < 2; forced++) {
        lowbit_conv2d_plan *plan = forced ? force_any(ctx, &c) : make_plan(ctx, &c, threads);
        lowbit_plan_info info = {.struct_size = sizeof info};
        if (!plan) continue;
        lowbit_conv2d_plan_describe(plan, c.conv.batch, &info, NULL);
        check_context("%s %s", text, info.kernel);
        run_plan(ctx, &c, plan, pool);
        lowbit_conv2d_plan_destroy(ctx, plan);
    }
    conv_sample_free(ctx, &c);
}

/* ---- shapes ---- */

/* Whatever comes out of it, of which some is no convolution. */
static void random_shape(char *text, size_t size) {
    static const int kChannels[] = {1, 2, 3, 4, 6, 16, 17, 32, 64};
    const int groups = check_random() % 4 ? 1 : (int)check_random_in(2, 4);
    const int depthwise = groups > 1 && check_random() % 3 == 0;
    const int channels = depthwise ? groups : groups * kChannels[check_random_in(0, groups > 1 ? 5 : 8)];
    const int outputs = groups * (int)check_random_in(1, groups > 1 ? 9 : 40);
    char more[64] = "", group[16] = "";
    const int kind = (int)check_random_in(0, 5);
    if (kind == 1) snprintf(more, sizeof more, "s2p1");
    if (kind == 2)
        snprintf(more, sizeof more, "s%dx%dp%dx%d", (int)check_random_in(1, 3), (int)check_random_in(1, 3),
                 (int)check_random_in(0, 2), (int)check_random_in(0, 2));
    if (kind == 3) snprintf(more, sizeof more, "p1e1x%d", (int)check_random_in(0, 1));
    if (kind == 4)
        snprintf(more, sizeof more, "p%dd%dx%d", (int)check_random_in(0, 3), (int)check_random_in(1, 2),
                 (int)check_random_in(1, 3));
    if (groups > 1) snprintf(group, sizeof group, "g%d", groups);
    snprintf(text, size, "b%dh%dw%dc%dn%dk%dx%d%s%s", (int)check_random_in(1, 3), (int)check_random_in(1, 9),
             (int)check_random_in(1, 9), channels, outputs, (int)check_random_in(1, 4), (int)check_random_in(1, 4),
             more, group);
}

/* Each kind of input and of output on shapes of all kinds. */
void subject_conv_shapes(void) {
    static const char *const kHeads[] = {"i8a8s",    "i8a8",    "b1a1", "t2a2s", "f32af",
                                         "i4g32a8s", "b1g32a1", "b1u1", "i8za4s"};
    static const char *const kTails[] = {"", ":s8+bias+relu+res", "+bias+relu+res", ":u8+res"};
    lowbit_ctx *ctx = context_with(0);
    const lowbit_pool pool = pool_shuffled();
    for (int i = 0; i < 400; i++) {
        char shape[128], text[192];
        random_shape(shape, sizeof shape);
        snprintf(text, sizeof text, "%s:%s%s", kHeads[check_random_in(0, LB_COUNT(kHeads) - 1)], shape,
                 kTails[check_random_in(0, LB_COUNT(kTails) - 1)]);
        lowbit_conv2d conv = LOWBIT_CONV2D_INIT;
        CHECK(lowbit_conv2d_parse(text, &conv, NULL) == LOWBIT_OK);
        check_context("%s", text);
        if (lowbit_conv2d_product(&conv, NULL, NULL, NULL, NULL) == LOWBIT_OK)
            check_conv(ctx, text, i % 2 ? &pool : NULL, i % 2 ? 7 : 1);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- all that is multiplied ---- */

/* Number of all words of a head and a tail; false past the last one. */
static bool head_and_tail(uint32_t number, char *head, char *tail, size_t size) {
    static const char *const kTypes[] = {"", "z", "m", "g32", "zg64", "g32p", "mg32", "zg32p"};
    static const char *const kActs[] = {"a8", "a4", "a2", "a1", "u1", "a8s", "a4s", "a2s", "af", "af32"};
    static const char *const kTails[] = {"+bias+relu", ":s32", ":s8+bias+relu+res", ":u8", "+gelu+res"};
    const uint32_t type = number % LB_COUNT(kTypes), act = number / LB_COUNT(kTypes) % LB_COUNT(kActs);
    const uint32_t out = number / LB_COUNT(kTypes) / LB_COUNT(kActs) % LB_COUNT(kTails);
    lowbit_format_info format = {.struct_size = sizeof format};
    if (lowbit_format_get(number / LB_COUNT(kTypes) / LB_COUNT(kActs) / LB_COUNT(kTails), &format, NULL) != LOWBIT_OK)
        return false;
    snprintf(head, size, "%s%s%s", format.name, kTypes[type], kActs[act]);
    snprintf(tail, size, "%s", kTails[out]);
    return true;
}

/* Every format with every kind of activations and of output, on some shape. */
void subject_conv_formats(void) {
    static const char *const kShapes[] = {"h6w5c16n20k3p1",  "b2h5w6c3n17k2s2", "h7w7c32n9k3s2p1", "h5w5c64n18k1",
                                          "h6w6c32n8k3p1g2", "h4w5c6n12k3p1g6", "h3w3c20n33k3p2x1"};
    lowbit_ctx *ctx = context_with(0);
    char head[64], tail[64], text[192];
    for (uint32_t number = 0; head_and_tail(number, head, tail, sizeof head); number++) {
        snprintf(text, sizeof text, "%s:%s%s", head, kShapes[check_random_in(0, LB_COUNT(kShapes) - 1)], tail);
        check_context("%s", text);
        check_conv(ctx, text, NULL, 1);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- levels and threads ---- */

static const char *const kProblems[] = {"i8a8s:b2h14w14c32n48k3p1:s8+bias+relu+res",
                                        "i4g32a8s:h15w13c32n40k3s2p1+bias",
                                        "t2a8:h9w14c16n33k3p1+res",
                                        "b1a1:b2h10w11c64n50k3p1+bias",
                                        "b1g64a1:h10w11c64n20k3p1",
                                        "t5a2s:h12w12c20n30k3p1",
                                        "t2a1:h8w8c32n30k3p1",
                                        "f32af32:h10w10c9n20k3p1+bias+relu",
                                        "l1i8a8:h9w9c5n18k3p1",
                                        "i8a8s:b3h9w9c64n100k1+bias",
                                        "i8a8s:h11w11c32n32k3p1g4:u8+bias",
                                        "i8a8s:h11w11c12n24k3p1g12:s8+bias"};

/* Each level of the machine with those below it. */
void subject_conv_levels(void) {
    lowbit_ctx *all = context_with(0);
    lowbit_isa_info isa = {.struct_size = sizeof isa};
    uint32_t mask = 0;
    for (size_t level = 0; lowbit_isa_get(all, level, &isa, NULL) == LOWBIT_OK; level++) {
        if (!isa.enabled) continue;
        lowbit_ctx *ctx = context_with(mask |= isa.bit);
        for (size_t p = 0; p < LB_COUNT(kProblems); p++) check_conv(ctx, kProblems[p], NULL, 1);
        lowbit_ctx_destroy(ctx);
    }
    lowbit_ctx_destroy(all);
}

void subject_conv_threads(void) {
    static const uint32_t kThreads[] = {1, 2, 3, 7};
    for (size_t t = 0; t < LB_COUNT(kThreads); t++) {
        lowbit_ctx *ctx = context_with(t % 2 ? LOWBIT_ISA_SCALAR : 0);
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        options.threads = kThreads[t];
        CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
        for (size_t p = 0; p < LB_COUNT(kProblems); p++) check_conv(ctx, kProblems[p], &pool, kThreads[t]);
        lowbit_pool_destroy(&pool);
        lowbit_ctx_destroy(ctx);
    }
}

/* ---- what is not a number ---- */

/* What is not a number in some places of the image is so in the windows that hold them, and in no others. */
void subject_conv_nan(void) {
    static const char *const kSpoiled[] = {
        "i8a8s:b2h9w8c16n20k3p1+bias", "b1a1:h9w8c32n20k3p1", "b1u1:h9w8c32n20k3s2p1",
        "i8a8:h7w8c3n9k2+res",         "b1a1:h6w7c64n9k1",    "t2a4s:h7w7c8n8k3p1g2",
        "i4a8s:h7w7c6n12k3p1g6+relu",  "b1a1:h5w6c4n9k2x3"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t p = 0; p < LB_COUNT(kSpoiled); p++)
        for (int i = 0; i < 6; i++) {
            conv_sample c;
            if (!CHECK(conv_sample_make(ctx, kSpoiled[p], &c))) continue;
            const int64_t elements = c.conv.batch * c.conv.height * c.conv.width * c.conv.channels;
            for (int spoiled = 0; spoiled < 3; spoiled++)
                c.image[check_random_in(0, elements - 1)] = i % 3 == 2 ? -INFINITY : NAN;
            lowbit_conv2d_plan *plan = make_plan(ctx, &c, 1);
            check_context("%s with NaN", kSpoiled[p]);
            run(plan, &c, false, c.conv.batch, NULL, conv_sample_reference(ctx, &c, 0));
            lowbit_conv2d_plan_destroy(ctx, plan);
            conv_sample_free(ctx, &c);
        }
    lowbit_ctx_destroy(ctx);
}
