/* SPDX-License-Identifier: Apache-2.0 */
/* Random problems for tests: weights filled with chosen kinds of data, packed, with inputs of the problem's shape. */
#ifndef LOWBIT_TESTS_PROBLEMS_H_
#define LOWBIT_TESTS_PROBLEMS_H_

#include <stdbool.h>

#include "kernels/gemm.h"
#include "lowbit/lowbit.h"

/* What the codes and the activations are made of. */
enum { DATA_RANDOM, DATA_EXTREME, DATA_CONSTANT, DATA_KINDS };

typedef struct sample {
    lowbit_problem problem;
    lowbit_weights weights;
    void *blob;
    int64_t blob_bytes;
    lowbit_packed packed;
    float *a, *bias, *residual;
    int64_t a_stride, residual_stride;
    float a_scale; /* of static activations: codes of all sizes, and some beyond the range */
    int32_t a_zero, *column_sums;
    lowbit_requant requant; /* of s8 and u8 outputs: in the integer form where it is legal, every second time */
    int64_t out_gap;        /* elements between the rows of the output in sample_check_kernels: 1 */
} sample;

/* Gives requant the integer form: random multipliers, shifts, bias and residual. */
void sample_integer_form(sample *s);

/* Bytes of an element of the output. */
int64_t sample_out_bytes(const sample *s);

/* A legal multiplier of either sign or 0. */
int32_t random_multiplier(void);

/* Fills codes, scales, zero points and minima; scales and minima are values of their type. */
void weights_fill(lowbit_weights *weights, int data);

/* Parses the problem and makes everything; buffers end at guard pages, freed by check_guard_free_all. */
sample sample_make(const lowbit_ctx *ctx, const char *problem, int data);
void sample_free(const lowbit_ctx *ctx, sample *s);

/* Arguments of a run on the sample, with the given output. */
lowbit_gemm_args sample_args(const sample *s, void *out, int64_t out_stride);

/* The reference's result in guarded memory, row stride N; of float activations an lb_float_result each. */
void *sample_reference(const lowbit_ctx *ctx, const sample *s);

/* The same of float activations for kernels that make LB_FACTORS_* of them, and what a kernel makes. */
void *sample_float_reference(const sample *s, uint32_t factors);
uint32_t sample_factors(const char *kernel);

/* Compares an output of row stride `stride` with the reference, bit for bit; of float activations, within the bound. */
bool sample_check(const sample *s, const void *got, int64_t stride, const void *want);

/* A context of these levels (0 = all) and else the defaults; a failed check where there is none. */
lowbit_ctx *context_with(uint32_t isa_mask);

/* Every enabled kernel of the problem's width against the reference; `name` is for the report. */
void sample_check_kernels(const lowbit_ctx *ctx, const sample *s, const char *name);

/* What a plan of so many threads would do for m rows, by estimate. */
lb_gemm_config sample_config(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, uint32_t threads);

#endif
