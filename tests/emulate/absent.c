/* SPDX-License-Identifier: Apache-2.0 */
/* Where nothing can be emulated: processors other than x86. */
#include "tests/check.h"
#include "tests/emulate/emulate.h"

bool emulate_start(void) { return false; }
uint64_t emulate_count(void) { return 0; }
void subject_emulate(void) { check_skip("the emulated instructions are those of x86"); }
void subject_emulate_tiles(void) { check_skip("the emulated instructions are those of x86"); }
