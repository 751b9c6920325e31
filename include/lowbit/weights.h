/* SPDX-License-Identifier: Apache-2.0 */
/* Weights: formats, quantizing a float matrix, and the packed blob that the kernels read.
 *
 *     float matrix --lowbit_quantize--> lowbit_weights --lowbit_pack--> blob --lowbit_packed_open--> lowbit_packed
 *
 * A stored code c of row n and column k stands for
 *
 *     value(n,k) = scale[n,g] * (s * c - o)                    plain
 *     value(n,k) = scale[n,g] * (c - zero[n,g])                with zero points
 *     value(n,k) = scale[n,g] * c + min[n,g]                   with float minima
 *     value(n,k) = scale[n] * (multiplier[n,g] * (s * c - o))  progressive groups
 *     value(n,k) = scale[n] * (multiplier[n,g] * (c - zero[n,g]))
 *     value(n,k) = scale[n,g] * book[c]                        formats with a book
 *     value(n,k) = the element itself                          f32, bf16, l1f32, l1bf16
 *
 * where (s, o) are constants of the format and g = k / group. docs/formats.md has every format bit by bit. */
#ifndef LOWBIT_WEIGHTS_H_
#define LOWBIT_WEIGHTS_H_

#include "lowbit/context.h"
#include "lowbit/pool.h"
#include "lowbit/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Formats, numbered for ever: packed blobs store these numbers. */
enum {
    LOWBIT_I8 = 1,     /* codes 0..255, value c - 128 */
    LOWBIT_I4 = 2,     /* codes 0..15,  value c - 8 */
    LOWBIT_I2 = 3,     /* codes 0..3,   value c - 2 */
    LOWBIT_T2 = 4,     /* codes 0..2,   value c - 1: ternary in two bits */
    LOWBIT_B1 = 5,     /* codes 0..1,   value 2c - 1: binary */
    LOWBIT_T5 = 6,     /* codes 0..2,   value c - 1: ternary, five in a byte; tensor or row scales only */
    LOWBIT_C4 = 7,     /* codes 0..15,  value book[c]: a book of 16 int8 that comes with the weights */
    LOWBIT_BF16 = 8,   /* no codes and no scales: each element a bf16 */
    LOWBIT_F32 = 9,    /* or a float */
    LOWBIT_S2 = 10,    /* codes 0..3,   value 2c - 3: two bits without a zero */
    LOWBIT_NF4 = 11,   /* as c4 with the book of NormalFloat4, in 1/127 */
    LOWBIT_FP4 = 12,   /* as c4 with twice the values of e2m1: 0, 1, 2, 3, 4, 6, 8, 12 and their negatives */
    LOWBIT_P4 = 13,    /* as c4 with signed powers of two: 0, 1, 2, 4, ... 64 and their negatives */
    LOWBIT_L1I8 = 14,  /* as i8, for distances instead of products (lowbit/gemm.h): one scale in all, which the rows of
                          A share; LOWBIT_GROUP_ROW counts as LOWBIT_GROUP_TENSOR, and all scales must be equal */
    LOWBIT_L1F32 = 15, /* as f32 and bf16, for distances */
    LOWBIT_L1BF16 = 16
};

enum { LOWBIT_SYMMETRIC = 0, LOWBIT_ZERO_POINT = 1, LOWBIT_MINIMUM = 2 };

/* How scales and minima are stored in a packed blob. */
enum { LOWBIT_SCALE_F32 = 0, LOWBIT_SCALE_F16 = 1, LOWBIT_SCALE_BF16 = 2 };

enum { LOWBIT_GROUP_ROW = 0, LOWBIT_GROUP_TENSOR = -1 };

/* What weights are, without their numbers. */
typedef struct lowbit_weight_type {
    uint32_t struct_size;
    uint32_t format;      /* LOWBIT_I8, ... */
    uint32_t offset;      /* LOWBIT_SYMMETRIC, or LOWBIT_ZERO_POINT / LOWBIT_MINIMUM (i8, i4, i2) */
    uint32_t scale_type;  /* LOWBIT_SCALE_* */
    int32_t group;        /* codes along K that share a scale: 16 (not b1), 32, 64, 128 or a larger multiple of 32;
                             LOWBIT_GROUP_ROW = one scale a row; LOWBIT_GROUP_TENSOR = one in all */
    uint32_t progressive; /* 1 = an integer multiplier for each group, under one float scale a row. Needs a group, no
                             minima, and a format whose multipliers reach 2: at most
                             min(128 / o, 127 / (s*top - o), 255 / (s*top)) with top = 2^bits - 1, so that
                             multiplier * (s*c - o) is an int8 and multiplier * s * c a byte: i4 16, i2 64, t2 63,
                             b1 127, s2 42; with zero points 127 / top: i4 8, i2 42 */
} lowbit_weight_type;

#define LOWBIT_WEIGHT_TYPE_INIT                                                                                        \
    { sizeof(lowbit_weight_type), 0, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0 }

typedef struct lowbit_format_info {
    uint32_t struct_size;
    uint32_t format;       /* LOWBIT_I8, ... */
    const char *name;      /* "i8"; static */
    uint32_t bits;         /* of a packed code, rounded up (t5 has 1.6) */
    uint32_t codes;        /* codes are 0 .. codes - 1; 0 for formats that are not quantized */
    int32_t value_scale;   /* s */
    int32_t value_offset;  /* o */
    uint32_t offset_legal; /* 1 = zero points and minima are legal */
    uint32_t has_kernels;  /* 1 = this build multiplies it */
} lowbit_format_info;

/* Number of formats, and the description of number `index` in the order of the table. */
LOWBIT_API size_t lowbit_format_count(void);
LOWBIT_API lowbit_status lowbit_format_get(size_t index, lowbit_format_info *info, lowbit_error *error);

/* Canonical weights: one code a byte, row-major, and the scales beside it. G = ceil(K / group), 1 for row and tensor
 * scales. Progressive weights have n scales, and G multipliers a row; their zero points are codes of the format. A
 * caller may fill this struct with memory of its own (an importer does); lowbit_quantize and lowbit_unpack fill it with
 * memory of the context. Scales and minima are floats here; where `type.scale_type` is shorter, every use rounds them
 * to it (nearest even), so hold values that are already rounded if you compare. */
typedef struct lowbit_weights {
    uint32_t struct_size;
    lowbit_weight_type type;
    int64_t n, k;
    uint8_t *codes;       /* code (r, c) = codes[r * stride + c]; f32, bf16 and their distances: the floats, or their
                             upper halves (uint16_t), themselves, in memory aligned for them */
    int64_t stride;       /* elements, >= k */
    float *scales;        /* [n][G]; [1] for tensor scales, [n] for progressive groups; NULL for floats */
    uint8_t *zeros;       /* [n][G] ([1] for tensor), LOWBIT_ZERO_POINT only, else NULL */
    float *mins;          /* [n][G] ([1] for tensor), LOWBIT_MINIMUM only, else NULL */
    uint8_t *multipliers; /* [n][G], progressive groups only, else NULL */
    void *memory;         /* what lowbit_weights_free releases; NULL for memory of the caller */
    int64_t memory_bytes;
    int8_t book[16]; /* c4: the values of its codes; not read for other formats */
} lowbit_weights;

/* How codes and scales are chosen. rne = round half to even; every rule works on one scale's elements x[] at a time.
 * clamp without limits is to the codes 0 .. codes - 1. Where a scale is 0, because every element is 0 or the scale is
 * too small for scale_type, x / scale counts as 0. */
enum {
    /* What suits the type: MINMAX with an offset, else the first rule that docs/formats.md names for the format. */
    LOWBIT_RULE_AUTO = 0,
    /* scale = max|x| / q with q the largest number such that the format has the values q and -q: 127 (i8), 7 (i4),
     * 1 (i2, t2). code = h + rne((x / scale - v) / s), clamped to the codes of -q and q, where h is the least code
     * whose value v = s*h - o is not negative: o + clamp(rne(x / scale), -q, q) for s = 1. */
    LOWBIT_RULE_ABSMAX = 1,
    /* scale = x* / -o with x* the element of largest magnitude, so that it meets the code 0 exactly and all codes are
     * used (the rule of ggml's Q4_0); i8, i4, i2. The scale has the sign of -x*. */
    LOWBIT_RULE_FULL_RANGE = 2,
    /* Offset types. lo = min(0, min x), hi = max(0, max x), scale = (hi - lo) / (codes - 1);
     * zero = clamp(rne(-lo / scale)), code = clamp(rne(x / scale) + zero);
     * minima: min = min x, rounded to scale_type, scale = (max x - min) / (codes - 1),
     * code = clamp(rne((x - min) / scale)). */
    LOWBIT_RULE_MINMAX = 3,
    /* BitNet b1.58: scale = max(mean|x|, 1e-5), code = 1 + clamp(rne(x / scale), -1, 1). t2, t5. */
    LOWBIT_RULE_ABSMEAN = 4,
    /* Ternary weight networks: d = 0.7 sum|x| / count, code = 2 above d, 0 below -d, else 1;
     * scale = mean of |x| over the elements with |x| > d. t2, t5. */
    LOWBIT_RULE_TWN = 5,
    /* BWN: code = x >= 0, scale = mean|x|. b1. */
    LOWBIT_RULE_SIGN = 6,
    /* Progressive groups, which no other rule makes: the row's scale and the groups' multipliers of least squared error
     * among a few candidates. Everything is computed in double. With v(c) = s*c - o, or c - zero, step d and
     *
     *     code(x, d) = rne(clamp(x * (1 / (d*s)) + o / s)), or rne(clamp(x * (1 / d) + zero)); 1 / 0 counts as 0
     *     E(g, d)    = sum over the elements x of group g of (x - d * v(code(x, d)))^2
     *     zero       = rne((codes - 1) * -lo / (hi - lo)), lo = min(0, min x), hi = max(0, max x); 0 if hi = lo
     *     b[g]       = max|x| / max|v|, with zero points (hi - lo) / (codes - 1)
     *     d[g]       = the step of least E among 1.25 * 0.85^i * b[g], i = 0, 1, ... 15; then, twice, the step
     *                  max(0, sum x*v / sum v*v) for its codes v, if that lessens E
     *     scale      = (max of d) / (limit * i / 16), i = 20, 19, ... 9, rounded to scale_type, of least sum over g of
     *                  E(g, scale * multiplier[g])
     *     multiplier = floor(d[g] / scale) or one more, at most limit, whichever has the lesser E(g, scale * it)
     *
     * The first of equals wins everywhere, and E is added up in four sums, element j in sum j mod 4: (0 + 2) + (1 + 3).
     */
    LOWBIT_RULE_SEARCH = 7,
    /* Floats: every element as it is, or rounded to nearest even. One that overflows bf16 is refused. */
    LOWBIT_RULE_ROUND = 8,
    /* Books: scale = max|x| / max|book|, code = that of the book's value nearest to x / scale; of two equally near, or
     * equal, the lesser code. For c4 the book is the caller's own, in `weights->book` at the call; one of zeros alone
     * is refused. */
    LOWBIT_RULE_NEAREST = 9,
    /* c4: the book of least squared error for the whole matrix, in double. With m = max|x| of a scale's elements, each
     * weighs m * m in the one of 2048 equal bins of [-1, 1] that x / m falls into; the bins are split into 16 runs of
     * least sum of weight * (centre - mean of the run)^2, by dynamic programming; book = rne(127 * mean), ascending;
     * a run without elements has the value of the next one, or 127. Then scale = m / 127, and codes as NEAREST. */
    LOWBIT_RULE_KMEANS = 10,
    /* t2, t5: the ternary values of least squared error. With S_k the sum of the k largest |x|, in double in descending
     * order: scale = S_k / k for the least k of greatest S_k^2 / k; code = 1 + clamp(rne(x / scale), -1, 1). */
    LOWBIT_RULE_OPTIMAL = 11,
    /* Formats with s and o: the scale of least squared error among a few candidates. With code(x, d) and v(c) of
     * SEARCH, in double, q and x* of ABSMAX and FULL_RANGE:
     *
     *     E(d)  = sum over rows, ascending, of the sum over their elements of (x - d * v(code(x, d)))^2, added up as in
     *             SEARCH
     *     a     = max|x| / q; for i8, i4 and i2 with the sign of -x*, whose side has one value more
     *     scale = that of least E among a * (80 - i) / 80, i = 0, 1, ... 79, and for those three a * q / o;
     *             then, twice, sum x*v / sum v*v for the codes v of the best (0 / 0 counts as 0), if that lessens E;
     *             every candidate is rounded to float and to scale_type before
     *     code  = code(x, scale)
     *
     * The first of equals wins; candidates that scale_type cannot hold are none. */
    LOWBIT_RULE_MSE = 12,
    /* t2, t5: a rule that is there to be compared with ("1.58-bit" quantization after training, by the range). With
     * y = max(-128, min(127, x)), z = y - mean(y):
     *
     *     scale = (max z - min z) / 2, code = 1 + clamp(rne(z / scale), -1, 1)
     *
     * The mean is not given back, so results are off by it times the sum of A. */
    LOWBIT_RULE_RANGE = 13,
    /* BiBERT: code = x >= mean(x), scale = mean|x|, of the elements as they are. b1. The mean is not given back. */
    LOWBIT_RULE_CENTRED = 14,
    /* IR-Net's Libra parameter binarization: code = x >= mean(x), and, with w = (x - mean(x)) / std(x), the standard
     * deviation over count - 1,
     *
     *     scale = 2^rne(log2(mean|w|)), a shift; 0 where all elements are equal
     *
     * Neither mean nor standard deviation is given back: such networks normalize behind their products. b1. */
    LOWBIT_RULE_LIBRA = 15,
    /* Fixed point: scale = the least power of two with max|x| <= o * scale, code = o + clamp(rne(x / scale)), so that a
     * largest element of o * scale, whose code there is not, becomes one less. i8, i4, i2. */
    LOWBIT_RULE_FIXED = 16
};

/* Quantizes an N x K float matrix (rows are output features).
 *
 * w        every element finite, else LOWBIT_INVALID_ARGUMENT names its place
 * type     what to make; its scales are rounded to scale_type before codes are chosen with them, so that the error of
 *          rounding a scale is not added to that of rounding to codes. A scale that overflows scale_type is refused.
 * rule     LOWBIT_RULE_*; one that does not fit the format is refused
 * pool     may be NULL; rows are spread over its threads, with the same result
 * weights  receives codes, scales and a book in memory of the context: release with lowbit_weights_free. Its book is
 * read before, by LOWBIT_RULE_NEAREST of c4
 *
 * Means and the d of LOWBIT_RULE_TWN are computed in double, sums in ascending order, and rounded once. */
LOWBIT_API lowbit_status lowbit_quantize(const lowbit_ctx *ctx, const lowbit_matrix *w, const lowbit_weight_type *type,
                                         uint32_t rule, const lowbit_pool *pool, lowbit_weights *weights,
                                         lowbit_error *error);

/* values[r * stride + c] = value(r, c) as at the top of this file: (s*c - o) or (c - zero) is exact, then one
 * multiplication and, with minima, one addition, each rounded to nearest even; a multiplier multiplies the integer.
 * stride in elements, >= K. */
LOWBIT_API lowbit_status lowbit_dequantize(const lowbit_weights *weights, float *values, int64_t stride,
                                           lowbit_error *error);

/* Releases memory of lowbit_quantize or lowbit_unpack and zeroes the pointers. Harmless for others, and twice. */
LOWBIT_API void lowbit_weights_free(const lowbit_ctx *ctx, lowbit_weights *weights);

/* Bytes of the packed blob of an n x k matrix. The blob is the same for every CPU, kernel and M. */
LOWBIT_API lowbit_status lowbit_packed_size(const lowbit_weight_type *type, int64_t n, int64_t k, int64_t *bytes,
                                            lowbit_error *error);

/* Packs canonical weights into `blob` (64-byte aligned, `size` >= lowbit_packed_size bytes, no overlap with the
 * weights). Reads every code and multiplier and refuses one that the format does not have. pool may be NULL; the bytes
 * do not depend on it. On an error the blob's contents are undefined, and lowbit_packed_open refuses them. */
LOWBIT_API lowbit_status lowbit_pack(const lowbit_ctx *ctx, const lowbit_weights *weights, void *blob, int64_t size,
                                     const lowbit_pool *pool, lowbit_error *error);

/* A validated view of a blob: no copy is made, so the memory (which may be a read-only file mapping shared by
 * processes) must outlive it. Read the fields, do not write them. */
typedef struct lowbit_packed {
    uint32_t struct_size;
    lowbit_weight_type type; /* group is LOWBIT_GROUP_ROW for tensor scales too: the blob repeats them */
    int64_t n, k;
    int64_t groups;             /* G */
    int64_t bytes;              /* of the whole blob */
    const uint8_t *lines;       /* [ceil(n/16)][lines][64] */
    int64_t panel_lines;        /* L: k of a row over those of a line */
    const void *scales;         /* [ceil(n/16)][G][16] of type.scale_type; progressive groups: [ceil(n/16)][16]; NULL
                                   for floats */
    const uint8_t *zeros;       /* [ceil(n/16)][G][16], or NULL */
    const void *mins;           /* the same shape, of type.scale_type, or NULL */
    const uint8_t *multipliers; /* the same shape, or NULL */
    const int8_t *book;         /* [16] of c4 and the formats with a book of their own, or NULL */
} lowbit_packed;

enum {
    LOWBIT_OPEN_VERIFY = 1 /* also check the checksum of the payload: reads the whole blob */
};

/* Opens a blob of at least its stated size, 64-byte aligned. The header's checksum and every field are always checked,
 * and so are all multipliers of progressive groups and their zero points; the payload's checksum with
 * LOWBIT_OPEN_VERIFY. Returns LOWBIT_BAD_FORMAT with the field that is wrong. */
LOWBIT_API lowbit_status lowbit_packed_open(const void *blob, int64_t size, uint32_t flags, lowbit_packed *packed,
                                            lowbit_error *error);

/* The reverse of lowbit_pack: canonical weights in memory of the context. Bit-exact. */
LOWBIT_API lowbit_status lowbit_unpack(const lowbit_ctx *ctx, const lowbit_packed *packed, lowbit_weights *weights,
                                       lowbit_error *error);

/* Packed weights copied into the memory of each NUMA node whose CPUs the context may use. A run that is given them
 * (`replicas` of lowbit_gemm_args) reads, in each of its tasks, the copy of the node that the task runs on, whichever
 * thread and pool that is; the result is the same bits. Immutable: they may serve any number of runs at once. */
typedef struct lowbit_replicas lowbit_replicas;

/* Makes the copies. On a machine of one such node there is nothing to copy: runs then read `packed`.
 *
 * ctx       memory of the copies, packed->bytes for each node, and whose machine it is
 * packed    must outlive the replicas, as must its memory
 * replicas  receives them; release with lowbit_replicas_destroy
 *
 * Memory belongs to the node that touches it first. So each copy is written by a thread of its own, which is bound to
 * the CPUs of the node and joined before the call returns. This works as far as the allocator hands out fresh memory,
 * which the default one does for blocks that are large. A node to which no thread can be bound is reported through the
 * logger; its copy may then lie anywhere. LOWBIT_SYSTEM: a thread cannot be created. */
LOWBIT_API lowbit_status lowbit_replicate(const lowbit_ctx *ctx, const lowbit_packed *packed,
                                          lowbit_replicas **replicas, lowbit_error *error);

/* Bytes of all copies; 0 where there was nothing to copy. */
LOWBIT_API int64_t lowbit_replicas_bytes(const lowbit_replicas *replicas);

/* Frees the copies. NULL is a no-op. ctx: the one that they were made with. */
LOWBIT_API void lowbit_replicas_destroy(const lowbit_ctx *ctx, lowbit_replicas *replicas);

#ifdef __cplusplus
}
#endif
#endif
