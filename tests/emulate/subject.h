/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the emulator share. Each instruction is executed as it stands, by the CPU where that has it, and
 * emulated in any case (EMULATE_FORCED); both must agree with plain C that shares nothing with the emulator's. */
#ifndef LOWBIT_TESTS_EMULATE_SUBJECT_H_
#define LOWBIT_TESTS_EMULATE_SUBJECT_H_

#include "tests/emulate/machine.h"

/* Functions with assembler of ours: clang asks for the features of its instructions. */
#define ANY_INSTRUCTION                                                                                                \
    __attribute__((noinline,                                                                                           \
                   target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,avx512vbmi2,"                      \
                          "avx512bitalg,avx512vpopcntdq,avx512bf16,gfni,avxvnni,amx-tile,amx-int8,amx-bf16")))

/* What stands in front of the instruction under test, by the place where it is used. */
enum { AS_IT_STANDS, FORCED, WAYS };

/* Operands and results; the assembler knows where they are. */
typedef struct trial {
    vector was, a, b, got;   /* at 0, 64, 128, 192 */
    uint64_t mask, got_mask; /* at 256, 264 */
    uint8_t *operand;        /* the last one, where it is memory */
} trial;

/* What bytes stand for. */
enum { BYTES, FLOATS, BF16 };

/* Random operands, and a mask that is sometimes empty or full. */
void trial_fill(trial *t, int content);

/* One way of one form of an instruction under test. */
typedef void execute(trial *t, int form, int way);

/* Executes it and checks that one instruction was emulated, or none where the CPU could do it. */
void trial_run(trial *t, execute *run, int form, int way, const char *name);

/* What vector instructions have beside vectors: packed memory, mask registers, addresses, missing pages. */
void check_forms(void);

/* What an instruction leaves as it was. */
void check_state(void);

/* Element i of the result of an instruction: elements of `size` bytes, operands of `bytes`, the immediate operand
 * TRIAL_IMM. */
typedef uint64_t reference(const trial *t, size_t size, size_t bytes, size_t i);
enum { TRIAL_IMM = 0x5b };

reference want_dot_bytes, want_dot_bytes_saturated, want_dot_words, want_dot_words_saturated;
reference want_count, want_permute, want_permute_two_by_old, want_permute_two_of_old, want_multishift;
reference want_left, want_right, want_left_by, want_right_by;
reference want_affine, want_affine_inverse, want_field_product;
reference want_bf16, want_two_bf16, want_dot_bf16;

/* Little-endian element i of `size` bytes. */
uint64_t element_of(const vector *v, size_t size, size_t i);
void element_set(vector *v, size_t size, size_t i, uint64_t x);

/* x * y + sum as BF16 instructions round it, and x without subnormals. */
float bf16_fused(uint16_t x, uint16_t y, float sum);
float flushed(float x);

#endif
