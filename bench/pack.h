/* SPDX-License-Identifier: Apache-2.0 */
/* How fast bit packing is, next to memcpy: every operation of include/lowbit/bits.h, through its public door. */
#ifndef LOWBIT_BENCH_PACK_H_
#define LOWBIT_BENCH_PACK_H_

#include "bench/series.h"
#include "lowbit/bits.h"

enum { LB_PACK_BITS, LB_PACK_CODES, LB_PACK_TRITS, LB_PACK_MEMCPY };

/* One row of the bench. */
typedef struct lb_pack_op {
    uint8_t kind; /* LB_PACK_* */
    uint8_t unpack;
    uint8_t bits;  /* codes: 1..8 */
    uint8_t order; /* LOWBIT_BITS_*; trits have none */
    int8_t axis;   /* bits: 1 = the contiguous one, 0 = the other one of a square matrix */
} lb_pack_op;

/* The rows; row 0 is memcpy of the unpacked bytes. NULL past the end. */
const lb_pack_op *lb_pack_op_at(size_t index);

/* "unpackbits little axis 0", printed from the row's fields. */
void lb_pack_op_name(const lb_pack_op *op, char *name, size_t size);

/* Times the operation on `bytes` (a multiple of 64 and at least 4096) unpacked bytes, warm: the same buffers again and
 * again, huge pages if they are large. Checks first that unpacking what was packed gives the input back; LOWBIT_SYSTEM
 * if it does not. GB/s = bytes / median_s. series: empty; receives one visit. */
lowbit_status lb_pack_measure(const lowbit_ctx *ctx, const lb_pack_op *op, int64_t bytes, double budget_s,
                              lb_series *series, lowbit_error *error);

#endif
