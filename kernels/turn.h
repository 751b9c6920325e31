/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows turned over, in vectors of any compiler for any CPU: a table of instruction sets would gain little more. */
#ifndef LOWBIT_KERNELS_TURN_H_
#define LOWBIT_KERNELS_TURN_H_

#include <stdint.h>
#include <string.h>

typedef uint32_t lb_four_words __attribute__((vector_size(16)));

static inline lb_four_words lb_load_four(const void *from) {
    lb_four_words w;
    memcpy(&w, from, sizeof w);
    return w;
}

/* Four words of 32 bits of each of four rows, `stride` bytes apart: those of one column side by side, columns `step`
 * bytes apart. */
static inline void lb_turn_four(const void *rows, int64_t stride, void *to, int64_t step) {
    const uint8_t *from = rows;
    const lb_four_words a = lb_load_four(from), b = lb_load_four(from + stride);
    const lb_four_words c = lb_load_four(from + 2 * stride), d = lb_load_four(from + 3 * stride);
    const lb_four_words ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const lb_four_words ef = __builtin_shufflevector(a, b, 2, 6, 3, 7), gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const lb_four_words turned[] = {
        __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
        __builtin_shufflevector(ef, gh, 0, 1, 4, 5), __builtin_shufflevector(ef, gh, 2, 3, 6, 7)};
    for (int64_t i = 0; i < 4; i++) memcpy((uint8_t *)to + i * step, &turned[i], sizeof turned[i]);
}

#endif
