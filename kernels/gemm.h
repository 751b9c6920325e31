/* SPDX-License-Identifier: Apache-2.0 */
/* The loops around a kernel. Executes any legal configuration; has no opinions (those are tuner/'s). */
#ifndef LOWBIT_KERNELS_GEMM_H_
#define LOWBIT_KERNELS_GEMM_H_

#include "kernels/base/base.h"
#include "kernels/simd/ukernel.h"
#include "lowbit/gemm.h"

/* Which tasks follow each other, and so which threads meet the same weights. */
enum {
    LB_ORDER_ROWS = 0,   /* all columns of the first rows, then those of the next */
    LB_ORDER_COLUMNS = 1 /* all rows of the first columns: their weights come from far once */
};

/* How a product is computed: the kernel, and how its output is cut into tasks. */
typedef struct lb_gemm_config {
    const lb_kernel *kernel;
    const lb_isa_unit *unit; /* of the kernel: its row quantizer is used */
    int64_t step_m;          /* rows of a task: a multiple of the kernel's mr */
    int64_t step_n;          /* columns of a task: a multiple of its nr, and of 16 */
    int64_t step_k;          /* k of a part whose lines and A stay in the L1 cache; 0 = all of K */
    int64_t near_bytes;   /* weights longer than this, which one block of rows reads, are prefetched into the L2 cache,
                             shorter ones into the L1 cache */
    int64_t stream_bytes; /* f32 and s32 outputs longer than this are stored past the caches; 0 = none */
    uint32_t threads;     /* 1 = on the calling thread */
    uint32_t order;       /* LB_ORDER_* */
    uint32_t split_k;     /* most parts of K that are tasks of their own; 0 and 1 = none */
} lb_gemm_config;

/* What the sums of bits that differ start from, row by row, and how many k of a row count: of products with one group
 * of scales, some of whose elements of A stand for nothing. */
typedef struct lb_gemm_start {
    const int32_t *const *sums; /* [m], of N each; NULL = zeros */
    const int32_t *counted;     /* [m] */
} lb_gemm_start;

/* Rows of codes that lie in pieces: of convolutions, whose taps are pixels. */
typedef struct lb_gemm_pieces {
    const int8_t *const *at; /* [blocks of mr rows][count][mr]: first elements, the last of them NULL where the
                                first one is that of all mr. Rows past the last one may be any row */
    int64_t count, length;   /* pieces of a row, and k of each but for what is missing of the last: whole lines */
} lb_gemm_pieces;

/* One run: the problem, how, and on what. */
typedef struct lb_gemm_call {
    const lowbit_problem *problem;
    lb_gemm_config config;
    const lowbit_gemm_args *args;
    lb_row_rule rule; /* of A; where the rows are given, their zero point; zeros for float activations */
    int64_t m;        /* rows of this call */
    void *workspace;
    const lb_gemm_start *start;   /* or NULL; K is not split then */
    const lb_gemm_pieces *pieces; /* or NULL; for kernels of LB_A_ROWS, with rows that have sums and scales alone */
    bool bits;                    /* the rows that are given are words of bits: lb_isa_unit's pack_row */
    int64_t panel_stride;         /* lines from a panel of the weights to the next, where more of K is there than
                                     counts; 0 = it is not */
} lb_gemm_call;

/* Refuse with a reason. Every public door of the product walks through these. */
lowbit_status lb_check_problem(const lowbit_problem *problem, lowbit_error *error);
lowbit_status lb_check_same_weights(const lowbit_problem *problem, const lowbit_weight_type *type, int64_t n, int64_t k,
                                    lowbit_error *error);
lowbit_status lb_check_output(const lowbit_problem *problem, const lowbit_gemm_args *args, lowbit_error *error);
/* Refuses multipliers and shifts that the integer form does not take: a walk over n elements. */
lowbit_status lb_check_requant_columns(const lowbit_problem *problem, const lowbit_gemm_args *args,
                                       lowbit_error *error);

/* Whether A is given as bf16; refuses rows of A that float activations do not take. */
bool lb_given_halves(const lowbit_gemm_args *args);
lowbit_status lb_check_float_rows(const lowbit_problem *problem, const lowbit_gemm_args *args, lowbit_error *error);

/* True if s8 and u8 outputs of the problem may take the integer form; else `reason` says why not. */
bool lb_integer_form(const lowbit_problem *problem, const char **reason);

/* Activations that stay floats. */
static inline bool lb_is_float_kind(uint32_t activations) {
    return activations == LOWBIT_AF || activations == LOWBIT_AF32;
}

/* The output's element: 4 bytes or 1. */
static inline int64_t lb_out_bytes(const lowbit_problem *problem) { return problem->out >= LOWBIT_OUT_S8 ? 1 : 4; }

/* The rule by which the float rows of args are quantized; checks it. Static ones need the fields at the end of args;
 * of distances it is the scale `shared` of the weights. */
lowbit_status lb_row_rule_of(const lowbit_problem *problem, const lowbit_gemm_args *args, float shared,
                             lb_row_rule *rule, lowbit_error *error);

/* Whether a kernel can compute a legal problem: it reads codes of that width, and the problem's groups end where it can
 * stop. */
bool lb_kernel_fits(const lb_kernel *kernel, const lowbit_problem *problem);

/* Whether parts of K may be tasks of their own: where an output has one integer sum, whose parts add up to the same
 * bits in any order. */
bool lb_split_legal(const lowbit_problem *problem, const lb_kernel *kernel);

/* Refuses what the mechanism cannot run, or only in more scratch than a product is worth. */
lowbit_status lb_check_config(const lowbit_problem *problem, const lb_gemm_config *config, lowbit_error *error);

/* Scratch of a call with m rows. */
int64_t lb_gemm_workspace(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m);

/* Quantizes A if it came as floats and arranges it as the kernel wants. */
void lb_gemm_prepare(const lb_gemm_call *call, const lowbit_pool *pool);

/* Rows whose totals a task keeps while K goes by: all of them share what is read of the weights. */
int64_t lb_walk_rows(const lb_kernel *kernel);

/* Computes out[m0..m1)[n0..n1); the workspace is prepared and only read. */
void lb_gemm_tile(const lb_gemm_call *call, int64_t m0, int64_t m1, int64_t n0, int64_t n1);

/* Both, spread over the pool. */
void lb_gemm_run(const lb_gemm_call *call, const lowbit_pool *pool);

#endif
