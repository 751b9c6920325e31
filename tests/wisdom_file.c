/* SPDX-License-Identifier: Apache-2.0 */
/* Files of wisdom: writers at once, writers that are killed, files that are none of ours. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/wisdom.h"
#include "tuner/candidates.h"

static lowbit_ctx *ctx;

static const char *path_of(const char *name) {
    static char path[4][128];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", check_scratch_folder(), name);
    return path[turn];
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* To be freed; "" where there is none. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    CHECK(text != NULL);
    if (file) {
        text[fread(text, 1, (1 << 20) - 1, file)] = 0;
        fclose(file);
    }
    return text;
}

static lowbit_status load(lowbit_wisdom *w, const char *path, lowbit_wisdom_report *report) {
    *report = (lowbit_wisdom_report){.struct_size = sizeof *report};
    return lowbit_wisdom_load(w, path, report, NULL);
}

static bool save(lowbit_wisdom *w, const char *path) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_wisdom_save(w, path, &error);
    if (status != LOWBIT_OK) printf("  %s: %s\n", lowbit_status_string(status), error.message);
    return status == LOWBIT_OK;
}

/* Decisions and rates that a file has for this machine, -1 where it has bad lines or does not load. */
static int64_t accepted_in(const char *path) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    lowbit_wisdom_report r;
    const lowbit_status status = load(w, path, &r);
    lowbit_wisdom_destroy(w);
    return status == LOWBIT_OK && r.bad == 0 ? r.accepted : -1;
}

/* ---- one writer ---- */

static void check_save(void) {
    const char *path = path_of("one");
    lowbit_wisdom *w = wisdom_small(ctx);
    lowbit_wisdom_report r;
    struct stat info;
    check_context("save");
    CHECK(load(w, path, &r) == LOWBIT_NOT_FOUND);
    CHECK(save(w, path) && accepted_in(path) == WISDOM_PLANS + WISDOM_RATES);
    char *text = wisdom_text(w), *file = read_text(path);
    CHECK(strcmp(text, file) == 0 && access(path_of("one.tmp"), F_OK) != 0);
    CHECK(chmod(path, 0604) == 0 && save(w, path));
    CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0604);
    write_text(path, "");
    CHECK(save(w, path) && accepted_in(path) == WISDOM_PLANS + WISDOM_RATES);
    free(text);
    free(file);
    lowbit_wisdom_destroy(w);
}

/* What was forgotten or replaced stays so; what others have added meanwhile comes in. */
static void check_forgotten(void) {
    const char *path = path_of("forgotten");
    lowbit_wisdom *first = wisdom_small(ctx), *second = wisdom_empty(ctx);
    lb_wisdom_entry e = wisdom_entry(ctx, "i4g32a8:m1n64k128", 2), found[2];
    lowbit_wisdom_report r;
    check_context("forgotten");
    e.effort = LOWBIT_EXHAUSTIVE;
    CHECK(lb_wisdom_put(first, &e, NULL) == LOWBIT_OK && save(first, path));
    CHECK(load(second, path, &r) == LOWBIT_OK);
    e.effort = LOWBIT_MEASURE, e.median_s = 5;
    CHECK(lb_wisdom_put(second, &e, NULL) == LOWBIT_OK);
    CHECK(lowbit_wisdom_forget(second, "i8*", LOWBIT_FORGET_PLANS, NULL, NULL) == LOWBIT_OK);
    wisdom_put(first, ctx, "i2a8:m1n64k128", 1);
    CHECK(save(first, path) && save(second, path) && save(second, path));
    CHECK(accepted_in(path) == WISDOM_PLANS + WISDOM_RATES);
    lowbit_wisdom *last = wisdom_empty(ctx);
    CHECK(load(last, path, &r) == LOWBIT_OK);
    CHECK(lb_wisdom_find(last, &e.problem, 2, LB_POOL_OWN, 1, 1, found, 2) == 1 && found[0].median_s == 5);
    lowbit_wisdom_destroy(first);
    lowbit_wisdom_destroy(second);
    lowbit_wisdom_destroy(last);
}

/* Every knob comes back. */
static void check_knobs(void) {
    const char *path = path_of("knobs");
    lowbit_wisdom *first = wisdom_empty(ctx), *second = wisdom_empty(ctx);
    lb_wisdom_entry e = wisdom_entry(ctx, "i4a8:m8n64k512", 2), found[1];
    lowbit_wisdom_report r;
    check_context("knobs");
    e.config.step_m *= 2, e.config.step_n *= 2, e.config.step_k = 128;
    e.config.near_bytes = 1, e.config.stream_bytes = 2, e.config.threads = 2;
    e.config.order = LB_ORDER_COLUMNS, e.config.split_k = 2;
    CHECK(lb_wisdom_put(first, &e, NULL) == LOWBIT_OK && save(first, path) && load(second, path, &r) == LOWBIT_OK);
    CHECK(lb_wisdom_find(second, &e.problem, 2, LB_POOL_OWN, 8, 8, found, 1) == 1);
    CHECK(lb_same_config(&found[0].config, &e.config));
    lowbit_wisdom_destroy(first);
    lowbit_wisdom_destroy(second);
}

/* Damage goes, what is complete stays. */
static void check_repair(void) {
    const char *path = path_of("damaged");
    lowbit_wisdom *w = wisdom_small(ctx);
    char *text = wisdom_text(w);
    lowbit_wisdom *empty = wisdom_empty(ctx);
    check_context("repair");
    text[strlen(text) - 3] ^= 1;
    write_text(path, text);
    CHECK(accepted_in(path) == -1 && save(empty, path));
    CHECK(accepted_in(path) == WISDOM_PLANS + WISDOM_RATES - 1);
    free(text);
    lowbit_wisdom_destroy(w);
    lowbit_wisdom_destroy(empty);
}

/* ---- what is refused, and left alone ---- */

static void check_alone(const char *name, const char *text) {
    lowbit_wisdom *w = wisdom_small(ctx);
    const char *path = path_of(name);
    lowbit_wisdom_report r;
    check_context("%s", name);
    write_text(path, text);
    CHECK(load(w, path, &r) == LOWBIT_BAD_FORMAT);
    CHECK(lowbit_wisdom_save(w, path, NULL) == LOWBIT_BAD_FORMAT);
    char *now = read_text(path);
    CHECK(strcmp(now, text) == 0);
    free(now);
    lowbit_wisdom_destroy(w);
}

static void check_places(void) {
    lowbit_wisdom *w = wisdom_small(ctx);
    const char *folder = path_of("folder"), *pipe = path_of("pipe"), *giant = path_of("giant");
    static char longest[5000];
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_wisdom_report r;
    check_context("places");
    CHECK(mkdir(folder, 0755) == 0 && mkfifo(pipe, 0644) == 0);
    CHECK(load(w, folder, &r) == LOWBIT_BAD_FORMAT && lowbit_wisdom_save(w, folder, NULL) == LOWBIT_BAD_FORMAT);
    CHECK(load(w, pipe, &r) == LOWBIT_BAD_FORMAT && lowbit_wisdom_save(w, pipe, NULL) == LOWBIT_BAD_FORMAT);
    CHECK(lowbit_wisdom_save(w, path_of("missing/file"), &error) == LOWBIT_IO && strstr(error.message, "missing"));
    memset(longest, 'x', sizeof longest - 1);
    CHECK(lowbit_wisdom_save(w, longest, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(load(w, longest, &r) == LOWBIT_IO);
    write_text(giant, "lowbit-wisdom 1\n");
    CHECK(truncate(giant, (64 << 20) + 1) == 0);
    CHECK(load(w, giant, &r) == LOWBIT_BAD_FORMAT && lowbit_wisdom_save(w, giant, NULL) == LOWBIT_BAD_FORMAT);
    CHECK(truncate(giant, 1 << 20) == 0 && load(w, giant, &r) == LOWBIT_OK && r.bad == 1);
    CHECK(symlink("/dev/null", path_of("one.lock2.lock")) == 0);
    CHECK(lowbit_wisdom_save(w, path_of("one.lock2"), NULL) == LOWBIT_IO);
    CHECK(symlink("precious", path_of("planted.tmp")) == 0 && save(w, path_of("planted")));
    CHECK(access(path_of("precious"), F_OK) != 0 && accepted_in(path_of("planted")) == WISDOM_PLANS + WISDOM_RATES);
    lowbit_wisdom_destroy(w);
}

void subject_wisdom_file(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    check_save();
    check_forgotten();
    check_knobs();
    check_repair();
    check_alone("newer", "lowbit-wisdom 2\nplan of a kind that nobody knows yet\n");
    check_alone("letter", "Dear reader,\n");
    check_alone("short", "lowbit-wisd");
    check_places();
    lowbit_ctx_destroy(ctx);
}

/* ---- several writers ---- */

enum { WRITERS = 3, ROUNDS = 12 };

static void put_number(lowbit_wisdom *w, int number) {
    char problem[64];
    snprintf(problem, sizeof problem, "i4g32a8:m%dn64k128", number + 1);
    wisdom_put(w, ctx, problem, 2);
}

/* Each with decisions of its own, saved one by one. */
static int write_rounds(const char *path, int writer) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    for (int round = 0; round < ROUNDS; round++) {
        put_number(w, writer * ROUNDS + round);
        if (!save(w, path)) return 1;
    }
    lowbit_wisdom_destroy(w);
    return check_failures() != 0;
}

void subject_wisdom_writers(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const char *path = path_of("shared");
    fflush(stdout);
    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0) _exit(write_rounds(path, writer));
    for (int writer = 0, status; writer < WRITERS; writer++) {
        /* A reader at any moment finds a whole file. */
        const int64_t now = access(path, F_OK) == 0 ? accepted_in(path) : 0;
        CHECK(now >= 0);
        CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_context("%d writers, %d rounds", WRITERS, ROUNDS);
    CHECK(accepted_in(path) == WRITERS * ROUNDS);
    lowbit_ctx_destroy(ctx);
}

/* ---- writers that are killed ---- */

enum { KILLS = 25 };

/* Saves decision after decision, from `first` on, and says through the pipe which of them is there for good. */
static void write_until_killed(const char *path, int first, int said) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    for (int number = first; number < first + 200; number++) {
        put_number(w, number);
        if (!save(w, path) || write(said, &number, sizeof number) != sizeof number) _exit(1);
    }
    for (;;) pause();
}

/* The number of decisions, from 0 on, that a file has without a gap. */
static int consecutive_in(const char *path) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    lowbit_wisdom_report r;
    const lb_wisdom_entry e = wisdom_entry(ctx, "i4g32a8:m1n64k128", 2);
    static lb_wisdom_entry found[200 * (KILLS + 1)];
    const lowbit_status status = load(w, path, &r);
    CHECK((status == LOWBIT_OK && r.bad == 0) || status == LOWBIT_NOT_FOUND);
    const int count = (int)lb_wisdom_find(w, &e.problem, 2, LB_POOL_OWN, 1, INT64_MAX, found, LB_COUNT(found));
    CHECK(count == 0 || found[count - 1].problem.m == count);
    lowbit_wisdom_destroy(w);
    return count;
}

void subject_wisdom_killed(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const char *path = path_of("killed");
    int complete = 0;
    fflush(stdout);
    for (int kills = 0; kills < KILLS && !check_failures(); kills++) {
        int said[2], last = complete - 1, status;
        CHECK(pipe(said) == 0);
        const pid_t writer = fork();
        if (writer == 0) write_until_killed(path, complete, said[1]);
        close(said[1]);
        if (kills == 0) CHECK(read(said[0], &last, sizeof last) == sizeof last); /* slow machines come so far, too */
        usleep((useconds_t)check_random_in(0, 15000));
        CHECK(kill(writer, SIGKILL) == 0 && waitpid(writer, &status, 0) == writer && WIFSIGNALED(status));
        for (int number; read(said[0], &number, sizeof number) == sizeof number;) last = number;
        close(said[0]);
        check_context("kill %d: decision %d was complete", kills, last);
        complete = consecutive_in(path);
        CHECK(complete > last && complete <= last + 2);
    }
    CHECK(complete > 0);
    lowbit_ctx_destroy(ctx);
}
