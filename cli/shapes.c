/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/conv.h"
#include "cli/braces.h"
#include "cli/grow.h"
#include "kernels/base/base.h"

static lowbit_status make_room(lb_shapes *s, lowbit_error *error) {
    LB_REQUIRE(s->count < LB_SHAPES_MOST, error, LOWBIT_BAD_FORMAT, "more than %d problems", LB_SHAPES_MOST);
    lb_shape *list = lb_grow(s->list, s->count, &s->room, sizeof *list);
    LB_REQUIRE(list, error, LOWBIT_NO_MEMORY, "no memory for the list of problems");
    s->list = list;
    return LOWBIT_OK;
}

/* Where the problems of a pattern go, and where it comes from. */
typedef struct destination {
    lb_shapes *shapes;
    const char *set, *layer;
} destination;

static lowbit_status read_product(const char *text, lb_shape *shape, lowbit_error *error) {
    LB_TRY(lowbit_problem_parse(text, &shape->problem, error));
    return lowbit_problem_print(&shape->problem, shape->text, sizeof shape->text, error);
}

static lowbit_status read_conv(const char *text, lb_shape *shape, lowbit_error *error) {
    lowbit_conv2d conv = LOWBIT_CONV2D_INIT;
    LB_TRY(lowbit_conv2d_parse(text, &conv, error));
    LB_TRY(lb_conv_bench_problem(&conv, &shape->problem, error));
    return lowbit_conv2d_print(&conv, shape->text, sizeof shape->text, error);
}

static lowbit_status append(void *user, const char *text, lowbit_error *error) {
    const destination *d = user;
    lb_shape shape = {.problem = {.struct_size = sizeof shape.problem}};
    LB_TRY(make_room(d->shapes, error));
    LB_TRY(d->shapes->convs ? read_conv(text, &shape, error) : read_product(text, &shape, error));
    snprintf(shape.set, sizeof shape.set, "%s", d->set);
    snprintf(shape.layer, sizeof shape.layer, "%s", d->layer);
    d->shapes->list[d->shapes->count++] = shape;
    return LOWBIT_OK;
}

lowbit_status lb_shapes_expand(lb_shapes *s, const char *set, const char *layer, const char *pattern,
                               lowbit_error *error) {
    destination d = {s, set, layer};
    return lb_braces_expand(pattern, append, &d, error);
}

void lb_shapes_unique(lb_shapes *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t same = 0;
        while (same < kept && strcmp(s->list[same].text, s->list[i].text) != 0) same++;
        if (same == kept) s->list[kept++] = s->list[i];
    }
    s->count = kept;
}

void lb_shapes_free(lb_shapes *s) {
    free(s->list);
    *s = (lb_shapes){.list = NULL};
}
