/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs: what layers refuse, numbers of small ones by hand, and random networks before and after fusing. */
#include "nn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/nn_oracle.h"

static const lb_source kMadeUp = {.seed = 7};

static lb_window square(int64_t kernel, int64_t stride, int64_t pad) {
    return (lb_window){.kernel_height = kernel,
                       .kernel_width = kernel,
                       .stride = stride,
                       .pad_top = pad,
                       .pad_left = pad,
                       .pad_bottom = pad,
                       .pad_right = pad};
}

/* ---- made-up numbers ---- */

static void check_made_up(void) {
    enum { COUNT = 1 << 16 };
    const int64_t shape[] = {64, COUNT / 64}, vector[] = {COUNT};
    static float x[COUNT], y[COUNT];
    double sum = 0, squares = 0;
    check_context("made-up tensors");
    CHECK(lb_source_floats(&kMadeUp, "a.weight", 2, shape, x, NULL) == LOWBIT_OK);
    CHECK(lb_source_floats(&kMadeUp, "a.weight", 2, shape, y, NULL) == LOWBIT_OK);
    CHECK(memcmp(x, y, sizeof x) == 0);
    /* the same on every machine: read off one, not computed */
    CHECK(x[0] == 0x1.b1f628p-5f && x[COUNT - 1] == 0x1.650d28p-7f);
    for (int i = 0; i < COUNT; i++) sum += (double)x[i], squares += (double)x[i] * (double)x[i];
    CHECK(fabs(sum / COUNT) < 1e-3 && fabs(squares / COUNT * (double)shape[1] / 2 - 1) < 0.02);
    CHECK(lb_source_floats(&kMadeUp, "b.weight", 2, shape, y, NULL) == LOWBIT_OK);
    CHECK(memcmp(x, y, sizeof x) != 0);
    CHECK(lb_source_floats(&kMadeUp, "b.running_var", 1, vector, x, NULL) == LOWBIT_OK);
    CHECK(lb_source_floats(&kMadeUp, "b.running_mean", 1, vector, y, NULL) == LOWBIT_OK);
    for (int i = 0; i < COUNT; i++) CHECK(x[i] > 0.85f && x[i] < 1.15f && y[i] > -0.4f && y[i] < 0.4f);
}

/* ---- layers ---- */

/* The value of the output at channel c of a network of one layer behind an image of 1, 2, 3, ... */
static void check_small(void) {
    enum { SIDE = 3, CHANNELS = 2 };
    static const float kThresholds[] = {2, 5, 2, 5}, kBook[] = {-1, 0, 3};
    static const int8_t kShifts[] = {1, 0, 0, -1};
    float image[SIDE * SIDE * CHANNELS];
    lb_graph g;
    for (int i = 0; i < SIDE * SIDE * CHANNELS; i++) image[i] = (float)(i + 1);
    lb_graph_begin(&g, &kMadeUp);
    const lb_value x = lb_input(&g, (lb_shape){SIDE, SIDE, CHANNELS});
    const lb_value steps = lb_steps(&g, x, "s", kThresholds, 2, kBook, 0.5f);
    const lb_value shift = lb_channel_shift(&g, x, kShifts), less = lb_subsample(&g, x, 2, 5, 1);
    lb_window window = square(2, 2, 1);
    const lb_value inside = lb_average_pool(&g, x, window), most = lb_max_pool(&g, steps, window);
    window.count_padding = true;
    const lb_value all = lb_average_pool(&g, x, window), bins = lb_adaptive_average_pool(&g, x, 2, 2);
    check_context("small layers");
    if (!CHECK(lb_graph_end(&g, NULL) == LOWBIT_OK)) return;
    static const float kSteps[] = {-0.5f, -0.5f, 0, 0, 0, 1.5f}, kShift[] = {7, 0, 9, 2, 11, 4}; /* of the first row */
    static const float kLess[] = {0, 1, 2, 0, 0, 0, 5, 6, 0, 0, 0, 13, 14, 0, 0, 0, 17, 18, 0, 0};
    static const float kInside[] = {1, 2, 4, 5, 10, 11, 13, 14}, kAll[] = {0.25f, 0.5f, 2, 2.5f, 5, 5.5f, 13, 14};
    static const float kBins[] = {5, 6, 7, 8, 11, 12, 13, 14}, kMost[] = {-0.5f, -0.5f, 0, 1.5f};
    const struct {
        lb_value value;
        const float *want;
        int64_t count;
    } kWant[] = {{steps, kSteps, 6}, {shift, kShift, 6}, {less, kLess, 20}, {inside, kInside, 8},
                 {all, kAll, 8},     {bins, kBins, 8},   {most, kMost, 4}};
    const int64_t count = g.count;
    for (size_t i = 0; i < LB_COUNT(kWant); i++) {
        check_context("small layer %d", (int)i);
        g.count = kWant[i].value + 1;
        float *got = nn_oracle(&g, image);
        CHECK(got && check_same_floats(got, kWant[i].want, 1, kWant[i].count, kWant[i].count, kWant[i].count));
        free(got);
    }
    g.count = count;
    CHECK(g.nodes[steps].grid == 0.5f && g.nodes[most].grid == 0.5f && g.nodes[all].grid == 0);
    lb_graph_free(&g);
}

/* A linear layer behind an image takes its weights in the order channel, y, x. */
static void check_linear(void) {
    enum { HEIGHT = 2, WIDTH = 3, CHANNELS = 4, OUT = 5, SIZE = HEIGHT * WIDTH * CHANNELS };
    const int64_t shape[] = {OUT, SIZE}, out = OUT;
    float weights[OUT * SIZE], bias[OUT], image[SIZE];
    lb_graph g;
    check_context("linear");
    CHECK(lb_source_floats(&kMadeUp, "fc.weight", 2, shape, weights, NULL) == LOWBIT_OK);
    CHECK(lb_source_floats(&kMadeUp, "fc.bias", 1, &out, bias, NULL) == LOWBIT_OK);
    for (int i = 0; i < SIZE; i++) image[i] = check_random_float(-1, 1);
    lb_graph_begin(&g, &kMadeUp);
    lb_linear(&g, lb_input(&g, (lb_shape){HEIGHT, WIDTH, CHANNELS}), "fc", OUT, true);
    if (!CHECK(lb_graph_end(&g, NULL) == LOWBIT_OK)) return;
    float *got = nn_oracle(&g, image);
    for (int n = 0; n < OUT; n++) {
        double want = (double)bias[n];
        for (int c = 0; c < CHANNELS; c++)
            for (int p = 0; p < HEIGHT * WIDTH; p++)
                want += (double)weights[(n * CHANNELS + c) * HEIGHT * WIDTH + p] * (double)image[p * CHANNELS + c];
        CHECK(fabs((double)got[n] - want) < 1e-5);
    }
    free(got);
    lb_graph_free(&g);
}

/* ---- refusals ---- */

enum {
    NO_LAYERS,
    NO_VALUE,
    NO_CHANNELS,
    KERNEL,
    PADDING,
    STRIDE,
    OVERFLOWS,
    GROUPS,
    HUGE_INPUT,
    HUGE_KERNEL,
    SUM,
    POOL,
    SHORTCUT,
    DESCENDING,
    NOT_A_CODE,
    GRID,
    SAID,
    REFUSALS
};

static void refused(lb_graph *g, int what) {
    static const float kUp[] = {1, 2, 1, 2}, kDown[] = {1, 2, 2, 1}, kBook[] = {0, 1, 2}, kHalves[] = {0, 0.5f, 1};
    const lb_value x = what == NO_LAYERS || what == HUGE_INPUT ? LB_NO_VALUE : lb_input(g, (lb_shape){4, 4, 2});
    lb_window w = square(3, 1, 1);
    switch (what) {
        case NO_VALUE: lb_relu(g, 17); break;
        case NO_CHANNELS: lb_conv(g, x, "c", 0, w, true); break;
        case KERNEL: lb_conv(g, x, "c", 2, square(5, 1, 0), true); break;
        case PADDING: lb_conv(g, x, "c", 2, square(3, 1, 3), true); break;
        case STRIDE: w.stride = -1, lb_conv(g, x, "c", 2, w, true); break;
        case OVERFLOWS: w.dilation = INT64_MAX, lb_conv(g, x, "c", 2, w, true); break;
        case GROUPS: w.groups = 3, lb_conv(g, x, "c", 3, w, true); break;
        case HUGE_INPUT: lb_input(g, (lb_shape){INT64_MAX / 2, 4, 3}); break;
        case HUGE_KERNEL: lb_conv(g, x, "c", LB_VALUE_ELEMENTS, square(4, 1, 0), true); break;
        case SUM: lb_add(g, x, lb_max_pool(g, x, square(2, 2, 0))); break;
        case POOL: w.groups = 2, lb_max_pool(g, x, w); break;
        case SHORTCUT: lb_subsample(g, x, 2, 3, 2); break;
        case DESCENDING: lb_steps(g, x, "s", kDown, 2, kBook, 1); break;
        case NOT_A_CODE: lb_steps(g, x, "s", kUp, 2, kHalves, 1); break;
        case GRID: lb_steps(g, x, "s", kUp, 2, kBook, 0); break;
        case SAID: lb_graph_fail(g, LOWBIT_UNSUPPORTED, "why %d", 5); break;
        default: break;
    }
    lb_relu(g, x); /* comes too late */
    lb_graph_fail(g, LOWBIT_SYSTEM, "too late");
}

static void check_refusals(void) {
    for (int what = 0; what < REFUSALS; what++) {
        lb_graph g;
        lowbit_error error = LOWBIT_ERROR_INIT;
        check_context("refusal %d", what);
        lb_graph_begin(&g, &kMadeUp);
        if (what != NO_LAYERS) refused(&g, what);
        const lowbit_status status = lb_graph_end(&g, &error);
        CHECK(status != LOWBIT_OK && status != LOWBIT_SYSTEM && error.status == status && error.message[0] != 0);
        CHECK(what != SAID || (status == LOWBIT_UNSUPPORTED && strcmp(error.message, "why 5") == 0));
        CHECK(lb_relu(&g, 0) == LB_NO_VALUE && lb_graph_tensor(&g, "t", 0, NULL) == NULL);
        lb_graph_free(&g);
    }
}

void subject_graph(void) {
    check_made_up();
    check_small();
    check_linear();
    check_refusals();
}

/* ---- fusing ---- */

/* A random value of the graph that has `channels` channels. */
static lb_value pick(const lb_graph *g, int64_t channels) {
    lb_value value;
    do value = (lb_value)check_random_in(0, g->count - 1);
    while (g->nodes[value].shape.channels != channels);
    return value;
}

/* Most layers read the one before, as in networks; some read any other, so that values are read twice or never. */
static void add_random(lb_graph *g, int number) {
    char name[16] = {(char)('a' + number % 26), (char)('a' + number / 26), 0};
    static const int64_t kGroups[] = {1, 2};
    const lb_value last = (lb_value)(g->count - 1);
    const lb_value x = check_random_in(0, 4) > 0 ? last : (lb_value)check_random_in(0, last);
    const int64_t channels = g->nodes[x].shape.channels;
    lb_window w = square(check_random_in(0, 1) ? 3 : 1, 1, 0);
    w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = w.kernel_height / 2;
    w.groups = kGroups[check_random_in(0, 1)];
    switch (check_random_in(0, 6)) {
        case 0: lb_relu(g, x); break;
        case 1: lb_add(g, x, pick(g, channels)); break;
        case 2: lb_add(g, pick(g, channels), x); break;
        case 3: lb_batch_norm(g, x, name, 1e-5f); break;
        case 4: lb_max_pool(g, x, square(3, 1, 1)); break;
        default: lb_conv(g, x, name, 2 * check_random_in(1, 2), w, check_random_in(0, 1)); break;
    }
}

/* Every value that is read was computed before. */
static void check_order(const lb_graph *g) {
    for (lb_value i = 0; i < g->count; i++) {
        const lb_node *n = &g->nodes[i];
        CHECK(n->op == LB_OP_INPUT || n->op == LB_OP_NONE ||
              (n->x >= 0 && n->x < i && g->nodes[n->x].op != LB_OP_NONE));
        CHECK(n->second == LB_NO_VALUE || (n->second < i && g->nodes[n->second].op != LB_OP_NONE));
    }
    CHECK(g->nodes[g->count - 1].op != LB_OP_NONE);
}

static bool close_to(const float *x, const float *y, int64_t count) {
    double most = 0, size = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)x[i] - (double)y[i]));
        size = fmax(size, fabs((double)y[i]));
    }
    return most <= 1e-4 * size;
}

void subject_graph_fuse(void) {
    int64_t taken[3] = {0};
    for (int round = 0; round < 300 && check_failures() == 0; round++) {
        const lb_source source = {.seed = check_random()};
        const lb_shape shape = {5, 4, 4};
        float image[80];
        lb_graph g;
        check_context("random network %d", round);
        for (int i = 0; i < 80; i++) image[i] = check_random_float(-1, 1);
        lb_graph_begin(&g, &source);
        lb_input(&g, shape);
        for (int i = 0; i < 24; i++) add_random(&g, i);
        if (!CHECK(lb_graph_end(&g, NULL) == LOWBIT_OK)) return;
        float *before = nn_oracle(&g, image);
        lb_graph_fuse(&g);
        check_order(&g);
        if (check_failures() > 0) return;
        float *after = nn_oracle(&g, image);
        const int64_t count = nn_elements(g.nodes[g.count - 1].shape);
        CHECK(before && after && close_to(after, before, count));
        for (int64_t i = 0; i < g.count; i++) {
            taken[0] += g.nodes[i].op == LB_OP_NONE;
            taken[1] += g.nodes[i].op == LB_OP_CONV && g.nodes[i].second != LB_NO_VALUE;
            taken[2] += g.nodes[i].op == LB_OP_CONV && g.nodes[i].act != 0;
        }
        free(before), free(after);
        lb_graph_free(&g);
    }
    check_context("what was fused");
    CHECK(taken[0] > 300 && taken[1] > 50 && taken[2] > 50);
}
