/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peer_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of long sums the bound of an element is far beyond what random ones come to, so that zeros would be within it. Hence
 * also this: root mean squares of all errors over those of random sums of such products. */
static const double kGreatestError = 0.1;

/* What the way multiplies by; NULL without memory. */
static const float *real_weights(const lb_peer_way *way, const lb_peer_work *work, const void *state) {
    if (!way->weights) return work->w;
    float *w = malloc((size_t)(work->n * work->k) * sizeof *w);
    if (w) way->weights(state, w);
    return w;
}

typedef struct sums {
    double want, size, squares; /* of a * w, |a * w| and (a * w)^2 */
} sums;

static sums sum_floats(const float *a, const float *w, int64_t k) {
    sums s = {0, 0, 0};
    for (int64_t i = 0; i < k; i++) {
        const double product = (double)a[i] * (double)w[i];
        s.want += product;
        s.size += fabs(product);
        s.squares += product * product;
    }
    return s;
}

static double sum_codes(const int8_t *a, const int8_t *w, int64_t k) {
    int64_t sum = 0;
    for (int64_t i = 0; i < k; i++) sum += a[i] * w[i];
    return (double)sum;
}

static void fill_row(lb_peer_check *c, size_t i, const float *w) {
    const lb_peer_work *p = c->work;
    const int64_t a = c->row[i] * p->k;
    for (int64_t n = 0; n < p->n; n++) {
        double *want = &c->want[(int64_t)i * p->n + n], *bound = &c->bound[(int64_t)i * p->n + n];
        if (c->way->exact) {
            *want = sum_codes(p->a8 + a, p->w8 + n * p->k, p->k);
            *bound = 0;
        } else {
            const sums s = sum_floats(p->a + a, w + n * p->k, p->k);
            *want = s.want;
            *bound = c->way->tolerance * s.size;
            c->squares += s.squares;
        }
    }
}

bool lb_peer_check_make(const lb_peer_way *way, const lb_peer_work *work, const void *state, lb_peer_check *c) {
    *c = (lb_peer_check){.way = way, .work = work};
    const int64_t rows[LB_PEER_ROWS] = {0, work->m / 2, work->m - 1};
    for (size_t i = 0; i < LB_PEER_ROWS; i++)
        if (i == 0 || rows[i] != c->row[c->rows - 1]) c->row[c->rows++] = rows[i];
    const size_t bytes = c->rows * (size_t)work->n * sizeof(double);
    const float *w = way->exact ? work->w : real_weights(way, work, state);
    c->want = malloc(bytes);
    c->bound = malloc(bytes);
    if (!w || !c->want || !c->bound) return false;
    for (size_t i = 0; i < c->rows; i++) fill_row(c, i, w);
    return true;
}

bool lb_peer_check_rows(const lb_peer_check *c, char reason[LB_PEER_REASON]) {
    const size_t n = (size_t)c->work->n;
    double squares = 0;
    for (size_t i = 0; i < c->rows * n; i++) {
        const size_t row = (size_t)c->row[i / n], column = i % n, at = row * n + column;
        const double got = c->way->exact ? ((const int32_t *)c->work->out)[at] : ((const float *)c->work->out)[at];
        const double error = got - c->want[i];
        squares += error * error;
        if (fabs(error) <= c->bound[i]) continue; /* which a NaN is not */
        snprintf(reason, LB_PEER_REASON, "row %zu column %zu is %g, not %g within %.2g", row, column, got, c->want[i],
                 c->bound[i]);
        return false;
    }
    if (c->way->exact || squares <= kGreatestError * kGreatestError * c->squares) return true;
    snprintf(reason, LB_PEER_REASON, "errors are %.0f %% of the results", 100 * sqrt(squares / c->squares));
    return false;
}
