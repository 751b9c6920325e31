/* SPDX-License-Identifier: Apache-2.0 */
/* Jumps in the place of instructions that were trapped once. A signal takes microseconds, a jump a tenth of one. Where
 * the operating system does not let code be written, signals remain. */
#ifndef LOWBIT_TESTS_EMULATE_PATCH_H_
#define LOWBIT_TESTS_EMULATE_PATCH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, before the first of the others. */
void patch_start(void);

/* Around everything that looks at an instruction which another thread may be patching, and patches it. */
void patch_lock(void);
void patch_unlock(void);

/* Whether a jump of ours stands there already: execute it again. */
bool patch_done(const uint8_t *at);

/* Puts a jump in the place of an instruction of `length` bytes, if it can. */
void patch_site(uint8_t *at, size_t length);

#endif
