/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: any text. What parses prints to its normal form, which parses to the same decisions and prints as itself. */
#include <stdlib.h>
#include <string.h>

#include "nn/recipe.h"
#include "tests/fuzz/fuzz.h"

static void check_same(const lb_recipe *a, const lb_recipe *b) {
    fuzz_require(a->calibrate == b->calibrate && a->observe == b->observe && a->symmetric == b->symmetric &&
                     a->count == b->count,
                 "the settings are the same");
    for (int32_t i = 0; i < a->count; i++) {
        const lb_choice *c = &a->rules[i].choice, *d = &b->rules[i].choice;
        fuzz_require(strcmp(a->rules[i].pattern, b->rules[i].pattern) == 0, "patterns are the same");
        fuzz_require(memcmp(&c->weights, &d->weights, sizeof c->weights) == 0 && c->rule == d->rule &&
                         c->activations == d->activations && c->static_scale == d->static_scale,
                     "so are choices");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lb_recipe recipe, back;
    static char printed[LB_RECIPE_TEXT], again[LB_RECIPE_TEXT];
    lowbit_error error = LOWBIT_ERROR_INIT;
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    if (lb_recipe_parse(text, &recipe, &error) == LOWBIT_OK) {
        fuzz_require(recipe.count >= 0 && recipe.count <= LB_RECIPE_LINES, "rules are bounded");
        fuzz_require(lb_recipe_print(&recipe, printed, sizeof printed, &error) == LOWBIT_OK, "it prints");
        fuzz_require(lb_recipe_parse(printed, &back, &error) == LOWBIT_OK, "what is printed parses");
        check_same(&recipe, &back);
        fuzz_require(lb_recipe_print(&back, again, sizeof again, &error) == LOWBIT_OK, "and prints");
        fuzz_require(strcmp(printed, again) == 0, "as itself");
    } else {
        fuzz_require(error.status == LOWBIT_BAD_FORMAT && strstr(error.message, "line "), "a refusal has its line");
    }
    free(text);
    return 0;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const char *const kSeeds[] = {
        "w4a8g128; fc: f32af32 # the last one\ncalibrate = percentile\nobserve = 1000\nrange = symmetric",
        "*: i4zg32p:bf16a8s rule=search\nfirst: b1a1\nlast: i8a8\ndepthwise: t5a2s tensor rule=range;linear: bf16af",
        "layer?.*.conv?: c4a4 rule=kmeans\n\n\n?*: s2u1\nconv1: i2mg64af32 rule=minmax",
        "ternary-all\nbinary-all-but-first-last; xnor-all-but-first-last",
    };
    if (index >= sizeof kSeeds / sizeof *kSeeds || strlen(kSeeds[index]) > room) return 0;
    memcpy(data, kSeeds[index], strlen(kSeeds[index]));
    return strlen(kSeeds[index]);
}
