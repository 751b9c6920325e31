/* SPDX-License-Identifier: Apache-2.0 */
/* The machine and the run in a few lines of words. */
#ifndef LOWBIT_BENCH_REPORT_MACHINE_H_
#define LOWBIT_BENCH_REPORT_MACHINE_H_

#include "bench/report/model.h"

enum { LB_FACT_TEXT = 256 };

typedef struct lb_fact {
    const char *name; /* "caches" */
    char text[LB_FACT_TEXT];
} lb_fact;

/* The fact at this place, false past the end. Its text is empty where the files do not say. */
bool lb_report_fact(const lb_report *report, size_t index, lb_fact *fact);

#endif
