/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a problem string for tables and JSON. */
#ifndef LOWBIT_TUNER_PROBLEM_H_
#define LOWBIT_TUNER_PROBLEM_H_

#include "lowbit/gemm.h"

enum { LB_PROBLEM_WORD = 48 };

/* "i4g32" and "a8" of i4g32a8:m1n4096k4096. */
void lb_problem_words(const lowbit_problem *problem, char format[LB_PROBLEM_WORD], char act[LB_PROBLEM_WORD]);

#endif
