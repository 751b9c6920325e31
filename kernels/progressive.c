/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/progressive.h"

#include <math.h>

#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/least_error.h"
#include "kernels/weights.h"

/* Candidates of a group's step: the first one covers all elements with a quarter to spare, later ones clip ever more of
 * the tails, which pays for few codes. Refits then polish the best. */
enum { STEPS = 16, REFITS = 2 };
static const double kFirstStep = 1.25, kNextStep = 0.85;

/* Candidates of the row's scale, in sixteenths of the limit that the largest step's multiplier would reach; above 16
 * the multiplier stays at the limit and the largest group is clipped. */
enum { SCALE_FIRST = 20, SCALE_LAST = 9, PARTS = 16 };

/* Group i of row n. Its zero point is chosen by its range alone, so it does not depend on the step. */
static lb_elements group_at(const lowbit_matrix *w, int64_t n, int64_t i, const lowbit_weights *out) {
    const lb_format *f = lb_format_of(out->type.format);
    const int64_t first = i * out->type.group;
    lb_elements g = {.x = w->data + n * w->stride + first,
                     .count = lb_min(out->type.group, w->cols - first),
                     .s = f->value_scale,
                     .o = f->value_offset,
                     .top = f->codes - 1};
    if (out->zeros) g.s = 1, g.o = out->zeros[lb_group_index(out, n, i)];
    return g;
}

/* The step that covers all elements; with zero points also sets the group's. */
static double covering_step(lb_elements *g, uint8_t *zero) {
    double low = 0, high = 0;
    for (int64_t i = 0; i < g->count; i++) {
        if (g->x[i] < low) low = g->x[i];
        if (g->x[i] > high) high = g->x[i];
    }
    /* Not fmax, which may return either of two zeros of different sign. */
    if (!zero) return (-low > high ? -low : high) / fmax(g->o, g->s * g->top - g->o);
    g->o = high > low ? lb_round_even(g->top * -low / (high - low)) : 0;
    *zero = (uint8_t)g->o;
    return (high - low) / g->top;
}

/* The step of least error for the codes that `step` leads to; 0 where they are all zero. */
static double refit(const lb_elements *g, double step) {
    double products = 0, squares = 0;
    lb_add_products(g, step, &products, &squares);
    return squares > 0 && products > 0 ? products / squares : 0;
}

static double best_step(const lb_elements *g, double covering) {
    double best = 0, least = INFINITY, step = covering * kFirstStep;
    for (int i = 0; i < STEPS; i++, step *= kNextStep) {
        const double error = lb_squared_error(g, step);
        if (error < least) best = step, least = error;
    }
    for (int i = 0; i < REFITS; i++) {
        step = refit(g, best);
        const double error = lb_squared_error(g, step);
        if (error < least) best = step, least = error;
    }
    return best;
}

/* The better of the two multipliers around the step, and its error. */
static double best_multiplier(const lb_elements *g, double step, double scale, int64_t limit, uint8_t *multiplier) {
    const double ideal = scale > 0 ? floor(step / scale) : 0;
    const int64_t low = ideal < (double)limit ? (int64_t)ideal : limit;
    const double error = lb_squared_error(g, (double)low * scale);
    *multiplier = (uint8_t)low;
    if (low == limit) return error;
    const double above = lb_squared_error(g, (double)(low + 1) * scale);
    if (!(above < error)) return error;
    *multiplier = (uint8_t)(low + 1);
    return above;
}

/* Sets the row's multipliers and returns the sum of the errors, or infinity as soon as it is not below `least`. */
static double choose_multipliers(const lowbit_matrix *w, int64_t n, const double *steps, double scale, double least,
                                 lowbit_weights *out) {
    const int64_t groups = lb_groups(w->cols, out->type.group), limit = lb_multiplier_limit(&out->type);
    double sum = 0;
    for (int64_t i = 0; i < groups; i++) {
        const lb_elements g = group_at(w, n, i, out);
        sum += best_multiplier(&g, steps[i], scale, limit, &out->multipliers[lb_group_index(out, n, i)]);
        if (sum >= least) return INFINITY;
    }
    return sum;
}

/* The row's scale of least error, or an infinity where the scale type holds no candidate. */
static float best_scale(const lowbit_matrix *w, int64_t n, const double *steps, double largest, lowbit_weights *out) {
    const double limit = (double)lb_multiplier_limit(&out->type);
    float best = INFINITY;
    double least = INFINITY;
    for (int i = SCALE_FIRST; i >= SCALE_LAST; i--) {
        const float scale = lb_scale_round(out->type.scale_type, (float)(largest / (limit * i / PARTS)));
        if (!isfinite(scale) || scale == best) continue;
        const double error = choose_multipliers(w, n, steps, scale, least, out);
        if (error < least) best = scale, least = error;
    }
    return best;
}

static void encode_row(const lowbit_matrix *w, int64_t n, double scale, lowbit_weights *out) {
    uint8_t *codes = out->codes + n * out->stride;
    for (int64_t i = 0; i < lb_groups(w->cols, out->type.group); i++) {
        const lb_elements g = group_at(w, n, i, out);
        const double inverse = lb_inverse_step(out->multipliers[lb_group_index(out, n, i)] * scale, &g);
        for (int64_t k = 0; k < g.count; k++)
            codes[i * out->type.group + k] = (uint8_t)lb_nearest_code(g.x[k], inverse, &g);
    }
}

float lb_quantize_progressive_row(const lowbit_matrix *w, int64_t n, double *steps, lowbit_weights *out) {
    double largest = 0;
    for (int64_t i = 0; i < lb_groups(w->cols, out->type.group); i++) {
        lb_elements g = group_at(w, n, i, out);
        const double covering = covering_step(&g, out->zeros ? &out->zeros[lb_group_index(out, n, i)] : NULL);
        steps[i] = best_step(&g, covering);
        largest = fmax(largest, steps[i]);
    }
    const float scale = best_scale(w, n, steps, largest, out);
    if (!isfinite(scale)) return scale;
    choose_multipliers(w, n, steps, scale, INFINITY, out);
    encode_row(w, n, scale, out);
    out->scales[n] = scale;
    return scale;
}
