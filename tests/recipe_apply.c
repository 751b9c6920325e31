/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes on a network: who is meant by a pattern, who overrules whom, inputs on a grid, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/recipe.h"
#include "tests/check.h"

/* ---- a network of nodes alone: recipes look at names, shapes and windows ---- */

enum { STEM, ADD, DEPTHWISE, GROUPED, SHORTCUT, WHOLE, FC, NODES };

static lb_window window(int64_t kernel, int64_t pad, int64_t groups) {
    return (lb_window){kernel, kernel, 1, pad, pad, pad, pad, 1, groups, false};
}

/* An image of 8 x 8 x 3 at node 0. */
typedef struct network {
    lb_node nodes[NODES + 1];
    lb_graph graph;
} network;

static void make(network *n) {
    static const struct {
        const char *name;
        uint32_t op;
        lb_shape shape;
        int64_t kernel, pad, groups;
    } kNodes[NODES] = {
        [STEM] = {"conv1", LB_OP_CONV, {8, 8, 32}, 3, 1, 1},
        [ADD] = {"", LB_OP_ADD, {8, 8, 32}, 1, 0, 1},
        [DEPTHWISE] = {"layer1.0.dw", LB_OP_CONV, {8, 8, 64}, 3, 1, 32},
        [GROUPED] = {"layer1.0.conv2", LB_OP_CONV, {8, 8, 128}, 3, 1, 4},
        [SHORTCUT] = {"layer2.0.shortcut", LB_OP_CONV, {8, 8, 16}, 1, 0, 1},
        [WHOLE] = {"classifier.0", LB_OP_CONV, {1, 1, 40}, 8, 0, 1},
        [FC] = {"classifier.3", LB_OP_CONV, {1, 1, 10}, 1, 0, 1},
    };
    memset(n, 0, sizeof *n);
    n->nodes[0] = (lb_node){.op = LB_OP_INPUT, .x = LB_NO_VALUE, .shape = {8, 8, 3}, .name = ""};
    for (int i = 0; i < NODES; i++)
        n->nodes[i + 1] = (lb_node){.op = kNodes[i].op,
                                    .x = i,
                                    .second = LB_NO_VALUE,
                                    .shape = kNodes[i].shape,
                                    .name = kNodes[i].name,
                                    .window = window(kNodes[i].kernel, kNodes[i].pad, kNodes[i].groups)};
    n->graph = (lb_graph){.nodes = n->nodes, .count = NODES + 1};
}

static lowbit_status apply(const lb_graph *graph, const char *text, lb_choice *choices, lowbit_error *error) {
    static lb_recipe recipe;
    check_context("\"%s\"", text);
    CHECK(lb_recipe_parse(text, &recipe, NULL) == LOWBIT_OK);
    return lb_recipe_apply(&recipe, graph, choices, error);
}

/* Which nodes `pattern` means, as bits. */
static unsigned meant(const char *pattern) {
    network n;
    lb_choice choices[NODES + 1];
    char text[128];
    unsigned bits = 0;
    make(&n);
    snprintf(text, sizeof text, "%s: i4af", pattern);
    CHECK(apply(&n.graph, text, choices, NULL) == LOWBIT_OK);
    CHECK(choices[0].weights.format == 0 && choices[ADD + 1].weights.format == 0);
    for (int i = 0; i < NODES; i++) {
        const lb_choice *c = &choices[i + 1];
        if (c->weights.format == LOWBIT_I4) bits |= 1u << i;
        if (c->weights.format == LOWBIT_F32) CHECK(c->activations == LOWBIT_AF32 && !c->static_scale);
    }
    return bits;
}

void subject_recipe_patterns(void) {
    static const struct {
        const char *pattern;
        unsigned bits;
    } kCases[] = {
        {"first", 1u << STEM},
        {"last", 1u << FC},
        {"depthwise", 1u << DEPTHWISE},
        {"linear", 1u << WHOLE | 1u << FC},
        {"*", 1u << STEM | 1u << DEPTHWISE | 1u << GROUPED | 1u << SHORTCUT | 1u << WHOLE | 1u << FC},
        {"conv1", 1u << STEM},
        {"*conv?", 1u << STEM | 1u << GROUPED},
        {"layer?.0.*", 1u << DEPTHWISE | 1u << GROUPED | 1u << SHORTCUT},
        {"classifier.*", 1u << WHOLE | 1u << FC},
        {"c*.3", 1u << FC},
        {"*a*0*t*", 1u << SHORTCUT},
        {"*dw**", 1u << DEPTHWISE},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) CHECK(meant(kCases[i].pattern) == kCases[i].bits);
}

/* A token's linear layer, and what is none: two dimensions, stride, padding. */
static void check_tokens(void) {
    lb_node nodes[2] = {{.op = LB_OP_INPUT, .shape = {1, 50, 64}, .name = ""},
                        {.op = LB_OP_CONV, .shape = {1, 50, 32}, .name = "q", .window = window(1, 0, 1)}};
    const lb_graph graph = {.nodes = nodes, .count = 2};
    lb_choice choices[2];
    CHECK(apply(&graph, "linear: i8a8", choices, NULL) == LOWBIT_OK);
    nodes[0].shape.height = 2;
    CHECK(apply(&graph, "linear: i8a8", choices, NULL) == LOWBIT_BAD_FORMAT);
    nodes[0].shape.height = 1;
    nodes[1].window.stride = 2;
    CHECK(apply(&graph, "linear: i8a8", choices, NULL) == LOWBIT_BAD_FORMAT);
}

/* Of random patterns over few letters, beside a matcher by recursion. */
static bool naive(const char *pattern, const char *name) {
    if (!*pattern) return !*name;
    if (*pattern == '*') return naive(pattern + 1, name) || (*name && naive(pattern, name + 1));
    return *name && (*pattern == '?' || *pattern == *name) && naive(pattern + 1, name + 1);
}

static void random_word(const char *letters, char *word) {
    const int64_t length = check_random_in(1, 8);
    for (int64_t i = 0; i < length; i++) word[i] = letters[check_random_in(0, (int64_t)strlen(letters) - 1)];
    word[length] = 0;
}

static void check_globs(void) {
    lb_node nodes[2] = {{.op = LB_OP_INPUT, .shape = {4, 4, 8}, .name = ""},
                        {.op = LB_OP_CONV, .shape = {4, 4, 8}, .window = window(1, 0, 1)}};
    const lb_graph graph = {.nodes = nodes, .count = 2};
    lb_choice choices[2];
    int fitting = 0;
    for (int turn = 0; turn < 20000; turn++) {
        char pattern[16], name[16], text[32];
        random_word("ab**?", pattern);
        random_word("ab", name);
        nodes[1].name = name;
        snprintf(text, sizeof text, "%s:i8a8", pattern);
        const bool fits = apply(&graph, text, choices, NULL) == LOWBIT_OK;
        check_context("%s, %s", pattern, name);
        CHECK(fits == naive(pattern, name));
        fitting += fits;
    }
    CHECK(fitting > 2000 && fitting < 18000);
}

static void check_order(void) {
    network n;
    lb_choice choices[NODES + 1];
    make(&n);
    CHECK(apply(&n.graph, "*: i4a8s; first: i8a8s; conv*: t2a8 rule=twn; last: b1a1", choices, NULL) == LOWBIT_OK);
    CHECK(choices[STEM + 1].weights.format == LOWBIT_T2 && choices[STEM + 1].rule == LOWBIT_RULE_TWN);
    CHECK(!choices[STEM + 1].static_scale && choices[WHOLE + 1].static_scale);
    CHECK(choices[WHOLE + 1].weights.format == LOWBIT_I4 && choices[FC + 1].activations == LOWBIT_A1);
}

static void check_grid(void) {
    static const struct {
        const char *said;
        uint32_t activations;
        bool is_static;
    } kCases[] = {{"i8a8s", LOWBIT_A8, true}, {"i8a8", LOWBIT_A8, true},      {"b1a4s", LOWBIT_A8, true},
                  {"t2a2", LOWBIT_A8, true},  {"b1a1", LOWBIT_A1, false},     {"b1u1", LOWBIT_U1, false},
                  {"i8af", LOWBIT_AF, false}, {"f32af32", LOWBIT_AF32, false}};
    network n;
    lb_choice choices[NODES + 1];
    make(&n);
    n.nodes[ADD + 1].grid = 0.5f; /* what DEPTHWISE reads */
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        char text[64];
        snprintf(text, sizeof text, "*: i8a8s; layer1.0.dw: %s", kCases[i].said);
        CHECK(apply(&n.graph, text, choices, NULL) == LOWBIT_OK);
        const lb_choice *c = &choices[DEPTHWISE + 1];
        CHECK(c->activations == kCases[i].activations && c->static_scale == kCases[i].is_static);
        CHECK(!lb_needs_range(&n.graph, &n.nodes[DEPTHWISE + 1], c));
        CHECK(lb_needs_range(&n.graph, &n.nodes[GROUPED + 1], &choices[GROUPED + 1]));
    }
}

static void check_products(void) {
    static const struct {
        int node;
        int64_t n, k, matrices;
    } kCases[] = {{STEM, 32, 27, 1},      {DEPTHWISE, 64, 9, 1}, {GROUPED, 32, 144, 4},
                  {SHORTCUT, 16, 128, 1}, {WHOLE, 40, 1024, 1},  {FC, 10, 40, 1}};
    network n;
    lb_choice choices[NODES + 1];
    make(&n);
    CHECK(apply(&n.graph, "*: i4g32a8s", choices, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        const int at = kCases[i].node + 1;
        int64_t matrices;
        const lowbit_problem p = lb_node_product(&n.graph, &n.nodes[at], &choices[at], &matrices);
        check_context("product %zu", i);
        CHECK(p.m == 1 && p.n == kCases[i].n && p.k == kCases[i].k && matrices == kCases[i].matrices);
        CHECK(p.weights.format == LOWBIT_I4 && p.weights.group == 32 && p.activations == LOWBIT_A8 && p.static_scale);
    }
}

static void refuse(const lb_graph *graph, const char *text, lowbit_status status, const char *reason) {
    lb_choice choices[NODES + 1];
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(apply(graph, text, choices, &error) == status);
    check_context("\"%s\": %s", text, error.message);
    CHECK(strstr(error.message, reason) != NULL);
}

static void check_refusals(void) {
    network n;
    make(&n);
    refuse(&n.graph, "*: i8a8\n\nlayer3.*: i4a8", LOWBIT_BAD_FORMAT,
           "line 3 of the recipe: no layer is called layer3.*");
    refuse(&n.graph, "Conv1: i8a8", LOWBIT_BAD_FORMAT, "line 1 of the recipe");
    n.nodes[DEPTHWISE + 1].window.groups = 1;
    refuse(&n.graph, "depthwise: i8a8", LOWBIT_BAD_FORMAT, "no layer is called depthwise");
    n.nodes[STEM + 1].shape.channels = 20000; /* of which DEPTHWISE reads 9 taps */
    n.nodes[ADD + 1].shape.channels = 20000;
    refuse(&n.graph, "conv1: i8a8", LOWBIT_UNSUPPORTED, "layer layer1.0.dw (that no line names): K is 180000");
    n.nodes[ADD + 1].shape.channels = 8000;
    refuse(&n.graph, "\n*: i8a8; first: i8a8s\n*dw: i8a8s", LOWBIT_UNSUPPORTED,
           "layer layer1.0.dw (line 3): 72000 elements share a scale");
    const lb_graph nothing = {.nodes = n.nodes, .count = 1};
    refuse(&nothing, "*: i8a8", LOWBIT_BAD_FORMAT, "no layer");
    lb_choice choice;
    CHECK(apply(&nothing, "", &choice, NULL) == LOWBIT_OK && choice.weights.format == 0);
}

void subject_recipe_apply(void) {
    check_order();
    check_grid();
    check_products();
    check_tokens();
    check_globs();
    check_refusals();
}
