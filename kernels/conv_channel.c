/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_channel.h"

#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"

/* An array with `each` elements for a panel's column, from a panel on; NULL stays NULL. */
static const void *from_panel(const void *array, int64_t panel, int64_t each, int64_t bytes) {
    return array ? (const uint8_t *)array + panel * LB_PANEL * each * bytes : NULL;
}

lowbit_packed lb_panels_from(const lowbit_packed *w, int64_t panel, int64_t n) {
    const int64_t scale = lb_scale_bytes(w->type.scale_type);
    lowbit_packed view = *w;
    view.n = n;
    view.lines = w->lines + panel * w->panel_lines * LB_LINE;
    view.scales = from_panel(w->scales, panel, lb_scale_groups(&w->type, w->k), scale);
    view.zeros = from_panel(w->zeros, panel, w->groups, 1);
    view.mins = from_panel(w->mins, panel, w->groups, scale);
    view.multipliers = from_panel(w->multipliers, panel, w->groups, 1);
    return view;
}

const int32_t *lb_column_sums_from(const lowbit_packed *w, const int32_t *sums, int64_t panel) {
    return from_panel(sums, panel, lb_scaled_sums(&w->type, w->k), sizeof(int32_t));
}

lb_channel lb_channel_at(const lb_conv_call *call, int64_t channel) {
    const lowbit_packed *w = call->args->weights;
    const int64_t first = channel * call->shape->outputs, panel = first / LB_PANEL;
    lb_channel at = {.first = panel * LB_PANEL, .own = first - panel * LB_PANEL};
    at.weights = lb_panels_from(w, panel, at.own + call->shape->outputs);
    if (call->args->column_sums) at.column_sums = lb_column_sums_from(w, call->args->column_sums[0], panel);
    return at;
}

int64_t lb_channel_columns(const lb_conv_shape *shape) { return shape->outputs + LB_PANEL - 1; }
