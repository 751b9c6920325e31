/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at wisdom line by line, and forgetting. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tuner/wisdom_store.h"

lowbit_status lowbit_wisdom_size(const lowbit_wisdom *w, int64_t *usable, int64_t *all, lowbit_error *error) {
    LB_REQUIRE(w, error, LOWBIT_INVALID_ARGUMENT, "wisdom is NULL");
    lb_wisdom_lock_to_read(w);
    if (usable) *usable = (int64_t)w->plans.count;
    if (all) *all = (int64_t)w->lines.count;
    lb_wisdom_unlock(w);
    return LOWBIT_OK;
}

/* The word that begins at `at`. */
static void copy_word(const char *at, char *word, size_t size) {
    snprintf(word, size, "%.*s", (int)strcspn(at, " "), at);
}

/* What stands behind " NAME=" of a line that has it. */
static void copy_value(const lb_wisdom_line *line, const char *name, char *value, size_t size) {
    const char *at = strstr(line->text, name);
    if (at) copy_word(at + strlen(name), value, size);
}

static void describe_plan(const lb_wisdom_line *line, lowbit_wisdom_info *info) {
    const lb_wisdom_entry *plan = &line->plan;
    copy_word(line->text + LB_WISDOM_NAME_AT, info->name, sizeof info->name);
    copy_value(line, " kernel=", info->kernel, sizeof info->kernel);
    copy_value(line, " date=", info->date, sizeof info->date);
    info->threads = plan->threads;
    info->uses = plan->config.threads;
    info->foreign_pool = plan->pool == LB_POOL_FOREIGN;
    info->effort = plan->effort;
    info->median_s = plan->median_s;
    info->low_s = plan->low_s;
    info->high_s = plan->high_s;
    info->estimate_s = plan->estimate_s;
    info->samples = plan->samples;
    info->tried = plan->tried;
    info->noisy = plan->noisy;
}

static void describe_rate(const lb_wisdom_line *line, lowbit_wisdom_info *info) {
    copy_word(line->text + LB_WISDOM_NAME_AT, info->name, sizeof info->name);
    copy_value(line, " date=", info->date, sizeof info->date);
    info->value_count = (uint32_t)line->rate.count;
    memcpy(info->values, line->rate.values, line->rate.count * sizeof *info->values);
}

static void describe(const lb_wisdom_line *line, lowbit_wisdom_info *info) {
    *info = (lowbit_wisdom_info){.struct_size = info->struct_size, .kind = line->kind, .state = line->state};
    snprintf(info->machine, sizeof info->machine, "%016" PRIx64, line->machine);
    if (line->kind == LOWBIT_WISDOM_PLAN)
        describe_plan(line, info);
    else if (line->kind == LOWBIT_WISDOM_RATE)
        describe_rate(line, info);
    else
        copy_value(line, " name=", info->name, sizeof info->name);
}

lowbit_status lowbit_wisdom_get(const lowbit_wisdom *w, int64_t index, lowbit_wisdom_info *info, lowbit_error *error) {
    LB_REQUIRE(w && info, error, LOWBIT_INVALID_ARGUMENT, "wisdom or info is NULL");
    LB_REQUIRE(LB_HAS_FIELD(info, lowbit_wisdom_info, values), error, LOWBIT_INVALID_ARGUMENT,
               "info: struct_size %u is smaller than lowbit_wisdom_info", info->struct_size);
    LB_REQUIRE(index >= 0, error, LOWBIT_INVALID_ARGUMENT, "index is %lld", (long long)index);
    lb_wisdom_lock_to_read(w);
    const size_t count = w->lines.count;
    if ((uint64_t)index < count) describe(w->lines.at[index], info);
    lb_wisdom_unlock(w);
    LB_REQUIRE((uint64_t)index < count, error, LOWBIT_NOT_FOUND, "index %lld: there are %zu lines", (long long)index,
               count);
    return LOWBIT_OK;
}

/* ---- forgetting ---- */

/* LOWBIT_FORGET_* that a line is one of. */
static uint32_t kinds_of(const lb_wisdom_line *line) {
    if (line->kind == LOWBIT_WISDOM_MACHINE) return 0;
    if (line->state == LOWBIT_WISDOM_FOREIGN) return LOWBIT_FORGET_FOREIGN;
    if (line->kind == LOWBIT_WISDOM_RATE) return LOWBIT_FORGET_RATES;
    return LOWBIT_FORGET_PLANS | (line->state == LOWBIT_WISDOM_STALE ? LOWBIT_FORGET_STALE : 0);
}

static bool is_wanted(const lb_wisdom_line *line, const char *pattern, uint32_t what) {
    char name[LB_WISDOM_LINE];
    if (!(kinds_of(line) & what)) return false;
    if (!pattern) return true;
    copy_word(line->text + LB_WISDOM_NAME_AT, name, sizeof name);
    return fnmatch(pattern, name, 0) == 0;
}

/* Moves lines to those that have gone, where there is room for them. */
static int64_t forget(lowbit_wisdom *w, const char *pattern, uint32_t what) {
    const size_t gone = w->gone.count;
    size_t kept = 0;
    for (size_t i = 0; i < w->lines.count; i++) {
        if (is_wanted(w->lines.at[i], pattern, what))
            w->gone.at[w->gone.count++] = w->lines.at[i];
        else
            w->lines.at[kept++] = w->lines.at[i];
    }
    w->lines.count = kept;
    lb_wisdom_index(w);
    return (int64_t)(w->gone.count - gone);
}

lowbit_status lowbit_wisdom_forget(lowbit_wisdom *w, const char *pattern, uint32_t what, int64_t *forgotten,
                                   lowbit_error *error) {
    const uint32_t all = LOWBIT_FORGET_PLANS | LOWBIT_FORGET_STALE | LOWBIT_FORGET_RATES | LOWBIT_FORGET_FOREIGN;
    LB_REQUIRE(w, error, LOWBIT_INVALID_ARGUMENT, "wisdom is NULL");
    LB_REQUIRE(what && !(what & ~all), error, LOWBIT_INVALID_ARGUMENT, "what is %u: a sum of LOWBIT_FORGET_*", what);
    pthread_rwlock_wrlock(&w->lock);
    const bool room = lb_wisdom_reserve(w->ctx, &w->gone, w->gone.count + w->lines.count);
    const int64_t count = room ? forget(w, pattern, what) : 0;
    pthread_rwlock_unlock(&w->lock);
    LB_REQUIRE(room, error, LOWBIT_NO_MEMORY, "no memory for what is to be forgotten");
    if (forgotten) *forgotten = count;
    return LOWBIT_OK;
}
