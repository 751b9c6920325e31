/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/svg.h"

void lb_svg_write(FILE *file, const lb_figure *figure) {
    static void (*const kDraw[])(FILE *, const lb_figure *) = {
        [LB_FIGURE_XY] = lb_svg_xy, [LB_FIGURE_BARS] = lb_svg_bars, [LB_FIGURE_HEAT] = lb_svg_heat};
    kDraw[figure->kind](file, figure);
}
