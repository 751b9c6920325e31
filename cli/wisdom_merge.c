/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit wisdom merge`: one file of wisdom from many. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/wisdom.h"

/* Takes in every file, then saves; OUT is written only if all of them could be read. */
static int merge(const char *command, const lowbit_ctx *ctx, const char *out, char **in, int count) {
    lowbit_wisdom *wisdom = NULL;
    int64_t usable = 0, all = 0;
    int code = lb_cli_wisdom_new(command, ctx, &wisdom);
    for (int i = 0; i < count && code == LB_EXIT_OK; i++) code = lb_cli_wisdom_add(command, in[i], wisdom, NULL);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_save(command, wisdom, out);
    if (code == LB_EXIT_OK && lowbit_wisdom_size(wisdom, &usable, &all, NULL) == LOWBIT_OK)
        printf("%s: %" PRId64 " lines, %" PRId64 " decisions of them for this machine\n", out, all, usable);
    lowbit_wisdom_destroy(wisdom);
    return code;
}

int lb_cmd_wisdom_merge(int argc, char **argv) {
    const lb_syntax syntax = {
        "OUT IN...",
        "Adds all lines of the files IN to the file OUT, which need not exist. Of two decisions about the same the\n"
        "better founded one stays: greater effort, then later date, then more samples.",
        NULL,
        0,
        2,
        -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    lowbit_ctx *ctx = NULL;
    code = lb_cli_context(argv[0], NULL, NULL, &ctx);
    if (code == LB_EXIT_OK) code = merge(argv[0], ctx, argv[1], argv + 2, argc - 2);
    lowbit_ctx_destroy(ctx);
    return code;
}
