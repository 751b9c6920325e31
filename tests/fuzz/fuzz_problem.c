/* SPDX-License-Identifier: Apache-2.0 */
/* Problem strings: any text. What parses prints to something that parses to the same, and its sizes and support can be
 * asked for. */
#include <stdlib.h>
#include <string.h>

#include "lowbit/lowbit.h"
#include "tests/fuzz/fuzz.h"

static void check_questions(const lowbit_problem *problem) {
    static lowbit_ctx *ctx;
    if (!ctx) fuzz_require(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK, "a context");
    lowbit_error error = LOWBIT_ERROR_INIT;
    int64_t bytes = 0;
    lowbit_plan *plan = NULL;
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = 4;
    if (lowbit_supported(ctx, problem, &error) != LOWBIT_OK) {
        fuzz_require(error.message[0] != 0, "an unsupported problem has a reason");
        return;
    }
    const lowbit_status sized = lowbit_packed_size(&problem->weights, problem->n, problem->k, &bytes, &error);
    fuzz_require(sized == LOWBIT_OK && bytes > 0, "a supported problem has a packed size");
    fuzz_require(lowbit_plan_create(ctx, problem, &options, &plan, &error) == LOWBIT_OK,
                 "a supported problem has a plan");
    fuzz_require(lowbit_workspace_size(plan, problem->m, &bytes, &error) == LOWBIT_OK && bytes > 0, "and a workspace");
    lowbit_plan_destroy(ctx, plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), printed[96], again[96];
    lowbit_problem problem = {.struct_size = sizeof problem}, back = problem;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    if (lowbit_problem_parse(text, &problem, &error) == LOWBIT_OK) {
        fuzz_require(lowbit_problem_print(&problem, printed, sizeof printed, &error) == LOWBIT_OK, "it prints");
        fuzz_require(strlen(printed) <= strlen(text), "what is printed is the shortest");
        fuzz_require(lowbit_problem_parse(printed, &back, &error) == LOWBIT_OK, "what is printed parses");
        fuzz_require(memcmp(&problem, &back, offsetof(lowbit_problem, residual) + sizeof back.residual) == 0 &&
                         problem.m == back.m && problem.n == back.n && problem.k == back.k,
                     "and means the same");
        fuzz_require(lowbit_problem_print(&back, again, sizeof again, &error) == LOWBIT_OK, "it prints again");
        fuzz_require(strcmp(printed, again) == 0, "the same");
        check_questions(&problem);
    } else {
        fuzz_require(error.status == LOWBIT_BAD_FORMAT && error.message[0] != 0, "a refusal has a reason");
    }
    free(text);
    return 0;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const char *const kSeeds[] = {"i4g32a8:m1n4096k4096",
                                         "i8a8:m128n1000k65793:s32",
                                         "i2zg16:f32a8:m17n33k65+bias+relu+res",
                                         "b1g128p:bf16a1s:m2147483647n9999999999k131071:u8+gelu_tanh",
                                         "bf16af:m1n1k1+silu",
                                         "t2g2147483647u1:m1n1k1:s8+gelu"};
    if (index >= sizeof kSeeds / sizeof *kSeeds || strlen(kSeeds[index]) > room) return 0;
    memcpy(data, kSeeds[index], strlen(kSeeds[index]));
    return strlen(kSeeds[index]);
}
