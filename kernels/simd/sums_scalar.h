/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of codes in plain C: lb_sum_codes_fn of the portable level, and what is left over of the others' vectors. */
#ifndef LOWBIT_KERNELS_SIMD_SUMS_SCALAR_H_
#define LOWBIT_KERNELS_SIMD_SUMS_SCALAR_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight codes in a word, made unsigned, are added in lanes of 16 bits, 128 times before one could overflow. */
static inline int32_t lb_sum_of(const int8_t *codes, size_t k) {
    enum { WORD = 8, MOST = WORD * 128 };
    const uint64_t signs = UINT64_C(0x8080808080808080), even = UINT64_C(0x00ff00ff00ff00ff);
    const uint64_t quarters = UINT64_C(0x0000ffff0000ffff);
    const size_t whole = k / WORD * WORD;
    int64_t sum = -128 * (int64_t)whole;
    for (size_t i = 0; i < whole; i += MOST) {
        const size_t end = whole - i < MOST ? whole : i + MOST;
        uint64_t lanes = 0;
        for (size_t j = i; j < end; j += WORD) {
            uint64_t word;
            memcpy(&word, codes + j, sizeof word);
            word ^= signs;
            lanes += (word & even) + (word >> 8 & even);
        }
        const uint64_t pairs = (lanes & quarters) + (lanes >> 16 & quarters);
        sum += (int64_t)((pairs & UINT32_MAX) + (pairs >> 32));
    }
    for (size_t i = whole; i < k; i++) sum += codes[i];
    return (int32_t)sum;
}

static inline void lb_sum_codes(const int8_t *codes, size_t k, size_t count, int32_t *sums) {
    for (size_t i = 0; i < count; i++) sums[i] = lb_sum_of(codes + i * k, k);
}

#endif
