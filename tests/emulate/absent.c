/* SPDX-License-Identifier: Apache-2.0 */
/* Where nothing can be emulated: processors other than x86. */
#include "tests/emulate/emulate.h"

bool emulate_start(void) { return false; }
uint64_t emulate_count(void) { return 0; }
