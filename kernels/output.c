/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/output.h"

#include <string.h>

/* An output that no cache would hold until somebody reads it, in whole and aligned lines. Elsewhere than on x86 there
 * are no such stores. */
static bool streams(const lb_gemm_call *call, const lb_output *o) {
#if defined(__x86_64__)
    const int64_t bytes = call->m * call->problem->n * o->out_bytes;
    return call->config.stream_bytes > 0 && bytes > call->config.stream_bytes && o->out_bytes == 4 &&
           call->config.kernel->nr % LB_PANEL == 0 && (uintptr_t)o->out % LB_LINE == 0 && o->out_stride % LB_PANEL == 0;
#else
    (void)call;
    (void)o;
    return false;
#endif
}

static lb_requant resolve(const lowbit_requant *q, uint32_t act) {
    lb_requant r = {.zero = q->zero, .low = q->low, .high = q->high};
    if (!q->multipliers) {
        r.reciprocal = 1.0f / q->scale;
        return r;
    }
    r.rounding = q->rounding;
    if (act == LOWBIT_ACT_RELU) r.low = (int32_t)lb_min(lb_max(r.low, r.zero), r.high);
    r.residual_zero = q->residual_zero;
    r.residual_multiplier = q->residual_multiplier;
    r.residual_shift = q->residual_shift;
    return r;
}

/* Bias, residual and columns of the integer form. */
static void take_integer_form(const lowbit_requant *q, lb_output *o) {
    o->bias = (const uint8_t *)q->bias;
    o->residual = q->residual;
    o->residual_stride = q->residual_stride;
    o->residual_bytes = 1;
    o->multipliers = q->multipliers;
    o->shifts = q->shifts;
}

void lb_output_begin(const lb_gemm_call *call, lb_output *o, lb_tile *tile) {
    const lowbit_gemm_args *args = call->args;
    *o = (lb_output){.bias = (const uint8_t *)args->bias,
                     .residual = (const uint8_t *)args->residual,
                     .out = args->out,
                     .residual_stride = args->residual_stride,
                     .residual_bytes = 4,
                     .out_stride = args->out_stride,
                     .out_bytes = lb_out_bytes(call->problem)};
    if (o->out_bytes == 1) {
        o->requant = resolve(args->requant, call->problem->act);
        if (args->requant->multipliers) take_integer_form(args->requant, o);
    }
    o->stream = streams(call, o);
    tile->column_sums = call->rule.zero ? args->column_sums : NULL;
    tile->a_zero = call->rule.zero;
    tile->out_kind = call->problem->out;
    tile->act = call->problem->act;
    tile->requant = o->out_bytes == 1 ? &o->requant : NULL;
}

static void run_inner(const lb_output *o, const lb_kernel *kernel, lb_tile *tile, int64_t m, int64_t n) {
    tile->bias = o->bias ? o->bias + n * 4 : NULL;
    tile->residual = o->residual ? o->residual + (m * o->residual_stride + n) * o->residual_bytes : NULL;
    tile->residual_stride = (size_t)o->residual_stride;
    tile->multipliers = o->multipliers ? o->multipliers + n : NULL;
    tile->shifts = o->shifts ? o->shifts + n : NULL;
    tile->out = o->out + (m * o->out_stride + n) * o->out_bytes;
    tile->out_stride = (size_t)o->out_stride;
    tile->stream = o->stream;
    kernel->run(tile);
}

/* Rows of elements of `bytes`, strides in elements. */
static void copy_rows(uint8_t *to, int64_t to_stride, const uint8_t *from, int64_t from_stride, int64_t bytes,
                      int64_t rows, int64_t cols) {
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * to_stride * bytes, from + i * from_stride * bytes, (size_t)(cols * bytes));
}

/* `cols` of an array with an element for each column, and zeros behind; NULL stays NULL. */
static const int32_t *copy_columns(int32_t *to, const void *from, int64_t n, int64_t cols) {
    if (!from) return NULL;
    memset(to, 0, LB_TILE_COLUMNS * sizeof *to);
    memcpy(to, (const uint8_t *)from + n * (int64_t)sizeof *to, (size_t)cols * sizeof *to);
    return to;
}

static void run_edge(const lb_output *o, const lb_kernel *kernel, lb_tile *tile, lb_edge *edge, int64_t m, int64_t n,
                     int64_t rows, int64_t cols) {
    const int64_t nr = kernel->nr;
    if (tile->finish) {
        tile->bias = copy_columns(edge->bias, o->bias, n, cols);
        tile->multipliers = copy_columns(edge->multipliers, o->multipliers, n, cols);
        tile->shifts = copy_columns(edge->shifts, o->shifts, n, cols);
        if (o->residual) {
            memset(edge->residual, 0, (size_t)(kernel->mr * nr * o->residual_bytes));
            copy_rows(edge->residual, nr, o->residual + (m * o->residual_stride + n) * o->residual_bytes,
                      o->residual_stride, o->residual_bytes, rows, cols);
        }
    }
    tile->residual = o->residual ? edge->residual : NULL;
    tile->residual_stride = (size_t)nr;
    tile->out = edge->out;
    tile->out_stride = (size_t)nr;
    tile->stream = 0;
    kernel->run(tile);
    if (tile->finish)
        copy_rows(o->out + (m * o->out_stride + n) * o->out_bytes, o->out_stride, edge->out, nr, o->out_bytes, rows,
                  cols);
}

void lb_output_run(const lb_output *o, const lb_kernel *kernel, lb_tile *tile, lb_edge *edge, int64_t m, int64_t n,
                   int64_t rows, int64_t cols) {
    if (rows == kernel->mr && cols == kernel->nr)
        run_inner(o, kernel, tile, m, n);
    else
        run_edge(o, kernel, tile, edge, m, n, rows, cols);
}

void lb_output_end(const lb_output *o) {
#if defined(__x86_64__)
    if (o->stream) __builtin_ia32_sfence(); /* such stores are ordered by nothing else */
#else
    (void)o;
#endif
}
