/* SPDX-License-Identifier: Apache-2.0 */
/* The rule: among the kernels of the enabled levels that can compute the problem, the one that needs the fewest cycles
 * by its row's cost; rows of A in blocks that stay in the L2 cache; as many threads as make the product fastest, by
 * what they compute, what starting them costs and how long A takes to reach them; columns cut so that each gets several
 * tasks. */
#include "tuner/estimate.h"

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"

enum {
    TASKS_PER_THREAD = 4, /* so that a slow core does not make the others wait long */
    TASK_CYCLES = 2500,   /* a task is worth at least so much: one costs about 0.15 us to begin */
    /* A fork on a pool whose workers are awake. `bench limits` measures 0.7 us for two threads to meet (fork_meet);
     * what a product reads besides (the call, the plan) and the way back make it 1.2 us. Workers come in one after the
     * other. */
    FORK_CYCLES = 2500,
    FORK_THREAD_CYCLES = 500,
    L2_LINE_COST = 128, /* 1/64 cycles to read a line from the L2 cache */
    STREAM_BYTES = 8,   /* packed bytes that one thread reads from beyond its L2 in a cycle, about */
    DEFAULT_L1 = 32 << 10,
    DEFAULT_L2 = 1 << 20,
    PART_UNIT = 128 /* k, so that parts end with whole stages of 16-bit sums */
};

static int64_t lines_of(const lowbit_problem *problem, const lb_kernel *kernel) {
    const int64_t panels = lb_round_up(problem->n, lb_max(kernel->nr, LB_PANEL)) / LB_PANEL;
    return panels * lb_div_up(problem->k, lb_codings[kernel->coding].line_k);
}

/* Cycles that the groups of one pass end in, beyond the last: what a kernel folds into its values costs nothing. */
static int64_t group_cycles(const lowbit_problem *problem, const lb_kernel *kernel) {
    const int64_t groups = lb_groups(problem->k, problem->weights.group);
    const bool folded = kernel->values && problem->weights.progressive;
    return groups == 1 || folded ? 0 : groups * kernel->group_cost * lb_div_up(problem->n, LB_PANEL) / 64;
}

/* Cycles for all m rows. Every block of mr rows passes over the packed lines once; a pass computes, and reads its lines
 * from the L2 cache; the first pass reads them from wherever they are. */
static int64_t cycles(const lowbit_problem *problem, int64_t m, const lb_kernel *kernel) {
    const int64_t lines = lines_of(problem, kernel), passes = lb_div_up(m, kernel->mr);
    const int64_t compute = lines * passes * lb_max(kernel->cost, passes > 1 ? L2_LINE_COST : 0) / 64;
    const int64_t groups = group_cycles(problem, kernel) * passes;
    return compute + groups + lines * LB_LINE / STREAM_BYTES; /* a sum, so that among streams the cheaper tile wins */
}

/* Cycles of the whole call on some threads, with weights that are in their L2 caches: where they are not, more threads
 * pay all the more. Quantizing A takes about a cycle for each element; the other threads fetch it from the core that
 * did at two bytes a cycle. */
static int64_t call_cycles(const lowbit_problem *problem, int64_t m, const lb_kernel *kernel, int64_t threads) {
    const int64_t elements = m * problem->k, lines = lines_of(problem, kernel);
    const int64_t compute = lines * lb_div_up(m, kernel->mr) * lb_max(kernel->cost, L2_LINE_COST) / 64;
    if (threads == 1) return elements + compute;
    const bool forked = elements >= LB_PREPARE_ALONE; /* two loops on the pool, not one */
    const int64_t fork = FORK_CYCLES + FORK_THREAD_CYCLES * threads;
    return elements / (forked ? threads : 1) + compute / threads + fork * (forked ? 2 : 1) + elements / 2;
}

static int64_t best_threads(const lowbit_problem *problem, int64_t m, const lb_kernel *kernel, int64_t threads) {
    int64_t best = 1;
    for (int64_t t = 2; t <= threads; t++)
        if (call_cycles(problem, m, kernel, t) < call_cycles(problem, m, kernel, best)) best = t;
    return best;
}

/* Fewer rows to a task where the columns alone would not keep all threads busy. Every block of rows reads the weights
 * again. */
static int64_t share_rows(int64_t m, const lb_gemm_config *c, int64_t columns) {
    const int64_t rows = lb_div_up(m, lb_div_up(c->threads, columns));
    return lb_min(c->step_m, lb_round_up(rows, c->kernel->mr));
}

/* Parts that the columns of one block of rows are cut into. Fewer threads than there are get one task each, so that no
 * other comes. */
static int64_t column_cuts(const lowbit_problem *problem, int64_t m, const lb_gemm_config *c, int64_t threads) {
    const int64_t worth = cycles(problem, m, c->kernel) / TASK_CYCLES;
    const int64_t wanted = c->threads < threads ? c->threads : lb_min(c->threads * TASKS_PER_THREAD, worth);
    return c->threads == 1 ? 1 : lb_div_up(lb_max(wanted, c->threads), lb_div_up(m, c->step_m));
}

static int64_t l2_bytes(const lowbit_ctx *ctx) {
    return ctx->machine.l2_bytes > 0 ? ctx->machine.l2_bytes : DEFAULT_L2;
}

/* Rows of float activations, of which the L2 cache holds few, may come from further away: the weights, which are as
 * wide, would have to come again. */
static int64_t block_rows(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, const lb_kernel *kernel) {
    if (kernel->totals) return lb_min(lb_round_up(m, kernel->mr), lb_walk_rows(kernel));
    const int64_t row = lb_round_up(problem->k, LB_LINE) * lb_panel_bits(kernel) / 8;
    const int64_t blocks = lb_max(1, lb_min(lb_div_up(m, kernel->mr), l2_bytes(ctx) / 2 / (row * kernel->mr)));
    return blocks * kernel->mr;
}

/* Two thirds of the L1 cache for a part's lines and its rows of A. A single pass over the lines reads them once anyway.
 */
static int64_t part_k(const lowbit_ctx *ctx, int64_t m, const lb_kernel *kernel) {
    if (kernel->a_layout == LB_A_TILE) return LB_VALUES_BYTES / kernel->nr; /* its columns fill a third of the L1 */
    if (m <= kernel->mr) return 0;
    const int64_t l1 = ctx->machine.l1d_bytes > 0 ? ctx->machine.l1d_bytes : DEFAULT_L1;
    const int64_t line_k = lb_codings[kernel->coding].line_k, lines = lb_div_up(kernel->nr, LB_PANEL) * LB_LINE;
    const int64_t a_bytes = kernel->mr * line_k * lb_panel_bits(kernel) / 8;
    return lb_round_up(l1 * 2 / 3 / (lines + a_bytes) * line_k, PART_UNIT);
}

lb_gemm_config lb_configure(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref found,
                            uint32_t threads) {
    const lb_kernel *kernel = found.kernel;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): plans are made of problems that have a kernel */
    const int64_t unit_n = lb_max(kernel->nr, LB_PANEL);
    lb_gemm_config c = {.kernel = kernel, .unit = found.unit};
    c.threads = (uint32_t)best_threads(problem, m, kernel, threads);
    c.step_m = block_rows(ctx, problem, m, kernel);
    c.step_m = share_rows(m, &c, lb_div_up(problem->n, unit_n));
    c.step_k = part_k(ctx, m, kernel);
    c.near_bytes = l2_bytes(ctx) * c.threads;
    c.stream_bytes = l2_bytes(ctx);
    c.step_n = lb_round_up(lb_div_up(problem->n, column_cuts(problem, m, &c, threads)), unit_n);
    return c;
}

bool lb_estimate_kernel(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref *best) {
    lb_kernel_ref each;
    *best = (lb_kernel_ref){NULL, NULL};
    for (size_t i = 0; lb_kernel_at(i, &each); i++) {
        if (!(each.unit->isa & ctx->isa_enabled) || !lb_kernel_fits(each.kernel, problem)) continue;
        if (!best->unit || cycles(problem, m, each.kernel) < cycles(problem, m, best->kernel)) *best = each;
    }
    return best->unit != NULL;
}

lb_gemm_config lb_estimate(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, uint32_t threads) {
    lb_kernel_ref best;
    lb_estimate_kernel(ctx, problem, m, &best);
    return lb_configure(ctx, problem, m, best, threads);
}
