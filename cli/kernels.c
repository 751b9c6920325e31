/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit kernels`: the kernel table of this build, and which of its rows this machine can run. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "lowbit/gemm.h"

/* Kernel `index`, or false past the end of the table. */
static bool get_kernel(const lowbit_ctx *ctx, size_t index, lowbit_kernel_info *info) {
    *info = (lowbit_kernel_info){.struct_size = sizeof *info};
    return index < lowbit_kernel_count() && lowbit_kernel_get(ctx, index, info, NULL) == LOWBIT_OK;
}

/* The name of a level by its bit. */
static const char *level_name(const lowbit_ctx *ctx, uint32_t bit) {
    lowbit_isa_info level = {.struct_size = sizeof level};
    for (size_t i = 0; lowbit_isa_get(ctx, i, &level, NULL) == LOWBIT_OK; i++)
        if (level.bit == bit) return level.name;
    return "";
}

static void print_kernels(const lowbit_ctx *ctx) {
    lowbit_kernel_info k;
    printf("%-28s %5s %5s %8s  %-12s %s\n", "kernel", "width", "rows", "columns", "level", "enabled");
    for (size_t i = 0; get_kernel(ctx, i, &k); i++)
        printf("%-28s %5" PRIu32 " %5" PRIu32 " %8" PRIu32 "  %-12s %s\n", k.name, k.width, k.mr, k.nr,
               level_name(ctx, k.isa), k.enabled ? "yes" : "no");
}

static json_t *kernels_json(const lowbit_ctx *ctx) {
    json_t *rows = json_array();
    lowbit_kernel_info k;
    for (size_t i = 0; get_kernel(ctx, i, &k); i++) {
        json_t *row =
            json_pack("{s:s, s:s, s:I, s:I, s:I, s:b}", "name", k.name, "isa", level_name(ctx, k.isa), "width",
                      (json_int_t)k.width, "mr", (json_int_t)k.mr, "nr", (json_int_t)k.nr, "enabled", (int)k.enabled);
        if (json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o}", "version", lowbit_version(), "kernels", rows);
}

int lb_cmd_kernels(int argc, char **argv) {
    const char *isa = NULL, *json = NULL;
    const lb_option options[] = {LB_OPTION_ISA(&isa), LB_OPTION_JSON(&json)};
    const lb_syntax syntax = {"[--isa NAME] [--json FILE|-]",
                              "Prints the kernel table of this build: the code width that a kernel decodes, rows and\n"
                              "columns of its tile, its level, and whether it can run here.",
                              options,
                              sizeof options / sizeof options[0],
                              0,
                              0};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;

    lowbit_ctx *ctx = NULL;
    code = lb_cli_context(argv[0], isa, NULL, &ctx);
    if (code != LB_EXIT_OK) return code;
    if (!lb_cli_json_only(json)) print_kernels(ctx);
    if (json) code = lb_cli_write_json(argv[0], json, kernels_json(ctx));
    lowbit_ctx_destroy(ctx);
    return code;
}
