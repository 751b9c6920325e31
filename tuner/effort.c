/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/effort.h"

const char *const lb_effort_names[LOWBIT_EXHAUSTIVE + 2] = {"estimate", "measure", "patient", "exhaustive", NULL};

bool lb_effort_measures(uint32_t effort) { return lb_effort_seconds(effort) > 0; }

double lb_effort_seconds(uint32_t effort) {
    static const double kSeconds[] = {[LOWBIT_MEASURE] = 1, [LOWBIT_PATIENT] = 5, [LOWBIT_EXHAUSTIVE] = 60};
    return effort <= LOWBIT_EXHAUSTIVE ? kSeconds[effort] : 0;
}
