/* SPDX-License-Identifier: Apache-2.0 */
/* The closing table of `lowbit tune`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/table.h"
#include "cli/tune.h"

const char *const lb_tune_knob_names[LB_TUNE_KNOBS] = {"m", "n", "k", "near", "stream", "order", "split"};

void lb_tune_knobs(const lb_gemm_config *c, int64_t values[LB_TUNE_KNOBS]) {
    const int64_t all[LB_TUNE_KNOBS] = {
        c->step_m, c->step_n, c->step_k, c->near_bytes, c->stream_bytes, c->order, c->split_k > 1 ? c->split_k : 1};
    memcpy(values, all, sizeof all);
}

/* "n=256 k=512": the blocks that are not the rule's; empty where all are. */
static void describe_blocks(const lb_tune_job *job, char text[LB_TABLE_CELL]) {
    int64_t own[LB_TUNE_KNOBS], rule[LB_TUNE_KNOBS];
    size_t used = 0;
    lb_tune_knobs(&job->config, own);
    lb_tune_knobs(&job->rule, rule);
    text[0] = 0;
    for (size_t i = 0; i < LB_TUNE_KNOBS; i++) {
        if (own[i] == rule[i] || used >= LB_TABLE_CELL) continue;
        char value[24] = "all"; /* of a size without bounds */
        if (own[i] != INT64_MAX) snprintf(value, sizeof value, "%" PRId64, own[i]);
        used += (size_t)snprintf(text + used, LB_TABLE_CELL - used, "%s%s=%s", used ? " " : "", lb_tune_knob_names[i],
                                 value);
    }
}

static void times_cell(lb_table *table, double other_s, double own_s) {
    if (other_s > 0 && own_s > 0)
        lb_table_cell(table, "%.2fx", other_s / own_s);
    else
        lb_table_cell(table, "-");
}

static const char *note_of(const lowbit_tune_result *r) {
    return r->noisy ? (r->reused ? "known, noisy" : "noisy") : r->reused ? "known" : "";
}

static void add_row(lb_table *table, const lb_tune_job *job) {
    const lowbit_tune_result *r = &job->result;
    char blocks[LB_TABLE_CELL];
    lb_table_cell(table, "%s", job->item->text);
    lb_table_cell(table, "%u/%u", r->plan.threads, job->threads);
    lb_table_cell(table, "%s", r->plan.kernel);
    lb_table_number(table, r->median_s * 1e6);
    lb_table_cell(table, "%.0f%%", r->median_s > 0 ? 50 * (r->high_s - r->low_s) / r->median_s : 0);
    lb_table_number(table, r->estimate_s * 1e6);
    times_cell(table, r->estimate_s, r->median_s);
    times_cell(table, job->fixed_s, r->median_s);
    lb_table_cell(table, "%s", note_of(r));
    describe_blocks(job, blocks);
    if (!blocks[0]) return;
    lb_table_cell(table, "%s", "");
    lb_table_cell(table, "%s", "");
    lb_table_cell(table, "%s", blocks);
    for (size_t i = 3; i < table->columns; i++) lb_table_cell(table, "%s", "");
}

static void print_decisions(const lb_tune_session *s) {
    static const char *const kHeads[] = {"problem", "thr", "kernel", "us", "+-", "est us", "gain", "fixed", ""};
    lb_table table = {.columns = sizeof kHeads / sizeof kHeads[0], .left = 3};
    for (size_t i = 0; i < table.columns; i++) lb_table_cell(&table, "%s", kHeads[i]);
    for (size_t i = 0; i < s->count; i++)
        if (lb_tune_is_decided(&s->jobs[i])) add_row(&table, &s->jobs[i]);
    lb_table_print(&table, stdout);
    lb_table_free(&table);
}

/* Nothing was timed: what would be chosen, and why. */
static void print_estimates(const lb_tune_session *s) {
    static const char *const kHeads[] = {"problem", "thr", "kernel", "by"};
    lb_table table = {.columns = sizeof kHeads / sizeof kHeads[0], .left = 4};
    for (size_t i = 0; i < table.columns; i++) lb_table_cell(&table, "%s", kHeads[i]);
    for (size_t i = 0; i < s->count; i++) {
        const lb_tune_job *job = &s->jobs[i];
        if (!lb_tune_is_decided(job)) continue;
        lb_table_cell(&table, "%s", job->item->text);
        lb_table_cell(&table, "%u/%u", job->result.plan.threads, job->threads);
        lb_table_cell(&table, "%s", job->result.plan.kernel);
        lb_table_cell(&table, "%s", job->result.plan.source);
    }
    lb_table_print(&table, stdout);
    lb_table_free(&table);
}

static bool same_fixed(const lb_tune_job *a, const lb_tune_job *b) {
    return a->fixed.kernel == b->fixed.kernel && a->threads == b->threads;
}

/* The kernels of the column "fixed", each once. */
static void print_fixed(const lb_tune_session *s) {
    for (const lb_tune_job *job = s->jobs; job < s->jobs + s->count; job++) {
        const lb_tune_job *first = s->jobs;
        size_t timed = 0;
        while (!same_fixed(first, job)) first++;
        if (first < job || !job->fixed.kernel) continue;
        for (const lb_tune_job *each = job; each < s->jobs + s->count; each++)
            timed += same_fixed(each, job) && each->fixed_s > 0;
        char name[LB_KERNEL_NAME];
        lb_kernel_name(job->fixed, name, sizeof name);
        printf("fixed: %s for %zu problem%s on %u thread%s\n", name, timed, timed == 1 ? "" : "s", job->threads,
               job->threads > 1 ? "s" : "");
    }
}

static void print_gains(const lb_tune_session *s) {
    const lb_gain estimate = lb_tune_gain_estimate(s), fixed = lb_tune_gain_fixed(s);
    if (estimate.count)
        printf("Geometric mean: %.2fx the estimate's speed (%zu problems)", estimate.mean, estimate.count);
    if (estimate.count && fixed.count) printf(", %.2fx that of the fixed kernels (%zu)", fixed.mean, fixed.count);
    if (estimate.count) printf(".\n");
    if (estimate.count && estimate.mean < 1.05)
        printf(
            "Tuning gained less than 5 %% over the estimate here: it is hardly worth its time for these problems.\n");
}

void lb_tune_print(const lb_tune_session *s) {
    size_t decided = 0, waiting = 0, noisy = 0;
    for (size_t i = 0; i < s->count; i++) {
        decided += lb_tune_is_decided(&s->jobs[i]);
        waiting += !s->jobs[i].over;
        noisy += lb_tune_is_decided(&s->jobs[i]) && s->jobs[i].result.noisy;
    }
    if (decided && !lb_effort_measures(s->effort))
        print_estimates(s);
    else if (decided)
        print_decisions(s);
    for (size_t i = 0; i < s->count; i++)
        if (s->jobs[i].over && !lb_tune_is_decided(&s->jobs[i]))
            printf("%s, %u thread%s: %s\n", s->jobs[i].item->text, s->jobs[i].threads,
                   s->jobs[i].threads > 1 ? "s" : "", s->jobs[i].reason);
    if (decided && lb_effort_measures(s->effort)) {
        printf("\n");
        print_fixed(s);
        print_gains(s);
    }
    for (size_t i = 0; i < s->count && s->buckets; i++)
        if (lb_tune_is_decided(&s->jobs[i])) lb_tune_print_ranges(s, &s->jobs[i]);
    if (noisy)
        printf("%zu noisy: the machine was not quiet. To tune again: lowbit wisdom forget FILE PROBLEM\n", noisy);
    if (waiting) printf("%zu of %zu were not tuned.\n", waiting, s->count);
}
