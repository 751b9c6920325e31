/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of A as a kernel wants them, in the workspace, and the parts that K is cut into. */
#ifndef LOWBIT_KERNELS_PREPARE_H_
#define LOWBIT_KERNELS_PREPARE_H_

#include "kernels/formats/format.h"
#include "kernels/gemm.h"

/* K is walked in parts whose lines and A stay in the L1 cache: whole groups, or pieces of one group where the groups
 * are longer than a part; none lies across a border of lb_split. Returns the k at which the part that begins at `first`
 * ends; K counts as rounded up to a line. */
int64_t lb_part_end(const lowbit_problem *problem, const lb_gemm_config *config, int64_t first);

/* The least k that is a whole number of lines and of what stands together in a panel: parts begin at multiples. */
int64_t lb_part_unit(const lowbit_problem *problem, const lb_kernel *kernel);

/* k of one multiplication of the tile kernels: 64, or a whole group of 32 or 16. */
static inline uint32_t lb_tile_step(int64_t group) { return group % 64 == 0 ? 64 : group % 32 == 0 ? 32 : 16; }

/* Whether the constants of the format are in the values that the kernel expands: where a correction for every group
 * would cost more. */
static inline bool lb_values_fold(const lb_kernel *kernel, const lowbit_problem *problem) {
    return kernel->values && (problem->weights.progressive || lb_groups(problem->k, problem->weights.group) > 1);
}

/* Elements of A below which the calling thread prepares them alone: about 5 us of quantizing, of which a fork of 1 us
 * would save less than half, and the other threads would fetch the rows from each other. */
enum { LB_PREPARE_ALONE = 1 << 14 };

/* 1/64 cycles that an element takes to its place in the kernel's A panels, where they are worth counting. */
int64_t lb_panel_cost(const lb_kernel *kernel);

/* Bits of an element of the kernel's A panels. */
int64_t lb_panel_bits(const lb_kernel *kernel);

/* Whether a bit is all that the kernel wants of a code. */
bool lb_takes_bits(const lb_kernel *kernel);

/* Where the prepared rows lie. Blocks are of mr rows; the last one is padded with zeros. Where rows become digits,
 * there are three of them for each, of which mr counts all but in blocks, scales and units. Panels are cut at the parts
 * of K, [part][block][k of the part / 4][mr][4], so that the blocks that meet one part of the weights one after the
 * other are one stream for the prefetcher. */
typedef struct lb_prepared {
    lowbit_rows rows;
    int64_t blocks;
    int64_t panel_bits;    /* of an element of a panel */
    int64_t panel_k;       /* k that stand together in it */
    uint8_t *panels;       /* NULL where the rows themselves are the panels */
    const int8_t **own;    /* room for the pointers of one piece a row; NULL but for LB_A_ROWS, as */
    lb_gemm_pieces pieces; /* where the rows lie */
    int32_t *sums, *corrs; /* [blocks][G][mr] */
    float *row_sums;       /* the same of float rows, where a kernel adds zero points or minima so; else NULL */
    float *scales;         /* [blocks * mr]; of float rows 1 */
    float *units;          /* [blocks * mr] and, of each block, a row of floats: where rows become digits; else NULL */
    float *floats;
} lb_prepared;

lb_prepared lb_prepared_of(const lb_gemm_call *call);
int64_t lb_prepared_bytes(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m);

/* What the codes stand for, for kernels of float activations: lb_tile says how. */
typedef struct lb_value_tables {
    _Alignas(LB_LINE) float floats[16];
    _Alignas(LB_LINE) int8_t bytes[LB_LINE];
} lb_value_tables;

/* Fills the tables of these weights and points the tile at them; its s and o are those of the format. */
void lb_value_tables_aim(lb_value_tables *tables, const lowbit_packed *weights, lb_tile *tile);

/* Float rows of one block, given as floats or bf16, into its panels as the kernel wants them; and their sums and
 * scales. */
void lb_prepare_float_block(const lb_gemm_call *call, const lb_prepared *p, int64_t block);

/* Float row `row` of A, as floats or bf16, to its rows of digits, their sums, scale and unit. */
void lb_prepare_digits(const lb_gemm_call *call, const lb_prepared *p, int64_t row);

/* The panel of one block for the part of `length` k that begins at `first`. */
static inline uint8_t *lb_panel_at(const lb_prepared *p, int64_t mr, int64_t block, int64_t first, int64_t length) {
    return p->panels + (p->blocks * first + block * lb_round_up(length, p->panel_k)) * mr * p->panel_bits / 8;
}

#endif
