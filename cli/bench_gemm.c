/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench gemm` and `lowbit bench conv`: times products, or convolutions, against the limits of this machine. */
#include <stdio.h>
#include <string.h>

#include "cli/gemm_session.h"
#include "cli/peer_rows.h"
#include "cli/shapes.h"
#include "kernels/base/base.h"

typedef struct settings {
    const char *command;
    int width; /* of the column of problems */
    lb_shapes_options shapes;
    const char *threads, *bind, *isa, *wisdom, *json, *dump;
    int64_t passes;
    lb_gemm_bench bench;
} settings;

#define DEFAULTS(command, width, convs)                                                                                \
    {                                                                                                                  \
        (command), (width), {NULL, NULL, NULL, NULL, (convs)}, "1", "none", NULL, NULL, NULL, NULL, LB_VISITS, {       \
            .budget_s = 0.3                                                                                            \
        }                                                                                                              \
    }

static void print_heading(int width, bool counted) {
    printf("%-*s %2s %-23s %8s %6s %6s %-7s %4s %-5s %s%s\n", width, "problem", "th", "kernel", "us", "GOP/s", "GB/s",
           "limit", "share", "exact", counted ? "cycles/call   IPC " : "", "by");
}

/* Where the CPU counted, cycles of a call and instructions of a cycle; and the drift of a row that has one. */
static void print_end(lb_gemm_session *s, const lb_gemm_result *r) {
    const bool counted = s->counters.open;
    if (counted && r->counted) printf("%11.0f %5.2f ", r->counts.cycles, r->counts.instructions / r->counts.cycles);
    if (counted && !r->counted) printf("%11s %5s ", "-", "-");
    const double drift = lb_gemm_session_drift(s, r);
    printf("%s", r->plan.source);
    if (drift > 1 + LB_DRIFT_LIMIT) printf(" drift %.2f", drift);
    putchar('\n');
}

static void print_result(lb_gemm_session *s, int width, const char *problem, const lb_gemm_result *r) {
    printf("%-*s %2u %-23s %8.2f %6.1f %6.2f %-7s %3.0f%% %-5s ", width, problem, r->threads, r->plan.kernel,
           r->time.median_s * 1e6, r->gops, r->weight_gbs, r->limit, r->share * 100,
           r->verdict.exact    ? "yes"
           : r->verdict.within ? "bound"
                               : "NO");
    print_end(s, r);
    if (s->peers) lb_cli_peer_rows(s->peers, r->threads);
    fflush(stdout);
}

static int time_all(lb_gemm_session *session, const settings *o, const lb_thread_list *threads,
                    const lb_shapes *shapes) {
    const bool tells = session->tells && !lb_cli_json_only(o->json);
    for (size_t t = 0; t < threads->count; t++) {
        int code = lb_gemm_session_threads(session, threads->threads[t]);
        for (size_t i = 0; i < shapes->count && code == LB_EXIT_OK; i++) {
            session->set = shapes->list[i].set;
            session->layer = shapes->list[i].layer;
            char text[LB_PROBLEM_TEXT];
            lb_gemm_result result;
            code = lb_gemm_session_time(session, shapes->list[i].text, text, &result);
            if (code == LB_EXIT_OK && tells) print_result(session, o->width, text, &result);
        }
        if (code != LB_EXIT_OK) return code;
    }
    return LB_EXIT_OK;
}

static int time_passes(lb_gemm_session *session, const settings *o, const lb_shapes *shapes) {
    lb_thread_list threads;
    if (!lb_cli_threads(o->threads, session->ctx, &threads))
        return lb_cli_error(LB_EXIT_USAGE, o->command, "--threads \"%s\" is no list of thread counts", o->threads);
    if (!lb_cli_json_only(o->json)) print_heading(o->width, session->counters.open);
    while (lb_gemm_session_next(session)) {
        const int code = time_all(session, o, &threads, shapes);
        if (code != LB_EXIT_OK) return code;
    }
    lb_gemm_session_tell_drift(session);
    return o->json ? lb_gemm_session_write(session, o->json) : LB_EXIT_OK;
}

/* What is wrong with the problems is said before anything is measured. */
static int run(const settings *o, int count, char **words) {
    lb_shapes shapes;
    int code = lb_shapes_collect(&shapes, o->command, count, words, &o->shapes);
    if (code == LB_EXIT_OK) {
        lb_gemm_session session;
        code = lb_gemm_session_begin(&session, o->command, o->isa, o->wisdom, &o->bench, 0.1);
        session.convs = o->shapes.convs;
        if (code == LB_EXIT_OK) code = lb_gemm_session_bind(&session, o->bind);
        if (code == LB_EXIT_OK) code = time_passes(&session, o, &shapes);
        lb_gemm_session_end(&session);
    }
    lb_shapes_free(&shapes);
    return code;
}

/* The rows of the options table that both commands have. */
enum { COMMON = 12 };
static void common_options(settings *o, lb_option *table) {
    const lb_option rows[COMMON] = {
        LB_OPTION_SHAPES(o->shapes),
        LB_OPTION_FORMATS(o->shapes),
        LB_OPTION_ROWS(o->shapes),
        {"--threads", "LIST", "thread counts, as 1,2,all (default: 1)", LB_OPTION_TEXT, &o->threads},
        {"--bind", "HOW", "bind threads: none, compact, spread or a list of CPUs (default: none)", LB_OPTION_TEXT,
         &o->bind},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&o->isa),
        {"--kernel", "NAME", "use this kernel (`lowbit kernels` lists them)", LB_OPTION_TEXT, &o->bench.kernel},
        {"--cold", NULL, "weights from a ring of 1 GiB instead of the caches", LB_OPTION_FLAG, &o->bench.cold},
        {"--time", "S", "seconds of samples for each problem (default: 0.3)", LB_OPTION_SECONDS, &o->bench.budget_s},
        LB_OPTION_PASSES(&o->passes),
        {"--verify", NULL, "check every row of every result, not a sample of rows", LB_OPTION_FLAG,
         &o->bench.verify_all},
    };
    memcpy(table, rows, sizeof rows);
}

static int parsed(settings *o, int argc, char **argv) {
    int code;
    o->bench.verified_products = lb_max(1, (int64_t)(o->bench.budget_s * 5e8));
    if ((code = lb_gemm_passes(o->command, o->passes, &o->bench)) != LB_EXIT_OK) return code;
    if ((code = lb_cli_peers(o->command, &o->bench.peers)) != LB_EXIT_OK) return code;
    return lb_shapes_help(&o->shapes) ? LB_EXIT_OK : run(o, argc - 1, argv + 1);
}

int lb_cmd_bench_conv(int argc, char **argv) {
    settings o = DEFAULTS("bench conv", 36, true);
    lb_option table[COMMON + 2] = {[COMMON] = LB_OPTION_WISDOM(&o.wisdom), LB_OPTION_JSON(&o.json)};
    common_options(&o, table);
    const lb_syntax syntax = {.usage = "[CONVOLUTION...] [--shapes LIST] [options]",
                              .text =
                                  "Times convolutions, as i8a8s:h32w32c64n64k3p1:s8, next to the limit that binds "
                                  "them on this machine. Where activations have codes, the image comes as codes.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .max_words = -1};
    int code;
    return lb_cli_parse(&argc, argv, &syntax, &code) ? parsed(&o, argc, argv) : code;
}

int lb_cmd_bench_gemm(int argc, char **argv) {
    settings o = DEFAULTS("bench gemm", 22, false);
    lb_option table[COMMON + 5] = {
        [COMMON] = {"--replicas", NULL, "copies of the weights for each NUMA node", LB_OPTION_FLAG, &o.bench.replicas},
        {"--dump-asm", "NAME", "print the machine code of this kernel and time nothing", LB_OPTION_TEXT, &o.dump},
        {"--peers", "LIST", "compare with libraries: all, none, or names as onednn,openblas (default: none)",
         LB_OPTION_TEXT, &o.bench.peers},
        LB_OPTION_WISDOM(&o.wisdom),
        LB_OPTION_JSON(&o.json),
    };
    common_options(&o, table);
    const lb_syntax syntax = {.usage = "[PROBLEM...] [--shapes LIST] [options]",
                              .text =
                                  "Times matrix products, as i4g32a8:m1n4096k4096, next to the limit that binds "
                                  "them on this machine.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    return o.dump ? lb_cli_dump_asm(o.command, o.dump) : parsed(&o, argc, argv);
}
