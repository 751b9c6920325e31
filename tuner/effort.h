/* SPDX-License-Identifier: Apache-2.0 */
/* The efforts by name, and what they stand for. */
#ifndef LOWBIT_TUNER_EFFORT_H_
#define LOWBIT_TUNER_EFFORT_H_

#include <stdbool.h>

#include "lowbit/gemm.h"

/* LOWBIT_ESTIMATE to LOWBIT_EXHAUSTIVE, ended by NULL. */
extern const char *const lb_effort_names[LOWBIT_EXHAUSTIVE + 2];

/* Whether it times anything. */
bool lb_effort_measures(uint32_t effort);

/* What a problem may take where no budget says otherwise; 0 of those that time nothing. */
double lb_effort_seconds(uint32_t effort);

#endif
