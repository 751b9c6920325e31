/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/rope.h"

#include <math.h>

void lb_rope_angles(float base, int64_t head, int64_t position, float *angles) {
    for (int64_t i = 0; i < head / 2; i++) {
        const double angle = (double)position * pow((double)base, -2.0 * (double)i / (double)head);
        angles[i] = (float)cos(angle);
        angles[head / 2 + i] = (float)sin(angle);
    }
}

void lb_rope_turn(const float *angles, int64_t head, bool halves, float *x) {
    const int64_t count = head / 2, step = halves ? 1 : 2, apart = halves ? count : 1;
    const float *cosines = angles, *sines = angles + count;
    for (int64_t i = 0; i < count; i++) {
        float *at = x + i * step;
        const float a = at[0], b = at[apart];
        at[0] = a * cosines[i] - b * sines[i];
        at[apart] = a * sines[i] + b * cosines[i];
    }
}
