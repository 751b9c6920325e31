/* SPDX-License-Identifier: Apache-2.0 */
/* How elements of W stand in a packed line: all that a kernel must know to read them. Plain C, for the SIMD units too.
 */
#ifndef LOWBIT_KERNELS_FORMATS_CODING_H_
#define LOWBIT_KERNELS_FORMATS_CODING_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LB_CODING_W1 = 0, /* codes of so many bits */
    LB_CODING_W2 = 1,
    LB_CODING_W4 = 2,
    LB_CODING_W8 = 3,
    LB_CODING_T5 = 4, /* five ternary codes in a byte */
    LB_CODING_C4 = 5, /* codes of 4 bits, which a book of 16 values translates */
    LB_CODING_BF16 = 6,
    LB_CODING_F32 = 7,
    LB_CODINGS = 8
};

typedef struct lb_coding {
    const char *name;      /* "w4": how the names of kernels begin */
    uint8_t bits;          /* of an element, rounded up */
    uint8_t line_k;        /* consecutive k of 16 columns in a line of 64 bytes */
    uint8_t element_bytes; /* of an element of canonical weights */
} lb_coding;

extern const lb_coding lb_codings[LB_CODINGS];

#ifdef __cplusplus
}
#endif
#endif
