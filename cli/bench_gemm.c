/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench gemm`: times products against the limits of this machine. */
#include <stdio.h>
#include <string.h>

#include "bench/gemm.h"
#include "cli/cli.h"
#include "tuner/problem.h"

static const char kCommand[] = "bench gemm";

typedef struct options {
    const char *threads, *isa, *kernel, *wisdom, *json;
    double seconds;
    bool cold, verify;
} options;

/* A run of the command: what all cells share. */
typedef struct session {
    const options *options;
    lowbit_ctx *ctx;
    lb_limits *limits;
    json_t *results;
    bool header_printed;
} session;

static json_t *result_json(const session *s, const lowbit_problem *p, const char *text, const lb_gemm_result *r) {
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD];
    lb_problem_words(p, format, act);
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:f, s:f, "
        "s:I, s:s, s:f, s:f, s:I, s:f, s:b}",
        "problem", text, "format", format, "act", act, "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k",
        (json_int_t)p->k, "threads", (json_int_t)r->threads, "impl", "lowbit", "kernel", r->plan.kernel, "isa",
        r->plan.isa, "source", r->plan.source, "cold", s->options->cold, "median_us", r->time.median_s * 1e6, "min_us",
        r->time.min_s * 1e6, "p10_us", r->time.p10_s * 1e6, "p90_us", r->time.p90_s * 1e6, "low_us",
        r->time.low_s * 1e6, "high_us", r->time.high_s * 1e6, "samples", (json_int_t)r->time.samples, "gops", r->gops,
        "weight_gbs", r->weight_gbs, "weight_bytes", (json_int_t)r->weight_bytes, "limit", r->limit, "limit_us",
        r->limit_us, "share", r->share, "verified_rows", (json_int_t)r->verified_rows, "max_abs_err", r->max_abs_err,
        "exact", r->exact);
}

static void print_row(session *s, const char *text, const lb_gemm_result *r) {
    if (lb_cli_json_only(s->options->json)) return;
    if (!s->header_printed)
        printf("%-28s %3s %-22s %10s %8s %7s %-7s %5s %5s\n", "problem", "thr", "kernel", "median us", "GOP/s", "GB/s",
               "limit", "share", "exact");
    s->header_printed = true;
    printf("%-28s %3u %-22s %10.2f %8.1f %7.2f %-7s %4.0f%% %5s\n", text, r->threads, r->plan.kernel,
           r->time.median_s * 1e6, r->gops, r->weight_gbs, r->limit, r->share * 100, r->exact ? "yes" : "NO");
    fflush(stdout);
}

static int run_cell(session *s, const lowbit_problem *p, const char *text, const lowbit_pool *pool) {
    const lb_gemm_bench bench = {.ctx = s->ctx,
                                 .limits = s->limits,
                                 .pool = pool,
                                 .kernel = s->options->kernel,
                                 .budget_s = s->options->seconds,
                                 .cold = s->options->cold,
                                 .verify_all = s->options->verify};
    lb_gemm_result result;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lb_cli_progress("timing %s", text);
    const lowbit_status status = lb_bench_gemm(&bench, p, &result, &error);
    lb_cli_progress_clear();
    if (status != LOWBIT_OK) return lb_cli_failed(kCommand, status, &error);
    print_row(s, text, &result);
    json_array_append_new(s->results, result_json(s, p, text, &result));
    return result.exact ? LB_EXIT_OK : lb_cli_error(LB_EXIT_FAILED, kCommand, "%s: the result is wrong", text);
}

static int run_threads(session *s, uint32_t threads, int count, char **problems) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options wanted = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    wanted.threads = threads;
    if (threads > 1) {
        const lowbit_status status = lowbit_pool_create(s->ctx, &wanted, &pool, &error);
        if (status != LOWBIT_OK) return lb_cli_failed(kCommand, status, &error);
    }
    int code = LB_EXIT_OK;
    for (int i = 0; i < count && code == LB_EXIT_OK; i++) {
        lowbit_problem p = {.struct_size = sizeof p};
        char text[96];
        lowbit_status status = lowbit_problem_parse(problems[i], &p, &error);
        if (status == LOWBIT_OK) status = lowbit_problem_print(&p, text, sizeof text, &error);
        code = status == LOWBIT_OK ? run_cell(s, &p, text, threads > 1 ? &pool : NULL)
                                   : lb_cli_failed(kCommand, status, &error);
    }
    lowbit_pool_destroy(&pool);
    return code;
}

static int run_all(session *s, int count, char **problems) {
    lb_thread_list threads;
    if (!lb_cli_threads(s->options->threads, s->ctx, &threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts",
                            s->options->threads);
    int code = LB_EXIT_OK;
    for (size_t i = 0; i < threads.count && code == LB_EXIT_OK; i++)
        code = run_threads(s, threads.threads[i], count, problems);
    return code;
}

static int run_session(const options *o, int count, char **problems) {
    session s = {.options = o, .results = json_array()};
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_cli_context(kCommand, o->isa, NULL, &s.ctx);
    if (code != LB_EXIT_OK) return code;
    const lowbit_status status = lb_limits_create(s.ctx, 0.1, &s.limits, &error);
    code = status == LOWBIT_OK ? run_all(&s, count, problems) : lb_cli_failed(kCommand, status, &error);
    if (code == LB_EXIT_OK && o->json)
        code = lb_cli_write_json(kCommand, o->json,
                                 json_pack("{s:o, s:O}", "machine", lb_cli_machine_json(s.ctx), "results", s.results));
    json_decref(s.results);
    lb_limits_destroy(s.limits);
    lowbit_ctx_destroy(s.ctx);
    return code;
}

int lb_cmd_bench_gemm(int argc, char **argv) {
    options o = {.threads = "1", .wisdom = "none", .seconds = 0.3};
    const lb_option table[] = {
        {"--threads", "LIST", "thread counts, as 1,2,all (default: 1)", LB_OPTION_TEXT, &o.threads},
        LB_OPTION_ISA(&o.isa),
        {"--kernel", "NAME", "use this kernel (`lowbit kernels` lists them)", LB_OPTION_TEXT, &o.kernel},
        {"--cold", NULL, "weights from a ring of 1 GiB instead of the caches", LB_OPTION_FLAG, &o.cold},
        {"--time", "S", "seconds of samples for each problem (default: 0.3)", LB_OPTION_SECONDS, &o.seconds},
        {"--verify", NULL, "check every row of every result, not a sample of rows", LB_OPTION_FLAG, &o.verify},
        {"--wisdom", "FILE|none", "tuned decisions to use; this version knows none yet", LB_OPTION_TEXT, &o.wisdom},
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "PROBLEM... [options]",
                              .text =
                                  "Times matrix products, as i4g32a8:m1n4096k4096, next to the limit that binds "
                                  "them on this machine.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 1,
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if (strcmp(o.wisdom, "none") != 0)
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--wisdom %s: this version reads no wisdom; say none", o.wisdom);
    return run_session(&o, argc - 1, argv + 1);
}
