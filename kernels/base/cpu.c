/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID and XCR0 on x86 (Intel SDM volume 2A, CPUID), permission for tiles (Linux Documentation/arch/x86/xstate), HWCAP
 * on aarch64 (Linux Documentation/arch/arm64/elf_hwcaps).
 * A level needs every feature that its unit is compiled with, not just the one it is named after. */
#include "kernels/base/cpu.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"

#define BIT(feature) (UINT64_C(1) << (feature))

enum {
    SSE42,
    AES,
    PCLMUL,
    AVX2,
    BMI,
    BMI2,
    FMA,
    F16C,
    AVXVNNI,
    AVX512F,
    AVX512BW,
    AVX512DQ,
    AVX512VL,
    AVX512CD,
    AVX512VNNI,
    AVX512VBMI,
    AVX512VBMI2,
    AVX512BITALG,
    AVX512VPOPCNTDQ,
    GFNI,
    AVX512BF16,
    AMX_TILE,
    AMX_INT8,
    AMX_BF16,
    ASIMD,
    ARM_AES,
    ARM_PMULL,
    ASIMDDP,
    I8MM,
    SVE
};

#define NEEDS_SSE4 (BIT(SSE42) | BIT(AES) | BIT(PCLMUL))
#define NEEDS_AVX2 (NEEDS_SSE4 | BIT(AVX2) | BIT(BMI) | BIT(BMI2) | BIT(FMA) | BIT(F16C))
#define NEEDS_AVX512 (NEEDS_AVX2 | BIT(AVX512F) | BIT(AVX512BW) | BIT(AVX512DQ) | BIT(AVX512VL) | BIT(AVX512CD))
#define NEEDS_AVX512VNNI                                                                                               \
    (NEEDS_AVX512 | BIT(AVX512VNNI) | BIT(AVX512VBMI) | BIT(AVX512VBMI2) | BIT(AVX512BITALG) | BIT(AVX512VPOPCNTDQ) |  \
     BIT(GFNI))
#define NEEDS_NEON (BIT(ASIMD) | BIT(ARM_AES) | BIT(ARM_PMULL))

static const lb_isa_level kLevels[] = {
    {LOWBIT_ISA_SCALAR, "scalar", 0},
    {LOWBIT_ISA_SSE4, "sse4", NEEDS_SSE4},
    {LOWBIT_ISA_AVX2, "avx2", NEEDS_AVX2},
    {LOWBIT_ISA_AVXVNNI, "avxvnni", NEEDS_AVX2 | BIT(AVXVNNI)},
    {LOWBIT_ISA_AVX512, "avx512", NEEDS_AVX512},
    {LOWBIT_ISA_AVX512DOT, "avx512dot", NEEDS_AVX512 | BIT(AVX512VNNI)},
    {LOWBIT_ISA_AVX512VNNI, "avx512vnni", NEEDS_AVX512VNNI},
    {LOWBIT_ISA_AVX512BF16, "avx512bf16", NEEDS_AVX512VNNI | BIT(AVX512BF16)},
    {LOWBIT_ISA_AMX, "amx", NEEDS_AVX512VNNI | BIT(AVX512BF16) | BIT(AMX_TILE) | BIT(AMX_INT8) | BIT(AMX_BF16)},
    {LOWBIT_ISA_NEON, "neon", NEEDS_NEON},
    {LOWBIT_ISA_NEONDOT, "neondot", NEEDS_NEON | BIT(ASIMDDP)},
    {LOWBIT_ISA_NEONI8MM, "neoni8mm", NEEDS_NEON | BIT(ASIMDDP) | BIT(I8MM)},
    {LOWBIT_ISA_SVE, "sve", NEEDS_NEON | BIT(SVE)},
};

size_t lb_isa_level_count(void) { return LB_COUNT(kLevels); }

const lb_isa_level *lb_isa_level_at(size_t index) { return index < LB_COUNT(kLevels) ? &kLevels[index] : NULL; }

const lb_isa_level *lb_isa_level_of(uint32_t bit) {
    for (size_t i = 0; i < LB_COUNT(kLevels); i++)
        if (kLevels[i].bit == bit) return &kLevels[i];
    return NULL;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct feature_bit {
    uint8_t feature, leaf, subleaf, reg, bit; /* reg: 0 eax, 1 ebx, 2 ecx, 3 edx */
    uint8_t state;                            /* 0 none, 1 AVX, 2 AVX-512, 3 tiles: what XCR0 must have enabled */
} feature_bit;

static const feature_bit kFeatureBits[] = {
    {SSE42, 1, 0, 2, 20, 0},
    {AES, 1, 0, 2, 25, 0},
    {PCLMUL, 1, 0, 2, 1, 0},
    {AVX2, 7, 0, 1, 5, 1},
    {BMI, 7, 0, 1, 3, 0},
    {BMI2, 7, 0, 1, 8, 0},
    {FMA, 1, 0, 2, 12, 1},
    {F16C, 1, 0, 2, 29, 1},
    {AVXVNNI, 7, 1, 0, 4, 1},
    {AVX512F, 7, 0, 1, 16, 2},
    {AVX512BW, 7, 0, 1, 30, 2},
    {AVX512DQ, 7, 0, 1, 17, 2},
    {AVX512VL, 7, 0, 1, 31, 2},
    {AVX512CD, 7, 0, 1, 28, 2},
    {AVX512VNNI, 7, 0, 2, 11, 2},
    {AVX512VBMI, 7, 0, 2, 1, 2},
    {AVX512VBMI2, 7, 0, 2, 6, 2},
    {AVX512BITALG, 7, 0, 2, 12, 2},
    {AVX512VPOPCNTDQ, 7, 0, 2, 14, 2},
    {GFNI, 7, 0, 2, 8, 0},
    {AVX512BF16, 7, 1, 0, 5, 2},
    {AMX_TILE, 7, 0, 3, 24, 3},
    {AMX_INT8, 7, 0, 3, 25, 3},
    {AMX_BF16, 7, 0, 3, 22, 3},
};

/* XCR0 bits that the operating system must have set for the registers of a feature. */
static const uint32_t kStateMask[] = {0, 0x6, 0xe6, 0x60000};

static uint32_t enabled_state(void) {
    uint32_t eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & (1u << 27))) return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static uint64_t cpu_features(void) {
    const uint32_t state = enabled_state();
    uint64_t features = 0;
    for (size_t i = 0; i < LB_COUNT(kFeatureBits); i++) {
        const feature_bit *f = &kFeatureBits[i];
        uint32_t reg[4];
        if (!__get_cpuid_count(f->leaf, f->subleaf, &reg[0], &reg[1], &reg[2], &reg[3])) continue;
        const bool saved = (state & kStateMask[f->state]) == kStateMask[f->state];
        if (saved && (reg[f->reg] >> f->bit & 1)) features |= BIT(f->feature);
    }
    return features;
}

/* A process must ask before its first tile instruction, once for all its threads and children. Refused by a kernel that
 * does not know it, by a sandbox, and where a thread's signal stack could not hold 8 KiB of tiles. */
static bool tiles_permitted(void) {
    enum { REQUEST_PERMISSION = 0x1023 /* ARCH_REQ_XCOMP_PERM */, XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, XTILEDATA) == 0;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

/* Older C libraries lack the newer names, so the bits are written out. */
static uint64_t cpu_features(void) {
    static const struct {
        uint8_t feature, word, bit;
    } kCaps[] = {{ASIMD, 0, 1}, {ARM_AES, 0, 3}, {ARM_PMULL, 0, 4}, {ASIMDDP, 0, 20}, {SVE, 0, 22}, {I8MM, 1, 13}};
    const unsigned long words[2] = {getauxval(AT_HWCAP), getauxval(26 /* AT_HWCAP2 */)};
    uint64_t features = 0;
    for (size_t i = 0; i < LB_COUNT(kCaps); i++)
        if (words[kCaps[i].word] >> kCaps[i].bit & 1) features |= BIT(kCaps[i].feature);
    return features;
}

static bool tiles_permitted(void) { return false; }

#else

static uint64_t cpu_features(void) { return 0; }
static bool tiles_permitted(void) { return false; }

#endif

uint32_t lb_isa_present(void) {
    const uint64_t features = cpu_features();
    uint32_t present = 0;
    for (size_t i = 0; i < LB_COUNT(kLevels); i++)
        if ((features & kLevels[i].needs) == kLevels[i].needs) present |= kLevels[i].bit;
    return present;
}

uint32_t lb_isa_permitted(uint32_t levels) {
    uint32_t tiles = 0;
    for (size_t i = 0; i < LB_COUNT(kLevels); i++)
        if (kLevels[i].needs & BIT(AMX_TILE)) tiles |= kLevels[i].bit;
    return (levels & tiles) && !tiles_permitted() ? levels & ~tiles : levels;
}
