/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as inline SVG. */
#ifndef LOWBIT_BENCH_REPORT_SVG_H_
#define LOWBIT_BENCH_REPORT_SVG_H_

#include <stdio.h>

#include "bench/report/figure.h"

/* The drawing of any figure; needs the classes of the page's style. */
void lb_svg_write(FILE *file, const lb_figure *figure);

/* By kind. */
void lb_svg_xy(FILE *file, const lb_figure *figure);
void lb_svg_bars(FILE *file, const lb_figure *figure);
void lb_svg_heat(FILE *file, const lb_figure *figure);

#endif
