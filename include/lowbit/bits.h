/* SPDX-License-Identifier: Apache-2.0 */
/* Packing of bits, of codes of 1 to 8 bits, and of ternary digits. Three formats that need no weights and no plan:
 *
 *   bits   one bit per element along any axis of an N-d array, as numpy.packbits and numpy.unpackbits
 *   codes  k bits per code in one continuous bit string, as the BitPack format and "first value in the high nibble"
 *   trits  five ternary codes per byte
 *
 * All functions are safe from any number of threads, allocate nothing, and check every argument before the first byte
 * is written. Input and output must not overlap. The context decides which instruction set does the work; the result is
 * the same with each. */
#ifndef LOWBIT_BITS_H_
#define LOWBIT_BITS_H_

#include "lowbit/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which end of a byte is filled first. */
enum {
    LOWBIT_BITS_BIG = 0,   /* the first element is the most significant bit: numpy's default, BitPack's order */
    LOWBIT_BITS_LITTLE = 1 /* the first element is the least significant bit */
};

enum { LOWBIT_BITS_MAX_DIMS = 64 };

#define LOWBIT_AXIS_NONE INT32_MIN /* numpy's axis=None: all elements in C order, as one line */
#define LOWBIT_COUNT_ALL INT64_MIN /* numpy's count=None */

/* One call of packbits or unpackbits: a view of the input, where the result goes, and numpy's three options.
 *
 * The result has the input's shape but for the axis; with LOWBIT_AXIS_NONE, or for an array of no dimensions, it has
 * one dimension. lowbit_packbits_shape and lowbit_unpackbits_shape say how long. Strides are in bytes, may be negative
 * or zero in the input, and are numpy's: any numpy view of one-byte elements can be passed as it is. */
typedef struct lowbit_bits_array {
    uint32_t struct_size;
    int32_t ndim;               /* 0 .. LOWBIT_BITS_MAX_DIMS */
    const int64_t *shape;       /* [ndim] of the input */
    const uint8_t *in;          /* first element. packbits: any bytes, 0 is bit 0, all others are bit 1 */
    const int64_t *in_strides;  /* [ndim] bytes; NULL = C order without gaps */
    uint8_t *out;               /* first element of the result */
    int64_t out_bytes;          /* room at `out`; checked when out_strides is NULL, else not looked at */
    const int64_t *out_strides; /* one for each dimension of the result; NULL = C order without gaps */
    int32_t axis;               /* 0 .. ndim - 1, -ndim .. -1 from the end, or LOWBIT_AXIS_NONE */
    uint32_t order;             /* LOWBIT_BITS_* */
    int64_t count;              /* unpackbits only: elements to keep along the axis. More than there are: zeros follow.
                                   Negative: so many are cut off at the end. LOWBIT_COUNT_ALL: all */
} lowbit_bits_array;

/* numpy's defaults: axis=None, bitorder='big', count=None. */
#define LOWBIT_BITS_ARRAY_INIT                                                                                         \
    {                                                                                                                  \
        sizeof(lowbit_bits_array), 0, NULL, NULL, NULL, NULL, 0, NULL, LOWBIT_AXIS_NONE, LOWBIT_BITS_BIG,              \
            LOWBIT_COUNT_ALL                                                                                           \
    }

/* Eight elements along the axis become one byte; each line along the axis ends with zero bits up to a full byte.
 *
 *   for every line along the axis, i in 0 .. length-1:
 *     bit(i) of out[i / 8] = in[i] != 0         bit(i) = 7 - i % 8 with LOWBIT_BITS_BIG, i % 8 with LOWBIT_BITS_LITTLE
 *
 * The result's axis has ceil(length / 8) bytes. Binarize {-1, +1} as x > 0 first: -1 is not zero, so it packs as 1.
 * Fastest where the axis, or any other dimension, has stride 1 on both sides.
 *
 * LOWBIT_INVALID_ARGUMENT: a null pointer, an unknown order, an axis outside the array, a shape whose bytes overflow.
 * LOWBIT_TOO_SMALL: out_bytes. */
LOWBIT_API lowbit_status lowbit_packbits(const lowbit_ctx *ctx, const lowbit_bits_array *array, lowbit_error *error);

/* One byte along the axis becomes eight elements, 0 or 1, of which `count` are kept.
 *
 *   for every line along the axis, i in 0 .. kept-1:
 *     out[i] = i < 8 * length ? in[i / 8] >> bit(i) & 1 : 0
 *
 * kept = 8 * length with LOWBIT_COUNT_ALL, count if count >= 0, else 8 * length + count, which must not be negative.
 * Errors as lowbit_packbits. */
LOWBIT_API lowbit_status lowbit_unpackbits(const lowbit_ctx *ctx, const lowbit_bits_array *array, lowbit_error *error);

/* What the result of lowbit_packbits or lowbit_unpackbits will look like. Reads struct_size, ndim, shape, axis and
 * count.
 *
 * ndim   receives max(1, ndim), or 1 with LOWBIT_AXIS_NONE
 * shape  receives so many lengths; room for max(1, array->ndim) is enough
 * bytes  receives their product */
LOWBIT_API lowbit_status lowbit_packbits_shape(const lowbit_bits_array *array, int32_t *ndim, int64_t *shape,
                                               int64_t *bytes, lowbit_error *error);
LOWBIT_API lowbit_status lowbit_unpackbits_shape(const lowbit_bits_array *array, int32_t *ndim, int64_t *shape,
                                                 int64_t *bytes, lowbit_error *error);

/* Bytes of n packed codes of `bits` bits: ceil(n * bits / 8). */
LOWBIT_API lowbit_status lowbit_packed_codes_bytes(int64_t n, uint32_t bits, int64_t *bytes, lowbit_error *error);

/* n codes of `bits` (1..8) bits, one per byte, into one bit string: nothing is aligned, codes may straddle bytes.
 *
 *   b[j] = (codes[j / bits] >> s) & 1, where s = bits - 1 - j % bits with LOWBIT_BITS_BIG, j % bits with
 * LOWBIT_BITS_LITTLE bit(j) of out[j / 8] = b[j]       for j in 0 .. n*bits-1, then zero bits up to a full byte; bit()
 * as lowbit_packbits
 *
 * So 4-bit codes c0, c1 give the byte c0 << 4 | c1 (BIG) or c1 << 4 | c0 (LITTLE).
 *
 * codes      n bytes, each below 1 << bits. A larger one is refused with its index; `out` holds nothing of use then
 * out_bytes  room at out, at least lowbit_packed_codes_bytes
 *
 * LOWBIT_INVALID_ARGUMENT: a null pointer, n < 0 or overflowing, bits, order, a code out of range. LOWBIT_TOO_SMALL. */
LOWBIT_API lowbit_status lowbit_pack_codes(const lowbit_ctx *ctx, const uint8_t *codes, int64_t n, uint32_t bits,
                                           uint32_t order, uint8_t *out, int64_t out_bytes, lowbit_error *error);

/* The inverse of lowbit_pack_codes. in_bytes is at least lowbit_packed_codes_bytes; what lies behind code n - 1 is not
 * looked at. codes has room for n bytes. */
LOWBIT_API lowbit_status lowbit_unpack_codes(const lowbit_ctx *ctx, const uint8_t *in, int64_t in_bytes, uint32_t bits,
                                             uint32_t order, uint8_t *codes, int64_t n, lowbit_error *error);

/* Bytes of n packed ternary codes: ceil(n / 5). */
LOWBIT_API lowbit_status lowbit_packed_trits_bytes(int64_t n, int64_t *bytes, lowbit_error *error);

/* Five ternary codes per byte, 1.6 bits each:
 *
 *   out[j] = c[5j] + 3 c[5j+1] + 9 c[5j+2] + 27 c[5j+3] + 81 c[5j+4]       codes beyond n count as 0
 *
 * codes are 0, 1 or 2; any other is refused with its index, and `out` holds nothing of use then. Arguments and errors
 * as lowbit_pack_codes. */
LOWBIT_API lowbit_status lowbit_pack_trits(const lowbit_ctx *ctx, const uint8_t *codes, int64_t n, uint8_t *out,
                                           int64_t out_bytes, lowbit_error *error);

/* The inverse: codes[i] = in[i / 5] / 3^(i % 5) % 3. A byte above 242 holds no five trits: it is refused with its index
 * (LOWBIT_BAD_FORMAT), and `codes` holds nothing of use then. */
LOWBIT_API lowbit_status lowbit_unpack_trits(const lowbit_ctx *ctx, const uint8_t *in, int64_t in_bytes, uint8_t *codes,
                                             int64_t n, lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
