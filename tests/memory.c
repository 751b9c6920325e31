/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation that a call makes fails in turn: the call says LOWBIT_NO_MEMORY with a reason, gives back what it
 * had, and leaves its results alone; the heap is reached through the context's allocator only. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"
#include "tests/wisdom.h"

enum { MOST_ALLOCATIONS = 60 };

/* What the calls work on, and make. */
typedef struct scene {
    const lowbit_allocator *allocator;
    lowbit_ctx *ctx; /* of that allocator */
    sample s;
    lowbit_ctx *made_ctx;
    lowbit_plan *plan;
    lowbit_weights weights;
    lowbit_pool pool;
    lowbit_wisdom *wisdom;
    float out[5 * 33];
    lowbit_error error;
} scene;

static lowbit_status call_ctx(scene *s) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    options.allocator = s->allocator;
    return lowbit_ctx_create(&options, &s->made_ctx, &s->error);
}
static void free_ctx(scene *s) { lowbit_ctx_destroy(s->made_ctx); }

static lowbit_status call_quantize(scene *s) {
    const lowbit_matrix w = {s->s.a, 5, 40, s->s.a_stride};
    return lowbit_quantize(s->ctx, &w, &s->s.weights.type, 0, NULL, &s->weights, &s->error);
}
static lowbit_status call_unpack(scene *s) { return lowbit_unpack(s->ctx, &s->s.packed, &s->weights, &s->error); }
static void free_weights(scene *s) { lowbit_weights_free(s->ctx, &s->weights); }

static lowbit_status call_pack(scene *s) {
    return lowbit_pack(s->ctx, &s->s.weights, s->s.blob, s->s.blob_bytes, NULL, &s->error);
}
static lowbit_status call_plan(scene *s) {
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = 3;
    return lowbit_plan_create(s->ctx, &s->s.problem, &options, &s->plan, &s->error);
}
static lowbit_status call_force(scene *s) {
    return lowbit_plan_force(s->ctx, &s->s.problem, "w4.dot.1x16.scalar", 3, &s->plan, &s->error);
}
static void free_plan(scene *s) { lowbit_plan_destroy(s->ctx, s->plan); }

static lowbit_status call_reference(scene *s) {
    const lowbit_gemm_args args = sample_args(&s->s, s->out, 33);
    return lowbit_gemm_reference(s->ctx, &s->s.problem, &s->s.weights, &args, &s->error);
}

static lowbit_status call_pool(scene *s) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    options.threads = 3;
    s->pool.struct_size = sizeof s->pool;
    return lowbit_pool_create(s->ctx, &options, &s->pool, &s->error);
}
static void free_pool(scene *s) { lowbit_pool_destroy(&s->pool); }

/* Everything that wisdom allocates for: a life of it. */
static lowbit_status live_wisdom(const scene *s, lowbit_wisdom *w, lowbit_error *error) {
    static const double kRate = 1;
    static const char kText[] =
        "lowbit-wisdom 1\nfact 0123456789abcdef fork 1.25000e-06 date=2026-11-29 sum=b67ab912\n";
    char path[128];
    snprintf(path, sizeof path, "%s/memory-wisdom", check_scratch_folder());
    lowbit_wisdom_report report = {.struct_size = sizeof report};
    const lb_wisdom_entry entry = wisdom_entry(s->ctx, "i4g32a8:m1n64k128", 1);
    LB_TRY(lowbit_wisdom_import(w, kText, sizeof kText - 1, &report, error));
    CHECK(report.foreign == 1 && report.bad == 0);
    LB_TRY(lb_wisdom_put(w, &entry, error));
    LB_TRY(lb_wisdom_put_fact(w, "fork", &kRate, 1, 1, error));
    LB_TRY(lb_wisdom_put_fact(w, "fork", &kRate, 1, 2, error));
    LB_TRY(lowbit_wisdom_forget(w, "fork", LOWBIT_FORGET_FOREIGN, NULL, error));
    LB_TRY(lowbit_wisdom_save(w, path, error));
    LB_TRY(lowbit_wisdom_save(w, path, error));
    return lowbit_wisdom_load(w, path, NULL, error);
}
static lowbit_status call_wisdom(scene *s) {
    lowbit_wisdom *made = NULL;
    LB_TRY(lowbit_wisdom_create(s->ctx, &made, &s->error));
    const lowbit_status status = live_wisdom(s, made, &s->error);
    if (status == LOWBIT_OK)
        s->wisdom = made;
    else
        lowbit_wisdom_destroy(made);
    return status;
}
static void free_wisdom(scene *s) { lowbit_wisdom_destroy(s->wisdom); }

static void free_nothing(scene *s) { (void)s; }

static const struct {
    const char *name;
    lowbit_status (*call)(scene *s);
    void (*release)(scene *s);
    int least, most; /* allocations that it makes, where they are promised; most < 0 = any number */
} kCalls[] = {
    {"ctx", call_ctx, free_ctx, 1, -1},
    {"quantize", call_quantize, free_weights, 1, -1},
    {"pack", call_pack, free_nothing, 0, 0},
    {"unpack", call_unpack, free_weights, 1, -1},
    {"plan", call_plan, free_plan, 1, -1},
    {"plan of one kernel", call_force, free_plan, 1, -1},
    {"reference", call_reference, free_nothing, 1, 1},
    {"pool", call_pool, free_pool, 1, -1},
    {"wisdom", call_wisdom, free_wisdom, 2, -1},
};

static scene fresh(const scene *legal) {
    scene s = *legal;
    memset(s.out, 0x5A, sizeof s.out);
    s.weights.struct_size = sizeof s.weights;
    s.error = (lowbit_error)LOWBIT_ERROR_INIT;
    return s;
}

/* One failing allocation after the other, until the call has enough. */
static void check_call(const scene *legal, ledger *book, size_t c) {
    for (int fail = 0; fail < MOST_ALLOCATIONS; fail++) {
        scene s = fresh(legal), untouched;
        const int64_t live = book->live;
        memcpy(&untouched, &s, sizeof s);
        check_context("%s without allocation %d", kCalls[c].name, fail);
        book->fail_at = book->allocations + fail;
        const lowbit_status status = kCalls[c].call(&s);
        const bool failed = book->allocations > book->fail_at;
        book->fail_at = -1;
        if (failed) {
            CHECK(status == LOWBIT_NO_MEMORY && s.error.status == LOWBIT_NO_MEMORY && s.error.message[0] != 0);
            CHECK(book->live == live);
            s.error = untouched.error;
            s.pool.struct_size = untouched.pool.struct_size;
            CHECK(memcmp(&s, &untouched, sizeof s) == 0);
            continue;
        }
        CHECK(status == LOWBIT_OK && fail >= kCalls[c].least && (kCalls[c].most < 0 || fail <= kCalls[c].most));
        kCalls[c].release(&s);
        CHECK(book->live == live);
        return;
    }
    CHECK(!"more allocations than the test counts");
}

static void check_calls(const char *problem) {
    ledger book;
    const lowbit_allocator allocator = ledger_allocator(&book);
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    static scene legal;
    memset(&legal, 0, sizeof legal);
    options.allocator = legal.allocator = &allocator;
    CHECK(lowbit_ctx_create(&options, &legal.ctx, NULL) == LOWBIT_OK);
    legal.s = sample_make(legal.ctx, problem, DATA_RANDOM);
    for (size_t c = 0; c < LB_COUNT(kCalls); c++) check_call(&legal, &book, c);
    sample_free(legal.ctx, &legal.s);
    lowbit_ctx_destroy(legal.ctx);
    CHECK(book.live == 0 && book.wrong == 0);
}

void subject_memory(void) {
    check_calls("i4mg32a8:m5n33k40+bias");
    check_calls("i4zg32pa8:m5n33k40+bias");
}

/* Whether the linker has led the C library's own calls through ours, as it does where it links everything statically.
 */
static bool counts_library(void) {
    const long before = heap_calls();
    FILE *file = fopen("/dev/null", "r");
    if (file) fclose(file);
    return heap_calls() != before;
}

/* Nothing of ours asks the heap behind the allocator's back. The ledger itself makes one call for each allocation;
 * hwloc's calls are not counted, since they come from another library. */
void subject_memory_owner(void) {
    if (counts_library()) check_skip("linked statically: the C library's own allocations would count");
    ledger book;
    const lowbit_allocator allocator = ledger_allocator(&book);
    static scene legal;
    const long before = heap_calls();
    memset(&legal, 0, sizeof legal);
    legal.allocator = &allocator;
    CHECK(call_ctx(&legal) == LOWBIT_OK);
    CHECK(heap_calls() - before == book.allocations && book.allocations > 0);
    legal.ctx = legal.made_ctx;
    legal.s = sample_make(legal.ctx, "i4mg32a8:m5n33k40+bias", DATA_RANDOM);
    for (size_t c = 1; c < LB_COUNT(kCalls); c++) {
        scene s = fresh(&legal);
        const long heap = heap_calls();
        const int64_t allocations = book.allocations;
        check_context("%s", kCalls[c].name);
        CHECK(kCalls[c].call(&s) == LOWBIT_OK);
        CHECK(heap_calls() - heap == book.allocations - allocations);
        kCalls[c].release(&s);
    }
    sample_free(legal.ctx, &legal.s);
    lowbit_ctx_destroy(legal.ctx);
}
