/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit wisdom forget`: takes decisions and rates out of a file of wisdom. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/wisdom.h"

typedef struct settings {
    const char *isa;
    bool stale, rates, foreign;
} settings;

static uint32_t what_of(const settings *o) {
    const uint32_t what = (o->stale ? LOWBIT_FORGET_STALE : 0u) | (o->rates ? LOWBIT_FORGET_RATES : 0u) |
                          (o->foreign ? LOWBIT_FORGET_FOREIGN : 0u);
    return what ? what : LOWBIT_FORGET_PLANS;
}

static int forget(const char *command, const lowbit_ctx *ctx, const char *path, const char *pattern, uint32_t what) {
    lowbit_wisdom *wisdom = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int64_t forgotten = 0;
    int code = lb_cli_wisdom_new(command, ctx, &wisdom);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_add(command, path, wisdom, NULL);
    if (code == LB_EXIT_OK) {
        const lowbit_status status = lowbit_wisdom_forget(wisdom, pattern, what, &forgotten, &error);
        if (status != LOWBIT_OK) code = lb_cli_failed(command, status, &error);
    }
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_save(command, wisdom, path);
    if (code == LB_EXIT_OK) printf("%s: forgot %" PRId64 "\n", path, forgotten);
    lowbit_wisdom_destroy(wisdom);
    return code;
}

int lb_cmd_wisdom_forget(int argc, char **argv) {
    settings o = {NULL, false, false, false};
    const lb_option options[] = {
        {"--stale", NULL, "forget stale decisions of this machine alone", LB_OPTION_FLAG, &o.stale},
        {"--rates", NULL, "forget rates of this machine", LB_OPTION_FLAG, &o.rates},
        {"--foreign", NULL, "forget decisions and rates of other machines", LB_OPTION_FLAG, &o.foreign},
        LB_OPTION_ISA(&o.isa)};
    const lb_syntax syntax = {
        "FILE [PATTERN] [options]",
        "Takes the decisions of this machine out of FILE: those whose problem fits PATTERN, as 'i4g32a8:m1n*', or "
        "all.\n"
        "With --stale, --rates or --foreign it takes those out instead; the pattern is also of the names of rates.",
        options,
        sizeof options / sizeof options[0],
        1,
        2};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    lowbit_ctx *ctx = NULL;
    code = lb_cli_context(argv[0], o.isa, NULL, &ctx);
    if (code == LB_EXIT_OK) code = forget(argv[0], ctx, argv[1], argc > 2 ? argv[2] : NULL, what_of(&o));
    lowbit_ctx_destroy(ctx);
    return code;
}
