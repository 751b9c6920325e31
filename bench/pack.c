/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/pack.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "tuner/random.h"

enum { BIG = LOWBIT_BITS_BIG, LITTLE = LOWBIT_BITS_LITTLE, PACK = 0, UNPACK = 1 };

static const lb_pack_op kOps[] = {
    {LB_PACK_MEMCPY, PACK, 8, BIG, 1},     {LB_PACK_BITS, PACK, 1, BIG, 1},       {LB_PACK_BITS, PACK, 1, LITTLE, 1},
    {LB_PACK_BITS, UNPACK, 1, BIG, 1},     {LB_PACK_BITS, UNPACK, 1, LITTLE, 1},  {LB_PACK_BITS, PACK, 1, BIG, 0},
    {LB_PACK_BITS, PACK, 1, LITTLE, 0},    {LB_PACK_BITS, UNPACK, 1, BIG, 0},     {LB_PACK_BITS, UNPACK, 1, LITTLE, 0},
    {LB_PACK_CODES, PACK, 4, BIG, 1},      {LB_PACK_CODES, PACK, 4, LITTLE, 1},   {LB_PACK_CODES, UNPACK, 4, BIG, 1},
    {LB_PACK_CODES, UNPACK, 4, LITTLE, 1}, {LB_PACK_CODES, PACK, 2, BIG, 1},      {LB_PACK_CODES, PACK, 2, LITTLE, 1},
    {LB_PACK_CODES, UNPACK, 2, BIG, 1},    {LB_PACK_CODES, UNPACK, 2, LITTLE, 1}, {LB_PACK_CODES, PACK, 3, BIG, 1},
    {LB_PACK_CODES, UNPACK, 3, BIG, 1},    {LB_PACK_CODES, PACK, 6, BIG, 1},      {LB_PACK_CODES, UNPACK, 6, BIG, 1},
    {LB_PACK_TRITS, PACK, 2, LITTLE, 1},   {LB_PACK_TRITS, UNPACK, 2, LITTLE, 1},
};

const lb_pack_op *lb_pack_op_at(size_t index) { return index < LB_COUNT(kOps) ? &kOps[index] : NULL; }

void lb_pack_op_name(const lb_pack_op *op, char *name, size_t size) {
    const char *un = op->unpack ? "un" : "", *order = op->order == LITTLE ? "little" : "big";
    switch (op->kind) {
        case LB_PACK_BITS: snprintf(name, size, "%spackbits %s%s", un, order, op->axis ? "" : " axis 0"); break;
        case LB_PACK_CODES: snprintf(name, size, "%spack codes %u bit %s", un, op->bits, order); break;
        case LB_PACK_TRITS: snprintf(name, size, "%spack trits", un); break;
        default: snprintf(name, size, "memcpy");
    }
}

/* The buffers of one measurement, and the matrix that the bits are seen as. */
typedef struct job {
    const lowbit_ctx *ctx;
    const lb_pack_op *op;
    int64_t bytes;
    uint8_t *unpacked, *packed, *back;
    int64_t shape[2], packed_shape[2];
    lowbit_status status;
    lowbit_error *error;
} job;

static lowbit_status run_bits(const job *j, bool unpack) {
    lowbit_bits_array a = LOWBIT_BITS_ARRAY_INIT;
    a.ndim = 2;
    a.shape = unpack ? j->packed_shape : j->shape;
    a.in = unpack ? j->packed : j->unpacked;
    a.out = unpack ? j->back : j->packed;
    a.out_bytes = j->bytes;
    a.axis = j->op->axis;
    a.order = j->op->order;
    return (unpack ? lowbit_unpackbits : lowbit_packbits)(j->ctx, &a, j->error);
}

static lowbit_status run_once(const job *j, bool unpack) {
    const lb_pack_op *op = j->op;
    const int64_t n = j->bytes;
    switch (op->kind) {
        case LB_PACK_BITS: return run_bits(j, unpack);
        case LB_PACK_CODES:
            return unpack ? lowbit_unpack_codes(j->ctx, j->packed, n, op->bits, op->order, j->back, n, j->error)
                          : lowbit_pack_codes(j->ctx, j->unpacked, n, op->bits, op->order, j->packed, n, j->error);
        case LB_PACK_TRITS:
            return unpack ? lowbit_unpack_trits(j->ctx, j->packed, n, j->back, n, j->error)
                          : lowbit_pack_trits(j->ctx, j->unpacked, n, j->packed, n, j->error);
        default: memcpy(j->back, j->unpacked, (size_t)n); return LOWBIT_OK;
    }
}

static void work(void *arg, size_t reps) {
    job *j = arg;
    for (size_t i = 0; i < reps; i++) {
        const lowbit_status status = run_once(j, j->op->unpack);
        if (status != LOWBIT_OK) j->status = status;
        __asm__ volatile("" ::: "memory"); /* every repetition writes, though nobody reads */
    }
}

static void fill(job *j) {
    enum { RANDOM_BYTES = 1 << 20 }; /* then they repeat */
    const int64_t done = lb_min(j->bytes, RANDOM_BYTES);
    lb_random_codes(j->unpacked, done, j->op->kind == LB_PACK_TRITS ? 3 : 1u << j->op->bits, 1);
    lb_repeat_bytes(j->unpacked, done, j->bytes);
    memset(j->packed, 0, (size_t)j->bytes);
    memset(j->back, 0xEE, (size_t)j->bytes);
}

static lowbit_status verify(job *j) {
    LB_TRY(run_once(j, false));
    if (j->op->kind != LB_PACK_MEMCPY) LB_TRY(run_once(j, true));
    LB_REQUIRE(memcmp(j->back, j->unpacked, (size_t)j->bytes) == 0, j->error, LOWBIT_SYSTEM,
               "unpacking did not give back what was packed");
    return LOWBIT_OK;
}

lowbit_status lb_pack_measure(const lowbit_ctx *ctx, const lb_pack_op *op, int64_t bytes, double budget_s,
                              lb_series *series, lowbit_error *error) {
    job j = {.ctx = ctx, .op = op, .bytes = bytes, .shape = {64, 0}, .error = error};
    while (j.shape[0] * j.shape[0] < bytes) j.shape[0] *= 2;
    j.shape[1] = bytes / j.shape[0];
    for (int i = 0; i < 2; i++) j.packed_shape[i] = i == op->axis ? j.shape[i] / 8 : j.shape[i];
    uint8_t *memory = lb_alloc(ctx, 3 * (size_t)bytes);
    LB_REQUIRE(memory, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes", 3 * (long long)bytes);
    j.unpacked = memory;
    j.packed = memory + bytes;
    j.back = memory + 2 * bytes;
    fill(&j);
    lowbit_status status = verify(&j);
    if (status == LOWBIT_OK) {
        const lb_visiting once = {.budget_s = budget_s, .visits = 1};
        lb_series_visit(series, &once, work, &j);
        status = j.status;
    }
    lb_free(ctx, memory, 3 * (size_t)bytes);
    return status;
}
