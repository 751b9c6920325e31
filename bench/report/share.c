/* SPDX-License-Identifier: Apache-2.0 */
/* What share of the limit that binds it each product reaches. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"

static bool make(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)r;
    (void)which;
    lb_ref_by_regime(ref);
    ref->x = ref->cell->share;
    return ref->cell->ours && ref->cell->share > 0;
}

static void text(const lb_ref *ref, char value[LB_FIGURE_VALUE]) {
    snprintf(value, LB_FIGURE_VALUE, "%.0f %% of %.12s", 100 * ref->x, ref->cell->limit);
}

void lb_plot_share(const lb_report *r, lb_figures *figures) {
    lb_refs refs = lb_refs_of(r, figures, make, 0);
    for (size_t start = 0, end; start < refs.count; start = end) {
        end = lb_refs_group_end(&refs, start);
        char regime[LB_REF_REGIME];
        lb_ref_regime(refs.items[start].cell, regime);
        lb_figure *f = lb_figure_add(figures, LB_FIGURE_BARS, "limits", "share");
        lb_figure_title(f, "Share of the limit, %s", regime);
        lb_figure_caption(f,
                          "The time that the limit alone would take over the time of the product: 100 %% leaves "
                          "nothing to gain. The limit is the slowest of reading, decoding, computing and writing, "
                          "measured on this machine.%s",
                          end - start > LB_REF_BARS
                              ? " A bar is the median of a format's problems, its whisker goes from the least to the "
                                "most."
                              : "");
        if (!f) break;
        f->x = (lb_axis){.title = "share of the limit", .unit = LB_UNIT_PERCENT, .base = 1};
        lb_refs_bars(&refs, start, end, figures, f, text);
    }
    free(refs.items);
}
