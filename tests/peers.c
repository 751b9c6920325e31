/* SPDX-License-Identifier: Apache-2.0 */
/* Contests with made-up peers, good ones and bad ones: whatever they do, the run goes on and says what it was. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare_peers.h"
#include "bench/peer_numbers.h"
#include "tests/check.h"
#include "tuner/operands.h"

enum { M = 5, N = 7, K = 96 };

/* What a made-up peer does, and when. Forked children read it. */
static struct {
    enum { GOOD, CRASHES, HANGS, EXITS, REFUSES, FAILS, WRITES_NOTHING } deed;
    enum { CREATE, RUN, LATER, DESTROY } when;
    int64_t wrong_row; /* one element of it is off, -1 = none */
    float off;         /* by so many times itself */
    bool zeros;        /* all of its results are 0 */
} plan;

typedef struct fake {
    lb_peer_work work;
    size_t calls;
    size_t seen; /* copies that were used, bit by bit */
} fake;

static void act(int when) {
    if ((int)plan.when != when) return;
    if (plan.deed == CRASHES) raise(SIGSEGV);
    if (plan.deed == EXITS) _exit(3);
    while (plan.deed == HANGS) pause();
}

static bool takes_all(const lowbit_problem *p) { return p->n == N; }

static void *create(const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    act(CREATE);
    if (plan.deed == REFUSES) {
        snprintf(reason, LB_PEER_REASON, "not on a Sunday");
        return NULL;
    }
    fake *f = calloc(1, sizeof *f);
    if (f) f->work = *work;
    return f;
}

static void multiply(const fake *f) {
    const lb_peer_work *p = &f->work;
    float *out = p->out;
    for (int64_t i = 0; i < p->m * p->n; i++) {
        float sum = 0;
        for (int64_t k = 0; k < p->k; k++) sum += p->a[i / p->n * p->k + k] * p->w[i % p->n * p->k + k];
        out[i] = plan.zeros ? 0 : sum;
    }
    if (plan.wrong_row >= 0) out[plan.wrong_row * p->n + 3] *= 1 + plan.off;
}

static void multiply_codes(const fake *f) {
    const lb_peer_work *p = &f->work;
    int32_t *out = p->out;
    for (int64_t i = 0; i < p->m * p->n; i++) {
        out[i] = 0;
        for (int64_t k = 0; k < p->k; k++) out[i] += p->a8[i / p->n * p->k + k] * p->w8[i % p->n * p->k + k];
    }
    if (plan.wrong_row >= 0) out[plan.wrong_row * p->n] += 1;
}

static bool begin_call(fake *f, size_t copy) {
    const int when = f->calls++ < 1 ? RUN : LATER;
    f->seen |= (size_t)1 << copy;
    act(when);
    return !(plan.deed == FAILS && (int)plan.when == when);
}

static bool run(void *state, size_t copy) {
    if (!begin_call(state, copy)) return false;
    if (plan.deed != WRITES_NOTHING) multiply(state);
    return true;
}

static bool run_codes(void *state, size_t copy) {
    if (!begin_call(state, copy)) return false;
    multiply_codes(state);
    return true;
}

static void destroy(void *state) {
    act(DESTROY);
    const fake *f = state;
    if (f->seen != ((size_t)1 << f->work.copies) - 1) _exit(4); /* not all copies were called */
    free(state);
}

static const lb_peer_way kFloats = {"floats", false, 1e-5, takes_all, create, run, NULL, destroy, 32, NULL};
static const lb_peer_way kLoose = {"loose", false, 1, takes_all, create, run, NULL, destroy, 32, NULL};
static const lb_peer_way kCodes = {"codes", true, 0, takes_all, create, run_codes, NULL, destroy, 8, NULL};

/* Its weights are twice ours, which it says or does not say. */
static void twice(const void *state, float *w) {
    const lb_peer_work *p = &((const fake *)state)->work;
    for (int64_t i = 0; i < p->n * p->k; i++) w[i] = 2 * p->w[i];
}

static bool run_twice(void *state, size_t copy) {
    if (!run(state, copy)) return false;
    const lb_peer_work *p = &((const fake *)state)->work;
    for (int64_t i = 0; i < p->m * p->n; i++) ((float *)p->out)[i] *= 2;
    return true;
}

static const lb_peer_way kTwice = {"twice", false, 1e-5, takes_all, create, run_twice, twice, destroy, 32, NULL};
static const lb_peer_way kSilent = {"silent", false, 1e-5, takes_all, create, run_twice, NULL, destroy, 32, NULL};

/* Its results become ours in `finish`. */
static void halve(void *state) {
    const lb_peer_work *p = &((const fake *)state)->work;
    for (int64_t i = 0; i < p->m * p->n; i++) ((float *)p->out)[i] *= 0.5f;
}

static const lb_peer_way kFinish = {"finish", false, 1e-5, takes_all, create, run_twice, NULL, destroy, 32, halve};

static bool begin_ours(void *arg) { return *(const int *)arg != 0; }

static void run_ours(void *arg, size_t reps) {
    for (volatile int *counter = arg; reps > 0; reps--)
        for (int i = 0; i < 1000; i++) *counter = *counter + 1;
}

static int can_begin = 1;

static lb_contest contest_of(const lb_peer_numbers *numbers) {
    lb_contest c = {.work = numbers->work, .home = {begin_ours, {run_ours, &can_begin}}, .timeout_s = 20};
    c.timing = LB_ABBA_DEFAULTS(2e-3);
    return c;
}

static const lb_contest *contest; /* of the subject */

/* The status of a contest, and whether its reason has these words. */
static void expect(const lb_peer_way *way, lb_peer_status status, const char *words) {
    lb_peer_result r = {.library = "made up"};
    check_context("%s: %s", way->name, words);
    lb_contest_hold(contest, way, &r);
    if (!CHECK(r.status == status && strstr(r.reason, words)))
        printf("  status %s: %s\n", lb_peer_status_name(r.status), r.reason);
    CHECK((r.status == LB_PEER_OK) == (r.reason[0] == 0) && strcmp(r.way, way->name) == 0);
    CHECK((r.status == LB_PEER_OK) == (r.gops > 0));
    if (r.status == LB_PEER_OK) CHECK(r.times.ratio > 0 && r.times.a.median_s > 0 && r.times.b.median_s > 0);
    check_context("%s", "");
}

static void plan_deed(int deed, int when) {
    memset(&plan, 0, sizeof plan);
    plan.deed = deed;
    plan.when = when;
    plan.wrong_row = -1;
}

static void check_good(void) {
    plan_deed(GOOD, CREATE);
    expect(&kFloats, LB_PEER_OK, "");
    expect(&kCodes, LB_PEER_OK, "");
    expect(&kTwice, LB_PEER_OK, "");
    expect(&kFinish, LB_PEER_OK, "");
    can_begin = 0;
    expect(&kFloats, LB_PEER_REFUSED, "ours");
    can_begin = 1;
}

static void check_wrong(void) {
    static const int64_t kRows[] = {0, M / 2, M - 1};
    for (size_t i = 0; i < 3; i++) {
        char words[32];
        snprintf(words, sizeof words, "row %d column", (int)kRows[i]);
        plan_deed(GOOD, CREATE);
        plan.wrong_row = kRows[i];
        plan.off = 0.01f;
        expect(&kFloats, LB_PEER_WRONG, words);
        expect(&kCodes, LB_PEER_WRONG, words);
    }
    plan.off = 1e-8f;
    expect(&kFloats, LB_PEER_OK, "");
    plan.off = NAN;
    expect(&kFloats, LB_PEER_WRONG, "nan");
    plan_deed(GOOD, CREATE);
    expect(&kSilent, LB_PEER_WRONG, "row 0");
    plan.zeros = true;
    expect(&kLoose, LB_PEER_WRONG, "% of the results"); /* within the bound of each element */
    plan_deed(WRITES_NOTHING, RUN);
    expect(&kFloats, LB_PEER_WRONG, "nan");
    plan_deed(FAILS, RUN);
    expect(&kFloats, LB_PEER_WRONG, "a call failed");
    plan_deed(FAILS, LATER);
    expect(&kFloats, LB_PEER_WRONG, "a call failed");
}

static void check_bad(void) {
    static const char *const kStages[] = {
        [CREATE] = "packing", [RUN] = "first product", [LATER] = "timing", [DESTROY] = "end"};
    for (int when = CREATE; when <= DESTROY; when++) {
        char words[40];
        snprintf(words, sizeof words, "SIGSEGV during %s%s",
                 when == RUN || when == DESTROY ? "its "
                 : when == LATER                ? "the "
                                                : "",
                 kStages[when]);
        plan_deed(CRASHES, when);
        expect(&kFloats, LB_PEER_CRASHED, words);
        plan_deed(EXITS, when);
        expect(&kFloats, LB_PEER_CRASHED, "exit 3 during ");
    }
    plan_deed(REFUSES, CREATE);
    expect(&kFloats, LB_PEER_REFUSED, "not on a Sunday");
    lb_contest impatient = *contest;
    const lb_contest *patient = contest;
    impatient.timeout_s = 0.3;
    contest = &impatient;
    plan_deed(HANGS, LATER);
    expect(&kFloats, LB_PEER_TIMEOUT, "not done after 0.3 s, during the timing");
    contest = patient;
}

static void make_numbers(const lowbit_ctx *ctx, const char *text, lb_operands *operands, lb_peer_numbers *numbers) {
    lowbit_problem p = {.struct_size = sizeof p};
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    CHECK(lb_operands_make(ctx, &p, 0, NULL, operands, NULL) == LOWBIT_OK);
    CHECK(lb_peer_numbers_make(operands, 2, numbers, NULL) == LOWBIT_OK);
}

/* Codes times their scales are the floats, and what is not int8 by rows has none. */
static void check_numbers(const lb_peer_numbers *x, const lb_operands *o) {
    const lb_peer_work *p = &x->work;
    CHECK(p->m == M && p->n == N && p->k == K && p->threads == 2 && p->copies == 1 && p->a == o->a);
    for (int64_t i = 0; i < N * K; i++) CHECK(p->w[i] == (float)p->w8[i] * o->weights.scales[i / K]);
    for (int64_t m = 0; m < M; m++) {
        float most = 0;
        for (int64_t k = 0; k < K; k++) most = fmaxf(most, fabsf(p->a[m * K + k]));
        for (int64_t k = 0; k < K; k++)
            CHECK(fabsf(p->a[m * K + k] - (float)p->a8[m * K + k] * most / 127) <= most / 253);
    }
}

void subject_peers(void) {
    lowbit_ctx *ctx = NULL;
    lb_operands operands = {.ctx = NULL}, other = {.ctx = NULL};
    lb_peer_numbers numbers, floats;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    make_numbers(ctx, "i8a8:m5n7k96", &operands, &numbers);
    make_numbers(ctx, "i4g32a8:m5n7k96", &other, &floats);
    check_numbers(&numbers, &operands);
    CHECK(!floats.work.a8 && !floats.work.w8);
    lb_contest c = contest_of(&numbers);
    contest = &c;
    check_good();
    check_wrong();
    check_bad();
    plan_deed(GOOD, CREATE);
    c.work.copies = 3; /* all three are called, else it ends the process */
    expect(&kFloats, LB_PEER_OK, "");
    lb_peer_numbers_release(&floats);
    lb_peer_numbers_release(&numbers);
    lb_operands_release(&other);
    lb_operands_release(&operands);
    lowbit_ctx_destroy(ctx);
}

static bool comparable(const char *text) {
    lowbit_problem p = {.struct_size = sizeof p};
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    return lb_peer_comparable(&p);
}

static void check_names(void) {
    char unknown[8] = "";
    CHECK(lb_peers_known("all", unknown, sizeof unknown) && lb_peers_known("openblas", unknown, sizeof unknown));
    CHECK(lb_peers_known("ggml,onednn,xnnpack,onnxruntime", unknown, sizeof unknown) && unknown[0] == 0);
    CHECK(!lb_peers_known("openblas,fftw", unknown, sizeof unknown) && strcmp(unknown, "fftw") == 0);
    CHECK(!lb_peers_known("a long name", unknown, sizeof unknown) && strcmp(unknown, "a long ") == 0);
    CHECK(!lb_peers_known("openblas,", unknown, sizeof unknown) && !lb_peers_known("", unknown, sizeof unknown));
    CHECK(!lb_peers_known("openbla", unknown, sizeof unknown) &&
          !lb_peers_known("openblas,all", unknown, sizeof unknown));
}

/* Of every known library one row at least, whether this build has it or not. */
static void check_rows(void) {
    static lb_peer_list list;
    lb_contest c = {.timeout_s = 1};
    lb_compare_peers("all", &c, false, 0, 0, &list);
    size_t known = 0;
    for (; lb_peer_name(known); known++) {
        const lb_peer_result *r = &list.results[known];
        CHECK(known < list.count && strcmp(r->library, lb_peer_name(known)) == 0 && r->reason[0] && !r->way[0]);
        CHECK(r->status == (lb_peer_at(known) ? LB_PEER_REFUSED : LB_PEER_ABSENT));
    }
    CHECK(known == 5 && list.count == known);
    lb_compare_peers("ggml,openblas", &c, false, 0, 0, &list);
    CHECK(list.count == 2);
}

void subject_peers_list(void) {
    check_names();
    check_rows();
    CHECK(comparable("i8a8:m1n16k64") && comparable("i4g32af:m1n16k64") && comparable("i8a8:m1n16k64:s32"));
    CHECK(!comparable("i8a8:m1n16k64+bias") && !comparable("i8a8:m1n16k64+relu") && !comparable("i8a8:m1n16k64+res"));
    CHECK(!comparable("i8a8:m1n16k64:s8") && !comparable("i8a8s:m1n16k64") && !comparable("l1i8a8:m1n16k64"));
    const int64_t ring = INT64_C(1) << 30;
    CHECK(lb_peer_copies(4096, 4096, 8, ring, ring * 16) == 64 &&
          lb_peer_copies(4096, 4096, 4, ring, ring * 16) == 128);
    CHECK(lb_peer_copies(4096, 4096, 32, ring, ring) == 4 && lb_peer_copies(32768, 32768, 8, ring, ring * 16) == 2);
    CHECK(lb_peer_copies(32768, 32768, 8, ring, ring) == 0);
}
