/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: the fastest loop that a level has for one step of a product, and nothing else. `bench limits` times them, and
 * every kernel's speed is reported as a share of what they reach. Plain C.
 *
 * Each computes something that a test can check, so that no compiler and no bug can make a limit too good. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_H_
#define LOWBIT_KERNELS_SIMD_PROBE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The steps. A "line" is 64 bytes, u8 code i of it meeting s8 activation a[i % 4]; lane n is its bytes 4n .. 4n + 3. */
enum {
    LB_PROBE_DOT = 0,     /* dot of 4 x (u8, s8) into s32 by one instruction, in registers */
    LB_PROBE_MADDUBS = 1, /* u8 x s8 with s16 accumulators, in registers: sums wrap, s16 each */
    LB_PROBE_MADD = 2,    /* exact: s16 x s16 into s32, in registers */
    LB_PROBE_DECODE = 3, /* a line of packed codes of `width` bits, decoded and multiplied with one row: GEMV from L1 */
    LB_PROBE_READ = 4,   /* memory read and added up */
    LB_PROBE_KINDS = 5
};

/* Passes `reps` times over `bytes` bytes of lines.
 *
 *   lines  64-byte aligned. The register probes read the first line only, and do one step for each line of `bytes`
 *   bytes  a multiple of LB_PROBE_BYTES
 *   a      s8 [4P]: activations, P = 8 / width fields per byte (P = 1 where width is 0)
 *   out    s32 [16]: lane n receives, modulo 2^32, the sum over all steps of
 *            READ    the line's 32-bit lane n
 *            DECODE  sum of field f of byte 4n + j times a[4f + j], over f < P and j < 4
 *            others  `repeat` x sum of byte 4n + j times a[j], over j < 4
 *          DECODE: exact while bytes / 64 * reps <= 65536 */
typedef void (*lb_probe_fn)(const uint8_t *lines, size_t bytes, size_t reps, const int8_t *a, int32_t *out);

enum { LB_PROBE_BYTES = 4096 };

typedef struct lb_probe {
    uint8_t kind;     /* LB_PROBE_* */
    uint8_t width;    /* DECODE: bits of a code */
    uint8_t streams;  /* READ: places of the buffer that are read in turn */
    uint8_t prefetch; /* READ: lines ahead of the reads; 0 = the hardware's prefetcher alone */
    uint16_t repeat;  /* register probes: how often one step multiplies the first line */
    lb_probe_fn run;
} lb_probe;

#ifdef __cplusplus
}
#endif
#endif
