/* SPDX-License-Identifier: Apache-2.0 */
/* A patched instruction jumps to a slot of its own, which calls patch_enter, which makes of the registers what a signal
 * would have made of them, and jumps back behind the instruction. All instructions of the table have the five bytes
 * that a jump needs. */
#define _GNU_SOURCE /* syscall */
#include "tests/emulate/patch.h"

#include <linux/membarrier.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/emulate/trap.h"

enum { SLOTS = 8192, SLOT_BYTES = 32, JUMP_BYTES = 5, PAGE = 4096, LONGEST = 15, RED_ZONE = 128 };
enum { JUMP = 0xe9, BREAKPOINT = 0xcc };

/* What stood where a slot's jump is. */
typedef struct site {
    uint64_t rip;
    uint8_t code[LONGEST + 1];
} site;

/* What patch_enter leaves on the stack. */
typedef struct frame {
    uint64_t gpr[16], flags, back;
    uint8_t red_zone[RED_ZONE];
} frame;

static _Alignas(PAGE) uint8_t slots[SLOTS * SLOT_BYTES];
static site sites[SLOTS];
static size_t used, limit;
static atomic_flag lock = ATOMIC_FLAG_INIT;

/* For the assembler below. */
uint64_t patch_parts __attribute__((visibility("hidden")));
uint64_t patch_area_bytes __attribute__((visibility("hidden")));
void patch_enter(void) __attribute__((visibility("hidden")));
void patch_run(frame *f, uint8_t *xsave) __attribute__((visibility("hidden")));

/* Registers in the order of `stopped`; the header of the XSAVE area must be zero before it is written. */
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".hidden patch_enter\n"
    ".globl patch_enter\n"
    "patch_enter:\n"
    "  pushfq\n"
    "  pushq %r15; pushq %r14; pushq %r13; pushq %r12; pushq %r11; pushq %r10; pushq %r9; pushq %r8\n"
    "  pushq %rdi; pushq %rsi; pushq %rbp; pushq %rsp; pushq %rbx; pushq %rdx; pushq %rcx; pushq %rax\n"
    "  cld\n"
    "  movq %rsp, %rdi\n"
    "  movq %rsp, %rbx\n"
    "  subq patch_area_bytes(%rip), %rsp\n"
    "  andq $-64, %rsp\n"
    "  movq %rsp, %rsi\n"
    "  xorl %eax, %eax\n"
    "  movq %rax, 512(%rsi); movq %rax, 520(%rsi); movq %rax, 528(%rsi); movq %rax, 536(%rsi)\n"
    "  movq %rax, 544(%rsi); movq %rax, 552(%rsi); movq %rax, 560(%rsi); movq %rax, 568(%rsi)\n"
    "  movl patch_parts(%rip), %eax\n"
    "  xorl %edx, %edx\n"
    "  xsave64 (%rsi)\n"
    "  vzeroupper\n"
    "  call patch_run\n"
    "  movl patch_parts(%rip), %eax\n"
    "  xorl %edx, %edx\n"
    "  xrstor64 (%rsp)\n"
    "  movq %rbx, %rsp\n"
    "  popq %rax; popq %rcx; popq %rdx; popq %rbx; leaq 8(%rsp), %rsp; popq %rbp; popq %rsi; popq %rdi\n"
    "  popq %r8; popq %r9; popq %r10; popq %r11; popq %r12; popq %r13; popq %r14; popq %r15\n"
    "  popfq\n"
    "  ret\n");

/* lea -128(%rsp), %rsp; call patch_enter; lea 128(%rsp), %rsp; jmp back. No flag changes. */
static const uint8_t kSlot[] = {0x48, 0x8d, 0x64, 0x24, 0x80, 0xe8, 0,    0, 0, 0, 0x48, 0x8d,
                                0xa4, 0x24, 0x80, 0,    0,    0,    JUMP, 0, 0, 0, 0};
enum { AFTER_CALL = 10, AFTER_JUMP = sizeof kSlot };

void patch_run(frame *f, uint8_t *xsave) {
    const size_t i = (size_t)((uint8_t *)(uintptr_t)f->back - slots) / SLOT_BYTES;
    stopped at = {.rip = sites[i].rip, .xsave = xsave};
    memcpy(at.gpr, f->gpr, sizeof at.gpr);
    at.gpr[4] = (uint64_t)(uintptr_t)(f + 1); /* rsp */
    if (!trap_step(&at, sites[i].code)) trap_refuse(SIGILL);
}

void patch_lock(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
    }
}
void patch_unlock(void) { atomic_flag_clear_explicit(&lock, memory_order_release); }

static bool every_core_fetches_anew(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

/* While a jump is written, a breakpoint is its first byte: a thread that meets it waits for the lock and comes again.
 */
static void on_breakpoint(int signal_number, siginfo_t *info, void *user) {
    (void)info;
    mcontext_t *context = &((ucontext_t *)user)->uc_mcontext;
    const uint8_t *at = (const uint8_t *)(uintptr_t)context->gregs[REG_RIP] - 1;
    patch_lock();
    const bool ours = patch_done(at);
    patch_unlock();
    if (ours) {
        context->gregs[REG_RIP]--;
    } else {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

void patch_start(void) {
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_breakpoint;
    patch_parts = registers_parts();
    patch_area_bytes = registers_bytes();
    if (!every_core_fetches_anew(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)) return;
    if (mprotect(slots, sizeof slots, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return;
    if (sigaction(SIGTRAP, &action, NULL) == 0) limit = SLOTS;
}

/* What a jump or call whose last byte is in front of `from` holds to reach `to`. */
static bool put_distance(uint8_t *from, const void *to) {
    const int64_t distance = (int64_t)(uintptr_t)to - (int64_t)(uintptr_t)from;
    const int32_t held = (int32_t)distance;
    memcpy(from - sizeof held, &held, sizeof held);
    return held == distance;
}

bool patch_done(const uint8_t *at) {
    int32_t distance;
    memcpy(&distance, at + 1, sizeof distance);
    const uintptr_t to = (uintptr_t)at + JUMP_BYTES + (uintptr_t)(intptr_t)distance;
    return at[0] == JUMP && to >= (uintptr_t)slots && to < (uintptr_t)(slots + sizeof slots);
}

static bool writable(uint8_t *at) {
    const uintptr_t first = (uintptr_t)at / PAGE * PAGE, end = (uintptr_t)(at + JUMP_BYTES);
    return mprotect((void *)first, end - first, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

void patch_site(uint8_t *at, size_t length) {
    if (used == limit || length < JUMP_BYTES) return;
    uint8_t *slot = slots + used * SLOT_BYTES, jump[JUMP_BYTES] = {JUMP};
    memcpy(slot, kSlot, sizeof kSlot);
    const int32_t distance = (int32_t)(slot - (at + JUMP_BYTES));
    if (!put_distance(slot + AFTER_CALL, (const void *)(uintptr_t)patch_enter) ||
        !put_distance(slot + AFTER_JUMP, at + length) || !writable(at)) {
        limit = used; /* it will be no better for others */
        return;
    }
    memcpy(jump + 1, &distance, sizeof distance);
    sites[used].rip = (uint64_t)(uintptr_t)at;
    memcpy(sites[used].code, at, length);
    used++;
    volatile uint8_t *code = at;
    code[0] = BREAKPOINT;
    every_core_fetches_anew(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    for (size_t i = 1; i < JUMP_BYTES; i++) code[i] = jump[i];
    every_core_fetches_anew(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    code[0] = JUMP;
}
