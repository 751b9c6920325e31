/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions: pairs of elements of a head, turned by an angle that grows with the position. */
#ifndef LOWBIT_NN_ROPE_H_
#define LOWBIT_NN_ROPE_H_

#include <stdbool.h>
#include <stdint.h>

/* cos, then sin, of the angle position * base^(-2 i / head) of each pair i: `head` floats of a position. */
void lb_rope_angles(float base, int64_t head, int64_t position, float *angles);

/* Turns pair i of x by those angles: elements i and i + head / 2, or 2 i and 2 i + 1. */
void lb_rope_turn(const float *angles, int64_t head, bool halves, float *x);

#endif
