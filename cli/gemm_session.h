/* SPDX-License-Identifier: Apache-2.0 */
/* Timing products one after the other: the context, the pools, the limits and the JSON that `bench gemm` and
 * `bench layers` share. */
#ifndef LOWBIT_CLI_GEMM_SESSION_H_
#define LOWBIT_CLI_GEMM_SESSION_H_

#include "bench/gemm.h"
#include "cli/cli.h"
#include "cli/wisdom.h"

typedef struct lb_gemm_session {
    const char *command; /* for errors */
    lowbit_ctx *ctx;
    lowbit_wisdom *wisdom; /* of what is planned, and limits that are kept; or NULL */
    const char *wisdom_option;
    lb_limits *limits;
    json_t *results;
    const char *set, *layer; /* where the next problem comes from, for its JSON; NULL = it was named as such */
    lowbit_pool pool;        /* of the thread count that is being timed */
    const char *bind;        /* how its threads are bound: */
    lowbit_pool_options pool_options;
    lb_cpu_list cpus;
    lb_gemm_bench bench; /* how each product is timed; pool, ctx, wisdom and limits are filled in */
    lb_peer_list peers;  /* of the problem that was timed last */
} lb_gemm_session;

/* Begins with the levels of `isa` (NULL = all) and the `wisdom` that the option of that name says; `bench` has kernel,
 * budget_s, cold and the verification. limit_s: what measuring one limit may cost. Returns LB_EXIT_OK, or prints the
 * reason and returns an exit code; end it either way.
 */
int lb_gemm_session_begin(lb_gemm_session *session, const char *command, const char *isa, const char *wisdom,
                          const lb_gemm_bench *bench, double limit_s);
void lb_gemm_session_end(lb_gemm_session *session);

/* Binds the threads of pools from now on, as lb_cli_bind reads it. Returns LB_EXIT_OK, or prints the reason. */
int lb_gemm_session_bind(lb_gemm_session *session, const char *bind);

/* Times with this many threads from now on. */
int lb_gemm_session_threads(lb_gemm_session *session, uint32_t threads);

/* Times one problem, given as text; appends its JSON. A wrong result is an error. canonical: receives the problem as
 * the library prints it. */
int lb_gemm_session_time(lb_gemm_session *session, const char *problem, char canonical[LB_PROBLEM_TEXT],
                         lb_gemm_result *result);

/* Writes {"machine", "run", "results"} to a file or, for "-", to standard output. */
int lb_gemm_session_write(lb_gemm_session *session, const char *target);

#endif
