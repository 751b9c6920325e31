/* SPDX-License-Identifier: Apache-2.0 */
/* Fitting a free book of 16 values to a matrix: LOWBIT_RULE_KMEANS of lowbit/weights.h. */
#ifndef LOWBIT_KERNELS_CODEBOOK_H_
#define LOWBIT_KERNELS_CODEBOOK_H_

#include "kernels/base/base.h"
#include "lowbit/context.h"
#include "lowbit/weights.h"

/* The book of least squared error for scales that cover `group` elements of a row, or the whole matrix. */
lowbit_status lb_fit_book(const lowbit_ctx *ctx, const lowbit_matrix *w, int32_t group, int8_t book[16],
                          lowbit_error *error);

#endif
