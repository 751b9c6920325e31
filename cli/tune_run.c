/* SPDX-License-Identifier: Apache-2.0 */
/* Doing the jobs of `lowbit tune` one after the other, with a word on how far it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/tune.h"
#include "tuner/calibrate.h"
#include "tuner/plan.h"
#include "tuner/stats.h"
#include "tuner/wisdom.h"

static double now(void) { return lb_clock_seconds(&lb_monotonic_clock); }

/* ---- jobs ---- */

static bool make_jobs(lb_tune_session *s, const lb_shapes *list, const lb_thread_list *threads) {
    s->jobs = calloc(list->count * threads->count, sizeof *s->jobs);
    if (!s->jobs) return false;
    for (size_t t = 0; t < threads->count; t++)
        for (size_t i = 0; i < list->count; i++) {
            lb_tune_job *job = &s->jobs[s->count++];
            job->item = &list->list[i];
            job->threads = threads->threads[t];
            job->result.struct_size = sizeof job->result;
        }
    return true;
}

void lb_tune_free_jobs(lb_tune_session *s) {
    for (size_t i = 0; i < s->count; i++) free(s->jobs[i].tried);
    free(s->jobs);
}

/* The rule's blocks for the kernel and the threads of a configuration. */
static lb_gemm_config rule_of(const lb_tune_session *s, const lb_tune_job *job, const lb_gemm_config *c) {
    const lowbit_problem *p = &job->item->problem;
    return lb_configure(s->ctx, p, p->m, (lb_kernel_ref){c->unit, c->kernel}, c->threads, job->threads);
}

static void keep_decision(lb_tune_session *s, lb_tune_job *job, const lb_gemm_config *config) {
    job->config = *config;
    job->rule = rule_of(s, job, config);
}

/* ---- who watches ---- */

/* The place of a configuration among those that were tried; NULL without memory. One that was in several races stands
 * there once. */
static lb_tried *place_of(lb_tune_job *job, const lb_gemm_config *config) {
    for (size_t i = 0; i < job->tried_count; i++)
        if (lb_same_config(&job->tried[i].config, config)) return &job->tried[i];
    if (job->tried_count == job->tried_room) {
        const size_t room = job->tried_room ? 2 * job->tried_room : 32;
        lb_tried *tried = realloc(job->tried, room * sizeof *tried);
        if (!tried) return NULL;
        job->tried = tried;
        job->tried_room = room;
    }
    lb_tried *new = &job->tried[job->tried_count++];
    *new = (lb_tried){.config = *config};
    return new;
}

/* Keeps what the race says in which it took most samples. The estimate's choice is the first one of every race. */
static void observe(void *user, const lb_candidate *candidate, const lb_runner *runner) {
    lb_tune_session *s = user;
    lb_tune_job *job = &s->jobs[s->at];
    if (runner->score_s <= 0) return; /* time was over before its turn */
    const double seconds = runner->samples ? lb_quantile(runner->times, runner->samples, 0.5) : runner->score_s;
    lb_tried *t = place_of(job, &candidate->config);
    if (t && t == job->tried) job->race_s = seconds;
    if (!t || t->samples > runner->samples) return;
    const lb_gemm_config rule = rule_of(s, job, &candidate->config);
    t->by_rule = lb_same_config(&rule, &candidate->config);
    t->out = runner->out;
    t->samples = runner->samples;
    t->time_s = seconds;
    t->relative = seconds / job->race_s;
    t->guess_s = candidate->guess_s;
}

enum { BAR = 12 };

/* "[###---------] 3/12 0:12 i4g32a8:m1n4096k4096 on 2: w4.dot.1x64.avx512vnni on 1, 5 left": what matters most comes
 * first, since a narrow terminal cuts the end. */
static int show(void *user, const lowbit_progress *p) {
    const lb_tune_session *s = user;
    const lb_tune_job *job = &s->jobs[s->at];
    const double part = s->share_s > 0 ? fmin(p->elapsed_s / s->share_s, 1) : 1;
    const int full = (int)(BAR * ((double)s->at + part) / (double)s->count);
    const double left = p->left_s + (double)(s->count - s->at - 1) * s->share_s;
    lb_cli_progress("[%.*s%.*s] %zu/%zu %d:%02d %s on %u: %s on %u, %zu left", full, "############", BAR - full,
                    "------------", s->at + 1, s->count, (int)(left / 60), (int)fmod(left, 60), job->item->text,
                    job->threads, p->kernel, p->threads, p->candidates);
    return lb_cli_interrupted();
}

/* ---- one job ---- */

/* What would be chosen, with nothing timed. */
static lowbit_status estimate(lb_tune_session *s, lb_tune_job *job, lowbit_error *error) {
    const lowbit_problem *p = &job->item->problem;
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    options.threads = job->threads;
    options.wisdom = s->wisdom;
    LB_TRY(lowbit_plan_create(s->ctx, p, &options, &plan, error));
    job->result.plan.struct_size = sizeof job->result.plan;
    const lowbit_status status = lowbit_plan_describe(plan, p->m, &job->result.plan, error);
    keep_decision(s, job, &lb_plan_decision_of(plan, p->m)->config);
    lowbit_plan_destroy(s->ctx, plan);
    return status;
}

static lowbit_status measure(lb_tune_session *s, lb_tune_job *job, lowbit_error *error) {
    const lowbit_problem *p = &job->item->problem;
    const lb_observer observer = {observe, s};
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = job->threads;
    options.effort = s->effort;
    options.wisdom = s->wisdom;
    options.pool = job->threads > 1 ? &s->pool : NULL;
    options.budget_s = s->share_s;
    options.buckets = s->buckets;
    options.progress = show;
    options.progress_user = s;
    LB_TRY(lb_tune_all(s->ctx, p, 1, &options, &observer, &job->result, error));
    lb_wisdom_entry entry;
    if (lb_wisdom_find(s->wisdom, p, job->threads, LB_POOL_OWN, p->m, p->m, &entry, 1) == 1)
        keep_decision(s, job, &entry.config);
    return LOWBIT_OK;
}

/* What is over, but for an interrupt, is told apart from what had no time. */
static void do_job(lb_tune_session *s, lb_tune_job *job) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const double left = s->end_s - now();
    s->share_s = s->budget_s > 0 ? left / (double)(s->count - s->at) : lb_effort_seconds(s->effort);
    if (s->buckets && s->budget_s <= 0) s->share_s *= 2 * LB_BUCKETS;
    lowbit_status status = LOWBIT_CANCELLED;
    if (!lb_effort_measures(s->effort))
        status = estimate(s, job, &error);
    else if (s->share_s > 0)
        status = measure(s, job, &error);
    if (lb_cli_interrupted() && status == LOWBIT_CANCELLED) return;
    job->over = true;
    job->result.status = status;
    if (status == LOWBIT_OK) return;
    snprintf(job->reason, sizeof job->reason, "%s",
             status == LOWBIT_CANCELLED ? "no time was left"
             : error.message[0]         ? error.message
                                        : lowbit_status_string(status));
}

/* A pool of the job's threads, and the rates of this machine for it, which do not count against the budget. */
static int prepare(lb_tune_session *s, const lb_tune_job *job) {
    if (!lb_effort_measures(s->effort)) return LB_EXIT_OK;
    static const lowbit_pool_options kUnbound = LOWBIT_POOL_OPTIONS_INIT;
    const int code = lb_cli_pool(s->command, s->ctx, job->threads, &kUnbound, &s->pool);
    if (code != LB_EXIT_OK) return code;
    const double begin = now();
    lb_cli_progress("measuring what this machine does with %u thread%s", job->threads, job->threads > 1 ? "s" : "");
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status =
        lb_calibrate(s->ctx, job->threads > 1 ? &s->pool : NULL, &lb_monotonic_clock, s->wisdom, &error);
    s->end_s += now() - begin;
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(s->command, status, &error);
}

int lb_tune_run(lb_tune_session *s, const lb_shapes *list, const lb_thread_list *threads) {
    if (!make_jobs(s, list, threads)) return lb_cli_error(LB_EXIT_FAILED, s->command, "no memory for the jobs");
    int code = LB_EXIT_OK;
    s->end_s = now() + s->budget_s;
    for (s->at = 0; s->at < s->count && code == LB_EXIT_OK && !lb_cli_interrupted(); s->at++) {
        lb_tune_job *job = &s->jobs[s->at];
        if (s->at == 0 || job->threads != job[-1].threads) code = prepare(s, job);
        if (code != LB_EXIT_OK) break;
        do_job(s, job);
        lb_cli_progress_clear();
        if (lb_tune_is_decided(job) && !job->result.reused && lb_effort_measures(s->effort))
            code = lb_cli_wisdom_keep(s->command, s->wisdom_file, s->wisdom);
    }
    lb_cli_progress_clear();
    lowbit_pool_destroy(&s->pool);
    return code;
}
