/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways into the emulator share: signals, and jumps that take their place. */
#ifndef LOWBIT_TESTS_EMULATE_TRAP_H_
#define LOWBIT_TESTS_EMULATE_TRAP_H_

#include "tests/emulate/emulate.h"
#include "tests/emulate/machine.h"

/* Executes the instruction whose bytes are at `code`. Returns its length; 0, with a line that shows the bytes, if it
 * cannot be. */
size_t trap_step(const stopped *at, const uint8_t *code);

/* What happens to an instruction that cannot be executed: what would have happened without us. */
void trap_refuse(int signal_number);

#endif
