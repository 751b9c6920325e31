/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/gemm.h"

#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/rows.h"

/* Where the prepared rows of A lie in the workspace. Blocks are of mr rows; the last one is padded with zeros. Panels
 * are cut at the parts of K, [part][block][k of the part / 4][mr][4], so that the blocks that meet one part of the
 * weights one after the other are one stream for the prefetcher. */
typedef struct prepared {
    lowbit_rows rows;
    int64_t blocks;
    int64_t k_padded;      /* of a panel: a multiple of 64 */
    int64_t part_k;        /* of every part but the last */
    int64_t element_bytes; /* of a panel: 1 or 2 */
    uint8_t *panels;       /* NULL where the rows themselves are the panels */
    int32_t *sums, *corrs; /* [blocks][G][mr] */
    float *scales;         /* [blocks * mr] */
} prepared;

/* k of a part: whole groups, or whole lines of the only group. */
static int64_t part_k(const lowbit_problem *problem, const lb_gemm_config *config) {
    const int64_t k = problem->k, group = problem->weights.group;
    const int64_t line = 4 * lb_fields(lb_format_of(problem->weights.format));
    const int64_t wanted = config->step_k ? config->step_k : k;
    return lb_round_up(wanted, group > 0 && group < k ? group : line);
}

/* Takes the next `bytes` of the workspace, 64-byte aligned. */
static int64_t take(int64_t *total, int64_t bytes) {
    const int64_t at = *total;
    *total += lb_round_up(bytes, LB_LINE);
    return at;
}

/* Fills `p` with pointers into `workspace` (which may be NULL to learn the size) and returns the bytes. Sizes cannot
 * overflow: m < 2^31, K < 2^17. */
static int64_t place(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m, void *workspace,
                     prepared *p) {
    const lb_kernel *kernel = config->kernel;
    const int64_t k = problem->k, group = lb_max(problem->weights.group, 0), mr = kernel->mr;
    const bool panels = mr > 1 || kernel->a_layout != LB_A_S8;
    int64_t total = 0;
    p->blocks = lb_div_up(m, mr);
    p->k_padded = lb_round_up(k, LB_LINE);
    p->part_k = part_k(problem, config);
    p->element_bytes = kernel->a_layout == LB_A_S16 ? 2 : 1;
    const int64_t rows_at = take(&total, lb_rows_bytes(m, k, group));
    const int64_t panels_at = take(&total, panels ? p->blocks * mr * p->k_padded * p->element_bytes : 0);
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

int64_t lb_gemm_workspace(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m) {
    prepared ignored;
    return place(problem, config, m, NULL, &ignored);
}

static prepared prepared_of(const lb_gemm_call *call) {
    prepared p;
    place(call->problem, &call->config, call->m, call->workspace, &p);
    if (call->args->rows) p.rows = *call->args->rows;
    return p;
}

/* The panel of one block for the part of K that begins at `first`. */
static uint8_t *panel_at(const prepared *p, int64_t mr, int64_t block, int64_t first) {
    const int64_t length = lb_min(p->part_k, p->k_padded - first);
    return p->panels + (p->blocks * first + block * length) * mr * p->element_bytes;
}

/* ---- preparing A ---- */

/* Row i of an A panel of mr rows, k4 groups of four k. */
static void panel_row_s8(const int8_t *row, int64_t fours, int64_t mr, int64_t i, int8_t *panel) {
    for (int64_t f = 0; f < fours; f++) memcpy(panel + (f * mr + i) * 4, row + f * 4, 4);
}

static void panel_row_s16(const int8_t *row, int64_t fours, int64_t mr, int64_t i, int16_t *panel) {
    for (int64_t f = 0; f < fours; f++) {
        const int8_t *from = row + f * 4;
        int16_t *to = panel + (f * mr + i) * 4;
        to[0] = from[0], to[1] = from[2], to[2] = from[1], to[3] = from[3];
    }
}

/* Row i of a block into its panels. The row is zero up to a multiple of 64, and so the panels are. */
static void panel_row(const prepared *p, const lb_kernel *kernel, const int8_t *row, int64_t block, int64_t i) {
    for (int64_t first = 0; first < p->k_padded; first += p->part_k) {
        const int64_t fours = lb_min(p->part_k, p->k_padded - first) / 4;
        void *panel = panel_at(p, kernel->mr, block, first);
        if (kernel->a_layout == LB_A_S16)
            panel_row_s16(row + first, fours, kernel->mr, i, panel);
        else
            panel_row_s8(row + first, fours, kernel->mr, i, panel);
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
    const int64_t mr = kernel->mr, row = block * mr + i, groups = p->rows.groups;
    if (!call->args->rows) lb_quantize_one_row(call->config.unit->quantize_row, &call->args->a, row, &p->rows);
    const uint32_t factor = (uint32_t)correction_factor(call->problem, kernel);
    for (int64_t g = 0; g < groups; g++) {
        const int64_t at = (block * groups + g) * mr + i;
        p->sums[at] = p->rows.sums[row * groups + g];
        p->corrs[at] = (int32_t)(factor * (uint32_t)p->sums[at]);
    }
    p->scales[row] = p->rows.scales[row];
    if (p->panels) panel_row(p, kernel, p->rows.codes + row * p->rows.stride, block, i);
}

/* Padding rows compute zeros that nobody reads. */
static void clear_block(const prepared *p, int64_t mr, int64_t block) {
    const int64_t sums = p->rows.groups * mr;
    for (int64_t first = 0; first < p->k_padded; first += p->part_k)
        memset(panel_at(p, mr, block, first), 0,
               (size_t)(lb_min(p->part_k, p->k_padded - first) * mr * p->element_bytes));
    memset(p->sums + block * sums, 0, (size_t)sums * sizeof *p->sums);
    memset(p->corrs + block * sums, 0, (size_t)sums * sizeof *p->corrs);
    memset(p->scales + block * mr, 0, (size_t)mr * sizeof *p->scales);
}

static void prepare_block(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lb_gemm_call *call = arg;
    const prepared p = prepared_of(call);
    const int64_t mr = call->config.kernel->mr, block = (int64_t)i, rows = lb_min(mr, call->m - block * mr);
    if (rows < mr) clear_block(&p, mr, block);
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

/* Sums and totals of the rows that share one tile of columns while K is walked part by part. */
enum { STATE_ELEMENTS = 4096 };

/* A task's scratch, on its stack. Edges of the output go through full tiles here, so that kernels never ask where the
 * matrix ends. */
typedef struct scratch {
    _Alignas(LB_LINE) int32_t sums[STATE_ELEMENTS];
    _Alignas(LB_LINE) float totals[STATE_ELEMENTS];
    float bias[LB_TILE_COLUMNS];
    float residual[LB_TILE_ROWS * LB_TILE_COLUMNS];
    float out[LB_TILE_ROWS * LB_TILE_COLUMNS];
} scratch;

_Static_assert(STATE_ELEMENTS >= LB_TILE_ROWS * LB_TILE_COLUMNS, "one tile must fit");

/* What is the same for all tiles of a task, and where each tile of the walk stands. */
typedef struct walk {
    const lb_gemm_call *call;
    prepared p;
    scratch *s;
    lb_tile tile;
    int64_t line_k;    /* k of a line: 4P */
    int64_t per_group; /* lines of a full group */
} walk;

static walk walk_of(const lb_gemm_call *call, scratch *s) {
    const lowbit_packed *w = call->args->weights;
    const lb_format *f = lb_format_of(w->type.format);
    const int64_t line = 4 * lb_fields(f), group = w->type.group > 0 ? lb_min(w->type.group, w->k) : w->k;
    walk walking = {.call = call, .p = prepared_of(call), .s = s, .line_k = line};
    walking.per_group = lb_div_up(group, line);
    walking.tile = (lb_tile){.lines_per_group = (size_t)walking.per_group,
                             .scale = w->scales,
                             .zero = w->zeros,
                             .min = w->mins,
                             .scale_type = w->type.scale_type,
                             .shift = w->type.offset == LOWBIT_SYMMETRIC && f->value_scale == 2,
                             .raw = call->problem->out == LOWBIT_OUT_S32,
                             .relu = call->problem->act == LOWBIT_ACT_RELU};
    return walking;
}

/* Panels of the columns from n on; those past the last panel are the last one again. */
static void aim_columns(walk *walking, int64_t n, int64_t line, int64_t group) {
    const lowbit_packed *w = walking->call->args->weights;
    const int64_t last = lb_div_up(w->n, LB_PANEL) - 1, column = n % LB_PANEL;
    for (int64_t p = 0; p < lb_div_up(walking->call->config.kernel->nr, LB_PANEL); p++) {
        const int64_t panel = lb_min(n / LB_PANEL + p, last);
        walking->tile.lines[p] = w->lines + (panel * w->panel_lines + line) * LB_LINE + column * 4;
        walking->tile.scale_at[p] = (size_t)((panel * w->groups + group) * LB_PANEL + column);
    }
}

/* Line 0 of panel p of the part that follows lines first .. last - 1 of the walk: further on in the same panels, or the
 * beginning of the next tile's. Past the end of the weights it is some address that a prefetch may ignore. */
static const uint8_t *next_part(const walk *walking, int64_t p, int64_t first, int64_t last) {
    const lowbit_packed *w = walking->call->args->weights;
    const int64_t panels = lb_div_up(walking->call->config.kernel->nr, LB_PANEL);
    const int64_t lines = last < w->panel_lines ? last - first : panels * w->panel_lines - first;
    return walking->tile.lines[p] + lines * LB_LINE;
}

/* Spreads the prefetch of the next part over the `blocks` of rows that pass over this one, `block` being the one at
 * hand: panel by panel, each in slices. A single block reads its lines as a stream that the hardware prefetches. */
static void aim_ahead(walk *walking, int64_t block, int64_t blocks, int64_t first, int64_t last) {
    const int64_t panels = lb_min(blocks, lb_div_up(walking->call->config.kernel->nr, LB_PANEL));
    const int64_t slices = blocks / panels, panel = lb_min(block / slices, panels - 1);
    lb_tile *tile = &walking->tile;
    tile->ahead_step = (size_t)lb_div_up(LB_LINE, slices);
    tile->ahead =
        next_part(walking, panel, first, last) + (block - panel * slices) * (last - first) * (int64_t)tile->ahead_step;
}

/* Lines `first` .. `last` - 1 of K. */
static void aim_part(walk *walking, int64_t n, int64_t first, int64_t last) {
    const lowbit_packed *w = walking->call->args->weights;
    const bool whole = w->groups > 1;
    const int64_t group = first / walking->per_group, groups = whole ? lb_div_up(last - first, walking->per_group) : 1;
    lb_tile *tile = &walking->tile;
    aim_columns(walking, n, first, group);
    tile->groups = (size_t)groups;
    tile->lines_last_group = (size_t)(last - first - (groups - 1) * walking->per_group);
    tile->start = first == 0;
    tile->finish = last == w->panel_lines;
    tile->resume = !whole && first > 0;
    tile->suspend = !whole && last < w->panel_lines;
}

/* Rows m .. m + mr - 1 for the part of K that begins at `first_line`. */
static void aim_rows(walk *walking, int64_t m, int64_t first_line, int64_t state_row) {
    const lb_kernel *kernel = walking->call->config.kernel;
    const prepared *p = &walking->p;
    const int64_t mr = kernel->mr, block = m / mr, group = first_line / walking->per_group;
    const int64_t first = first_line * walking->line_k;
    lb_tile *tile = &walking->tile;
    tile->a = p->panels ? (const void *)panel_at(p, mr, block, first) : p->rows.codes + m * p->rows.stride + first;
    tile->asum = p->sums + (block * p->rows.groups + group) * mr;
    tile->corr = p->corrs + (block * p->rows.groups + group) * mr;
    tile->ascale = p->scales + block * mr;
    tile->sums = walking->s->sums + state_row * kernel->nr;
    tile->totals = walking->s->totals + state_row * kernel->nr;
}

static void run_inner(walk *walking, int64_t m, int64_t n) {
    const lowbit_gemm_args *args = walking->call->args;
    lb_tile *tile = &walking->tile;
    tile->bias = args->bias ? args->bias + n : NULL;
    tile->residual = args->residual ? args->residual + m * args->residual_stride + n : NULL;
    tile->residual_stride = (size_t)args->residual_stride;
    tile->out = (float *)args->out + m * args->out_stride + n; /* int32_t is as long */
    tile->out_stride = (size_t)args->out_stride;
    walking->call->config.kernel->run(tile);
}

static void copy_edge(float *to, int64_t to_stride, const float *from, int64_t from_stride, int64_t rows,
                      int64_t cols) {
    for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_stride, from + i * from_stride, (size_t)cols * sizeof *to);
}

static void run_edge(walk *walking, int64_t m, int64_t n, int64_t rows, int64_t cols) {
    const lowbit_gemm_args *args = walking->call->args;
    const int64_t nr = walking->call->config.kernel->nr;
    scratch *s = walking->s;
    lb_tile *tile = &walking->tile;
    if (args->bias && tile->finish) {
        memset(s->bias, 0, sizeof s->bias);
        copy_edge(s->bias, nr, args->bias + n, 0, 1, cols);
    }
    if (args->residual && tile->finish) {
        memset(s->residual, 0, sizeof s->residual);
        copy_edge(s->residual, nr, args->residual + m * args->residual_stride + n, args->residual_stride, rows, cols);
    }
    tile->bias = args->bias ? s->bias : NULL;
    tile->residual = args->residual ? s->residual : NULL;
    tile->residual_stride = (size_t)nr;
    tile->out = s->out;
    tile->out_stride = (size_t)nr;
    walking->call->config.kernel->run(tile);
    if (tile->finish)
        copy_edge((float *)args->out + m * args->out_stride + n, args->out_stride, s->out, nr, rows, cols);
}

/* One tile of columns and the rows m0 .. m1 - 1, whose sums fit the scratch: part by part of K, all rows for each. */
static void walk_rows(walk *walking, int64_t m0, int64_t m1, int64_t n, int64_t cols) {
    const lb_kernel *kernel = walking->call->config.kernel;
    const int64_t all = walking->call->args->weights->panel_lines, part = walking->p.part_k / walking->line_k;
    const int64_t blocks = lb_div_up(m1 - m0, kernel->mr);
    for (int64_t line = 0; line < all; line += part) {
        const int64_t end = lb_min(all, line + part);
        aim_part(walking, n, line, end);
        for (int64_t block = 0; block < blocks; block++) {
            const int64_t m = m0 + block * kernel->mr, rows = lb_min(kernel->mr, m1 - m);
            aim_rows(walking, m, line, m - m0);
            aim_ahead(walking, block, blocks, line, end);
            if (rows == kernel->mr && cols == kernel->nr)
                run_inner(walking, m, n);
            else
                run_edge(walking, m, n, rows, cols);
        }
    }
}

void lb_gemm_tile(const lb_gemm_call *call, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const lb_kernel *kernel = call->config.kernel;
    scratch s;
    walk walking = walk_of(call, &s);
    const int64_t rows = STATE_ELEMENTS / kernel->nr / kernel->mr * kernel->mr;
    for (int64_t n = n0; n < n1; n += kernel->nr)
        for (int64_t m = m0; m < m1; m += rows)
            walk_rows(&walking, m, lb_min(m1, m + rows), n, lb_min(kernel->nr, n1 - n));
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
