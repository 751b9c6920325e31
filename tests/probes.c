/* SPDX-License-Identifier: Apache-2.0 */
/* Probes compute what they claim, read what they claim, and the limits made of them are kept. */
#include "kernels/simd/probe.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/limits.h"
#include "kernels/base/cpu.h"
#include "tests/check.h"
#include "tuner/wisdom.h"

static double read_rate(lb_limits *limits, size_t bytes, const lowbit_pool *pool) {
    lb_limit limit;
    return lb_limit_read(limits, bytes, pool, &limit, NULL) == LOWBIT_OK ? limit.best : 0;
}

static double compute_rate(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool) {
    lb_limit limit;
    return lb_limit_compute(limits, unit, kind, width, pool, &limit, NULL) == LOWBIT_OK ? limit.best : 0;
}

enum { LINE = 64 };

/* The sums of probe.h, written from its text. */
static uint32_t decode_sum(int width, const uint8_t *lines, size_t bytes, const int8_t *a) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        for (int f = 0; f < 8 / width; f++)
            sum += (uint32_t)((lines[i] >> (width * f) & ((1 << width) - 1)) * a[4 * f + (int)(i % 4)]);
    return sum;
}

/* Sum over k of (sum over m of A[m, k]) * (sum over n of B[k, n]). */
static uint32_t tile_sum(const uint8_t *a, const uint8_t *b, size_t tile_k) {
    uint32_t sum = 0;
    for (size_t k = 0; k < LB_PROBE_BLOCK_K; k++) {
        uint32_t rows = 0, columns = 0;
        for (size_t m = 0; m < 32; m++) rows += (uint32_t)(int8_t)a[(k / tile_k * 32 + m) * tile_k + k % tile_k];
        for (size_t n = 0; n < 32; n++) columns += b[(n / 16 * LB_PROBE_BLOCK_K + k) / 4 * 64 + n % 16 * 4 + k % 4];
        sum += rows * columns;
    }
    return sum;
}

/* A small integer. */
static int32_t half_at(const uint8_t *bytes, size_t element) {
    const uint32_t bits = (uint32_t)(bytes[2 * element] | bytes[2 * element + 1] << 8) << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (int32_t)x;
}

/* The same of bf16. */
static uint32_t halves_sum(const uint8_t *a, const uint8_t *b) {
    enum { K = LB_PROBE_BLOCK_K / 2 };
    int32_t sum = 0;
    for (size_t k = 0; k < K; k++) {
        int32_t rows = 0, columns = 0;
        for (size_t m = 0; m < 32; m++) rows += half_at(a, (k / 32 * 32 + m) * 32 + k % 32);
        for (size_t n = 0; n < 32; n++) columns += half_at(b, (n / 16 * K + k) / 2 * 32 + n % 16 * 2 + k % 2);
        sum += rows * columns;
    }
    return (uint32_t)sum;
}

static uint32_t maximum_sum(const uint8_t *line, const int8_t *a) {
    int32_t sum = 0;
    for (int i = 0; i < LINE; i++) sum += (int8_t)line[i] > a[i % 4] ? (int8_t)line[i] : a[i % 4];
    return (uint32_t)sum;
}

/* Each lookup is one step around the table of 16. */
static uint32_t lookup_sum(const uint8_t *line, uint32_t steps, int8_t a) {
    uint32_t sum = 0;
    for (int i = 0; i < LINE; i++) sum += (line[i] + steps * (uint8_t)a) % 16;
    return sum;
}

static bool has_blocks(const lb_probe *p) {
    return p->kind == LB_PROBE_TILES || p->kind == LB_PROBE_TILES_BF16 || p->kind == LB_PROBE_TILE_GROUPS;
}

static bool writes(const lb_probe *p) { return p->kind == LB_PROBE_WRITE || p->kind == LB_PROBE_WRITE_AROUND; }

static uint32_t expected_sum(const lb_probe *p, const uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    if (p->kind == LB_PROBE_READ || writes(p)) return 0;
    if (p->kind == LB_PROBE_DECODE) return (uint32_t)reps * decode_sum(p->width, lines, bytes, a);
    if (p->kind == LB_PROBE_LOOKUP) return p->repeat * lookup_sum(lines, (uint32_t)(reps * (bytes / LINE)), a[0]);
    if (p->kind == LB_PROBE_BITS) {
        uint32_t ones = 0;
        for (size_t i = 0; i < LINE; i++) ones += (uint32_t)__builtin_popcount(lines[i] ^ (uint8_t)a[i % 4]);
        return (uint32_t)(reps * (bytes / LINE) * p->repeat) * ones;
    }
    if (has_blocks(p)) {
        uint32_t sum = 0;
        for (size_t at = 0; at < bytes; at += LB_PROBE_BLOCK_BYTES)
            sum += p->kind == LB_PROBE_TILES_BF16 ? halves_sum(lines + at, lines)
                                                  : tile_sum(lines + at, lines, p->width == 32 ? 32 : 64);
        return (uint32_t)reps * sum;
    }
    if (p->kind == LB_PROBE_FMA || p->kind == LB_PROBE_L1F) {
        uint32_t sum = 0;
        for (size_t l = 0; l < LINE; l += 4)
            sum += (uint32_t)(p->kind == LB_PROBE_FMA ? lines[l] * a[0] : -abs(lines[l] - a[0]));
        return (uint32_t)(reps * (bytes / LINE) * p->repeat * 4) * sum;
    }
    const uint32_t steps = (uint32_t)(reps * (bytes / LINE) * p->repeat);
    if (p->kind == LB_PROBE_TILE_BF16 || p->kind == LB_PROBE_FMA_BF16) {
        uint32_t sum = 0;
        for (size_t i = 0; i < LINE; i += 2) sum += (uint32_t)(lines[i] * a[0]);
        return steps * 2 * sum;
    }
    return steps * (p->kind == LB_PROBE_L1 ? maximum_sum(lines, a) : decode_sum(8, lines, LINE, a));
}

static bool is_narrow(const lb_probe *p) {
    return p->kind == LB_PROBE_MADDUBS || p->kind == LB_PROBE_TILE_GROUPS || p->kind == LB_PROBE_L1 ||
           p->kind == LB_PROBE_FMA || p->kind == LB_PROBE_L1F || p->kind == LB_PROBE_FMA_BF16 ||
           p->kind == LB_PROBE_TILE_BF16 || p->kind == LB_PROBE_TILES_BF16;
}

enum { DATA_RANDOM, DATA_LEAST, DATA_MOST, DATA_KINDS };

/* Random data, or the codes and activations that make the sums as small or as large as they get: those find an
 * accumulator that is widened too late. The probes that are exact
 * for small sums only get values that their contract allows. */
static void fill(const lb_probe *p, int data, uint8_t *lines, size_t bytes, int8_t *a) {
    const bool narrow = is_narrow(p);
    for (size_t i = 0; i < bytes; i++) lines[i] = (uint8_t)(data == DATA_RANDOM ? check_random_in(0, 255) : 255);
    for (size_t i = 0; i < 32; i++)
        a[i] = (int8_t)(data == DATA_RANDOM ? check_random_in(-128, 127) : data == DATA_LEAST ? -128 : 127);
    if (!narrow) return;
    for (size_t i = 0; i < bytes; i++) lines[i] &= 1;
    for (size_t i = 0; p->kind == LB_PROBE_TILES_BF16 && i < bytes; i += 2) { /* -2, -1, 0 or 2 */
        static const uint16_t kHalves[] = {0, 0xbf80, 0xc000, 0x4000};
        const uint16_t half = kHalves[lines[i] * 2 + lines[i + 1]];
        lines[i] = (uint8_t)half, lines[i + 1] = (uint8_t)(half >> 8);
    }
    for (size_t i = 0; i < 32; i++) a[i] = (int8_t)(a[i] % 8);
}

/* Byte i is a[i % 4] where the probe writes, and otherwise what it was. */
static void check_buffer(const lb_probe *p, const uint8_t *lines, const uint8_t *before, size_t bytes,
                         const int8_t *a) {
    size_t wrong = 0;
    for (size_t i = 0; i < bytes; i++) wrong += lines[i] != (writes(p) ? (uint8_t)a[i % 4] : before[i]);
    CHECK(wrong == 0);
}

static void check_sums(const lb_probe *p) {
    static const size_t kLines[] = {8, 16, 24, 40, 104, 520}, kBlocks[] = {1, 2, 3, 5};
    const size_t sizes = has_blocks(p) ? sizeof kBlocks / sizeof kBlocks[0] : sizeof kLines / sizeof kLines[0];
    for (size_t s = 0; s < sizes; s++)
        for (int data = 0; data < DATA_KINDS; data++)
            for (size_t reps = 0; reps <= 3; reps++) {
                const size_t bytes = has_blocks(p) ? kBlocks[s] * LB_PROBE_BLOCK_BYTES : kLines[s] * LINE;
                uint8_t *lines = check_guarded(bytes, CHECK_GUARD_AFTER), *before = check_guarded(bytes, 0);
                int8_t *a = check_guarded(32, CHECK_GUARD_AFTER);
                fill(p, data, lines, bytes, a);
                memcpy(before, lines, bytes);
                CHECK(p->run(lines, bytes, reps, a) == expected_sum(p, before, bytes, reps, a));
                if (reps > 0) check_buffer(p, lines, before, bytes, a);
                check_guard_free_all();
            }
}

static void touched(int signal_number) {
    (void)signal_number;
    _exit(1);
}

/* True if the probe dies when it may not touch page `hole` of the buffer. */
static bool reads_page(const lb_probe *p, uint8_t *lines, size_t pages, size_t page, size_t hole) {
    const pid_t child = fork();
    if (child == 0) {
        static const int8_t a[32];
        signal(SIGSEGV, touched);
        mprotect(lines + hole * page, page, PROT_NONE);
        p->run(lines, pages * page, 1, a);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void check_reads_all(const lb_probe *p) {
    enum { PAGES = 9 };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *lines = check_guarded(PAGES * page, CHECK_GUARD_BEFORE);
    CHECK(!reads_page(p, lines, PAGES, page, PAGES)); /* the guard itself */
    for (size_t hole = 0; hole < PAGES; hole++) CHECK(reads_page(p, lines, PAGES, page, hole));
    check_guard_free_all();
}

static bool has_probe(const lb_isa_unit *unit, int kind, int width) {
    for (size_t i = 0; i < unit->probe_count; i++)
        if (unit->probes[i].kind == kind && unit->probes[i].width == width) return true;
    return false;
}

static void check_complete(const lb_isa_unit *unit) {
    CHECK(has_probe(unit, LB_PROBE_READ, 0) && has_probe(unit, LB_PROBE_WRITE, 0));
    if (unit->isa == LOWBIT_ISA_SCALAR) return;
    CHECK(has_probe(unit, LB_PROBE_MADDUBS, 0) && has_probe(unit, LB_PROBE_MADD, 0));
    CHECK(has_probe(unit, LB_PROBE_BITS, 0) && has_probe(unit, LB_PROBE_LOOKUP, 0));
    CHECK(has_probe(unit, LB_PROBE_L1, 0) && has_probe(unit, LB_PROBE_L1F, 0));
    for (int width = 1; width <= 8; width *= 2) CHECK(has_probe(unit, LB_PROBE_DECODE, width));
    const uint32_t kWithoutDot =
        LOWBIT_ISA_SSE4 | LOWBIT_ISA_AVX2 | LOWBIT_ISA_AVX512 | LOWBIT_ISA_NEON | LOWBIT_ISA_SVE;
    CHECK(has_probe(unit, LB_PROBE_DOT, 0) == !(unit->isa & kWithoutDot));
    CHECK(has_probe(unit, LB_PROBE_WRITE_AROUND, 0));
    CHECK(has_probe(unit, LB_PROBE_FMA_BF16, 0) == ((unit->isa & (LOWBIT_ISA_AVX512BF16 | LOWBIT_ISA_AMX)) != 0));
    const bool tiles = unit->isa == LOWBIT_ISA_AMX;
    CHECK(has_probe(unit, LB_PROBE_TILE, 0) == tiles && has_probe(unit, LB_PROBE_TILES, 0) == tiles);
    CHECK(has_probe(unit, LB_PROBE_TILE_BF16, 0) == tiles && has_probe(unit, LB_PROBE_TILES_BF16, 0) == tiles);
    for (int group = 32; group <= 128; group *= 2) CHECK(has_probe(unit, LB_PROBE_TILE_GROUPS, group) == tiles);
}

void subject_probes(void) {
    const uint32_t usable = lb_isa_permitted(lb_isa_present() & lb_units_compiled());
    for (size_t u = 0; lb_unit_at(u); u++) {
        const lb_isa_unit *unit = lb_unit_at(u);
        const char *level = lb_isa_level_of(unit->isa)->name;
        check_context("%s", level);
        check_complete(unit);
        for (size_t i = 0; (unit->isa & usable) && i < unit->probe_count; i++) {
            const lb_probe *p = &unit->probes[i];
            check_context("%s, kind %d, width %d, streams %d", level, p->kind, p->width, p->streams);
            check_sums(p);
            if (p->kind == LB_PROBE_READ) check_reads_all(p);
        }
    }
}

static size_t three_threads(void *user) {
    (void)user;
    return 3;
}

static void in_turn(void *user, size_t n, lowbit_task task, void *arg) {
    (void)user;
    for (size_t i = 0; i < n; i++) task(arg, i, 0);
}

static void *no_alloc(void *user, size_t bytes, size_t align) {
    (void)align;
    return bytes > *(size_t *)user ? NULL : malloc(bytes);
}

static void no_free(void *user, void *memory, size_t bytes) {
    (void)user;
    (void)bytes;
    free(memory);
}

static void check_refusals(void) {
    size_t most = 512 << 10;
    const lowbit_allocator allocator = {sizeof allocator, &most, no_alloc, no_free};
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    options.allocator = &allocator;
    lowbit_ctx *ctx = NULL;
    lb_limits *limits = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_ctx_create(&options, &ctx, &error) == LOWBIT_OK);
    CHECK(lb_limits_create(ctx, 0.001, &limits, &error) == LOWBIT_OK);
    lb_limit limit;
    CHECK(lb_limit_read(limits, 1 << 20, NULL, &limit, &error) == LOWBIT_NO_MEMORY);
    CHECK(strstr(error.message, "1048576") != NULL);
    CHECK(lb_limit_read(limits, 4095, NULL, &limit, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(read_rate(limits, 1 << 20, NULL) == 0);
    lb_limits_destroy(limits);
    lb_limits_destroy(NULL);
    most = 16;
    CHECK(lb_limits_create(ctx, 0.001, &limits, &error) == LOWBIT_NO_MEMORY);
    lowbit_ctx_destroy(ctx);
}

/* Forks are timed, kept apart by what their tasks do, and remembered. */
static void check_forks(lb_limits *limits, const lowbit_ctx *ctx) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    options.threads = 2;
    lb_limit empty, meeting, again;
    CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
    CHECK(lb_limit_fork(limits, LB_FORK_EMPTY, &pool, &empty, NULL) == LOWBIT_OK);
    CHECK(lb_limit_fork(limits, LB_FORK_MEET, &pool, &meeting, NULL) == LOWBIT_OK);
    CHECK(empty.best > 1e-9 && empty.best <= empty.median && meeting.best > 1e-9 && meeting.best <= meeting.median);
    CHECK(lb_limit_fork(limits, LB_FORK_EMPTY, &pool, &again, NULL) == LOWBIT_OK);
    CHECK(memcmp(&again, &empty, sizeof again) == 0 && memcmp(&again, &meeting, sizeof again) != 0);
    CHECK(lb_limit_fork(limits, LB_FORK_EMPTY, NULL, &again, NULL) == LOWBIT_INVALID_ARGUMENT);
    lowbit_pool_destroy(&pool);
}

static lb_limits *limits_of(const lowbit_ctx *ctx, double budget_s, lowbit_wisdom *wisdom, bool reuse) {
    lb_limits *limits = NULL;
    CHECK(lb_limits_create(ctx, budget_s, &limits, NULL) == LOWBIT_OK);
    CHECK(lb_limits_keep(limits, wisdom, reuse, NULL) == LOWBIT_OK);
    return limits;
}

/* Limits pass through a wisdom, unless the machine is another one by now, or more time is to be spent on them. */
static void check_kept(const lowbit_ctx *ctx) {
    static const char kClock[] = "limit.clock.any.w0.b12288.t1";
    lowbit_wisdom *wisdom = NULL;
    const lb_isa_unit *unit = lb_unit_best(ctx);
    double values[LB_FACT_VALUES];
    CHECK(lowbit_wisdom_create(ctx, &wisdom, NULL) == LOWBIT_OK);
    lb_limits *limits = limits_of(ctx, 0.002, wisdom, true);
    CHECK(!lb_limits_are_kept(limits) && lb_limits_are_new(limits));
    const double read = read_rate(limits, 100000, NULL);
    lb_limits_destroy(limits);

    limits = limits_of(ctx, 0.016, wisdom, true);
    CHECK(!lb_limits_are_kept(limits)); /* measured in a hurry */
    lb_limits_destroy(limits);
    bool kept = false;
    for (int tries = 0; tries < 50 && !kept; tries++) { /* a busy machine is another one every moment */
        limits = limits_of(ctx, 0.002, wisdom, true);
        kept = lb_limits_are_kept(limits);
        if (kept) CHECK(fabs(read_rate(limits, 100000, NULL) / read - 1) < 1e-5);
        lb_limits_destroy(limits);
    }
    CHECK(kept);

    CHECK(lb_wisdom_fact(wisdom, kClock, values) == 5);
    values[0] *= 2;
    CHECK(lb_wisdom_put_fact(wisdom, kClock, values, 5, 1, NULL) == LOWBIT_OK);
    limits = limits_of(ctx, 0.002, wisdom, true);
    CHECK(!lb_limits_are_kept(limits));
    lb_limits_destroy(limits);
    limits = limits_of(ctx, 0.0005, wisdom, false);
    CHECK(!lb_limits_are_kept(limits) && !lb_limits_are_new(limits));
    CHECK((compute_rate(limits, unit, LB_PROBE_READ, 0, NULL) > 0) == lb_limits_are_new(limits));
    lb_limits_destroy(limits);
    lowbit_wisdom_destroy(wisdom);
}

void subject_limits(void) {
    const lowbit_pool pool = {sizeof pool, NULL, three_threads, in_turn};
    lowbit_ctx *ctx = NULL;
    lb_limits *limits = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lb_limits_create(ctx, 0.0005, &limits, NULL) == LOWBIT_OK);

    lb_limit first, again;
    CHECK(lb_limit_read(limits, 100000, NULL, &first, NULL) == LOWBIT_OK);
    CHECK(first.best > 0 && first.median > 0 && first.median <= first.best && first.probe->kind == LB_PROBE_READ);
    CHECK(lb_limit_read(limits, 100000, NULL, &again, NULL) == LOWBIT_OK);
    CHECK(memcmp(&first, &again, sizeof first) == 0); /* remembered: a second measurement would differ */
    CHECK(read_rate(limits, 100000, &pool) > 0);
    CHECK(lb_limit_memcpy(limits, 100000, &pool, &first, NULL) == LOWBIT_OK && first.best > 0 && !first.probe);

    CHECK(lb_limit_write(limits, LB_PROBE_WRITE, 100000, &pool, &first, NULL) == LOWBIT_OK && first.best > 0);

    const lb_isa_unit *best = lb_unit_best(ctx), *scalar = lb_unit_at(0);
    CHECK(lb_limit_tiles(limits, best, LB_PROBE_TILES, 0, LB_TILES_L1, &pool, &first, NULL) == LOWBIT_OK);
    CHECK((first.best > 0) == (best->isa == LOWBIT_ISA_AMX));
    for (int width = 1; width <= 8; width *= 2) {
        CHECK(compute_rate(limits, scalar, LB_PROBE_DECODE, width, NULL) == 0);
        CHECK((compute_rate(limits, best, LB_PROBE_DECODE, width, NULL) > 0) == (best != scalar));
    }
    CHECK((compute_rate(limits, best, LB_PROBE_MADD, 0, &pool) > 0) == (best != scalar));
    CHECK(compute_rate(limits, scalar, LB_PROBE_DOT, 0, NULL) == 0);
    for (size_t i = 0; i < 600; i++) /* more than it remembers */
        CHECK(lb_limit_compute(limits, scalar, LB_PROBE_DOT, (int)i, NULL, &again, NULL) == LOWBIT_OK &&
              again.best == 0);
    check_forks(limits, ctx);
    CHECK(lb_limit_clock(limits, &pool, &first, NULL) == LOWBIT_OK && first.best > 1e6 && !first.probe);
    lb_limits_destroy(limits);
    check_kept(ctx);
    lowbit_ctx_destroy(ctx);
    check_refusals();
}
