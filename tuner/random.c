/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/random.h"

#include <string.h>

/* xorshift64* (Vigna 2016). */
static uint64_t next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint64_t start(uint64_t seed) { return seed * UINT64_C(0x9E3779B97F4A7C15) + 1; }

void lb_random_codes(uint8_t *codes, int64_t count, uint32_t limit, uint64_t seed) {
    uint64_t state = start(seed);
    for (int64_t i = 0; i < count;) {
        uint64_t bits = next(&state);
        for (int j = 0; j < 8 && i < count; j++, bits >>= 8) codes[i++] = (uint8_t)((bits & 0xff) * limit >> 8);
    }
}

void lb_repeat_bytes(uint8_t *bytes, int64_t done, int64_t count) {
    for (int64_t more; done < count; done += more) {
        more = done < count - done ? done : count - done;
        memcpy(bytes + done, bytes, (size_t)more);
    }
}

void lb_random_floats(float *x, int64_t count, uint64_t seed) {
    uint64_t state = start(seed);
    for (int64_t i = 0; i < count; i++) {
        const uint64_t bits = next(&state);
        const float magnitude = 0.01f + 0.99f * (float)(bits >> 40) * 0x1p-24f;
        x[i] = bits & 1 ? -magnitude : magnitude;
    }
}
