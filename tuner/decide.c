/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/decide.h"

#include <math.h>

#include "kernels/formats/format.h"
#include "tuner/estimate.h"
#include "tuner/wisdom.h"

lb_bucket lb_bucket_of(int64_t m) {
    static const int64_t kMost[LB_BUCKETS] = {1, 4, 16, 64, INT64_MAX};
    size_t i = 0;
    while (m > kMost[i]) i++;
    return (lb_bucket){i ? kMost[i - 1] + 1 : 1, kMost[i]};
}

lowbit_status lb_refuse_unsupported(const lowbit_problem *problem, lowbit_error *error) {
    return lb_fail(error, LOWBIT_UNSUPPORTED, "no kernel of this version multiplies %s with these activations",
                   lb_format_of(problem->weights.format)->name);
}

void lb_plan_add(lowbit_plan *plan, int64_t last, const char *source, lb_gemm_config config) {
    plan->decisions[plan->count++] = (lb_plan_decision){last, source, config};
}

/* What the buckets of one plan share. Contenders are looked for when the first bucket needs them. */
typedef struct deciding {
    const lowbit_ctx *ctx;
    const lowbit_wisdom *wisdom;
    uint32_t threads, pool;
    lowbit_plan *plan;
    lb_model model;
    size_t count;
    lb_contender contenders[LB_MOST_CONTENDERS];
} deciding;

/* A configuration that was tuned for fewer rows: of these, the parts of a split K may be too many for the scratch. */
static lb_gemm_config for_rows(const lowbit_problem *problem, int64_t m, lb_gemm_config config) {
    lowbit_problem p = *problem;
    p.m = m;
    if (lb_check_config(&p, &config, NULL) != LOWBIT_OK) config.split_k = 0;
    return config;
}

/* The decisions that wisdom has for M of the bucket. Between two of them, the one whose M is nearer as a ratio holds.
 * True if there is one. */
static bool decide_by_wisdom(deciding *d, lb_bucket bucket) {
    lb_wisdom_entry found[LB_BUCKET_DECISIONS];
    const lowbit_problem *p = &d->plan->problem;
    if (!d->wisdom) return false;
    const size_t count =
        lb_wisdom_find(d->wisdom, p, d->threads, d->pool, bucket.least, bucket.most, found, LB_BUCKET_DECISIONS);
    for (size_t i = 0; i < count; i++) {
        const int64_t end = lb_min(bucket.most, p->m);
        const double middle = i + 1 < count ? sqrt((double)found[i].problem.m * (double)found[i + 1].problem.m) : 0;
        const int64_t last = i + 1 < count ? lb_min((int64_t)middle, end) : end;
        const bool again = d->plan->count && d->plan->decisions[d->plan->count - 1].last >= last;
        if (!again) lb_plan_add(d->plan, last, "wisdom", for_rows(p, last, found[i].config));
    }
    return count > 0;
}

/* Kernel and threads of a problem alike; blocks are this one's own. */
static bool decide_by_neighbour(deciding *d, lb_bucket bucket, int64_t m) {
    lb_wisdom_entry near;
    lowbit_problem p = d->plan->problem;
    p.m = m;
    if (!d->wisdom || !lb_wisdom_nearest(d->wisdom, &p, d->threads, d->pool, bucket.least, bucket.most, &near))
        return false;
    const lb_kernel_ref ref = {near.config.unit, near.config.kernel};
    lb_plan_add(d->plan, m, "nearby", lb_configure(d->ctx, &p, m, ref, near.config.threads, d->threads));
    return true;
}

static lowbit_status decide_by_estimate(deciding *d, int64_t m, lowbit_error *error) {
    const lowbit_problem *p = &d->plan->problem;
    if (d->count == 0) {
        d->model = lb_model_of(d->ctx, d->wisdom, d->threads);
        d->count = lb_contenders(&d->model, p, d->contenders);
        if (d->count == 0) return lb_refuse_unsupported(p, error);
    }
    lb_plan_add(d->plan, m, "estimate", lb_estimate(&d->model, p, m, d->threads, d->contenders, d->count));
    return LOWBIT_OK;
}

lowbit_status lb_decide(const lowbit_ctx *ctx, const lowbit_wisdom *wisdom, uint32_t threads, uint32_t pool, bool only,
                        lowbit_plan *plan, lowbit_error *error) {
    deciding d;
    d.ctx = ctx, d.wisdom = wisdom, d.threads = threads, d.pool = pool, d.plan = plan, d.count = 0;
    for (int64_t m = 1; m <= plan->problem.m;) {
        const lb_bucket bucket = lb_bucket_of(m);
        const int64_t last = lb_min(bucket.most, plan->problem.m);
        if (!decide_by_wisdom(&d, bucket)) {
            LB_REQUIRE(!only || last < plan->problem.m, error, LOWBIT_NOT_FOUND,
                       "wisdom has no decision for %lld rows of this problem", (long long)plan->problem.m);
            if (!decide_by_neighbour(&d, bucket, last)) LB_TRY(decide_by_estimate(&d, last, error));
        }
        m = last + 1;
    }
    return LOWBIT_OK;
}
