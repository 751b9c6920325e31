/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, contexts, progress and JSON of the subcommands. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int lb_cli_error(int code, const char *command, const char *format, ...) {
    va_list args;
    lb_cli_progress_clear();
    fprintf(stderr, "lowbit%s%s: ", *command ? " " : "", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (code == LB_EXIT_USAGE) fprintf(stderr, "Try: lowbit help%s%s\n", *command ? " " : "", command);
    return code;
}

int lb_cli_failed(const char *command, lowbit_status status, const lowbit_error *error) {
    const bool has_reason = error && error->message[0];
    return lb_cli_error(LB_EXIT_FAILED, command, "%s", has_reason ? error->message : lowbit_status_string(status));
}

static void log_to_stderr(void *user, int level, const char *message) {
    (void)user;
    if (level != LOWBIT_LOG_WARNING) return;
    lb_cli_progress_clear();
    fprintf(stderr, "lowbit: warning: %s\n", message);
}

/* Looks a level up by name; the list of names is what the error shows. */
static bool find_level(const lowbit_ctx *ctx, const char *name, lowbit_isa_info *found, char *names, size_t size) {
    size_t used = 0;
    names[0] = 0;
    for (size_t i = 0; i < lowbit_isa_count(); i++) {
        found->struct_size = sizeof *found;
        if (lowbit_isa_get(ctx, i, found, NULL) != LOWBIT_OK) continue;
        if (strcmp(found->name, name) == 0) return true;
        if (found->enabled && used < size)
            used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "", found->name);
    }
    return false;
}

/* A level is named by its text, but only a context knows the levels: the first context finds the bit. */
static int isa_mask(const char *command, const char *source, const char *isa, const lowbit_ctx *ctx, uint32_t *mask) {
    lowbit_isa_info level;
    char names[200];
    if (!find_level(ctx, isa, &level, names, sizeof names))
        return lb_cli_error(LB_EXIT_USAGE, command, "%s: no level is called '%s'; this machine can run: %s", source,
                            isa, names);
    if (!level.enabled)
        return lb_cli_error(LB_EXIT_FAILED, command, "%s: %s cannot be used: %s", source, isa, level.reason);
    *mask = level.bit | LOWBIT_ISA_SCALAR;
    return LB_EXIT_OK;
}

static int create_context(const char *command, const lowbit_ctx_options *options, lowbit_ctx **ctx) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_ctx_create(options, ctx, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(command, status, &error);
}

int lb_cli_context(const char *command, const char *isa, const lowbit_ctx_options *pretend, lowbit_ctx **ctx) {
    const lowbit_logger logger = {sizeof logger, NULL, log_to_stderr};
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    if (pretend) options = *pretend;
    const char *source = isa ? "--isa" : "LOWBIT_ISA";
    if (!isa) isa = getenv("LOWBIT_ISA");
    if (isa && *isa) {
        lowbit_ctx *probe = NULL;
        int code = create_context(command, &options, &probe);
        if (code == LB_EXIT_OK) code = isa_mask(command, source, isa, probe, &options.isa_mask);
        lowbit_ctx_destroy(probe);
        if (code != LB_EXIT_OK) return code;
    }
    options.logger = &logger;
    return create_context(command, &options, ctx);
}

int lb_cli_pool(const char *command, const lowbit_ctx *ctx, uint32_t threads, const lowbit_pool_options *options,
                lowbit_pool *pool) {
    lowbit_pool_destroy(pool);
    *pool = (lowbit_pool)LOWBIT_POOL_INIT;
    if (threads <= 1) return LB_EXIT_OK;
    lowbit_pool_options own = *options;
    own.threads = threads;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_pool_create(ctx, &own, pool, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(command, status, &error);
}

/* A longer line would wrap, and the next one would replace its end alone. */
static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

void lb_cli_progress(const char *format, ...) {
    if (!isatty(STDERR_FILENO)) return;
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "\r\033[K%.*s", terminal_columns(), line);
    fflush(stderr);
}

void lb_cli_progress_clear(void) { lb_cli_progress("%s", ""); }

void lb_cli_make_folders(const char *path, unsigned mode) {
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = folder + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(folder, mode);
    }
}

bool lb_cli_json_only(const char *target) { return target && strcmp(target, "-") == 0; }

int lb_cli_write_json(const char *command, const char *target, json_t *value) {
    if (!value) return lb_cli_error(LB_EXIT_FAILED, command, "no memory for the JSON output");
    const bool to_stdout = lb_cli_json_only(target);
    FILE *file = to_stdout ? stdout : fopen(target, "w");
    bool ok = file != NULL;
    if (file) {
        ok = json_dumpf(value, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) != EOF;
        ok = (to_stdout ? fflush(file) : fclose(file)) == 0 && ok;
    }
    const int reason = errno;
    json_decref(value);
    if (ok || (to_stdout && reason == EPIPE)) return ok ? LB_EXIT_OK : LB_EXIT_FAILED;
    return lb_cli_error(LB_EXIT_FAILED, command, "cannot write %s: %s", to_stdout ? "standard output" : target,
                        strerror(reason));
}
