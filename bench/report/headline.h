/* SPDX-License-Identifier: Apache-2.0 */
/* The report in a few numbers and sentences. */
#ifndef LOWBIT_BENCH_REPORT_HEADLINE_H_
#define LOWBIT_BENCH_REPORT_HEADLINE_H_

#include "bench/report/model.h"

/* The fastest product of a class of formats. */
typedef struct lb_headline {
    const char *name; /* "4-bit weights" */
    const lb_report_cell *best;
} lb_headline;

/* The class at this place, `best` being NULL where nothing of it was timed; false past the end. */
bool lb_report_headline(const lb_report *report, size_t index, lb_headline *headline);

/* A sentence about all products, then about each library among the peers, then about each network that was judged; at
 * most a dozen of a kind. False past the end. Empty where there is nothing to say: of a library no time of which
 * counts. */
enum { LB_SENTENCE = 256 };
bool lb_report_sentence(const lb_report *report, size_t index, char text[LB_SENTENCE]);

/* The sentence about the network at this place among those that were judged in floats. */
bool lb_report_network_sentence(const lb_report *report, size_t index, char text[LB_SENTENCE]);

#endif
