/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peer_numbers.h"

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"

/* What a code of i8 stands for in integers. */
enum { ZERO_OF_I8 = 128 };

bool lb_peer_comparable(const lowbit_problem *p) {
    const bool bare = !p->bias && !p->residual && !p->act && !p->static_scale;
    return bare && p->out <= LOWBIT_OUT_S32 && !lb_format_of(p->weights.format)->distance;
}

static lowbit_status make_rows(const lb_operands *o, int8_t *a8, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    const lowbit_matrix a = {o->a, p->m, p->k, p->k};
    lowbit_rows rows = {.struct_size = sizeof rows};
    int64_t bytes;
    LB_TRY(lowbit_rows_size(p->m, p->k, LOWBIT_GROUP_ROW, &bytes, error));
    void *memory = lb_alloc(o->ctx, (size_t)bytes);
    LB_REQUIRE(memory, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of rows", (long long)bytes);
    const lowbit_status status = lowbit_quantize_rows(o->ctx, &a, LOWBIT_GROUP_ROW, memory, bytes, NULL, &rows, error);
    for (int64_t m = 0; m < p->m && status == LOWBIT_OK; m++)
        for (int64_t k = 0; k < p->k; k++) a8[m * p->k + k] = rows.codes[m * rows.stride + k];
    lb_free(o->ctx, memory, (size_t)bytes);
    return status;
}

static void make_columns(const lowbit_weights *w, int8_t *w8) {
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t k = 0; k < w->k; k++) w8[n * w->k + k] = (int8_t)(w->codes[n * w->stride + k] - ZERO_OF_I8);
}

static lowbit_status make_integers(const lb_operands *o, lb_peer_numbers *x, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    x->a8 = lb_alloc(o->ctx, (size_t)(p->m * p->k));
    x->w8 = lb_alloc(o->ctx, (size_t)(p->n * p->k));
    LB_REQUIRE(x->a8 && x->w8, error, LOWBIT_NO_MEMORY, "no memory for codes of %lld x %lld weights", (long long)p->n,
               (long long)p->k);
    make_columns(&o->weights, x->w8);
    return make_rows(o, x->a8, error);
}

lowbit_status lb_peer_numbers_make(const lb_operands *o, uint32_t threads, lb_peer_numbers *x, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    *x = (lb_peer_numbers){.ctx = o->ctx};
    x->work = (lb_peer_work){.problem = p, .m = p->m, .n = p->n, .k = p->k, .threads = threads, .copies = 1, .a = o->a};
    x->w = lb_alloc(o->ctx, (size_t)(p->n * p->k) * sizeof *x->w);
    LB_REQUIRE(x->w, error, LOWBIT_NO_MEMORY, "no memory for %lld x %lld floats", (long long)p->n, (long long)p->k);
    LB_TRY(lowbit_dequantize(&o->weights, x->w, p->k, error));
    if (lb_peer_has_codes(p)) LB_TRY(make_integers(o, x, error));
    x->work.w = x->w;
    x->work.a8 = x->a8;
    x->work.w8 = x->w8;
    return LOWBIT_OK;
}

void lb_peer_numbers_release(lb_peer_numbers *x) {
    const lb_peer_work *p = &x->work;
    if (!x->ctx) return;
    lb_free(x->ctx, x->w, (size_t)(p->n * p->k) * sizeof *x->w);
    lb_free(x->ctx, x->a8, (size_t)(p->m * p->k));
    lb_free(x->ctx, x->w8, (size_t)(p->n * p->k));
    *x = (lb_peer_numbers){.ctx = NULL};
}

size_t lb_peer_copies(int64_t n, int64_t k, uint32_t bits, int64_t ring_bytes, int64_t memory_bytes) {
    const int64_t bytes = lb_max(1, n * k * bits / 8), fit = memory_bytes / 4 / bytes;
    return fit < 2 ? 0 : (size_t)lb_min(fit, lb_max(2, lb_div_up(ring_bytes, bytes)));
}
