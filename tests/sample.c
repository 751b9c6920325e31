/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of the next token: how often each one comes, and which never do. */
#include "nn/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

enum { DRAWS = 20000, MOST = 8 };

/* How often each token comes of so many draws. */
static bool draw(const float *logits, int64_t tokens, double temperature, double top_p, uint64_t seed, int *often) {
    lb_sampler s;
    memset(often, 0, MOST * sizeof *often);
    if (!CHECK(lb_sampler_make(tokens, temperature, top_p, seed, &s, NULL) == LOWBIT_OK)) return false;
    for (int i = 0; i < DRAWS; i++) {
        const int32_t token = lb_sample(&s, logits);
        if (!CHECK(token >= 0 && token < tokens)) break;
        often[token]++;
    }
    lb_sampler_free(&s);
    return true;
}

/* Next to exp(x / temperature) over the sum of those among the first `kept`, the logits being sorted. */
static void check_shares(double temperature, double top_p, int kept) {
    static const float kLogits[] = {2, 1.5f, 1, 0, -1, -3};
    const int64_t tokens = LB_COUNT(kLogits);
    int often[MOST];
    double sum = 0;
    check_context("temperature %g, top %g", temperature, top_p);
    if (!draw(kLogits, tokens, temperature, top_p, 3, often)) return;
    for (int i = 0; i < kept; i++) sum += exp((double)kLogits[i] / temperature);
    for (int i = 0; i < tokens; i++) {
        const double share = i < kept ? exp((double)kLogits[i] / temperature) / sum : 0;
        CHECK(fabs(often[i] - share * DRAWS) <= 5 * sqrt(DRAWS * share * (1 - share)));
    }
}

static void check_likeliest(void) {
    static const struct {
        float logits[4];
        int32_t token;
    } kCases[] = {
        {{1, 2, 2, 0}, 1}, {{NAN, 1, 2, NAN}, 2}, {{-INFINITY, -INFINITY, -5, 0}, 3}, {{INFINITY, 1, 2, 3}, 0}};
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        int often[MOST];
        check_context("case %zu", i);
        CHECK(draw(kCases[i].logits, 4, 0, 1, 1, often) && often[kCases[i].token] == DRAWS);
        CHECK(draw(kCases[i].logits, 4, 1, 1e-9, 1, often) && often[kCases[i].token] == DRAWS); /* as few as one */
        CHECK(draw(kCases[i].logits, 4, 1, 1, 1, often) && (!isnan(kCases[i].logits[0]) || often[0] + often[3] == 0));
    }
}

static void check_seeds(void) {
    static const float kLogits[] = {1, 1, 1, 1, 1, 1, 1};
    lb_sampler s[3];
    int same = 0;
    for (int i = 0; i < 3; i++) CHECK(lb_sampler_make(7, 1, 1, i < 2 ? 5 : 6, &s[i], NULL) == LOWBIT_OK);
    check_context("seeds");
    for (int i = 0; i < 100; i++) {
        const int32_t token = lb_sample(&s[0], kLogits);
        CHECK(token == lb_sample(&s[1], kLogits));
        same += token == lb_sample(&s[2], kLogits);
    }
    CHECK(same < 50);
    for (int i = 0; i < 3; i++) lb_sampler_free(&s[i]);
}

void subject_sample(void) {
    lb_sampler s;
    check_shares(1, 1, 6);
    check_shares(0.5, 1, 6);
    check_shares(2, 5, 6);
    check_shares(1, 0.4, 1); /* the first has 0.462, two 0.742, three 0.911, four 0.974 */
    check_shares(1, 0.6, 2);
    check_shares(1, 0.9, 3);
    check_shares(1, 0.95, 4);
    check_likeliest();
    check_seeds();
    check_context("refusals");
    CHECK(lb_sampler_make(0, 1, 1, 1, &s, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_sampler_make(2, -1, 1, 1, &s, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_sampler_make(2, 1, 0, 1, &s, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_sampler_make(2, NAN, 1, 1, &s, NULL) == LOWBIT_INVALID_ARGUMENT);
}
