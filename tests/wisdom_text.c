/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of wisdom: there and back, every damaged byte, other machines, other builds, merging, forgetting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/wisdom.h"

enum { SMALL_LINES = WISDOM_PLANS + WISDOM_RATES };

static lowbit_ctx *ctx;

/* Both texts, which are freed. */
static bool same_text(char *a, char *b) {
    const bool same = a && b && strcmp(a, b) == 0;
    if (!same) printf("--- %s--- %s", a ? a : "", b ? b : "");
    free(a);
    free(b);
    return same;
}

static bool same_wisdom(const lowbit_wisdom *a, const lowbit_wisdom *b) {
    return same_text(wisdom_text(a), wisdom_text(b));
}

/* ---- there and back ---- */

static void check_round_trip(void) {
    lowbit_wisdom *w = wisdom_small(ctx), *empty = wisdom_empty(ctx);
    char *text = wisdom_text(w), *nothing = wisdom_text(empty), small[8] = "before";
    size_t needed = 0;
    check_context("round trip");
    CHECK(strcmp(nothing, "lowbit-wisdom 1\n") == 0);
    lowbit_wisdom *again = wisdom_of(ctx, text, SMALL_LINES, 0, 0), *bare = wisdom_of(ctx, nothing, 0, 0, 0);
    CHECK(same_wisdom(w, again) && same_wisdom(empty, bare));
    CHECK(lowbit_wisdom_export(w, small, sizeof small, &needed, NULL) == LOWBIT_TOO_SMALL);
    CHECK(needed == strlen(text) + 1 && strcmp(small, "before") == 0);
    CHECK(lowbit_wisdom_export(w, small, needed - 1, NULL, NULL) == LOWBIT_TOO_SMALL);
    lowbit_wisdom *const all[] = {w, empty, again, bare};
    for (size_t i = 0; i < LB_COUNT(all); i++) lowbit_wisdom_destroy(all[i]);
    free(text);
    free(nothing);
}

static void check_get(void) {
    lowbit_wisdom *w = wisdom_small(ctx);
    lowbit_wisdom_info info = {.struct_size = sizeof info};
    int64_t usable = 0, all = 0;
    check_context("looking");
    CHECK(lowbit_wisdom_size(w, &usable, &all, NULL) == LOWBIT_OK && usable == WISDOM_PLANS && all == SMALL_LINES + 1);
    CHECK(lowbit_wisdom_get(w, 0, &info, NULL) == LOWBIT_OK && info.kind == LOWBIT_WISDOM_MACHINE && info.name[0]);
    CHECK(lowbit_wisdom_get(w, 1, &info, NULL) == LOWBIT_OK && info.kind == LOWBIT_WISDOM_RATE);
    CHECK(strcmp(info.name, "fork") == 0 && info.value_count == 2 && info.values[0] == 1.25e-6 && info.values[1] == 0);
    CHECK(lowbit_wisdom_get(w, 4, &info, NULL) == LOWBIT_OK && info.kind == LOWBIT_WISDOM_PLAN);
    CHECK(strcmp(info.name, "i4g32a8:m1n64k128") == 0 && info.median_s == 1.25e-4 && info.threads == 2);
    CHECK(info.effort == LOWBIT_MEASURE && info.samples == 21 && info.tried == 14 && !info.noisy);
    CHECK(strcmp(info.date, "2026-11-29") == 0 && strlen(info.machine) == 16 && strchr(info.kernel, '.'));
    CHECK(lowbit_wisdom_get(w, all, &info, NULL) == LOWBIT_NOT_FOUND);
    lowbit_wisdom_destroy(w);
}

void subject_wisdom_text(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    check_round_trip();
    check_get();
    lowbit_ctx_destroy(ctx);
}

/* ---- damage ---- */

/* Whether every line of `text` is one of `whole`. */
static bool has_only_lines_of(const char *text, const char *whole) {
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        char line[2048];
        snprintf(line, sizeof line, "\n%.*s\n", (int)strcspn(at, "\n"), at);
        const bool first = at == text && strncmp(whole, line + 1, strlen(line) - 1) == 0;
        if (!first && !strstr(whole, line)) return false;
    }
    return true;
}

/* What a damaged text gives: lines of the whole one, all but `lost` at most. */
static void check_damaged(const char *damaged, size_t length, const char *whole, int64_t lost, int64_t bad) {
    lowbit_wisdom_report r = {.struct_size = sizeof r};
    lowbit_wisdom *w = wisdom_empty(ctx);
    const lowbit_status status = lowbit_wisdom_import(w, damaged, length, &r, NULL);
    if (status == LOWBIT_OK) {
        char *text = wisdom_text(w);
        CHECK(r.accepted + lost >= SMALL_LINES && r.bad >= bad && r.stale == 0 && r.foreign == 0);
        CHECK((r.bad == 0) == (r.first_bad_line == 0) && (r.bad == 0) == (r.reason[0] == 0));
        CHECK(has_only_lines_of(text, whole));
        free(text);
    } else {
        CHECK(status == LOWBIT_BAD_FORMAT && strncmp(damaged, "lowbit-wisdom 1\n", lb_min((int64_t)length, 16)) != 0);
    }
    lowbit_wisdom_destroy(w);
}

void subject_wisdom_flips(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_wisdom *w = wisdom_small(ctx);
    char *text = wisdom_text(w);
    const size_t length = strlen(text);
    for (size_t i = 0; i < length && check_failures() < 5; i++)
        for (int change = 0; change < 3; change++) {
            const char old = text[i];
            text[i] = (char)(change < 2 ? old ^ 1 << check_random_in(0, 7) : check_random_in(0, 255));
            check_context("byte %zu is %d in place of %d", i, text[i], old);
            char damaged = text[i];
            if (damaged != old) {
                char *whole = wisdom_text(w);
                check_damaged(text, length, whole, 2, 1);
                free(whole);
            }
            text[i] = old;
        }
    free(text);
    lowbit_wisdom_destroy(w);
    lowbit_ctx_destroy(ctx);
}

void subject_wisdom_truncated(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_wisdom *w = wisdom_small(ctx);
    char *text = wisdom_text(w);
    const size_t length = strlen(text), header = strlen("lowbit-wisdom 1");
    for (size_t cut = 0; cut <= length && check_failures() < 5; cut++) {
        int64_t complete = 0; /* lines but the header and the machine's */
        for (size_t i = header + 1; i <= cut && i <= length; i++) complete += text[i] == '\n';
        check_context("%zu bytes of %zu", cut, length);
        char *exact = check_guarded(cut ? cut : 1, CHECK_GUARD_AFTER);
        memcpy(exact, text, cut);
        if (cut < header) {
            lowbit_wisdom *empty = wisdom_empty(ctx);
            CHECK(lowbit_wisdom_import(empty, exact, cut, NULL, NULL) == LOWBIT_BAD_FORMAT);
            lowbit_wisdom_destroy(empty);
        } else {
            check_damaged(exact, cut, text, lb_min(SMALL_LINES, SMALL_LINES + 1 - complete), 0);
        }
        check_guard_free_all();
    }
    free(text);
    lowbit_wisdom_destroy(w);
    lowbit_ctx_destroy(ctx);
}

/* Lines and texts of sizes that no writer makes. */
static void check_giants(void) {
    static const char kHeader[] = "lowbit-wisdom 1\n";
    static char text[1 << 21];
    lowbit_wisdom_report r = {.struct_size = sizeof r};
    const size_t header = sizeof kHeader - 1;
    memcpy(text, kHeader, header);
    lowbit_wisdom *w = wisdom_empty(ctx);
    check_context("giants");
    memset(text + header, 'x', sizeof text - header);
    CHECK(lowbit_wisdom_import(w, text, sizeof text, &r, NULL) == LOWBIT_OK);
    CHECK(r.bad == 1 && r.first_bad_line == 2 && r.accepted == 0 && strstr(r.reason, "1023"));
    memset(text + header, '\n', sizeof text - header);
    CHECK(lowbit_wisdom_import(w, text, sizeof text, &r, NULL) == LOWBIT_OK && r.bad == 0 && r.reason[0] == 0);
    for (size_t i = header; i < sizeof text; i++) text[i] = i % 2 ? 'x' : '\n';
    CHECK(lowbit_wisdom_import(w, text, sizeof text, &r, NULL) == LOWBIT_OK &&
          r.bad == (int64_t)(sizeof text - header) / 2);
    memset(text + header, 0, sizeof text - header);
    CHECK(lowbit_wisdom_import(w, text, sizeof text, &r, NULL) == LOWBIT_OK && r.bad == 1);
    lowbit_wisdom_destroy(w);
}

/* ---- lines with a right sum that say what is not so ---- */

/* An edit of every line that has `from`, and what becomes of the four decisions and two rates. */
static const struct {
    const char *from, *to;
    int64_t accepted, stale, bad;
} kEdits[] = {
    {" use=", " use=0 use=", 2, 0, 4},
    {" use=1 ", " use=3 ", 2, 4, 0},
    {" use=1 ", " use=01 ", 2, 0, 4},
    {" use=1 ", " use=-1 ", 2, 0, 4},
    {" use=1 ", " use=4294967296 ", 2, 0, 4},
    {" use=1 ", "  use=1 ", 2, 0, 4},
    {" use=1 ", " ", 2, 0, 4},
    {" use=1 ", " use ", 2, 0, 4},
    {" use=1 ", " use= ", 2, 0, 4},
    {" use=1 ", " knob=7 use=1 ", 2, 4, 0},
    {" n=", " n=0 knob=", 2, 4, 0},
    {" n=", " n=8 knob=", 2, 4, 0},
    {" n=", " n=99999999999999999999 knob=", 2, 0, 4},
    {" n=", " n=1099511627792 knob=", 2, 4, 0},
    {" m=", " m=0 knob=", 2, 4, 0},
    {" order=rows split=0", "", 6, 0, 0},
    {" order=rows split=0", " split=0 order=rows", 2, 0, 4},
    {" order=rows", " order=down", 2, 0, 4},
    {" split=0", " split=4000000000", 2, 4, 0},
    {" kernel=w", " kernel=v", 2, 4, 0},
    {" kernel=", " kernel= knob=", 2, 0, 4},
    {" kernel=", " kernel=w1.dot.1x16.scalar knob=", 2, 4, 0},
    {" pool=own", " pool=sea", 2, 0, 4},
    {" pool=own", " pool=foreign", 6, 0, 0},
    {" effort=measure", " effort=estimate", 6, 0, 0},
    {" effort=measure", " effort=great", 2, 0, 4},
    {" noisy=0", " noisy=2", 2, 4, 0},
    {" median=1", " median=-1", 2, 0, 4},
    {" date=2026-11-29", " date=2026-11-31", 0, 0, 6},
    {" date=2026-11-29", "", 0, 0, 6},
    {" date=2026-11-29", " date=2026-11-29 knob=1", 0, 4, 2},
    {"plan ", "plen ", 2, 0, 4},
    {"fact ", "plan ", 4, 0, 2},
    {"plan ", "fact ", 2, 0, 4},
    {" fork ", " fo/rk ", 5, 0, 1},
    {"1.25000e-06", "1.25000e-6", 5, 0, 1},
    {":m1n", ":m0n", 5, 1, 0},
    {":m1n", ":m01n", 5, 1, 0},
    {"i4g32a8", "i4g32:f16a8", 4, 0, 2},
    {"n64k128", "n64k128+future", 4, 2, 0},
    {"name=", "names=", 6, 0, 1},
    {"cores=", "cores=1", 6, 0, 1},
    {"machine ", "machine 0", 6, 0, 1},
};

static void check_edits(void) {
    lowbit_wisdom *small = wisdom_small(ctx);
    char *text = wisdom_text(small);
    for (size_t i = 0; i < LB_COUNT(kEdits); i++) {
        lowbit_wisdom_report r = {.struct_size = sizeof r};
        lowbit_wisdom *w = wisdom_empty(ctx);
        char *edited = wisdom_edited(text, kEdits[i].from, kEdits[i].to);
        int64_t usable = 0;
        CHECK(lowbit_wisdom_import(w, edited, strlen(edited), &r, NULL) == LOWBIT_OK);
        check_context("'%s' for '%s': %d accepted, %d stale, %d bad: %s", kEdits[i].to, kEdits[i].from, (int)r.accepted,
                      (int)r.stale, (int)r.bad, r.reason);
        CHECK(r.accepted == kEdits[i].accepted && r.stale == kEdits[i].stale && r.bad == kEdits[i].bad);
        CHECK(r.foreign == 0 && lowbit_wisdom_size(w, &usable, NULL, NULL) == LOWBIT_OK);
        CHECK(usable + WISDOM_RATES >= r.accepted && usable <= r.accepted);
        lowbit_wisdom_destroy(w);
        free(edited);
    }
    free(text);
    lowbit_wisdom_destroy(small);
}

/* A kernel of a level that the context does not enable is stale, not foreign, where the line says so. */
static void check_masked(void) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    options.isa_mask = LOWBIT_ISA_SCALAR;
    lowbit_ctx *scalar = NULL;
    lb_kernel_ref best, each;
    CHECK(lb_kernel_at(0, &best));
    for (size_t i = 0; lb_kernel_at(i, &each); i++)
        if (each.kernel->coding == LB_CODING_W8) best = each;
    CHECK(lowbit_ctx_create(&options, &scalar, NULL) == LOWBIT_OK);
    lowbit_wisdom *all = wisdom_small(ctx), *masked = wisdom_small(scalar);
    char *of_all = wisdom_text(all), *of_masked = wisdom_text(masked), name[LB_KERNEL_NAME], words[128];
    lb_kernel_name(best, name, sizeof name);
    check_context("masked");
    if (best.unit->isa != LOWBIT_ISA_SCALAR) {
        lowbit_wisdom_destroy(wisdom_of(scalar, of_all, 0, 0, SMALL_LINES));
        snprintf(words, sizeof words, "kernel=%s knob=", name);
        char *edited = wisdom_edited(of_masked, "kernel=", words);
        lowbit_wisdom_destroy(wisdom_of(scalar, edited, WISDOM_RATES, WISDOM_PLANS, 0));
        free(edited);
    }
    free(of_all);
    free(of_masked);
    lowbit_wisdom_destroy(all);
    lowbit_wisdom_destroy(masked);
    lowbit_ctx_destroy(scalar);
}

/* Kept to the letter, beside what is usable, and never found. */
static void check_kept(void) {
    lowbit_wisdom *small = wisdom_small(ctx);
    char *text = wisdom_text(small), *other = wisdom_of_other(text);
    char *stale = wisdom_edited(text, " effort=measure", " future=1 effort=exhaustive");
    lb_wisdom_entry found[8];
    double values[LB_FACT_VALUES];
    const lb_wisdom_entry e = wisdom_entry(ctx, "i4g32a8:m1n64k128", 2);
    check_context("kept");
    lowbit_wisdom *foreign = wisdom_of(ctx, other, 0, 0, SMALL_LINES);
    CHECK(same_text(wisdom_text(foreign), strdup(other)));
    CHECK(lb_wisdom_find(foreign, &e.problem, 2, LB_POOL_OWN, 1, 99, found, 8) == 0);
    CHECK(lb_wisdom_fact(foreign, "fork", values) == 0);
    lowbit_wisdom *both = wisdom_of(ctx, stale, WISDOM_RATES, WISDOM_PLANS, 0);
    CHECK(lb_wisdom_find(both, &e.problem, 2, LB_POOL_OWN, 1, 99, found, 8) == 0);
    CHECK(lowbit_wisdom_import(both, text, strlen(text), NULL, NULL) == LOWBIT_OK);
    CHECK(lowbit_wisdom_import(both, other, strlen(other), NULL, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_find(both, &e.problem, 2, LB_POOL_OWN, 1, 99, found, 8) == 2);
    char *all = wisdom_text(both);
    lowbit_wisdom_destroy(wisdom_of(ctx, all, SMALL_LINES, WISDOM_PLANS, SMALL_LINES));
    char *const texts[] = {text, other, stale, all};
    for (size_t i = 0; i < LB_COUNT(texts); i++) free(texts[i]);
    lowbit_wisdom_destroy(small);
    lowbit_wisdom_destroy(foreign);
    lowbit_wisdom_destroy(both);
}

static void check_versions(void) {
    static const char *const kWrong[] = {"",  "lowbit-wisdom",    "lowbit-wisdom 2\n",   "lowbit-wisdom 10\n",
                                         "x", "lowbit-wisdom 1 ", "\nlowbit-wisdom 1\n", "LOWBIT-WISDOM 1\n"};
    lowbit_wisdom *w = wisdom_small(ctx);
    char *before = wisdom_text(w);
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        check_context("'%s'", kWrong[i]);
        CHECK(lowbit_wisdom_import(w, kWrong[i], strlen(kWrong[i]), NULL, &error) == LOWBIT_BAD_FORMAT);
        CHECK(error.message[0]);
    }
    CHECK(same_text(wisdom_text(w), before));
    lowbit_wisdom_destroy(w);
}

void subject_wisdom_lines(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    check_giants();
    check_edits();
    check_masked();
    check_kept();
    check_versions();
    lowbit_ctx_destroy(ctx);
}
