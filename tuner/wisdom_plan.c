/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a decision, "threads=2 pool=own kernel=... date=2026-11-29": one table for writing and reading, and what
 * makes a decision legal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuner/effort.h"
#include "tuner/wisdom_store.h"
#include "tuner/words.h"

/* ---- kinds of values ---- */

enum { VALUE_TEXT = LB_KERNEL_NAME };
_Static_assert((int)VALUE_TEXT >= (int)LB_WORD_TEXT, "every value fits");

typedef struct value_kind value_kind;
struct value_kind {
    bool (*read)(const value_kind *kind, const lowbit_wisdom *wisdom, const char *text, void *value);
    void (*print)(const value_kind *kind, const void *value, char text[VALUE_TEXT]); /* what has no word stays empty */
    const char *const *names;                                                        /* of its numbers, or NULL */
};

static bool read_u32(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)kind;
    (void)w;
    uint64_t number;
    if (!lb_read_count(text, UINT32_MAX, &number)) return false;
    *(uint32_t *)value = (uint32_t)number;
    return true;
}
static void print_u32(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    (void)kind;
    snprintf(text, VALUE_TEXT, "%u", *(const uint32_t *)value);
}

static bool read_i64(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)kind;
    (void)w;
    uint64_t number;
    if (!lb_read_count(text, INT64_MAX, &number)) return false;
    *(int64_t *)value = (int64_t)number;
    return true;
}
static void print_i64(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    (void)kind;
    snprintf(text, VALUE_TEXT, "%lld", (long long)*(const int64_t *)value);
}

static bool read_seconds(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)kind;
    (void)w;
    return text[0] != '-' && lb_read_real(text, value);
}
static void print_seconds(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    (void)kind;
    lb_print_real(*(const double *)value, text);
}

static bool read_date(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)kind;
    (void)w;
    return lb_read_date(text, value);
}
static void print_date(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    (void)kind;
    lb_print_date(*(const int64_t *)value, text);
}

static bool read_name(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)w;
    for (uint32_t i = 0; kind->names[i]; i++)
        if (strcmp(kind->names[i], text) == 0) return *(uint32_t *)value = i, true;
    return false;
}
static void print_name(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    for (uint32_t i = 0; kind->names[i]; i++)
        if (i == *(const uint32_t *)value) snprintf(text, VALUE_TEXT, "%s", kind->names[i]);
}

static int compare_kernel(const void *name, const void *kernel) {
    return strcmp(name, ((const lb_wisdom_kernel *)kernel)->name);
}

/* One of another build is no damage. */
static bool read_kernel(const value_kind *kind, const lowbit_wisdom *w, const char *text, void *value) {
    (void)kind;
    lb_gemm_config *config = value;
    const lb_wisdom_kernel *found = bsearch(text, w->kernels, w->kernel_count, sizeof *w->kernels, compare_kernel);
    config->kernel = found ? found->ref.kernel : NULL;
    config->unit = found ? found->ref.unit : NULL;
    return text[0] && strlen(text) < LB_KERNEL_NAME;
}
static void print_kernel(const value_kind *kind, const void *value, char text[VALUE_TEXT]) {
    (void)kind;
    const lb_gemm_config *config = value;
    if (config->kernel && config->unit) lb_kernel_name((lb_kernel_ref){config->unit, config->kernel}, text, VALUE_TEXT);
}

/* Numbered as LB_POOL_* and LB_ORDER_*. */
static const char *const kPools[] = {"own", "foreign", NULL}, *const kOrders[] = {"rows", "columns", NULL};

static const value_kind kU32 = {read_u32, print_u32, NULL}, kI64 = {read_i64, print_i64, NULL},
                        kSeconds = {read_seconds, print_seconds, NULL}, kDate = {read_date, print_date, NULL},
                        kPool = {read_name, print_name, kPools}, kOrder = {read_name, print_name, kOrders},
                        kEffort = {read_name, print_name, lb_effort_names}, kKernel = {read_kernel, print_kernel, NULL};

/* ---- the words, in their order; a new knob of lb_gemm_config is a line here ---- */

typedef struct word {
    const char *name;
    size_t offset; /* in lb_wisdom_entry */
    const value_kind *kind;
    bool optional; /* where it is missing the value is 0: knobs that older versions had not */
} word;

#define WORD(name, field, kind)                                                                                        \
    { name, offsetof(lb_wisdom_entry, field), kind, false }
#define KNOB(name, field, kind)                                                                                        \
    { name, offsetof(lb_wisdom_entry, field), kind, true }
static const word kWords[] = {
    WORD("threads", threads, &kU32),
    WORD("pool", pool, &kPool),
    WORD("kernel", config, &kKernel),
    WORD("use", config.threads, &kU32),
    WORD("m", config.step_m, &kI64),
    WORD("n", config.step_n, &kI64),
    WORD("k", config.step_k, &kI64),
    WORD("near", config.near_bytes, &kI64),
    WORD("stream", config.stream_bytes, &kI64),
    KNOB("order", config.order, &kOrder),
    KNOB("split", config.split_k, &kU32),
    WORD("median", median_s, &kSeconds),
    WORD("low", low_s, &kSeconds),
    WORD("high", high_s, &kSeconds),
    WORD("estimate", estimate_s, &kSeconds),
    WORD("samples", samples, &kU32),
    WORD("tried", tried, &kU32),
    WORD("effort", effort, &kEffort),
    WORD("noisy", noisy, &kU32),
    WORD("date", day, &kDate),
};

bool lb_wisdom_print_words(const lb_wisdom_entry *entry, char *text, size_t size, size_t *used) {
    for (size_t i = 0; i < LB_COUNT(kWords); i++) {
        char value[VALUE_TEXT] = "";
        const value_kind *kind = kWords[i].kind;
        kind->print(kind, (const char *)entry + kWords[i].offset, value);
        const int length = snprintf(text + *used, size - *used, " %s=%s", kWords[i].name, value);
        if (length < 0 || (size_t)length >= size - *used) return false;
        *used += (size_t)length;
    }
    return true;
}

/* The place of a name in the table, LB_COUNT(kWords) for one that is not there. */
static size_t place_of(const char *name) {
    size_t i = 0;
    while (i < LB_COUNT(kWords) && strcmp(kWords[i].name, name) != 0) i++;
    return i;
}

/* Whether the words from `first` to before `last` may all be missing. */
static bool may_miss(size_t first, size_t last) {
    for (size_t i = first; i < last; i++)
        if (!kWords[i].optional) return false;
    return true;
}

bool lb_wisdom_read_words(const lowbit_wisdom *wisdom, lb_words *words, lb_wisdom_entry *entry, bool *known,
                          const char **reason) {
    size_t next = 0;
    char *name, *value;
    while ((name = lb_next_word(words))) {
        *reason = "a word is not NAME=VALUE";
        value = strchr(name, '=');
        if (!value || value == name) return false;
        *value++ = 0;
        const size_t place = place_of(name);
        if (place == LB_COUNT(kWords)) {
            *known = false;
            continue;
        }
        *reason = "a word is missing, twice there or not in its place";
        if (place < next || !may_miss(next, place)) return false;
        *reason = "a value does not read";
        const value_kind *kind = kWords[place].kind;
        if (!kind->read(kind, wisdom, value, (char *)entry + kWords[place].offset)) return false;
        next = place + 1;
    }
    *reason = "a word is missing at the end";
    return may_miss(next, LB_COUNT(kWords));
}

/* ---- what is legal ---- */

bool lb_wisdom_is_legal(const lowbit_ctx *ctx, const lb_wisdom_entry *e) {
    const lb_gemm_config *c = &e->config;
    return c->kernel && (c->unit->isa & ctx->isa_enabled) && lb_check_problem(&e->problem, NULL) == LOWBIT_OK &&
           lb_check_config(&e->problem, c, NULL) == LOWBIT_OK && c->near_bytes >= 0 && c->stream_bytes >= 0 &&
           c->threads >= 1 && c->threads <= e->threads && e->noisy <= 1;
}

void lb_wisdom_tuple(const lowbit_problem *p, uint32_t threads, uint32_t pool, int64_t tuple[LB_TUPLE]) {
    const lowbit_weight_type *t = &p->weights;
    const int64_t made[LB_TUPLE] = {t->format,
                                    t->offset,
                                    t->scale_type,
                                    lb_max(t->group, 0),
                                    t->progressive,
                                    p->activations,
                                    p->static_scale,
                                    p->out,
                                    threads,
                                    pool,
                                    p->n,
                                    p->k,
                                    p->bias,
                                    p->act,
                                    p->residual,
                                    p->m};
    memcpy(tuple, made, sizeof made);
}
