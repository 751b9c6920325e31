/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit offers for bit packing: the inner loops behind include/lowbit/bits.h, which has the formulas. Plain C.
 *
 * n is elements of the unpacked side everywhere. Nothing outside the arrays is touched; any n from 0, any alignment.
 * order is LOWBIT_BITS_*. stream = 1 asks for stores around the caches: the unpacked result will not fit them. */
#ifndef LOWBIT_KERNELS_SIMD_BITS_H_
#define LOWBIT_KERNELS_SIMD_BITS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix packed down its columns: bit i % 8 (or 7 - i % 8) of packed[i / 8][c] is element [i][c]. */
typedef struct lb_bits_rows {
    const uint8_t *in;
    ptrdiff_t in_stride; /* bytes from a row to the next, packed or not; may be negative */
    uint8_t *out;
    ptrdiff_t out_stride;
    size_t columns;
    size_t length; /* rows of the unpacked side */
    uint32_t order;
    uint32_t stream; /* unpacking only */
} lb_bits_rows;

typedef struct lb_bits_ops {
    void (*pack_bits)(const uint8_t *in, size_t n, uint8_t *out, uint32_t order);
    void (*unpack_bits)(const uint8_t *in, uint8_t *out, size_t n, uint32_t order, uint32_t stream);
    void (*pack_rows)(const lb_bits_rows *rows);
    void (*unpack_rows)(const lb_bits_rows *rows);

    /* bits = 1..7. pack returns the OR of all codes: above the mask, and `out` is garbage. */
    uint8_t (*pack_codes)(const uint8_t *codes, size_t n, uint8_t *out, uint32_t bits, uint32_t order);
    void (*unpack_codes)(const uint8_t *in, uint8_t *codes, size_t n, uint32_t bits, uint32_t order, uint32_t stream);

    /* Both return 0 if every code was a trit or every byte held five, anything else if not: the result is garbage. */
    uint64_t (*pack_trits)(const uint8_t *codes, size_t n, uint8_t *out);
    uint64_t (*unpack_trits)(const uint8_t *in, uint8_t *codes, size_t n);
} lb_bits_ops;

/* The reference: plain C, kernels/bits_scalar.c. */
extern const lb_bits_ops lb_bits_scalar;

#ifdef __cplusplus
}
#endif
#endif
