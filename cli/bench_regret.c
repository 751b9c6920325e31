/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench regret`: how far the choices of MEASURE and ESTIMATE are from that of EXHAUSTIVE. */
#include <stdio.h>

#include "bench/regret.h"
#include "cli/shapes.h"
#include "cli/state.h"

static const char kCommand[] = "bench regret";

typedef struct settings {
    lb_shapes_options shapes;
    const char *threads, *isa, *json;
    double exhaustive_s, measure_s, race_s;
    bool repeat;
} settings;

/* Everything that the command owns. */
typedef struct session {
    const settings *settings;
    lowbit_ctx *ctx;
    lb_thread_list threads;
    lb_shapes shapes;
    lowbit_pool pool; /* of the thread count whose turn it is */
    lb_regret regret;
    lb_regret_summary summary;
    json_t *results;
    char problem[LB_PROBLEM_TEXT]; /* whose turn it is; for progress and errors */
} session;

static void tell(void *user, size_t way) {
    const session *s = user;
    lb_cli_progress("%s, %s", s->problem, way < LB_WAYS ? lb_way_name(way) : "race");
}

/* ---- text ---- */

static void print_heading(void) {
    printf("%-44s %3s %-26s %9s %7s %7s %7s %8s %5s %s\n", "problem", "thr", "kernel", "us", "measure", "again",
           "table", "estimate", "s", "agree");
}

static void print_ratio(double ratio, int width) {
    if (ratio > 0)
        printf(" %*.3f", width, ratio);
    else
        printf(" %*s", width, "-");
}

static void print_result(const session *s, uint32_t threads, const lb_regret_result *r) {
    const lb_regret_choice *base = &r->choices[r->base];
    printf("%-44s %3u %-26s %9.2f", s->problem, threads, base->plan.kernel, base->low_s * 1e6);
    for (size_t way = LB_WAY_MEASURE; way < LB_WAYS; way++)
        print_ratio(r->choices[way].regret, way == LB_WAY_ESTIMATE ? 8 : 7);
    printf(" %5.2f %s\n", r->choices[LB_WAY_MEASURE].spent_s, r->same ? "same" : r->agrees ? "yes" : "NO");
    fflush(stdout);
}

static void print_summary(const session *s) {
    const lb_regret_summary *all = &s->summary;
    printf("\n%-12s %9s %9s %9s %9s %9s\n", "", "mean", "worst", "of medians", "worst", "most s");
    for (size_t way = LB_WAY_MEASURE; way < LB_WAYS; way++)
        printf("%-12s %9.3f %9.3f %9.3f %9.3f %9.2f\n", lb_way_name(way), lb_regret_mean(all, all->ways[way].log_sum),
               all->ways[way].worst, lb_regret_mean(all, all->ways[way].median_log_sum), all->ways[way].median_worst,
               all->ways[way].most_spent_s);
    printf("\nthe base itself over the best of all: mean %.3f, worst %.3f\n", lb_regret_mean(all, all->base_log_sum),
           all->base_worst);
    printf("measuring again agrees in %zu of %zu (%.1f %%)\n", all->agreeing, all->count,
           100 * (double)all->agreeing / (double)all->count);
    printf(
        "a plan takes at most %.1f us by estimate, %.1f us from wisdom of its M, %.1f us from wisdom of every bucket\n",
        all->plan_estimate_s * 1e6, all->plan_wisdom_s * 1e6, all->plan_known_s * 1e6);
}

/* ---- JSON ---- */

static json_t *choice_json(const lb_regret_choice *c) {
    const lb_gemm_config *g = &c->config;
    json_t *what =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "kernel", c->plan.kernel, "isa", c->plan.isa, "threads",
                  (json_int_t)g->threads, "step_m", (json_int_t)g->step_m, "step_n", (json_int_t)g->step_n, "step_k",
                  (json_int_t)g->step_k, "order", (json_int_t)g->order, "split_k", (json_int_t)g->split_k);
    json_t *times =
        json_pack("{s:f, s:f, s:I, s:f, s:f, s:I, s:f}", "low_us", c->low_s * 1e6, "median_us", c->median_s * 1e6,
                  "samples", (json_int_t)c->samples, "regret", c->regret, "median_regret", c->median_regret,
                  "candidates", (json_int_t)c->candidates, "spent_s", c->spent_s);
    json_object_update(what, times);
    json_decref(times);
    return what;
}

static json_t *result_json(const session *s, const lowbit_problem *p, uint32_t threads, const lb_regret_result *r) {
    json_t *ways = json_object();
    for (size_t way = 0; way < LB_WAYS; way++)
        if (r->choices[way].made) json_object_set_new(ways, lb_way_name(way), choice_json(&r->choices[way]));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:s, s:f, s:o, s:b, s:f, s:b, s:f, s:f, s:f}", "problem",
                     s->problem, "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k, "threads",
                     (json_int_t)threads, "cold", r->cold, "base", lb_way_name(r->base), "base_regret", r->base_regret,
                     "ways", ways, "same", r->same, "again_ratio", r->again, "agrees", r->agrees, "plan_estimate_us",
                     r->plan_estimate_s * 1e6, "plan_wisdom_us", r->plan_wisdom_s * 1e6, "plan_known_us",
                     r->plan_known_s * 1e6);
}

static json_t *summary_json(const lb_regret_summary *all) {
    json_t *ways = json_object();
    for (size_t way = LB_WAY_MEASURE; way < LB_WAYS; way++)
        json_object_set_new(
            ways, lb_way_name(way),
            json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean", lb_regret_mean(all, all->ways[way].log_sum), "worst",
                      all->ways[way].worst, "median_mean", lb_regret_mean(all, all->ways[way].median_log_sum),
                      "median_worst", all->ways[way].median_worst, "most_spent_s", all->ways[way].most_spent_s));
    return json_pack("{s:I, s:I, s:f, s:f, s:o, s:f, s:f, s:f}", "count", (json_int_t)all->count, "agreeing",
                     (json_int_t)all->agreeing, "base_mean", lb_regret_mean(all, all->base_log_sum), "base_worst",
                     all->base_worst, "ways", ways, "plan_estimate_us", all->plan_estimate_s * 1e6, "plan_wisdom_us",
                     all->plan_wisdom_s * 1e6, "plan_known_us", all->plan_known_s * 1e6);
}

static int write_json(const session *s) {
    return lb_cli_write_json(kCommand, s->settings->json,
                             json_pack("{s:o, s:o, s:O, s:o}", "machine", lb_cli_machine_json(s->ctx), "run",
                                       lb_cli_run_json(), "results", s->results, "summary", summary_json(&s->summary)));
}

/* ---- all of it ---- */

static lowbit_status judge_one(session *s, const lb_shape *shape, uint32_t threads, lowbit_error *error) {
    const lowbit_problem *p = &shape->problem;
    lb_regret_result result;
    snprintf(s->problem, sizeof s->problem, "%s", shape->text);
    LB_TRY(lb_regret_measure(&s->regret, p, &result, error));
    lb_cli_progress_clear();
    lb_regret_add(&s->summary, &result);
    json_array_append_new(s->results, result_json(s, p, threads, &result));
    if (!lb_cli_json_only(s->settings->json)) print_result(s, threads, &result);
    return LOWBIT_OK;
}

static lowbit_status judge_all(session *s, uint32_t threads, lowbit_error *error) {
    const settings *o = s->settings;
    s->regret = (lb_regret){.ctx = s->ctx,
                            .exhaustive_s = o->repeat ? 0 : o->exhaustive_s,
                            .measure_s = o->measure_s,
                            .race_s = o->race_s,
                            .tell = tell,
                            .user = s};
    if (threads > 1) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        options.threads = threads;
        LB_TRY(lowbit_pool_create(s->ctx, &options, &s->pool, error));
        s->regret.pool = &s->pool;
    }
    snprintf(s->problem, sizeof s->problem, "rates of the machine");
    lb_cli_progress("%s", s->problem);
    LB_TRY(lb_regret_calibrate(&s->regret, error));
    for (size_t i = 0; i < s->shapes.count; i++) LB_TRY(judge_one(s, &s->shapes.list[i], threads, error));
    return LOWBIT_OK;
}

/* Nobody wants to hear after half an hour that the last problem has no kernel. */
static lowbit_status check_all(session *s, lowbit_error *error) {
    for (size_t i = 0; i < s->shapes.count; i++) {
        snprintf(s->problem, sizeof s->problem, "%s", s->shapes.list[i].text);
        LB_TRY(lowbit_supported(s->ctx, &s->shapes.list[i].problem, error));
    }
    return LOWBIT_OK;
}

static int judge(session *s) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!lb_cli_threads(s->settings->threads, s->ctx, &s->threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts",
                            s->settings->threads);
    const bool quiet = lb_cli_json_only(s->settings->json);
    lowbit_status status = check_all(s, &error);
    if (status == LOWBIT_OK && !quiet) print_heading();
    for (size_t i = 0; i < s->threads.count && status == LOWBIT_OK; i++) {
        status = judge_all(s, s->threads.threads[i], &error);
        lb_regret_release(&s->regret);
        lowbit_pool_destroy(&s->pool);
    }
    lb_cli_progress_clear();
    if (status != LOWBIT_OK) return lb_cli_error(LB_EXIT_FAILED, kCommand, "%s: %s", s->problem, error.message);
    if (!quiet) print_summary(s);
    return s->settings->json ? write_json(s) : LB_EXIT_OK;
}

static int run(const settings *o, int count, char **words) {
    session s = {.settings = o, .results = json_array(), .pool = LOWBIT_POOL_INIT};
    int code = lb_cli_context(kCommand, o->isa, NULL, &s.ctx);
    if (code == LB_EXIT_OK) code = lb_shapes_collect(&s.shapes, kCommand, count, words, &o->shapes);
    if (code == LB_EXIT_OK) lb_cli_state_warn(kCommand, s.ctx);
    if (code == LB_EXIT_OK) code = judge(&s);
    lb_shapes_free(&s.shapes);
    lowbit_ctx_destroy(s.ctx);
    json_decref(s.results);
    return code;
}

int lb_cmd_bench_regret(int argc, char **argv) {
    settings o = {.threads = "1", .exhaustive_s = 8, .measure_s = 1, .race_s = 1.5};
    const lb_option table[] = {
        LB_OPTION_SHAPES(o.shapes),
        LB_OPTION_FORMATS(o.shapes),
        LB_OPTION_ROWS(o.shapes),
        {"--threads", "LIST", "thread counts, as 1,2,all (default: 1)", LB_OPTION_TEXT, &o.threads},
        {"--exhaustive", "S", "seconds of EXHAUSTIVE for each problem (default: 8)", LB_OPTION_SECONDS,
         &o.exhaustive_s},
        {"--budget", "S", "seconds of MEASURE for each problem (default: 1)", LB_OPTION_SECONDS, &o.measure_s},
        {"--time", "S", "seconds of the race between the choices (default: 1.5)", LB_OPTION_SECONDS, &o.race_s},
        {"--repeat", NULL, "without EXHAUSTIVE: whether MEASURE chooses the same again", LB_OPTION_FLAG, &o.repeat},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&o.isa),
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "[PROBLEM...] [--shapes LIST] [options]",
                              .text =
                                  "Tunes each problem by EXHAUSTIVE, by MEASURE twice and by ESTIMATE with table and "
                                  "measured\nrates, then races what they chose. The ratios are times over that of "
                                  "EXHAUSTIVE; \"s\" is what the\nfirst MEASURE took, \"agree\" whether both chose the "
                                  "same, or within 3 % of it.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 0,
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    return lb_shapes_help(&o.shapes) ? LB_EXIT_OK : run(&o, argc - 1, argv + 1);
}
