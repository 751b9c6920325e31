/* SPDX-License-Identifier: Apache-2.0 */
/* Pretend machines of every shape: what the report says of each, where a pool's threads go, and how many threads plans
 * take. What an estimate may decide either way is a range here; the rest is a matter of principle. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/binding.h"
#include "kernels/base/cpu_mask.h"
#include "lowbit/lowbit.h"
#include "tests/check.h"
#include "tests/fake_machines.h"
#include "tuner/plan.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* 8P+8E: the fast cores have two hardware threads each; of the slow ones, four share an L2 cache. */
static const fake_cores kHybrid[] = {
    {.cores = 8, .threads = 2, .l1_kib = 48, .l2_kib = 2048, .l2_cores = 1, .speed = 2},
    {.cores = 8, .threads = 1, .l1_kib = 32, .l2_kib = 4096, .l2_cores = 4, .speed = 1}};
/* 4+4 big.LITTLE: the slow cores come first, and nobody has an L3 cache. */
static const fake_cores kLittle[] = {
    {.cores = 4, .threads = 1, .l1_kib = 32, .l2_kib = 512, .l2_cores = 4},
    {.cores = 4, .threads = 1, .l1_kib = 64, .l2_kib = 2048, .l2_cores = 4, .speed = 1}};

typedef struct fake {
    const char *name;
    const char *topology; /* or the XML of: */
    const fake_cores *kinds;
    const char *cpus;             /* affinity mask */
    const char *compact, *spread; /* how these orders begin */
    double quota;
    int l3_kib;
    uint32_t guest;
    lowbit_machine want; /* counts, limits and caches */
} fake;

#define SOCKETS "pack:2 numa:2 l3:1(size=33554432) l2:4(size=1048576) l1d:1(size=32768) core:1 pu:1"
#define SMT "pack:1 l3:1(size=16777216) l2:4(size=1048576) l1d:1(size=32768) core:1 pu:2"
#define FLEET "pack:2 numa:1 l3:12(size=33554432) l2:8(size=1048576) l1d:1(size=49152) core:1 pu:2"
#define COUNTS(p, n, c, t, k) .packages = (p), .numa_nodes = (n), .cores = (c), .cpus = (t), .core_kinds = (k)
#define ALLOWED(p, n, c, t, f)                                                                                         \
    .allowed_packages = (p), .allowed_numa_nodes = (n), .allowed_cores = (c), .allowed_cpus = (t),                     \
    .allowed_fast_cores = (f)
#define THREADS(n, limit) .usable_threads = (n), .cpu_limit = LOWBIT_CPU_LIMIT_##limit
#define CACHES(l1, l2, l3, trusted)                                                                                    \
    .l1d_bytes = (l1) * (int64_t)KIB, .l2_bytes = (l2) * (int64_t)KIB, .l3_bytes = (l3) * (int64_t)MIB,                \
    .l3_trusted_bytes = (trusted) * (int64_t)MIB
#define SHARED(l1, l2, l3) .l1d_sharing = (l1), .l2_sharing = (l2), .l3_sharing = (l3)

static const fake kFakes[] = {
    {.name = "two sockets with two nodes each",
     .topology = SOCKETS,
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(2, 4, 16, 16, 16), THREADS(16, NONE), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "0-15"},
     .compact = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
     .spread = "0,8,4,12,1,9,5,13,2,10,6,14,3,11,7,15"},
    {.name = "the odd CPUs of that",
     .topology = SOCKETS,
     .cpus = "1,3,5,7,9,11,13,15",
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(2, 4, 8, 8, 8), THREADS(8, AFFINITY), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "1,3,5,7,9,11,13,15"},
     .compact = "1,3,5,7,9,11,13,15",
     .spread = "1,9,5,13,3,11,7,15"},
    {.name = "one node of that",
     .topology = SOCKETS,
     .cpus = "4-7",
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(1, 1, 4, 4, 4), THREADS(4, AFFINITY), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "4-7"},
     .compact = "4,5,6,7",
     .spread = "4,5,6,7"},
    {.name = "uneven parts of that",
     .topology = SOCKETS,
     .cpus = "0-3,14-15",
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(2, 2, 6, 6, 6), THREADS(6, AFFINITY), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "0-3,14-15"},
     .compact = "0,1,2,3,14,15",
     .spread = "0,14,1,15,2,3"},
    {.name = "8P+8E",
     .kinds = kHybrid,
     .l3_kib = 30 * KIB,
     .want = {COUNTS(1, 1, 16, 24, 2), ALLOWED(1, 1, 16, 24, 8), THREADS(16, NONE), CACHES(48, 2048, 30, 30),
              SHARED(2, 2, 24), .allowed_list = "0-23"},
     .compact = "0,2,4,6,8,10,12,14,16,17,18,19,20,21,22,23,1,3,5,7,9,11,13,15",
     .spread = "0,2,4,6,8,10,12,14,16,17,18,19,20,21,22,23,1,3,5,7,9,11,13,15"},
    {.name = "the E cores of that",
     .kinds = kHybrid,
     .l3_kib = 30 * KIB,
     .cpus = "16-23",
     .want = {COUNTS(1, 1, 16, 24, 2), ALLOWED(1, 1, 8, 8, 8), THREADS(8, AFFINITY), CACHES(32, 4096, 30, 30),
              SHARED(1, 4, 24), .allowed_list = "16-23"},
     .compact = "16,17,18,19,20,21,22,23",
     .spread = "16,17,18,19,20,21,22,23"},
    {.name = "4+4 big.LITTLE",
     .kinds = kLittle,
     .want = {COUNTS(1, 1, 8, 8, 2), ALLOWED(1, 1, 8, 8, 4), THREADS(8, NONE), CACHES(64, 2048, 0, 0), SHARED(1, 4, 0),
              .allowed_list = "0-7"},
     .compact = "4,5,6,7,0,1,2,3",
     .spread = "4,5,6,7,0,1,2,3"},
    {.name = "one core",
     .topology = "pu:1",
     .want = {COUNTS(1, 1, 1, 1, 1), ALLOWED(1, 1, 1, 1, 1), THREADS(1, NONE), .allowed_list = "0"},
     .compact = "0",
     .spread = "0"},
    {.name = "SMT-2",
     .topology = SMT,
     .want = {COUNTS(1, 1, 4, 8, 1), ALLOWED(1, 1, 4, 8, 4), THREADS(4, NONE), CACHES(32, 1024, 16, 16),
              SHARED(2, 2, 8), .allowed_list = "0-7"},
     .compact = "0,2,4,6,1,3,5,7",
     .spread = "0,2,4,6,1,3,5,7"},
    {.name = "the odd CPUs of that: the second hardware thread of every core",
     .topology = SMT,
     .cpus = "1,3,5,7",
     .want = {COUNTS(1, 1, 4, 8, 1), ALLOWED(1, 1, 4, 4, 4), THREADS(4, NONE), CACHES(32, 1024, 16, 16),
              SHARED(2, 2, 8), .allowed_list = "1,3,5,7"},
     .compact = "1,3,5,7",
     .spread = "1,3,5,7"},
    {.name = "192 cores",
     .topology = FLEET,
     .want = {COUNTS(2, 2, 192, 384, 1), ALLOWED(2, 2, 192, 384, 192), THREADS(192, NONE), CACHES(48, 1024, 32, 32),
              SHARED(2, 2, 16), .allowed_list = "0-383"},
     .compact = "0,2,4,6,8,10,12,14,16,",
     .spread = "0,192,16,208,32,224,48,240,64,256,80,272,96,288,112,304,128,320,144,336,160,352,176,368,2,194,18,"},
    {.name = "a quota of 1.5 CPUs",
     .topology = SOCKETS,
     .quota = 1.5,
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(2, 4, 16, 16, 16), THREADS(2, QUOTA), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "0-15"},
     .compact = "0,1,",
     .spread = "0,8,"},
    {.name = "a quota beyond the mask",
     .topology = SOCKETS,
     .cpus = "0-1",
     .quota = 3,
     .want = {COUNTS(2, 4, 16, 16, 1), ALLOWED(1, 1, 2, 2, 2), THREADS(2, AFFINITY), CACHES(32, 1024, 32, 32),
              SHARED(1, 1, 4), .allowed_list = "0-1"},
     .compact = "0,1",
     .spread = "0,1"},
    {.name = "a guest that is told the L3 of its host",
     .topology = "l3:1(size=503316480) l2:2(size=2097152) l1d:1(size=49152) core:1 pu:1",
     .guest = 1,
     .want = {COUNTS(1, 1, 2, 2, 1), ALLOWED(1, 1, 2, 2, 2), THREADS(2, NONE), CACHES(48, 2048, 480, 8),
              SHARED(1, 1, 2), .allowed_list = "0-1"},
     .compact = "0,1",
     .spread = "0,1"},
};

static lowbit_ctx *fake_context(const fake *f, uint32_t isa_mask, const lowbit_logger *logger) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_ctx *ctx = NULL;
    options.isa_mask = isa_mask;
    options.logger = logger;
    options.topology = f->topology ? f->topology : fake_xml(f->kinds, 2, f->l3_kib);
    options.allowed_cpus = f->cpus;
    options.cpu_quota = f->quota;
    options.guest = f->guest;
    if (!CHECK(lowbit_ctx_create(&options, &ctx, &error) == LOWBIT_OK)) printf("  %s\n", error.message);
    return ctx;
}

/* ---- the report ---- */

static void check_counts(const lowbit_machine *m, const lowbit_machine *want) {
    CHECK(m->packages == want->packages && m->numa_nodes == want->numa_nodes);
    CHECK(m->cores == want->cores && m->cpus == want->cpus && m->core_kinds == want->core_kinds);
    CHECK(m->allowed_packages == want->allowed_packages && m->allowed_numa_nodes == want->allowed_numa_nodes);
    CHECK(m->allowed_cores == want->allowed_cores && m->allowed_cpus == want->allowed_cpus);
    CHECK(m->allowed_fast_cores == want->allowed_fast_cores);
    CHECK(m->usable_threads == want->usable_threads && m->cpu_limit == want->cpu_limit);
    CHECK(strcmp(m->allowed_list, want->allowed_list) == 0);
}

static void check_caches(const lowbit_machine *m, const lowbit_machine *want) {
    CHECK(m->l1d_bytes == want->l1d_bytes && m->l2_bytes == want->l2_bytes && m->l3_bytes == want->l3_bytes);
    CHECK(m->l1d_sharing == want->l1d_sharing && m->l2_sharing == want->l2_sharing);
    CHECK(m->l3_sharing == want->l3_sharing && m->l3_trusted_bytes == want->l3_trusted_bytes);
}

/* ---- where threads go ---- */

/* The places of `bind` in text; how many there are. */
static size_t print_places(const lowbit_ctx *ctx, uint32_t bind, char *text, size_t size) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lb_binding binding = {NULL, 0};
    size_t used = 0;
    options.bind = bind;
    text[0] = 0;
    CHECK(lb_binding_of(ctx, &options, &binding, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < binding.count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "", binding.cpus[i]);
    return binding.count;
}

static void check_places(const lowbit_ctx *ctx, uint32_t bind, const char *want) {
    char text[4096];
    const size_t count = print_places(ctx, bind, text, sizeof text), length = strlen(want);
    const bool whole = want[length - 1] != ',';
    CHECK(count == ctx->machine.allowed_cpus);
    if (!CHECK(strncmp(text, want, length) == 0 && (!whole || !text[length]))) printf("  bind %u: %s\n", bind, text);
}

void subject_fakes_machine(void) {
    if (!fake_possible()) check_skip("no hwloc in this build");
    for (size_t i = 0; i < LB_COUNT(kFakes); i++) {
        const fake *f = &kFakes[i];
        check_context("%s", f->name);
        lowbit_ctx *ctx = fake_context(f, 0, NULL);
        if (!ctx) continue;
        check_counts(&ctx->machine, &f->want);
        check_caches(&ctx->machine, &f->want);
        CHECK(ctx->node_count == f->want.allowed_numa_nodes);
        check_places(ctx, LOWBIT_BIND_COMPACT, f->compact);
        check_places(ctx, LOWBIT_BIND_SPREAD, f->spread);
        lowbit_ctx_destroy(ctx);
    }
}

/* ---- threads of a pool ---- */

static void count_warning(void *user, int level, const char *message) {
    (void)message;
    if (level == LOWBIT_LOG_WARNING) ++*(int *)user;
}

static void note_mask(void *arg, size_t i, size_t worker) {
    lb_cpu_mask *masks = arg;
    (void)i;
    lb_cpu_mask_of_thread(&masks[worker]);
}

/* The CPUs of a pretend machine may exist here too: nobody is bound to them, and the log says so. */
void subject_fakes_pool(void) {
    if (!fake_possible()) check_skip("no hwloc in this build");
    int warnings = 0;
    const lowbit_logger logger = {sizeof logger, &warnings, count_warning};
    lowbit_ctx *ctx = fake_context(&kFakes[0], 0, &logger);
    lb_cpu_mask own;
    lb_cpu_mask_of_thread(&own);
    for (uint32_t bind = LOWBIT_BIND_COMPACT; ctx && bind <= LOWBIT_BIND_LIST; bind++) {
        static const uint16_t kList[] = {15, 0, 0};
        lowbit_pool_options options = {sizeof options, 3, 0, bind, kList, LB_COUNT(kList)};
        lowbit_pool pool = LOWBIT_POOL_INIT;
        lb_cpu_mask masks[3] = {own, own, own};
        check_context("bind %u", bind);
        CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
        CHECK(warnings == (int)bind);
        for (int repeat = 0; repeat < 100; repeat++) pool.parallel_for(pool.user, 3, note_mask, masks);
        for (size_t w = 0; w < LB_COUNT(masks); w++) CHECK(memcmp(&masks[w], &own, sizeof own) == 0);
        lowbit_pool_destroy(&pool);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- what plans decide ---- */

enum { TINY, ROW, BIG };

static const struct {
    const char *problem;
    int size;
} kProblems[] = {
    {"i8a8:m1n64k64", TINY},         {"b1a8:m1n64k64", TINY},         {"i4g32a8:m1n64k64", TINY},
    {"i4g32a8:m1n4096k4096", ROW},   {"i8a8:m1n4096k4096", ROW},      {"i8a8:m512n4096k4096", BIG},
    {"i4g32a8:m512n4096k4096", BIG}, {"i4g32af:m512n4096k4096", BIG},
};

/* The least number of threads that is right for a problem of this size where `usable` may be had. A row of a megabyte
 * of weights or more is worth a second thread everywhere; a big product is worth all, until there are so many that
 * starting them takes as long as what they would save. */
static uint32_t least_threads(int size, uint32_t usable) {
    const uint32_t many = size == TINY ? 1 : size == ROW ? 2 : 64;
    const uint32_t small_machine = size == BIG ? usable : many;
    return usable <= 32 ? (small_machine < usable ? small_machine : usable) : many;
}

static uint32_t most_threads(int size, uint32_t usable) { return size == TINY ? 1 : usable; }

static int64_t tasks_of(const lowbit_plan *plan) {
    const lowbit_problem *p = &plan->problem;
    const lb_gemm_config *c = &lb_plan_decision_of(plan, p->m)->config;
    return lb_div_up(p->m, c->step_m) * lb_div_up(p->n, c->step_n);
}

static uint32_t threads_of(const lowbit_plan *plan, int64_t m) {
    lowbit_plan_info info = {.struct_size = sizeof info};
    CHECK(lowbit_plan_describe(plan, m, &info, NULL) == LOWBIT_OK);
    return info.threads;
}

static lowbit_plan *plan_for(const lowbit_ctx *ctx, const char *text, uint32_t threads) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    options.threads = threads;
    CHECK(lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_create(ctx, &problem, &options, &plan, NULL) == LOWBIT_OK);
    return plan;
}

static void check_decision(const lowbit_ctx *ctx, size_t p) {
    const int size = kProblems[p].size;
    const uint32_t usable = ctx->machine.usable_threads;
    lowbit_plan *plan = plan_for(ctx, kProblems[p].problem, usable);
    const uint32_t threads = threads_of(plan, plan->problem.m);
    if (!CHECK(threads >= least_threads(size, usable) && threads <= most_threads(size, usable)))
        printf("  %u threads of %u\n", threads, usable);
    CHECK(tasks_of(plan) >= threads);
    for (int64_t m = 1; m <= plan->problem.m; m *= 4) CHECK(threads_of(plan, m) >= 1 && threads_of(plan, m) <= usable);
    lowbit_plan_destroy(ctx, plan);
}

/* Never more than there are, for any number that is offered; and more never make a product take fewer, but
 * for tasks that are cut in whole tiles. */
static void check_offers(const lowbit_ctx *ctx, size_t p) {
    uint32_t before = 0;
    for (uint32_t offered = 1; offered <= ctx->machine.usable_threads; offered = offered * 3 / 2 + 1) {
        lowbit_plan *plan = plan_for(ctx, kProblems[p].problem, offered);
        const uint32_t threads = threads_of(plan, plan->problem.m);
        if (!CHECK(threads <= offered && 3 * threads >= 2 * before))
            printf("  %u of %u, before %u\n", threads, offered, before);
        before = threads;
        lowbit_plan_destroy(ctx, plan);
    }
}

void subject_fakes_plans(void) {
    static const uint32_t kMasks[] = {0, LOWBIT_ISA_SCALAR};
    if (!fake_possible()) check_skip("no hwloc in this build");
    for (size_t i = 0; i < LB_COUNT(kFakes); i++)
        for (size_t mask = 0; mask < LB_COUNT(kMasks); mask++) {
            lowbit_ctx *ctx = fake_context(&kFakes[i], kMasks[mask], NULL);
            for (size_t p = 0; ctx && p < LB_COUNT(kProblems); p++) {
                check_context("%s on %s%s", kProblems[p].problem, kFakes[i].name, kMasks[mask] ? ", scalar" : "");
                check_decision(ctx, p);
                check_offers(ctx, p);
            }
            lowbit_ctx_destroy(ctx);
        }
}
