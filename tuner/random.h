/* SPDX-License-Identifier: Apache-2.0 */
/* Fast repeatable data for benches. Contents change no instruction's count of cycles, but the clock of
 * a core that multiplies tiles, and zeros and denormals do more. */
#ifndef LOWBIT_TUNER_RANDOM_H_
#define LOWBIT_TUNER_RANDOM_H_

#include <stdint.h>

/* codes[i] uniform in 0 .. limit - 1, limit <= 256. */
void lb_random_codes(uint8_t *codes, int64_t count, uint32_t limit, uint64_t seed);

/* bytes[done .. count - 1] = the first `done` >= 1 bytes, again and again. */
void lb_repeat_bytes(uint8_t *bytes, int64_t done, int64_t count);

/* x[i] uniform in (0.01, 1), with random sign. */
void lb_random_floats(float *x, int64_t count, uint64_t seed);

#endif
