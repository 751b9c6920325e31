/* SPDX-License-Identifier: Apache-2.0 */
/* An emulated instruction changes its destination and nothing else. */
#include <string.h>

#include "tests/check.h"
#include "tests/emulate/emulate.h"
#include "tests/emulate/subject.h"

/* What a program may count on; the assembler knows the places. */
typedef struct state {
    uint64_t general[13]; /* at 0: rax rcx rdx rbx rsi r8 r9 ... r15 */
    uint64_t flags, mask; /* at 104 */
    uint64_t red_zone[2]; /* at 120: the nearest and the farthest word below the stack */
    uint64_t mxcsr;       /* at 136 */
    vector low, high;     /* at 144: zmm5 and zmm31 */
} state;

#define LOAD                                                                                                           \
    "vmovdqu64 144(%%rdi), %%zmm5\n\t vmovdqu64 208(%%rdi), %%zmm31\n\t kmovq 112(%%rdi), %%k5\n\t"                    \
    "vldmxcsr 136(%%rdi)\n\t leaq -256(%%rsp), %%rsp\n\t"                                                              \
    "movq 120(%%rdi), %%rax\n\t movq %%rax, -8(%%rsp)\n\t movq 128(%%rdi), %%rax\n\t movq %%rax, -128(%%rsp)\n\t"      \
    "movq (%%rdi), %%rax\n\t movq 8(%%rdi), %%rcx\n\t movq 16(%%rdi), %%rdx\n\t movq 24(%%rdi), %%rbx\n\t"             \
    "movq 32(%%rdi), %%rsi\n\t movq 40(%%rdi), %%r8\n\t movq 48(%%rdi), %%r9\n\t movq 56(%%rdi), %%r10\n\t"            \
    "movq 64(%%rdi), %%r11\n\t movq 72(%%rdi), %%r12\n\t movq 80(%%rdi), %%r13\n\t movq 88(%%rdi), %%r14\n\t"          \
    "movq 96(%%rdi), %%r15\n\t leaq -128(%%rsp), %%rsp\n\t pushq 104(%%rdi)\n\t popfq\n\t leaq 128(%%rsp), %%rsp\n\t"
#define STORE                                                                                                          \
    "leaq -128(%%rsp), %%rsp\n\t pushfq\n\t popq 104(%%rdi)\n\t leaq 128(%%rsp), %%rsp\n\t"                            \
    "movq %%rax, (%%rdi)\n\t movq %%rcx, 8(%%rdi)\n\t movq %%rdx, 16(%%rdi)\n\t movq %%rbx, 24(%%rdi)\n\t"             \
    "movq %%rsi, 32(%%rdi)\n\t movq %%r8, 40(%%rdi)\n\t movq %%r9, 48(%%rdi)\n\t movq %%r10, 56(%%rdi)\n\t"            \
    "movq %%r11, 64(%%rdi)\n\t movq %%r12, 72(%%rdi)\n\t movq %%r13, 80(%%rdi)\n\t movq %%r14, 88(%%rdi)\n\t"          \
    "movq %%r15, 96(%%rdi)\n\t"                                                                                        \
    "movq -8(%%rsp), %%rax\n\t movq %%rax, 120(%%rdi)\n\t movq -128(%%rsp), %%rax\n\t movq %%rax, 128(%%rdi)\n\t"      \
    "leaq 256(%%rsp), %%rsp\n\t vstmxcsr 136(%%rdi)\n\t cld\n\t"                                                       \
    "kmovq %%k5, 112(%%rdi)\n\t vmovdqu64 %%zmm5, 144(%%rdi)\n\t vmovdqu64 %%zmm31, 208(%%rdi)\n\t vzeroupper\n\t"
#define EXECUTE(force)                                                                                                 \
    __asm__ volatile(LOAD force "vdpbf16ps %%zmm5, %%zmm5, %%zmm4\n\t" STORE                                           \
                     :                                                                                                 \
                     : "D"(s)                                                                                          \
                     : "memory", "cc", "rax", "rcx", "rdx", "rbx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",      \
                       "r14", "r15", "xmm4", "xmm5", "xmm31", "k5")

ANY_INSTRUCTION static void run(state *s, int way) {
    if (way == FORCED)
        EXECUTE(EMULATE_FORCED);
    else
        EXECUTE("");
}

/* Registers that are all zero are saved and restored in a way of their own. */
ANY_INSTRUCTION static void count_after_zeros(const vector *from, vector *counts, vector *zeros, int way) {
#define COUNT(force)                                                                                                   \
    __asm__ volatile("vzeroall\n\t" force "vpopcntb (%0), %%zmm4\n\t vmovdqu64 %%zmm4, (%1)\n\t vzeroall\n\t" force    \
                     "vpopcntb %%zmm5, %%zmm4\n\t vmovdqu64 %%zmm4, (%2)\n\t vzeroupper\n\t"                           \
                     :                                                                                                 \
                     : "r"(from), "r"(counts), "r"(zeros)                                                              \
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",       \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
    if (way == FORCED)
        COUNT(EMULATE_FORCED);
    else
        COUNT("");
}

/* Leaves ones on the stack where the next call's registers will be saved. */
__attribute__((noinline)) static void dirty_stack(void) {
    volatile uint8_t ones[1 << 14];
    for (size_t i = 0; i < sizeof ones; i++) ones[i] = 0xff;
}

static void check_zeros(void) {
    for (int round = 0; round < 4; round++)
        for (int way = 0; way < WAYS; way++) {
            trial t;
            vector counts = {{0}}, zeros = {{1}};
            trial_fill(&t, BYTES);
            check_context("zeros, round %d, way %d", round, way);
            dirty_stack();
            count_after_zeros(&t.b, &counts, &zeros, way);
            for (size_t i = 0; i < 64; i++) CHECK(counts.u8[i] == want_count(&t, 1, 64, i) && zeros.u8[i] == 0);
        }
}

void check_state(void) {
    enum { FIXED_FLAGS = 0x202, CHANGING = 0xcd5 /* carry, parity, adjust, zero, sign, direction, overflow */ };
    enum { MXCSR_DEFAULT = 0x1f80, ROUND_UP = 0x4000 };
    const uint32_t mxcsr = __builtin_ia32_stmxcsr();
    for (int round = 0; round < 20; round++)
        for (int way = 0; way < WAYS; way++) {
            state before, after;
            for (size_t i = 0; i < sizeof before; i++) ((uint8_t *)&before)[i] = (uint8_t)check_random();
            before.flags = FIXED_FLAGS | (before.flags & CHANGING);
            before.mxcsr = MXCSR_DEFAULT | (round % 2 ? ROUND_UP : 0);
            after = before;
            check_context("state, round %d, way %d", round, way);
            run(&after, way);
            CHECK(memcmp(&before, &after, sizeof before) == 0);
        }
    __builtin_ia32_ldmxcsr(mxcsr);
    check_zeros();
}
