/* SPDX-License-Identifier: Apache-2.0 */
/* The probes of the portable level: reading and writing memory in plain C. It has no arithmetic of its own, since what
 * a compiler makes of plain C is no property of the machine. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_SCALAR_H_
#define LOWBIT_KERNELS_SIMD_PROBE_SCALAR_H_

#include <string.h>

#include "kernels/simd/probe.h"

static uint32_t read_words(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    (void)a;
    for (; reps > 0; reps--)
        for (size_t at = 0; at < bytes; at += 64) {
            uint64_t word[8];
            for (size_t i = 0; i < 8; i++) {
                memcpy(&word[i], lines + at + 8 * i, sizeof word[i]);
                __asm__ volatile("" : : "r"(word[i]) : "memory"); /* in a register, and no more */
            }
        }
    return 0;
}

static uint32_t write_words(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    uint64_t word;
    for (size_t i = 0; i < sizeof word; i += 4) memcpy((uint8_t *)&word + i, a, 4);
    for (; reps > 0; reps--) {
        for (size_t at = 0; at < bytes; at += sizeof word) memcpy(lines + at, &word, sizeof word);
        __asm__ volatile("" : : "r"(lines) : "memory"); /* every pass was wanted */
    }
    return 0;
}

static const lb_probe kProbes[] = {{LB_PROBE_READ, 0, 1, 0, 0, read_words}, {LB_PROBE_WRITE, 0, 1, 0, 0, write_words}};

#endif
