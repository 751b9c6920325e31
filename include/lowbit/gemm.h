/* SPDX-License-Identifier: Apache-2.0 */
/* The product: problem, plan, run.
 *
 *     y[m,n] = act(((t[m,n] * as[m]) + bias[n]) + residual[m,n])
 *     t[m,n] = sum over groups g ascending of f32(dot_g[m,n]) * scale[n,g]        (+ f32(asum_g[m]) * min[n,g])
 *     dot_g  = sum over k in g of a[m,k] * (s*c[n,k] - o)                         exact integer
 *     t[m,n] = f32(sum over g of multiplier[n,g] * dot_g[m,n]) * scale[n]         progressive groups, exact inside
 * f32()
 *     dot_g  = -sum over k of |a[m,k] - v[n,k]|                                    l1i8: distances, as[m] = 1
 *
 *     t[m,n] = sum over k of a[m,k] * value(n,k)                                   af, af32: a stays float, as[m] = 1
 *     t[m,n] = -sum over k of |a[m,k] - value(n,k)|                                l1f32, l1bf16 with those
 *
 * a = the rows of A quantized to int8: row by row (as[m] = absmax / 127), or all by one scale given ahead, then with a
 * zero point z, for which dot_g counts a - z; for distances by the one scale of the weights, which counts once. Every
 * float operation rounds once, to nearest even, in the order written: the result is the same bits for every instruction
 * set, kernel, tile, thread count and M. Float activations alone are outside of that: within a bound, and the same bits
 * of one kernel. docs/numerics.md is the law; lowbit_gemm_reference is written from it. A call that the law does not
 * cover: a NaN in the result may have any payload. */
#ifndef LOWBIT_GEMM_H_
#define LOWBIT_GEMM_H_

#include "lowbit/context.h"
#include "lowbit/pool.h"
#include "lowbit/types.h"
#include "lowbit/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What is to be computed ---------------------------------------------------------------------------------- */

/* How A enters. */
enum {
    LOWBIT_A8 = 1,  /* int8, quantized from float row by row at run time */
    LOWBIT_A4 = 2,  /* the same with codes of 4 bits: -7..7, static ones -8..7 */
    LOWBIT_A2 = 3,  /* 2 bits: -1..1, static ones -2..1 */
    LOWBIT_A1 = 4,  /* signs: x < 0 ? -1 : 1, as[m] = 1 */
    LOWBIT_U1 = 5,  /* bits: x > 0 ? 1 : 0, as[m] = 1 */
    LOWBIT_AF = 6,  /* float: nothing is quantized but the weights. Where that is faster, a kernel may round A to fixed
                       point of 24 bits, of which the row's largest element has 23 or 24 (`digits`), or A, and weights
                       but those of f32, to bf16 (`tilebf16`, `fmabf16`); lowbit_plan_describe names the kernel */
    LOWBIT_AF32 = 7 /* the same without that liberty: every product is one of binary32 */
};

enum {
    LOWBIT_OUT_F32 = 0,
    LOWBIT_OUT_S32 = 1, /* the integer sum itself (row or tensor scales, or progressive groups): no scales, bias,
                           activation or residual */
    LOWBIT_OUT_S8 = 2,  /* codes of 8 bits, made as lowbit_requant says */
    LOWBIT_OUT_U8 = 3
};

enum {
    LOWBIT_ACT_NONE = 0,
    LOWBIT_ACT_RELU = 1, /* x > 0 ? x : 0, so a NaN becomes 0 */
    LOWBIT_ACT_GELU = 2, /* x (1 + erf(x / sqrt 2)) / 2; this and those below keep a NaN, and give 0 for -infinity */
    LOWBIT_ACT_GELU_TANH = 3, /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    LOWBIT_ACT_SILU = 4       /* x / (1 + exp(-x)) */
};

enum { LOWBIT_MAX_K = 131071 };

typedef struct lowbit_problem {
    uint32_t struct_size;
    lowbit_weight_type weights; /* group: LOWBIT_GROUP_TENSOR counts as LOWBIT_GROUP_ROW */
    uint32_t activations;       /* LOWBIT_A8, ... */
    uint32_t static_scale;      /* 1 = one scale and zero point of A, given with the arguments of the run */
    uint32_t out;               /* LOWBIT_OUT_* */
    uint32_t bias;              /* 1 = a bias is added */
    uint32_t act;               /* LOWBIT_ACT_* */
    uint32_t residual;          /* 1 = a residual is added */
    int64_t m, n, k;            /* m: rows of A that the plan is made for; a run may have fewer */
} lowbit_problem;

/* Reads a problem string. The grammar, fixed:
 *
 *     problem = FORMAT ["z" | "m"] ["g" GROUP ["p"]] [":f32" | ":f16" | ":bf16"] ACT ["s"] ":m" M "n" N "k" K
 *               [":f32" | ":s32" | ":s8" | ":u8"] ["+bias"] ["+relu" | "+gelu" | "+gelu_tanh" | "+silu"] ["+res"]
 *     FORMAT  = the name of a format, as lowbit_format_get tells it: i8, i4, ... (docs/formats.md)
 *     ACT     = a8 | a4 | a2 | a1 | u1 | af | af32
 *
 * z = zero points, m = minima, p = progressive scales, the first colon part = type of the scales (default: f16 for
 * groups, else f32), s = static activations. "i4g32a8:m1n4096k4096+bias". A string that parses need not have a kernel:
 * lowbit_supported says. Returns LOWBIT_BAD_FORMAT with the position of the first word that does not fit. */
LOWBIT_API lowbit_status lowbit_problem_parse(const char *text, lowbit_problem *problem, lowbit_error *error);

/* Writes the shortest string that parses to the problem, at most `size` bytes with the terminating zero; 96 suffice.
 * Tensor scales print as row scales. A problem that no string means is refused. */
LOWBIT_API lowbit_status lowbit_problem_print(const lowbit_problem *problem, char *text, size_t size,
                                              lowbit_error *error);

/* LOWBIT_OK if lowbit_plan_create can make a plan here, else the status and reason that it would give. */
LOWBIT_API lowbit_status lowbit_supported(const lowbit_ctx *ctx, const lowbit_problem *problem, lowbit_error *error);

/* ---- Kernels -------------------------------------------------------------------------------------------------- */

typedef struct lowbit_kernel_info {
    uint32_t struct_size;
    char name[48];    /* "w4.dot.12x32.avx512vnni": coding of W, algorithm, rows x columns of a tile, level */
    uint32_t isa;     /* LOWBIT_ISA_* */
    uint32_t width;   /* bits of an element of W, rounded up */
    uint32_t mr, nr;  /* rows and columns of a tile */
    uint32_t enabled; /* 1 = its level is enabled in the context */
} lowbit_kernel_info;

/* The kernel table of this build: `index` from 0 to lowbit_kernel_count() - 1, scalar kernels first. */
LOWBIT_API size_t lowbit_kernel_count(void);
LOWBIT_API lowbit_status lowbit_kernel_get(const lowbit_ctx *ctx, size_t index, lowbit_kernel_info *info,
                                           lowbit_error *error);

/* ---- Plans ---------------------------------------------------------------------------------------------------- */

/* A problem, and a decision (kernel, blocks, thread count) for every M up to its own. Immutable: any number of threads
 * may run it at once. M is cut into buckets, 1, 2-4, 5-16, 17-64, 65 and more, of one decision each; where wisdom holds
 * several decisions for one bucket, the one whose M is nearest (as a ratio) is taken, so that a bucket ends where
 * tuning has found a crossover. */
typedef struct lowbit_plan lowbit_plan;

/* How much the decisions of a plan may cost: FFTW's words. */
enum {
    LOWBIT_ESTIMATE = 0,   /* nothing is timed: a cost model chooses */
    LOWBIT_MEASURE = 1,    /* the best few candidates of the model are timed, and the neighbours of the winner */
    LOWBIT_PATIENT = 2,    /* more of both, also those that the model thinks little of */
    LOWBIT_EXHAUSTIVE = 3, /* every kernel, and all blocks of the good ones */
    LOWBIT_WISDOM_ONLY = 4 /* nothing is chosen: wisdom has the decision for the problem's M, or LOWBIT_NOT_FOUND */
};

/* What tuning is doing. */
typedef struct lowbit_progress {
    uint32_t struct_size;
    const lowbit_problem *problem; /* being tuned */
    size_t index, count;           /* it is number `index`, from 0, of `count` */
    const char *kernel;            /* being timed, "" = none yet; valid during the call */
    uint32_t threads;              /* that it uses */
    size_t candidates;             /* that are still in the race */
    double elapsed_s, left_s;      /* since the beginning, and at most to the end */
} lowbit_progress;

/* Called about every 50 ms, on the thread that tunes. Returns 0 to go on. Anything else stops: what was decided so far
 * is in the wisdom. */
typedef int (*lowbit_progress_fn)(void *user, const lowbit_progress *progress);

struct lowbit_wisdom; /* lowbit/wisdom.h */

typedef struct lowbit_plan_options {
    uint32_t struct_size;
    uint32_t threads;             /* workers of the pool that will run the plan; 0 = those of `pool`, 1 without it */
    uint32_t effort;              /* LOWBIT_ESTIMATE, ... Wisdom that has the decision at this effort or a greater one
                                     saves the measuring */
    struct lowbit_wisdom *wisdom; /* asked first, then told; of this context's levels. NULL = none */
    const lowbit_pool *pool;      /* that products are timed on; not used by ESTIMATE and WISDOM_ONLY, may be NULL with
                                     one thread */
    double budget_s;              /* seconds for a problem; 0 = 1 for MEASURE, 5 for PATIENT, 60 for EXHAUSTIVE */
    lowbit_progress_fn progress;  /* or NULL */
    void *progress_user;
    uint32_t buckets; /* 0 = the problem's own M is timed. 1 = the ends of all smaller buckets too, and, where two
                         neighbours end with different kernels, M between them until it is known to a quarter where one
                         overtakes the other. Each of them takes a budget of its own */
} lowbit_plan_options;

#define LOWBIT_PLAN_OPTIONS_INIT                                                                                       \
    { sizeof(lowbit_plan_options), 0, LOWBIT_ESTIMATE, NULL, NULL, 0, NULL, NULL, 0 }

/* Makes a plan.
 *
 * options  NULL = by estimate, for one thread
 *
 * Wisdom answers for every bucket that it knows; the estimate, with the rates of this machine if the wisdom has them,
 * for the others. With MEASURE and more, the problem's own M (`buckets`: and smaller ones) is timed first, on random
 * numbers in memory of the context (some hundred MiB), and nothing else may run on the machine meanwhile if the result
 * shall be any good.
 *
 * LOWBIT_UNSUPPORTED: no kernel. LOWBIT_NOT_FOUND: by WISDOM_ONLY. LOWBIT_CANCELLED: by `progress`; there is no plan.
 */
LOWBIT_API lowbit_status lowbit_plan_create(const lowbit_ctx *ctx, const lowbit_problem *problem,
                                            const lowbit_plan_options *options, lowbit_plan **plan,
                                            lowbit_error *error);

/* The same with one kernel, named as lowbit_kernel_get prints it, for every M. LOWBIT_ISA_MISSING where the context
 * does not enable its level, LOWBIT_UNSUPPORTED where it does not read the problem's code width. */
LOWBIT_API lowbit_status lowbit_plan_force(const lowbit_ctx *ctx, const lowbit_problem *problem, const char *kernel,
                                           uint32_t threads, lowbit_plan **plan, lowbit_error *error);

/* Frees a plan. NULL is a no-op. ctx: the one that it was made with. */
LOWBIT_API void lowbit_plan_destroy(const lowbit_ctx *ctx, lowbit_plan *plan);

typedef struct lowbit_plan_info {
    uint32_t struct_size;
    char kernel[48];    /* its name */
    const char *isa;    /* name of its level; static */
    const char *source; /* where the decision comes from: "estimate", "wisdom", "nearby" (wisdom of a problem alike),
                           "measured" or "forced"; static */
    uint32_t threads;   /* workers that the run uses at most */
    uint32_t mr, nr;    /* rows and columns of a tile */
} lowbit_plan_info;

/* What the plan does for m rows. */
LOWBIT_API lowbit_status lowbit_plan_describe(const lowbit_plan *plan, int64_t m, lowbit_plan_info *info,
                                              lowbit_error *error);

/* ---- Rows of A ------------------------------------------------------------------------------------------------ */

/* Quantized rows: a view of the caller's memory. One product of lowbit_quantize_rows serves every plan with the same K
 * and the same group (Q, K and V of an attention layer, say). */
typedef struct lowbit_rows {
    uint32_t struct_size;
    int64_t m, k;
    int64_t group;        /* of `sums`; LOWBIT_GROUP_ROW = one sum a row */
    int64_t groups;       /* G */
    int64_t stride;       /* bytes from a row of codes to the next: a multiple of 64, zero from k on; with t5 at least
                             ceil(k / 20) * 20 */
    const int8_t *codes;  /* [m][stride], any int8 */
    const float *scales;  /* [m] */
    const int32_t *sums;  /* [m][G]: sum of the codes of each group */
    int32_t zero;         /* the code of 0, -128..127; 0 but for static rows */
    uint32_t activations; /* LOWBIT_A8, ... LOWBIT_U1: what the codes are; a8 if struct_size ends before */
} lowbit_rows;

/* Bytes that lowbit_quantize_rows needs for m rows of k columns. */
LOWBIT_API lowbit_status lowbit_rows_size(int64_t m, int64_t k, int64_t group, int64_t *bytes, lowbit_error *error);

/* Quantizes float rows: scale = max|x| / 127, code = clamp(rne(x * (127 / max|x|)), -127, 127); a row whose max|x| is
 * below 2^-100 gets scale 0 and codes 0; a row with a NaN or an infinity gets scale NaN and codes 0.
 *
 * a       m x k floats
 * group   that of the weights (LOWBIT_GROUP_ROW, or a multiple of 16): sums are kept per group
 * memory  64-byte aligned, `size` >= lowbit_rows_size bytes; `rows` points into it
 * pool    may be NULL */
LOWBIT_API lowbit_status lowbit_quantize_rows(const lowbit_ctx *ctx, const lowbit_matrix *a, int64_t group,
                                              void *memory, int64_t size, const lowbit_pool *pool, lowbit_rows *rows,
                                              lowbit_error *error);

/* Quantizes float rows by one scale that is known ahead (static activations):
 *
 *     code = clamp(rne(x * (1 / scale)) + zero, -128, 127)        so x stands for scale * (code - zero)
 *
 * scale  2^-126 or more, finite     zero  -128..127, the code of 0
 *
 * Values out of range, infinities too, become the nearest code. A NaN gets the code of 0 and makes the scale of its row
 * NaN, with which f32 outputs of the row are NaN. All else as lowbit_quantize_rows; rows->zero is set. */
LOWBIT_API lowbit_status lowbit_quantize_rows_static(const lowbit_ctx *ctx, const lowbit_matrix *a, int64_t group,
                                                     float scale, int32_t zero, void *memory, int64_t size,
                                                     const lowbit_pool *pool, lowbit_rows *rows, lowbit_error *error);

/* What lowbit_quantize_rows_with makes. */
typedef struct lowbit_row_options {
    uint32_t struct_size;
    uint32_t activations;  /* LOWBIT_A8, A4, A2: as above with 127, 7 or 1 for the greatest code of absmax, and static
                              codes -128..127, -8..7 or -2..1; LOWBIT_A1: x < 0 ? -1 : 1; LOWBIT_U1: x > 0 ? 1 : 0. Signs
                              and bits have scale 1; a NaN makes that of its row NaN */
    uint32_t static_scale; /* 1 = by `scale` and `zero`; not for signs and bits */
    float scale;
    int32_t zero;
    int64_t group; /* of the sums, as in lowbit_quantize_rows */
} lowbit_row_options;

/* The general form of the two functions above. */
LOWBIT_API lowbit_status lowbit_quantize_rows_with(const lowbit_ctx *ctx, const lowbit_matrix *a,
                                                   const lowbit_row_options *options, void *memory, int64_t size,
                                                   const lowbit_pool *pool, lowbit_rows *rows, lowbit_error *error);

/* Bytes that lowbit_column_sums needs: 4 * 16 * ceil(n / 16) * G. */
LOWBIT_API lowbit_status lowbit_column_sums_size(const lowbit_packed *weights, int64_t *bytes, lowbit_error *error);

/* Sums of the columns of packed weights (the rows of W), by which a product takes the zero point of A out again:
 *
 *     sums[(n / 16 * G + g) * 16 + n % 16] = sum over k in g of (s*c - o), or (c - zero), or with minima c
 *     dot_g = sum a * (s*c - o) - z * sums                          = sum (a - z) * (s*c - o)
 *
 * Exact. They depend on the weights alone: compute them once, keep them beside the blob, share them between threads.
 * pool may be NULL. */
LOWBIT_API lowbit_status lowbit_column_sums(const lowbit_packed *weights, int32_t *sums, int64_t size,
                                            const lowbit_pool *pool, lowbit_error *error);

/* ---- Run ------------------------------------------------------------------------------------------------------ */

/* How the integer form rounds (lowbit_requant). They differ by one code, rarely. */
enum {
    LOWBIT_ROUND_SINGLE = 0, /* once, half up: ruy and newer TensorFlow Lite */
    LOWBIT_ROUND_DOUBLE = 1, /* twice, the second half away from 0: gemmlowp and older TensorFlow Lite */
    LOWBIT_ROUND_FLOAT = 2   /* a product in binary32, half to even, as oneDNN, ONNX Runtime, XNNPACK: the fastest */
};

/* How results become s8 or u8 codes, q standing for scale * (q - zero). One of two forms:
 *
 * Float form, `multipliers` NULL, for every problem: y as for the f32 output, with args->bias, the activation function
 * and args->residual, then
 *
 *     q = clamp(rne(y * (1 / scale)) + zero, low, high)           a NaN counts as 0
 *
 * Integer form, `multipliers` given, for static activations, one scale a row (or tensor), no minima, and no activation
 * function but ReLU, which is low = min(max(low, zero), high). The scales of A and of the weights are in the
 * multipliers (lowbit_requant_multipliers), and but for LOWBIT_ROUND_FLOAT no float is touched:
 *
 *     q = clamp(zero + R(dot + bias[n], multipliers[n], shifts[n]), low, high)
 *     R(x, m, e) = clamp(round(x * m * 2^(e - 31)), -2^29, 2^29)  dot + bias modulo 2^32
 *
 * LOWBIT_ROUND_SINGLE: round(v) = floor(v + 1/2). LOWBIT_ROUND_DOUBLE: for e < 0, h = floor(x * m / 2^31 + 1/2), then
 * h / 2^-e to nearest, half away from 0; else the same as SINGLE. With a residual, both are brought to 2^-16 of a step
 * of the output, added, and rounded together:
 *
 *     q = clamp(zero + floor((R(dot + bias[n], multipliers[n], shifts[n] + 16)
 *                             + R(residual[m,n] - residual_zero, residual_multiplier, residual_shift + 16)) / 2^16 +
 * 1/2), low, high)
 *
 * LOWBIT_ROUND_FLOAT reads the same multipliers as floats, and each operation rounds to nearest even:
 *
 *     q = clamp(zero + rne(f32(dot + bias[n]) * s(multipliers[n], shifts[n])), low, high)
 *     s(m, e) = f32(m) * 2^(e - 31)
 *
 * with a residual, rne(f32(dot + bias[n]) * s(multipliers[n], shifts[n])
 *                      + f32(residual[m,n] - residual_zero) * s(residual_multiplier, residual_shift)).
 *
 * Legal are multipliers of 0 and of magnitude 2^30 to 2^31 - 1, and shifts from -31 to 30, with a residual to 14. All
 * arrays are of the caller and are only read; a struct may serve any number of runs at once. */
typedef struct lowbit_requant {
    uint32_t struct_size;
    int32_t zero;               /* code of 0; -128..127 for s8, 0..255 for u8 */
    int32_t low, high;          /* least and greatest code, of the same range: narrower for a fused ReLU6 */
    float scale;                /* float form: 2^-126 or more, finite */
    uint32_t rounding;          /* integer form, as all below: LOWBIT_ROUND_* */
    const int32_t *multipliers; /* [n] */
    const int32_t *shifts;      /* [n] */
    const int32_t *bias;        /* [n], in units of scale of A * scale of row n; exactly where the problem has a bias,
                                   args->bias being NULL then */
    const void *residual;       /* [m][residual_stride] codes of the output's type; exactly where the problem has a
                                   residual, args->residual being NULL then. May be args->out */
    int64_t residual_stride;    /* elements, >= n */
    int32_t residual_zero;      /* code of 0 */
    int32_t residual_multiplier, residual_shift; /* of scale of the residual / scale of the output */
} lowbit_requant;

/* multipliers[i] * 2^(shifts[i] - 31) for a_scale * w_scales[i] / out_scale, computed in double and rounded half to
 * even: of magnitude 2^30 to 2^31 - 1, or 0 with shift 0 where the quotient is below 2^-32. a_scale = scale of A,
 * w_scales[n] = scale of row n of the weights as packed (rounded to its type). For a residual: a_scale = its scale,
 * w_scales = {1}, n = 1. Refuses quotients that are not finite or reach 2^30. */
LOWBIT_API lowbit_status lowbit_requant_multipliers(float a_scale, const float *w_scales, int64_t n, float out_scale,
                                                    int32_t *multipliers, int32_t *shifts, lowbit_error *error);

typedef struct lowbit_gemm_args {
    uint32_t struct_size;
    const lowbit_packed *weights; /* of the plan's type, n and k */
    lowbit_matrix a;         /* m x k floats, 1 <= m <= the plan's m; data NULL where `rows` or `a_bf16` is given */
    const lowbit_rows *rows; /* rows that are quantized already, or NULL */
    const float *bias;       /* [n]; exactly where the problem has a bias */
    const float *residual;   /* [m][residual_stride]; exactly where the problem has a residual. May be `out` */
    int64_t residual_stride; /* elements, >= n */
    void *out;               /* [m][out_stride] float, int32_t, int8_t or uint8_t; overlaps no other input */
    int64_t out_stride;      /* elements, >= n */
    /* Static activations; not read by other problems, nor missed if struct_size ends before them: */
    float a_scale;              /* a step of the codes: 2^-126 or more, finite. Not read where `rows` is given, */
    int32_t a_zero;             /* the code of 0, -128..127: those of the rows count then */
    const int32_t *column_sums; /* lowbit_column_sums of the weights; may be NULL where the zero point is 0 */
    /* s8 and u8 outputs: */
    const lowbit_requant *requant;
    /* Float activations (af, af32) that are bf16, the upper halves of floats: a's rows, columns and stride are theirs,
     * its data is NULL. Else NULL. */
    const uint16_t *a_bf16;
    /* lowbit_replicate of these weights, to be read in their place; NULL = none, or if struct_size ends before. */
    const lowbit_replicas *replicas;
} lowbit_gemm_args;

/* Scratch bytes of a run with m rows (or fewer). The same for any number of threads. */
LOWBIT_API lowbit_status lowbit_workspace_size(const lowbit_plan *plan, int64_t m, int64_t *bytes, lowbit_error *error);

/* Computes the product.
 *
 * workspace  64-byte aligned, `workspace_size` >= lowbit_workspace_size bytes, used by one run at a time
 * pool       whose threads take part; NULL = the calling thread alone
 *
 * Allocates nothing and takes no lock; with one thread it makes no system call. Everything is checked before anything
 * is written. */
LOWBIT_API lowbit_status lowbit_gemm(const lowbit_plan *plan, const lowbit_gemm_args *args, void *workspace,
                                     int64_t workspace_size, const lowbit_pool *pool, lowbit_error *error);

/* For engines that schedule themselves: lowbit_gemm is
 *
 *     lowbit_gemm_prepare(plan, args, workspace, ...);
 *     for (m0 = 0; m0 < m; m0 += step_m)
 *         for (n0 = 0; n0 < n; n0 += step_n)
 *             lowbit_gemm_tile(plan, args, workspace, ..., m0, min(m, m0 + step_m), n0, min(n, n0 + step_n), ...);
 *
 * where the tiles may run in any order on any threads at once, with the steps of lowbit_gemm_steps or multiples. */
LOWBIT_API lowbit_status lowbit_gemm_steps(const lowbit_plan *plan, int64_t m, int64_t *step_m, int64_t *step_n,
                                           lowbit_error *error);

/* Quantizes and arranges the rows of A in the workspace, once for all tiles, and checks every multiplier and shift of
 * an integer form, which lowbit_gemm_tile trusts. */
LOWBIT_API lowbit_status lowbit_gemm_prepare(const lowbit_plan *plan, const lowbit_gemm_args *args, void *workspace,
                                             int64_t workspace_size, const lowbit_pool *pool, lowbit_error *error);

/* Computes out[m0..m1)[n0..n1) on the calling thread. m0 and n0 are multiples of the steps; so are m1 and n1, unless
 * they are m and n. The workspace is only read. */
LOWBIT_API lowbit_status lowbit_gemm_tile(const lowbit_plan *plan, const lowbit_gemm_args *args, const void *workspace,
                                          int64_t workspace_size, int64_t m0, int64_t m1, int64_t n0, int64_t n1,
                                          lowbit_error *error);

/* The specification: three plain loops over canonical weights and float rows, in the order of the formula at the top.
 * Slow. `args->weights` is ignored, `args->a` is required, rows are quantized inside. Allocates one row from ctx. */
LOWBIT_API lowbit_status lowbit_gemm_reference(const lowbit_ctx *ctx, const lowbit_problem *problem,
                                               const lowbit_weights *weights, const lowbit_gemm_args *args,
                                               lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
