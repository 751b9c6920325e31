/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: options, levels, machine report. */
#include "lowbit/context.h"

#include <string.h>

#include "tests/check.h"

void subject_context(void) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_ctx_create(NULL, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(strlen(error.message) > 0);

    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, &error) == LOWBIT_OK);
    lowbit_isa_info info = {.struct_size = sizeof info};
    CHECK(lowbit_isa_get(ctx, 0, &info, &error) == LOWBIT_OK);
    CHECK(info.bit == LOWBIT_ISA_SCALAR && info.enabled);
    CHECK(lowbit_isa_get(ctx, lowbit_isa_count(), &info, &error) == LOWBIT_INVALID_ARGUMENT);
    lowbit_ctx_destroy(ctx);
    lowbit_ctx_destroy(NULL);
}
