/* SPDX-License-Identifier: Apache-2.0 */
/* What `lowbit tune` has found as JSON; docs/tuning.md names the fields. */
#include <string.h>

#include "cli/tune.h"
#include "tuner/problem.h"

static json_t *blocks_json(const lb_gemm_config *config) {
    int64_t values[LB_TUNE_KNOBS];
    json_t *blocks = json_object();
    lb_tune_knobs(config, values);
    for (size_t i = 0; i < LB_TUNE_KNOBS; i++)
        json_object_set_new(blocks, lb_tune_knob_names[i], json_integer(values[i]));
    return blocks;
}

static json_t *tried_json(const lb_tried *t) {
    char kernel[LB_KERNEL_NAME];
    lb_kernel_name((lb_kernel_ref){t->config.unit, t->config.kernel}, kernel, sizeof kernel);
    return json_pack("{s:s, s:I, s:o, s:b, s:f, s:f, s:I, s:b, s:f}", "kernel", kernel, "uses",
                     (json_int_t)t->config.threads, "blocks", blocks_json(&t->config), "by_rule", t->by_rule, "time_us",
                     t->time_s * 1e6, "relative", t->relative, "samples", (json_int_t)t->samples, "left_early", t->out,
                     "guess_us", t->guess_s * 1e6);
}

static json_t *candidates_json(const lb_tune_job *job) {
    json_t *list = json_array();
    for (size_t i = 0; i < job->tried_count; i++) json_array_append_new(list, tried_json(&job->tried[i]));
    return list;
}

static json_t *problem_json(const lb_tune_job *job) {
    const lowbit_problem *p = &job->item->problem;
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD];
    lb_problem_words(p, format, act);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:s}", "problem", job->item->text, "format", format,
                     "act", act, "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k, "model",
                     *job->item->layer ? job->item->set : "", "layer", job->item->layer, "threads",
                     (json_int_t)job->threads, "status",
                     job->over ? lowbit_status_string(job->result.status) : "interrupted");
}

static json_t *decision_json(const lb_tune_job *job) {
    const lowbit_plan_info *plan = &job->result.plan;
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:b}", "kernel", plan->kernel, "isa", plan->isa, "source", plan->source,
                     "uses", (json_int_t)plan->threads, "blocks", blocks_json(&job->config), "by_rule",
                     lb_same_config(&job->config, &job->rule));
}

static json_t *evidence_json(const lb_tune_job *job) {
    const lowbit_tune_result *r = &job->result;
    char fixed[LB_KERNEL_NAME] = "";
    if (job->fixed.kernel) lb_kernel_name(job->fixed, fixed, sizeof fixed);
    return json_pack("{s:b, s:b, s:f, s:f, s:f, s:I, s:I, s:f, s:s, s:f, s:f, s:o}", "reused", (int)r->reused, "noisy",
                     (int)r->noisy, "median_us", r->median_s * 1e6, "p10_us", r->low_s * 1e6, "p90_us", r->high_s * 1e6,
                     "samples", (json_int_t)r->samples, "tried", (json_int_t)r->candidates, "estimate_us",
                     r->estimate_s * 1e6, "fixed_kernel", fixed, "fixed_us", job->fixed_s * 1e6, "spent_s", r->spent_s,
                     "candidates", candidates_json(job));
}

/* Adds the fields of `more`, which is released. */
static void add_fields(json_t *object, json_t *more) {
    json_object_update(object, more);
    json_decref(more);
}

static json_t *job_json(const lb_tune_session *s, const lb_tune_job *job) {
    json_t *what = problem_json(job);
    if (job->over && !lb_tune_is_decided(job)) json_object_set_new(what, "reason", json_string(job->reason));
    if (lb_tune_is_decided(job)) add_fields(what, decision_json(job));
    if (lb_tune_is_decided(job) && lb_effort_measures(s->effort)) add_fields(what, evidence_json(job));
    if (lb_tune_is_decided(job) && s->buckets) json_object_set_new(what, "ranges", lb_tune_ranges_json(s, job));
    return what;
}

json_t *lb_tune_json(const lb_tune_session *s) {
    const lb_gain estimate = lb_tune_gain_estimate(s), fixed = lb_tune_gain_fixed(s);
    json_t *results = json_array();
    for (size_t i = 0; i < s->count; i++) json_array_append_new(results, job_json(s, &s->jobs[i]));
    return json_pack("{s:o, s:o, s:s, s:o, s:{s:f, s:I, s:f, s:I}}", "machine", lb_cli_machine_json(s->ctx), "run",
                     lb_cli_run_json(), "effort", lb_effort_names[s->effort], "results", results, "gain", "estimate",
                     estimate.mean, "estimate_problems", (json_int_t)estimate.count, "fixed", fixed.mean,
                     "fixed_problems", (json_int_t)fixed.count);
}
