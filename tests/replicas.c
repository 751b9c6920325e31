/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of packed weights for NUMA nodes, on pretend machines of two: the same bits, and each task reads the copy of
 * its own node. */
#include "kernels/replicas.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/layout.h"
#include "tests/check.h"
#include "tests/fake_machines.h"
#include "tests/hostile.h"
#include "tests/problems.h"

static lowbit_ctx *context_on(const char *topology, const char *cpus, const lowbit_allocator *allocator) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_ctx *ctx = NULL;
    options.topology = topology;
    options.allowed_cpus = cpus;
    options.allocator = allocator;
    if (!CHECK(lowbit_ctx_create(&options, &ctx, &error) == LOWBIT_OK)) printf("  %s\n", error.message);
    return ctx;
}

static uint8_t *blob_of(const lowbit_replicas *r, size_t copy) {
    return (uint8_t *)(uintptr_t)(r->copies[copy].lines - LB_HEADER_BYTES);
}

static lowbit_replicas *replicate(const lowbit_ctx *ctx, const lowbit_packed *packed) {
    lowbit_replicas *replicas = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(lowbit_replicate(ctx, packed, &replicas, &error) == LOWBIT_OK)) printf("  %s\n", error.message);
    return replicas;
}

/* Which CPU has which copy, and that copies are copies. */
static void check_copies(void) {
    lowbit_ctx *ctx = context_on("pack:2 numa:2 core:2 pu:2", "1,4-7,12", NULL);
    sample s = sample_make(ctx, "c4g32a8:m1n40k100", DATA_RANDOM);
    lowbit_replicas *r = replicate(ctx, &s.packed);
    check_context("copies");
    CHECK(r->count == 3 && lowbit_replicas_bytes(r) == 3 * s.blob_bytes);
    for (size_t i = 0; i < r->count; i++) {
        CHECK(blob_of(r, i) != s.blob && memcmp(blob_of(r, i), s.blob, (size_t)s.blob_bytes) == 0);
        CHECK(r->copies[i].bytes == s.packed.bytes && memcmp(r->copies[i].book, s.packed.book, LB_BOOK) == 0);
    }
    CHECK(lb_replica_of(r, 1) == &r->copies[0] && lb_replica_of(r, 4) == &r->copies[1]);
    CHECK(lb_replica_of(r, 7) == &r->copies[1] && lb_replica_of(r, 12) == &r->copies[2]);
    CHECK(lb_replica_of(r, 0) == &s.packed && lb_replica_of(r, 13) == &s.packed); /* not allowed */
    CHECK(lb_replica_of(r, LB_MAX_CPUS) == &s.packed);
    lowbit_replicas_destroy(ctx, r);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* One node: nothing is copied. */
static void check_one_node(const char *topology, const char *cpus) {
    lowbit_ctx *ctx = context_on(topology, cpus, NULL);
    sample s = sample_make(ctx, "i4a8:m1n40k100", DATA_RANDOM);
    lowbit_replicas *r = replicate(ctx, &s.packed);
    check_context("one node: %s", topology);
    CHECK(r->count == 0 && lowbit_replicas_bytes(r) == 0);
    for (size_t cpu = 0; cpu < LB_MAX_CPUS; cpu++) CHECK(lb_replica_of(r, cpu) == &s.packed);
    lowbit_replicas_destroy(ctx, r);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* The product by both doors, the whole call and a tile of everything; `same`: whether it must be the reference's. */
static void check_product(const lowbit_ctx *ctx, const sample *s, const lowbit_replicas *r, const lowbit_pool *pool,
                          bool same) {
    const int64_t m = s->problem.m, n = s->problem.n;
    const size_t out_bytes = (size_t)(m * n) * sizeof(float);
    float *out = check_guarded(out_bytes, CHECK_GUARD_AFTER);
    const float *want = sample_reference(ctx, s);
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    int64_t bytes = 0;
    options.threads = 3;
    CHECK(lowbit_plan_create(ctx, &s->problem, &options, &plan, NULL) == LOWBIT_OK);
    CHECK(lowbit_workspace_size(plan, m, &bytes, NULL) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    lowbit_gemm_args args = sample_args(s, out, n);
    args.struct_size = sizeof args;
    args.replicas = r;
    CHECK(lowbit_gemm(plan, &args, workspace, bytes, pool, NULL) == LOWBIT_OK);
    CHECK((memcmp(out, want, out_bytes) == 0) == same);
    memset(out, 0xA5, out_bytes);
    CHECK(lowbit_gemm_prepare(plan, &args, workspace, bytes, pool, NULL) == LOWBIT_OK);
    CHECK(lowbit_gemm_tile(plan, &args, workspace, bytes, 0, m, 0, n, NULL) == LOWBIT_OK);
    CHECK((memcmp(out, want, out_bytes) == 0) == same);
    lowbit_plan_destroy(ctx, plan);
}

/* Makes a copy useless, or good again. */
static void poison(const lowbit_replicas *r, size_t copy) {
    const lowbit_packed *p = &r->copies[copy];
    uint8_t *scales = (uint8_t *)(uintptr_t)p->scales;
    for (int64_t i = 0; i < p->n * 4; i++) scales[i] ^= 0x40;
}

static const char kProblem[] = "i8a8:m7n200k300+bias";

/* The calling thread on a CPU that lies in the first of two nodes. */
static void check_own_node(size_t cpu) {
    char topology[64];
    snprintf(topology, sizeof topology, "numa:2 core:%zu pu:1", cpu + 1);
    lowbit_ctx *ctx = context_on(topology, NULL, NULL);
    sample s = sample_make(ctx, kProblem, DATA_RANDOM);
    lowbit_replicas *r = replicate(ctx, &s.packed);
    CHECK(r->count == 2);
    check_context("good copies");
    check_product(ctx, &s, r, NULL, true);
    check_context("the copy of the other node is poisoned");
    poison(r, 1);
    check_product(ctx, &s, r, NULL, true);
    check_context("the copy of the thread's node is poisoned");
    poison(r, 1);
    poison(r, 0);
    check_product(ctx, &s, r, NULL, false);
    lowbit_replicas_destroy(ctx, r);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* On one that the pretend machine does not allow. */
static void check_no_node(size_t cpu) {
    char topology[64], cpus[64];
    snprintf(topology, sizeof topology, "numa:2 core:%zu pu:1", cpu + 2);
    snprintf(cpus, sizeof cpus, "%zu,%zu", cpu + 1, cpu + 2);
    lowbit_ctx *ctx = context_on(topology, cpus, NULL);
    sample s = sample_make(ctx, kProblem, DATA_RANDOM);
    lowbit_replicas *r = replicate(ctx, &s.packed);
    check_context("a thread of no node reads the original");
    CHECK(r->count == 2);
    poison(r, 0);
    poison(r, 1);
    check_product(ctx, &s, r, NULL, true);
    lowbit_replicas_destroy(ctx, r);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* Any pool, bound or not: the same bits from whatever copy. */
static void check_pools(void) {
    lowbit_ctx *here = context_with(0), *ctx = context_on("numa:4 core:1 pu:1", NULL, NULL);
    sample s = sample_make(ctx, kProblem, DATA_RANDOM);
    lowbit_replicas *r = replicate(ctx, &s.packed);
    for (uint32_t bind = LOWBIT_BIND_NONE; bind <= LOWBIT_BIND_SPREAD; bind++) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        options.threads = 3;
        options.bind = bind;
        check_context("pool, bind %u", bind);
        CHECK(lowbit_pool_create(here, &options, &pool, NULL) == LOWBIT_OK);
        for (int repeat = 0; repeat < 10; repeat++) check_product(ctx, &s, r, &pool, true);
        lowbit_pool_destroy(&pool);
    }
    lowbit_replicas_destroy(ctx, r);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
    lowbit_ctx_destroy(here);
}

void subject_replicas(void) {
    if (!fake_possible()) check_skip("no hwloc in this build");
    lb_cpu_mask before;
    check_copies();
    check_one_node("core:3 pu:1", NULL);
    check_one_node("numa:2 core:2 pu:1", "2,3");
    check_pools();
    lb_cpu_mask_of_thread(&before);
    const size_t cpu = lb_cpu_of_thread();
    if (cpu < LB_MAX_CPUS / 2 && lb_cpu_mask_bind_thread(cpu)) {
        check_own_node(cpu);
        check_no_node(cpu);
        CHECK(lb_cpu_mask_set_thread(&before));
    }
}

/* ---- refusals ---- */

/* Every allocation fails in turn. */
static void check_memory(const sample *s) {
    ledger book;
    const lowbit_allocator allocator = ledger_allocator(&book);
    lowbit_ctx *ctx = context_on("numa:2 core:2 pu:1", NULL, &allocator);
    const int64_t live = book.live;
    for (int fail = 0; fail <= 3; fail++) {
        lowbit_replicas *r = NULL;
        lowbit_error error = LOWBIT_ERROR_INIT;
        check_context("without allocation %d", fail);
        book.fail_at = book.allocations + fail;
        const lowbit_status status = lowbit_replicate(ctx, &s->packed, &r, &error);
        CHECK(status == (fail < 3 ? LOWBIT_NO_MEMORY : LOWBIT_OK) && (r == NULL) == (fail < 3));
        book.fail_at = -1;
        lowbit_replicas_destroy(ctx, r);
        CHECK(book.live == live);
    }
    check_context("a damaged header");
    lowbit_replicas *none = NULL;
    uint8_t *header = s->blob;
    header[9] ^= 1;
    CHECK(lowbit_replicate(ctx, &s->packed, &none, NULL) == LOWBIT_BAD_FORMAT && !none && book.live == live);
    header[9] ^= 1;
    lowbit_ctx_destroy(ctx);
    CHECK(book.live == 0 && book.wrong == 0);
}

static void check_refusals(const lowbit_ctx *ctx, sample *s, sample *other) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_replicas *r = NULL;
    lowbit_packed packed = s->packed;
    check_context("arguments");
    CHECK(lowbit_replicate(NULL, &s->packed, &r, &error) == LOWBIT_INVALID_ARGUMENT && error.message[0]);
    CHECK(lowbit_replicate(ctx, NULL, &r, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_replicate(ctx, &s->packed, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    packed.struct_size = 8;
    CHECK(lowbit_replicate(ctx, &packed, &r, &error) == LOWBIT_INVALID_ARGUMENT);
    packed = (lowbit_packed){.struct_size = sizeof packed};
    CHECK(lowbit_replicate(ctx, &packed, &r, &error) == LOWBIT_INVALID_ARGUMENT && r == NULL);
    lowbit_replicas_destroy(ctx, NULL);
    lowbit_replicas_destroy(NULL, NULL);
    CHECK(lowbit_replicas_bytes(NULL) == 0);

    check_context("replicas of other weights");
    r = replicate(ctx, &other->packed);
    static float out[7 * 200];
    static _Alignas(64) uint8_t workspace[1 << 16];
    lowbit_plan *plan = NULL;
    CHECK(lowbit_plan_create(ctx, &s->problem, NULL, &plan, NULL) == LOWBIT_OK);
    lowbit_gemm_args args = sample_args(s, out, 200);
    args.struct_size = sizeof args;
    args.replicas = r;
    CHECK(lowbit_gemm(plan, &args, workspace, sizeof workspace, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "replicas") != NULL);
    args.struct_size = offsetof(lowbit_gemm_args, replicas); /* a program that does not know them */
    CHECK(lowbit_gemm(plan, &args, workspace, sizeof workspace, NULL, &error) == LOWBIT_OK);
    lowbit_plan_destroy(ctx, plan);
    lowbit_replicas_destroy(ctx, r);
}

void subject_replicas_refusals(void) {
    if (!fake_possible()) check_skip("no hwloc in this build");
    lowbit_ctx *ctx = context_on("numa:2 core:2 pu:1", NULL, NULL);
    sample s = sample_make(ctx, kProblem, DATA_RANDOM), other = sample_make(ctx, kProblem, DATA_RANDOM);
    check_memory(&s);
    check_refusals(ctx, &s, &other);
    sample_free(ctx, &s);
    sample_free(ctx, &other);
    lowbit_ctx_destroy(ctx);
}
