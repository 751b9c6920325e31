/* SPDX-License-Identifier: Apache-2.0 */
/* Scale types: how a float scale is stored in a packed blob, and its rounding (nearest even). Plain C. */
#ifndef LOWBIT_KERNELS_FORMATS_SCALE_H_
#define LOWBIT_KERNELS_FORMATS_SCALE_H_

#include <stdint.h>
#include <string.h>

#include "lowbit/weights.h"

enum { LB_SCALE_TYPES = 3 };

static inline uint32_t lb_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float lb_bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Bytes of one stored scale. */
static inline int64_t lb_scale_bytes(uint32_t type) { return type == LOWBIT_SCALE_F32 ? 4 : 2; }

/* f32 <-> the 16-bit types, bit patterns. Overflow becomes infinity, as IEEE 754 rounds. */
uint16_t lb_f16_from_float(float x);
uint16_t lb_bf16_from_float(float x);
float lb_f16_to_float(uint16_t half);
static inline float lb_bf16_to_float(uint16_t half) { return lb_bits_float((uint32_t)half << 16); }

/* The value that the type stores for x. */
float lb_scale_round(uint32_t type, float x);

/* Element i of an array of stored scales. */
void lb_scale_store(uint32_t type, void *array, int64_t i, float x);
float lb_scale_load(uint32_t type, const void *array, int64_t i);

#endif
