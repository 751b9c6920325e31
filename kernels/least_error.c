/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/least_error.h"

#include <math.h>

#include "kernels/formats/scale.h"

/* Candidates are ABSMAX's scale times 80/80, 79/80, ... 1/80, and FULL_RANGE's: ever more of the tails is clipped.
 * Refits polish the best.
 */
enum { PARTS = 80, REFITS = 2 };

typedef struct search {
    const lowbit_matrix *w;
    lb_elements row; /* of which x moves */
    uint32_t scale_type;
    float best;
    double least; /* error of `best` */
} search;

static void try_scale(search *s, double candidate) {
    const float scale = lb_scale_round(s->scale_type, (float)candidate);
    if (!isfinite(scale) || scale == s->best) return;
    double error = 0;
    for (int64_t r = 0; r < s->w->rows && error < s->least; r++) {
        s->row.x = s->w->data + r * s->w->stride;
        error += lb_squared_error(&s->row, scale);
    }
    if (error < s->least) s->best = scale, s->least = error;
}

static double refit(search *s) {
    double products = 0, squares = 0;
    for (int64_t r = 0; r < s->w->rows; r++) {
        s->row.x = s->w->data + r * s->w->stride;
        lb_add_products(&s->row, s->best, &products, &squares);
    }
    return squares > 0 ? products / squares : 0;
}

/* The first element of largest magnitude. */
static float extreme_of(const lowbit_matrix *w) {
    float extreme = 0;
    for (int64_t r = 0; r < w->rows; r++)
        for (int64_t c = 0; c < w->cols; c++)
            if (fabsf(w->data[r * w->stride + c]) > fabsf(extreme)) extreme = w->data[r * w->stride + c];
    return extreme;
}

float lb_least_error_scale(const lowbit_matrix *w, const lb_format *format, uint32_t scale_type) {
    const double s = format->value_scale, o = format->value_offset, top = format->codes - 1, q = s * top - o;
    search found = {w, {NULL, w->cols, s, o, top}, scale_type, INFINITY, INFINITY};
    const float extreme = extreme_of(w);
    /* One value more on the negative side: it belongs to the side of the largest element. */
    const double covering = (o > q && extreme > 0 ? -1 : 1) * fabs((double)extreme) / q;
    for (int i = 0; i < PARTS; i++) try_scale(&found, covering * (PARTS - i) / PARTS);
    if (o > q) try_scale(&found, covering * q / o);
    for (int i = 0; i < REFITS && isfinite(found.best); i++) try_scale(&found, refit(&found));
    return found.best;
}
