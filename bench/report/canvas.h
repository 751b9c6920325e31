/* SPDX-License-Identifier: Apache-2.0 */
/* What the drawings of figures share: the canvas, text and its width, markers.
 *
 * A canvas is LB_CANVAS_WIDTH units wide and its text is 12 units high, so that it can be read from 320 pixels on.
 * Colours, dashes and fonts are classes of the page's style: s0 .. s7 are series, each with a marker of its own. */
#ifndef LOWBIT_BENCH_REPORT_CANVAS_H_
#define LOWBIT_BENCH_REPORT_CANVAS_H_

#include <stdio.h>

#include "bench/report/figure.h"

enum { LB_CANVAS_WIDTH = 420, LB_CANVAS_TEXT = 12 };

/* About how wide the text is: that of a wide font, since nobody knows the reader's. */
double lb_text_width(const char *text);

/* Cuts the text, with an ellipsis, to that width. `size` is that of its buffer. */
void lb_text_fit(char *text, size_t size, double width);

/* `anchor` is "start", "middle" or "end"; `style` the class, "" for none. */
void lb_draw_text(FILE *file, double x, double y, const char *anchor, const char *style, const char *text);
void lb_draw_line(FILE *file, double x0, double y0, double x1, double y1, const char *style);

/* "s0" .. "s7", the class of a style. */
size_t lb_style_class(size_t style);

/* The marker of a style; hollow ones are outlines; title is what it says when pointed at, "" for nothing. */
void lb_draw_marker(FILE *file, size_t style, double x, double y, bool hollow, const char *title);

/* The elements around a drawing: title and caption are what a screen reader says. */
void lb_draw_begin(FILE *file, const lb_figure *figure, double height);
void lb_draw_end(FILE *file);

#endif
