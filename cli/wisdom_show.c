/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit wisdom show`: what a file of wisdom says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/wisdom.h"
#include "lowbit/gemm.h"
#include "tuner/effort.h"

static const char *state_name(uint32_t state) {
    static const char *const kNames[] = {"usable", "stale", "foreign"};
    return kNames[state];
}

/* Line `index`, false past the end. */
static bool get_line(const lowbit_wisdom *wisdom, int64_t index, lowbit_wisdom_info *line) {
    line->struct_size = sizeof *line;
    return lowbit_wisdom_get(wisdom, index, line, NULL) == LOWBIT_OK;
}

/* ---- text ---- */

static void print_plan(const lowbit_wisdom_info *line) {
    char gain[16] = "";
    if (line->estimate_s > 0 && line->median_s > 0)
        snprintf(gain, sizeof gain, "%.2fx", line->estimate_s / line->median_s);
    printf("%-28s %3" PRIu32 " %-7s %-28s %3" PRIu32 " %10.2f %7s %-10s %-10s %s%s\n", line->name, line->threads,
           line->foreign_pool ? "foreign" : "own", line->kernel, line->uses, line->median_s * 1e6, gain,
           lb_effort_names[line->effort], line->date, state_name(line->state), line->noisy ? ", noisy" : "");
}

static void print_plans(const lowbit_wisdom *wisdom, bool all) {
    lowbit_wisdom_info line;
    printf("%-28s %3s %-7s %-28s %3s %10s %7s %-10s %-10s %s\n", "problem", "thr", "pool", "kernel", "use", "median us",
           "gain", "effort", "date", "state");
    for (int64_t i = 0; get_line(wisdom, i, &line); i++)
        if (line.kind == LOWBIT_WISDOM_PLAN && (all || line.state != LOWBIT_WISDOM_FOREIGN)) print_plan(&line);
}

static void print_rates(const lowbit_wisdom *wisdom, bool all) {
    lowbit_wisdom_info line;
    printf("\n%-40s %-10s %-8s %s\n", "rate", "date", "state", "values");
    for (int64_t i = 0; get_line(wisdom, i, &line); i++) {
        if (line.kind != LOWBIT_WISDOM_RATE || (!all && line.state == LOWBIT_WISDOM_FOREIGN)) continue;
        printf("%-40s %-10s %-8s", line.name, line.date, state_name(line.state));
        for (uint32_t v = 0; v < line.value_count; v++) printf(" %.6g", line.values[v]);
        putchar('\n');
    }
}

static void print_counts(const lowbit_wisdom *wisdom) {
    int64_t plans[3] = {0}, rates[3] = {0};
    lowbit_wisdom_info line;
    for (int64_t i = 0; get_line(wisdom, i, &line); i++) {
        plans[line.state] += line.kind == LOWBIT_WISDOM_PLAN;
        rates[line.state] += line.kind == LOWBIT_WISDOM_RATE;
    }
    printf("\n%" PRId64 " decisions usable, %" PRId64 " stale, %" PRId64 " of other machines; %" PRId64
           " rates, %" PRId64 " of other machines\n",
           plans[LOWBIT_WISDOM_USABLE], plans[LOWBIT_WISDOM_STALE], plans[LOWBIT_WISDOM_FOREIGN],
           rates[LOWBIT_WISDOM_USABLE], rates[LOWBIT_WISDOM_FOREIGN]);
}

/* ---- JSON: every line ---- */

static json_t *machine_json(const lowbit_wisdom_info *line) {
    return json_pack("{s:s, s:s, s:s}", "machine", line->machine, "cpu", line->name, "state", state_name(line->state));
}

static json_t *rate_json(const lowbit_wisdom_info *line) {
    json_t *values = json_array();
    for (uint32_t v = 0; v < line->value_count; v++)
        if (json_array_append_new(values, json_real(line->values[v])) != 0) {
            json_decref(values);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "machine", line->machine, "name", line->name, "date", line->date,
                     "state", state_name(line->state), "values", values);
}

static json_t *plan_json(const lowbit_wisdom_info *l) {
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:s, s:b, s:s, s:s}", "machine",
                     l->machine, "problem", l->name, "threads", (json_int_t)l->threads, "pool",
                     l->foreign_pool ? "foreign" : "own", "kernel", l->kernel, "uses", (json_int_t)l->uses, "median_s",
                     l->median_s, "low_s", l->low_s, "high_s", l->high_s, "estimate_s", l->estimate_s, "samples",
                     (json_int_t)l->samples, "tried", (json_int_t)l->tried, "effort", lb_effort_names[l->effort],
                     "noisy", (int)l->noisy, "date", l->date, "state", state_name(l->state));
}

static json_t *wisdom_json(const lowbit_wisdom *wisdom, const char *path) {
    static const struct {
        const char *name;
        json_t *(*make)(const lowbit_wisdom_info *line);
    } kKinds[] = {{"machines", machine_json}, {"rates", rate_json}, {"decisions", plan_json}};
    json_t *lists[] = {json_array(), json_array(), json_array()};
    lowbit_wisdom_info line;
    bool good = true;
    for (int64_t i = 0; good && get_line(wisdom, i, &line); i++)
        good = json_array_append_new(lists[line.kind], kKinds[line.kind].make(&line)) == 0;
    json_t *made = json_pack("{s:s, s:o, s:o, s:o, s:o}", "version", lowbit_version(), "file",
                             lb_cli_text_json(path, strlen(path)), kKinds[0].name, lists[0], kKinds[1].name, lists[1],
                             kKinds[2].name, lists[2]);
    if (good) return made;
    json_decref(made);
    return NULL;
}

/* ---- the command ---- */

static int show(const char *command, const lowbit_wisdom *wisdom, const char *path, bool all, const char *json) {
    if (!lb_cli_json_only(json)) {
        printf("%s\n\n", path);
        print_plans(wisdom, all);
        print_rates(wisdom, all);
        print_counts(wisdom);
    }
    return json ? lb_cli_write_json(command, json, wisdom_json(wisdom, path)) : LB_EXIT_OK;
}

int lb_cmd_wisdom_show(int argc, char **argv) {
    const char *isa = NULL, *json = NULL;
    bool all = false;
    const lb_option options[] = {{"--all", NULL, "also what is of other machines", LB_OPTION_FLAG, &all},
                                 LB_OPTION_ISA(&isa),
                                 LB_OPTION_JSON(&json)};
    const lb_syntax syntax = {
        "[FILE] [--all] [--isa NAME] [--json FILE|-]",
        "Prints the decisions and rates of a file of wisdom (default: $XDG_CACHE_HOME/lowbit/wisdom, else\n"
        "~/.cache/lowbit/wisdom): gain is how many times faster than the estimate's choice the decision was.",
        options,
        sizeof options / sizeof options[0],
        0,
        1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    char path[LB_WISDOM_PATH];
    lowbit_ctx *ctx = NULL;
    lowbit_wisdom *wisdom = NULL;
    code = lb_cli_wisdom_path(argv[0], argc > 1 ? argv[1] : NULL, path);
    if (code == LB_EXIT_OK) code = lb_cli_context(argv[0], isa, NULL, &ctx);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_new(argv[0], ctx, &wisdom);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_add(argv[0], path, wisdom, NULL);
    if (code == LB_EXIT_OK) code = show(argv[0], wisdom, path, all, json);
    lowbit_wisdom_destroy(wisdom);
    lowbit_ctx_destroy(ctx);
    return code;
}
