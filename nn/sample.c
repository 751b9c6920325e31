/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/sample.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/base/base.h"

lowbit_status lb_sampler_make(int64_t count, double temperature, double top_p, uint64_t seed, lb_sampler *sampler,
                              lowbit_error *error) {
    enum { MOST = 1 << 28 };
    *sampler = (lb_sampler){.temperature = temperature, .top_p = top_p, .state = seed, .count = count};
    LB_REQUIRE(count >= 1 && count <= MOST, error, LOWBIT_INVALID_ARGUMENT, "%lld tokens to choose from",
               (long long)count);
    LB_REQUIRE(temperature >= 0 && top_p > 0, error, LOWBIT_INVALID_ARGUMENT, "a temperature of %g, a share of %g",
               temperature, top_p);
    sampler->weights = malloc((size_t)count * sizeof *sampler->weights);
    sampler->order = malloc((size_t)count * sizeof *sampler->order);
    if (sampler->weights && sampler->order) return LOWBIT_OK;
    lb_sampler_free(sampler);
    return lb_fail(error, LOWBIT_NO_MEMORY, "no memory for %lld tokens", (long long)count);
}

void lb_sampler_free(lb_sampler *sampler) {
    free(sampler->weights);
    free(sampler->order);
    *sampler = (lb_sampler){.count = 0};
}

/* From 0 to below 1: splitmix64. */
static double next_uniform(lb_sampler *s) {
    uint64_t x = s->state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

static int32_t likeliest(const float *logits, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 1; i < count; i++)
        if (logits[i] > logits[at] || isnan(logits[at])) at = i;
    return (int32_t)at;
}

/* weights = exp((logits - the greatest) / temperature); their sum. */
static double weigh(const lb_sampler *s, const float *logits) {
    const double most = (double)logits[likeliest(logits, s->count)];
    double sum = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const double x = (double)logits[i];
        s->weights[i] = x == most ? 1 : isnan(x) ? 0 : exp((x - most) / s->temperature);
        sum += s->weights[i];
    }
    return sum;
}

/* The first that its weight and those before it bring above the share; the last, if rounding lets none. */
static int32_t pick(const lb_sampler *s, int64_t count, double share) {
    for (int64_t i = 0; i < count - 1; i++) {
        share -= s->weights[s->order[i]];
        if (share < 0) return s->order[i];
    }
    return s->order[count - 1];
}

/* ---- the likeliest, as a heap: every parent before its children, 2 i + 1 and 2 i + 2 ---- */

static bool comes_before(const lb_sampler *s, int32_t a, int32_t b) {
    return s->weights[a] != s->weights[b] ? s->weights[a] > s->weights[b] : a < b;
}

static void sink(const lb_sampler *s, int32_t *heap, int64_t count, int64_t at) {
    const int32_t sunk = heap[at];
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_before(s, heap[child + 1], heap[child])) child++;
        if (!comes_before(s, heap[child], sunk)) break;
        heap[at] = heap[child];
    }
    heap[at] = sunk;
}

/* Takes the likeliest one after the other off the heap, to its end, until they reach `share`. The order is then of the
 * last `count` of them, backwards; `taken` is their weight. */
static int64_t take_likeliest(const lb_sampler *s, double share, double *taken) {
    int64_t left = s->count;
    for (int64_t i = left / 2 - 1; i >= 0; i--) sink(s, s->order, left, i);
    for (*taken = 0; left > 0 && *taken < share;) {
        const int32_t first = s->order[0];
        *taken += s->weights[first];
        s->order[0] = s->order[--left];
        if (left > 0) sink(s, s->order, left, 0);
        s->order[left] = first;
    }
    return s->count - left;
}

int32_t lb_sample(lb_sampler *s, const float *logits) {
    if (s->temperature == 0) return likeliest(logits, s->count);
    double sum = weigh(s, logits);
    for (int64_t i = 0; i < s->count; i++) s->order[i] = (int32_t)i;
    if (s->top_p >= 1) return pick(s, s->count, next_uniform(s) * sum);
    const int64_t count = take_likeliest(s, s->top_p * sum, &sum);
    int32_t *order = s->order;
    lb_sampler best = *s;
    best.order = order + s->count - count;
    return pick(&best, count, next_uniform(s) * sum);
}
