/* SPDX-License-Identifier: Apache-2.0 */
/* Levels that this CPU lacks, for tests alone: their instructions raise SIGILL, are computed in plain C on the saved
 * registers, and stepped over.
 *
 *     LOWBIT_TEST_EMULATE=avxvnni,avx512dot,avx512vnni,avx512bf16,amx lowbit-tests kernels
 *
 * makes the library of this process find these levels. The host must have what they are built on: AVX2 for avxvnni, the
 * level avx512 for the others. What the host has itself it runs itself. The library knows nothing of this: the linker
 * puts levels.c in front of its two questions about the CPU. */
#ifndef LOWBIT_TESTS_EMULATE_EMULATE_H_
#define LOWBIT_TESTS_EMULATE_EMULATE_H_

#include <stdbool.h>
#include <stdint.h>

/* Begins to emulate the levels named, parted by commas, that the CPU cannot run. Returns NULL, or why the tests are
 * pointless here: all of them run here, or the host lacks what they are built on. */
const char *emulate_levels(const char *names);

/* LOWBIT_ISA_* that are emulated. */
uint32_t emulate_levels_emulated(void);

/* Begins to emulate instructions, without a word about levels. False where no instruction can be: not x86, no AVX2. */
bool emulate_start(void);

/* Instructions that this thread has emulated. */
uint64_t emulate_count(void);

/* In front of an instruction (assembler text): emulates it also where the CPU has it. An undefined instruction and two
 * bytes to know it by. */
#define EMULATE_FORCED ".byte 0x0f, 0x0b, 0x6c, 0x62\n\t"

#endif
