/* SPDX-License-Identifier: Apache-2.0 */
/* Small words that every floor uses: refusing with a reason, integer helpers, allocation through the context. */
#ifndef LOWBIT_KERNELS_BASE_BASE_H_
#define LOWBIT_KERNELS_BASE_BASE_H_

#include <stdbool.h>

#include "lowbit/types.h"

/* Leaves a reason and returns the status: `return lb_fail(error, LOWBIT_UNSUPPORTED, "K is %d", k);` */
lowbit_status lb_fail(lowbit_error *error, lowbit_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The two lines that guard a public door. LB_REQUIRE returns the status itself, not what lb_fail returns: compilers and
 * analyzers then see that a call which went on has succeeded. */
#define LB_REQUIRE(condition, error, status, ...)                                                                      \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            lb_fail((error), (status), __VA_ARGS__);                                                                   \
            return (status);                                                                                           \
        }                                                                                                              \
    } while (0)
#define LB_TRY(call)                                                                                                   \
    do {                                                                                                               \
        lowbit_status lb_try_status = (call);                                                                          \
        if (lb_try_status != LOWBIT_OK) return lb_try_status;                                                          \
    } while (0)

/* True if a struct of the caller has the field: its struct_size reaches the field's end. */
#define LB_HAS_FIELD(pointer, type, field) ((pointer)->struct_size >= offsetof(type, field) + sizeof((pointer)->field))

/* Refuses a stride, in elements of at most 8 bytes, below the columns or so long that `rows` of it overflow. */
lowbit_status lb_check_stride(const char *name, int64_t rows, int64_t cols, int64_t stride, lowbit_error *error);

/* Refuses a view without data, with no elements, or with a stride below its columns; `name` is the argument's. */
lowbit_status lb_check_matrix(const char *name, const lowbit_matrix *matrix, lowbit_error *error);

#define LB_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline int64_t lb_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t lb_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t lb_div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t lb_round_up(int64_t a, int64_t b) { return lb_div_up(a, b) * b; }

/* *total += count * size, or false on overflow of int64_t: sizes from outside are summed with this. */
static inline bool lb_add_bytes(int64_t *total, int64_t count, int64_t size) {
    int64_t bytes;
    return !__builtin_mul_overflow(count, size, &bytes) && !__builtin_add_overflow(*total, bytes, total);
}

#endif
