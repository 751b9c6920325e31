/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning: timing how problems are best computed on this machine, ahead of the plans that need it.
 *
 * Candidates are kernels of every enabled level, with thread counts and blocks. A cost model ranks them; the good ones
 * are checked against the reference on a small problem, then take samples in turn, and those that fall behind leave
 * (successive halving). Up to 16 rows, weights come from memory, as those of a model's layers do: from a ring of copies
 * beyond the caches. With more rows they are where the last call left them. Of candidates within 3 % of the fastest the
 * one with fewer threads wins, then that with less workspace, then the one that the model had thought better of: so
 * that tuning again comes to the same decision. docs/tuning.md has the whole story. */
#ifndef LOWBIT_TUNE_H_
#define LOWBIT_TUNE_H_

#include "lowbit/gemm.h"
#include "lowbit/wisdom.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of one problem. Times are seconds of one lowbit_gemm call. */
typedef struct lowbit_tune_result {
    uint32_t struct_size;
    lowbit_status status; /* LOWBIT_OK; why it was not tuned; LOWBIT_CANCELLED where time or patience was over before it
                             was its turn, or before one candidate had been timed */
    lowbit_plan_info plan; /* the decision for the problem's M */
    uint32_t reused;       /* 1 = wisdom had the decision already: nothing was timed, and the rest is as it was then */
    uint32_t noisy;        /* 1 = the winner's own time moved by more than 5 % meanwhile: tune again */
    uint32_t candidates;   /* that were timed */
    uint32_t samples;      /* of the winner, in the last round */
    double median_s;       /* of the winner */
    double low_s, high_s;  /* its tenth and ninetieth percentile */
    double estimate_s;     /* median of what LOWBIT_ESTIMATE would have chosen, in the same round; 0 = unknown */
    double spent_s;        /* seconds that tuning it took */
} lowbit_tune_result;

/* Tunes problems one after the other and puts the decisions into options->wisdom, which must be there.
 *
 * problems  [count]; each with its own M: a decision is for the bucket of that M alone (lowbit_plan)
 * options   effort (MEASURE, PATIENT or EXHAUSTIVE), threads, pool, wisdom and progress as for lowbit_plan_create.
 *           budget_s is for all problems together, an even share for each of what is left, and with `buckets` for
 *           each M; 0 = that of the effort for each
 * results   [count] or NULL; the struct_size of the first one counts for all
 *
 * The rates of the machine are measured first, in about half a second that is not of the budget, where the wisdom does
 * not have them. Among several, a problem that no kernel computes is not an error: its result says so. Nothing else
 * should run meanwhile.
 *
 * LOWBIT_CANCELLED: by `progress`; what had been decided is in the wisdom. LOWBIT_NO_MEMORY: for the operands of a
 * problem, likewise. */
LOWBIT_API lowbit_status lowbit_tune(const lowbit_ctx *ctx, const lowbit_problem *problems, size_t count,
                                     const lowbit_plan_options *options, lowbit_tune_result *results,
                                     lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
