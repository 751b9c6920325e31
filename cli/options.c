/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options of a subcommand: reading it from argv and printing it as help. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

bool lb_cli_size(const char *text, int64_t *size) {
    static const struct {
        char letter;
        int shift;
    } kUnits[] = {{'\0', 0}, {'K', 10}, {'M', 20}, {'G', 30}};
    if (*text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (errno) return false;
    for (size_t i = 0; i < sizeof kUnits / sizeof kUnits[0]; i++)
        if (*end == kUnits[i].letter && (!*end || !end[1]))
            return !__builtin_mul_overflow((int64_t)number, INT64_C(1) << kUnits[i].shift, size);
    return false;
}

static bool read_number(const char *text, bool zero, double *number) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value > 0 || (zero && value == 0)) || !(value < 1e9)) return false;
    *number = value;
    return true;
}

static bool add_threads(lb_thread_list *list, uint32_t threads) {
    for (size_t i = 0; i < list->count; i++)
        if (list->threads[i] == threads) return true;
    if (list->count == LB_MAX_THREAD_LIST) return false;
    list->threads[list->count++] = threads;
    return true;
}

bool lb_cli_threads(const char *text, const lowbit_ctx *ctx, lb_thread_list *list) {
    lowbit_machine machine = {.struct_size = sizeof machine};
    if (lowbit_machine_info(ctx, &machine, NULL) != LOWBIT_OK) return false;
    list->count = 0;
    for (;;) {
        const size_t length = strcspn(text, ",");
        char word[16];
        int64_t threads = machine.usable_threads;
        if (length == 0 || length >= sizeof word) return false;
        memcpy(word, text, length);
        word[length] = 0;
        if (strcmp(word, "all") != 0 && !lb_cli_size(word, &threads)) return false;
        if (threads < 1 || threads > LB_MAX_THREADS || !add_threads(list, (uint32_t)threads)) return false;
        if (!text[length]) return true;
        text += length + 1;
    }
}

bool lb_cli_words(const char *text, lb_word_list *words) {
    words->count = 0;
    if (strlen(text) >= sizeof words->copy) return false;
    strcpy(words->copy, text);
    for (char *word = words->copy;; word++) {
        const size_t length = strcspn(word, ",");
        const bool last = !word[length];
        if (length == 0 || words->count == LB_MAX_WORDS) return false;
        words->list[words->count++] = word;
        word[length] = 0;
        if (last) return true;
        word += length;
    }
}

bool lb_cli_bind(const char *text, lowbit_pool_options *options, lb_cpu_list *list) {
    static const char *const kNames[] = {
        [LOWBIT_BIND_NONE] = "none", [LOWBIT_BIND_COMPACT] = "compact", [LOWBIT_BIND_SPREAD] = "spread"};
    for (uint32_t i = 0; i < sizeof kNames / sizeof kNames[0]; i++)
        if (strcmp(text, kNames[i]) == 0) {
            options->bind = i;
            return true;
        }
    options->bind = LOWBIT_BIND_LIST;
    options->cpus = list->cpus;
    if (!lb_cpu_list_parse(text, list)) return false;
    options->cpu_count = list->count;
    return true;
}

static void print_option(const char *name, const char *value, const char *help) {
    char left[40];
    snprintf(left, sizeof left, "%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-20s %s\n", left, help);
}

static void print_help(const char *command, const lb_syntax *syntax) {
    printf("usage: lowbit %s%s%s\n\n%s\n\n", command, *syntax->usage ? " " : "", syntax->usage, syntax->text);
    for (size_t i = 0; i < syntax->option_count; i++)
        print_option(syntax->options[i].name, syntax->options[i].value, syntax->options[i].help);
    print_option("--help", NULL, "print this");
}

/* Finds the option that `word` names. *value is what follows its '=', or NULL. */
static const lb_option *find_option(const lb_syntax *syntax, const char *word, const char **value) {
    const size_t length = strcspn(word, "=");
    *value = word[length] ? word + length + 1 : NULL;
    for (size_t i = 0; i < syntax->option_count; i++) {
        const lb_option *option = &syntax->options[i];
        if (strlen(option->name) == length && memcmp(option->name, word, length) == 0) return option;
    }
    return NULL;
}

/* Stores the value; false if it does not read as one. */
static bool store(const lb_option *option, const char *value) {
    switch (option->kind) {
        case LB_OPTION_FLAG: *(bool *)option->target = true; return true;
        case LB_OPTION_TEXT: *(const char **)option->target = value; return true;
        case LB_OPTION_COUNT: return lb_cli_size(value, option->target);
        case LB_OPTION_SECONDS:
        case LB_OPTION_NUMBER: return read_number(value, false, option->target);
        case LB_OPTION_AMOUNT: return read_number(value, true, option->target);
        case LB_OPTION_HOLD: break; /* is done, not stored */
    }
    return false;
}

/* Reads the option at argv[*i], and its value from the next word where it needs one. Returns an exit code. */
static int read_option(int argc, char **argv, int *i, const lb_syntax *syntax) {
    const char *word = argv[*i], *value;
    const lb_option *option = find_option(syntax, word, &value);
    if (!option) return lb_cli_error(LB_EXIT_USAGE, argv[0], "unknown option '%s'", word);
    const bool flag = option->kind == LB_OPTION_FLAG;
    if (flag && value) return lb_cli_error(LB_EXIT_USAGE, argv[0], "%s takes no value", option->name);
    if (!flag && !value && *i + 1 < argc) value = argv[++*i];
    if (!flag && !value) return lb_cli_error(LB_EXIT_USAGE, argv[0], "%s needs %s", option->name, option->value);
    if (option->kind == LB_OPTION_HOLD) return lb_cli_hold_to_cpus(argv[0], value);
    if (!store(option, value))
        return lb_cli_error(LB_EXIT_USAGE, argv[0], "%s: '%s' is no %s", option->name, value, option->value);
    return LB_EXIT_OK;
}

static int check_words(const char *command, int words, const lb_syntax *syntax) {
    if (words < syntax->min_words)
        return lb_cli_error(LB_EXIT_USAGE, command, "an argument is missing: lowbit %s %s", command, syntax->usage);
    if (syntax->max_words >= 0 && words > syntax->max_words)
        return lb_cli_error(LB_EXIT_USAGE, command, "too many arguments: lowbit %s %s", command, syntax->usage);
    return LB_EXIT_OK;
}

bool lb_cli_parse(int *argc, char **argv, const lb_syntax *syntax, int *code) {
    int words = 0;
    bool options_end = false;
    *code = LB_EXIT_OK;
    for (int i = 1; i < *argc && *code == LB_EXIT_OK; i++) {
        const bool is_word = options_end || argv[i][0] != '-' || !argv[i][1];
        if (is_word) {
            argv[++words] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(argv[0], syntax);
            return false;
        } else {
            *code = read_option(*argc, argv, &i, syntax);
        }
    }
    if (*code == LB_EXIT_OK) *code = check_words(argv[0], words, syntax);
    *argc = words + 1;
    return *code == LB_EXIT_OK;
}
