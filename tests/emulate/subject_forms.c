/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that few instructions have: elements packed in memory, results in mask registers, addresses of all kinds, and
 * pages that are missing where the mask is 0. */
#include <string.h>

#include "tests/check.h"
#include "tests/emulate/emulate.h"
#include "tests/emulate/subject.h"

#define EXECUTE(before, text, after, ...)                                                                              \
    __asm__ volatile(                                                                                                  \
        "vmovdqu64 (%0), %%zmm1\n\t vmovdqu64 64(%0), %%zmm2\n\t vmovdqu64 128(%0), %%zmm3\n\t"                        \
        "kmovq 256(%0), %%k1\n\t" before "\n\t" text "\n\t" after "\n\t vmovdqu64 %%zmm1, 192(%0)\n\t vzeroupper\n\t"  \
        :                                                                                                              \
        : "r"(t), __VA_ARGS__                                                                                          \
        : "memory", "xmm1", "xmm2", "xmm3", "xmm4", "k1", "k2", "r12", "r13", "r14")
#define AROUND(form, before, text, after, ...)                                                                         \
    case (form)*WAYS + AS_IT_STANDS: EXECUTE(before, text, after, __VA_ARGS__); break;                                 \
    case (form)*WAYS + FORCED:                                                                                         \
        EXECUTE(before, EMULATE_FORCED text, after, __VA_ARGS__);                                                      \
        break
#define WAY(form, text, ...) AROUND(form, "", text, "", __VA_ARGS__)
#define MASKED "%{%%k1%}"
#define ZEROED "%{%%k1%}%{z%}"

enum { TO_REGISTER, TO_REGISTER_ZEROED, TO_NARROW, IN_MEMORY, PACKED_FORMS };

/* Of b, or the memory at t->operand; a one-byte displacement counts elements. */
#define PACKED(name)                                                                                                   \
    ANY_INSTRUCTION static void compress_##name(trial *t, int form, int way) {                                         \
        switch (form * WAYS + way) {                                                                                   \
            WAY(TO_REGISTER, "vpcompress" #name " %%zmm3, %%zmm1" MASKED, "r"(t->operand));                            \
            WAY(TO_REGISTER_ZEROED, "vpcompress" #name " %%zmm3, %%zmm1" ZEROED, "r"(t->operand));                     \
            WAY(TO_NARROW, "vpcompress" #name " %%ymm3, %%ymm1" MASKED, "r"(t->operand));                              \
            WAY(IN_MEMORY, "vpcompress" #name " %%zmm3, 64(%1)" MASKED, "r"(t->operand - 64));                         \
            default: break;                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    ANY_INSTRUCTION static void expand_##name(trial *t, int form, int way) {                                           \
        switch (form * WAYS + way) {                                                                                   \
            WAY(TO_REGISTER, "vpexpand" #name " %%zmm3, %%zmm1" MASKED, "r"(t->operand));                              \
            WAY(TO_REGISTER_ZEROED, "vpexpand" #name " %%zmm3, %%zmm1" ZEROED, "r"(t->operand));                       \
            WAY(TO_NARROW, "vpexpand" #name " %%ymm3, %%ymm1" MASKED, "r"(t->operand));                                \
            WAY(IN_MEMORY, "vpexpand" #name " 64(%1), %%zmm1" MASKED, "r"(t->operand - 64));                           \
            default: break;                                                                                            \
        }                                                                                                              \
    }
PACKED(b)
PACKED(w)

/* Where memory is the operand it ends, with the last element, at a missing page. */
static void check_packed(size_t size, execute *compress, execute *expand) {
    for (int round = 0; round < 60; round++) {
        const int form = round % PACKED_FORMS;
        const size_t bytes = form == TO_NARROW ? 32 : 64;
        trial t;
        vector packed = {{0}}, spread = {{0}};
        size_t count = 0;
        trial_fill(&t, BYTES);
        if (form == TO_REGISTER) packed = spread = t.was;
        if (form == IN_MEMORY) spread = t.was;
        if (form == TO_NARROW) memcpy(&packed, &t.was, bytes), memcpy(&spread, &t.was, bytes);
        for (size_t i = 0; i < bytes / size; i++) {
            if (!(t.mask >> i & 1)) continue;
            element_set(&packed, size, count, element_of(&t.b, size, i));
            element_set(&spread, size, i, element_of(&t.b, size, count++));
        }
        uint8_t *memory = check_guarded(count * size + 1, CHECK_GUARD_AFTER);
        memory++;
        for (int way = 0; way < WAYS; way++) {
            t.operand = memory;
            memset(memory - 1, 0xA5, count * size + 1);
            trial_run(&t, compress, form, way, "vpcompress");
            if (form == IN_MEMORY)
                CHECK(memory[-1] == 0xA5 && memcmp(memory, &packed, count * size) == 0);
            else
                CHECK(memcmp(&t.got, &packed, 64) == 0);
            memcpy(memory, &t.b, count * size);
            trial_run(&t, expand, form, way, "vpexpand");
            CHECK(memcmp(&t.got, &spread, 64) == 0);
        }
        check_guard_free_all();
    }
}

/* ---- results in a mask register ---- */

ANY_INSTRUCTION static void run_shuffle_bits(trial *t, int form, int way) {
    switch (form * WAYS + way) {
        AROUND(0, "", "vpshufbitqmb %%zmm3, %%zmm2, %%k2" MASKED, "kmovq %%k2, 264(%0)", "r"(t));
        AROUND(1, "", "vpshufbitqmb %%ymm3, %%ymm2, %%k2", "kmovq %%k2, 264(%0)", "r"(t));
        default: break;
    }
}

static void check_shuffle_bits(void) {
    for (int round = 0; round < 40; round++) {
        const size_t bytes = round % 2 ? 32 : 64;
        trial t;
        uint64_t want = 0;
        trial_fill(&t, BYTES);
        for (size_t i = 0; i < bytes; i++)
            want |= (element_of(&t.a, 8, i / 8) >> t.b.u8[i] % 64 & 1) << i & (bytes == 64 ? t.mask : UINT64_MAX);
        for (int way = 0; way < WAYS; way++) {
            trial_run(&t, run_shuffle_bits, round % 2, way, "vpshufbitqmb");
            CHECK(t.got_mask == want);
        }
    }
}

/* ---- addresses: all forms read the same 16 bytes ---- */

static uint8_t bytes_read[1024];
enum { MIDDLE = 512, ADDRESS_FORMS = 10 };

ANY_INSTRUCTION static void run_address(trial *t, int form, int way) {
    uint8_t *at = bytes_read + MIDDLE;
    switch (form * WAYS + way) {
        WAY(0, "vpopcntb (%1), %%xmm1", "r"(at));
        WAY(1, "vpopcntb -32(%1), %%xmm1", "r"(at + 32));
        WAY(2, "vpopcntb 17(%1), %%xmm1", "r"(at - 17)); /* no multiple of 16: four bytes of displacement */
        WAY(3, "vpopcntb (%1,%2,8), %%xmm1", "r"(at + 80), "r"(INT64_C(-10)));
        WAY(4, "vpopcntb 48(%1,%2,2), %%xmm1", "r"(at + 12), "r"(INT64_C(-30)));
        WAY(5, "vpopcntb -4(,%1,4), %%xmm1", "r"((uintptr_t)at / 4 + 1));
        WAY(6, "vpopcntb %1, %%xmm1", "m"(bytes_read[MIDDLE])); /* from rip on */
        AROUND(7, "vmovdqu (%1), %%xmm4\n\t leaq -256(%%rsp), %%rsp\n\t vmovdqu %%xmm4, 16(%%rsp)",
               "vpopcntb 16(%%rsp), %%xmm1", "leaq 256(%%rsp), %%rsp", "r"(at));
        AROUND(8, "movq %1, %%r12", "vpopcntb (%%r12), %%xmm1", "", "r"(at));
        AROUND(9, "movq %1, %%r13\n\t movq $3, %%r14", "vpopcntb (%%r13,%%r14), %%xmm1", "", "r"(at - 3));
        default: break;
    }
}

static void check_addresses(void) {
    for (size_t i = 0; i < sizeof bytes_read; i++) bytes_read[i] = (uint8_t)check_random();
    for (int form = 0; form < ADDRESS_FORMS; form++)
        for (int way = 0; way < WAYS; way++)
            for (int again = 0; again < 2; again++) { /* by a signal, then by a jump */
                trial t;
                trial_fill(&t, BYTES);
                memcpy(&t.b, bytes_read + MIDDLE, 16);
                trial_run(&t, run_address, form, way, "vpopcntb");
                for (size_t i = 0; i < 64; i++) CHECK(t.got.u8[i] == (i < 16 ? want_count(&t, 1, 16, i) : 0));
            }
}

/* ---- elements that the mask leaves out are not read ---- */

ANY_INSTRUCTION static void run_part(trial *t, int form, int way) {
    switch (form * WAYS + way) {
        WAY(0, "vpopcntd (%1), %%zmm1" ZEROED, "r"(t->operand));
        WAY(1, "vpopcntd (%1)%{1to16%}, %%zmm1" ZEROED, "r"(t->operand));
        default: break;
    }
}

static void check_missing_pages(void) {
    for (size_t there = 0; there <= 16; there++)
        for (int way = 0; way < WAYS; way++) {
            trial t;
            trial_fill(&t, BYTES);
            t.operand = (uint8_t *)check_guarded(4 * there + 1, CHECK_GUARD_AFTER) + 1;
            memcpy(t.operand, &t.b, 4 * there);
            t.mask = (UINT64_C(1) << there) - 1;
            trial_run(&t, run_part, 0, way, "vpopcntd");
            for (size_t i = 0; i < 16; i++)
                CHECK(element_of(&t.got, 4, i) == (i < there ? want_count(&t, 4, 64, i) : 0));
            if (there < 2) trial_run(&t, run_part, 1, way, "vpopcntd");
        }
    check_guard_free_all();
}

void check_forms(void) {
    check_packed(1, compress_b, expand_b);
    check_packed(2, compress_w, expand_w);
    check_shuffle_bits();
    check_addresses();
    check_missing_pages();
}
