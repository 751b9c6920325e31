/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm.h"

#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/rows.h"

/* Where the prepared rows of A lie in the workspace. Blocks are of mr rows; the last one is padded with zeros. */
typedef struct prepared {
    lowbit_rows rows;
    int64_t blocks, panel_bytes;
    uint8_t *panels;       /* [blocks] A panels; NULL where the rows themselves are the panels */
    int32_t *sums, *corrs; /* [blocks][G][mr] */
    float *scales;         /* [blocks * mr] */
} prepared;

/* Takes the next `bytes` of the workspace, 64-byte aligned. */
static int64_t take(int64_t *total, int64_t bytes) {
    const int64_t at = *total;
    *total += lb_round_up(bytes, LB_LINE);
    return at;
}

/* Fills `p` with pointers into `workspace` (which may be NULL to learn the size) and returns the bytes. Sizes cannot
 * overflow: m < 2^31, K < 2^17. */
static int64_t place(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m, void *workspace, prepared *p) {
    const int64_t k = problem->k, group = lb_max(problem->weights.group, 0), mr = kernel->mr;
    const bool panels = mr > 1 || kernel->a_layout != LB_A_S8;
    int64_t total = 0;
    p->blocks = lb_div_up(m, mr);
    p->panel_bytes = mr * lb_round_up(k, LB_LINE) * (kernel->a_layout == LB_A_S16 ? 2 : 1);
    const int64_t rows_at = take(&total, lb_rows_bytes(m, k, group));
    const int64_t panels_at = take(&total, panels ? p->blocks * p->panel_bytes : 0);
    const int64_t sums = p->blocks * mr * lb_groups(k, group);
    const int64_t sums_at = take(&total, sums * (int64_t)sizeof(int32_t));
    const int64_t corrs_at = take(&total, sums * (int64_t)sizeof(int32_t));
    const int64_t scales_at = take(&total, p->blocks * mr * (int64_t)sizeof(float));
    if (workspace) {
        uint8_t *base = workspace;
        lb_rows_place(m, k, group, base + rows_at, &p->rows);
        p->panels = panels ? base + panels_at : NULL;
        p->sums = (int32_t *)(void *)(base + sums_at);
        p->corrs = (int32_t *)(void *)(base + corrs_at);
        p->scales = (float *)(void *)(base + scales_at);
    }
    return total;
}

int64_t lb_gemm_workspace(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m) {
    prepared ignored;
    return place(problem, kernel, m, NULL, &ignored);
}

static prepared prepared_of(const lb_gemm_call *call) {
    prepared p;
    place(call->problem, call->config.kernel, call->m, call->workspace, &p);
    if (call->args->rows) p.rows = *call->args->rows;
    return p;
}

/* ---- preparing A ---- */

/* Row i of an A panel of mr rows. The row is zero up to a multiple of 64, and so the panel is. */
static void panel_row_s8(const int8_t *row, int64_t k, int64_t mr, int64_t i, int8_t *panel) {
    for (int64_t k4 = 0; k4 < lb_round_up(k, LB_LINE) / 4; k4++) memcpy(panel + (k4 * mr + i) * 4, row + k4 * 4, 4);
}

static void panel_row_s16(const int8_t *row, int64_t k, int64_t mr, int64_t i, int16_t *panel) {
    for (int64_t k4 = 0; k4 < lb_round_up(k, LB_LINE) / 4; k4++) {
        const int8_t *from = row + k4 * 4;
        int16_t *to = panel + (k4 * mr + i) * 4;
        to[0] = from[0], to[1] = from[2], to[2] = from[1], to[3] = from[3];
    }
}

/* dot = raw << shift + factor * sum: what the constants of the format and of the kernel leave to add. */
static int32_t correction_factor(const lowbit_problem *problem, const lb_kernel *kernel) {
    const lb_format *f = lb_format_of(problem->weights.format);
    if (problem->weights.offset == LOWBIT_MINIMUM) return kernel->code_bias;
    return f->value_scale * kernel->code_bias - f->value_offset;
}

static void prepare_row(const lb_gemm_call *call, const prepared *p, int64_t block, int64_t i) {
    const lb_kernel *kernel = call->config.kernel;
    const int64_t mr = kernel->mr, row = block * mr + i, groups = p->rows.groups, k = call->problem->k;
    if (!call->args->rows) lb_quantize_one_row(call->config.unit->quantize_row, &call->args->a, row, &p->rows);
    const uint32_t factor = (uint32_t)correction_factor(call->problem, kernel);
    for (int64_t g = 0; g < groups; g++) {
        const int64_t at = (block * groups + g) * mr + i;
        p->sums[at] = p->rows.sums[row * groups + g];
        p->corrs[at] = (int32_t)(factor * (uint32_t)p->sums[at]);
    }
    p->scales[row] = p->rows.scales[row];
    if (!p->panels) return;
    const int8_t *codes = p->rows.codes + row * p->rows.stride;
    void *panel = p->panels + block * p->panel_bytes;
    if (kernel->a_layout == LB_A_S16)
        panel_row_s16(codes, k, mr, i, panel);
    else
        panel_row_s8(codes, k, mr, i, panel);
}

static void prepare_block(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lb_gemm_call *call = arg;
    const prepared p = prepared_of(call);
    const int64_t mr = call->config.kernel->mr, block = (int64_t)i, rows = lb_min(mr, call->m - block * mr);
    if (rows < mr) { /* padding rows compute zeros that nobody reads */
        const int64_t sums = p.rows.groups * mr;
        memset(p.panels + block * p.panel_bytes, 0, (size_t)p.panel_bytes);
        memset(p.sums + block * sums, 0, (size_t)sums * sizeof *p.sums);
        memset(p.corrs + block * sums, 0, (size_t)sums * sizeof *p.corrs);
        memset(p.scales + block * mr, 0, (size_t)mr * sizeof *p.scales);
    }
    for (int64_t r = 0; r < rows; r++) prepare_row(call, &p, block, r);
}

/* Below this many elements of A the fork costs more than it saves: about 20 us of quantizing. */
enum { PREPARE_ALONE = 1 << 16 };

void lb_gemm_prepare(const lb_gemm_call *call, const lowbit_pool *pool) {
    const bool alone = call->config.threads <= 1 || call->m * call->problem->k < PREPARE_ALONE;
    const int64_t blocks = lb_div_up(call->m, call->config.kernel->mr);
    lb_parallel_for(alone ? NULL : pool, (size_t)blocks, prepare_block, (void *)(uintptr_t)call);
}

/* ---- tiles ---- */

/* Edges of the output go through these: full tiles, so that kernels never ask where the matrix ends. */
typedef struct edge {
    float bias[LB_TILE_COLUMNS];
    float residual[LB_TILE_ROWS * LB_TILE_COLUMNS];
    float out[LB_TILE_ROWS * LB_TILE_COLUMNS];
} edge;

/* What is the same for all tiles of a call. */
static lb_tile common_tile(const lb_gemm_call *call) {
    const lowbit_packed *w = call->args->weights;
    const lb_format *f = lb_format_of(w->type.format);
    const int64_t line = 4 * lb_fields(f), group = w->type.group > 0 ? w->type.group : w->k;
    const int64_t per_group = lb_div_up(lb_min(group, w->k), line);
    const bool raw = call->problem->out == LOWBIT_OUT_S32;
    return (lb_tile){.groups = (size_t)w->groups,
                     .lines_per_group = (size_t)per_group,
                     .lines_last_group = (size_t)(w->panel_lines - (w->groups - 1) * per_group),
                     .scale = w->scales,
                     .zero = w->zeros,
                     .min = w->mins,
                     .scale_type = w->type.scale_type,
                     .shift = w->type.offset == LOWBIT_SYMMETRIC && f->value_scale == 2,
                     .residual_stride = (size_t)call->args->residual_stride,
                     .out_stride = (size_t)call->args->out_stride,
                     .raw = raw,
                     .relu = call->problem->act == LOWBIT_ACT_RELU};
}

/* Panels of the columns from n on; those past the last panel are the last one again. */
static void aim_columns(lb_tile *tile, const lowbit_packed *w, int64_t nr, int64_t n) {
    const int64_t last = lb_div_up(w->n, LB_PANEL) - 1, column = n % LB_PANEL;
    for (int64_t p = 0; p < lb_div_up(nr, LB_PANEL); p++) {
        const int64_t panel = lb_min(n / LB_PANEL + p, last);
        tile->lines[p] = w->lines + panel * w->panel_lines * LB_LINE + column * 4;
        tile->scale_at[p] = (size_t)(panel * w->groups * LB_PANEL + column);
    }
}

static void aim_rows(lb_tile *tile, const prepared *p, int64_t mr, int64_t m) {
    const int64_t block = m / mr, groups = p->rows.groups;
    tile->a = p->panels ? (const void *)(p->panels + block * p->panel_bytes) : p->rows.codes + m * p->rows.stride;
    tile->asum = p->sums + block * groups * mr;
    tile->corr = p->corrs + block * groups * mr;
    tile->ascale = p->scales + block * mr;
}

static void run_inner(lb_tile *tile, const lb_gemm_call *call, int64_t m, int64_t n) {
    const lowbit_gemm_args *args = call->args;
    tile->bias = args->bias ? args->bias + n : NULL;
    tile->residual = args->residual ? args->residual + m * args->residual_stride + n : NULL;
    tile->out = (float *)args->out + m * args->out_stride + n; /* int32_t is as long */
    call->config.kernel->run(tile);
}

static void run_edge(const lb_tile *inner, const lb_gemm_call *call, int64_t m, int64_t n, int64_t rows, int64_t cols) {
    const lowbit_gemm_args *args = call->args;
    const int64_t nr = call->config.kernel->nr;
    edge e;
    lb_tile tile = *inner;
    if (args->bias) {
        memset(e.bias, 0, sizeof e.bias);
        memcpy(e.bias, args->bias + n, (size_t)cols * sizeof(float));
        tile.bias = e.bias;
    }
    if (args->residual) {
        memset(e.residual, 0, sizeof e.residual);
        for (int64_t i = 0; i < rows; i++)
            memcpy(e.residual + i * nr, args->residual + (m + i) * args->residual_stride + n,
                   (size_t)cols * sizeof(float));
        tile.residual = e.residual;
        tile.residual_stride = (size_t)nr;
    }
    tile.out = e.out;
    tile.out_stride = (size_t)nr;
    call->config.kernel->run(&tile);
    for (int64_t i = 0; i < rows; i++)
        memcpy((float *)args->out + (m + i) * args->out_stride + n, e.out + i * nr, (size_t)cols * sizeof(float));
}

void lb_gemm_tile(const lb_gemm_call *call, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const int64_t mr = call->config.kernel->mr, nr = call->config.kernel->nr;
    const prepared p = prepared_of(call);
    lb_tile tile = common_tile(call);
    for (int64_t n = n0; n < n1; n += nr) {
        aim_columns(&tile, call->args->weights, nr, n);
        for (int64_t m = m0; m < m1; m += mr) {
            const int64_t rows = lb_min(mr, m1 - m), cols = lb_min(nr, n1 - n);
            aim_rows(&tile, &p, mr, m);
            if (rows == mr && cols == nr)
                run_inner(&tile, call, m, n);
            else
                run_edge(&tile, call, m, n, rows, cols);
        }
    }
}

static void tile_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lb_gemm_call *call = arg;
    const int64_t columns = lb_div_up(call->problem->n, call->config.step_n);
    const int64_t m0 = (int64_t)i / columns * call->config.step_m, n0 = (int64_t)i % columns * call->config.step_n;
    lb_gemm_tile(call, m0, lb_min(m0 + call->config.step_m, call->m), n0,
                 lb_min(n0 + call->config.step_n, call->problem->n));
}

void lb_gemm_run(const lb_gemm_call *call, const lowbit_pool *pool) {
    lb_gemm_prepare(call, pool);
    const int64_t tasks = lb_div_up(call->m, call->config.step_m) * lb_div_up(call->problem->n, call->config.step_n);
    lb_parallel_for(call->config.threads <= 1 ? NULL : pool, (size_t)tasks, tile_task, (void *)(uintptr_t)call);
}
