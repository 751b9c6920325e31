/* SPDX-License-Identifier: Apache-2.0 */
/* The rule: among the kernels of the widest enabled level that reads the width, the one that needs the fewest cycles by
 * its row's cost; rows of A in blocks that stay in the L2 cache; columns cut so that every thread gets several tasks,
 * and no task is worth less than a fork. */
#include "tuner/estimate.h"

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"

enum {
    TASKS_PER_THREAD = 4, /* so that a slow core does not make the others wait long */
    FORK_CYCLES = 60000,  /* about 20 us: less work than this stays on one thread */
    L2_LINE_COST = 128,   /* 1/64 cycles to read a line from the L2 cache */
    STREAM_BYTES = 8,     /* packed bytes that one thread reads from beyond its L2 in a cycle, about */
    DEFAULT_L1 = 32 << 10,
    DEFAULT_L2 = 1 << 20,
    PART_UNIT = 128 /* k, so that parts end with whole stages of 16-bit sums */
};

/* Cycles for all m rows. Every block of mr rows passes over the packed lines once; a pass computes, and reads its lines
 * from the L2 cache; the first pass reads them from wherever they are. */
static int64_t cycles(const lowbit_problem *problem, int64_t m, const lb_kernel *kernel) {
    const int64_t panels = lb_round_up(problem->n, lb_max(kernel->nr, LB_PANEL)) / LB_PANEL;
    const int64_t lines = panels * lb_div_up(problem->k * kernel->width, 32), passes = lb_div_up(m, kernel->mr);
    const int64_t compute = lines * passes * lb_max(kernel->cost, passes > 1 ? L2_LINE_COST : 0) / 64;
    return compute + lines * LB_LINE / STREAM_BYTES; /* a sum, so that among streams the cheaper tile wins */
}

static int64_t l2_bytes(const lowbit_ctx *ctx) {
    return ctx->machine.l2_bytes > 0 ? ctx->machine.l2_bytes : DEFAULT_L2;
}

static int64_t block_rows(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, const lb_kernel *kernel) {
    const int64_t row = lb_round_up(problem->k, LB_LINE) * (kernel->a_layout == LB_A_S16 ? 2 : 1);
    const int64_t blocks = lb_max(1, lb_min(lb_div_up(m, kernel->mr), l2_bytes(ctx) / 2 / (row * kernel->mr)));
    return blocks * kernel->mr;
}

/* Two thirds of the L1 cache for a part's lines and its rows of A. A single pass over the lines reads them once anyway.
 */
static int64_t part_k(const lowbit_ctx *ctx, int64_t m, const lb_kernel *kernel) {
    if (kernel->a_layout == LB_A_TILE) return LB_VALUES_BYTES / kernel->nr; /* its columns fill a third of the L1 */
    if (m <= kernel->mr) return 0;
    const int64_t l1 = ctx->machine.l1d_bytes > 0 ? ctx->machine.l1d_bytes : DEFAULT_L1;
    const int64_t line_k = 32 / kernel->width, lines = lb_div_up(kernel->nr, LB_PANEL) * LB_LINE;
    const int64_t a_bytes = kernel->mr * line_k * (kernel->a_layout == LB_A_S16 ? 2 : 1);
    return lb_round_up(l1 * 2 / 3 / (lines + a_bytes) * line_k, PART_UNIT);
}

lb_gemm_config lb_configure(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref found,
                            uint32_t threads) {
    const lb_kernel *kernel = found.kernel;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the scalar unit has kernels of every width */
    const int64_t unit_n = lb_max(kernel->nr, LB_PANEL), total = cycles(problem, m, kernel);
    const int64_t tasks = lb_min((int64_t)threads * TASKS_PER_THREAD, total / (FORK_CYCLES / TASKS_PER_THREAD));
    const bool alone = threads <= 1 || total < FORK_CYCLES;
    lb_gemm_config c = {.kernel = kernel, .unit = found.unit, .threads = alone ? 1 : threads};
    c.step_m = block_rows(ctx, problem, m, kernel);
    c.step_k = part_k(ctx, m, kernel);
    c.stream_bytes = l2_bytes(ctx);
    const int64_t cuts = alone ? 1 : lb_max(1, lb_div_up(tasks, lb_div_up(m, c.step_m)));
    c.step_n = lb_round_up(lb_div_up(problem->n, cuts), unit_n);
    return c;
}

lb_gemm_config lb_estimate(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, uint32_t threads) {
    lb_kernel_ref best = {NULL, NULL}, each;
    for (size_t i = 0; lb_kernel_at(i, &each); i++) {
        if (!(each.unit->isa & ctx->isa_enabled) || !lb_kernel_fits(each.kernel, problem)) continue;
        if (!best.unit || cycles(problem, m, each.kernel) < cycles(problem, m, best.kernel)) best = each;
    }
    return lb_configure(ctx, problem, m, best, threads);
}
