/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit wisdom check`: what files of wisdom hold, and whether they are whole. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/wisdom.h"

/* One file; LB_EXIT_FAILED where it does not load or has a bad line. */
static int check_file(const char *command, const lowbit_ctx *ctx, const char *path) {
    lowbit_wisdom *wisdom = NULL;
    lowbit_wisdom_report r;
    int code = lb_cli_wisdom_new(command, ctx, &wisdom);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_add(command, path, wisdom, &r);
    lowbit_wisdom_destroy(wisdom);
    if (code != LB_EXIT_OK) return code;
    printf("%s: %" PRId64 " accepted, %" PRId64 " stale, %" PRId64 " foreign, %" PRId64 " bad\n", path, r.accepted,
           r.stale, r.foreign, r.bad);
    if (r.bad) printf("%s:%" PRId64 ": %s\n", path, r.first_bad_line, r.reason);
    return r.bad ? LB_EXIT_FAILED : LB_EXIT_OK;
}

int lb_cmd_wisdom_check(int argc, char **argv) {
    const char *isa = NULL;
    const lb_option options[] = {LB_OPTION_ISA(&isa)};
    const lb_syntax syntax = {
        "FILE... [--isa NAME]",
        "Counts the decisions and rates of each file: accepted ones can be used here, stale ones are of this machine\n"
        "but of another build, foreign ones of another machine, bad ones damaged. Fails if any line is bad.",
        options,
        sizeof options / sizeof options[0],
        1,
        -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    lowbit_ctx *ctx = NULL;
    code = lb_cli_context(argv[0], isa, NULL, &ctx);
    if (code != LB_EXIT_OK) return code;
    for (int i = 1; i < argc; i++) {
        const int each = check_file(argv[0], ctx, argv[i]);
        if (each != LB_EXIT_OK) code = each;
    }
    lowbit_ctx_destroy(ctx);
    return code;
}
