/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-made safetensors files, for the subjects and for the fuzzer's seeds. */
#ifndef LOWBIT_TESTS_SAFETENSORS_H_
#define LOWBIT_TESTS_SAFETENSORS_H_

#include <stdint.h>
#include <string.h>

/* The length, the header and `data` bytes of data (0, 1, 2, ...) into `out`, which has the room. Returns the whole. */
static inline size_t safetensors_make(const char *header, size_t data, uint8_t *out) {
    const size_t length = strlen(header);
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(out + 8, header, length);
    for (size_t i = 0; i < data; i++) out[8 + length + i] = (uint8_t)i;
    return 8 + length + data;
}

#endif
