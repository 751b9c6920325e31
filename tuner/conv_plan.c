/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of convolutions: the plan of the product that one is, and how its rows are cut into tasks. */
#include <stdio.h>

#include "kernels/base/ctx.h"
#include "kernels/conv_pieces.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"
#include "kernels/rows.h"
#include "tuner/conv.h"
#include "tuner/estimate.h"
#include "tuner/tuning.h"

enum {
    TASKS_PER_THREAD = 4, /* so that a slow core does not make the others wait long, */
    WORTH_ROWS = 48,      /* but not with fewer rows than this: each task reads the weights again */
    DEFAULT_L2 = 1 << 20
};

/* Signs have no zero, and kernels that count bits know none: outside of the image they start from what is to be taken
 * out again, if all of K has one sum. Else what is outside is a code 0 between -1 and 1, and the product one of 8-bit
 * codes of scale 1, of the same bits. */
static bool wants_zero(const lowbit_conv2d *conv, const lb_conv_shape *shape) {
    const lowbit_problem *p = &conv->product;
    const bool signs = p->activations == LOWBIT_A1 && p->weights.format == LOWBIT_B1 && shape->padded;
    return signs && !shape->depthwise && lb_groups(shape->k, p->weights.group) > 1;
}

static lowbit_problem problem_of(const lowbit_conv2d *conv, const lb_conv_shape *shape) {
    lowbit_problem p = conv->product;
    p.struct_size = sizeof p;
    p.m = shape->m;
    p.n = shape->n;
    p.k = shape->k;
    return p;
}

lowbit_problem lb_conv_planned(const lowbit_conv2d *conv, const lb_conv_shape *shape) {
    lowbit_problem p = problem_of(conv, shape);
    if (wants_zero(conv, shape)) p.activations = LOWBIT_A8, p.static_scale = 1;
    return p;
}

/* Checks a convolution whole. */
static lowbit_status check(const lowbit_conv2d *conv, lb_conv_shape *shape, lowbit_error *error) {
    LB_TRY(lb_conv_shape_of(conv, shape, error));
    const lowbit_problem p = problem_of(conv, shape);
    return lb_check_problem(&p, error);
}

lowbit_status lowbit_conv2d_product(const lowbit_conv2d *conv, int64_t *out_height, int64_t *out_width,
                                    lowbit_problem *product, lowbit_error *error) {
    lb_conv_shape shape;
    LB_TRY(check(conv, &shape, error));
    if (out_height) *out_height = shape.out_height;
    if (out_width) *out_width = shape.out_width;
    if (product) *product = problem_of(conv, &shape);
    return LOWBIT_OK;
}

lowbit_status lowbit_conv2d_matrices(const lowbit_conv2d *conv, int64_t *count, lowbit_error *error) {
    LB_REQUIRE(count, error, LOWBIT_INVALID_ARGUMENT, "count is NULL");
    lb_conv_shape shape;
    LB_TRY(check(conv, &shape, error));
    *count = shape.matrices;
    return LOWBIT_OK;
}

/* A plan without its product. */
static lowbit_status new_plan(const lowbit_ctx *ctx, const lowbit_conv2d *conv, lowbit_conv2d_plan **plan,
                              lowbit_error *error) {
    LB_REQUIRE(ctx && plan, error, LOWBIT_INVALID_ARGUMENT, "ctx or plan is NULL");
    lb_conv_shape shape;
    LB_TRY(check(conv, &shape, error));
    lowbit_conv2d_plan *made = lb_alloc(ctx, sizeof *made);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for a plan of %zu bytes", sizeof *made);
    *made = (lowbit_conv2d_plan){.conv = *conv, .shape = shape};
    made->l2_bytes = ctx->machine.l2_bytes > 0 ? ctx->machine.l2_bytes : DEFAULT_L2;
    *plan = made;
    return LOWBIT_OK;
}

/* Hands the plan out, or frees it. */
static lowbit_status finish(const lowbit_ctx *ctx, lowbit_status status, lowbit_conv2d_plan *made,
                            lowbit_conv2d_plan **plan) {
    if (status == LOWBIT_OK)
        *plan = made;
    else
        lowbit_conv2d_plan_destroy(ctx, made);
    return status;
}

/* The kernel of the level that multiplies rows where they are, in the least time for all columns and what it reads of
 * an image; or NULL. */
static const lb_kernel *rows_kernel(const lb_isa_unit *unit, uint8_t coding, const lowbit_conv2d_plan *plan) {
    const lb_kernel *best = NULL;
    double best_cost = 0;
    for (size_t i = 0; i < unit->kernel_count; i++) {
        const lb_kernel *kernel = &unit->kernels[i];
        if (kernel->algorithm != LB_ALGORITHM_ROWS || kernel->coding != coding) continue;
        const double columns = (double)lb_round_up(plan->shape.n, kernel->nr);
        const double cost =
            (double)kernel->cost * columns * (double)lb_conv_pieces_read(&plan->conv, &plan->shape, kernel->mr);
        if (best && best_cost < cost) continue;
        best = kernel;
        best_cost = cost;
    }
    return best;
}

/* A product whose rows come as codes weaves them into panels, and is worth it where many columns read them. The
 * windows of a convolution would be gathered for that, too: where the product's kernel is one of dot products, the one
 * that reads rows where they are is better here. */
static void read_in_place(const lowbit_ctx *ctx, uint32_t threads, lowbit_conv2d_plan *plan) {
    const lowbit_problem *p = &plan->product->problem;
    for (size_t i = 0; lb_conv_takes_codes(p) && !plan->shape.depthwise && i < plan->product->count; i++) {
        lb_plan_decision *d = &plan->product->decisions[i];
        const lb_kernel *now = d->config.kernel;
        if (now->algorithm != LB_ALGORITHM_DOT || now->mr == 1) continue;
        const lb_kernel_ref rows = {d->config.unit, rows_kernel(d->config.unit, now->coding, plan)};
        if (!rows.kernel) continue;
        d->config = lb_configure(ctx, p, lb_min(d->last, p->m), rows, d->config.threads, threads);
    }
}

lowbit_status lowbit_conv2d_plan_create(const lowbit_ctx *ctx, const lowbit_conv2d *conv,
                                        const lowbit_plan_options *options, lowbit_conv2d_plan **plan,
                                        lowbit_error *error) {
    lowbit_conv2d_plan *made;
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    LB_TRY(new_plan(ctx, conv, &made, error));
    const lowbit_problem p = lb_conv_planned(conv, &made->shape);
    const lowbit_status status = lowbit_plan_create(ctx, &p, options, &made->product, error);
    if (status == LOWBIT_OK) read_in_place(ctx, options ? lb_options_threads(options) : 1, made);
    return finish(ctx, status, made, plan);
}

lowbit_status lowbit_conv2d_plan_force(const lowbit_ctx *ctx, const lowbit_conv2d *conv, const char *kernel,
                                       uint32_t threads, lowbit_conv2d_plan **plan, lowbit_error *error) {
    lowbit_conv2d_plan *made;
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    LB_TRY(new_plan(ctx, conv, &made, error));
    const lowbit_problem p = lb_conv_planned(conv, &made->shape);
    return finish(ctx, lowbit_plan_force(ctx, &p, kernel, threads, &made->product, error), made, plan);
}

void lowbit_conv2d_plan_destroy(const lowbit_ctx *ctx, lowbit_conv2d_plan *plan) {
    if (!ctx || !plan) return;
    lowbit_plan_destroy(ctx, plan->product);
    lb_free(ctx, plan, sizeof *plan);
}

lowbit_status lb_conv_plan_rows(const lowbit_conv2d_plan *plan, int64_t batch, int64_t *m, lowbit_error *error) {
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    LB_REQUIRE(batch >= 1 && batch <= plan->conv.batch, error, LOWBIT_INVALID_ARGUMENT,
               "%lld images; the plan is for 1 to %lld", (long long)batch, (long long)plan->conv.batch);
    *m = batch * plan->shape.out_height * plan->shape.out_width;
    return LOWBIT_OK;
}

lowbit_status lowbit_conv2d_plan_describe(const lowbit_conv2d_plan *plan, int64_t batch, lowbit_plan_info *info,
                                          lowbit_error *error) {
    int64_t m = 0;
    LB_TRY(lb_conv_plan_rows(plan, batch, &m, error));
    LB_TRY(lowbit_plan_describe(plan->product, m, info, error));
    if (plan->shape.depthwise) snprintf(info->kernel, sizeof info->kernel, "depthwise.%s", info->isa);
    return LOWBIT_OK;
}

/* ---- tasks ---- */

/* Half an L2 cache for the windows of a task and their panels: they are written, and then read for every tile of
 * columns. */
int64_t lb_conv_most_rows(const lowbit_conv2d_plan *plan, const lb_gemm_config *c, int64_t m) {
    const int64_t mr = c->kernel->mr, k = lb_round_up(plan->shape.k, LB_LINE);
    const int64_t element = lb_conv_takes_codes(&plan->product->problem) ? 8 : 8 * (int64_t)sizeof(float);
    const int64_t row = lb_max(1, k * (element + lb_panel_bits(c->kernel)) / 8);
    const int64_t blocks = lb_max(1, lb_min(c->step_m / mr, plan->l2_bytes / 2 / row / mr));
    return lb_min(blocks * mr, lb_round_up(m, mr));
}

/* As many tasks for each thread as are worth it; where the rows do not suffice, columns are cut, whose tasks look for
 * the same windows again, but read fewer weights. */
lb_conv_steps lb_conv_steps_of(const lowbit_conv2d_plan *plan, const lb_gemm_config *c, int64_t m) {
    const int64_t mr = c->kernel->mr, unit_n = lb_max(c->kernel->nr, LB_PANEL), n = plan->shape.n;
    const int64_t all = m * plan->shape.matrices, threads = c->threads;
    int64_t rows = lb_conv_most_rows(plan, c, m);
    if (threads <= 1) return (lb_conv_steps){rows, lb_round_up(n, unit_n)};
    const int64_t each = lb_min(TASKS_PER_THREAD, all / WORTH_ROWS / threads);
    const int64_t least = each > 0 ? each * threads : lb_div_up(threads, lb_div_up(n, unit_n));
    rows = lb_min(rows, lb_round_up(lb_div_up(all, least), mr));
    const int64_t tasks = lb_div_up(m, rows) * plan->shape.matrices;
    return (lb_conv_steps){rows, lb_round_up(lb_div_up(n, lb_div_up(threads, tasks)), unit_n)};
}
