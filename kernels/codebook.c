/* SPDX-License-Identifier: Apache-2.0 */
/* k-means in one dimension, exactly: the best split of a sorted histogram into 16 runs, by dynamic programming. */
#include "kernels/codebook.h"

#include <math.h>

#include "kernels/base/ctx.h"

enum { VALUES = 16, HALF = 1024, BINS = 2 * HALF };

/* Sums over the bins below b of the elements' weights, and of the weights times centres and their squares. */
typedef struct moments {
    double weight, first, second;
} moments;

/* error[r][e]: the least squared error of the bins below e in r + 1 runs, the last of which begins at from[r][e]. */
typedef struct fit {
    moments below[BINS + 1];
    double error[VALUES][BINS + 1];
    int16_t from[VALUES][BINS + 1];
} fit;

static double centre(int bin) { return (bin + 0.5) / HALF - 1; }

static void add_span(const lowbit_matrix *w, int64_t r0, int64_t r1, int64_t c0, int64_t c1, moments *bins) {
    double most = 0;
    for (int64_t r = r0; r < r1; r++)
        for (int64_t c = c0; c < c1; c++) most = fmax(most, fabs((double)w->data[r * w->stride + c]));
    for (int64_t r = r0; r < r1 && most > 0; r++)
        for (int64_t c = c0; c < c1; c++) {
            const double u = (double)w->data[r * w->stride + c] / most;
            bins[(int)fmin((u + 1) * HALF, BINS - 1)].weight += most * most;
        }
}

static void add_all(const lowbit_matrix *w, int32_t group, moments *bins) {
    const int64_t length = group > 0 ? group : w->cols;
    if (group == LOWBIT_GROUP_TENSOR) {
        add_span(w, 0, w->rows, 0, w->cols, bins);
        return;
    }
    for (int64_t r = 0; r < w->rows; r++)
        for (int64_t c = 0; c < w->cols; c += length) add_span(w, r, r + 1, c, lb_min(c + length, w->cols), bins);
}

/* Weights of bins to sums of those below each. */
static void sum_up(moments *below) {
    moments sum = {0, 0, 0};
    for (int b = 0; b <= BINS; b++) {
        const double weight = b < BINS ? below[b].weight : 0, x = centre(b);
        below[b] = sum;
        sum.weight += weight;
        sum.first += weight * x;
        sum.second += weight * x * x;
    }
}

static double run_mean(const fit *f, int first, int end) {
    const double weight = f->below[end].weight - f->below[first].weight;
    return weight > 0 ? (f->below[end].first - f->below[first].first) / weight : 0;
}

static double run_error(const fit *f, int first, int end) {
    const double sum = f->below[end].first - f->below[first].first;
    return fmax(0, f->below[end].second - f->below[first].second - sum * run_mean(f, first, end));
}

/* The beginning of the last run moves neither back when bins are added nor when a run is (the error of a run obeys the
 * quadrangle inequality), so few places are left to try. */
static void split(fit *f) {
    for (int e = 0; e <= BINS; e++) {
        f->error[0][e] = run_error(f, 0, e);
        f->from[0][e] = 0;
    }
    for (int r = 1; r < VALUES; r++)
        for (int e = BINS; e >= 0; e--) {
            const int last = e < BINS ? f->from[r][e + 1] : BINS;
            f->error[r][e] = INFINITY;
            for (int b = f->from[r - 1][e]; b <= last && b <= e; b++) {
                const double error = f->error[r - 1][b] + run_error(f, b, e);
                if (error < f->error[r][e]) f->error[r][e] = error, f->from[r][e] = (int16_t)b;
            }
        }
}

lowbit_status lb_fit_book(const lowbit_ctx *ctx, const lowbit_matrix *w, int32_t group, int8_t book[16],
                          lowbit_error *error) {
    fit *f = lb_alloc(ctx, sizeof *f);
    LB_REQUIRE(f, error, LOWBIT_NO_MEMORY, "no memory to fit a book: %zu bytes", sizeof *f);
    for (int b = 0; b <= BINS; b++) f->below[b] = (moments){0, 0, 0};
    add_all(w, group, f->below);
    sum_up(f->below);
    split(f);
    double value = 1;
    for (int r = VALUES - 1, e = BINS; r >= 0; e = f->from[r][e], r--) {
        const int first = f->from[r][e];
        if (f->below[e].weight > f->below[first].weight) value = run_mean(f, first, e);
        book[r] = (int8_t)rint(INT8_MAX * value);
    }
    lb_free(ctx, f, sizeof *f);
    return LOWBIT_OK;
}
