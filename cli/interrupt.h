/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C that lets a command end in good order: the first one is noted, a second one kills. */
#ifndef LOWBIT_CLI_INTERRUPT_H_
#define LOWBIT_CLI_INTERRUPT_H_

/* From now on SIGINT and SIGTERM are noted, each once; after that it does again what it does without this. */
void lb_cli_catch_interrupts(void);

/* The signal that came, 0 = none. */
int lb_cli_interrupted(void);

/* What a shell makes of a program that a signal has ended: 130 for SIGINT. */
int lb_cli_interrupt_exit(int signal);

#endif
