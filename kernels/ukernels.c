/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/ukernels.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "lowbit/gemm.h"

#define LB_UNIT(level) extern const lb_isa_unit lb_unit_##level;
#include "units.inc"
#undef LB_UNIT

#define LB_UNIT(level) &lb_unit_##level,
static const lb_isa_unit *const kUnits[] = {
#include "units.inc"
};
#undef LB_UNIT

const lb_isa_unit *lb_unit_at(size_t index) { return index < LB_COUNT(kUnits) ? kUnits[index] : NULL; }

uint32_t lb_units_compiled(void) {
    uint32_t levels = 0;
    for (size_t i = 0; i < LB_COUNT(kUnits); i++) levels |= kUnits[i]->isa;
    return levels;
}

const lb_isa_unit *lb_unit_best(const lowbit_ctx *ctx) {
    const lb_isa_unit *best = kUnits[0];
    for (size_t i = 0; i < LB_COUNT(kUnits); i++)
        if (kUnits[i]->isa & ctx->isa_enabled) best = kUnits[i];
    return best;
}

bool lb_sums_by_panel(const lb_isa_unit *unit) { return unit->isa == LOWBIT_ISA_SVE; }

const char *lb_unit_name(const lb_isa_unit *unit) { return lb_isa_level_of(unit->isa)->name; }

bool lb_kernel_at(size_t index, lb_kernel_ref *kernel) {
    for (size_t u = 0; u < LB_COUNT(kUnits); u++) {
        if (index < kUnits[u]->kernel_count) {
            *kernel = (lb_kernel_ref){kUnits[u], &kUnits[u]->kernels[index]};
            return true;
        }
        index -= kUnits[u]->kernel_count;
    }
    return false;
}

size_t lb_kernel_index(lb_kernel_ref ref) {
    size_t index = (size_t)(ref.kernel - ref.unit->kernels);
    for (size_t u = 0; kUnits[u] != ref.unit; u++) index += kUnits[u]->kernel_count;
    return index;
}

/* Activations that come as int8 codes. */
enum { CODES = 1 << LOWBIT_A8 | 1 << LOWBIT_A4 | 1 << LOWBIT_A2 | 1 << LOWBIT_A1 | 1 << LOWBIT_U1 };

enum { FLOATS = 1 << LOWBIT_AF | 1 << LOWBIT_AF32 };

static const lb_algorithm kAlgorithms[LB_ALGORITHMS] = {
    [LB_ALGORITHM_DOT] = {"dot", CODES, false, 0},
    [LB_ALGORITHM_ROWS] = {"rows", CODES, false, 0},
    [LB_ALGORITHM_TILE] = {"tile", CODES, false, 0},
    [LB_ALGORITHM_L1] = {"l1", 1 << LOWBIT_A8, true, 0},
    [LB_ALGORITHM_XOR] = {"xor", 1 << LOWBIT_A1, false, 0},
    [LB_ALGORITHM_AND] = {"and", 1 << LOWBIT_U1, false, 0},
    [LB_ALGORITHM_AND2] = {"and2", 1 << LOWBIT_A2, false, 0},
    [LB_ALGORITHM_AND4] = {"and4", 1 << LOWBIT_A4, false, 0},
    [LB_ALGORITHM_LUT] = {"lut", CODES, false, 0},
    [LB_ALGORITHM_FMA] = {"fma", FLOATS, false, LB_FACTORS_FLOAT},
    [LB_ALGORITHM_DIGITS] = {"digits", 1 << LOWBIT_AF, false, LB_FACTORS_DIGITS},
    [LB_ALGORITHM_TILE_BF16] = {"tilebf16", 1 << LOWBIT_AF, false, LB_FACTORS_BF16},
    [LB_ALGORITHM_FMA_BF16] = {"fmabf16", 1 << LOWBIT_AF, false, LB_FACTORS_BF16},
    [LB_ALGORITHM_L1F] = {"l1f", FLOATS, true, LB_FACTORS_FLOAT},
};

const lb_algorithm *lb_algorithm_of(const lb_kernel *kernel) { return &kAlgorithms[kernel->algorithm]; }

void lb_kernel_name(lb_kernel_ref ref, char *text, size_t size) {
    const lb_kernel *k = ref.kernel;
    snprintf(text, size, "%s.%s.%ux%u.%s", lb_codings[k->coding].name, lb_algorithm_of(k)->name, k->mr, k->nr,
             lb_unit_name(ref.unit));
}

bool lb_kernel_find(const char *name, lb_kernel_ref *kernel) {
    char text[LB_KERNEL_NAME];
    for (size_t i = 0; lb_kernel_at(i, kernel); i++) {
        lb_kernel_name(*kernel, text, sizeof text);
        if (strcmp(text, name) == 0) return true;
    }
    return false;
}

size_t lowbit_kernel_count(void) {
    size_t count = 0;
    for (size_t u = 0; u < LB_COUNT(kUnits); u++) count += kUnits[u]->kernel_count;
    return count;
}

lowbit_status lowbit_kernel_get(const lowbit_ctx *ctx, size_t index, lowbit_kernel_info *info, lowbit_error *error) {
    LB_REQUIRE(ctx && info && LB_HAS_FIELD(info, lowbit_kernel_info, enabled), error, LOWBIT_INVALID_ARGUMENT,
               "ctx or info is NULL, or info's struct_size is too small");
    lb_kernel_ref ref;
    LB_REQUIRE(lb_kernel_at(index, &ref), error, LOWBIT_INVALID_ARGUMENT, "index %zu: there are %zu kernels", index,
               lowbit_kernel_count());
    lb_kernel_name(ref, info->name, sizeof info->name);
    info->isa = ref.unit->isa;
    info->width = lb_codings[ref.kernel->coding].bits;
    info->mr = ref.kernel->mr;
    info->nr = ref.kernel->nr;
    info->enabled = (ctx->isa_enabled & ref.unit->isa) != 0;
    return LOWBIT_OK;
}
