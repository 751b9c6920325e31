/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes as text: what is read, its normal form, what is refused, and that the page of presets is the table. */
#include "nn/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/rules.h"
#include "nn/observe.h"
#include "tests/check.h"

static lb_recipe parsed(const char *text) {
    lb_recipe recipe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("\"%s\"", text);
    CHECK(lb_recipe_parse(text, &recipe, &error) == LOWBIT_OK);
    check_context("\"%s\": %s", text, error.message);
    CHECK(error.message[0] == 0);
    return recipe;
}

/* ---- reading ---- */

static void check_defaults(void) {
    const lb_recipe r = parsed("");
    CHECK(r.count == 0 && r.calibrate == LB_CALIBRATE_MSE && r.observe == 128 && !r.symmetric);
}

static void check_settings(void) {
    const lb_recipe r = parsed("calibrate=kl; observe =\t7\r\n range= symmetric ;observe = 1000000 # ; observe = 3\n");
    CHECK(r.count == 0 && r.calibrate == LB_CALIBRATE_KL && r.observe == 1000000 && r.symmetric);
    for (uint32_t kind = 1; lb_calibration_name(kind); kind++) {
        char text[64];
        snprintf(text, sizeof text, "calibrate = %s", lb_calibration_name(kind));
        CHECK(parsed(text).calibrate == kind);
    }
}

static void check_rule(const lb_recipe_rule *r, const char *pattern, lowbit_weight_type weights, uint32_t rule,
                       uint32_t activations, bool is_static, int32_t line) {
    const lb_choice *c = &r->choice;
    CHECK(strcmp(r->pattern, pattern) == 0 && memcmp(&c->weights, &weights, sizeof weights) == 0);
    CHECK(c->rule == rule && c->activations == activations && c->static_scale == is_static && r->line == line);
}

static void check_rules(void) {
    enum { SIZE = sizeof(lowbit_weight_type) };
    const lb_recipe r = parsed(
        "# a comment: with words = and ; signs\n"
        "*:i4g32:bf16a8s  rule=mse ;f?rst.* : t2a1\ttensor rule=range\n\n"
        "last: i4zg64pa2; x: f32af32");
    CHECK(r.count == 4);
    check_rule(&r.rules[0], "*", (lowbit_weight_type){SIZE, LOWBIT_I4, LOWBIT_SYMMETRIC, LOWBIT_SCALE_BF16, 32, 0},
               LOWBIT_RULE_MSE, LOWBIT_A8, true, 2);
    check_rule(&r.rules[1], "f?rst.*",
               (lowbit_weight_type){SIZE, LOWBIT_T2, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_TENSOR, 0},
               LOWBIT_RULE_RANGE, LOWBIT_A1, false, 2);
    check_rule(&r.rules[2], "last", (lowbit_weight_type){SIZE, LOWBIT_I4, LOWBIT_ZERO_POINT, LOWBIT_SCALE_F16, 64, 1},
               LOWBIT_RULE_AUTO, LOWBIT_A2, false, 4);
    check_rule(&r.rules[3], "x",
               (lowbit_weight_type){SIZE, LOWBIT_F32, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0},
               LOWBIT_RULE_AUTO, LOWBIT_AF32, false, 4);
}

/* Prints, reads and prints again. */
static void check_normal(const char *text) {
    static char printed[LB_RECIPE_TEXT], again[LB_RECIPE_TEXT];
    const lb_recipe recipe = parsed(text);
    CHECK(lb_recipe_print(&recipe, printed, sizeof printed, NULL) == LOWBIT_OK);
    const lb_recipe back = parsed(printed);
    CHECK(lb_recipe_print(&back, again, sizeof again, NULL) == LOWBIT_OK && strcmp(printed, again) == 0);
    CHECK(back.count == recipe.count);
    for (int32_t i = 0; i < recipe.count && i < back.count; i++) {
        const lb_choice *c = &recipe.rules[i].choice;
        check_rule(&back.rules[i], recipe.rules[i].pattern, c->weights, c->rule, c->activations, c->static_scale,
                   4 + i); /* behind three settings */
    }
    lowbit_error error = LOWBIT_ERROR_INIT;
    char *exact = check_guarded(strlen(printed) + 1, CHECK_GUARD_AFTER);
    CHECK(lb_recipe_print(&recipe, exact, strlen(printed) + 1, NULL) == LOWBIT_OK && strcmp(exact, printed) == 0);
    char *less = check_guarded(strlen(printed), CHECK_GUARD_AFTER);
    CHECK(lb_recipe_print(&recipe, less, strlen(printed), &error) == LOWBIT_TOO_SMALL && error.message[0]);
    check_guard_free_all();
}

static void check_printed(void) {
    char printed[256];
    const lb_recipe r = parsed("ternary; conv*: i4g32a8 # dynamic\nobserve=9");
    CHECK(lb_recipe_print(&r, printed, sizeof printed, NULL) == LOWBIT_OK);
    CHECK(strcmp(printed,
                 "calibrate = mse\nobserve = 9\nrange = affine\n*: t2a8s rule=optimal\nfirst: i8a8s\nlast: i8a8s\n"
                 "conv*: i4g32a8\n") == 0);
}

/* As many rules as there may be, each as long as it may be. */
static void check_longest(void) {
    static char text[LB_RECIPE_TEXT * 2];
    size_t used = 0;
    for (int i = 0; i < LB_RECIPE_LINES; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%0*d: i4zg2147483616p:bf16a8s rule=search\n",
                                 LB_RECIPE_PATTERN - 1, i);
    check_normal(text);
}

void subject_recipe(void) {
    const lb_preset *p;
    check_defaults();
    check_settings();
    check_rules();
    check_printed();
    check_normal("calibrate = average; range = symmetric; *: b1g64a8; x*y: i8:f16a8s tensor; ??: c4af");
    for (size_t i = 0; (p = lb_preset_at(i)); i++) {
        CHECK(parsed(p->name).count >= 1);
        check_normal(p->text);
        check_normal(p->name);
    }
    check_longest();
}

/* ---- refusals ---- */

static void refuse(const char *text, const char *reason) {
    static lb_recipe recipe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("\"%s\"", text);
    CHECK(lb_recipe_parse(text, &recipe, &error) == LOWBIT_BAD_FORMAT);
    check_context("\"%s\": %s", text, error.message);
    CHECK(strstr(error.message, reason) != NULL);
}

static void refuse_long(void) {
    char text[400];
    memset(text, 'x', sizeof text);
    memcpy(text + LB_RECIPE_PATTERN, ": i8a8", 7);
    refuse(text, "a pattern has 1 to 95 characters");
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    refuse(text, "line 1 has more than 255 characters");
    memset(text, ' ', 255);
    text[255] = 0;
    parsed(text);
    char many[(LB_RECIPE_LINES + 1) * 8] = "";
    for (int i = 0; i <= LB_RECIPE_LINES; i++) strcat(many, "*:i8a8\n");
    refuse(many, "line 257, \"*:i8a8\": a recipe has at most 256 rules");
}

void subject_recipe_refusals(void) {
    static const char *const kCases[][2] = {
        {"*: i8a8\nw8a9", "line 2, \"w8a9\": there is no preset"},
        {"W8A8", "no preset"},
        {"calibrate = best", "calibrate is not \"best\" but minmax, average"},
        {"calibrate =", "calibrate is not \"\""},
        {"observe = 0", "observe is not \"0\""},
        {"observe = 1000001", "observe is not"},
        {"observe = 99999999999999999999", "observe is not"},
        {"observe = 12x", "observe is not"},
        {"range = signed", "affine or symmetric"},
        {"kalibrate = mse", "no setting \"kalibrate\""},
        {"= mse", "no setting \"\""},
        {"*:", "nothing is behind the colon"},
        {": i8a8", "a pattern has 1 to 95 characters, not 0"},
        {"a b: i8a8", "character 2 of a pattern"},
        {"calibrate = mse: i8a8", "of a pattern"},
        {"caf\xc3\xa9: i8a8", "character 4 of a pattern"},
        {"*: i9a8", "\"i9a8\" is no format with activations"},
        {"*: i8", "no format with activations"},
        {"*: i8a8:m1n1k1", "no format with activations"},
        {"*: i8a8+relu", "no format with activations"},
        {"*: i4g24a8", "group is 24"},
        {"*: b1g16a8", "packed line of b1"},
        {"*: t5g32a8", "packed line of t5"},
        {"*: f32a8", "f32 weights need float activations"},
        {"*: b1a1s", "static activations are a8, a4 or a2"},
        {"*: l1i8a8", "distances"},
        {"*: l1f32af32", "distances"},
        {"*: i8zg32pa8", "progressive"},
        {"*: i4g32a8 tensor", "tensor: one scale"},
        {"*: f32af32 tensor", "tensor: one scale"},
        {"*: i4a8 tensors", "\"tensors\" is neither"},
        {"*: i4a8 rule=", "\"rule=\" is neither"},
        {"*: i4a8 rule=msee", "neither tensor nor rule=NAME"},
        {"*: i4a8 rule=optimal", "rule optimal does not make i4"},
        {"*: i4za8 rule=mse", "rule mse does not make i4 with zero points"},
        {"*: c4a8 rule=nearest", "needs a book"},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) refuse(kCases[i][0], kCases[i][1]);
    refuse_long();
}

/* ---- files ---- */

static void put_bytes(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (CHECK(file != NULL)) CHECK(fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

void subject_recipe_read(void) {
    static lb_recipe r;
    static char long_text[LB_RECIPE_TEXT];
    char path[512];
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lb_recipe_read("w4a8", &r, NULL) == LOWBIT_OK && r.count == 3);
    CHECK(lb_recipe_read("*: i8a8", &r, NULL) == LOWBIT_OK && r.count == 1);
    CHECK(lb_recipe_read("w4a9", &r, &error) == LOWBIT_NOT_FOUND && strstr(error.message, "neither a preset nor"));
    CHECK(lb_recipe_read(check_scratch_folder(), &r, &error) == LOWBIT_BAD_FORMAT && error.message[0]);
    snprintf(path, sizeof path, "%s/recipe.txt", check_scratch_folder());
    put_bytes(path, "# mine\nw8a8\r\nfc: f32af32", 24);
    CHECK(lb_recipe_read(path, &r, NULL) == LOWBIT_OK && r.count == 2 && r.rules[1].line == 3);
    put_bytes(path, "", 0);
    CHECK(lb_recipe_read(path, &r, NULL) == LOWBIT_OK && r.count == 0);
    put_bytes(path, "w8a8\n\nfc f32af32", 16);
    CHECK(lb_recipe_read(path, &r, &error) == LOWBIT_BAD_FORMAT);
    CHECK(strncmp(error.message, path, 60 < strlen(path) ? 60 : strlen(path)) == 0 && strstr(error.message, "line 3"));
    put_bytes(path, "w8a8\0w8a8", 9);
    CHECK(lb_recipe_read(path, &r, &error) == LOWBIT_BAD_FORMAT && strstr(error.message, "byte is 0"));
    memset(long_text, '\n', sizeof long_text);
    put_bytes(path, long_text, sizeof long_text - 1);
    CHECK(lb_recipe_read(path, &r, NULL) == LOWBIT_OK);
    put_bytes(path, long_text, sizeof long_text);
    CHECK(lb_recipe_read(path, &r, &error) == LOWBIT_BAD_FORMAT && strstr(error.message, "65536 bytes"));
}

/* ---- the page ---- */

/* Lines "| `NAME` | `TEXT` | WHAT |" below their head in docs/recipes.md are the table, in its order. */
void subject_recipe_docs(void) {
    FILE *page = fopen(LOWBIT_DOCS "/recipes.md", "r");
    char line[512], want[512];
    size_t rows = 0;
    bool there = false;
    if (!page) check_skip("the documents are not here");
    while (fgets(line, sizeof line, page)) {
        const lb_preset *p = lb_preset_at(rows);
        there = there || strcmp(line, "| name | lines | what |\n") == 0;
        if (!there || strncmp(line, "| `", 3) != 0) continue;
        CHECK(p != NULL);
        if (!p) break;
        snprintf(want, sizeof want, "| `%s` | `%s` | %s |\n", p->name, p->text, p->what);
        check_context("docs/recipes.md has %sthe table has %s", line, want);
        CHECK(strcmp(line, want) == 0);
        rows++;
    }
    fclose(page);
    check_context("docs/recipes.md ends after %zu presets", rows);
    CHECK(lb_preset_at(rows) == NULL);
}
