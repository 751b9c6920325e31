/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench all`: measures what a report is made of, one command after the other, and makes it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "kernels/base/base.h"

static const char kCommand[] = "bench all";

/* A command and its words. TIME, THREADS and PEERS stand for what the options say. What it finds goes into NAME.json.
 */
typedef struct step {
    const char *name, *command;
    int (*run)(int argc, char **argv);
    const char *words;
} step;

#define GEMM "bench gemm", lb_cmd_bench_gemm
static const step kSteps[] = {
    {"limits", "bench limits", lb_cmd_bench_limits, "--threads 1,all --time TIME"},
    {"main", GEMM, "--shapes main --passes 3 --time TIME"},
    {"size", GEMM, "--shapes sweep-size --passes 3 --time TIME"},
    {"layers", GEMM, "--shapes bert-large,vit-b,resnet18,alexnet --passes 3 --time TIME"},
    {"threads", GEMM, "{i8,i4g32,t2}a8:m{1,128}n4096k4096 --threads THREADS --passes 3 --time TIME"},
    {"cold", GEMM, "{i8,i4,i4g32,t2,b1}a8:m1n4096k4096 --cold --passes 3 --time TIME"},
    {"peers", GEMM, "{i8,i4g32}a8:m{1,16,128}n4096k1024 f32af:m128n4096k1024 --peers PEERS --passes 3 --time TIME"},
    {"pack", "bench pack", lb_cmd_bench_pack, "--time TIME"},
    {"tune", "tune", lb_cmd_tune, "i4g32a8:m{1,128}n4096k4096 --wisdom none"},
};

enum { WORDS = 32, TEXT = 512, PATH = 1024 };

typedef struct session {
    const char *folder, *threads, *peers, *time;
    char **names;                       /* of the steps that are wanted; */
    int count;                          /* 0 = all are */
    char files[LB_COUNT(kSteps)][PATH]; /* that were written */
    size_t file_count;
} session;

/* The words of a command, pieces of `text` or of the session. */
typedef struct line {
    char text[TEXT];
    char *words[WORDS];
    int count;
} line;

static void add_word(line *l, const char *word) { l->words[l->count++] = (char *)(uintptr_t)word; }

static void add_words(line *l, const session *s, const char *words) {
    const struct {
        const char *word, *value;
    } meanings[] = {{"TIME", s->time}, {"THREADS", s->threads}, {"PEERS", s->peers}};
    char *rest;
    snprintf(l->text, sizeof l->text, "%s", words);
    for (char *word = strtok_r(l->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const char *value = word;
        for (size_t i = 0; i < LB_COUNT(meanings); i++)
            if (strcmp(word, meanings[i].word) == 0) value = meanings[i].value;
        add_word(l, value);
    }
}

/* Says what runs, so that anyone may run it alone. */
static int run_line(line *l, int (*run)(int, char **)) {
    printf("\n== lowbit");
    for (int i = 0; i < l->count; i++) printf(" %s", l->words[i]);
    printf("\n\n");
    fflush(stdout);
    return run(l->count, l->words);
}

static bool is_wanted(const session *s, const char *name) {
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0) return true;
    return s->count == 0;
}

static int run_step(session *s, const step *what) {
    line l = {.count = 0};
    char *target = s->files[s->file_count];
    if (snprintf(target, PATH, "%s/%s.json", s->folder, what->name) >= PATH)
        return lb_cli_error(LB_EXIT_FAILED, kCommand, "the path of the folder is too long");
    /* A file of an earlier run must not pass for one of this. */
    if (unlink(target) != 0 && errno != ENOENT)
        return lb_cli_error(LB_EXIT_FAILED, kCommand, "cannot replace %s: %s", target, strerror(errno));
    add_word(&l, what->command);
    add_words(&l, s, what->words);
    add_word(&l, "--json");
    add_word(&l, target);
    const int code = run_line(&l, what->run);
    if (code == LB_EXIT_OK) s->file_count++;
    if (code == LB_EXIT_OK || lb_cli_interrupted()) return code;
    return lb_cli_error(LB_EXIT_FAILED, kCommand, "%s failed with exit code %d; the others go on", what->name, code);
}

/* In every form. */
static int make_report(session *s) {
    static const struct {
        const char *option, *name;
    } kForms[] = {
        {"--html", "index.html"}, {"--csv", "results.csv"}, {"--markdown", "results.md"}, {"--gnuplot", "gnuplot"}};
    char paths[LB_COUNT(kForms)][PATH];
    line l = {.count = 0};
    if (s->file_count == 0) return lb_cli_error(LB_EXIT_FAILED, kCommand, "there is nothing to report");
    add_word(&l, "bench report");
    for (size_t i = 0; i < s->file_count; i++) add_word(&l, s->files[i]);
    for (size_t i = 0; i < LB_COUNT(kForms); i++) {
        if (snprintf(paths[i], PATH, "%s/%s", s->folder, kForms[i].name) >= PATH)
            return lb_cli_error(LB_EXIT_FAILED, kCommand, "the path of the folder is too long");
        add_word(&l, kForms[i].option);
        add_word(&l, paths[i]);
    }
    return run_line(&l, lb_cmd_bench_report);
}

/* Whatever fails, the others are run: a page with a plot less is better than none. */
static int run_all(session *s) {
    int failed = LB_EXIT_OK;
    for (size_t i = 0; i < LB_COUNT(kSteps); i++) {
        if (is_wanted(s, kSteps[i].name) && run_step(s, &kSteps[i]) != LB_EXIT_OK) failed = LB_EXIT_FAILED;
        if (lb_cli_interrupted()) return lb_cli_interrupt_exit(lb_cli_interrupted());
    }
    return make_report(s) == LB_EXIT_OK ? failed : LB_EXIT_FAILED;
}

/* 1, 2, 4 and so on up to all usable threads. */
static void every_power(const lowbit_ctx *ctx, char *text, size_t size) {
    lowbit_machine machine = {.struct_size = sizeof machine};
    lowbit_machine_info(ctx, &machine, NULL);
    size_t used = 0;
    for (uint32_t threads = 1; threads < machine.usable_threads && used < size; threads *= 2)
        used += (size_t)snprintf(text + used, size - used, "%u,", threads);
    if (used < size) snprintf(text + used, size - used, "all");
}

static int check_names(const session *s) {
    for (int i = 0; i < s->count; i++) {
        size_t at = 0;
        while (at < LB_COUNT(kSteps) && strcmp(kSteps[at].name, s->names[i]) != 0) at++;
        if (at == LB_COUNT(kSteps)) return lb_cli_error(LB_EXIT_USAGE, kCommand, "no step is called '%s'", s->names[i]);
    }
    return LB_EXIT_OK;
}

/* What is wrong with the options is said before anything is measured. */
static int prepare(session *s, char *powers, size_t size) {
    lowbit_ctx *ctx = NULL;
    lb_thread_list threads;
    char path[PATH];
    int code = check_names(s);
    if (code == LB_EXIT_OK) code = lb_cli_context(kCommand, NULL, NULL, &ctx);
    if (code == LB_EXIT_OK && !s->threads) every_power(ctx, powers, size), s->threads = powers;
    if (code == LB_EXIT_OK && !lb_cli_threads(s->threads, ctx, &threads))
        code = lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts", s->threads);
    lowbit_ctx_destroy(ctx);
    if (code != LB_EXIT_OK) return code;
    snprintf(path, sizeof path, "%s/", s->folder);
    lb_cli_make_folders(path, 0777);
    if (access(s->folder, W_OK) == 0) return LB_EXIT_OK;
    return lb_cli_error(LB_EXIT_FAILED, kCommand, "cannot write into %s: %s", s->folder, strerror(errno));
}

int lb_cmd_bench_all(int argc, char **argv) {
    session s = {.peers = "all"};
    double time_s = 0.04;
    char powers[128], time[32];
    const lb_option table[] = {
        {"-o", "DIR", "the folder where everything goes, made where it is missing", LB_OPTION_TEXT, &s.folder},
        {"--time", "S", "seconds of samples for each number (default: 0.04)", LB_OPTION_SECONDS, &time_s},
        {"--threads", "LIST", "of the comparison of thread counts (default: 1,2,4 and so on)", LB_OPTION_TEXT,
         &s.threads},
        {"--peers", "LIST", "time these libraries in turn with ours (default: all of this build)", LB_OPTION_TEXT,
         &s.peers},
        LB_OPTION_CPUS,
    };
    const lb_syntax syntax = {
        .usage = "-o DIR [options] [STEP...]",
        .text =
            "Measures, in a minute and a half or so: the limits of this machine, products by format, "
            "rows, size and threads,\nlayers of models, packing, two tunings. Says which commands "
            "these are; each leaves its JSON in DIR,\nwhere index.html and its like tell what they found.\n"
            "STEP: only limits, main, size, layers, threads, cold, peers, pack or tune.",
        .options = table,
        .option_count = LB_COUNT(table),
        .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    s.names = argv + 1;
    s.count = argc - 1;
    if (!s.folder) return lb_cli_error(LB_EXIT_USAGE, kCommand, "-o DIR says where everything goes");
    snprintf(time, sizeof time, "%g", time_s);
    s.time = time;
    code = prepare(&s, powers, sizeof powers);
    return code == LB_EXIT_OK ? run_all(&s) : code;
}
