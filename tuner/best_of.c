/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/best_of.h"

#include <math.h>

#include "kernels/base/base.h"

enum { BEST_OF = 3 };

double lb_best_of(const lb_clock *clock, lb_best_work work, void *arg, int64_t batch_ns) {
    double best = INFINITY;
    int64_t reps = 1;
    for (int i = 0; i < BEST_OF;) {
        const int64_t start = clock->now_ns(clock->user);
        work(arg, reps);
        const int64_t took = lb_max(clock->now_ns(clock->user) - start, 1);
        if (took < batch_ns / 2 && reps < 1 << 20) {
            reps = lb_min(reps * lb_min(lb_max(batch_ns / took, 2), 100), 1 << 20);
            continue;
        }
        best = fmin(best, 1e-9 * (double)took / (double)reps);
        i++;
    }
    return best;
}
