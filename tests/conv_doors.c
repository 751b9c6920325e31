/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as text, and wrong calls, which must refuse with a reason and change nothing. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/conv_sample.h"

/* ---- text ---- */

void subject_conv_text(void) {
    static const char *const kTexts[] = {"i8a8s:h32w32c64n64k3p1:s8+bias+relu", "b1a1:b8h224w224c3n64k7s2p3",
                                         "i4zg32pa8s:h1w1c1n1k1x2s3x4p0x1e1x0d2x3g5:u8+bias+gelu_tanh+res",
                                         "f32af32:h9999999999w1c1n1k1", "i8:f16a8:b2h5w5c4n4k3p1e1x2g4:s32"};
    static const char *const kAgain[][2] = {{"i8a8:b1h2w2c1n1k2x2s1p0e0d1g1", "i8a8:h2w2c1n1k2"},
                                            {"i8a8:h2w2c1n1k3s2x2p1x1e0x0", "i8a8:h2w2c1n1k3s2p1"}};
    static const char *const kWrong[] = {"",
                                         "i8a8",
                                         "i8a8:",
                                         "i8a8:h1w1c1n1",
                                         "i8a8:w1h1c1n1k1",
                                         "i8a8:h1w1c1n1k0",
                                         "i8a8:h1w1c1n1k1x",
                                         "i8a8:h1w1c1n1k1x1x1",
                                         "i8a8:h1w1c1n1k1s0",
                                         "i8a8:h1w1c1n1k1p01",
                                         "i8a8:b0h1w1c1n1k1",
                                         "i8a8:h1w1c1n1k1g1d1",
                                         "i8a8:h1w1c1n1k1x2+",
                                         "i8a8:m1n1k1",
                                         "i8a8h1w1c1n1k1",
                                         "i8a8:h1w1c1n1k1s99999999999"};
    char text[192];
    lowbit_error error = LOWBIT_ERROR_INIT;
    for (size_t i = 0; i < LB_COUNT(kTexts); i++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        check_context("%s", kTexts[i]);
        CHECK(lowbit_conv2d_parse(kTexts[i], &c, NULL) == LOWBIT_OK);
        CHECK(lowbit_conv2d_print(&c, text, sizeof text, NULL) == LOWBIT_OK && strcmp(text, kTexts[i]) == 0);
        CHECK(lowbit_conv2d_print(&c, text, strlen(kTexts[i]), &error) == LOWBIT_TOO_SMALL);
    }
    for (size_t i = 0; i < LB_COUNT(kAgain); i++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        CHECK(lowbit_conv2d_parse(kAgain[i][0], &c, NULL) == LOWBIT_OK);
        CHECK(lowbit_conv2d_print(&c, text, sizeof text, NULL) == LOWBIT_OK && strcmp(text, kAgain[i][1]) == 0);
    }
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        const lowbit_conv2d before = c;
        check_context("%s", kWrong[i]);
        CHECK(lowbit_conv2d_parse(kWrong[i], &c, &error) == LOWBIT_BAD_FORMAT && error.message[0]);
        CHECK(memcmp(&c, &before, sizeof c) == 0);
    }
}

/* ---- numbers ---- */

static const char kGood[] = "i8a8s:b2h5w6c4n6k3x2s2p1g2:s8+bias+res";

#define AT(name) offsetof(lowbit_conv2d, name)

/* One number of a good convolution made wrong. */
static const struct {
    size_t at;
    int64_t value;
} kNumbers[] = {{AT(batch), 0},
                {AT(batch), -1},
                {AT(batch), INT64_MAX},
                {AT(batch), 1 << 30},
                {AT(height), 0},
                {AT(height), INT64_MIN},
                {AT(width), 0},
                {AT(width), (int64_t)1 << 40},
                {AT(channels), 0},
                {AT(channels), 5},
                {AT(channels), 1 << 20},
                {AT(out_channels), 0},
                {AT(out_channels), 7},
                {AT(kernel_height), 0},
                {AT(kernel_height), 8},
                {AT(kernel_width), -3},
                {AT(kernel_width), 9},
                {AT(stride_y), 0},
                {AT(stride_x), -2},
                {AT(pad_top), 3},
                {AT(pad_top), -1},
                {AT(pad_bottom), 3},
                {AT(pad_left), 2},
                {AT(pad_right), INT64_MAX},
                {AT(dilation_y), 0},
                {AT(dilation_x), 8},
                {AT(dilation_y), INT64_MAX},
                {AT(groups), 0},
                {AT(groups), 4},
                {AT(groups), INT64_MAX}};

static void check_refused(const lowbit_ctx *ctx, const lowbit_conv2d *c) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_conv2d_plan *plan = NULL;
    lowbit_problem p = {0};
    int64_t count = -5, height = -5, width = -5;
    CHECK(lowbit_conv2d_product(c, &height, &width, &p, &error) == LOWBIT_INVALID_ARGUMENT && error.message[0]);
    CHECK(lowbit_conv2d_matrices(c, &count, NULL) == LOWBIT_INVALID_ARGUMENT && count == -5);
    CHECK(lowbit_conv2d_plan_create(ctx, c, NULL, &plan, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_conv2d_plan_force(ctx, c, "x", 1, &plan, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(!plan && height == -5 && width == -5 && p.m == 0);
}

void subject_conv_numbers(void) {
    lowbit_ctx *ctx = context_with(0);
    for (size_t i = 0; i < LB_COUNT(kNumbers); i++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        CHECK(lowbit_conv2d_parse(kGood, &c, NULL) == LOWBIT_OK);
        memcpy((char *)&c + kNumbers[i].at, &kNumbers[i].value, sizeof kNumbers[i].value);
        check_context("number at %zu is %lld", kNumbers[i].at, (long long)kNumbers[i].value);
        check_refused(ctx, &c);
    }
    lowbit_conv2d c = LOWBIT_CONV2D_INIT;
    CHECK(lowbit_conv2d_parse(kGood, &c, NULL) == LOWBIT_OK);
    check_context("sizes whose products overflow");
    c.height = c.width = c.channels = c.out_channels = INT32_MAX, c.groups = 1;
    check_refused(ctx, &c);
    CHECK(lowbit_conv2d_parse(kGood, &c, NULL) == LOWBIT_OK);
    check_context("a short struct");
    c.struct_size--;
    check_refused(ctx, &c);
    check_refused(ctx, NULL);
    lowbit_ctx_destroy(ctx);
}

/* ---- arguments ---- */

/* A legal run, which a line spoils. */
typedef struct stage {
    lowbit_conv2d_args args;
    lowbit_conv2d_plan *plan;
    uint8_t *workspace;
    int64_t bytes;
    const lowbit_pool *pool;
    lowbit_requant requant;
    lowbit_packed packed[2];
    const int32_t *sums[2];
} stage;

static stage stage_of(const conv_sample *c, lowbit_conv2d_plan *plan, void *out, void *workspace, int64_t bytes) {
    stage s = {.plan = plan, .workspace = workspace, .bytes = bytes, .requant = c->whole.requant};
    s.args = conv_sample_args(c, false, out, c->conv.out_channels);
    memcpy(s.packed, c->packed, sizeof s.packed);
    memcpy(s.sums, c->column_sums, sizeof s.sums);
    return s;
}

/* The pointers of a stage into itself, which a copy must renew. */
static void aim(stage *s) {
    s->args.weights = s->packed;
    s->args.requant = &s->requant;
    s->args.column_sums = s->sums;
}

#define SPOIL(want, change)                                                                                            \
    do {                                                                                                               \
        stage s = stage_of(&c, plan, out, workspace, bytes);                                                           \
        lowbit_error error = LOWBIT_ERROR_INIT;                                                                        \
        aim(&s);                                                                                                       \
        change;                                                                                                        \
        check_context("%s", #change);                                                                                  \
        CHECK(lowbit_conv2d_run(s.plan, &s.args, s.workspace, s.bytes, s.pool, &error) == (want));                     \
        CHECK((want) == LOWBIT_OK || error.message[0]);                                                                \
        if ((want) != LOWBIT_OK) CHECK(memcmp(out, before, (size_t)out_bytes) == 0);                                   \
    } while (0)

#define INVALID LOWBIT_INVALID_ARGUMENT

void subject_conv_refusals(void) {
    lowbit_ctx *ctx = context_with(0);
    conv_sample c;
    lowbit_conv2d_plan *plan = NULL;
    int64_t bytes = 0;
    CHECK(conv_sample_make(ctx, kGood, &c));
    c.whole.a_zero = 3;
    CHECK(lowbit_conv2d_plan_create(ctx, &c.conv, NULL, &plan, NULL) == LOWBIT_OK);
    CHECK(lowbit_conv2d_workspace_size(plan, 2, 1, &bytes, NULL) == LOWBIT_OK);
    const int64_t out_bytes = c.shape.m * c.conv.out_channels;
    uint8_t *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    uint8_t *out = check_guarded((size_t)out_bytes, CHECK_GUARD_AFTER), before[512];
    CHECK(out_bytes <= (int64_t)sizeof before);
    memcpy(before, out, (size_t)out_bytes);
    lowbit_pool broken = LOWBIT_POOL_INIT;
    broken.struct_size = 1;
    static const float kNumber = 1;
    static const int8_t kCode = 1;
    SPOIL(INVALID, s.plan = NULL);
    SPOIL(INVALID, s.args.struct_size--);
    SPOIL(INVALID, s.args.batch = 0);
    SPOIL(INVALID, s.args.batch = 3);
    SPOIL(INVALID, s.args.weights = NULL);
    SPOIL(INVALID, s.packed[1].lines = NULL);
    SPOIL(INVALID, s.packed[1].struct_size = 8);
    SPOIL(INVALID, s.packed[1].n = 4);
    SPOIL(INVALID, s.packed[0].k++);
    SPOIL(INVALID, s.packed[0].type.format = LOWBIT_I4);
    SPOIL(INVALID, s.args.a = NULL);
    SPOIL(INVALID, s.args.codes = &kCode);
    SPOIL(INVALID, s.args.a_scale = 0);
    SPOIL(INVALID, s.args.a_zero = 128);
    SPOIL(INVALID, s.args.column_sums = NULL);
    SPOIL(INVALID, s.sums[1] = NULL);
    SPOIL(INVALID, s.args.out = NULL);
    SPOIL(INVALID, s.args.out_stride = 5);
    SPOIL(INVALID, s.args.out_stride = INT64_MAX);
    SPOIL(INVALID, s.args.requant = NULL);
    SPOIL(INVALID, s.requant.low = 200);
    SPOIL(INVALID, s.requant.struct_size = 8);
    SPOIL(INVALID, s.args.bias = s.args.bias ? NULL : &kNumber);
    SPOIL(INVALID, s.args.residual = s.args.residual ? NULL : &kNumber);
    SPOIL(INVALID, s.workspace = NULL);
    SPOIL(INVALID, s.workspace++);
    SPOIL(INVALID, s.pool = &broken);
    SPOIL(LOWBIT_TOO_SMALL, s.bytes--);
    SPOIL(LOWBIT_OK, (void)0);
    CHECK(lowbit_conv2d_workspace_size(plan, 3, 1, &bytes, NULL) == INVALID);
    CHECK(lowbit_conv2d_workspace_size(plan, 1, 0, &bytes, NULL) == INVALID);
    CHECK(lowbit_conv2d_workspace_size(plan, 1, 1, NULL, NULL) == INVALID);
    CHECK(lowbit_conv2d_workspace_size(NULL, 1, 1, &bytes, NULL) == INVALID);
    CHECK(lowbit_conv2d_tap_sums_size(&c.conv, &bytes, NULL) == INVALID);
    lowbit_conv2d_plan_destroy(ctx, plan);
    lowbit_conv2d_plan_destroy(ctx, NULL);
    conv_sample_free(ctx, &c);
    lowbit_ctx_destroy(ctx);
}
