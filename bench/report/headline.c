/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/headline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"

static const struct {
    const char *name;
    const char *formats[6]; /* how families of the class begin */
} kClasses[] = {{"8-bit weights", {"i8"}},
                {"4-bit weights", {"i4", "c4", "nf4", "fp4", "p4"}},
                {"2-bit and ternary weights", {"t2", "t5", "i2", "s2"}},
                {"1-bit weights", {"b1"}},
                {"float weights", {"f32", "bf16"}}};

static bool in_class(const lb_report_cell *c, size_t index) {
    for (size_t i = 0; i < LB_COUNT(kClasses[index].formats) && kClasses[index].formats[i]; i++)
        if (strncmp(c->family, kClasses[index].formats[i], strlen(kClasses[index].formats[i])) == 0) return true;
    return false;
}

bool lb_report_headline(const lb_report *report, size_t index, lb_headline *headline) {
    if (index >= LB_COUNT(kClasses)) return false;
    *headline = (lb_headline){kClasses[index].name, NULL};
    for (size_t i = 0; i < report->cell_count; i++) {
        const lb_report_cell *c = &report->cells[i];
        if (c->ours && c->ok && in_class(c, index) && (!headline->best || c->gops > headline->best->gops))
            headline->best = c;
    }
    return true;
}

/* The middle of the shares without sorting them: the least that half of them do not exceed. */
static double middle_share(const lb_report *r, size_t count) {
    for (size_t i = 0; i < r->cell_count; i++) {
        size_t below = 0, equal = 0;
        for (size_t j = 0; j < r->cell_count; j++) {
            const bool counts = r->cells[j].ours && r->cells[j].share > 0;
            below += counts && r->cells[j].share < r->cells[i].share;
            equal += counts && r->cells[j].share == r->cells[i].share;
        }
        if (equal && r->cells[i].ours && below <= count / 2 && below + equal > count / 2) return r->cells[i].share;
    }
    return 0;
}

static bool tell_products(const lb_report *r, char text[LB_SENTENCE]) {
    enum { NEAR = 80 };
    size_t count = 0, near = 0;
    for (size_t i = 0; i < r->cell_count; i++) {
        if (!r->cells[i].ours || r->cells[i].share <= 0) continue;
        count++;
        near += 100 * r->cells[i].share >= NEAR;
    }
    text[0] = 0;
    if (count)
        snprintf(text, LB_SENTENCE,
                 "%zu of %zu products reach %d %% or more of the limit of the machine that binds them; the middle one "
                 "reaches %.0f %%.",
                 near, count, NEAR, 100 * middle_share(r, count));
    return true;
}

/* The row where the n-th library comes first, or the end. */
static size_t first_of(const lb_report *r, size_t n) {
    size_t i = 0;
    for (; i < r->cell_count; i++) {
        bool first = !r->cells[i].ours;
        for (size_t j = 0; first && j < i; j++) first = strcmp(r->cells[j].impl, r->cells[i].impl) != 0;
        if (first && n-- == 0) break;
    }
    return i;
}

/* About the library whose first row that is. */
static void tell_library(const lb_report *r, size_t first, char text[LB_SENTENCE]) {
    size_t count = 0, faster = 0, slower = 0;
    double sum = 0;
    text[0] = 0;
    for (size_t i = first; i < r->cell_count; i++) {
        const lb_report_cell *c = &r->cells[i];
        if (strcmp(c->impl, r->cells[first].impl) != 0 || !c->ok || c->repeat || c->ratio <= 0) continue;
        count++;
        sum += log(c->ratio);
        faster += *c->verdict ? strcmp(c->verdict, "faster") == 0 : c->ratio > 1;
        slower += *c->verdict ? strcmp(c->verdict, "slower") == 0 : c->ratio < 1;
    }
    if (count)
        snprintf(
            text, LB_SENTENCE,
            "%.40s: lowbit is faster in %zu of %zu comparisons and slower in %zu; its time over ours is %.2f in the "
            "geometric mean.",
            r->cells[first].impl, faster, count, slower, exp(sum / (double)count));
}

bool lb_report_sentence(const lb_report *r, size_t index, char text[LB_SENTENCE]) {
    enum { MOST = 12 };
    size_t libraries = 0;
    if (index == 0) return tell_products(r, text);
    while (libraries < MOST && first_of(r, libraries) < r->cell_count) libraries++;
    if (index > libraries)
        return index - libraries <= MOST && lb_report_network_sentence(r, index - libraries - 1, text);
    tell_library(r, first_of(r, index - 1), text);
    return true;
}
