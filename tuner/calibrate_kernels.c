/* SPDX-License-Identifier: Apache-2.0 */
/* The rates of kernels: what a line, a tile, the first pass and the end of a group cost in the L1 cache. */
#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"
#include "tuner/best_of.h"
#include "tuner/calibrate.h"
#include "tuner/estimate.h"
#include "tuner/operands.h"
#include "tuner/wisdom.h"

enum {
    BATCH_NS = 6000, /* a sample lasts about so long */
    GROUP = 32,
    /* Operands: so short that lines and rows of most kernels stay in the L1 cache. */
    COLUMNS = LB_TILE_COLUMNS,
    LINES = 96,
    MOST_K = 1024,
    MOST_FORMATS = 32
};

/* Weights of one format: of row scales with all of K and half of it, and in groups with all of it. */
enum { FULL, HALF, GROUPED, SHAPES };

/* A kernel alone: tiles of one column of tiles. */
typedef struct bench {
    const lowbit_ctx *ctx;
    const lb_clock *clock;
    lb_operands *operands; /* [MOST_FORMATS][SHAPES], made when they are first needed */
    lb_gemm_call call;
    lowbit_gemm_args args;
    lowbit_problem problem;
    void *workspace;
    int64_t workspace_bytes;
} bench;

static void run_tiles(void *arg, int64_t reps) {
    const bench *b = arg;
    const int64_t columns = lb_max(b->call.config.kernel->nr, LB_PANEL);
    for (; reps > 0; reps--) lb_gemm_tile(&b->call, 0, b->call.m, 0, columns);
}

static void run_prepare(void *arg, int64_t reps) {
    const bench *b = arg;
    for (; reps > 0; reps--) lb_gemm_prepare(&b->call, NULL);
}

/* Lines of a panel. */
static int64_t lines_of(int coding, int shape) {
    const int64_t lines = lb_min(LINES, MOST_K / lb_codings[coding].line_k / 2 * 2);
    return shape == HALF ? lines / 2 : lines;
}

static lowbit_problem problem_of(const lb_format *f, uint32_t activations, int shape) {
    lowbit_problem p = {.struct_size = sizeof p, .activations = activations, .m = 1, .n = COLUMNS};
    p.k = lines_of(f->coding, shape) * lb_line_k(f);
    p.weights = (lowbit_weight_type){.struct_size = sizeof p.weights, .format = f->id};
    if (shape == GROUPED) p.weights.group = GROUP, p.weights.scale_type = LOWBIT_SCALE_F16;
    return p;
}

/* The first format and activations that the kernel takes; the format's number in the table, or -1. */
static int find_problem(const lb_kernel *kernel, int shape, lowbit_problem *p) {
    const lb_format *f;
    for (int i = 0; i < MOST_FORMATS && (f = lb_format_at((size_t)i)); i++)
        for (uint32_t a = LOWBIT_A8; a <= LOWBIT_AF32; a++) {
            *p = problem_of(f, a, shape);
            if (lb_check_problem(p, NULL) == LOWBIT_OK && lb_kernel_fits(kernel, p)) return i;
        }
    return -1;
}

static lowbit_status reserve(bench *b, int64_t bytes, lowbit_error *error) {
    if (bytes <= b->workspace_bytes) return LOWBIT_OK;
    lb_free(b->ctx, b->workspace, (size_t)b->workspace_bytes);
    b->workspace = lb_alloc(b->ctx, (size_t)bytes);
    b->workspace_bytes = b->workspace ? bytes : 0;
    LB_REQUIRE(b->workspace, error, LOWBIT_NO_MEMORY, "no memory for a workspace of %lld bytes", (long long)bytes);
    return LOWBIT_OK;
}

/* Rows that every kernel finds two blocks in. */
static int64_t most_rows(void) {
    lb_kernel_ref ref;
    int64_t rows = 1;
    for (size_t i = 0; lb_kernel_at(i, &ref); i++) rows = lb_max(rows, 2 * ref.kernel->mr);
    return rows;
}

/* Points the bench at two blocks of rows of this kernel. False where it has no such problem. */
static lowbit_status aim(bench *b, lb_kernel_ref ref, int shape, bool *fits, lowbit_error *error) {
    const int format = find_problem(ref.kernel, shape, &b->problem);
    *fits = format >= 0;
    if (!*fits) return LOWBIT_OK;
    lb_operands *o = &b->operands[format * SHAPES + shape];
    lowbit_problem *p = &b->problem;
    p->m = most_rows();
    if (!o->ctx) LB_TRY(lb_operands_make(b->ctx, p, 0, NULL, o, error));
    p->m = 2 * ref.kernel->mr;
    lb_gemm_config config = lb_configure(b->ctx, p, p->m, ref, 1, 1);
    config.step_k = 0;
    LB_TRY(reserve(b, lb_gemm_workspace(p, &config, p->m), error));
    b->args = lb_operands_args(o, o->packed, p->m);
    b->call = (lb_gemm_call){.problem = p, .config = config, .args = &b->args, .m = p->m, .workspace = b->workspace};
    if (!lb_is_float_kind(p->activations)) LB_TRY(lb_row_rule_of(p, &b->args, 1, &b->call.rule, error));
    lb_gemm_prepare(&b->call, NULL);
    return LOWBIT_OK;
}

/* Seconds of one and of two blocks of rows, and of preparing two; the least of what was measured so far. */
typedef struct times {
    double one_s, two_s, prepare_s;
} times;

typedef struct measured {
    bool fits[SHAPES];
    times best[SHAPES];
} measured;

static lowbit_status time_kernel(bench *b, lb_kernel_ref ref, measured *m, lowbit_error *error) {
    for (int shape = 0; shape < SHAPES; shape++) {
        times *best = &m->best[shape];
        LB_TRY(aim(b, ref, shape, &m->fits[shape], error));
        if (!m->fits[shape]) continue;
        best->two_s = fmin(best->two_s, lb_best_of(b->clock, run_tiles, b, BATCH_NS));
        if (shape == FULL) best->prepare_s = fmin(best->prepare_s, lb_best_of(b->clock, run_prepare, b, BATCH_NS));
        b->call.m = ref.kernel->mr;
        lb_gemm_prepare(&b->call, NULL); /* where things lie in the workspace depends on m */
        best->one_s = fmin(best->one_s, lb_best_of(b->clock, run_tiles, b, BATCH_NS));
    }
    return LOWBIT_OK;
}

/* One pass over K, and what the first one takes beyond: of two passes, at least a third each. */
static double pass_seconds(const times *t) { return fmax(t->two_s - t->one_s, t->two_s / 3); }
static double first_seconds(const times *t) { return fmax(t->two_s - 2 * pass_seconds(t), 0); }

/* Differences of times, of which noise leaves less than nothing, or next to it. */
static double above_noise(double seconds) { return seconds > 1e-13 ? seconds : 0; }

/* The difference of two lengths of K is what lines take; the rest of the longer one is the tile's. */
static lb_kernel_rate rate_of(const lb_kernel *kernel, const measured *m) {
    const int64_t panels = lb_div_up(kernel->nr, LB_PANEL),
                  k = lines_of(kernel->coding, FULL) * lb_codings[kernel->coding].line_k;
    const double lines = (double)(panels * lines_of(kernel->coding, FULL));
    const double full = pass_seconds(&m->best[FULL]), half = pass_seconds(&m->best[HALF]);
    const double tiles = (double)lb_max(LB_PANEL / kernel->nr, 1);
    const int64_t ends = panels * k / GROUP;
    lb_kernel_rate rate = {.line_s = fmin(fmax((full - half) * 2, full / 2), full) / lines};
    rate.tile_s = above_noise(full - lines * rate.line_s) / tiles;
    rate.first_s = above_noise((first_seconds(&m->best[FULL]) - first_seconds(&m->best[HALF])) * 2 / lines);
    rate.row_s = m->best[FULL].prepare_s / (double)(2 * kernel->mr * k);
    if (m->fits[GROUPED]) rate.group_s = above_noise((pass_seconds(&m->best[GROUPED]) - full) / (double)ends);
    return rate;
}

/* Whether the table thinks it at most three times slower than another that does the same: the others keep the rates of
 * the table. */
static bool is_worth(const lowbit_ctx *ctx, lb_kernel_ref ref) {
    lb_kernel_ref each;
    if (!(ref.unit->isa & ctx->isa_enabled) || ref.unit->isa == LOWBIT_ISA_SCALAR) return false;
    for (size_t i = 0; lb_kernel_at(i, &each); i++) {
        const lb_kernel *a = ref.kernel, *b = each.kernel;
        const bool same = a->coding == b->coding && a->algorithm == b->algorithm && a->mr == b->mr;
        if (same && (each.unit->isa & ctx->isa_enabled) && a->cost > 3 * b->cost) return false;
    }
    return true;
}

/* Two rounds, some tenths of a second apart: what disturbs one of them is gone in the other. */
static lowbit_status measure_all(bench *b, measured *of, lowbit_error *error) {
    lb_kernel_ref ref;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; lb_kernel_at(i, &ref); i++)
            if (is_worth(b->ctx, ref)) LB_TRY(time_kernel(b, ref, &of[i], error));
    return LOWBIT_OK;
}

static lowbit_status keep_rates(const measured *of, lowbit_wisdom *wisdom, lowbit_error *error) {
    lb_kernel_ref ref;
    for (size_t i = 0; lb_kernel_at(i, &ref); i++) {
        char name[LB_KERNEL_NAME];
        if (!of[i].fits[FULL]) continue;
        const lb_kernel_rate r = rate_of(ref.kernel, &of[i]);
        const double values[] = {r.line_s, r.first_s, r.tile_s, r.group_s, r.row_s};
        lb_kernel_name(ref, name, sizeof name);
        LB_TRY(lb_wisdom_put_fact(wisdom, name, values, LB_COUNT(values), lb_today(), error));
    }
    return LOWBIT_OK;
}

/* Whether wisdom has the rates of all kernels that are worth measuring. */
static bool are_known(const lowbit_ctx *ctx, const lowbit_wisdom *wisdom) {
    lb_kernel_ref ref;
    double values[LB_FACT_VALUES];
    for (size_t i = 0; lb_kernel_at(i, &ref); i++)
        if (!lb_wisdom_kernel_fact(wisdom, ref, values) && is_worth(ctx, ref)) return false;
    return true;
}

lowbit_status lb_calibrate_kernels(const lowbit_ctx *ctx, const lb_clock *clock, lowbit_wisdom *wisdom,
                                   lowbit_error *error) {
    if (are_known(ctx, wisdom)) return LOWBIT_OK;
    const size_t sets = (size_t)MOST_FORMATS * SHAPES, kernels = lowbit_kernel_count();
    bench b = {.ctx = ctx, .clock = clock, .operands = lb_alloc(ctx, sets * sizeof(lb_operands))};
    measured *of = lb_alloc(ctx, kernels * sizeof *of);
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (b.operands && of) {
        memset(b.operands, 0, sets * sizeof(lb_operands));
        for (size_t i = 0; i < kernels; i++)
            of[i] = (measured){.best = {{HUGE_VAL, HUGE_VAL, HUGE_VAL},
                                        {HUGE_VAL, HUGE_VAL, HUGE_VAL},
                                        {HUGE_VAL, HUGE_VAL, HUGE_VAL}}};
        status = measure_all(&b, of, error);
        if (status == LOWBIT_OK) status = keep_rates(of, wisdom, error);
        for (size_t i = 0; i < sets; i++)
            if (b.operands[i].ctx) lb_operands_release(&b.operands[i]);
    } else {
        lb_fail(error, status, "no memory for the operands of kernels");
    }
    lb_free(ctx, b.operands, sets * sizeof(lb_operands));
    lb_free(ctx, of, kernels * sizeof *of);
    lb_free(ctx, b.workspace, (size_t)b.workspace_bytes);
    return status;
}
