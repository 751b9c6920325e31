/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: which layer of a network gets which format, as a few lines of text. docs/recipes.md is for users.
 *
 *     recipe  = lines, parted by newlines or ";". "#" begins a comment, up to the newline
 *     line    = PRESET | SETTING "=" VALUE | PATTERN ":" HEAD ["tensor"] ["rule=" RULE]
 *     PRESET  = a name of the table below: its lines in this place
 *     SETTING = calibrate: minmax, average, percentile, kl or mse (nn/observe.h)
 *               observe: how many images calibration looks at, 1 to 1000000
 *               range: affine or symmetric, for inputs of both signs
 *     PATTERN = a layer's name, in which * stands for any characters and ? for one; or one of the words
 *               first, last (in the order in which layers are computed), depthwise (one channel a group), linear (one
 *               output for the whole image, or for a token);
 *               q, k, v, mha (these with the layer behind their attention), ffn, cls (of classes), encoder (mha, ffn,
 * and the pooler in front of classes): linear layers of a transformer; attention (the products of q, k and v),
 * embedding, words (the embedding of tokens) Of embeddings and attentions only the words, or the name as it is, are
 * meant HEAD    = the head of a problem string (lowbit_problem_parse): weights, activations, "s" for static ones:
 * i8a8s, i4g32a8, t2a8, b1a1, f32af32 tensor  = one scale for all weights of a matrix, where the head would mean one a
 * row RULE    = how weights are quantized, by the names of docs/formats.md; auto where it is not said
 *
 * Later lines overrule earlier ones. A layer that no line names stays f32af32. */
#ifndef LOWBIT_NN_RECIPE_H_
#define LOWBIT_NN_RECIPE_H_

#include "nn/choice.h"
#include "nn/graph.h"

enum {
    LB_RECIPE_LINES = 256,   /* most rules of a recipe */
    LB_RECIPE_PATTERN = 96,  /* bytes of a pattern with the zero at its end */
    LB_RECIPE_OBSERVE = 128, /* images that calibration looks at where the recipe does not say; of kind mse then */
    LB_RECIPE_TEXT = 1 << 16 /* bytes in which every recipe prints; most of a file */
};

typedef struct lb_recipe_rule {
    char pattern[LB_RECIPE_PATTERN];
    lb_choice choice;
    int32_t line; /* of the text, from 1, for messages */
} lb_recipe_rule;

/* A plain struct: copied, and nothing to free. */
typedef struct lb_recipe {
    uint32_t calibrate; /* LB_CALIBRATE_* */
    int32_t observe;    /* images */
    bool symmetric;     /* lb_observer_range */
    int32_t count;
    lb_recipe_rule rules[LB_RECIPE_LINES];
} lb_recipe;

typedef struct lb_preset {
    const char *name, *text;
    const char *what; /* one sentence */
} lb_preset;

/* Number `index` of the table; NULL past the end. */
const lb_preset *lb_preset_at(size_t index);

/* Reads a text. LOWBIT_BAD_FORMAT with its line: what does not fit the grammar, a rule that does not make the format, a
 * format of distances (another function, not another precision), too many rules. */
lowbit_status lb_recipe_parse(const char *text, lb_recipe *recipe, lowbit_error *error);

/* What a user says in one word: a text, where it has a ":", "=", ";", "#" or newline or is the name of a preset; else
 * the path of a file with one. Also statuses of lb_map_file, and LOWBIT_NOT_FOUND for what is neither file nor preset.
 */
lowbit_status lb_recipe_read(const char *word, lb_recipe *recipe, lowbit_error *error);

/* Writes the normal form, settings first, presets spelled out: it parses to the same recipe but for the numbers of
 * lines, and prints again as itself. LOWBIT_TOO_SMALL; never with LB_RECIPE_TEXT bytes. */
lowbit_status lb_recipe_print(const lb_recipe *recipe, char *text, size_t size, lowbit_error *error);

/* choices[graph->count]: what the recipe decides for each convolution, embedding and attention; zeros for the others.
 *
 * An input on a grid (lb_node.grid of the value read) is there as codes of 8 bits: a choice of a8, a4 or a2, static or
 * not, becomes a8 with one scale, which is the grid, and zero point 0. Signs, bits and floats stay as they are said.
 *
 * LOWBIT_BAD_FORMAT: a line whose pattern no layer has. LOWBIT_UNSUPPORTED, LOWBIT_INVALID_ARGUMENT: a product that
 * the layer cannot be, as lb_check_problem finds; with the layer's name, the line and the reason. */
lowbit_status lb_recipe_apply(const lb_recipe *recipe, const lb_graph *graph, lb_choice *choices, lowbit_error *error);

/* Number `index` of the words for linear layers of a transformer, "q", "ffn", ...; NULL past the end. */
const char *lb_recipe_part(size_t index);

/* Whether a graph has a layer that the word means. */
bool lb_recipe_has_part(const lb_graph *graph, const char *word);

/* Whether the input of convolution `node` needs a range that calibration must find: static, and not on a grid. */
bool lb_needs_range(const lb_graph *graph, const lb_node *node, const lb_choice *choice);

/* The product that one matrix of convolution `node` is, for one pixel of the result: N and K as lowbit_conv2d_product
 * has them, f32 out, nothing fused; and how many matrices there are (1 if depthwise). */
lowbit_problem lb_node_product(const lb_graph *graph, const lb_node *node, const lb_choice *choice, int64_t *matrices);

#endif
