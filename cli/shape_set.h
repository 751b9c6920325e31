/* SPDX-License-Identifier: Apache-2.0 */
/* A set of problems as a text: the grammar of bench/shapes/README.md. */
#ifndef LOWBIT_CLI_SHAPE_SET_H_
#define LOWBIT_CLI_SHAPE_SET_H_

#include "cli/shapes.h"

enum { LB_SET_LINE = 512 };

/* A line that is no directive. */
typedef struct lb_set_line {
    size_t number;             /* in the text, from 1 */
    char layer[LB_SHAPE_NAME]; /* "" = the line has whole problems */
    char text[LB_SET_LINE];    /* those, or the layer's sizes, from "m" or "n", "b" or "h" on */
} lb_set_line;

typedef struct lb_shape_set {
    char name[LB_SHAPE_NAME];
    char formats[LB_SET_LINE], rows[LB_SET_LINE]; /* of the directives; "" = the text does not say */
    lb_set_line *lines;
    size_t count, room, layers; /* so many of them are layers */
    bool convs;                 /* layers are convolutions, whose rows are images */
    size_t at;                  /* the line that the last call was at; 0 = it was at none */
} lb_shape_set;

/* Reads a text. Release the set in any case. LOWBIT_BAD_FORMAT with the reason, `at` being the line. */
lowbit_status lb_shape_set_parse(lb_shape_set *set, const char *name, const char *text, lowbit_error *error);
void lb_shape_set_release(lb_shape_set *set);

/* Appends its problems: whole ones, then for each format all layers, in which M varies fastest. Fails as above. */
lowbit_status lb_shape_set_expand(lb_shape_set *set, lb_shapes *shapes, lowbit_error *error);

/* Whether the layer's text says how many rows it has. */
static inline bool lb_layer_has_rows(const lb_set_line *layer) {
    return layer->text[0] == 'm' || layer->text[0] == 'b';
}

#endif
