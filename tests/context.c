/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: options, levels, and the permission that tiles need. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "lowbit/context.h"

#include <string.h>

#include "kernels/base/cpu.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/emulate/emulate.h"
#include "tests/problems.h"

void subject_context(void) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_ctx_create(NULL, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(strlen(error.message) > 0);

    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, &error) == LOWBIT_OK);
    lowbit_isa_info info = {.struct_size = sizeof info};
    CHECK(lowbit_isa_get(ctx, 0, &info, &error) == LOWBIT_OK);
    CHECK(info.bit == LOWBIT_ISA_SCALAR && info.enabled);
    CHECK(lowbit_isa_get(ctx, lowbit_isa_count(), &info, &error) == LOWBIT_INVALID_ARGUMENT);
    lowbit_ctx_destroy(ctx);
    lowbit_ctx_destroy(NULL);
}

#if defined(__x86_64__)

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* From here on the process gets `answer` when it asks for the tile registers. False where filters are not allowed. */
static bool answer_requests(uint32_t answer) {
    enum { REQUEST_PERMISSION = 0x1023 };
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REQUEST_PERMISSION, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static lowbit_isa_info amx_of(const lowbit_ctx *ctx) {
    lowbit_isa_info info = {.struct_size = sizeof info};
    for (size_t i = 0; lowbit_isa_get(ctx, i, &info, NULL) == LOWBIT_OK && info.bit != LOWBIT_ISA_AMX; i++) continue;
    return info;
}

/* Products of many and of one row, planned freely, against the reference. */
static void check_products(const lowbit_ctx *ctx) {
    static const char *const kProblems[] = {"i8a8:m40n50k300+bias", "i4g32a8:m33n64k256", "b1a8:m1n100k200"};
    for (size_t i = 0; i < sizeof kProblems / sizeof kProblems[0]; i++) {
        sample s = sample_make(ctx, kProblems[i], DATA_RANDOM);
        lowbit_plan *plan = NULL;
        int64_t bytes = 0;
        CHECK(lowbit_plan_create(ctx, &s.problem, NULL, &plan, NULL) == LOWBIT_OK);
        CHECK(lowbit_workspace_size(plan, s.problem.m, &bytes, NULL) == LOWBIT_OK);
        void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
        float *out = check_guarded((size_t)(s.problem.m * s.problem.n) * sizeof *out, CHECK_GUARD_AFTER);
        const lowbit_gemm_args args = sample_args(&s, out, s.problem.n);
        CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK);
        sample_check(&s, out, s.problem.n, sample_reference(ctx, &s));
        lowbit_plan_destroy(ctx, plan);
        sample_free(ctx, &s);
    }
}

static void when_refused(void) {
    lowbit_ctx *ctx = context_with(0);
    const lowbit_isa_info amx = amx_of(ctx);
    CHECK(amx.compiled && amx.present && !amx.enabled);
    CHECK(strcmp(amx.reason, "the operating system refuses the tile registers (XTILEDATA)") == 0);
    check_products(ctx);
    lowbit_ctx_destroy(ctx);
}

static void when_masked(void) {
    lowbit_ctx *ctx = context_with(LOWBIT_ISA_ALL & ~(uint32_t)LOWBIT_ISA_AMX);
    const lowbit_isa_info amx = amx_of(ctx);
    CHECK(!amx.enabled && strcmp(amx.reason, "masked by the context's options") == 0);
    check_products(ctx);
    lowbit_ctx_destroy(ctx);
}

static void when_asked(void) { lowbit_ctx_destroy(context_with(0)); }

enum { PASSED = 0, FAILED = 1, NO_FILTERS = 2 };

/* Runs `body` in a process whose requests for tiles get `answer`. Returns its wait status. */
static int in_child(uint32_t answer, void (*body)(void)) {
    const pid_t child = fork();
    if (child == 0) {
        if (!answer_requests(answer)) _exit(NO_FILTERS);
        body();
        _exit(check_failures() ? FAILED : PASSED);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static bool passed(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == PASSED; }

/* The permission to use tiles: refused, it is a reason and slower products; masked, nobody asks for it. */
void subject_context_tiles(void) {
    if (!(lb_isa_present() & lb_units_compiled() & LOWBIT_ISA_AMX)) check_skip("this machine or build has no amx");
    if (emulate_levels_emulated() & LOWBIT_ISA_AMX) check_skip("nobody need be asked for emulated tiles");
    const int refused = in_child(SECCOMP_RET_ERRNO | EPERM, when_refused);
    if (WIFEXITED(refused) && WEXITSTATUS(refused) == NO_FILTERS) check_skip("system call filters are not allowed");
    CHECK(passed(refused));
    CHECK(passed(in_child(SECCOMP_RET_KILL_PROCESS, when_masked)));
    CHECK(WIFSIGNALED(in_child(SECCOMP_RET_KILL_PROCESS, when_asked))); /* the filter itself */
    lowbit_ctx *ctx = context_with(0);
    const lowbit_isa_info amx = amx_of(ctx);
    CHECK(amx.enabled ? amx.reason[0] == 0 : strstr(amx.reason, "XTILEDATA") != NULL);
    lowbit_ctx_destroy(ctx);
}

#else

void subject_context_tiles(void) { check_skip("tiles are an extension of x86"); }

#endif
