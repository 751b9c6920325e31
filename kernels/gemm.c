/* SPDX-License-Identifier: Apache-2.0 */
/* The loops around a kernel: columns of one tile, parts of K, blocks of rows. */
#include "kernels/gemm.h"

#include <stdatomic.h>
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/output.h"
#include "kernels/prepare.h"
#include "kernels/replicas.h"
#include "kernels/split.h"
#include "kernels/ukernels.h"

/* Sums and totals of the rows that share one tile of columns while K is walked part by part. */
enum { STATE_ELEMENTS = 4096 };

/* The same where there are totals alone: two tiles of columns walk side by side, so that rows of A, whose floats only
 * the L3 cache may hold, come half as often; 132 rows are eleven blocks of twelve. */
enum { WIDE_TILES = 2, WIDE_ELEMENTS = 132 * 32 };

/* A task's scratch, on its stack. */
typedef struct scratch {
    union {
        struct {
            _Alignas(LB_LINE) int32_t sums[STATE_ELEMENTS];
            _Alignas(LB_LINE) float totals[STATE_ELEMENTS];
        };
        uint32_t states[2 * STATE_ELEMENTS]; /* both, as bits */
        _Alignas(LB_LINE) float wide[WIDE_TILES * WIDE_ELEMENTS];
    };
    lb_edge edge;
    lb_output output;
    _Alignas(LB_LINE) uint8_t values[LB_VALUES_MOST];
    _Alignas(LB_LINE) uint8_t book[LB_LINE];
    lb_value_tables tables;
} scratch;

_Static_assert((int)STATE_ELEMENTS >= (int)LB_TILE_ELEMENTS, "one tile must fit");

/* Lines `first` .. `last` - 1 of K, and the groups that they belong to. */
typedef struct part {
    int64_t first, last;
    int64_t group, groups; /* the first of them, and how many */
} part;

/* What is the same for all tiles of a task, and the tile at hand. */
typedef struct walk {
    const lb_gemm_call *call;
    const lb_kernel *kernel;
    const lowbit_packed *w;
    lb_prepared p;
    scratch *s;
    lb_tile tile;
    int64_t panels;    /* of a tile, at least one */
    int64_t stride;    /* lines from one to the next */
    int64_t line_k;    /* k of a line */
    int64_t per_group; /* lines of a full group */
    const uint8_t *a;  /* of the first block, from the part's first k on */
    int64_t a_step;    /* bytes from one block to the next */

    lb_split split;
    lb_shared shared;
    int64_t piece;       /* a part of the split K; or, split.parts, what follows them: all of K if it is not split */
    int64_t first, last; /* its lines */
} walk;

/* A book as kernels want it. NULL stays NULL. */
static const uint8_t *spread_book(const int8_t *book, uint8_t to[LB_LINE]) {
    for (int i = 0; book && i < LB_LINE; i++) to[i] = (uint8_t)(book[i % 16] + 128);
    return book ? to : NULL;
}

static walk walk_of(const lb_gemm_call *call, scratch *s) {
    const lowbit_packed *w = lb_near_weights(call->args);
    const lb_kernel *kernel = call->config.kernel;
    const lb_format *f = lb_format_of(w->type.format);
    walk walking = {.call = call, .kernel = kernel, .w = w, .p = lb_prepared_of(call), .s = s};
    walking.panels = lb_div_up(kernel->nr, LB_PANEL);
    walking.stride = call->panel_stride > 0 ? call->panel_stride : w->panel_lines;
    walking.line_k = lb_line_k(f);
    walking.per_group = w->groups > 1 ? w->type.group / walking.line_k : w->panel_lines;
    const bool symmetric = w->type.offset == LOWBIT_SYMMETRIC;
    const bool fold = symmetric && lb_values_fold(kernel, call->problem);
    walking.tile = (lb_tile){.far = lb_div_up(w->n, LB_PANEL) * w->panel_lines * LB_LINE > call->config.near_bytes,
                             .lines_per_group = (size_t)walking.per_group,
                             .values = s->values,
                             .step_k = w->groups > 1 && !w->multipliers ? lb_tile_step(w->type.group) : LB_LINE,
                             .value_scale = fold ? f->value_scale : 1,
                             .value_offset = fold ? f->value_offset : 0,
                             .book = spread_book(w->book, s->book),
                             .scale = w->scales,
                             .zero = w->zeros,
                             .min = w->mins,
                             .mult = w->multipliers,
                             .scale_type = w->type.scale_type,
                             .shift = symmetric && !fold && f->value_scale == 2};
    if (lb_is_float_kind(call->problem->activations)) lb_value_tables_aim(&s->tables, w, &walking.tile);
    lb_output_begin(call, &s->output, &walking.tile);
    return walking;
}

static part part_at(const walk *walking, int64_t first) {
    const int64_t end = lb_part_end(walking->call->problem, &walking->call->config, first * walking->line_k);
    part at = {.first = first, .last = end / walking->line_k, .group = first / walking->per_group};
    at.groups = lb_max(1, lb_div_up(at.last - first, walking->per_group));
    return at;
}

/* Panel p of the tile at column n; those past the last panel are the last one again. */
static int64_t panel_of(const walk *walking, int64_t n, int64_t p) {
    return lb_min(n / LB_PANEL + p, lb_div_up(walking->w->n, LB_PANEL) - 1);
}

static const uint8_t *line_at(const walk *walking, int64_t panel, int64_t line) {
    return walking->w->lines + (panel * walking->stride + line) * LB_LINE;
}

/* A of all blocks, from the part's first k on. */
static void aim_a(walk *walking, part at) {
    const lb_prepared *p = &walking->p;
    const int64_t mr = (int64_t)lb_panel_rows(walking->kernel);
    const int64_t first = at.first * walking->line_k, length = (at.last - at.first) * walking->line_k;
    if (p->own) {
        const int64_t piece = first / p->pieces.length;
        walking->a = (const uint8_t *)(p->pieces.at + piece * mr);
        walking->a_step = p->pieces.count * mr * (int64_t)sizeof *p->pieces.at;
        walking->tile.piece_at = (size_t)(first - piece * p->pieces.length);
        walking->tile.piece_k = (size_t)p->pieces.length;
    } else if (p->panels) {
        walking->a = lb_panel_at(p, mr, 0, first, length);
        walking->a_step = lb_panel_at(p, mr, 1, first, length) - walking->a;
    } else {
        walking->a = (const uint8_t *)p->rows.codes + first;
        walking->a_step = walking->kernel->mr * p->rows.stride;
    }
}

static void aim_part(walk *walking, int64_t n, part at) {
    const lowbit_packed *w = walking->w;
    const int64_t column = n % LB_PANEL;
    lb_tile *tile = &walking->tile;
    for (int64_t p = 0; p < walking->panels; p++) {
        const int64_t panel = panel_of(walking, n, p);
        tile->lines[p] = line_at(walking, panel, at.first) + column * 4;
        tile->scale_at[p] = (size_t)((panel * w->groups + at.group) * LB_PANEL + column);
        tile->row_scale_at[p] = (size_t)(panel * LB_PANEL + column);
    }
    const int64_t group_end = lb_min((at.group + at.groups) * walking->per_group, w->panel_lines);
    tile->groups = (size_t)at.groups;
    tile->lines_last_group = (size_t)(at.last - at.first - (at.groups - 1) * walking->per_group);
    tile->start = at.group == 0;
    tile->finish = at.last == w->panel_lines;
    tile->resume = walking->call->start || at.first > at.group * walking->per_group;
    tile->suspend = at.last < group_end;
    aim_a(walking, at);
}

/* How the prefetch of the next part (further on in the same panels, or the beginning of those `skip` on) is spread over
 * the blocks of rows that pass over this one: panel by panel, each in slices. */
typedef struct ahead {
    int64_t panels, slices, bytes; /* bytes of a slice */
    int64_t skip, line;            /* the next part begins so many panels on, at this line */
} ahead;

static ahead spread_ahead(walk *walking, int64_t skip, int64_t blocks, part at) {
    const bool on = at.last < walking->last;
    const int64_t panels = lb_min(blocks, walking->panels), lines = at.last - at.first;
    ahead a = {.panels = panels, .slices = blocks / panels};
    a.bytes = lb_div_up(lines * LB_LINE, a.slices);
    a.skip = on ? 0 : skip;
    a.line = on ? at.last : walking->first;
    lb_tile *tile = &walking->tile;
    tile->ahead_step = (size_t)lb_div_up(a.bytes, lines);
    tile->ahead_offset = (a.skip * walking->stride + a.line - at.first) * LB_LINE;
    tile->blocks = (size_t)blocks;
    return a;
}

/* The slice of a block. What is past the end of the weights is an address that a prefetch ignores. */
static void aim_ahead(walk *walking, const ahead *a, int64_t n, int64_t block) {
    const int64_t p = lb_min(block / a->slices, a->panels - 1), slice = block - p * a->slices;
    lb_tile *tile = &walking->tile;
    tile->ahead = line_at(walking, panel_of(walking, n, p) + a->skip, a->line) + slice * a->bytes;
    tile->block = (size_t)block;
    tile->expand = block == 0;
}

/* Tiles of columns that walk side by side, and rows that do. */
static int64_t wide_tiles(const lb_kernel *kernel) { return kernel->totals ? WIDE_TILES : 1; }

int64_t lb_walk_rows(const lb_kernel *kernel) {
    const int64_t elements = kernel->totals ? WIDE_ELEMENTS : STATE_ELEMENTS;
    return elements / kernel->nr / (int64_t)lb_panel_rows(kernel) * kernel->mr;
}

/* The rows of a block; their sums and totals stand where those of block `state` of the scratch do, or of that of tile
 * `t`. */
static void aim_rows(walk *walking, int64_t block, int64_t state, int64_t t, part at) {
    const lb_kernel *kernel = walking->kernel;
    const lb_prepared *p = &walking->p;
    const int64_t mr = (int64_t)lb_panel_rows(kernel), groups_at = block * p->rows.groups + at.group;
    lb_tile *tile = &walking->tile;
    tile->a = walking->a + block * walking->a_step;
    tile->asum = p->sums ? p->sums + groups_at * mr : NULL;
    tile->corr = p->corrs ? p->corrs + groups_at * mr : NULL;
    tile->row_sums = p->row_sums ? p->row_sums + groups_at * kernel->mr : NULL;
    tile->ascale = p->scales + block * kernel->mr;
    tile->units = p->units ? p->units + block * kernel->mr : NULL;
    tile->sums = kernel->totals ? NULL : walking->s->sums + state * mr * kernel->nr;
    tile->totals =
        (kernel->totals ? walking->s->wide + t * WIDE_ELEMENTS : walking->s->totals) + state * mr * kernel->nr;
}

/* One tile of columns, the t'th of `tiles` side by side, and the rows m0 .. m1 - 1, for a part of K. */
static void walk_part(walk *walking, int64_t m0, int64_t m1, int64_t n, int64_t cols, int64_t t, int64_t tiles,
                      part at) {
    const int64_t mr = walking->kernel->mr, first = m0 / mr, blocks = lb_div_up(m1 - m0, mr);
    aim_part(walking, n, at);
    const ahead a = spread_ahead(walking, walking->panels * tiles, blocks, at);
    for (int64_t block = 0; block < blocks; block++) {
        const int64_t m = m0 + block * mr, rows = lb_min(mr, m1 - m);
        aim_rows(walking, first + block, block, t, at);
        aim_ahead(walking, &a, n, block);
        lb_output_run(&walking->s->output, walking->kernel, &walking->tile, &walking->s->edge, m, n, rows, cols);
    }
}

/* Where the sum of a row and a column of the tile stands: tiles are [row][column], or of some levels [panel][row][16].
 */
static int32_t *sum_at(const walk *walking, int64_t row, int64_t column) {
    const lb_kernel *kernel = walking->kernel;
    if (!lb_sums_by_panel(walking->call->config.unit)) return walking->s->sums + row * kernel->nr + column;
    const int64_t block = row / kernel->mr, panel = column / LB_PANEL;
    return walking->s->sums + block * kernel->mr * kernel->nr + (panel * kernel->mr + row % kernel->mr) * LB_PANEL +
           column % LB_PANEL;
}

/* Sums that a caller brings, in their places; those of padding are zeros. */
static void begin_sums(const walk *walking, int64_t m0, int64_t m1, int64_t n, int64_t n1) {
    const lb_kernel *kernel = walking->kernel;
    const int64_t nr = kernel->nr, rows = lb_round_up(m1 - m0, kernel->mr);
    memset(walking->s->sums, 0, (size_t)(rows * nr) * sizeof(int32_t));
    memset(walking->s->totals, 0, (size_t)(rows * nr) * sizeof(float));
    for (int64_t m = m0; m < m1; m++) {
        const int32_t *from = walking->call->start->sums[m];
        for (int64_t c = 0, count; from && c < lb_min(nr, n1 - n); c += count) {
            count = lb_min(LB_PANEL, lb_min(nr, n1 - n) - c);
            memcpy(sum_at(walking, m - m0, c), from + n + c, (size_t)count * sizeof *from);
        }
    }
}

/* ---- K split over tasks ---- */

/* What a part leaves: the sums of the only group, or the totals of progressive ones. */
static uint32_t *state_of(const walk *walking) {
    return walking->s->states + (walking->w->multipliers ? STATE_ELEMENTS : 0);
}

/* And where it leaves that, from row m on, for the tile at column n. */
static uint32_t *place_of(const walk *walking, int64_t piece, int64_t m, int64_t n) {
    const lb_kernel *kernel = walking->kernel;
    const int64_t tile = piece * lb_div_up(walking->w->n, kernel->nr) + n / kernel->nr;
    const int64_t block = tile * walking->p.blocks + m / kernel->mr;
    return walking->shared.states + block * (int64_t)lb_panel_rows(kernel) * kernel->nr;
}

static int64_t state_elements(const walk *walking, int64_t m0, int64_t m1) {
    const lb_kernel *kernel = walking->kernel;
    return lb_div_up(m1 - m0, kernel->mr) * (int64_t)lb_panel_rows(kernel) * kernel->nr;
}

/* Each part starts from zeros, and what follows them from what they come to: integers, in whatever order they came. */
static void begin_piece(const walk *walking, int64_t m0, int64_t m1, int64_t n) {
    const int64_t elements = state_elements(walking, m0, m1);
    const size_t bytes = (size_t)elements * sizeof(uint32_t);
    uint32_t *state = state_of(walking);
    memset(walking->s->sums, 0, bytes);
    memset(walking->s->totals, 0, bytes);
    if (walking->piece < walking->split.parts) return;
    for (int64_t piece = 0; piece < walking->piece; piece++) {
        const uint32_t *from = place_of(walking, piece, m0, n);
        for (int64_t i = 0; i < elements; i++) state[i] += from[i];
    }
}

static void end_piece(const walk *walking, int64_t m0, int64_t m1, int64_t n) {
    if (walking->piece == walking->split.parts) return;
    memcpy(place_of(walking, walking->piece, m0, n), state_of(walking),
           (size_t)state_elements(walking, m0, m1) * sizeof(uint32_t));
}

/* What a task does when its piece is done: if it was a part, and the last one to arrive, what follows the parts. -1 =
 * nothing. */
static int64_t next_piece(const walk *walking, int64_t m0, int64_t n0) {
    const lb_gemm_config *c = &walking->call->config;
    if (walking->piece == walking->split.parts) return -1;
    const int64_t at = m0 / c->step_m * lb_div_up(walking->w->n, c->step_n) + n0 / c->step_n;
    const int64_t others = atomic_fetch_add_explicit(&walking->shared.arrived[at], 1, memory_order_acq_rel);
    return others + 1 == walking->split.parts ? walking->split.parts : -1;
}

/* ---- tasks ---- */

/* Columns n .. n1 - 1, no more than fit the scratch with the rows m0 .. m1 - 1: part by part of K, all of them for
 * each. */
static void walk_rows(walk *walking, int64_t m0, int64_t m1, int64_t n, int64_t n1) {
    const int64_t nr = walking->kernel->nr, tiles = lb_div_up(n1 - n, nr);
    part at;
    if (walking->split.parts) begin_piece(walking, m0, m1, n);
    if (walking->call->start) begin_sums(walking, m0, m1, n, n1);
    for (int64_t line = walking->first; line < walking->last; line = at.last) {
        at = part_at(walking, line);
        for (int64_t t = 0; t < tiles; t++)
            walk_part(walking, m0, m1, n + t * nr, lb_min(nr, n1 - n - t * nr), t, tiles, at);
    }
    if (walking->split.parts) end_piece(walking, m0, m1, n);
}

/* The line at which a piece of K begins, and the one before it ends. */
static int64_t piece_line(const walk *walking, int64_t piece) {
    const lb_split *split = &walking->split;
    if (piece == 0) return 0;
    return piece > split->parts ? walking->w->panel_lines : lb_min(piece * split->length, split->end) / walking->line_k;
}

static void walk_piece(walk *walking, int64_t piece, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const int64_t rows = lb_walk_rows(walking->kernel), columns = walking->kernel->nr * wide_tiles(walking->kernel);
    walking->piece = piece;
    walking->first = piece_line(walking, piece);
    walking->last = piece_line(walking, piece + 1);
    for (int64_t n = n0; n < n1; n += columns)
        for (int64_t m = m0; m < m1; m += rows) walk_rows(walking, m, lb_min(m1, m + rows), n, lb_min(n1, n + columns));
}

static void run_piece(const lb_gemm_call *call, lb_split split, int64_t piece, int64_t m0, int64_t m1, int64_t n0,
                      int64_t n1) {
    const lb_kernel *kernel = call->config.kernel;
    scratch s;
    walk walking = walk_of(call, &s);
    walking.split = split;
    if (split.parts) walking.shared = lb_shared_of(call, split);
    if (kernel->enter) kernel->enter(&walking.tile);
    for (; piece >= 0; piece = next_piece(&walking, m0, n0)) walk_piece(&walking, piece, m0, m1, n0, n1);
    lb_output_end(&s.output);
    if (kernel->leave) kernel->leave();
}

void lb_gemm_tile(const lb_gemm_call *call, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    run_piece(call, (lb_split){0}, 0, m0, m1, n0, n1);
}

/* The tasks of a call: rows x columns of them cover the output, once or, if K is split, once for each part. */
typedef struct cover {
    const lb_gemm_call *call;
    int64_t rows, columns;
    lb_split split;
} cover;

/* No part has arrived anywhere. */
static void clear_arrivals(const cover *all) {
    const lb_shared shared = lb_shared_of(all->call, all->split);
    for (int64_t i = 0; i < all->rows * all->columns; i++) atomic_init(&shared.arrived[i], 0);
}

/* Part after part: so a thread reads few parts of A. */
static void tile_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const cover *all = arg;
    const lb_gemm_call *call = all->call;
    const lb_gemm_config *c = &call->config;
    const int64_t piece = all->split.parts ? (int64_t)i / (all->rows * all->columns) : 0;
    const int64_t at = (int64_t)i - piece * all->rows * all->columns;
    const bool down = c->order == LB_ORDER_COLUMNS;
    const int64_t line = down ? all->rows : all->columns, slow = at / line, fast = at % line;
    const int64_t m0 = (down ? fast : slow) * c->step_m, n0 = (down ? slow : fast) * c->step_n;
    run_piece(call, all->split, piece, m0, lb_min(m0 + c->step_m, call->m), n0,
              lb_min(n0 + c->step_n, call->problem->n));
}

void lb_gemm_run(const lb_gemm_call *call, const lowbit_pool *pool) {
    const lb_gemm_config *c = &call->config;
    cover all = {call, lb_div_up(call->m, c->step_m), lb_div_up(call->problem->n, c->step_n),
                 lb_split_of(call->problem, c)};
    const int64_t tasks = all.rows * all.columns * lb_max(1, all.split.parts);
    lb_gemm_prepare(call, pool);
    if (all.split.parts) clear_arrivals(&all);
    lb_parallel_for(c->threads <= 1 ? NULL : pool, (size_t)tasks, tile_task, &all);
}
