/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/ukernels.h"

#include "kernels/base/base.h"

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
