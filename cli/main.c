/* SPDX-License-Identifier: Apache-2.0 */
/* The program `lowbit`: finds the subcommand in the table and makes sure that what it printed arrived. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

typedef struct command {
    const char *name; /* "info", or several words: "bench gemm" */
    const char *help;
    int (*run)(int argc, char **argv);
} command;

#define COMMAND(function, name, help) {name, help, lb_cmd_##function},
static const command kCommands[] = {
#include "cli/commands.inc"
};
#undef COMMAND

enum { COMMAND_COUNT = sizeof kCommands / sizeof kCommands[0], NAME_SIZE = 64 };

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

/* Number of argv words that spell the whole name, or 0. */
static int matched_words(const char *name, int argc, char **argv) {
    int words = 0;
    while (words < argc) {
        const size_t length = strcspn(name, " ");
        if (strlen(argv[words]) != length || memcmp(argv[words], name, length) != 0) return 0;
        words++;
        if (!name[length]) return words;
        name += length + 1;
    }
    return 0;
}

/* True if the name starts with the word and goes on: "bench" of "bench gemm". */
static bool in_group(const char *name, const char *word) {
    const size_t length = strlen(word);
    return strncmp(name, word, length) == 0 && name[length] == ' ';
}

/* Prints the commands; of one group where `group` is given. */
static void print_commands(FILE *file, const char *group) {
    fprintf(file, "usage: lowbit %s%sCOMMAND [OPTION...]\n\n", group ? group : "", group ? " " : "");
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!group || in_group(kCommands[i].name, group))
            fprintf(file, "  %-14s %s\n", kCommands[i].name, kCommands[i].help);
    fprintf(file, "\n'lowbit help COMMAND' tells more; 'lowbit --version' prints the version.\n");
}

static bool is_group(const char *word) {
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (in_group(kCommands[i].name, word)) return true;
    return false;
}

/* The words spelled no command. */
static int no_command(int argc, char **argv) {
    if (!is_group(argv[0])) return lb_cli_error(LB_EXIT_USAGE, "", "unknown command '%s'", argv[0]);
    if (argc > 1 && !is_help(argv[1]))
        return lb_cli_error(LB_EXIT_USAGE, "", "unknown command '%s %s'", argv[0], argv[1]);
    print_commands(argc > 1 ? stdout : stderr, argv[0]);
    return argc > 1 ? LB_EXIT_OK : LB_EXIT_USAGE;
}

/* Runs the command that argv[0 ..] spells. */
static int run_command(int argc, char **argv) {
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const int words = matched_words(kCommands[i].name, argc, argv);
        if (!words) continue;
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s", kCommands[i].name);
        argv[words - 1] = name;
        return kCommands[i].run(argc - words + 1, argv + words - 1);
    }
    return no_command(argc, argv);
}

/* "help bench gemm" is "bench gemm --help". */
static int run_help(int argc, char **argv) {
    static char help[] = "--help";
    for (int i = 0; i + 1 < argc; i++) argv[i] = argv[i + 1];
    argv[argc - 1] = help;
    if (argc > 1) return run_command(argc, argv);
    print_commands(stdout, NULL);
    return LB_EXIT_OK;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_commands(stderr, NULL);
        return LB_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("lowbit %s\n", lowbit_version());
        return LB_EXIT_OK;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) return run_help(argc - 1, argv + 1);
    return run_command(argc - 1, argv + 1);
}

/* A full disk shows up only when the last buffer is written. A closed pipe is no news to anybody, but still a failure.
 */
static int check_stdout(void) {
    errno = 0;
    const bool ok = fflush(stdout) == 0 && !ferror(stdout);
    if (ok) return LB_EXIT_OK;
    if (errno == EPIPE || errno == 0) return LB_EXIT_FAILED;
    return lb_cli_error(LB_EXIT_FAILED, "", "cannot write standard output: %s", strerror(errno));
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    const int code = run(argc, argv);
    const int written = check_stdout();
    return code != LB_EXIT_OK ? code : written;
}
