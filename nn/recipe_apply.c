/* SPDX-License-Identifier: Apache-2.0 */
/* What a recipe decides for the layers of a network. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/gemm.h"
#include "kernels/rows.h"
#include "nn/recipe.h"
#include "nn/table.h"

/* A layer with a format and, of convolutions, its place. */
typedef struct layer {
    const lb_graph *graph;
    const lb_node *node;
    bool first, last;
} layer;

static const lb_shape *input_of(const lb_graph *graph, const lb_node *node) { return &graph->nodes[node->x].shape; }

static bool is_first(const layer *l) { return l->first; }
static bool is_last(const layer *l) { return l->last; }

static bool is_embedding(const layer *l) { return l->node->op == LB_OP_EMBED; }
static bool is_attention(const layer *l) { return l->node->op == LB_OP_ATTENTION; }
static bool is_conv(const layer *l) { return l->node->op == LB_OP_CONV; }

static bool is_depthwise(const layer *l) {
    return is_conv(l) && l->node->window.groups > 1 && input_of(l->graph, l->node)->channels == l->node->window.groups;
}

/* The kernel covers the image, or is one tap on a sequence. */
static bool is_linear(const layer *l) {
    const lb_shape *x = input_of(l->graph, l->node);
    const lb_window *w = &l->node->window;
    const bool whole = w->kernel_height == x->height && w->kernel_width == x->width;
    const bool token = x->height == 1 && w->kernel_height == 1 && w->kernel_width == 1 && w->stride == 1;
    return is_conv(l) && (whole || token) && w->groups == 1 &&
           !(w->pad_top || w->pad_left || w->pad_bottom || w->pad_right);
}

static bool is_words(const layer *l) { return is_embedding(l) && l->node->first == 0; }
static bool is_q(const layer *l) { return l->node->role == LB_ROLE_Q; }
static bool is_k(const layer *l) { return l->node->role == LB_ROLE_K; }
static bool is_v(const layer *l) { return l->node->role == LB_ROLE_V; }
static bool is_ffn(const layer *l) { return l->node->role == LB_ROLE_FFN; }
static bool is_cls(const layer *l) { return l->node->role == LB_ROLE_CLASS; }
static bool is_mha(const layer *l) { return is_q(l) || is_k(l) || is_v(l) || l->node->role == LB_ROLE_OUT; }
static bool is_encoder(const layer *l) { return is_mha(l) || is_ffn(l) || l->node->role == LB_ROLE_POOL; }

static const struct {
    const char *word;
    bool (*holds)(const layer *layer);
} kWords[] = {{"first", is_first},
              {"last", is_last},
              {"depthwise", is_depthwise},
              {"linear", is_linear},
              {"attention", is_attention},
              {"embedding", is_embedding},
              {"words", is_words},
              {"q", is_q},
              {"k", is_k},
              {"v", is_v},
              {"mha", is_mha},
              {"ffn", is_ffn},
              {"cls", is_cls},
              {"encoder", is_encoder}};
enum { PARTS = 7 }; /* the last ones: linear layers of transformers */

const char *lb_recipe_part(size_t index) {
    return index < PARTS ? kWords[LB_COUNT(kWords) - PARTS + index].word : NULL;
}

/* * is any characters, ? one. Where a part behind a star does not fit, the star takes one character more; only the last
 * star need be tried again. */
static bool glob(const char *pattern, const char *name) {
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            resume = name;
        } else if (*pattern == *name || *pattern == '?') {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

/* Wildcards are for convolutions: who writes "*" seldom thinks of softmax, or of tables. */
static bool matches(const char *pattern, const layer *l) {
    for (size_t i = 0; i < LB_COUNT(kWords); i++)
        if (strcmp(kWords[i].word, pattern) == 0) return kWords[i].holds(l);
    return is_conv(l) ? glob(pattern, l->node->name) : strcmp(pattern, l->node->name) == 0;
}

bool lb_recipe_has_part(const lb_graph *graph, const char *word) {
    for (int64_t v = 0; v < graph->count; v++) {
        const layer l = {graph, &graph->nodes[v], false, false};
        if (lb_has_format(l.node) && matches(word, &l)) return true;
    }
    return false;
}

static bool is_on_grid(const lb_graph *graph, const lb_node *node) { return graph->nodes[node->x].grid != 0; }

bool lb_needs_range(const lb_graph *graph, const lb_node *node, const lb_choice *choice) {
    return choice->static_scale && !is_on_grid(graph, node);
}

lowbit_problem lb_node_product(const lb_graph *graph, const lb_node *node, const lb_choice *choice, int64_t *matrices) {
    const layer l = {graph, node, false, false};
    *matrices = is_depthwise(&l) ? 1 : node->window.groups;
    return (lowbit_problem){.struct_size = sizeof(lowbit_problem),
                            .weights = choice->weights,
                            .activations = choice->activations,
                            .static_scale = choice->static_scale,
                            .m = 1,
                            .n = node->shape.channels / *matrices,
                            .k = lb_node_k(graph, node)};
}

/* Whether the layer can be that. */
static lowbit_status check(const layer *l, const lb_choice *choice, lowbit_error *error) {
    int64_t matrices;
    uint32_t kind;
    if (is_embedding(l)) return lb_check_table(choice, error);
    if (is_attention(l)) return lb_choose_attention(choice, &kind, error);
    const lowbit_problem product = lb_node_product(l->graph, l->node, choice, &matrices);
    return lb_check_problem(&product, error);
}

/* Decides and marks the rules that fit. */
static lowbit_status choose(const lb_recipe *recipe, const layer *l, bool used[LB_RECIPE_LINES], lb_choice *choice,
                            lowbit_error *error) {
    char place[32] = "that no line names";
    *choice = lb_choice_floats();
    for (int32_t i = 0; i < recipe->count; i++) {
        if (!matches(recipe->rules[i].pattern, l)) continue;
        *choice = recipe->rules[i].choice;
        snprintf(place, sizeof place, "line %d", recipe->rules[i].line);
        used[i] = true;
    }
    if (is_conv(l) && is_on_grid(l->graph, l->node) && lb_row_rule_is_scaled(choice->activations)) {
        choice->activations = LOWBIT_A8;
        choice->static_scale = true;
    }
    lowbit_error reason = LOWBIT_ERROR_INIT;
    const lowbit_status status = check(l, choice, &reason);
    LB_REQUIRE(status == LOWBIT_OK, error, status, "layer %.80s (%s): %.120s", l->node->name, place, reason.message);
    return LOWBIT_OK;
}

lowbit_status lb_recipe_apply(const lb_recipe *recipe, const lb_graph *graph, lb_choice *choices, lowbit_error *error) {
    bool used[LB_RECIPE_LINES] = {false};
    int64_t first = -1, last = -1;
    memset(choices, 0, (size_t)graph->count * sizeof *choices);
    for (int64_t i = 0; i < graph->count; i++) {
        if (graph->nodes[i].op != LB_OP_CONV) continue;
        if (first < 0) first = i;
        last = i;
    }
    for (int64_t i = 0; i < graph->count; i++) {
        const layer l = {graph, &graph->nodes[i], i == first, i == last};
        if (lb_has_format(l.node)) LB_TRY(choose(recipe, &l, used, &choices[i], error));
    }
    for (int32_t i = 0; i < recipe->count; i++)
        LB_REQUIRE(used[i], error, LOWBIT_BAD_FORMAT, "line %d of the recipe: no layer is called %s",
                   recipe->rules[i].line, recipe->rules[i].pattern);
    return LOWBIT_OK;
}
