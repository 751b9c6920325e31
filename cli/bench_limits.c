/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench limits`: what this machine can do at most, level by level and size by size. */
#include <stdio.h>

#include "bench/limits.h"
#include "bench/table.h"
#include "cli/state.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "kernels/base/cpu.h"

/* One limit that is measured for every level and number of threads. */
typedef struct column {
    const char *name, *head; /* in JSON; in the table */
    int kind, width;
    double scale; /* printed value of one unit per second */
    const char *unit;
} column;

static const column kColumns[] = {
    {"dot", "dot", LB_PROBE_DOT, 0, 1e-12, "op/s"},
    {"maddubs", "maddubs", LB_PROBE_MADDUBS, 0, 1e-12, "op/s"},
    {"madd", "madd", LB_PROBE_MADD, 0, 1e-12, "op/s"},
    {"l1", "l1", LB_PROBE_L1, 0, 1e-12, "op/s"},
    {"bits", "bits", LB_PROBE_BITS, 0, 1e-12, "op/s"},
    {"fma", "fma", LB_PROBE_FMA, 0, 1e-12, "op/s"},
    {"fma_bf16", "bf16", LB_PROBE_FMA_BF16, 0, 1e-12, "op/s"},
    {"l1f", "l1f", LB_PROBE_L1F, 0, 1e-12, "op/s"},
    {"lookup", "lookup", LB_PROBE_LOOKUP, 0, 1e-12, "lookup/s"},
    {"decode", "1 bit", LB_PROBE_DECODE, 1, 1e-9, "byte/s"},
    {"decode", "2 bit", LB_PROBE_DECODE, 2, 1e-9, "byte/s"},
    {"decode", "4 bit", LB_PROBE_DECODE, 4, 1e-9, "byte/s"},
    {"decode", "8 bit", LB_PROBE_DECODE, 8, 1e-9, "byte/s"},
};

static const int64_t kSizes[] = {32 << 10, 1 << 20, 8 << 20, 64 << 20, INT64_C(1) << 30};

/* Tiles, where a level has them; printed in TOPS. */
static const struct {
    const char *name, *head;
    int kind, width;
    size_t bytes; /* of A, of each thread; 0 = in registers */
} kTiles[] = {
    {"tile", "registers", LB_PROBE_TILE, 0, 0},
    {"tile_l1", "L1", LB_PROBE_TILES, 0, LB_TILES_L1},
    {"tile_l2", "A in L2", LB_PROBE_TILES, 0, LB_TILES_L2},
    {"tile_groups", "groups of 32", LB_PROBE_TILE_GROUPS, 32, LB_TILES_L1},
    {"tile_groups", "64", LB_PROBE_TILE_GROUPS, 64, LB_TILES_L1},
    {"tile_groups", "128", LB_PROBE_TILE_GROUPS, 128, LB_TILES_L1},
    {"tile_bf16", "bf16", LB_PROBE_TILE_BF16, 0, 0},
    {"tile_bf16_l1", "bf16 L1", LB_PROBE_TILES_BF16, 0, LB_TILES_L1},
    {"tile_bf16_l2", "bf16 A in L2", LB_PROBE_TILES_BF16, 0, LB_TILES_L2},
};

/* What memory does; printed in GB/s. */
static const char *const kMemory[] = {"read", "write", "write_around", "memcpy"};

/* Everything that the parts of the command share. */
typedef struct bench {
    const char *command;
    const lowbit_ctx *ctx;
    lowbit_wisdom *wisdom; /* that keeps them for other commands, or NULL */
    lb_limits *limits;
    lb_thread_list threads;
    lowbit_pool pools[LB_MAX_THREAD_LIST]; /* of the list; all zeros where it is one thread */
    json_t *results;
    lb_table clock, compute, tiles, memory, forks;
} bench;

static const lowbit_pool *pool_at(const bench *b, size_t i) { return b->pools[i].parallel_for ? &b->pools[i] : NULL; }

static void add_result(bench *b, const char *name, const char *unit, const char *isa, int width, int64_t bytes,
                       uint32_t threads, const lb_limit *limit) {
    const lb_probe *p = limit->probe;
    json_array_append_new(
        b->results,
        json_pack("{s:s, s:s, s:s?, s:i, s:I, s:I, s:f, s:f, s:i, s:i}", "limit", name, "unit", unit, "isa", isa,
                  "width", width, "bytes", (json_int_t)bytes, "threads", (json_int_t)threads, "best", limit->best,
                  "median", limit->median, "streams", p ? p->streams : 0, "prefetch", p ? p->prefetch : 0));
}

static void begin_table(lb_table *table, const char *const *heads, size_t count) {
    *table = (lb_table){.columns = count, .left = 1};
    for (size_t i = 0; i < count; i++) lb_table_cell(table, "%s", heads[i]);
}

static lowbit_status measure_clock(bench *b, lowbit_error *error) {
    static const char *const kHeads[] = {"threads", "GHz of a core"};
    begin_table(&b->clock, kHeads, LB_COUNT(kHeads));
    for (size_t t = 0; t < b->threads.count; t++) {
        lb_limit limit;
        lb_cli_progress("clock, %u threads", b->threads.threads[t]);
        LB_TRY(lb_limit_clock(b->limits, pool_at(b, t), &limit, error));
        lb_table_cell(&b->clock, "%u", b->threads.threads[t]);
        lb_table_number(&b->clock, limit.best / b->threads.threads[t] * 1e-9);
        add_result(b, "clock", "cycle/s", NULL, 0, 0, b->threads.threads[t], &limit);
    }
    return LOWBIT_OK;
}

static lowbit_status measure_level(bench *b, const lb_isa_unit *unit, size_t t, lowbit_error *error) {
    const char *isa = lb_isa_level_of(unit->isa)->name;
    lb_table_cell(&b->compute, "%s", isa);
    lb_table_cell(&b->compute, "%u", b->threads.threads[t]);
    for (size_t i = 0; i < LB_COUNT(kColumns); i++) {
        const column *c = &kColumns[i];
        lb_cli_progress("%s, %u threads: %s %d", isa, b->threads.threads[t], c->name, c->width);
        lb_limit limit;
        LB_TRY(lb_limit_compute(b->limits, unit, c->kind, c->width, pool_at(b, t), &limit, error));
        lb_table_number(&b->compute, limit.best * c->scale);
        if (limit.probe) add_result(b, c->name, c->unit, isa, c->width, 0, b->threads.threads[t], &limit);
    }
    return LOWBIT_OK;
}

static lowbit_status measure_levels(bench *b, lowbit_error *error) {
    const char *heads[2 + LB_COUNT(kColumns)] = {"level", "threads"};
    for (size_t i = 0; i < LB_COUNT(kColumns); i++) heads[2 + i] = kColumns[i].head;
    begin_table(&b->compute, heads, LB_COUNT(heads));
    for (size_t u = 1; lb_unit_at(u); u++)
        for (size_t t = 0; (lb_unit_at(u)->isa & b->ctx->isa_enabled) && t < b->threads.count; t++)
            LB_TRY(measure_level(b, lb_unit_at(u), t, error));
    return LOWBIT_OK;
}

static lowbit_status measure_tiles_of(bench *b, const lb_isa_unit *unit, size_t t, lowbit_error *error) {
    const char *isa = lb_isa_level_of(unit->isa)->name;
    const uint32_t threads = b->threads.threads[t];
    for (size_t i = 0; i < LB_COUNT(kTiles); i++) {
        lb_cli_progress("%s, %u threads: %s %d", isa, threads, kTiles[i].name, kTiles[i].width);
        lb_limit limit;
        const lowbit_pool *pool = pool_at(b, t);
        if (kTiles[i].bytes)
            LB_TRY(
                lb_limit_tiles(b->limits, unit, kTiles[i].kind, kTiles[i].width, kTiles[i].bytes, pool, &limit, error));
        else
            LB_TRY(lb_limit_compute(b->limits, unit, kTiles[i].kind, kTiles[i].width, pool, &limit, error));
        if (!limit.probe) return LOWBIT_OK; /* a level without tiles */
        if (i == 0) {
            lb_table_cell(&b->tiles, "%s", isa);
            lb_table_cell(&b->tiles, "%u", threads);
        }
        lb_table_number(&b->tiles, limit.best * 1e-12);
        add_result(b, kTiles[i].name, "op/s", isa, kTiles[i].width, (int64_t)kTiles[i].bytes, threads, &limit);
    }
    return LOWBIT_OK;
}

static lowbit_status measure_tiles(bench *b, lowbit_error *error) {
    const char *heads[2 + LB_COUNT(kTiles)] = {"level", "threads"};
    for (size_t i = 0; i < LB_COUNT(kTiles); i++) heads[2 + i] = kTiles[i].head;
    begin_table(&b->tiles, heads, LB_COUNT(heads));
    for (size_t u = 1; lb_unit_at(u); u++)
        for (size_t t = 0; (lb_unit_at(u)->isa & b->ctx->isa_enabled) && t < b->threads.count; t++)
            LB_TRY(measure_tiles_of(b, lb_unit_at(u), t, error));
    return LOWBIT_OK;
}

static lowbit_status measure_size(bench *b, int64_t bytes, size_t t, lowbit_error *error) {
    const uint32_t threads = b->threads.threads[t];
    const lowbit_pool *pool = pool_at(b, t);
    const char *isa = lb_isa_level_of(lb_unit_best(b->ctx)->isa)->name;
    lb_cli_progress("memory, %u threads: %lld KiB", threads, (long long)(bytes >> 10));
    lb_limit limits[LB_COUNT(kMemory)];
    LB_TRY(lb_limit_read(b->limits, (size_t)bytes, pool, &limits[0], error));
    LB_TRY(lb_limit_write(b->limits, LB_PROBE_WRITE, (size_t)bytes, pool, &limits[1], error));
    LB_TRY(lb_limit_write(b->limits, LB_PROBE_WRITE_AROUND, (size_t)bytes, pool, &limits[2], error));
    LB_TRY(lb_limit_memcpy(b->limits, (size_t)bytes, pool, &limits[3], error));
    lb_table_cell(&b->memory, "%lld KiB", (long long)(bytes >> 10));
    lb_table_cell(&b->memory, "%u", threads);
    for (size_t i = 0; i < LB_COUNT(kMemory); i++) {
        const lb_limit *limit = &limits[i];
        lb_table_number(&b->memory, limit->best * 1e-9);
        if (limit->best > 0) add_result(b, kMemory[i], "byte/s", limit->probe ? isa : NULL, 0, bytes, threads, limit);
    }
    lb_table_cell(&b->memory, "%u", limits[0].probe->streams);
    lb_table_cell(&b->memory, "%u", limits[0].probe->prefetch);
    return LOWBIT_OK;
}

/* Sizes that the machine cannot well hold, or that are too small for so many threads, are left out. */
static lowbit_status measure_sizes(bench *b, lowbit_error *error) {
    static const char *const kHeads[] = {"working set",  "threads", "read",    "write",
                                         "write around", "memcpy",  "streams", "prefetch"};
    enum { LEAST_FOR_A_THREAD = 4096 };
    const int64_t memory = b->ctx->machine.memory_bytes;
    begin_table(&b->memory, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < LB_COUNT(kSizes); i++)
        for (size_t t = 0; t < b->threads.count; t++) {
            const bool fits = memory == 0 || kSizes[i] <= memory / 2;
            if (fits && kSizes[i] / b->threads.threads[t] >= LEAST_FOR_A_THREAD)
                LB_TRY(measure_size(b, kSizes[i], t, error));
        }
    return LOWBIT_OK;
}

/* Pools of 1, 2, 4 .. all usable threads, whatever the list says: made for a moment each. */
static lowbit_status measure_forks(bench *b, lowbit_error *error) {
    static const char *const kHeads[] = {"threads", "empty", "meeting"};
    static const char *const kNames[] = {[LB_FORK_EMPTY] = "fork_join", [LB_FORK_MEET] = "fork_meet"};
    begin_table(&b->forks, kHeads, LB_COUNT(kHeads));
    const uint32_t all = b->ctx->machine.usable_threads;
    for (uint32_t threads = 1, last = 0; last < all; last = threads, threads = (uint32_t)lb_min(2 * threads, all)) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        options.threads = threads;
        lb_cli_progress("forks, %u threads", threads);
        LB_TRY(lowbit_pool_create(b->ctx, &options, &pool, error));
        lb_table_cell(&b->forks, "%u", threads);
        for (int i = LB_FORK_EMPTY; i <= LB_FORK_MEET; i++) {
            lb_limit limit;
            lb_limit_fork(b->limits, (enum lb_fork)i, &pool, &limit, error);
            lb_table_number(&b->forks, limit.median * 1e9);
            add_result(b, kNames[i], "s", NULL, 0, 0, threads, &limit);
        }
        lowbit_pool_destroy(&pool);
    }
    return LOWBIT_OK;
}

static lowbit_status create_pools(bench *b, lowbit_error *error) {
    for (size_t i = 0; i < b->threads.count; i++) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        options.threads = b->threads.threads[i];
        b->pools[i].struct_size = sizeof b->pools[i];
        if (options.threads > 1) LB_TRY(lowbit_pool_create(b->ctx, &options, &b->pools[i], error));
    }
    return LOWBIT_OK;
}

static void free_tables(bench *b) {
    lb_table_free(&b->clock);
    lb_table_free(&b->compute);
    lb_table_free(&b->tiles);
    lb_table_free(&b->memory);
    lb_table_free(&b->forks);
}

static void destroy_pools(bench *b) {
    for (size_t i = 0; i < b->threads.count; i++) lowbit_pool_destroy(&b->pools[i]);
}

/* Forks before the pools of the list are there: the workers of a pool that is timed may not share their CPUs. */
static lowbit_status look_at_all(bench *b, lowbit_error *error) {
    free_tables(b);
    json_array_clear(b->results);
    LB_TRY(measure_forks(b, error));
    LB_TRY(create_pools(b, error));
    LB_TRY(measure_clock(b, error));
    LB_TRY(measure_levels(b, error));
    LB_TRY(measure_tiles(b, error));
    LB_TRY(measure_sizes(b, error));
    destroy_pools(b);
    return LOWBIT_OK;
}

/* The last look has the better results of all. */
static lowbit_status measure_all(bench *b, double seconds, lowbit_error *error) {
    enum { LOOKS = 2 };
    LB_TRY(lb_limits_create(b->ctx, seconds / LOOKS, &b->limits, error));
    if (b->wisdom) LB_TRY(lb_limits_keep(b->limits, b->wisdom, false, error));
    for (int look = 1; look < LOOKS; look++) {
        LB_TRY(look_at_all(b, error));
        lb_limits_look_again(b->limits);
    }
    return look_at_all(b, error);
}

static void print_tables(const bench *b) {
    printf("clock: dependent additions\n\n");
    lb_table_print(&b->clock, stdout);
    printf(
        "\ndot, maddubs, madd, l1, bits, fma, l1f: TOPS (1e12 multiplies and adds; of bits, by xor and popcount) "
        "in registers\n"
        "lookup: 1e12 bytes a second looked up in a table of 16, in registers\n"
        "1 bit .. 8 bit: GB/s of packed codes decoded and multiplied with one row, from L1\n\n");
    lb_table_print(&b->compute, stdout);
    if (b->tiles.count > b->tiles.columns) {
        printf(
            "\ntiles: TOPS in registers, with operands from L1, with A from L2; sums emptied every 32, 64, 128 k;\n"
            "of bf16 in registers, with operands from L1, with A from L2\n\n");
        lb_table_print(&b->tiles, stdout);
    }
    printf("\nmemory: GB/s (memcpy: of bytes copied, source and destination make the working set)\n\n");
    lb_table_print(&b->memory, stdout);
    printf("\nforks: ns for one task on each thread, which do nothing or wait for each other (medians)\n\n");
    lb_table_print(&b->forks, stdout);
}

static void release(bench *b) {
    destroy_pools(b);
    lb_limits_destroy(b->limits);
    free_tables(b);
    lowbit_wisdom_destroy(b->wisdom);
    json_decref(b->results);
}

static int run(bench *b, const char *json, double seconds) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    b->results = json_array();
    const lowbit_status status = measure_all(b, seconds, &error);
    lb_cli_progress_clear();
    if (status != LOWBIT_OK) return lb_cli_failed(b->command, status, &error);
    if (!lb_cli_json_only(json)) print_tables(b);
    if (!json) return LB_EXIT_OK;
    return lb_cli_write_json(b->command, json,
                             json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(b->ctx), "run",
                                       lb_cli_run_json(), "results", b->results));
}

int lb_cmd_bench_limits(int argc, char **argv) {
    const char *isa = NULL, *json = NULL, *threads = "1,all", *wisdom = NULL;
    double seconds = 0.05;
    const lb_option options[] = {
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&isa),
        LB_OPTION_JSON(&json),
        {"--threads", "LIST", "thread counts, \"all\" is every usable one (default: 1,all)", LB_OPTION_TEXT, &threads},
        {"--time", "S", "seconds for each limit, about (default: 0.05)", LB_OPTION_SECONDS, &seconds},
        {"--wisdom", "FILE|none", "where they are kept for other commands (default: ~/.cache/lowbit/wisdom)",
         LB_OPTION_TEXT, &wisdom},
    };
    const lb_syntax syntax = {
        "[--threads LIST] [--time S] [--isa NAME] [--wisdom FILE|none] [--json FILE|-]",
        "Measures what this machine can do at most: products of bytes and bits in registers, decoding of\n"
        "packed codes from L1, tiles, reading, writing and copying memory, and what starting all threads of\n"
        "a pool costs. docs/benchmarking.md tells how.",
        options,
        LB_COUNT(options),
        0,
        0};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    lowbit_ctx *ctx = NULL;
    code = lb_cli_context(argv[0], isa, NULL, &ctx);
    if (code != LB_EXIT_OK) return code;
    lb_cli_state_warn(argv[0], ctx);
    bench b = {.command = argv[0], .ctx = ctx};
    if (!lb_cli_threads(threads, ctx, &b.threads))
        code = lb_cli_error(LB_EXIT_USAGE, argv[0], "--threads: '%s' is no list of thread counts", threads);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(argv[0], wisdom, ctx, &b.wisdom);
    if (code == LB_EXIT_OK) code = run(&b, json, seconds);
    if (code == LB_EXIT_OK && b.wisdom) code = lb_cli_wisdom_keep(argv[0], wisdom, b.wisdom);
    release(&b);
    lowbit_ctx_destroy(ctx);
    return code;
}
