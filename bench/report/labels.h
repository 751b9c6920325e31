/* SPDX-License-Identifier: Apache-2.0 */
/* Names beside the dots that they are of: none lies over another one, or over a dot. */
#ifndef LOWBIT_BENCH_REPORT_LABELS_H_
#define LOWBIT_BENCH_REPORT_LABELS_H_

#include <stdio.h>

#include "bench/report/figure.h"

typedef struct lb_label {
    const char *name;
    double dot_x, dot_y;
    double x, y, width; /* of the text: where it begins, its lower edge */
    const char *anchor; /* as of lb_draw_text, once there is a place; else "" */
    bool leads;         /* far enough from its dot for a line between them */
} lb_label;

typedef struct lb_labels {
    lb_label items[LB_FIGURE_SERIES];
    size_t count;
} lb_labels;

/* At most LB_FIGURE_SERIES; the name must live as long as the labels. */
void lb_labels_add(lb_labels *labels, double x, double y, const char *name);

/* Finds places within the box, nearest ones first. What finds none keeps an empty anchor. */
void lb_labels_place(lb_labels *labels, double left, double top, double right, double bottom);

void lb_labels_draw(FILE *file, const lb_labels *labels);

#endif
