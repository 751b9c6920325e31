/* SPDX-License-Identifier: Apache-2.0 */
/* What tuning is worth: decisions against the estimate, and against the best single choice for all problems of a kind.
 */
#include <math.h>

#include "cli/tune.h"
#include "kernels/base/base.h"
#include "kernels/formats/format.h"

/* Problems that one kernel may compute, on as many threads. */
static bool same_kind(const lb_tune_job *a, const lb_tune_job *b) {
    const lowbit_problem *p = &a->item->problem, *q = &b->item->problem;
    return lb_format_of(p->weights.format)->coding == lb_format_of(q->weights.format)->coding &&
           p->activations == q->activations && a->threads == b->threads;
}

/* The least time of a kernel with blocks by rule, on any number of its threads; 0 = it was not timed here. It may have
 * been in another race than the decision, when the machine was faster or slower: the estimate's choice was in both. */
static double time_of(const lb_tune_job *job, const lb_kernel *kernel) {
    double best = 0;
    for (size_t i = 0; i < job->tried_count; i++) {
        const lb_tried *t = &job->tried[i];
        if (t->config.kernel == kernel && t->by_rule && (best == 0 || t->relative < best)) best = t->relative;
    }
    return best * job->result.estimate_s;
}

/* How a kernel did in all jobs of a kind. */
typedef struct standing {
    size_t count;   /* jobs in which it was timed */
    double log_sum; /* of its time over the decision's */
} standing;

static standing standing_of(const lb_tune_session *s, const lb_tune_job *kind, const lb_kernel *kernel) {
    standing all = {0};
    for (size_t i = 0; i < s->count; i++) {
        const lb_tune_job *job = &s->jobs[i];
        if (!lb_tune_is_decided(job) || !same_kind(job, kind)) continue;
        const double seconds = time_of(job, kernel);
        if (seconds <= 0 || job->result.median_s <= 0) continue;
        all.count++;
        all.log_sum += log(seconds / job->result.median_s);
    }
    return all;
}

/* First those that were timed most often: the others would be judged by problems that they chose. */
static bool is_better(const standing *a, const standing *b) {
    if (a->count != b->count) return a->count > b->count;
    return a->count && a->log_sum / (double)a->count < b->log_sum / (double)b->count;
}

static lb_kernel_ref best_of_kind(const lb_tune_session *s, const lb_tune_job *kind) {
    standing best = {0};
    lb_kernel_ref found = {0}, each;
    for (size_t i = 0; lb_kernel_at(i, &each); i++) {
        const standing its = standing_of(s, kind, each.kernel);
        if (is_better(&its, &best)) best = its, found = each;
    }
    return found;
}

void lb_tune_find_fixed(lb_tune_session *s) {
    for (size_t i = 0; i < s->count; i++) {
        lb_tune_job *job = &s->jobs[i];
        if (!lb_tune_is_decided(job)) continue;
        size_t first = 0;
        while (!lb_tune_is_decided(&s->jobs[first]) || !same_kind(&s->jobs[first], job)) first++;
        job->fixed = first < i ? s->jobs[first].fixed : best_of_kind(s, job);
        job->fixed_s = job->fixed.kernel ? time_of(job, job->fixed.kernel) : 0;
    }
}

static void add_gain(lb_gain *gain, const lb_tune_job *job, double other_s) {
    if (!lb_tune_is_decided(job) || other_s <= 0 || job->result.median_s <= 0) return;
    gain->mean += log(other_s / job->result.median_s);
    gain->count++;
}

static lb_gain mean_of(lb_gain sum) { return (lb_gain){sum.count ? exp(sum.mean / (double)sum.count) : 0, sum.count}; }

lb_gain lb_tune_gain_estimate(const lb_tune_session *s) {
    lb_gain sum = {0};
    for (size_t i = 0; i < s->count; i++) add_gain(&sum, &s->jobs[i], s->jobs[i].result.estimate_s);
    return mean_of(sum);
}

lb_gain lb_tune_gain_fixed(const lb_tune_session *s) {
    lb_gain sum = {0};
    for (size_t i = 0; i < s->count; i++) add_gain(&sum, &s->jobs[i], s->jobs[i].fixed_s);
    return mean_of(sum);
}
