/* SPDX-License-Identifier: Apache-2.0 */
/* Timing products, or convolutions, one after the other: the context, the pools, the limits and the JSON that
 * `bench gemm`, `bench conv` and `bench layers` share. */
#ifndef LOWBIT_CLI_GEMM_SESSION_H_
#define LOWBIT_CLI_GEMM_SESSION_H_

#include "bench/gemm.h"
#include "cli/cli.h"
#include "cli/series_json.h"
#include "cli/wisdom.h"

/* One problem on one number of threads. */
typedef struct lb_gemm_cell {
    lb_gemm_result result;
    lb_peer_list *peers; /* what came of comparisons; NULL where nobody asks */
} lb_gemm_cell;

typedef struct lb_gemm_session {
    const char *command; /* for errors */
    lowbit_ctx *ctx;
    lowbit_wisdom *wisdom; /* of what is planned, and limits that are kept; or NULL */
    const char *wisdom_option;
    lb_limits *limits;
    json_t *results;
    bool convs;              /* problems are convolutions */
    const char *set, *layer; /* where the next problem comes from, for its JSON; NULL = it was named as such */
    lowbit_pool pool;        /* of the thread count that is being timed */
    const char *bind;        /* how its threads are bound: */
    lowbit_pool_options pool_options;
    lb_cpu_list cpus;
    lb_gemm_bench bench;       /* how each product is timed; pool, ctx, wisdom and limits are filled in */
    size_t pass;               /* how many have been begun */
    bool tells;                /* all have been made: */
    const lb_peer_list *peers; /* of the problem that was told last, or NULL */
    lb_gemm_cell **cells;      /* [count], in the order in which they are timed: the same in every pass */
    size_t count, room, at, drifted;
    lb_watch watches[LB_MAX_THREAD_LIST]; /* one for each number of threads that was timed */
    size_t watch_count;
    lb_counters counters;
} lb_gemm_session;

/* The row of the options table, and what it says put into the bench; or an exit code. */
#define LB_OPTION_PASSES(target)                                                                                       \
    { "--passes", "P", "visits of every problem, spread over the run (default: 7)", LB_OPTION_COUNT, (target) }
int lb_gemm_passes(const char *command, int64_t passes, lb_gemm_bench *bench);

/* Begins with the levels of `isa` (NULL = all) and the `wisdom` that the option of that name says; `bench` has kernel,
 * budget_s, passes, cold and the verification. limit_s: what measuring one limit may cost. Returns LB_EXIT_OK, or
 * prints the reason and returns an exit code; end it either way.
 */
int lb_gemm_session_begin(lb_gemm_session *session, const char *command, const char *isa, const char *wisdom,
                          const lb_gemm_bench *bench, double limit_s);
void lb_gemm_session_end(lb_gemm_session *session);

/* Binds the threads of pools from now on, as lb_cli_bind reads it. Returns LB_EXIT_OK, or prints the reason. */
int lb_gemm_session_bind(lb_gemm_session *session, const char *bind);

/* Times with this many threads from now on. */
int lb_gemm_session_threads(lb_gemm_session *session, uint32_t threads);

/* Begins the next pass over all problems; in each, the same problems come in the same order with the same numbers of
 * threads. After bench.passes of them up to as many more follow, in which rows with disturbed visits are visited again;
 * and one in the end, session->tells, in which nothing is timed and lb_gemm_session_time has the results. Then false.
 */
bool lb_gemm_session_next(lb_gemm_session *session);

/* Visits one problem, given as text; in the pass that tells, fills the result and appends its JSON. A wrong result is
 * an error. canonical: receives the problem as the library prints it. */
int lb_gemm_session_time(lb_gemm_session *session, const char *problem, char canonical[LB_PROBLEM_TEXT],
                         lb_gemm_result *result);

/* How slow the machine was when the result's visits were made: 1.03 = 3 % slower than it can be. */
double lb_gemm_session_drift(lb_gemm_session *session, const lb_gemm_result *result);

/* Says on standard error how many rows were timed on a disturbed machine, if any. */
void lb_gemm_session_tell_drift(const lb_gemm_session *session);

/* Writes {"machine", "run", "results"} to a file or, for "-", to standard output. */
int lb_gemm_session_write(lb_gemm_session *session, const char *target);

#endif
