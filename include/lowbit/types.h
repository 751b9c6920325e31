/* SPDX-License-Identifier: Apache-2.0 */
/* Words that every other header uses: the error convention, versions, and matrix views.
 *
 * Error convention, once for the whole library. Every function that can fail returns a lowbit_status and takes as
 * its last argument a `lowbit_error *` that may be NULL. On success it returns LOWBIT_OK and leaves the error alone.
 * On failure it returns a negative status, writes one sentence that names the argument and the limit into the error,
 * and has changed nothing that the caller owns, unless its own text says otherwise. Nothing in the library prints,
 * aborts, exits, or reads the environment.
 *
 * Structs that cross the border start with `struct_size`. Set it to sizeof(the struct) before the call: a library that
 * is newer than the program then knows which fields the program has. A struct_size of 0 is refused.
 *
 * Sizes are in elements unless a name or a comment says bytes. Rows are contiguous; a stride is the distance in
 * elements from the start of one row to the start of the next. */
#ifndef LOWBIT_TYPES_H_
#define LOWBIT_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LOWBIT_API __attribute__((visibility("default")))
#else
#define LOWBIT_API
#endif

#define LOWBIT_VERSION_MAJOR 0
#define LOWBIT_VERSION_MINOR 1
#define LOWBIT_VERSION_PATCH 0

/* Bumped when a struct or a function changes in a way that a compiled program would notice. */
#define LOWBIT_ABI_VERSION 0

typedef int32_t lowbit_status;

enum {
    LOWBIT_OK = 0,
    LOWBIT_INVALID_ARGUMENT =
        -1,                  /* a null pointer, a negative or overflowing size, a stride below the row length, ... */
    LOWBIT_UNSUPPORTED = -2, /* well formed, but no kernel or format of this build can do it */
    LOWBIT_NO_MEMORY = -3,   /* the allocator of the context returned NULL */
    LOWBIT_BAD_FORMAT =
        -4, /* bytes from outside (a packed blob, a problem string) do not parse or fail their checksum */
    LOWBIT_ISA_MISSING = -5, /* the kernel exists, but this CPU lacks the instructions or the context masks them */
    LOWBIT_TOO_SMALL = -6,   /* a buffer of the caller is shorter than the documented size */
    LOWBIT_IO = -7,          /* reading the machine or a file failed */
    LOWBIT_SYSTEM = -8,      /* the operating system refused (thread creation, affinity) */
    LOWBIT_NOT_FOUND = -9,   /* a file that does not exist, a decision that wisdom does not have */
    LOWBIT_CANCELLED = -10   /* the caller's progress function said so */
};

/* Where a failing call leaves its reason. Owned by the caller; `message` is always terminated by a zero byte. */
typedef struct lowbit_error {
    uint32_t struct_size;
    lowbit_status status;
    char message[248];
} lowbit_error;

#define LOWBIT_ERROR_INIT                                                                                              \
    {                                                                                                                  \
        sizeof(lowbit_error), LOWBIT_OK, { 0 }                                                                         \
    }

/* Name of a status, as "invalid argument". Never NULL; static text. Safe from any thread. */
LOWBIT_API const char *lowbit_status_string(lowbit_status status);

/* "0.1.0" of the library that is loaded, which need not be the one of the header. Static text. */
LOWBIT_API const char *lowbit_version(void);

/* LOWBIT_ABI_VERSION of the library that is loaded. */
LOWBIT_API uint32_t lowbit_abi_version(void);

/* A view of a row-major float matrix in the caller's memory: element (r, c) is data[r * stride + c]. */
typedef struct lowbit_matrix {
    const float *data;
    int64_t rows;
    int64_t cols;
    int64_t stride; /* elements, >= cols */
} lowbit_matrix;

#ifdef __cplusplus
}
#endif
#endif
