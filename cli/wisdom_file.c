/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program keeps its wisdom. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/wisdom.h"

/* The variable's value where it is an absolute path: the XDG base directory specification has others ignored. */
static const char *absolute(const char *variable) {
    const char *value = getenv(variable);
    return value && value[0] == '/' ? value : NULL;
}

/* Where it is unless a file is named; false if the environment does not say. */
static bool default_path(char path[LB_WISDOM_PATH]) {
    const char *cache = absolute("XDG_CACHE_HOME"), *home = absolute("HOME");
    if (!cache && !home) return false;
    const int length = cache ? snprintf(path, LB_WISDOM_PATH, "%s/lowbit/wisdom", cache)
                             : snprintf(path, LB_WISDOM_PATH, "%s/.cache/lowbit/wisdom", home);
    return length > 0 && length < LB_WISDOM_PATH;
}

int lb_cli_wisdom_path(const char *command, const char *option, char path[LB_WISDOM_PATH]) {
    if (!option && !default_path(path))
        return lb_cli_error(LB_EXIT_FAILED, command,
                            "neither XDG_CACHE_HOME nor HOME says where wisdom lives: name a file");
    if (option && snprintf(path, LB_WISDOM_PATH, "%s", option) >= LB_WISDOM_PATH)
        return lb_cli_error(LB_EXIT_FAILED, command, "the path of the wisdom is too long");
    return LB_EXIT_OK;
}

int lb_cli_wisdom_new(const char *command, const lowbit_ctx *ctx, lowbit_wisdom **wisdom) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_wisdom_create(ctx, wisdom, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(command, status, &error);
}

static void warn(const char *command, const char *path, const lowbit_wisdom_report *report) {
    if (report->bad)
        lb_cli_error(LB_EXIT_OK, command,
                     "warning: %s: %" PRId64 " damaged lines, the first one is line %" PRId64 ": %s", path, report->bad,
                     report->first_bad_line, report->reason);
}

int lb_cli_wisdom_add(const char *command, const char *path, lowbit_wisdom *wisdom, lowbit_wisdom_report *report) {
    lowbit_wisdom_report own = {.struct_size = sizeof own};
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_wisdom_load(wisdom, path, &own, &error);
    if (status != LOWBIT_OK) return lb_cli_error(LB_EXIT_FAILED, command, "%s: %s", path, error.message);
    if (report)
        *report = own;
    else
        warn(command, path, &own);
    return LB_EXIT_OK;
}

int lb_cli_wisdom_save(const char *command, lowbit_wisdom *wisdom, const char *path) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_wisdom_save(wisdom, path, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(command, status, &error);
}

static bool is_none(const char *option) { return option && strcmp(option, "none") == 0; }

static bool is_missing(const char *path) {
    struct stat info;
    return stat(path, &info) != 0 && errno == ENOENT;
}

/* A new one with what the file holds. */
static int read_file(const char *command, const char *path, const lowbit_ctx *ctx, lowbit_wisdom **wisdom) {
    int code = lb_cli_wisdom_new(command, ctx, wisdom);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_add(command, path, *wisdom, NULL);
    if (code == LB_EXIT_OK) return code;
    lowbit_wisdom_destroy(*wisdom);
    *wisdom = NULL;
    return code;
}

int lb_cli_wisdom_read(const char *command, const char *option, const lowbit_ctx *ctx, lowbit_wisdom **wisdom) {
    char path[LB_WISDOM_PATH];
    *wisdom = NULL;
    if (is_none(option)) return LB_EXIT_OK;
    if (option) return read_file(command, option, ctx, wisdom);
    if (!default_path(path)) return LB_EXIT_OK;
    if (is_missing(path)) return lb_cli_wisdom_new(command, ctx, wisdom);
    if (read_file(command, path, ctx, wisdom) != LB_EXIT_OK)
        lb_cli_error(LB_EXIT_OK, command, "warning: going on without wisdom");
    return LB_EXIT_OK;
}

int lb_cli_wisdom_open(const char *command, const char *option, const lowbit_ctx *ctx, lowbit_wisdom **wisdom) {
    char path[LB_WISDOM_PATH];
    *wisdom = NULL;
    if (is_none(option)) return lb_cli_wisdom_new(command, ctx, wisdom);
    const int code = lb_cli_wisdom_path(command, option, path);
    if (code != LB_EXIT_OK) return code;
    return is_missing(path) ? lb_cli_wisdom_new(command, ctx, wisdom) : read_file(command, path, ctx, wisdom);
}

int lb_cli_wisdom_keep(const char *command, const char *option, lowbit_wisdom *wisdom) {
    char path[LB_WISDOM_PATH];
    if (is_none(option)) return LB_EXIT_OK;
    const int code = lb_cli_wisdom_path(command, option, path);
    if (code != LB_EXIT_OK) return code;
    if (!option) lb_cli_make_folders(path, 0700);
    return lb_cli_wisdom_save(command, wisdom, path);
}
