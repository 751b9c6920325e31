/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `lowbit tune` share: the jobs that problems become, and what came of each. */
#ifndef LOWBIT_CLI_TUNE_H_
#define LOWBIT_CLI_TUNE_H_

#include "cli/shapes.h"
#include "cli/wisdom.h"
#include "kernels/ukernels.h"
#include "lowbit/tune.h"
#include "tuner/effort.h"
#include "tuner/plan.h"
#include "tuner/tuning.h"

/* ---- what becomes of problems (tune_run.c) ---- */

/* A candidate that was timed. */
typedef struct lb_tried {
    lb_gemm_config config;
    bool by_rule;    /* its blocks are those that the rule gives its kernel and its threads */
    bool out;        /* left the race before its end */
    double time_s;   /* median of its samples; of the first call where it left before there were any */
    double relative; /* to what the estimate's choice took in the same race */
    size_t samples;  /* 0 = that first call alone */
    double guess_s;  /* by the model */
} lb_tried;

/* A problem on a number of threads. */
typedef struct lb_tune_job {
    const lb_shape *item;
    uint32_t threads; /* offered */
    bool over;        /* its turn has come: `result` says what came of it */
    lowbit_tune_result result;
    char reason[256];      /* where there is no decision */
    lb_gemm_config config; /* the decision, */
    lb_gemm_config rule;   /* and the same kernel and threads with blocks by rule */
    lb_tried *tried;       /* the first one is the estimate's choice */
    size_t tried_count, tried_room;
    double race_s;       /* what that one took in the race that is being told */
    lb_kernel_ref fixed; /* the best single choice for all problems of its kind; kernel NULL = not known */
    double fixed_s;      /* what that one takes here, were it timed beside the decision; 0 = was not timed here */
} lb_tune_job;

typedef struct lb_tune_session {
    const char *command;
    uint32_t effort;         /* LOWBIT_ESTIMATE, ... */
    double budget_s;         /* for all problems; 0 = that of the effort for each problem */
    bool buckets;            /* the smaller buckets of M too */
    const char *wisdom_file; /* as the option says */
    lowbit_ctx *ctx;
    lowbit_wisdom *wisdom;
    lowbit_pool pool; /* of the job at hand */
    lb_tune_job *jobs;
    size_t count;
    size_t at;      /* the job at hand, */
    double share_s; /* the time that it may take, */
    double end_s;   /* and when everything has to end, by the clock */
} lb_tune_session;

/* Makes the jobs and does them; what is decided is saved at once. Interrupts end it early, which is no failure here. */
int lb_tune_run(lb_tune_session *session, const lb_shapes *list, const lb_thread_list *threads);
void lb_tune_free_jobs(lb_tune_session *session);

/* Whether the job has come to a decision. */
static inline bool lb_tune_is_decided(const lb_tune_job *job) { return job->over && job->result.status == LOWBIT_OK; }

/* ---- what it was worth (tune_fixed.c) ---- */

/* Finds, for all jobs with the same coding of weights, activations and threads, the one kernel, with blocks by rule and
 * the best of its thread counts, that would have done best for all of them; and what it took in each. */
void lb_tune_find_fixed(lb_tune_session *session);

/* The geometric mean of how many times faster the decisions are than another choice, over the jobs that know. */
typedef struct lb_gain {
    double mean; /* 0 = of none */
    size_t count;
} lb_gain;
lb_gain lb_tune_gain_estimate(const lb_tune_session *session);
lb_gain lb_tune_gain_fixed(const lb_tune_session *session);

/* ---- which rows (tune_ranges.c) ---- */

/* M of a plan that one kernel computes with that many threads. */
typedef struct lb_tune_range {
    int64_t first, last;
    char kernel[LB_KERNEL_NAME];
    uint32_t threads;
} lb_tune_range;

/* What a plan of the job's problem does now, for all M up to its own; returns how many ranges that makes. */
size_t lb_tune_ranges(const lb_tune_session *session, const lb_tune_job *job, lb_tune_range ranges[LB_PLAN_DECISIONS]);
void lb_tune_print_ranges(const lb_tune_session *session, const lb_tune_job *job);
json_t *lb_tune_ranges_json(const lb_tune_session *session, const lb_tune_job *job);

/* ---- telling it (tune_report.c, tune_json.c) ---- */

void lb_tune_print(const lb_tune_session *session);
json_t *lb_tune_json(const lb_tune_session *session);

/* The knobs of a configuration by name: what is not kernel and threads. */
enum { LB_TUNE_KNOBS = 7 };
extern const char *const lb_tune_knob_names[LB_TUNE_KNOBS];
void lb_tune_knobs(const lb_gemm_config *config, int64_t values[LB_TUNE_KNOBS]);

#endif
