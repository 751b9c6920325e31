/* SPDX-License-Identifier: Apache-2.0 */
/* Every recipe in a file and a process of its own. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/eval.h"
#include "cli/interrupt.h"

extern char **environ;

enum { PATH_BYTES = 4096, MAX_ARGUMENTS = 32, SIGNALLED = 128 };

static const char kFloats[] = "f32";

/* What a process is called with. */
typedef struct call {
    const char *words[MAX_ARGUMENTS];
    size_t count;
} call;

static void say(call *c, const char *option, const char *value) {
    if (!value) return;
    c->words[c->count++] = option;
    c->words[c->count++] = value;
}

static call call_of(const lb_eval *e, const char *path, char limit[32]) {
    call c = {.words = {"lowbit", "eval", path, "--json=-", "--predictions"}, .count = 5};
    snprintf(limit, 32, "%lld", (long long)e->limit);
    say(&c, "--data", e->data);
    say(&c, "--batch", e->batches);
    say(&c, "--threads", e->threads);
    say(&c, "--limit", limit);
    say(&c, "--isa", e->isa);
    say(&c, "--wisdom", e->wisdom);
    return c;
}

/* What it prints, as JSON; *code = how it ended. */
static json_t *run(const call *c, int *code) {
    int ends[2], status = 0;
    pid_t child;
    posix_spawn_file_actions_t actions;
    *code = LB_EXIT_FAILED;
    if (pipe(ends) != 0) return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    const int failed =
        posix_spawn(&child, "/proc/self/exe", &actions, NULL, (char *const *)(uintptr_t)c->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    json_t *output = failed ? NULL : json_loadfd(ends[0], 0, NULL);
    close(ends[0]);
    if (failed) return NULL;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
    return output;
}

/* How many predictions are those of the first row of floats. Numbers that are no classes never are quite. */
static double agreement(const json_t *row, const json_t *floats) {
    const json_t *mine = json_object_get(row, "predictions"), *theirs = json_object_get(floats, "predictions");
    const size_t count = json_array_size(mine);
    size_t same = 0;
    for (size_t i = 0; i < count; i++)
        same += json_integer_value(json_array_get(mine, i)) == json_integer_value(json_array_get(theirs, i));
    return count ? (double)same / (double)count : 0;
}

/* The rows of a child, named by the word of the recipe. */
static void take_rows(const json_t *output, const char *recipe, json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(output, "results"), i, row) {
        json_array_append(rows, row);
        json_object_set_new(row, "format", json_string(recipe));
        json_object_set_new(row, "agreement",
                            json_is_null(json_object_get(row, "accuracy"))
                                ? json_null()
                                : json_real(agreement(row, json_array_get(rows, 0))));
    }
}

static int evaluate(const lb_eval *e, const char *recipe, const char *path, json_t *rows) {
    char limit[32];
    int code = lb_cli_pack_file(&e->model, e->isa, recipe, path);
    if (code != LB_EXIT_OK) return code;
    const call c = call_of(e, path, limit);
    json_t *output = lb_cli_interrupted() ? NULL : run(&c, &code);
    if (lb_cli_interrupted())
        code = lb_cli_interrupt_exit(lb_cli_interrupted());
    else if (output && code == LB_EXIT_OK)
        take_rows(output, recipe, rows);
    else if (code == LB_EXIT_OK || code > SIGNALLED)
        code = lb_cli_error(LB_EXIT_FAILED, e->command, "the process that evaluates \"%s\" gave no answer", recipe);
    json_decref(output);
    return code;
}

/* Words of a list, as recipes; a format is one for all layers. Floats have their rows already. */
static int evaluate_list(const lb_eval *e, const char *list, const char *before, const char *path, json_t *rows) {
    lb_word_list words;
    if (!list) return LB_EXIT_OK;
    if (!lb_cli_words(list, &words))
        return lb_cli_error(LB_EXIT_USAGE, e->command, "\"%s\" is no list of at most %d words", list, LB_MAX_WORDS);
    for (size_t i = 0; i < words.count; i++) {
        char recipe[256];
        snprintf(recipe, sizeof recipe, "%s%s", before, words.list[i]);
        if (strcmp(recipe, kFloats) == 0) continue;
        const int code = evaluate(e, recipe, path, rows);
        if (code != LB_EXIT_OK) return code;
    }
    return LB_EXIT_OK;
}

int lb_eval_recipes(const lb_eval *e, json_t *rows) {
    const char *base = getenv("TMPDIR");
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
    snprintf(folder, sizeof folder, "%s/lowbit-eval-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) return lb_cli_error(LB_EXIT_FAILED, e->command, "cannot make the folder %s", folder);
    snprintf(path, sizeof path, "%s/packed.safetensors", folder);
    lb_cli_catch_interrupts();
    int code = evaluate(e, kFloats, path, rows);
    if (code == LB_EXIT_OK) code = evaluate_list(e, e->recipes, "", path, rows);
    if (code == LB_EXIT_OK) code = evaluate_list(e, e->formats, "*: ", path, rows);
    unlink(path);
    rmdir(folder);
    return code;
}
