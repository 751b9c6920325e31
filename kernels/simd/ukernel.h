/* SPDX-License-Identifier: Apache-2.0 */
/* The contract between the SIMD units and everything above: what one instruction set level offers.
 *
 * A unit (kernels/isa/<level>.cc) exports exactly one symbol, its lb_isa_unit. The rest of the library, the tests, the
 * bench and the tuner walk these tables; nobody else names a kernel or an instruction set. Plain C. */
#ifndef LOWBIT_KERNELS_SIMD_UKERNEL_H_
#define LOWBIT_KERNELS_SIMD_UKERNEL_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/formats/coding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Columns of a panel of the packed layout, and bytes of one of its lines (kernels/layout.h has the picture). */
enum { LB_PANEL = 16, LB_LINE = 64 };

/* Most columns, panels and elements of a tile; bytes of the values that a kernel keeps of a part of K, and the most
 * where the shortest part has more: 320 k of 64 columns. */
enum {
    LB_TILE_COLUMNS = 128,
    LB_TILE_PANELS = LB_TILE_COLUMNS / LB_PANEL,
    LB_TILE_ELEMENTS = 2048,
    LB_VALUES_BYTES = 16384,
    LB_VALUES_MOST = 20480
};

/* How a kernel wants its rows of A, mr rows together ("A panel"), element (i, k) of the panel:
 *   LB_A_S8   int8   at ((k / 4) * mr + i) * 4 + k % 4
 *   LB_A_ROWS int8   where they are: pointers to pieces of the rows, at piece * mr + i, element k % piece_k of piece
 *                    k / piece_k; where the last pointer is NULL, the first one is that of all rows
 *   LB_A_S16  int16  at ((k / 4) * mr + i) * 4 + {0, 2, 1, 3}[k % 4]: pairs (k0, k2) and (k1, k3), which meet the even
 *                    and the odd bytes of a line of 8-bit codes in two 16-bit multiply-adds
 *   LB_A_TILE int8   at (k / 64 * mr + i) * 64 + k % 64: the rows of a tile register
 *   LB_A_BITSp     words of 32 bits at (k / 32 * mr + i) * p + plane: bit `plane` of the code of each of 32 k, where a
 *                  lane of a line of 1-bit codes has that k: bit 8 * (k % 4) + k % 32 / 4
 *   LB_A_NIBBLESp  two words for each of those: the lower four bits of every byte, then the upper four
 *   LB_A_PAIRSp    the same for rows 2i and 2i + 1 in one, at ((k / 32 * mr / 2 + i) * p + plane) * 2: the nibbles of
 *                  the second in the upper halves of the bytes
 *   LB_A_F32  float  at k * mr + i: rows that are not quantized
 *   LB_A_HALVES  bf16  at (k / 32 * mr + i) * 32 + k % 32: those, rounded to the rows of a tile register
 *   LB_A_TABLES  bytes of one row: entry e = 0 .. 15 of the 16 k from k on, and of j = 0 .. 3, is 512 + the sum of the
 *                  codes at k + j + 4 * f for the bits f of e. Its lower five bits are the byte at
 *                  k / 32 * 256 + j * 64 + k % 32 + e, its upper five that 32 bytes on
 * Of digits the panel has 3 * mr rows: row 3 * i + d is digit d of row i, the least one first. With one row in all,
 * LB_A_S8 is the quantized row itself. Of codes 1 and -1, bit 0 is whether the code is 1. */
enum {
    LB_A_S8,
    LB_A_S16,
    LB_A_TILE,
    LB_A_BITS1,
    LB_A_BITS2,
    LB_A_BITS4,
    LB_A_NIBBLES1,
    LB_A_NIBBLES2,
    LB_A_NIBBLES4,
    LB_A_F32,
    LB_A_HALVES,
    LB_A_PAIRS1,
    LB_A_PAIRS2,
    LB_A_PAIRS4,
    LB_A_TABLES,
    LB_A_ROWS
};

/* Digits that the algorithm `digits` writes a float of A in. */
enum { LB_DIGITS = 3 };

/* Algorithms; kernels/ukernels.c has their names and what each can multiply. */
enum {
    LB_ALGORITHM_DOT,
    LB_ALGORITHM_ROWS, /* the same of rows where they are */
    LB_ALGORITHM_TILE,
    LB_ALGORITHM_L1,
    LB_ALGORITHM_XOR,  /* of bits, by counting them: -1, 1 */
    LB_ALGORITHM_AND,  /* 0, 1 */
    LB_ALGORITHM_AND2, /* codes of 2 and 4 bits, plane by plane */
    LB_ALGORITHM_AND4,
    LB_ALGORITHM_LUT,       /* of codes, by sums from tables in place of products */
    LB_ALGORITHM_FMA,       /* of floats */
    LB_ALGORITHM_DIGITS,    /* of floats, as integers of three digits */
    LB_ALGORITHM_TILE_BF16, /* of floats, rounded to bf16 */
    LB_ALGORITHM_FMA_BF16,  /* the same without tiles */
    LB_ALGORITHM_L1F,       /* of floats, distances */
    LB_ALGORITHMS
};

/* Integer results are added as 2^-16 of a step of the output, and clamped to 2^29 of those before. */
enum { LB_REQUANT_FRACTION = 16, LB_REQUANT_MOST = 1 << 29 };

/* What s8 and u8 outputs share for all columns: lowbit_requant, checked and resolved. */
typedef struct lb_requant {
    uint32_t rounding;       /* integer form: LOWBIT_ROUND_* */
    int32_t zero, low, high; /* of the output; with ReLU in the integer form low is not below zero */
    float reciprocal;        /* float form: 1 / scale */
    int32_t residual_zero, residual_multiplier, residual_shift; /* integer form */
} lb_requant;

/* One tile of the product, mr rows of A times nr columns of the packed weights, for all of K or a part of it.
 *
 *   raw[g]  = sum over k of group g of a[i,k] * (c[k,n] - code_bias)            integer, modulo 2^32; or, `xor`,
 *   raw[g]  = -(the number of k of group g where the bits of a[i,k] and c[k,n] differ)
 *   dot[g]  = (raw[g] << shift) + corr[g][i]                                    or, with zero points,
 *   dot[g]  = raw[g] + asum[g][i] * (code_bias - zero[g][n])                    and where A has a zero point,
 *   dot[g] -= a_zero * column_sums[g][n]
 *   t       = 0; for g ascending: t += f32(dot[g]) * scale[g][n], and with minima t += f32(asum[g][i]) * min[g][n]
 *   out     = act(((t * ascale[i]) + bias[n]) + residual[i,n])                  each present or not; or, s32: out = dot
 *   out     = codes of 8 bits, made from either as lowbit_requant says
 *
 * Progressive groups (mult is not NULL) have one integer sum, and the scale of a row after the last group:
 *
 *   total   = 0; for g ascending: total += mult[g][n] * dot[g]                  integer, modulo 2^32
 *   t       = 0 + f32(total) * scale[n]                                         or, raw: out = total
 *
 * Where A is float, with v = s * c - o, the value of the book, or the element itself:
 *
 *   dot[g]  = sum over k of group g of a[i,k] * v[k,n]          with zero points + row_sums[g][i] * (o - zero[g][n]),
 *                                                               with minima + row_sums[g][i] * o
 *                                                               `l1f`: sum of -|a[i,k] - v[k,n]|, and no scales
 *   t       = sum over g of dot[g] * scale[g][n]                progressive: mult[g][n] * dot[g], at the end times
 * scale; minima: + row_sums[g][i] * min[g][n]
 *
 * Where A is digits, a[i,k] = unit[i] * ascale[i] * (65536 d2 + 256 d1 + d0), dot[g] as for codes of each digit, and
 *
 *   join(x) = (f32(x2) * 256 + f32(x1)) * 256 + f32(x0)                         multiplying by 256 is exact
 *   t       = 0; for g ascending: t += (join(dot[g]) * unit[i]) * scale[g][n], and with minima
 *             t += row_sums[g][i] * min[g][n]                                   progressive: join(total) after the last
 *
 * A call does the groups that `groups` and the pointers say. To keep lines and A in the L1 cache, K may be cut into
 * parts, one call each in ascending order with the same sums and totals: between groups (t stays in `totals`), or
 * inside a single group, whose calls set `suspend` but for the last and `resume` but for the first (raw stays in
 * `sums`). Integer totals wait as the bits of the floats in `totals`.
 *
 * Every array has its full mr rows and nr columns: the caller points edges at padded scratch, and the panels of a tile
 * that hangs over the last panel at the last one again. A tile narrower than a panel starts inside one. */
typedef struct lb_tile {
    const uint8_t *lines[LB_TILE_PANELS]; /* first line of each panel, from the tile's first 32-bit lane on */
    size_t scale_at[LB_TILE_PANELS]; /* element of scale, zero, min and mult for the first group of each panel; groups
                                        are 16 apart */
    size_t row_scale_at[LB_TILE_PANELS]; /* with mult, element of scale for each panel instead: [panel][16] */
    size_t block, blocks;                /* this is one of so many blocks of rows that pass over the lines */
    const uint8_t *ahead; /* prefetched while the call runs, ahead_step bytes further with each line; or, where only */
    size_t ahead_step;    /* one block passes, where the first panel's lines go on. May point anywhere */
    uint32_t far;         /* 1 = where one block passes, lines are prefetched into the L2 cache, not the L1 */
    ptrdiff_t ahead_offset; /* bytes from the lines of this part to those of the next, in every panel */
    const void *a;          /* A panel of mr rows, zero beyond K, from the first line's k on; of LB_A_ROWS the pointers
                               of the piece that has it, */
    size_t piece_at, piece_k; /* from its element piece_at on: multiples of a line's k */
    size_t groups;            /* of this call, >= 1 */
    size_t lines_per_group;   /* lines of every group but the last */
    size_t lines_last_group;  /* lines of the last group */

    /* Of kernels with `values`, and those of LB_A_PAIRS: every part's lines are expanded once, when the first block of
     * rows passes. */
    uint8_t *values;                    /* scratch of LB_VALUES_MOST, 64-byte aligned */
    uint32_t expand;                    /* 1 = the values of this part are not there yet */
    uint32_t step_k;                    /* k of one multiplication: 64, or 32 or 16 where that is a group */
    uint32_t value_scale, value_offset; /* values are s * c - o: of the format, or 1 and 0 for the codes themselves */
    const uint8_t *book; /* what takes the place of a code c: LB_LINE bytes, 64-byte aligned, of the 16 values + 128
                            four times over; o is 128. NULL = c itself */

    /* Where A is float: */
    const float *table;    /* [16] v of a code of at most 4 bits, whatever the bits above it; 64-byte aligned */
    const int8_t *bytes;   /* the same as int8, four times over: LB_LINE of them, 64-byte aligned */
    const float *row_sums; /* [groups][mr]: sum of a over the group; only where zero points or minima are, and no
                              `values`. Of digits join(asum) * unit, with minima */
    const float *units;    /* [mr] of digits: what an integer of three digits counts, if that is less than 1 */

    const void *scale;   /* of scale_type; not read for s32; NULL for weights without scales */
    const uint8_t *zero; /* or NULL */
    const void *min;     /* of scale_type, or NULL */
    const uint8_t *mult; /* or NULL; with it, min is NULL */
    uint32_t scale_type; /* LOWBIT_SCALE_* */
    uint32_t shift;      /* log2 of the format's s: 0 or 1 */
    const int32_t *corr; /* [groups][mr], of digits [groups][3 * mr], as asum: (s * code_bias - o) * asum; of `xor` the
                            k of the group, without padding */
    const int32_t *asum; /* [groups][mr]: sum of a over the group; with minima, of a - a_zero */
    const int32_t *column_sums; /* where scale_at says (with mult, row_scale_at): sum of the values of W over the group
                                   (the row); NULL = a_zero is 0 */
    int32_t a_zero;             /* code of A that stands for 0 */

    int32_t *sums;    /* [mr][nr] scratch, 64-byte aligned; of digits [3 * mr][nr] */
    float *totals;    /* the same */
    uint32_t start;   /* 1 = the call's first group is the first of all: t = 0 */
    uint32_t finish;  /* 1 = the last part: write out */
    uint32_t resume;  /* 1 = add to what `sums` holds of this group */
    uint32_t suspend; /* 1 = the group goes on in the next part */

    const float *ascale;                 /* [mr] */
    const void *bias;                    /* [nr] float, or int32_t in the integer form; or NULL */
    const void *residual;                /* float, or codes of out_kind in the integer form; or NULL */
    size_t residual_stride;              /* elements */
    const lb_requant *requant;           /* s8 and u8 outputs */
    const int32_t *multipliers, *shifts; /* [nr], integer form; else NULL */
    void *out;
    size_t out_stride; /* elements */
    uint32_t out_kind; /* LOWBIT_OUT_* */
    uint32_t stream;   /* 1 = store past the caches: out and its rows are 64-byte aligned */
    uint32_t act;      /* LOWBIT_ACT_* */

    size_t rows; /* of lb_depthwise_ops, whose tiles have any number; else the kernel's mr counts */
} lb_tile;

/* Lines of group g of the call, and of all its groups. */
static inline size_t lb_tile_group_lines(const lb_tile *tile, size_t g) {
    return g + 1 < tile->groups ? tile->lines_per_group : tile->lines_last_group;
}
static inline size_t lb_tile_lines(const lb_tile *tile) {
    return (tile->groups - 1) * tile->lines_per_group + tile->lines_last_group;
}

typedef void (*lb_tile_fn)(const lb_tile *tile);

/* One row of the kernel table: everything that anyone asks about a kernel. Its name is printed from these fields.
 *
 * A task, on whatever thread of whatever pool, calls `enter` before its first tile and `leave` after its last: for
 * state of the thread that tiles share and that must not outlive the task, such as a tile configuration. The tile that
 * `enter` sees has what all tiles of the task share. */
typedef struct lb_kernel {
    uint8_t coding;    /* LB_CODING_*: the lines that it reads */
    uint8_t algorithm; /* LB_ALGORITHM_* */
    uint8_t a_layout;  /* LB_A_* */
    int16_t code_bias; /* what the kernel subtracts from every code before it multiplies: 128, 0, 1 or -1 */
    uint8_t values; /* bytes of the values that it expands and multiplies, or 0. int8: codes, or where there are groups
                       s * c - o, so that nothing is left to correct: shift and corr are 0. Wider: what the weights are,
                       scales and offsets included */
    uint8_t totals; /* 1 = nothing of it waits in `sums`: the walk may give both scratches to totals */
    uint16_t mr;    /* rows of a tile */
    uint16_t nr;    /* columns: a multiple of 16, or a divisor of it */
    uint32_t cost;  /* 1/64 cycles for one line of one panel, all mr rows: what ESTIMATE ranks by */
    uint32_t group_cost; /* the same for the end of a group of one panel */
    lb_tile_fn run;
    void (*enter)(const lb_tile *tile); /* or NULL */
    void (*leave)(void);                /* or NULL */
} lb_kernel;

/* Rows of an A panel. */
static inline size_t lb_panel_rows(const lb_kernel *kernel) {
    return kernel->algorithm == LB_ALGORITHM_DIGITS ? (size_t)LB_DIGITS * kernel->mr : kernel->mr;
}

/* How a row becomes codes. */
enum {
    LB_ROWS_ABSMAX = 0, /* by the row's own largest magnitude, to -high .. high */
    LB_ROWS_FIXED = 1,  /* by a scale and a zero point, to low .. high */
    LB_ROWS_SIGN = 2,   /* 1 or -1 */
    LB_ROWS_STEP = 3,   /* 1 or 0 */
    LB_ROWS_DIGITS = 4  /* by a power of two, to three rows of codes */
};
typedef struct lb_row_rule {
    uint32_t kind;     /* LB_ROWS_* */
    int32_t low, high; /* least and greatest code */
    float scale;       /* FIXED: what a step of the code is worth: a normal number above 0 */
    int32_t zero;      /* FIXED: the code of 0, low .. high; else 0 */
} lb_row_rule;

/* Quantizes one row by a rule of docs/numerics.md:
 *   ABSMAX  scale = absmax / high, code = rne(x * (high / absmax))
 *   FIXED   code = clamp(rne(x * (1 / rule.scale)) + rule.zero, low, high)
 *   SIGN    code = x < 0 ? -1 : 1, scale = 1         STEP  code = x > 0 ? 1 : 0, scale = 1
 *   DIGITS  65536 d2 + 256 d1 + d0 = rne(x / scale), digit d at codes + d * padded, sums at sums + d * G; the scale is
 *           the least power of two for which this fits three digits of -128 .. 127, 2^-149 at least
 *   ahead  elements from x to what is quantized next, which is prefetched meanwhile; 0 = nothing
 *   codes  int8 [padded], 0 from k on; padded is a multiple of 64
 *   sums   int32 [G]: sum of the codes of each group of `group` elements (a multiple of 16; the last may be short)
 *   scale  receives, by absmax, 0 for a row below 2^-100 and, as of digits, NaN for a row with a non-finite element,
 *          whose codes are 0 then; else the rule's scale or 1, but NaN for a row with a NaN, whose code is that of 0 */
typedef void (*lb_quantize_row_fn)(const float *x, size_t k, size_t ahead, size_t group, const lb_row_rule *rule,
                                   int8_t *codes, size_t padded, int32_t *sums, float *scale);

/* Rounds a row to bf16, nearest even (a NaN stays one, and what is below 2^-126 may become 0): 32 elements together,
 * 64-byte aligned, `step` elements from the first of them to the first of the next; zeros where the last ones end. */
typedef void (*lb_round_row_fn)(const float *x, size_t k, uint16_t *to, size_t step);
/* LB_A_TABLES from the codes of `lines` lines of 1-bit codes, 32 of each; tables are 64-byte aligned. */
typedef void (*lb_put_tables_fn)(const int8_t *codes, size_t lines, uint8_t *tables);

/* x[i] = exp(x[i] - m) * factors[i], m being the greatest of n >= 1; returns the sum of the exponentials alone, a NaN
 * where one of x is. factors may be NULL: 1. Below exp(-LB_EXP_LIMIT) an exponential counts as 0. The sum is that of
 * LB_SOFTEN_SUMS, element i in number i % LB_SOFTEN_SUMS, whose upper half is added to the lower until one is left. */
enum { LB_SOFTEN_SUMS = 16 };
typedef float (*lb_soften_row_fn)(float *x, size_t n, const float *factors);

/* sums[i] = the sum of codes[i * k .. (i + 1) * k - 1], i < count. */
typedef void (*lb_sum_codes_fn)(const int8_t *codes, size_t k, size_t count, int32_t *sums);

struct lb_bits_ops;      /* kernels/simd/bits.h */
struct lb_depthwise_ops; /* kernels/simd/depthwise.h */
struct lb_probe;         /* kernels/simd/probe.h */

typedef struct lb_isa_unit {
    uint32_t isa; /* LOWBIT_ISA_*: one bit */
    const lb_kernel *kernels;
    size_t kernel_count;
    lb_quantize_row_fn quantize_row;
    lb_quantize_row_fn pack_row; /* the same by SIGN and STEP, but `codes` are words of bits: LB_A_BITS1 of one row */
    lb_round_row_fn round_row;   /* where kernels take LB_A_HALVES; else NULL */
    lb_put_tables_fn put_tables; /* where kernels take LB_A_TABLES; else NULL */
    lb_soften_row_fn soften_row;
    lb_sum_codes_fn sum_codes;
    const struct lb_bits_ops *bits;
    const struct lb_probe *probes; /* measuring loops of `bench limits` */
    size_t probe_count;
    const struct lb_depthwise_ops *depthwise;
} lb_isa_unit;

#ifdef __cplusplus
}
#endif
#endif
