/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target is: libFuzzer's entry, and a corpus that the target makes by itself, so that none is committed.
 * Built by libFuzzer (option LOWBIT_FUZZ) or with tests/fuzz/replay.c. */
#ifndef LOWBIT_TESTS_FUZZ_FUZZ_H_
#define LOWBIT_TESTS_FUZZ_FUZZ_H_

#include <stddef.h>
#include <stdint.h>

/* Reads the bytes as a foreigner's; a broken promise of the library ends the process. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes input `index` of the corpus into at most `room` bytes and returns its length; 0 past the last one. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room);

/* Prints and aborts, which libFuzzer and the replay report with the input. */
void fuzz_require(int condition, const char *what);

#endif
