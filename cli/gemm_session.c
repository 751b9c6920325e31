/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gemm_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/grow.h"
#include "cli/peer_rows.h"
#include "cli/state.h"
#include "tuner/problem.h"

int lb_gemm_passes(const char *command, int64_t passes, lb_gemm_bench *bench) {
    if (passes < 1 || passes > LB_MAX_VISITS)
        return lb_cli_error(LB_EXIT_USAGE, command, "--passes is 1 to %d", LB_MAX_VISITS);
    bench->passes = (size_t)passes;
    return LB_EXIT_OK;
}

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
    s->bench.pool_options = &s->pool_options;
    lb_cli_state_warn(command, s->ctx);
    lb_counters_open(&s->counters, &lb_perf_kernel, s->ctx->machine.hypervisor);
    s->bench.counters = &s->counters;
    s->wisdom_option = wisdom;
    return keep_limits(s);
}

static void free_cell(lb_gemm_cell *cell) {
    if (cell) free(cell->peers);
    free(cell);
}

void lb_gemm_session_end(lb_gemm_session *s) {
    if (s->limits && lb_limits_are_new(s->limits)) lb_cli_wisdom_keep(s->command, s->wisdom_option, s->wisdom);
    lowbit_pool_destroy(&s->pool);
    lb_counters_close(&s->counters);
    for (size_t i = 0; i < s->watch_count; i++) lb_sentinel_end(&s->watches[i].sentinel);
    for (size_t i = 0; i < s->count; i++) free_cell(s->cells[i]);
    free(s->cells);
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

static lb_watch *watch_of(lb_gemm_session *s, uint32_t threads) {
    for (size_t i = 0; i < s->watch_count; i++)
        if (s->watches[i].threads == threads) return &s->watches[i];
    return NULL;
}

static const lb_sentinel *sentinel_of(lb_gemm_session *s, const lb_gemm_result *r) {
    const lb_watch *watch = watch_of(s, r->threads);
    return watch ? &watch->sentinel : NULL;
}

int lb_gemm_session_threads(lb_gemm_session *s, uint32_t threads) {
    const int code = lb_cli_pool(s->command, s->ctx, threads, &s->pool_options, &s->pool);
    lb_watch *watch = watch_of(s, threads);
    s->bench.pool = threads > 1 ? &s->pool : NULL;
    s->bench.sentinel = watch ? &watch->sentinel : NULL;
    if (code != LB_EXIT_OK || watch) return code;
    lowbit_error error = LOWBIT_ERROR_INIT;
    watch = &s->watches[s->watch_count++];
    watch->threads = threads;
    s->bench.sentinel = &watch->sentinel;
    const lowbit_status status = lb_sentinel_begin(&watch->sentinel, s->ctx, s->bench.pool, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(s->command, status, &error);
}

static bool disturbed(lb_gemm_session *s, const lb_gemm_result *r) {
    return lb_series_disturbed(&r->series, sentinel_of(s, r));
}

double lb_gemm_session_drift(lb_gemm_session *s, const lb_gemm_result *r) {
    return lb_series_drift(&r->series, sentinel_of(s, r));
}

/* From the readings of the visits that were kept; of very many, every second one, or third. */
static void find_moments(lb_gemm_session *s, lb_watch *watch) {
    enum { MOST = 4096 };
    double readings[MOST];
    const size_t step = s->count * s->bench.passes / MOST + 1;
    size_t n = 0, at = 0;
    for (size_t c = 0; c < s->count; c++) {
        const lb_series *series = &s->cells[c]->result.series;
        for (size_t v = 0; s->cells[c]->result.threads == watch->threads && v < series->visits; v++)
            if (at++ % step == 0) readings[n++] = series->visit[v].sentinel_s;
    }
    watch->moments = n ? lb_moments_of(readings, n) : (lb_moments){1, 1};
    for (size_t c = 0; c < s->count; c++)
        if (s->cells[c]->result.threads == watch->threads) lb_moments_apply(&watch->moments, &s->cells[c]->result.time);
}

static json_t *counts_json(const lb_gemm_result *r) {
    if (!r->counted) return json_null();
    json_t *misses = r->counts.llc_misses < 0 ? json_null() : json_real(r->counts.llc_misses);
    return json_pack("{s:f, s:f, s:o}", "cycles", r->counts.cycles, "instructions", r->counts.instructions,
                     "llc_misses", misses);
}

static json_t *result_json(lb_gemm_session *s, const lowbit_problem *p, const char *text, const lb_gemm_result *r) {
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD], product[LB_PROBLEM_TEXT] = "";
    lb_problem_words(p, format, act);
    lowbit_problem_print(p, product, sizeof product, NULL);
    json_t *what = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:b}", "problem", product,
                             "format", format, "act", act, "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k",
                             (json_int_t)p->k, "threads", (json_int_t)r->threads, "impl", "lowbit", "kernel",
                             r->plan.kernel, "isa", r->plan.isa, "source", r->plan.source, "cold", s->bench.cold);
    json_t *rates = json_pack("{s:f, s:f, s:I, s:s, s:f, s:f, s:f}", "gops", r->gops, "weight_gbs", r->weight_gbs,
                              "weight_bytes", (json_int_t)r->weight_bytes, "limit", r->limit, "limit_us", r->limit_us,
                              "limit_best_us", r->limit_best_us, "share", r->share);
    json_t *check = json_pack("{s:I, s:f, s:b, s:b}", "verified_rows", (json_int_t)r->verdict.rows, "max_abs_err",
                              r->verdict.max_abs_err, "exact", r->verdict.exact, "within_bound", r->verdict.within);
    if (s->convs) json_object_set_new(what, "conv", json_string(text));
    json_object_set_new(what, "set", json_string(s->set ? s->set : ""));
    json_object_set_new(what, "layer", json_string(s->layer ? s->layer : ""));
    json_object_set_new(what, "bind", json_string(s->bind));
    json_object_set_new(what, "replica_bytes", json_integer(r->replica_bytes));
    lb_series_json(what, &r->series, watch_of(s, r->threads), &r->time);
    json_object_set_new(what, "counters", counts_json(r));
    json_object_update(what, rates);
    json_object_update(what, check);
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

bool lb_gemm_session_next(lb_gemm_session *s) {
    if (s->tells) return false;
    size_t wanted = 0;
    for (size_t i = 0; i < s->count; i++) wanted += disturbed(s, &s->cells[i]->result);
    s->at = 0;
    s->tells = s->pass >= s->bench.passes && (wanted == 0 || s->pass >= 2 * s->bench.passes);
    if (!s->tells) s->pass++;
    for (size_t i = 0; s->tells && i < s->watch_count; i++) find_moments(s, &s->watches[i]);
    return true;
}

/* NULL without memory. */
static lb_gemm_cell *new_cell(bool with_peers) {
    lb_gemm_cell *cell = calloc(1, sizeof *cell);
    if (cell && with_peers) cell->peers = calloc(1, sizeof *cell->peers);
    if (cell && (cell->peers || !with_peers)) return cell;
    free_cell(cell);
    return NULL;
}

/* The cell whose turn it is; NULL without memory. */
static lb_gemm_cell *next_cell(lb_gemm_session *s) {
    if (s->at < s->count) return s->cells[s->at++];
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of a pointer is meant */
    lb_gemm_cell **cells = lb_grow(s->cells, s->count, &s->room, sizeof *cells);
    if (!cells) return NULL;
    s->cells = cells;
    lb_gemm_cell *made = new_cell(s->bench.peers);
    if (made) s->cells[s->count++] = made;
    s->at = s->count;
    return made;
}

static void keep(lb_gemm_session *s, const lowbit_problem *p, const char *canonical, const lb_gemm_cell *cell) {
    const lb_gemm_result *r = &cell->result;
    s->drifted += lb_gemm_session_drift(s, r) > 1 + LB_DRIFT_LIMIT;
    s->peers = cell->peers;
    json_array_append_new(s->results, result_json(s, p, canonical, r));
    for (size_t i = 0; s->peers && i < s->peers->count; i++)
        json_array_append_new(s->results, peer_json(s, p, canonical, r->threads, &s->peers->results[i]));
}

/* A product; or a convolution, and the product of all its outputs. */
static lowbit_status read_problem(const lb_gemm_session *s, const char *text, char canonical[LB_PROBLEM_TEXT],
                                  lowbit_problem *p, lowbit_conv2d *conv, lowbit_error *error) {
    if (s->convs) {
        LB_TRY(lowbit_conv2d_parse(text, conv, error));
        LB_TRY(lowbit_conv2d_print(conv, canonical, LB_PROBLEM_TEXT, error));
        return lb_conv_bench_problem(conv, p, error);
    }
    LB_TRY(lowbit_problem_parse(text, p, error));
    return lowbit_problem_print(p, canonical, LB_PROBLEM_TEXT, error);
}

int lb_gemm_session_time(lb_gemm_session *s, const char *problem, char canonical[LB_PROBLEM_TEXT],
                         lb_gemm_result *result) {
    lowbit_problem p = {.struct_size = sizeof p};
    lowbit_conv2d conv = LOWBIT_CONV2D_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = read_problem(s, problem, canonical, &p, &conv, &error);
    if (status != LOWBIT_OK) return lb_cli_error(LB_EXIT_USAGE, s->command, "%s", error.message);
    const bool known = s->at < s->count;
    lb_gemm_cell *cell = next_cell(s);
    if (!cell) return lb_cli_failed(s->command, LOWBIT_NO_MEMORY, NULL);
    if (s->tells) {
        keep(s, &p, canonical, cell);
        *result = cell->result;
        return LB_EXIT_OK;
    }
    if (s->pass > s->bench.passes && !disturbed(s, &cell->result)) return LB_EXIT_OK;
    lb_cli_progress("pass %zu of %zu: %s", s->pass, s->bench.passes, canonical);
    s->bench.peer_list = cell->peers;
    s->bench.conv = s->convs ? &conv : NULL;
    status = (known ? lb_bench_gemm_again : lb_bench_gemm)(&s->bench, &p, &cell->result, &error);
    lb_cli_progress_clear();
    if (status != LOWBIT_OK) return lb_cli_failed(s->command, status, &error);
    return cell->result.verdict.within ? LB_EXIT_OK
                                       : lb_cli_error(LB_EXIT_FAILED, s->command, "%s: the result is wrong", canonical);
}

void lb_gemm_session_tell_drift(const lb_gemm_session *s) {
    if (s->drifted)
        fprintf(stderr,
                "lowbit %s: warning: %zu of %zu rows were timed while the machine was more than %.0f %% slower than it "
                "can be (\"drift\" in the JSON)\n",
                s->command, s->drifted, s->count, 100 * LB_DRIFT_LIMIT);
}

int lb_gemm_session_write(lb_gemm_session *s, const char *target) {
    json_t *run = lb_cli_run_json();
    json_object_set_new(run, "counters", json_string(s->counters.reason));
    json_object_set_new(run, "limits", json_string(lb_limits_are_kept(s->limits) ? "kept" : "measured"));
    json_t *all =
        json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(s->ctx), "run", run, "results", s->results);
    return lb_cli_write_json(s->command, target, all);
}
