/* SPDX-License-Identifier: Apache-2.0 */
/* The rules mse, range, centred, libra and fixed from the formulas of lowbit/weights.h, for the elements x[rows][cols]
 * of one scale. */
#ifndef LOWBIT_TESTS_RULES_H_
#define LOWBIT_TESTS_RULES_H_

#include "kernels/formats/format.h"

/* Infinite where the scale type holds no candidate. */
float rules_mse_scale(const lb_format *f, uint32_t scale_type, const float *x, int64_t rows, int64_t cols);
int rules_mse_code(const lb_format *f, double x, double scale);

float rules_range_mean(const float *x, int64_t count);
float rules_range_scale(const float *x, int64_t count);
int rules_range_code(float x, float mean, float scale);

double rules_mean(const float *x, int64_t count);
float rules_libra_scale(const float *x, int64_t count);
float rules_fixed_scale(int offset, const float *x, int64_t count);

#endif
