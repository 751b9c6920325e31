/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench pack`: bit packing in GB/s of the unpacked side, next to memcpy of as many bytes. */
#include <stdio.h>

#include "bench/pack.h"
#include "cli/series_json.h"
#include "cli/state.h"
#include "kernels/base/base.h"

static const int64_t kSizes[] = {4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20};

enum { NAME = 32 };

static json_t *result_json(const char *name, int64_t bytes, double gbs, double copy, const lb_series *series,
                           const lb_sample *time) {
    json_t *row = json_pack("{s:s, s:I, s:f, s:f, s:f}", "op", name, "bytes", (json_int_t)bytes, "gbs", gbs,
                            "memcpy_gbs", copy, "share", gbs / copy);
    lb_series_json(row, series, NULL, time);
    return row;
}

/* One row of the table: the operation at all sizes. copy[] is what memcpy reached, and receives it from row 0. */
static lowbit_status bench_op(const lowbit_ctx *ctx, size_t index, double seconds, double *copy, bool quiet,
                              json_t *results, lowbit_error *error) {
    char name[NAME];
    const lb_pack_op *op = lb_pack_op_at(index);
    double gbs[LB_COUNT(kSizes)];
    lb_pack_op_name(op, name, sizeof name);
    for (size_t i = 0; i < LB_COUNT(kSizes); i++) {
        lb_series series = {.visits = 0};
        lb_sample sample;
        lb_cli_progress("%s, %lld KiB", name, (long long)kSizes[i] >> 10);
        LB_TRY(lb_pack_measure(ctx, op, kSizes[i], seconds, &series, error));
        lb_series_summarize(&series, &sample);
        gbs[i] = (double)kSizes[i] / sample.median_s * 1e-9;
        if (op->kind == LB_PACK_MEMCPY) copy[i] = gbs[i];
        json_array_append_new(results, result_json(name, kSizes[i], gbs[i], copy[i], &series, &sample));
    }
    lb_cli_progress_clear();
    if (quiet) return LOWBIT_OK;
    printf("%-26s", name);
    for (size_t i = 0; i < LB_COUNT(kSizes); i++) printf(" %7.2f %4.0f%%", gbs[i], 100 * gbs[i] / copy[i]);
    putchar('\n');
    return LOWBIT_OK;
}

static lowbit_status bench_all(const lowbit_ctx *ctx, double seconds, bool quiet, json_t *results,
                               lowbit_error *error) {
    double copy[LB_COUNT(kSizes)] = {0};
    if (!quiet) printf("GB/s of the unpacked side, one thread, warm; share of memcpy\n%-26s", "");
    for (size_t i = 0; !quiet && i < LB_COUNT(kSizes); i++) printf(" %8lld KiB ", (long long)kSizes[i] >> 10);
    if (!quiet) putchar('\n');
    for (size_t i = 0; lb_pack_op_at(i); i++) LB_TRY(bench_op(ctx, i, seconds, copy, quiet, results, error));
    return LOWBIT_OK;
}

int lb_cmd_bench_pack(int argc, char **argv) {
    const char *isa = NULL, *json = NULL;
    double seconds = 0.05;
    const lb_option options[] = {
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&isa),
        LB_OPTION_JSON(&json),
        {"--time", "SECONDS", "how long one operation is timed at one size (default: 0.05)", LB_OPTION_SECONDS,
         &seconds},
    };
    const lb_syntax syntax = {"[--isa NAME] [--time SECONDS] [--json FILE|-]",
                              "Times bit, code and trit packing at 4 KiB to 64 MiB, next to memcpy of as many bytes.",
                              options,
                              LB_COUNT(options),
                              0,
                              0};
    int code;
    lowbit_ctx *ctx = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if ((code = lb_cli_context(argv[0], isa, NULL, &ctx)) != LB_EXIT_OK) return code;
    lb_cli_state_warn(argv[0], ctx);
    json_t *results = json_array();
    const lowbit_status status = bench_all(ctx, seconds, lb_cli_json_only(json), results, &error);
    if (status != LOWBIT_OK) code = lb_cli_failed(argv[0], status, &error);
    if (status == LOWBIT_OK && json)
        code = lb_cli_write_json(argv[0], json,
                                 json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(ctx), "run",
                                           lb_cli_run_json(), "results", results));
    json_decref(results);
    lowbit_ctx_destroy(ctx);
    return code;
}
