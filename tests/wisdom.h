/* SPDX-License-Identifier: Apache-2.0 */
/* What the subjects of wisdom share: decisions, texts, and texts that say something else. */
#ifndef LOWBIT_TESTS_WISDOM_H_
#define LOWBIT_TESTS_WISDOM_H_

#include "tuner/wisdom.h"

/* A legal decision for a problem, by the estimate, with evidence that is always the same. */
lb_wisdom_entry wisdom_entry(const lowbit_ctx *ctx, const char *problem, uint32_t threads);

/* Puts it. */
void wisdom_put(lowbit_wisdom *wisdom, const lowbit_ctx *ctx, const char *problem, uint32_t threads);

/* An empty one. */
lowbit_wisdom *wisdom_empty(const lowbit_ctx *ctx);

/* One of a text, whose report it checks: so many lines of each state, none bad. */
lowbit_wisdom *wisdom_of(const lowbit_ctx *ctx, const char *text, int64_t accepted, int64_t stale, int64_t foreign);

/* One with some decisions and rates, two of them alike but for M. */
enum { WISDOM_PLANS = 4, WISDOM_RATES = 2 };
lowbit_wisdom *wisdom_small(const lowbit_ctx *ctx);

/* The exported text, to be freed. */
char *wisdom_text(const lowbit_wisdom *wisdom);

/* A copy of a text in which `to` stands for the first `from` of every line that has one and whose sums are right, to be
 * freed. */
char *wisdom_edited(const char *text, const char *from, const char *to);

/* The same text but for the machine: line by line of another one. */
char *wisdom_of_other(const char *text);

#endif
