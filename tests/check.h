/* SPDX-License-Identifier: Apache-2.0 */
/* The harness, after checkasm: subjects, seeds, guarded buffers, and one line for every failure.
 *
 * A subject is a `void subject_x(void)` with a row in subjects.inc; ctest runs each as a test of its own
 * (`lowbit-tests x`). It checks with CHECK; a failure prints the place, the context set by check_context and the seed,
 * is counted, and the subject goes on. */
#ifndef LOWBIT_TESTS_CHECK_H_
#define LOWBIT_TESTS_CHECK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)

/* Counts the check; prints at the first failures. Returns the condition. */
bool check_that(bool condition, const char *file, int line, const char *text);

/* What the next failures are about, printf style: a kernel's name and its shape. "" clears it. */
void check_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Failures so far in this subject: a loop over many shapes may stop early. */
int check_failures(void);

/* Ends the subject as skipped, with a reason that ctest shows. Does not return. */
void check_skip(const char *reason) __attribute__((noreturn));

/* Deterministic random numbers (xorshift64*), seeded by LOWBIT_TEST_SEED or 1, and printed with a failure. */
uint64_t check_random(void);
int64_t check_random_in(int64_t low, int64_t high); /* both ends possible */
float check_random_float(float low, float high);

/* Memory with an unreadable page directly behind its last byte (AFTER) or in front of its first byte (BEFORE), so that
 * touching one byte outside is a crash, reported with the context. Contents are 0xA5. Freed by check_guard_free_all. */
enum { CHECK_GUARD_AFTER = 0, CHECK_GUARD_BEFORE = 1 };
void *check_guarded(size_t bytes, int side);
void check_guard_free_all(void);

/* True if the two arrays agree bit for bit, except that any NaN equals any NaN; reports the first difference. */
bool check_same_floats(const float *got, const float *want, int64_t rows, int64_t cols, int64_t got_stride,
                       int64_t want_stride);
bool check_same_bytes(const uint8_t *got, const uint8_t *want, int64_t rows, int64_t cols, int64_t got_stride,
                      int64_t want_stride);
bool check_same_ints(const int32_t *got, const int32_t *want, int64_t rows, int64_t cols, int64_t got_stride,
                     int64_t want_stride);

/* Every subject, so that the definitions have a prototype. */
#define SUBJECT(name) void subject_##name(void);
#include "tests/subjects.inc"
#undef SUBJECT

/* A folder for scratch files of this process, removed at exit. */
const char *check_scratch_folder(void);

/* Writes one file of a fake tree below `root`, and the folders above it. */
void check_put_file(const char *root, const char *name, const char *text);

#endif
