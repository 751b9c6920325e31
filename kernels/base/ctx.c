/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/base/base.h"

enum { LB_ALIGN = 64, LB_HUGE_PAGE = 2 << 20 };

/* Weights are streamed: with 4 KiB pages a GEMV spends its time in page walks, so large blocks ask for huge ones. */
static void *default_alloc(void *user, size_t bytes, size_t align) {
    (void)user;
    const bool huge = bytes >= LB_HUGE_PAGE;
    void *memory = NULL;
    if (posix_memalign(&memory, huge ? LB_HUGE_PAGE : align, bytes) != 0) return NULL;
    if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

static void default_free(void *user, void *memory, size_t bytes) {
    (void)user;
    (void)bytes;
    free(memory);
}

const lowbit_allocator lb_default_allocator = {sizeof(lowbit_allocator), NULL, default_alloc, default_free};

void *lb_alloc(const lowbit_ctx *ctx, size_t bytes) {
    return bytes == 0 ? NULL : ctx->allocator.alloc(ctx->allocator.user, bytes, LB_ALIGN);
}

void lb_free(const lowbit_ctx *ctx, void *memory, size_t bytes) {
    if (memory) ctx->allocator.free(ctx->allocator.user, memory, bytes);
}

void lb_log(const lowbit_ctx *ctx, int level, const char *format, ...) {
    if (!ctx->logger.log) return;
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ctx->logger.log(ctx->logger.user, level, line);
}
