/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/prepare.h"

#include <math.h>
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/bit_rows.h"
#include "kernels/formats/format.h"
#include "kernels/rows.h"
#include "kernels/split.h"
#include "kernels/turn.h"

/* Row i of an A panel of mr rows: `fours` groups of four k, and what pads them to whole lines. */
static void panel_row_s8(const int8_t *row, int64_t fours, int64_t mr, int64_t i, void *panel) {
    int8_t *to = (int8_t *)panel + i * 4;
    for (int64_t f = 0; f < fours; f++) memcpy(to + f * mr * 4, row + f * 4, 4);
}

/* Rows i .. i + 3, `stride` bytes apart. */
static void panel_four_s8(const int8_t *rows, int64_t stride, int64_t fours, int64_t mr, int64_t i, void *panel) {
    int8_t *to = (int8_t *)panel + i * 4;
    int64_t f = 0;
    for (; f + 4 <= fours; f += 4) lb_turn_four(rows + f * 4, stride, to + f * mr * 4, mr * 4);
    for (int64_t r = 0; r < 4; r++)
        panel_row_s8(rows + r * stride + f * 4, fours - f, mr, i + r, (int8_t *)panel + f * mr * 4);
}

static void panel_row_s16(const int8_t *row, int64_t fours, int64_t mr, int64_t i, void *panel) {
    for (int64_t f = 0; f < fours; f++) {
        const int8_t *from = row + f * 4;
        int16_t *to = (int16_t *)panel + (f * mr + i) * 4;
        to[0] = from[0], to[1] = from[2], to[2] = from[1], to[3] = from[3];
    }
}

static void panel_row_tile(const int8_t *row, int64_t fours, int64_t mr, int64_t i, void *panel) {
    int8_t *to = (int8_t *)panel + i * LB_LINE;
    for (int64_t f = 0; f < fours; f += LB_LINE / 4) memcpy(to + f * mr * 4, row + f * 4, LB_LINE);
}

/* LB_A_*: bits of an element, k that stand together, and what puts a row in its place, or the planes that it is put
 * in. */
static const struct {
    int64_t bits, panel_k;
    void (*put_row)(const int8_t *row, int64_t fours, int64_t mr, int64_t i, void *panel);
    lb_bit_planes planes;
    bool by_row; /* a row goes in as soon as it is quantized: it fills whole lines of the panel */
} kLayouts[] = {[LB_A_S8] = {8, 4, panel_row_s8, {0}, false},
                [LB_A_S16] = {16, 4, panel_row_s16, {0}, false},
                [LB_A_TILE] = {8, LB_LINE, panel_row_tile, {0}, true},
                [LB_A_BITS1] = {1, LB_WORD_K, NULL, {1, LB_BITS_WHOLE}, false},
                [LB_A_BITS2] = {2, LB_WORD_K, NULL, {2, LB_BITS_WHOLE}, false},
                [LB_A_BITS4] = {4, LB_WORD_K, NULL, {4, LB_BITS_WHOLE}, false},
                [LB_A_NIBBLES1] = {2, LB_WORD_K, NULL, {1, LB_BITS_NIBBLES}, false},
                [LB_A_NIBBLES2] = {4, LB_WORD_K, NULL, {2, LB_BITS_NIBBLES}, false},
                [LB_A_NIBBLES4] = {8, LB_WORD_K, NULL, {4, LB_BITS_NIBBLES}, false},
                [LB_A_PAIRS1] = {1, LB_WORD_K, NULL, {1, LB_BITS_PAIRS}, false},
                [LB_A_PAIRS2] = {2, LB_WORD_K, NULL, {2, LB_BITS_PAIRS}, false},
                [LB_A_PAIRS4] = {4, LB_WORD_K, NULL, {4, LB_BITS_PAIRS}, false},
                [LB_A_F32] = {32, 1, NULL, {0}, false},
                [LB_A_HALVES] = {16, 32, NULL, {0}, false},
                [LB_A_TABLES] = {64, LB_WORD_K, NULL, {0}, false}};

bool lb_takes_bits(const lb_kernel *kernel) { return kLayouts[kernel->a_layout].planes.count == 1; }

/* Whether the call's rows are words of bits, or become such at once, without codes: lb_isa_unit's pack_row. */
static bool packs_bits(const lb_gemm_call *call) {
    return call->bits || (!call->args->rows && lb_takes_bits(call->config.kernel));
}

/* The 16 tables of 32 k take 27 cycles with vectors of 256 bits, and nothing else so long. */
int64_t lb_panel_cost(const lb_kernel *kernel) { return kernel->a_layout == LB_A_TABLES ? 54 : 0; }

int64_t lb_panel_bits(const lb_kernel *kernel) {
    return kLayouts[kernel->a_layout].bits * (int64_t)lb_panel_rows(kernel) / kernel->mr;
}

int64_t lb_part_unit(const lowbit_problem *problem, const lb_kernel *kernel) {
    const int64_t line = lb_line_k(lb_format_of(problem->weights.format));
    int64_t unit = line;
    while (unit % kLayouts[kernel->a_layout].panel_k) unit += line;
    return unit;
}

/* Bits that a kernel keeps of each code of a part of K: of values, or of a byte for four codes of one bit; 0 = none. */
static int64_t kept_bits(const lb_kernel *kernel) {
    return kLayouts[kernel->a_layout].planes.form == LB_BITS_PAIRS ? 2 : 8 * (int64_t)kernel->values;
}

int64_t lb_part_end(const lowbit_problem *problem, const lb_gemm_config *config, int64_t first) {
    const lb_kernel *kernel = config->kernel;
    const lb_split split = lb_split_of(problem, config);
    const int64_t all = lb_round_up(problem->k, lb_line_k(lb_format_of(problem->weights.format)));
    const int64_t border = first < split.end ? lb_min(split.end, (first / split.length + 1) * split.length) : all;
    const int64_t kept = kept_bits(kernel);
    if (config->step_k <= 0 && !kept) return border; /* small products feel every division below */
    const int64_t group = problem->weights.group > 0 ? lb_min(problem->weights.group, all) : all;
    const int64_t unit = lb_part_unit(problem, kernel);
    int64_t part = lb_round_up(config->step_k > 0 ? config->step_k : all, unit);
    if (kept) part = lb_min(part, lb_max(unit, 8 * LB_VALUES_BYTES / kept / kernel->nr / unit * unit));
    const int64_t end =
        group <= part ? first + part / group * group : lb_min(first + part, (first / group + 1) * group);
    return lb_min(end, border);
}

/* Takes the next `bytes` of the workspace, 64-byte aligned. */
static int64_t take(int64_t *total, int64_t bytes) {
    const int64_t at = *total;
    *total += lb_round_up(bytes, LB_LINE);
    return at;
}

/* Fills `p` with pointers into `workspace` (which may be NULL to learn the size) and returns the bytes. Sizes cannot
 * overflow: m < 2^31, K < 2^17. */
static int64_t place(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m, void *workspace,
                     lb_prepared *p) {
    const int64_t k = problem->k, group = lb_max(problem->weights.group, 0), mr = (int64_t)lb_panel_rows(kernel);
    const bool panels = mr > 1 || kernel->a_layout != LB_A_S8;
    int64_t total = 0;
    p->blocks = lb_div_up(m, kernel->mr);
    p->panel_bits = kLayouts[kernel->a_layout].bits;
    p->panel_k = kLayouts[kernel->a_layout].panel_k;
    const int64_t padded = lb_round_up(lb_round_up(k, lb_line_k(lb_format_of(problem->weights.format))), LB_LINE);
    const bool digits = kernel->algorithm == LB_ALGORITHM_DIGITS;
    const bool floats = lb_is_float_kind(problem->activations) && !digits;
    const int64_t rows = digits ? LB_DIGITS * m : m;
    const int64_t rows_at = take(&total, floats ? 0 : lb_rows_bytes(rows, k, group));
    const int64_t panels_at = take(&total, panels ? p->blocks * mr * padded * p->panel_bits / 8 : 0);
    const int64_t sums = p->blocks * mr * lb_groups(k, group);
    const int64_t sums_at = take(&total, sums * (int64_t)sizeof(int32_t));
    const int64_t corrs_at = take(&total, floats ? 0 : sums * (int64_t)sizeof(int32_t));
    const int64_t scales_at = take(&total, p->blocks * kernel->mr * (int64_t)sizeof(float));
    const int64_t units_at = take(&total, digits ? p->blocks * kernel->mr * (int64_t)sizeof(float) : 0);
    const bool minima = digits && problem->weights.offset == LOWBIT_MINIMUM;
    const int64_t row_sums_at = take(&total, minima ? sums / LB_DIGITS * (int64_t)sizeof(float) : 0);
    const int64_t floats_at = take(&total, digits ? p->blocks * lb_rows_stride(k) * (int64_t)sizeof(float) : 0);
    if (workspace) {
        uint8_t *base = workspace;
        lb_rows_place(rows, k, group, base + rows_at, &p->rows);
        p->panels = panels ? base + panels_at : NULL;
        p->sums = floats ? NULL : (int32_t *)(void *)(base + sums_at);
        p->corrs = floats ? NULL : (int32_t *)(void *)(base + corrs_at);
        /* values have the offsets in them */
        p->row_sums = floats && problem->weights.offset && !kernel->values ? (float *)(void *)(base + sums_at) : NULL;
        p->scales = (float *)(void *)(base + scales_at);
        p->units = digits ? (float *)(void *)(base + units_at) : NULL;
        p->floats = digits ? (float *)(void *)(base + floats_at) : NULL;
        if (minima) p->row_sums = (float *)(void *)(base + row_sums_at);
    }
    return total;
}

int64_t lb_prepared_bytes(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m) {
    lb_prepared ignored;
    return place(problem, kernel, m, NULL, &ignored);
}

int64_t lb_gemm_workspace(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m) {
    return lb_prepared_bytes(problem, config->kernel, m) + lb_shared_bytes(problem, config, m);
}

lb_prepared lb_prepared_of(const lb_gemm_call *call) {
    lb_prepared p;
    place(call->problem, call->config.kernel, call->m, call->workspace, &p);
    if (call->args->rows) p.rows = *call->args->rows;
    return p;
}

/* k of all rows of a block that are interleaved before the next: the piece of the panel stays in the L1 cache while row
 * after row is woven into it. */
enum { WEAVE_K = 256 };

/* A piece of row i, k .. k + length - 1, from its codes or bits. */
static void put_piece(const lb_gemm_call *call, const int8_t *codes, int64_t k, int64_t length, int64_t i,
                      void *piece) {
    const lb_kernel *kernel = call->config.kernel;
    const int64_t mr = (int64_t)lb_panel_rows(kernel);
    const lb_bit_planes planes = kLayouts[kernel->a_layout].planes;
    if (packs_bits(call))
        lb_put_bit_words(planes, codes + k / 8, length, mr, i, piece);
    else if (planes.count)
        lb_put_bit_codes(planes, codes + k, length, mr, i, piece);
    else if (kernel->a_layout == LB_A_TABLES)
        call->config.unit->put_tables(codes + k, (size_t)(length / LB_WORD_K), piece);
    else
        kLayouts[kernel->a_layout].put_row(codes + k, length / 4, mr, i, piece);
}

/* Rows i0 .. i1 - 1 of a block, quantized at codes, into its panels. Rows are zero beyond K, and so the panels are. */
static void weave_panels(const lb_gemm_call *call, const lb_prepared *p, int64_t block, int64_t i0, int64_t i1,
                         const int8_t *codes) {
    const int64_t mr = (int64_t)lb_panel_rows(call->config.kernel);
    const bool fours = call->config.kernel->a_layout == LB_A_S8;
    for (int64_t first = 0, end; first < call->problem->k; first = end) {
        end = lb_part_end(call->problem, &call->config, first);
        uint8_t *panel = lb_panel_at(p, mr, block, first, end - first);
        for (int64_t k = first; k < end; k += WEAVE_K) {
            void *piece = panel + (k - first) * mr * p->panel_bits / 8;
            const int64_t length = lb_min(WEAVE_K, end - k), stride = p->rows.stride;
            int64_t i = i0;
            for (; fours && i + 4 <= i1; i += 4)
                panel_four_s8(codes + (i - i0) * stride + k, stride, length / 4, mr, i, piece);
            for (; i < i1; i++) put_piece(call, codes + (i - i0) * stride, k, length, i, piece);
        }
    }
}

/* What the constants of the format and of the kernel leave to add: dot = raw << shift + factor * sum + constant,
 * and so much for each k of the group. */
typedef struct correction {
    int32_t factor, constant, each;
} correction;

static correction correction_of(const lowbit_problem *problem, const lb_kernel *kernel) {
    const lb_format *f = lb_format_of(problem->weights.format);
    if (kernel->algorithm == LB_ALGORITHM_XOR) return (correction){0, 0, 1};
    /* Padding is code 0, the value -o, which a distance counts and a product with 0 does not. */
    if (f->distance)
        return (correction){1, (int32_t)(lb_round_up(problem->k, lb_line_k(f)) - problem->k) * f->value_offset, 0};
    if (lb_values_fold(kernel, problem)) return (correction){0, 0, 0};
    if (problem->weights.offset == LOWBIT_MINIMUM) return (correction){kernel->code_bias, 0, 0};
    return (correction){f->value_scale * kernel->code_bias - f->value_offset, 0, 0};
}

/* Sums and corrections of row i of a block's panel. */
static void correct_row(const lb_gemm_call *call, const lb_prepared *p, int64_t block, int64_t i) {
    const lb_kernel *kernel = call->config.kernel;
    const int64_t mr = (int64_t)lb_panel_rows(kernel), row = block * mr + i, groups = p->rows.groups;
    const correction add = correction_of(call->problem, kernel);
    const int64_t k = call->problem->k, group = groups > 1 ? call->problem->weights.group : k;
    const int32_t zero = call->problem->weights.offset == LOWBIT_MINIMUM ? call->rule.zero : 0;
    for (int64_t g = 0; g < groups; g++) {
        const int64_t at = (block * groups + g) * mr + i, count = lb_min(group, k - g * group);
        const int32_t sum = p->rows.sums[row * groups + g];
        const int32_t counted = call->start ? call->start->counted[row] : (int32_t)count;
        p->corrs[at] = (int32_t)((uint32_t)add.factor * (uint32_t)sum + (uint32_t)add.constant) + add.each * counted;
        p->sums[at] = sum - zero * (int32_t)count;
    }
}

/* Quantizes a row of codes, unless it is already, to codes or bits; or, for the first of its digits, a float row. */
static void prepare_row(const lb_gemm_call *call, const lb_prepared *p, int64_t block, int64_t i, const int8_t *codes) {
    const lb_kernel *kernel = call->config.kernel;
    const int64_t row = block * (int64_t)lb_panel_rows(kernel) + i;
    if (kernel->algorithm == LB_ALGORITHM_DIGITS) {
        if (i % LB_DIGITS == 0) lb_prepare_digits(call, p, row / LB_DIGITS);
        return correct_row(call, p, block, i);
    }
    if (!call->args->rows)
        lb_quantize_one_row(packs_bits(call) ? call->config.unit->pack_row : call->config.unit->quantize_row,
                            &call->rule, &call->args->a, row, &p->rows, (int8_t *)(uintptr_t)codes);
    correct_row(call, p, block, i);
    /* The scale that A shares with the weights counts once. */
    const bool shared = lb_format_of(call->problem->weights.format)->distance && !isnan(p->rows.scales[row]);
    p->scales[row] = shared ? 1 : p->rows.scales[row];
}

/* Padding rows compute zeros that nobody reads. */
static void clear_block(const lb_gemm_call *call, const lb_prepared *p, int64_t block) {
    const int64_t mr = (int64_t)lb_panel_rows(call->config.kernel), sums = p->rows.groups * mr;
    const int64_t rows = call->config.kernel->mr;
    for (int64_t first = 0, end; first < call->problem->k; first = end) {
        end = lb_part_end(call->problem, &call->config, first);
        const int64_t length = lb_round_up(end - first, p->panel_k);
        memset(lb_panel_at(p, mr, block, first, end - first), 0, (size_t)(length * mr * p->panel_bits / 8));
    }
    memset(p->sums + block * sums, 0, (size_t)sums * sizeof *p->sums);
    memset(p->corrs + block * sums, 0, (size_t)sums * sizeof *p->corrs);
    memset(p->scales + block * rows, 0, (size_t)rows * sizeof *p->scales);
    if (p->units) memset(p->units + block * rows, 0, (size_t)rows * sizeof *p->units);
}

static void prepare_block(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lb_gemm_call *call = arg;
    const lb_prepared p = lb_prepared_of(call);
    const lb_kernel *kernel = call->config.kernel;
    if (!p.sums) return lb_prepare_float_block(call, &p, (int64_t)i);
    const int64_t mr = (int64_t)lb_panel_rows(kernel), block = (int64_t)i;
    const int64_t rows = lb_min(mr, (call->m - block * kernel->mr) * mr / kernel->mr);
    const bool by_row = p.panels && kLayouts[kernel->a_layout].by_row;
    const int8_t *codes = p.rows.codes + block * mr * p.rows.stride;
    if (rows < mr) clear_block(call, &p, block);
    for (int64_t r = 0; r < rows; r++) {
        /* What goes into the panel at once can be quantized in one place, which stays in the L1 cache. */
        const int8_t *row = by_row && !call->args->rows ? codes : codes + r * p.rows.stride;
        prepare_row(call, &p, block, r, row);
        if (by_row) weave_panels(call, &p, block, r, r + 1, row);
    }
    if (p.panels && !by_row) weave_panels(call, &p, block, 0, rows, codes);
}

void lb_gemm_prepare(const lb_gemm_call *call, const lowbit_pool *pool) {
    const bool alone = call->config.threads <= 1 || call->m * call->problem->k < LB_PREPARE_ALONE;
    const int64_t blocks = lb_div_up(call->m, call->config.kernel->mr);
    lb_parallel_for(alone ? NULL : pool, (size_t)blocks, prepare_block, (void *)(uintptr_t)call);
}
