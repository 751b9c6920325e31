/* SPDX-License-Identifier: Apache-2.0 */
/* SIGILL: the instruction is computed on the registers that the signal's frame saved, and stepped over. The next time a
 * jump stands in its place (patch.c). */
#define _GNU_SOURCE /* REG_RIP and its neighbours */
#include "tests/emulate/trap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/emulate/patch.h"

static struct sigaction before;
static _Thread_local uint64_t executed;

uint64_t emulate_count(void) { return executed; }

/* Only async-signal-safe calls. */
static void report(const uint8_t *code) {
    static const char kDigits[] = "0123456789abcdef";
    char text[] = "  not emulated: .. .. .. .. .. .. .. .. .. ..\n";
    for (size_t i = 0; i < 10; i++) {
        text[16 + 3 * i] = kDigits[code[i] >> 4];
        text[17 + 3 * i] = kDigits[code[i] & 15];
    }
    const ssize_t ignored = write(1, text, sizeof text - 1);
    (void)ignored;
}

size_t trap_step(const stopped *at, const uint8_t *code) {
    instruction in;
    if (!instruction_decode(at, code, &in) || !instruction_run(at, &in)) {
        report(code);
        return 0;
    }
    executed++;
    return in.length;
}

void trap_refuse(int signal_number) {
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) before.sa_handler(signal_number);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_illegal(int signal_number, siginfo_t *info, void *user) {
    static const uint8_t kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    (void)info;
    mcontext_t *context = &((ucontext_t *)user)->uc_mcontext;
    stopped at = {.rip = (uint64_t)context->gregs[REG_RIP], .xsave = (uint8_t *)context->fpregs};
    for (size_t i = 0; i < 16; i++) at.gpr[i] = (uint64_t)context->gregs[kOrder[i]];
    uint8_t *code = (uint8_t *)(uintptr_t)at.rip;
    patch_lock();
    if (!patch_done(code)) { /* else another thread came first */
        const size_t length = trap_step(&at, code);
        if (!length) trap_refuse(signal_number);
        patch_site(code, length);
        context->gregs[REG_RIP] += (greg_t)length;
    }
    patch_unlock();
}

bool emulate_start(void) {
    static bool started;
    if (started) return true;
    if (!registers_find()) return false;
    patch_start();
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_illegal;
    started = sigaction(SIGILL, &action, &before) == 0;
    return started;
}
