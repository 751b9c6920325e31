/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/base/base.h"

#include <stdarg.h>
#include <stdio.h>

lowbit_status lb_fail(lowbit_error *error, lowbit_status status, const char *format, ...) {
    if (error && LB_HAS_FIELD(error, lowbit_error, message)) {
        va_list args;
        va_start(args, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
    }
    return status;
}

lowbit_status lb_check_stride(const char *name, int64_t rows, int64_t cols, int64_t stride, lowbit_error *error) {
    LB_REQUIRE(stride >= cols && stride <= INT64_MAX / 8 / rows, error, LOWBIT_INVALID_ARGUMENT,
               "%s: stride %lld is below its %lld columns, or overflows", name, (long long)stride, (long long)cols);
    return LOWBIT_OK;
}

lowbit_status lb_check_matrix(const char *name, const lowbit_matrix *m, lowbit_error *error) {
    LB_REQUIRE(m && m->data, error, LOWBIT_INVALID_ARGUMENT, "%s is NULL or has no data", name);
    LB_REQUIRE(m->rows >= 1 && m->rows <= INT32_MAX && m->cols >= 1 && m->cols <= INT32_MAX, error,
               LOWBIT_INVALID_ARGUMENT, "%s is %lld x %lld: both must be 1 to 2^31 - 1", name, (long long)m->rows,
               (long long)m->cols);
    return lb_check_stride(name, m->rows, m->cols, m->stride, error);
}

const char *lowbit_status_string(lowbit_status status) {
    switch (status) {
        case LOWBIT_OK: return "ok";
        case LOWBIT_INVALID_ARGUMENT: return "invalid argument";
        case LOWBIT_UNSUPPORTED: return "unsupported";
        case LOWBIT_NO_MEMORY: return "no memory";
        case LOWBIT_BAD_FORMAT: return "bad format";
        case LOWBIT_ISA_MISSING: return "instruction set missing";
        case LOWBIT_TOO_SMALL: return "buffer too small";
        case LOWBIT_IO: return "input or output failed";
        case LOWBIT_SYSTEM: return "refused by the operating system";
        case LOWBIT_NOT_FOUND: return "not found";
        case LOWBIT_CANCELLED: return "cancelled";
        default: return "unknown status";
    }
}

#define LB_TEXT_(x) #x
#define LB_TEXT(x) LB_TEXT_(x)

const char *lowbit_version(void) {
    return LB_TEXT(LOWBIT_VERSION_MAJOR) "." LB_TEXT(LOWBIT_VERSION_MINOR) "." LB_TEXT(LOWBIT_VERSION_PATCH);
}

uint32_t lowbit_abi_version(void) { return LOWBIT_ABI_VERSION; }
