/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "tests/emulate/emulate.h"

/* What can be emulated, and what the host must be able to run for it: everything else that the unit is compiled with.
 */
static const struct {
    uint32_t level, host;
} kLevels[] = {
    {LOWBIT_ISA_AVXVNNI, LOWBIT_ISA_AVX2},      {LOWBIT_ISA_AVX512DOT, LOWBIT_ISA_AVX512},
    {LOWBIT_ISA_AVX512VNNI, LOWBIT_ISA_AVX512}, {LOWBIT_ISA_AVX512BF16, LOWBIT_ISA_AVX512},
    {LOWBIT_ISA_AMX, LOWBIT_ISA_AVX512},
};

static uint32_t emulated;

/* ld --wrap: the library's questions come here. */
uint32_t __real_lb_isa_present(void);
uint32_t __wrap_lb_isa_present(void);
uint32_t __wrap_lb_isa_present(void) { return __real_lb_isa_present() | emulated; }

uint32_t __real_lb_isa_permitted(uint32_t levels);
uint32_t __wrap_lb_isa_permitted(uint32_t levels);
uint32_t __wrap_lb_isa_permitted(uint32_t levels) {
    return __real_lb_isa_permitted(levels & ~emulated) | (levels & emulated);
}

uint32_t emulate_levels_emulated(void) { return emulated; }

static bool is_word(const char *name, const char *word, size_t length) {
    return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* The index of a row of kLevels. A name that is none ends the program: no test may pass because of a typing mistake. */
static size_t find_level(const char *word, size_t length) {
    for (size_t i = 0; i < LB_COUNT(kLevels); i++)
        if (is_word(lb_isa_level_of(kLevels[i].level)->name, word, length)) return i;
    printf("LOWBIT_TEST_EMULATE: \"%.*s\" cannot be emulated\n", (int)length, word);
    exit(1);
}

const char *emulate_levels(const char *names) {
    const char *pointless = "this machine runs these levels itself";
    const uint32_t present = __real_lb_isa_present(), runs = __real_lb_isa_permitted(present);
    uint32_t wanted = 0;
    for (const char *word = names; *word;) {
        const size_t length = strcspn(word, ","), i = find_level(word, length);
        const bool possible = runs & kLevels[i].host, needed = !(runs & kLevels[i].level);
        if (needed && possible) wanted |= kLevels[i].level;
        if (needed && !possible) pointless = "this machine lacks what these levels are built on (AVX2, AVX-512)";
        word += length + (word[length] != 0);
    }
    if (!wanted) return pointless;
    if (!emulate_start()) return "this machine has no registers to emulate with";
    emulated = wanted;
    printf("emulated:");
    for (size_t i = 0; i < LB_COUNT(kLevels); i++)
        if (wanted & kLevels[i].level) printf(" %s", lb_isa_level_of(kLevels[i].level)->name);
    printf("\n");
    return NULL;
}
