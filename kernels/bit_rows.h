/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of A as bit planes in A panels: LB_A_BITS*, LB_A_NIBBLES*, LB_A_PAIRS* of kernels/simd/ukernel.h. */
#ifndef LOWBIT_KERNELS_BIT_ROWS_H_
#define LOWBIT_KERNELS_BIT_ROWS_H_

#include <stdint.h>

/* How a panel has the words of a plane: as they are; each as two of nibbles; two of nibbles for each two rows. */
typedef enum lb_bit_form { LB_BITS_WHOLE, LB_BITS_NIBBLES, LB_BITS_PAIRS } lb_bit_form;

/* Bit planes of a code (0 = the layout has none). */
typedef struct lb_bit_planes {
    uint8_t count;
    lb_bit_form form;
} lb_bit_planes;

/* k of a word. */
enum { LB_WORD_K = 32 };

/* Row i of an A panel of mr rows, `length` k of it, a multiple of LB_WORD_K: from its codes, or from the words of its
 * one plane. The rows of a pair are put one after the other. */
void lb_put_bit_codes(lb_bit_planes planes, const int8_t *codes, int64_t length, int64_t mr, int64_t i, void *panel);
void lb_put_bit_words(lb_bit_planes planes, const void *words, int64_t length, int64_t mr, int64_t i, void *panel);

#endif
