/* SPDX-License-Identifier: Apache-2.0 */
/* Wisdom in memory: what is put is found, exactly and near; what is not legal is neither taken nor used. */
#include "tests/wisdom.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tuner/candidates.h"
#include "tuner/plan.h"
#include "tuner/words.h"

static bool same_entry(const lb_wisdom_entry *a, const lb_wisdom_entry *b) {
    return lb_same_config(&a->config, &b->config) && a->problem.m == b->problem.m && a->problem.n == b->problem.n &&
           a->problem.k == b->problem.k && a->threads == b->threads && a->pool == b->pool &&
           a->median_s == b->median_s && a->low_s == b->low_s && a->high_s == b->high_s &&
           a->estimate_s == b->estimate_s && a->samples == b->samples && a->tried == b->tried &&
           a->effort == b->effort && a->noisy == b->noisy && a->day == b->day;
}

static lowbit_problem parse(const char *text) {
    lowbit_problem p = {.struct_size = sizeof p};
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    return p;
}

static size_t find(const lowbit_wisdom *w, const char *problem, uint32_t threads, uint32_t pool, int64_t least,
                   int64_t most, lb_wisdom_entry found[8]) {
    const lowbit_problem p = parse(problem);
    check_context("%s, %u threads of pool %u, M %lld to %lld", problem, threads, pool, (long long)least,
                  (long long)most);
    return lb_wisdom_find(w, &p, threads, pool, least, most, found, 8);
}

static void check_find(const lowbit_ctx *ctx) {
    static const char *const kProblems[] = {"i4g32a8:m16n256k512",     "i4g32a8:m1n256k512", "i4g32a8:m4n256k512",
                                            "i4g32a8:m4n256k512+bias", "i8a8:m4n256k512",    "i4g32a8:m4n256k1024"};
    lowbit_wisdom *w = wisdom_empty(ctx);
    lb_wisdom_entry found[8];
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) wisdom_put(w, ctx, kProblems[i], 2);
    const lb_wisdom_entry want = wisdom_entry(ctx, kProblems[0], 2);
    CHECK(find(w, kProblems[0], 2, LB_POOL_OWN, 1, INT64_MAX, found) == 3);
    CHECK(found[0].problem.m == 1 && found[1].problem.m == 4 && same_entry(&found[2], &want));
    CHECK(find(w, kProblems[0], 2, LB_POOL_OWN, 2, 15, found) == 1 && found[0].problem.m == 4);
    CHECK(find(w, kProblems[0], 2, LB_POOL_OWN, 17, INT64_MAX, found) == 0);
    CHECK(find(w, kProblems[0], 1, LB_POOL_OWN, 1, INT64_MAX, found) == 0);
    CHECK(find(w, kProblems[0], 2, LB_POOL_FOREIGN, 1, INT64_MAX, found) == 0);
    CHECK(find(w, "i4g32a8:m4n256k512+res", 2, LB_POOL_OWN, 1, INT64_MAX, found) == 0);
    CHECK(lb_wisdom_find(w, &want.problem, 2, LB_POOL_OWN, 1, INT64_MAX, found, 2) == 2 && found[1].problem.m == 4);
    lowbit_wisdom_destroy(w);
}

/* Putting replaces, whatever the evidence. */
static void check_replace(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    lb_wisdom_entry e = wisdom_entry(ctx, "i4g32a8:m1n64k128", 2), found[8];
    e.effort = LOWBIT_EXHAUSTIVE;
    CHECK(lb_wisdom_put(w, &e, NULL) == LOWBIT_OK);
    e.effort = LOWBIT_MEASURE, e.median_s = 1e-3, e.noisy = 1;
    CHECK(lb_wisdom_put(w, &e, NULL) == LOWBIT_OK);
    CHECK(find(w, "i4g32a8:m1n64k128", 2, LB_POOL_OWN, 1, 1, found) == 1 && same_entry(&found[0], &e));
    e.pool = LB_POOL_FOREIGN;
    CHECK(lb_wisdom_put(w, &e, NULL) == LOWBIT_OK);
    int64_t usable = 0, all = 0;
    CHECK(lowbit_wisdom_size(w, &usable, &all, NULL) == LOWBIT_OK && usable == 2 && all == 3);
    lowbit_wisdom_destroy(w);
}

static bool nearest(const lowbit_wisdom *w, const char *problem, uint32_t threads, int64_t least, int64_t most,
                    const char *want) {
    const lowbit_problem p = parse(problem);
    lb_wisdom_entry found;
    char text[96] = "";
    if (lb_wisdom_nearest(w, &p, threads, LB_POOL_OWN, least, most, &found))
        lowbit_problem_print(&found.problem, text, sizeof text, NULL);
    check_context("nearest to %s is %s", problem, text);
    return strcmp(text, want) == 0;
}

static void check_nearest(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    wisdom_put(w, ctx, "i4g32a8:m4n256k512", 2);
    wisdom_put(w, ctx, "i4g32a8:m4n512k512+bias", 2);
    wisdom_put(w, ctx, "i4g32a8:m16n256k512", 2);
    wisdom_put(w, ctx, "i4g32a8:m4n256k544", 2);
    wisdom_put(w, ctx, "i4g32a8:m4n300k520", 2);
    CHECK(nearest(w, "i4g32a8:m4n260k512", 2, 2, 4, "i4g32a8:m4n256k512"));
    CHECK(nearest(w, "i4g32a8:m4n480k512+relu", 2, 2, 4, "i4g32a8:m4n512k512+bias"));
    CHECK(nearest(w, "i4g32a8:m16n480k512", 2, 5, 16, "i4g32a8:m16n256k512"));
    CHECK(nearest(w, "i4g32a8:m2n255k512", 2, 2, 4, "i4g32a8:m4n256k512"));
    CHECK(nearest(w, "i4g32a8:m4n256k560", 2, 2, 4, "")); /* its last group is short */
    CHECK(nearest(w, "i4g32a8:m4n310k584", 2, 2, 4, "i4g32a8:m4n300k520"));
    CHECK(nearest(w, "i4g32a8:m4n256k576", 2, 2, 4, "i4g32a8:m4n256k544"));
    CHECK(nearest(w, "i4g32a8:m1n256k512", 2, 1, 1, ""));
    CHECK(nearest(w, "i4g32a8:m4n2048k512", 2, 2, 4, "i4g32a8:m4n512k512+bias")); /* just near enough */
    CHECK(nearest(w, "i4g32a8:m4n2049k512", 2, 2, 4, ""));
    CHECK(nearest(w, "i4g32a8:m4n64k512", 2, 2, 4, "i4g32a8:m4n256k512"));
    CHECK(nearest(w, "i4g32a8:m4n63k512", 2, 2, 4, ""));
    CHECK(nearest(w, "i4g32a8:m4n256k512", 1, 2, 4, ""));
    CHECK(nearest(w, "i4g64a8:m4n256k512", 2, 2, 4, "") && nearest(w, "i4g32a8s:m4n256k512", 2, 2, 4, ""));
    CHECK(nearest(w, "i4g32a8:m4n256k512:s8", 2, 2, 4, "") && nearest(w, "i4zg32a8:m4n256k512", 2, 2, 4, ""));
    lowbit_wisdom_destroy(w);
}

static void check_facts(const lowbit_ctx *ctx) {
    static const double kValues[] = {0, 1.5e-9, -2.75, 123456, 9.99999e15, 1e-15, 1};
    lowbit_wisdom *w = wisdom_empty(ctx);
    double values[LB_FACT_VALUES] = {0};
    check_context("facts");
    CHECK(lb_wisdom_fact(w, "fork", values) == 0);
    CHECK(lb_wisdom_put_fact(w, "fork", kValues, 6, 0, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_put_fact(w, "fork.2", kValues + 1, 1, 1, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_put_fact(w, "for", kValues + 2, 2, 2, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_fact(w, "fork", values) == 6 && memcmp(values, kValues, sizeof values) == 0);
    CHECK(lb_wisdom_fact(w, "fork.2", values) == 1 && values[0] == kValues[1]);
    CHECK(lb_wisdom_fact(w, "for", values) == 2 && values[0] == kValues[2]);
    CHECK(lb_wisdom_fact(w, "fork.", values) == 0 && lb_wisdom_fact(w, "", values) == 0);
    CHECK(lb_wisdom_put_fact(w, "fork", kValues + 6, 1, 0, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_fact(w, "fork", values) == 1 && values[0] == 1);
    CHECK(lb_wisdom_put_fact(w, "", kValues, 1, 0, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_wisdom_put_fact(w, "a b", kValues, 1, 0, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_wisdom_put_fact(w, "none", kValues, 0, 0, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_wisdom_put_fact(w, "seven", kValues, 7, 0, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_wisdom_put_fact(w, "early", kValues, 1, -1, NULL) == LOWBIT_INVALID_ARGUMENT);
    static const double kWrong[] = {1e16, 9e-16, 1.0 / 0.0, 0.0 / 0.0};
    for (size_t i = 0; i < LB_COUNT(kWrong); i++)
        CHECK(lb_wisdom_put_fact(w, "wrong", kWrong + i, 1, 0, NULL) == LOWBIT_INVALID_ARGUMENT);
    lowbit_wisdom_destroy(w);
}

/* A split of K that is legal for the M that was tuned wants 2^31 times as much scratch at the end of the bucket. */
static void check_rows(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    lb_wisdom_entry e = wisdom_entry(ctx, "i8a8:m65n64k4096", 1);
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    check_context("split");
    e.config.split_k = 8;
    CHECK(lb_wisdom_put(w, &e, NULL) == LOWBIT_OK);
    options.wisdom = w;
    CHECK(lowbit_plan_create(ctx, &e.problem, &options, &plan, NULL) == LOWBIT_OK);
    CHECK(lb_plan_decision_of(plan, 65)->config.split_k == 8);
    lowbit_plan_destroy(ctx, plan);
    e.problem.m = INT32_MAX;
    CHECK(lowbit_plan_create(ctx, &e.problem, &options, &plan, NULL) == LOWBIT_OK);
    const lb_plan_decision *last = lb_plan_decision_of(plan, INT32_MAX);
    CHECK(strcmp(last->source, "wisdom") == 0 && last->config.split_k == 0);
    lowbit_plan_destroy(ctx, plan);
    lowbit_wisdom_destroy(w);
}

/* Any number of threads at once; a sanitizer watches. */
static void *use(void *wisdom) {
    lb_wisdom_entry found[8];
    double values[LB_FACT_VALUES];
    lowbit_problem p = {.struct_size = sizeof p};
    if (lowbit_problem_parse("i4g32a8:m1n64k128", &p, NULL) != LOWBIT_OK) return wisdom;
    for (int i = 0; i < 200; i++) {
        if (lb_wisdom_find(wisdom, &p, 2, LB_POOL_OWN, 1, 99, found, 8) != 2) return wisdom;
        if (lb_wisdom_put(wisdom, &found[i & 1], NULL) != LOWBIT_OK) return wisdom;
        if (lb_wisdom_put_fact(wisdom, "fork", &found[0].median_s, 1, i, NULL) != LOWBIT_OK) return wisdom;
        if (lb_wisdom_fact(wisdom, "fork", values) == 0) return wisdom;
    }
    return NULL;
}

static void check_threads(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = wisdom_small(ctx);
    pthread_t threads[3];
    void *failed = NULL;
    check_context("threads");
    for (size_t i = 0; i < LB_COUNT(threads); i++) CHECK(pthread_create(&threads[i], NULL, use, w) == 0);
    for (size_t i = 0; i < LB_COUNT(threads); i++) CHECK(pthread_join(threads[i], &failed) == 0 && !failed);
    lowbit_wisdom_destroy(w);
}

void subject_wisdom(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    check_find(ctx);
    check_replace(ctx);
    check_nearest(ctx);
    check_facts(ctx);
    check_rows(ctx);
    check_threads(ctx);
    lowbit_ctx_destroy(ctx);
}

/* ---- what is not legal: tests/wisdom_text.c has it as text ---- */

#define REFUSE_ENTRY(change)                                                                                           \
    do {                                                                                                               \
        lb_wisdom_entry e = legal;                                                                                     \
        lowbit_error error = LOWBIT_ERROR_INIT;                                                                        \
        change;                                                                                                        \
        check_context("%s", #change);                                                                                  \
        CHECK(lb_wisdom_put(w, &e, &error) == LOWBIT_INVALID_ARGUMENT && error.message[0]);                            \
    } while (0)

void subject_wisdom_legal(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_wisdom *w = wisdom_empty(ctx);
    const lb_wisdom_entry legal = wisdom_entry(ctx, "i4g32a8:m8n64k128", 2);
    lb_kernel_ref other;
    CHECK(lb_kernel_find("w8.dot.1x16.scalar", &other));
    REFUSE_ENTRY(e.config.kernel = NULL);
    REFUSE_ENTRY((e.config.kernel = other.kernel, e.config.unit = other.unit));
    REFUSE_ENTRY(e.config.step_m = 0);
    REFUSE_ENTRY(e.config.step_m = -e.config.step_m);
    REFUSE_ENTRY(e.config.step_m = INT64_C(1) << 41);
    REFUSE_ENTRY((e.config.kernel->mr > 1 ? (void)e.config.step_m++ : (void)(e.config.step_m = 0)));
    REFUSE_ENTRY(e.config.step_n = 0);
    REFUSE_ENTRY(e.config.step_n += 8);
    REFUSE_ENTRY(e.config.step_n = INT64_C(1) << 41);
    REFUSE_ENTRY(e.config.step_k = -64);
    REFUSE_ENTRY(e.config.step_k = INT64_MAX);
    REFUSE_ENTRY(e.config.order = LB_ORDER_COLUMNS + 1);
    REFUSE_ENTRY(e.config.split_k = 2); /* groups have a sum each */
    REFUSE_ENTRY(e.config.near_bytes = -1);
    REFUSE_ENTRY(e.config.stream_bytes = -1);
    REFUSE_ENTRY(e.config.threads = 0);
    REFUSE_ENTRY(e.config.threads = 3);
    REFUSE_ENTRY(e.threads = 0);
    REFUSE_ENTRY(e.pool = 2);
    REFUSE_ENTRY(e.effort = LOWBIT_WISDOM_ONLY);
    REFUSE_ENTRY(e.noisy = 2);
    REFUSE_ENTRY(e.median_s = -1);
    REFUSE_ENTRY(e.low_s = 1e16);
    REFUSE_ENTRY(e.high_s = 0.0 / 0.0);
    REFUSE_ENTRY(e.estimate_s = 1.0 / 0.0);
    REFUSE_ENTRY(e.day = -1);
    REFUSE_ENTRY(e.day = 2932897); /* 10000-01-01 */
    REFUSE_ENTRY(e.problem.m = 0);
    REFUSE_ENTRY(e.problem.n = INT64_C(1) << 31);
    REFUSE_ENTRY(e.problem.struct_size = 0);
    int64_t all = -1;
    CHECK(lowbit_wisdom_size(w, NULL, &all, NULL) == LOWBIT_OK && all == 0);
    CHECK(lb_wisdom_put(w, &legal, NULL) == LOWBIT_OK);
    lowbit_wisdom_destroy(w);
    lowbit_ctx_destroy(ctx);
}

/* ---- words ---- */

static void check_reals(bool comma) {
    for (int i = 0; i < 20000; i++) {
        char text[LB_WORD_TEXT], plain[64];
        double value = 0;
        snprintf(plain, sizeof plain, "%s%d.%05de%+03d", check_random_in(0, 1) ? "-" : "", (int)check_random_in(1, 9),
                 (int)check_random_in(0, 99999), (int)check_random_in(-15, 15));
        check_context("%s", plain);
        if (!CHECK(lb_read_real(plain, &value))) return;
        lb_print_real(value, text);
        if (!CHECK(strcmp(text, plain) == 0 && (comma || value == strtod(plain, NULL)))) return;
    }
    static const char *const kWrong[] = {"",
                                         "0",
                                         "1.0",
                                         "nan",
                                         "inf",
                                         "none",
                                         "1.00000e16",
                                         "1.00000e+16",
                                         "0.00000e+01",
                                         "-0.00000e+00",
                                         "0.10000e+00",
                                         "1.00000e+1",
                                         "1.00000E+01",
                                         "1,00000e+01",
                                         "+1.00000e+01",
                                         " 1.00000e+01",
                                         "1.00000e+01 "};
    double value;
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        check_context("'%s'", kWrong[i]);
        CHECK(!lb_read_real(kWrong[i], &value));
    }
}

static void check_dates(void) {
    char text[LB_WORD_TEXT], last[LB_WORD_TEXT] = "";
    int64_t day, again;
    for (day = 0; day < 2932897; day += day < 800 ? 1 : check_random_in(1, 400)) {
        lb_print_date(day, text);
        check_context("day %lld is %s", (long long)day, text);
        if (!CHECK(lb_read_date(text, &again) && again == day && strcmp(text, last) > 0)) return;
        strcpy(last, text);
    }
    CHECK(lb_read_date("1970-01-01", &day) && day == 0 && lb_read_date("2000-02-29", &day) && day == 11016);
    CHECK(lb_read_date("9999-12-31", &day) && day == 2932896);
    static const char *const kWrong[] = {"",           "1969-12-31",  "2026-02-29", "2100-02-29",
                                         "2026-13-01", "2026-00-10",  "2026-04-31", "2026-1-01",
                                         "2026-01-00", "10000-01-01", "2026-01-01 "};
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        check_context("'%s'", kWrong[i]);
        CHECK(!lb_read_date(kWrong[i], &day));
    }
}

void subject_words(void) {
    static const char *const kLocales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ar_EG.UTF-8"};
    uint64_t count;
    CHECK(lb_read_count("0", 9, &count) && count == 0 && lb_read_count("18446744073709551615", UINT64_MAX, &count));
    CHECK(!lb_read_count("18446744073709551616", UINT64_MAX, &count) && !lb_read_count("10", 9, &count));
    CHECK(!lb_read_count("", 9, &count) && !lb_read_count("00", 9, &count) && !lb_read_count("-1", 9, &count));
    CHECK(!lb_read_count("1 ", 9, &count) && !lb_read_count("+1", 9, &count) && !lb_read_count("0x1", 9, &count));
    CHECK(lb_crc("123456789", 9) == 0xcbf43926 && lb_hash("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    check_reals(false);
    for (size_t i = 0; i < LB_COUNT(kLocales); i++) /* those that are installed */
        if (setlocale(LC_ALL, kLocales[i])) check_reals(true);
    setlocale(LC_ALL, "C");
    check_dates();
}
