/* SPDX-License-Identifier: Apache-2.0 */
/* Every instruction on vectors that can be emulated, with all kinds of operands. */
#include "tests/emulate/subject.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "tests/check.h"
#include "tests/emulate/emulate.h"

/* ---- how an instruction is written ---- */

#define LOAD_YMM "vmovdqu (%0), %%ymm1\n\t vmovdqu 64(%0), %%ymm2\n\t vmovdqu 128(%0), %%ymm3\n\t"
#define STORE_YMM "vmovdqu %%ymm1, 192(%0)\n\t vzeroupper\n\t"
#define LOAD                                                                                                           \
    "vmovdqu64 (%0), %%zmm1\n\t vmovdqu64 64(%0), %%zmm2\n\t vmovdqu64 128(%0), %%zmm3\n\t"                            \
    "vmovdqu64 (%0), %%zmm12\n\t vmovdqu64 128(%0), %%zmm11\n\t vmovdqu64 128(%0), %%zmm18\n\t"                        \
    "vmovdqu64 (%0), %%zmm28\n\t vmovdqu64 64(%0), %%zmm21\n\t vmovdqu64 128(%0), %%zmm30\n\t"                         \
    "kmovq 256(%0), %%k1\n\t kmovq 256(%0), %%k7\n\t"
#define STORE "vmovdqu64 %%zmm1, 192(%0)\n\t vzeroupper\n\t"
#define STORE_28 "vmovdqu64 %%zmm28, 192(%0)\n\t vzeroupper\n\t"
#define STORE_12 "vmovdqu64 %%zmm12, 192(%0)\n\t vzeroupper\n\t"
#define MASKED "%{%%k1%}"
#define ZEROED "%{%%k1%}%{z%}"
#define TO8 "%{1to8%}"
#define TO16 "%{1to16%}"
#define NOT_REPEATED ""

#define EXECUTE(before, text, after, ...)                                                                              \
    __asm__ volatile(before text "\n\t" after : : "r"(t), "r"(t->operand - 64) : "memory", __VA_ARGS__)
#define WAY(form, before, text, after, ...)                                                                            \
    case (form)*WAYS + AS_IT_STANDS: EXECUTE(before, text, after, __VA_ARGS__); break;                                 \
    case (form)*WAYS + FORCED:                                                                                         \
        EXECUTE(before, EMULATE_FORCED text, after, __VA_ARGS__);                                                      \
        break
#define EVEX_WAY(form, text, after)                                                                                    \
    WAY(form, LOAD, text, after, "xmm1", "xmm2", "xmm3", "xmm11", "xmm12", "xmm18", "xmm21", "xmm28", "xmm30", "k1",   \
        "k7")
#define VEX_WAY(form, text) WAY(form, LOAD_YMM, "%{vex%} " text, STORE_YMM, "xmm1", "xmm2", "xmm3")

/* The forms that kForms describes. `second` is the second operand with its comma, or nothing; z, y and x are the
 * classes of results of operands of 64, 32 and 16 bytes. */
#define SOURCE(name) "%%" #name ", "
#define NONE(name)
#define FORMS(id, text, imm, second, repeated, z, y, x)                                                                \
    ANY_INSTRUCTION static void run_##id(trial *t, int form, int way) {                                                \
        switch (form * WAYS + way) {                                                                                   \
            EVEX_WAY(0, text " " imm "%%zmm3, " second(zmm2) "%%" z "1", STORE);                                       \
            EVEX_WAY(1, text " " imm "%%ymm18, " second(ymm2) "%%" y "1" MASKED, STORE);                               \
            EVEX_WAY(2, text " " imm "%%xmm11, " second(xmm2) "%%" x "12" ZEROED, STORE_12);                           \
            EVEX_WAY(3, text " " imm "64(%1), " second(zmm2) "%%" z "1" MASKED, STORE);                                \
            EVEX_WAY(4, text " " imm "%%zmm30, " second(zmm21) "%%" z "28%{%%k7%}", STORE_28);                         \
            EVEX_WAY(5, text " " imm "64(%1)" repeated ", " second(zmm2) "%%" z "1" ZEROED, STORE);                    \
            default: break;                                                                                            \
        }                                                                                                              \
    }
#define FORMS_VEX(id, text, imm)                                                                                       \
    __attribute__((noinline, target("avx2,avxvnni,gfni"))) static void vex_##id(trial *t, int form, int way) {         \
        switch (form * WAYS + way) {                                                                                   \
            VEX_WAY(0, text " " imm "%%ymm3, %%ymm2, %%ymm1");                                                         \
            VEX_WAY(1, text " " imm "%%xmm3, %%xmm2, %%xmm1");                                                         \
            VEX_WAY(2, text " " imm "64(%1), %%ymm2, %%ymm1");                                                         \
            default: break;                                                                                            \
        }                                                                                                              \
    }

typedef struct shape {
    size_t bytes;
    bool masked, zeroing, repeated;
} shape;
static const shape kForms[] = {{64, false, false, false}, {32, true, false, false}, {16, true, true, false},
                               {64, true, false, false},  {64, true, false, false}, {64, true, true, true}};
static const shape kVexForms[] = {{32, false, false, false}, {16, false, false, false}, {32, false, false, false}};

/* ---- the instructions: X(name, immediate, operands, what a broadcast repeats and its bytes, bytes of an element,
 * reference, content) ---- */

#define IMMEDIATE "$0x5b, "
#define INSTRUCTIONS(X)                                                                                                \
    X(vpdpbusd, "", SOURCE, TO16, 4, 4, want_dot_bytes, BYTES)                                                         \
    X(vpdpbusds, "", SOURCE, TO16, 4, 4, want_dot_bytes_saturated, BYTES)                                              \
    X(vpdpwssd, "", SOURCE, TO16, 4, 4, want_dot_words, BYTES)                                                         \
    X(vpdpwssds, "", SOURCE, TO16, 4, 4, want_dot_words_saturated, BYTES)                                              \
    X(vpopcntb, "", NONE, NOT_REPEATED, 0, 1, want_count, BYTES)                                                       \
    X(vpopcntw, "", NONE, NOT_REPEATED, 0, 2, want_count, BYTES)                                                       \
    X(vpopcntd, "", NONE, TO16, 4, 4, want_count, BYTES)                                                               \
    X(vpopcntq, "", NONE, TO8, 8, 8, want_count, BYTES)                                                                \
    X(vpermb, "", SOURCE, NOT_REPEATED, 0, 1, want_permute, BYTES)                                                     \
    X(vpermi2b, "", SOURCE, NOT_REPEATED, 0, 1, want_permute_two_by_old, BYTES)                                        \
    X(vpermt2b, "", SOURCE, NOT_REPEATED, 0, 1, want_permute_two_of_old, BYTES)                                        \
    X(vpmultishiftqb, "", SOURCE, TO8, 8, 1, want_multishift, BYTES)                                                   \
    X(vpshldw, IMMEDIATE, SOURCE, NOT_REPEATED, 0, 2, want_left, BYTES)                                                \
    X(vpshldd, IMMEDIATE, SOURCE, TO16, 4, 4, want_left, BYTES)                                                        \
    X(vpshldq, IMMEDIATE, SOURCE, TO8, 8, 8, want_left, BYTES)                                                         \
    X(vpshrdw, IMMEDIATE, SOURCE, NOT_REPEATED, 0, 2, want_right, BYTES)                                               \
    X(vpshrdd, IMMEDIATE, SOURCE, TO16, 4, 4, want_right, BYTES)                                                       \
    X(vpshrdq, IMMEDIATE, SOURCE, TO8, 8, 8, want_right, BYTES)                                                        \
    X(vpshldvw, "", SOURCE, NOT_REPEATED, 0, 2, want_left_by, BYTES)                                                   \
    X(vpshldvd, "", SOURCE, TO16, 4, 4, want_left_by, BYTES)                                                           \
    X(vpshldvq, "", SOURCE, TO8, 8, 8, want_left_by, BYTES)                                                            \
    X(vpshrdvw, "", SOURCE, NOT_REPEATED, 0, 2, want_right_by, BYTES)                                                  \
    X(vpshrdvd, "", SOURCE, TO16, 4, 4, want_right_by, BYTES)                                                          \
    X(vpshrdvq, "", SOURCE, TO8, 8, 8, want_right_by, BYTES)                                                           \
    X(vgf2p8affineqb, IMMEDIATE, SOURCE, TO8, 8, 1, want_affine, BYTES)                                                \
    X(vgf2p8affineinvqb, IMMEDIATE, SOURCE, TO8, 8, 1, want_affine_inverse, BYTES)                                     \
    X(vgf2p8mulb, "", SOURCE, NOT_REPEATED, 0, 1, want_field_product, BYTES)                                           \
    X(vcvtne2ps2bf16, "", SOURCE, TO16, 4, 2, want_two_bf16, FLOATS)                                                   \
    X(vdpbf16ps, "", SOURCE, TO16, 4, 4, want_dot_bf16, BF16)

#define FORMS_OF(name, imm, second, repeated, repeated_bytes, size, want, content)                                     \
    FORMS(name, #name, imm, second, repeated, "zmm", "ymm", "xmm")
INSTRUCTIONS(FORMS_OF)
FORMS(vcvtneps2bf16, "vcvtneps2bf16", "", NONE, TO16, "ymm", "xmm", "xmm")
FORMS_VEX(vpdpbusd, "vpdpbusd", "")
FORMS_VEX(vpdpbusds, "vpdpbusds", "")
FORMS_VEX(vpdpwssd, "vpdpwssd", "")
FORMS_VEX(vpdpwssds, "vpdpwssds", "")
FORMS_VEX(vgf2p8affineqb, "vgf2p8affineqb", IMMEDIATE)
FORMS_VEX(vgf2p8affineinvqb, "vgf2p8affineinvqb", IMMEDIATE)
FORMS_VEX(vgf2p8mulb, "vgf2p8mulb", "")

typedef struct tested {
    const char *name;
    execute *run;
    reference *want;
    uint8_t size, repeated, narrow, content; /* bytes of an element and of what a broadcast repeats; halves the width */
} tested;

#define TESTED(name, imm, second, repeated, repeated_bytes, size, want, content)                                       \
    {#name, run_##name, want, size, repeated_bytes, 0, content},
static const tested kTested[] = {INSTRUCTIONS(TESTED){"vcvtneps2bf16", run_vcvtneps2bf16, want_bf16, 2, 4, 1, FLOATS}};
static const tested kVex[] = {
    {"vex vpdpbusd", vex_vpdpbusd, want_dot_bytes, 4, 0, 0, BYTES},
    {"vex vpdpbusds", vex_vpdpbusds, want_dot_bytes_saturated, 4, 0, 0, BYTES},
    {"vex vpdpwssd", vex_vpdpwssd, want_dot_words, 4, 0, 0, BYTES},
    {"vex vpdpwssds", vex_vpdpwssds, want_dot_words_saturated, 4, 0, 0, BYTES},
    {"vex vgf2p8affineqb", vex_vgf2p8affineqb, want_affine, 1, 0, 0, BYTES},
    {"vex vgf2p8affineinvqb", vex_vgf2p8affineinvqb, want_affine_inverse, 1, 0, 0, BYTES},
    {"vex vgf2p8mulb", vex_vgf2p8mulb, want_field_product, 1, 0, 0, BYTES},
};

/* ---- running them ---- */

void trial_run(trial *t, execute *run, int form, int way, const char *name) {
    static const char *last; /* each name once */
    const uint64_t before = emulate_count();
    check_context("%s, form %d, %s", name, form, way == FORCED ? "forced" : "as it stands");
    run(t, form, way);
    const uint64_t emulated = emulate_count() - before;
    CHECK(emulated == 1 || (emulated == 0 && way != FORCED));
    if (emulated || last == name) return;
    last = name;
    printf("  this CPU has %s\n", name);
}

/* The register after the instruction. */
static vector expect(const tested *r, const shape *form, const trial *t) {
    vector want = {{0}};
    trial u = *t;
    for (size_t i = 0; form->repeated && r->repeated && i < 64u / r->repeated; i++)
        element_set(&u.b, r->repeated, i, element_of(&t->b, r->repeated, 0));
    for (size_t i = 0; i < (form->bytes >> r->narrow) / r->size; i++) {
        uint64_t x = 0;
        if (!form->masked || (t->mask >> i & 1))
            x = r->want(&u, r->size, form->bytes, i);
        else if (!form->zeroing)
            x = element_of(&t->was, r->size, i);
        element_set(&want, r->size, i, x);
    }
    return want;
}

static bool is_nan(uint64_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

/* Which NaN it is, is not promised. */
static void same_nan(const tested *r, vector *got, const vector *want) {
    for (size_t i = 0; r->want == want_dot_bf16 && i < 16; i++)
        if (is_nan(element_of(got, 4, i)) && is_nan(element_of(want, 4, i)))
            element_set(got, 4, i, element_of(want, 4, i));
}

static void check_instruction(const tested *r, const shape *forms, size_t count, size_t compared) {
    for (int round = 0; round < 40; round++)
        for (size_t f = 0; f < count; f++) {
            trial t;
            trial_fill(&t, r->content);
            const vector want = expect(r, &forms[f], &t);
            for (int way = 0; way < WAYS; way++) {
                trial_run(&t, r->run, (int)f, way, r->name);
                same_nan(r, &t.got, &want);
                CHECK(memcmp(&t.got, &want, compared) == 0);
            }
        }
}

void subject_emulate(void) {
    if (!emulate_start()) check_skip("this machine has no AVX");
    if (!(lb_isa_present() & LOWBIT_ISA_AVX2)) check_skip("this machine has no AVX2");
    for (size_t i = 0; i < LB_COUNT(kVex); i++) check_instruction(&kVex[i], kVexForms, LB_COUNT(kVexForms), 32);
    if (!(lb_isa_present() & LOWBIT_ISA_AVX512)) return;
    for (size_t i = 0; i < LB_COUNT(kTested); i++) check_instruction(&kTested[i], kForms, LB_COUNT(kForms), 64);
    check_forms();
    check_state();
}
