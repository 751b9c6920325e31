/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gemm_session.h"

#include "cli/peer_rows.h"
#include "tuner/problem.h"

/* Limits are kept where the plans' wisdom is. */
static int keep_limits(lb_gemm_session *s) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!s->wisdom) return LB_EXIT_OK;
    lb_cli_progress("limits of this machine");
    const lowbit_status status = lb_limits_keep(s->limits, s->wisdom, true, &error);
    lb_cli_progress_clear();
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(s->command, status, &error);
}

int lb_gemm_session_begin(lb_gemm_session *s, const char *command, const char *isa, const char *wisdom,
                          const lb_gemm_bench *bench, double limit_s) {
    *s = (lb_gemm_session){.command = command, .results = json_array(), .bench = *bench};
    s->pool = (lowbit_pool)LOWBIT_POOL_INIT;
    s->pool_options = (lowbit_pool_options)LOWBIT_POOL_OPTIONS_INIT;
    s->bind = "none";
    int code = lb_cli_context(command, isa, NULL, &s->ctx);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(command, wisdom, s->ctx, &s->wisdom);
    if (code != LB_EXIT_OK) return code;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_limits_create(s->ctx, limit_s, &s->limits, &error);
    if (status != LOWBIT_OK) return lb_cli_failed(command, status, &error);
    s->bench.ctx = s->ctx;
    s->bench.limits = s->limits;
    s->bench.wisdom = s->wisdom;
    s->bench.peer_list = &s->peers;
    s->bench.pool_options = &s->pool_options;
    s->wisdom_option = wisdom;
    return keep_limits(s);
}

void lb_gemm_session_end(lb_gemm_session *s) {
    if (s->limits && lb_limits_are_new(s->limits)) lb_cli_wisdom_keep(s->command, s->wisdom_option, s->wisdom);
    lowbit_pool_destroy(&s->pool);
    lb_limits_destroy(s->limits);
    lowbit_wisdom_destroy(s->wisdom);
    lowbit_ctx_destroy(s->ctx);
    json_decref(s->results);
}

int lb_gemm_session_bind(lb_gemm_session *s, const char *bind) {
    s->bind = bind;
    if (lb_cli_bind(bind, &s->pool_options, &s->cpus)) return LB_EXIT_OK;
    return lb_cli_error(LB_EXIT_USAGE, s->command, "--bind \"%s\" is neither none, compact, spread nor a list of CPUs",
                        bind);
}

int lb_gemm_session_threads(lb_gemm_session *s, uint32_t threads) {
    const int code = lb_cli_pool(s->command, s->ctx, threads, &s->pool_options, &s->pool);
    s->bench.pool = threads > 1 ? &s->pool : NULL;
    return code;
}

static json_t *result_json(const lb_gemm_session *s, const lowbit_problem *p, const char *text,
                           const lb_gemm_result *r) {
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD];
    lb_problem_words(p, format, act);
    json_t *what = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:b}", "problem", text, "format",
                             format, "act", act, "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k,
                             "threads", (json_int_t)r->threads, "impl", "lowbit", "kernel", r->plan.kernel, "isa",
                             r->plan.isa, "source", r->plan.source, "cold", s->bench.cold);
    json_t *times =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "median_us", r->time.median_s * 1e6, "min_us",
                  r->time.min_s * 1e6, "p10_us", r->time.p10_s * 1e6, "p90_us", r->time.p90_s * 1e6, "low_us",
                  r->time.low_s * 1e6, "high_us", r->time.high_s * 1e6, "samples", (json_int_t)r->time.samples);
    json_t *rates = json_pack("{s:f, s:f, s:I, s:s, s:f, s:f, s:f}", "gops", r->gops, "weight_gbs", r->weight_gbs,
                              "weight_bytes", (json_int_t)r->weight_bytes, "limit", r->limit, "limit_us", r->limit_us,
                              "limit_best_us", r->limit_best_us, "share", r->share);
    json_t *check = json_pack("{s:I, s:f, s:b, s:b}", "verified_rows", (json_int_t)r->verdict.rows, "max_abs_err",
                              r->verdict.max_abs_err, "exact", r->verdict.exact, "within_bound", r->verdict.within);
    json_object_set_new(what, "set", json_string(s->set ? s->set : ""));
    json_object_set_new(what, "layer", json_string(s->layer ? s->layer : ""));
    json_object_set_new(what, "bind", json_string(s->bind));
    json_object_set_new(what, "replica_bytes", json_integer(r->replica_bytes));
    json_object_update(what, times);
    json_object_update(what, rates);
    json_object_update(what, check);
    json_decref(times);
    json_decref(rates);
    json_decref(check);
    return what;
}

/* What the cell of a peer has in common with ours, and its own. */
static json_t *peer_json(const lb_gemm_session *s, const lowbit_problem *p, const char *text, uint32_t threads,
                         const lb_peer_result *peer) {
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD];
    lb_problem_words(p, format, act);
    json_t *what = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "problem", text, "format", format, "act", act,
                             "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k, "threads",
                             (json_int_t)threads, "cold", s->bench.cold);
    json_t *more = lb_cli_peer_json(peer);
    json_object_update(what, more);
    json_decref(more);
    return what;
}

int lb_gemm_session_time(lb_gemm_session *s, const char *problem, char canonical[LB_PROBLEM_TEXT],
                         lb_gemm_result *result) {
    lowbit_problem p = {.struct_size = sizeof p};
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = lowbit_problem_parse(problem, &p, &error);
    if (status == LOWBIT_OK) status = lowbit_problem_print(&p, canonical, LB_PROBLEM_TEXT, &error);
    if (status != LOWBIT_OK) return lb_cli_error(LB_EXIT_USAGE, s->command, "%s", error.message);
    lb_cli_progress("timing %s", canonical);
    s->peers.count = 0;
    status = lb_bench_gemm(&s->bench, &p, result, &error);
    lb_cli_progress_clear();
    if (status != LOWBIT_OK) return lb_cli_failed(s->command, status, &error);
    json_array_append_new(s->results, result_json(s, &p, canonical, result));
    for (size_t i = 0; i < s->peers.count; i++)
        json_array_append_new(s->results, peer_json(s, &p, canonical, result->threads, &s->peers.results[i]));
    return result->verdict.within ? LB_EXIT_OK
                                  : lb_cli_error(LB_EXIT_FAILED, s->command, "%s: the result is wrong", canonical);
}

int lb_gemm_session_write(lb_gemm_session *s, const char *target) {
    json_t *all = json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(s->ctx), "run", lb_cli_run_json(),
                            "results", s->results);
    return lb_cli_write_json(s->command, target, all);
}
