/* SPDX-License-Identifier: Apache-2.0 */
/* What the subjects of wisdom share. */
#ifndef LOWBIT_TESTS_WISDOM_H_
#define LOWBIT_TESTS_WISDOM_H_

#include "tuner/wisdom.h"

/* A legal decision for a problem, by the estimate, with evidence that is always the same. */
lb_wisdom_entry wisdom_entry(const lowbit_ctx *ctx, const char *problem, uint32_t threads);

#endif
