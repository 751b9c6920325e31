/* SPDX-License-Identifier: Apache-2.0 */
/* Bit packing by its definition: the portable level, and the reference that every other level is compared with. */
#include <string.h>

#include "kernels/simd/bits.h"
#include "lowbit/bits.h"

/* Bit i of a bit string: which bit of its byte. */
static uint32_t bit_of(size_t i, uint32_t order) { return order == LOWBIT_BITS_BIG ? 7 - i % 8 : i % 8; }

static void pack_bits(const uint8_t *in, size_t n, uint8_t *out, uint32_t order) {
    memset(out, 0, (n + 7) / 8);
    for (size_t i = 0; i < n; i++) out[i / 8] |= (uint8_t)((in[i] != 0) << bit_of(i, order));
}

static void unpack_bits(const uint8_t *in, uint8_t *out, size_t n, uint32_t order, uint32_t stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++) out[i] = in[i / 8] >> bit_of(i, order) & 1;
}

static void pack_rows(const lb_bits_rows *r) {
    for (size_t i = 0; i < r->length; i++) {
        const uint8_t *in = r->in + (ptrdiff_t)i * r->in_stride;
        uint8_t *out = r->out + (ptrdiff_t)(i / 8) * r->out_stride;
        if (i % 8 == 0) memset(out, 0, r->columns);
        for (size_t c = 0; c < r->columns; c++) out[c] |= (uint8_t)((in[c] != 0) << bit_of(i, r->order));
    }
}

static void unpack_rows(const lb_bits_rows *r) {
    for (size_t i = 0; i < r->length; i++) {
        const uint8_t *in = r->in + (ptrdiff_t)(i / 8) * r->in_stride;
        uint8_t *out = r->out + (ptrdiff_t)i * r->out_stride;
        for (size_t c = 0; c < r->columns; c++) out[c] = in[c] >> bit_of(i, r->order) & 1;
    }
}

/* Bit s of a code, in the order in which its bits enter the string. */
static uint32_t code_bit_of(size_t j, uint32_t bits, uint32_t order) {
    return order == LOWBIT_BITS_BIG ? bits - 1 - j % bits : j % bits;
}

static uint8_t pack_codes(const uint8_t *codes, size_t n, uint8_t *out, uint32_t bits, uint32_t order) {
    uint8_t seen = 0;
    memset(out, 0, (n * bits + 7) / 8);
    for (size_t i = 0; i < n; i++) seen |= codes[i];
    for (size_t j = 0; j < n * bits; j++)
        out[j / 8] |= (uint8_t)((codes[j / bits] >> code_bit_of(j, bits, order) & 1) << bit_of(j, order));
    return seen;
}

static void unpack_codes(const uint8_t *in, uint8_t *codes, size_t n, uint32_t bits, uint32_t order, uint32_t stream) {
    (void)stream;
    memset(codes, 0, n);
    for (size_t j = 0; j < n * bits; j++)
        codes[j / bits] |= (uint8_t)((in[j / 8] >> bit_of(j, order) & 1) << code_bit_of(j, bits, order));
}

static const uint8_t kPowers[5] = {1, 3, 9, 27, 81};

static uint64_t pack_trits(const uint8_t *codes, size_t n, uint8_t *out) {
    uint64_t bad = 0;
    memset(out, 0, (n + 4) / 5);
    for (size_t i = 0; i < n; i++) {
        bad |= codes[i] > 2;
        out[i / 5] = (uint8_t)(out[i / 5] + codes[i] * kPowers[i % 5]);
    }
    return bad;
}

static uint64_t unpack_trits(const uint8_t *in, uint8_t *codes, size_t n) {
    uint64_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad |= in[i / 5] > 242;
        codes[i] = in[i / 5] / kPowers[i % 5] % 3;
    }
    return bad;
}

const lb_bits_ops lb_bits_scalar = {pack_bits,  unpack_bits,  pack_rows,  unpack_rows,
                                    pack_codes, unpack_codes, pack_trits, unpack_trits};
