/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit tune`: times how problems are best computed on this machine, and keeps the decisions as wisdom. */
#include "cli/tune.h"

#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "kernels/base/base.h"

static const char kCommand[] = "tune";

typedef struct settings {
    lb_shapes_options shapes;
    const char *threads, *effort, *isa, *wisdom, *json;
    double budget_s;
    bool buckets;
} settings;

static bool find_effort(const char *name, uint32_t *effort) {
    for (*effort = 0; lb_effort_names[*effort]; ++*effort)
        if (strcmp(lb_effort_names[*effort], name) == 0) return true;
    return false;
}

/* 1 where there were problems and not one of them came to a decision. */
static int exit_code(const lb_tune_session *s) {
    const int signal = lb_cli_interrupted();
    if (signal) return lb_cli_interrupt_exit(signal);
    for (size_t i = 0; i < s->count; i++)
        if (lb_tune_is_decided(&s->jobs[i])) return LB_EXIT_OK;
    return LB_EXIT_FAILED;
}

static int report(lb_tune_session *s, const settings *o) {
    lb_tune_find_fixed(s);
    if (!lb_cli_json_only(o->json)) lb_tune_print(s);
    const int code = o->json ? lb_cli_write_json(kCommand, o->json, lb_tune_json(s)) : LB_EXIT_OK;
    return code != LB_EXIT_OK ? code : exit_code(s);
}

/* What was done is reported also where it ended early. */
static int tune(lb_tune_session *s, const settings *o, const lb_shapes *list) {
    lb_thread_list threads;
    if (!lb_cli_threads(o->threads, s->ctx, &threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts", o->threads);
    int code = lb_effort_measures(s->effort) ? lb_cli_wisdom_open(kCommand, o->wisdom, s->ctx, &s->wisdom)
                                             : lb_cli_wisdom_read(kCommand, o->wisdom, s->ctx, &s->wisdom);
    if (code != LB_EXIT_OK) return code;
    lb_cli_catch_interrupts();
    code = lb_tune_run(s, list, &threads);
    const int reported = report(s, o);
    return code != LB_EXIT_OK ? code : reported;
}

static int run(const settings *o, int count, char **words) {
    lb_shapes list;
    lb_tune_session s = {.command = kCommand,
                         .budget_s = o->budget_s,
                         .buckets = o->buckets,
                         .wisdom_file = o->wisdom,
                         .pool = LOWBIT_POOL_INIT};
    if (!find_effort(o->effort, &s.effort))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--effort %s: say estimate, measure, patient or exhaustive",
                            o->effort);
    int code = lb_shapes_collect(&list, kCommand, count, words, &o->shapes);
    lb_shapes_unique(&list);
    if (code == LB_EXIT_OK) code = lb_cli_context(kCommand, o->isa, NULL, &s.ctx);
    if (code == LB_EXIT_OK) code = tune(&s, o, &list);
    lb_tune_free_jobs(&s);
    lb_shapes_free(&list);
    lowbit_wisdom_destroy(s.wisdom);
    lowbit_ctx_destroy(s.ctx);
    return code;
}

int lb_cmd_tune(int argc, char **argv) {
    settings o = {.threads = "1,all", .effort = "measure"};
    const lb_option table[] = {
        LB_OPTION_SHAPES(o.shapes),
        {"--model", "LIST", "layers of known models, as bert-large,vit-b; help lists them", LB_OPTION_TEXT,
         &o.shapes.models},
        LB_OPTION_FORMATS(o.shapes),
        LB_OPTION_ROWS(o.shapes),
        {"--threads", "LIST", "thread counts (default: 1,all)", LB_OPTION_TEXT, &o.threads},
        {"--effort", "NAME", "estimate (times nothing), measure (default), patient, exhaustive", LB_OPTION_TEXT,
         &o.effort},
        {"--budget", "S", "seconds for all problems (default: 1, 5 or 60 for each)", LB_OPTION_SECONDS, &o.budget_s},
        {"--buckets", NULL, "also the M of smaller buckets, and where kernels overtake each other", LB_OPTION_FLAG,
         &o.buckets},
        LB_OPTION_WISDOM(&o.wisdom),
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&o.isa),
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "[PROBLEM...] [--shapes LIST] [--model LIST] [options]",
                              .text =
                                  "Times how problems, as i4g32a8:m1n4096k4096, are best computed on this machine and "
                                  "keeps the decisions as wisdom, which plans then go by. Ctrl-C keeps what is done.",
                              .options = table,
                              .option_count = LB_COUNT(table),
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if (lb_shapes_help(&o.shapes)) return LB_EXIT_OK;
    return run(&o, argc - 1, argv + 1);
}
