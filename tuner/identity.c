/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a machine, from its report and the enabled levels. */
#include "tuner/identity.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/cpu.h"

/* One word: what is no letter, digit or one of a few signs becomes '_'; "none" where there is nothing. */
static void as_word(const char *from, char *to, size_t size) {
    static const char kSigns[] = ".-+()@";
    size_t used = 0;
    for (; *from && used + 1 < size; from++) {
        const bool plain = (*from >= '0' && *from <= '9') || (*from >= 'A' && *from <= 'Z') ||
                           (*from >= 'a' && *from <= 'z') || strchr(kSigns, *from);
        to[used++] = plain ? *from : '_';
    }
    to[used] = 0;
    if (!used) snprintf(to, size, "none");
}

static void print_levels(uint32_t enabled, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < lb_isa_level_count() && used < size; i++)
        if (enabled & lb_isa_level_at(i)->bit)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "", lb_isa_level_at(i)->name);
}

void lb_identity_print(const lowbit_ctx *ctx, char text[LB_IDENTITY_TEXT]) {
    const lowbit_machine *m = &ctx->machine;
    char vendor[sizeof m->vendor], levels[160];
    as_word(m->vendor, vendor, sizeof vendor);
    print_levels(ctx->isa_enabled, levels, sizeof levels);
    snprintf(text, LB_IDENTITY_TEXT,
             "vendor=%s family=%" PRIu32 " model=%" PRIu32 " stepping=%" PRIu32 " isa=%s l1=%" PRId64 " l2=%" PRId64
             " l3=%" PRId64 " cpus=%" PRIu32 " cores=%" PRIu32 " kinds=%" PRIu32 " guest=%" PRIu32,
             vendor, m->family, m->model, m->stepping, levels, m->l1d_bytes, m->l2_bytes, m->l3_bytes, m->cpus,
             m->cores, m->core_kinds, m->hypervisor);
}

void lb_identity_name(const lowbit_ctx *ctx, char name[LB_IDENTITY_TEXT]) {
    as_word(ctx->machine.cpu_name, name, sizeof ctx->machine.cpu_name);
}
