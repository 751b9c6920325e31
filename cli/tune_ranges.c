/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel has which M, where the smaller buckets were tuned too. */
#include <stdio.h>
#include <string.h>

#include "cli/tune.h"

size_t lb_tune_ranges(const lb_tune_session *s, const lb_tune_job *job, lb_tune_range ranges[LB_PLAN_DECISIONS]) {
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    size_t count = 0;
    options.threads = job->threads;
    options.wisdom = s->wisdom;
    if (lowbit_plan_create(s->ctx, &job->item->problem, &options, &plan, NULL) != LOWBIT_OK) return 0;
    for (size_t i = 0; i < plan->count; i++) {
        const lb_plan_decision *d = &plan->decisions[i];
        lb_tune_range range = {.first = i ? plan->decisions[i - 1].last + 1 : 1, .last = d->last};
        range.threads = d->config.threads;
        lb_kernel_name((lb_kernel_ref){d->config.unit, d->config.kernel}, range.kernel, sizeof range.kernel);
        lb_tune_range *before = count ? &ranges[count - 1] : NULL;
        if (before && before->threads == range.threads && strcmp(before->kernel, range.kernel) == 0)
            before->last = range.last;
        else
            ranges[count++] = range;
    }
    lowbit_plan_destroy(s->ctx, plan);
    return count;
}

void lb_tune_print_ranges(const lb_tune_session *s, const lb_tune_job *job) {
    lb_tune_range ranges[LB_PLAN_DECISIONS];
    const size_t count = lb_tune_ranges(s, job, ranges);
    printf("%s on %u thread%s, by rows:\n", job->item->text, job->threads, job->threads > 1 ? "s" : "");
    for (size_t i = 0; i < count; i++) {
        char rows[48];
        snprintf(rows, sizeof rows, "%lld to %lld", (long long)ranges[i].first, (long long)ranges[i].last);
        printf("  %-12s %s on %u\n", rows, ranges[i].kernel, ranges[i].threads);
    }
}

json_t *lb_tune_ranges_json(const lb_tune_session *s, const lb_tune_job *job) {
    lb_tune_range ranges[LB_PLAN_DECISIONS];
    const size_t count = lb_tune_ranges(s, job, ranges);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:I}", "first", (json_int_t)ranges[i].first, "last",
                                              (json_int_t)ranges[i].last, "kernel", ranges[i].kernel, "uses",
                                              (json_int_t)ranges[i].threads));
    return list;
}
