/* SPDX-License-Identifier: Apache-2.0 */
/* The rule: the kernel and the thread count of which the model thinks best; rows of A in blocks that stay in the L2
 * cache; columns cut so that each thread gets several tasks. */
#include "tuner/estimate.h"

#include <math.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"

enum {
    TASKS_PER_THREAD = 4, /* so that a slow core does not make the others wait long */
    TASK_LINES = 640,     /* a task is worth at least so many lines of one row: one costs about 0.15 us to begin */
    DEFAULT_L2 = 1 << 20,
    PART_UNIT = 128 /* k, so that parts end with whole stages of 16-bit sums */
};

/* Fewer rows to a task where the columns alone would not keep all threads busy. Every block of rows reads the weights
 * again. */
static int64_t share_rows(int64_t m, const lb_gemm_config *c, int64_t columns) {
    const int64_t rows = lb_div_up(m, lb_div_up(c->threads, columns));
    return lb_min(c->step_m, lb_round_up(rows, c->kernel->mr));
}

/* Parts that the columns of one block of rows are cut into. Fewer threads than there are get one task each, so that no
 * other comes. */
static int64_t column_cuts(const lowbit_problem *problem, int64_t m, const lb_gemm_config *c, int64_t threads) {
    const int64_t lines = lb_div_up(problem->n, LB_PANEL) * lb_div_up(problem->k, lb_codings[c->kernel->coding].line_k);
    const int64_t worth = lines * m / TASK_LINES;
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

/* All of K, if a part's lines and its rows of A fit half of the L2 cache: several rows read each line, and the cache
 * keeps up with that, where sums between parts cost. A single pass over the lines reads them once anyway. */
static int64_t part_k(const lowbit_ctx *ctx, int64_t k, int64_t m, const lb_kernel *kernel) {
    /* of tiles, the columns fill a third of the L1 */
    if (kernel->a_layout == LB_A_TILE || kernel->a_layout == LB_A_HALVES)
        return LB_VALUES_BYTES * 8 / kernel->nr / lb_panel_bits(kernel);
    if (m <= kernel->mr) return 0;
    const int64_t line_k = lb_codings[kernel->coding].line_k, lines = lb_div_up(kernel->nr, LB_PANEL) * LB_LINE;
    const int64_t a_bytes = kernel->mr * line_k * lb_panel_bits(kernel) / 8;
    const int64_t part = lb_round_up(l2_bytes(ctx) / 2 / (lines + a_bytes) * line_k, PART_UNIT);
    return part < k ? part : 0;
}

lb_gemm_config lb_configure(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref found,
                            uint32_t used, uint32_t threads) {
    const lb_kernel *kernel = found.kernel;
    const int64_t unit_n = lb_max(kernel->nr, LB_PANEL);
    lb_gemm_config c = {.kernel = kernel, .unit = found.unit};
    c.threads = used;
    c.step_m = block_rows(ctx, problem, m, kernel);
    c.step_m = share_rows(m, &c, lb_div_up(problem->n, unit_n));
    c.step_k = part_k(ctx, problem->k, m, kernel);
    c.near_bytes = m <= LB_COLD_ROWS ? 0 : l2_bytes(ctx) * c.threads;
    c.stream_bytes = l2_bytes(ctx);
    c.step_n = lb_round_up(lb_div_up(problem->n, column_cuts(problem, m, &c, threads)), unit_n);
    const int64_t tasks = lb_div_up(m, c.step_m) * lb_div_up(problem->n, c.step_n);
    c.threads = (uint32_t)lb_min(c.threads, tasks); /* whole tiles may have left fewer */
    return c;
}

/* Rounding to bf16 costs precision, and must save a fifth of the time: where the weights come from memory it would not.
 */
double lb_price(double seconds, const lb_kernel *kernel) {
    return lb_algorithm_rounds(lb_algorithm_of(kernel)) ? seconds * 1.25 : seconds;
}

size_t lb_contenders(const lb_model *model, const lowbit_problem *problem, lb_contender found[LB_MOST_CONTENDERS]) {
    const uint8_t coding = lb_format_of(problem->weights.format)->coding; /* most kernels read other lines */
    size_t count = 0;
    const lb_isa_unit *unit;
    for (size_t u = 0; (unit = lb_unit_at(u)); u++) {
        if (!(unit->isa & model->ctx->isa_enabled)) continue;
        for (size_t i = 0; i < unit->kernel_count && count < LB_MOST_CONTENDERS; i++) {
            const lb_kernel *kernel = &unit->kernels[i];
            if (kernel->coding != coding || !lb_kernel_fits(kernel, problem)) continue;
            const lb_kernel_ref ref = {unit, kernel};
            found[count++] = (lb_contender){ref, lb_model_rate(model, ref)};
        }
    }
    return count;
}

uint32_t lb_more_threads(uint32_t used, uint32_t threads) {
    const uint32_t next = used < 8 ? used + 1 : used + used / 4;
    return used < threads && next > threads ? threads : next;
}

lb_gemm_config lb_estimate_blocks(const lb_model *model, const lowbit_problem *problem, int64_t m, uint32_t threads,
                                  const lb_contender *contender) {
    lb_gemm_config best = {0};
    double best_s = 0;
    for (uint32_t used = 1; used <= threads; used = lb_more_threads(used, threads)) {
        const lb_gemm_config c = lb_configure(model->ctx, problem, m, contender->ref, used, threads);
        const double seconds = lb_model_seconds(model, problem, m, &c, &contender->rate);
        if (used == 1 || seconds < best_s) best = c, best_s = seconds;
    }
    return best;
}

/* With one thread or all of them: the best kernel of one of the two is the best kernel; of equals the earlier one. The
 * widest levels come first here, so that most of the others need no second look. */
static const lb_contender *best_contender(const lb_model *model, const lowbit_problem *problem, int64_t m,
                                          uint32_t threads, const lb_contender *contenders, size_t count) {
    const lb_contender *best = &contenders[count - 1];
    const int64_t line_k = lb_codings[best->ref.kernel->coding].line_k; /* all of them read the same lines */
    const double lines = (double)(lb_div_up(problem->n, LB_PANEL) * lb_div_up(problem->k, line_k));
    double best_price = HUGE_VAL;
    for (size_t i = 2 * count; i-- > 0;) {
        const lb_contender *each = &contenders[i / 2];
        const uint32_t used = i % 2 ? threads : 1;
        const double passes = (double)lb_div_up(m, each->ref.kernel->mr);
        if (passes * lines * each->rate.line_s > best_price * used) continue; /* whatever its blocks */
        const lb_gemm_config c = lb_configure(model->ctx, problem, m, each->ref, used, threads);
        const double price = lb_price(lb_model_seconds(model, problem, m, &c, &each->rate), c.kernel);
        if (price <= best_price) best = each, best_price = price;
    }
    return best;
}

lb_gemm_config lb_estimate(const lb_model *model, const lowbit_problem *problem, int64_t m, uint32_t threads,
                           const lb_contender *contenders, size_t count) {
    const uint32_t offered = (uint32_t)lb_max(threads, 1);
    return lb_estimate_blocks(model, problem, m, offered,
                              best_contender(model, problem, m, offered, contenders, count));
}
