/* SPDX-License-Identifier: Apache-2.0 */
/* LOWBIT_RULE_KMEANS: the book against the best of all splits, and what is made with it; books of the caller. */
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "lowbit/lowbit.h"
#include "tests/check.h"

enum { N = 24, K = 150, HALF = 1024, BINS = 2 * HALF, VALUES = 16 };

static double centre(int bin) { return (bin + 0.5) / HALF - 1; }

static float largest(const float *x, int64_t count) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(x[i]));
    return most;
}

/* The histogram of the formula, and the weights' sum. */
static double histogram(const float *x, int64_t group, double *bins) {
    double all = 0;
    memset(bins, 0, BINS * sizeof *bins);
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = 0; k < K; k++) {
            const int64_t first = group < 0 ? 0 : group ? n * K + k / group * group : n * K;
            const int64_t count = group < 0 ? N * K : group ? lb_min(group, (n + 1) * K - first) : K;
            const double most = (double)largest(x + first, count);
            const int bin = most > 0 ? (int)((x[n * K + k] / most + 1) * HALF) : 0;
            bins[bin < BINS ? bin : BINS - 1] += most * most;
            all += most * most;
        }
    return all;
}

/* Least squared error of 16 runs, by every split. */
static double best_error(const double *bins) {
    static double sums[3][BINS + 1], least[VALUES][BINS + 1];
    for (int b = 0; b < BINS; b++)
        for (int p = 0; p < 3; p++) sums[p][b + 1] = sums[p][b] + bins[b] * pow(centre(b), p);
    for (int r = 0; r < VALUES; r++)
        for (int e = 0; e <= BINS; e++) {
            least[r][e] = INFINITY;
            for (int b = r ? 0 : e; b <= e; b++) {
                const int first = r ? b : 0;
                const double weight = sums[0][e] - sums[0][first], sum = sums[1][e] - sums[1][first];
                const double error = sums[2][e] - sums[2][first] - (weight > 0 ? sum * sum / weight : 0);
                least[r][e] = fmin(least[r][e], error + (r ? least[r - 1][b] : 0));
            }
        }
    return least[VALUES - 1][BINS];
}

static double error_of(const double *bins, const int8_t *book) {
    double error = 0;
    for (int b = 0; b < BINS; b++) {
        double least = INFINITY;
        for (int c = 0; c < VALUES; c++) least = fmin(least, fabs(centre(b) - book[c] / 127.0));
        error += bins[b] * least * least;
    }
    return error;
}

/* Rounding a mean by at most half a step of 1/127 adds the square of that to each element. */
static void check_book(const lowbit_ctx *ctx, const float *x, int32_t group) {
    static double bins[BINS];
    const lowbit_weight_type t = {sizeof t, LOWBIT_C4, 0, LOWBIT_SCALE_F32, group, 0};
    const lowbit_matrix w = {x, N, K, K};
    lowbit_weights made = {.struct_size = sizeof made};
    if (!CHECK(lowbit_quantize(ctx, &w, &t, LOWBIT_RULE_KMEANS, NULL, &made, NULL) == LOWBIT_OK)) return;
    const double all = histogram(x, group, bins), best = best_error(bins), step = 0.5 / 127;
    CHECK(error_of(bins, made.book) <= best + all * step * step + 1e-9 * all);
    for (int c = 1; c < VALUES; c++) CHECK(made.book[c - 1] <= made.book[c] || made.book[c] == 0);
    int wrong = 0;
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = 0; k < K; k++) {
            const int64_t g = group > 0 ? n * lb_groups(K, group) + k / group : group ? 0 : n;
            const int64_t first = group > 0 ? n * K + k / group * group : group ? 0 : n * K;
            const int64_t count = group > 0 ? lb_min(group, (n + 1) * K - first) : group ? N * K : K;
            const float scale = largest(x + first, count) / 127, v = scale == 0 ? 0 : x[n * K + k] / scale;
            const int8_t got = made.book[made.codes[n * K + k]];
            float least = INFINITY;
            for (int c = 0; c < VALUES; c++) least = fminf(least, fabsf(v - (float)made.book[c]));
            wrong += made.scales[g] != scale || fabsf(v - (float)got) != least;
        }
    CHECK(wrong == 0);
    lowbit_weights_free(ctx, &made);
}

void subject_books(void) {
    static float x[N * K];
    static const int32_t kGroups[] = {32, LOWBIT_GROUP_ROW, LOWBIT_GROUP_TENSOR};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (int kind = 0; kind < 4; kind++)
        for (size_t g = 0; g < LB_COUNT(kGroups); g++) {
            check_context("data %d group %d", kind, kGroups[g]);
            for (int64_t i = 0; i < N * K; i++) {
                const float u = check_random_float(-1, 1);
                x[i] = kind == 0 ? u : kind == 1 ? u * u * u * 1e-3f : kind == 2 ? (float)check_random_in(-2, 3) : 0;
            }
            check_book(ctx, x, kGroups[g]);
        }
    /* the caller's own, which zeros alone are not */
    const lowbit_weight_type t = {sizeof t, LOWBIT_C4, 0, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0};
    const lowbit_matrix w = {x, N, K, K};
    lowbit_weights made = {.struct_size = sizeof made};
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_quantize(ctx, &w, &t, LOWBIT_RULE_NEAREST, NULL, &made, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "book") && !made.memory);
    made.book[5] = -3;
    CHECK(lowbit_quantize(ctx, &w, &t, LOWBIT_RULE_NEAREST, NULL, &made, NULL) == LOWBIT_OK && made.book[5] == -3);
    lowbit_weights_free(ctx, &made);
    lowbit_ctx_destroy(ctx);
}
