/* SPDX-License-Identifier: Apache-2.0 */
/* One line of wisdom, "KIND ID ... sum=XXXXXXXX": reading and writing. docs/wisdom.md has the form of each kind. Every
 * value has one spelling, so that lines which say the same are the same bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tuner/identity.h"
#include "tuner/wisdom_store.h"
#include "tuner/words.h"

/* Numbered as LOWBIT_WISDOM_MACHINE, ... */
static const char *const kKinds[] = {"machine", "fact", "plan"};

enum { ID_TEXT = 16, SUM_TEXT = sizeof " sum=XXXXXXXX" - 1, PROBLEM_TEXT = 96 };

char *lb_next_word(lb_words *words) {
    if (words->at > words->end) return NULL;
    char *word = words->at;
    words->at += strlen(word) + 1;
    return word;
}

/* ---- reading ---- */

/* Lower case, all `count` of them. */
static bool read_hex(const char *text, int count, uint64_t *value) {
    static const char kDigits[] = "0123456789abcdef";
    *value = 0;
    for (int i = 0; i < count; i++) {
        const char *digit = text[i] ? strchr(kDigits, text[i]) : NULL;
        if (!digit) return false;
        *value = *value << 4 | (uint64_t)(digit - kDigits);
    }
    return true;
}

static bool is_plain(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~') return false;
    return true;
}

static bool has_its_sum(const char *text, size_t length) {
    uint64_t sum;
    if (length <= SUM_TEXT) return false;
    const char *tail = text + length - SUM_TEXT;
    return memcmp(tail, " sum=", 5) == 0 && read_hex(tail + 5, 8, &sum) && sum == lb_crc(text, length - SUM_TEXT);
}

/* "machine ID vendor=... guest=1 name=...": the ID is the hash of what stands between it and the name. */
static bool read_machine(const char *body, lb_wisdom_line *line) {
    const char *identity = body + strlen("machine ") + ID_TEXT + 1, *name = strstr(identity, " name=");
    return name && name[strlen(" name=")] && !strchr(name + 1, ' ') &&
           lb_hash(identity, (size_t)(name - identity)) == line->machine;
}

static bool is_name(const char *text) {
    static const char kLetters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t length = strlen(text);
    return length >= 1 && length < LB_FACT_NAME && strspn(text, kLetters) == length;
}

static bool read_rate(lb_words *words, lb_wisdom_line *line) {
    lb_wisdom_rate *rate = &line->rate;
    const char *word = lb_next_word(words);
    if (!word || !is_name(word)) return false;
    line->key += (uint32_t)strlen(word) + 1;
    rate->count = 0;
    while ((word = lb_next_word(words)) && strncmp(word, "date=", 5) != 0)
        if (rate->count == LB_FACT_VALUES || !lb_read_real(word, &rate->values[rate->count++])) return false;
    if (!word || rate->count == 0 || !lb_read_date(word + 5, &rate->day) || lb_next_word(words)) return false;
    line->evidence = (uint64_t)rate->day;
    return true;
}

/* A problem of a newer grammar is no damage, another spelling of one that this grammar has is. */
static bool read_problem(const char *text, lowbit_problem *problem, bool *known) {
    char again[PROBLEM_TEXT];
    *problem = (lowbit_problem){.struct_size = sizeof *problem};
    *known = lowbit_problem_parse(text, problem, NULL) == LOWBIT_OK;
    if (!*known) return text[0] && strlen(text) < PROBLEM_TEXT;
    return lowbit_problem_print(problem, again, sizeof again, NULL) == LOWBIT_OK && strcmp(again, text) == 0;
}

static bool read_plan(const lowbit_wisdom *w, const char *body, lb_words *words, lb_wisdom_line *line,
                      const char **reason) {
    lb_wisdom_entry *plan = &line->plan;
    bool known;
    *plan = (lb_wisdom_entry){.threads = 0};
    const char *problem = lb_next_word(words);
    *reason = "the problem does not read";
    if (!problem || !read_problem(problem, &plan->problem, &known)) return false;
    if (!lb_wisdom_read_words(w, words, plan, &known, reason)) return false;
    line->key = (uint32_t)(strstr(body, " kernel=") - body);
    line->evidence = (uint64_t)plan->effort << 56 | (uint64_t)plan->day << 32 | plan->samples;
    if (line->state == LOWBIT_WISDOM_USABLE && !(known && lb_wisdom_is_legal(w->ctx, plan)))
        line->state = LOWBIT_WISDOM_STALE;
    lb_wisdom_tuple(&plan->problem, plan->threads, plan->pool, line->tuple);
    return true;
}

static bool read_kind(const char *word, uint32_t *kind) {
    for (uint32_t i = 0; word && i < LB_COUNT(kKinds); i++)
        if (strcmp(word, kKinds[i]) == 0) return *kind = i, true;
    return false;
}

bool lb_wisdom_read_line(const lowbit_wisdom *w, const char *text, size_t length, lb_wisdom_line *line,
                         const char **reason) {
    char body[LB_WISDOM_LINE], split[LB_WISDOM_LINE];
    *reason = "longer than 1023 bytes";
    if (length >= LB_WISDOM_LINE) return false;
    *reason = "bytes that are no text";
    if (!is_plain(text, length)) return false;
    *reason = "its sum is missing or wrong";
    if (!has_its_sum(text, length)) return false;
    const size_t used = length - SUM_TEXT;
    for (size_t i = 0; i < used; i++) body[i] = text[i], split[i] = text[i] == ' ' ? '\0' : text[i];
    body[used] = split[used] = 0;

    lb_words words = {split, split + used};
    *reason = "it begins with no kind of line";
    if (!read_kind(lb_next_word(&words), &line->kind)) return false;
    const char *id = lb_next_word(&words);
    *reason = "it names no machine";
    if (!id || strlen(id) != ID_TEXT || !read_hex(id, ID_TEXT, &line->machine)) return false;
    line->length = (uint32_t)length;
    line->key = (uint32_t)(id - split) + ID_TEXT;
    line->evidence = 0;
    line->state = line->machine == w->machine ? LOWBIT_WISDOM_USABLE : LOWBIT_WISDOM_FOREIGN;
    *reason = line->kind == LOWBIT_WISDOM_MACHINE ? "its words do not make its ID" : "the rate does not read";
    return line->kind == LOWBIT_WISDOM_MACHINE ? read_machine(body, line)
           : line->kind == LOWBIT_WISDOM_RATE  ? read_rate(&words, line)
                                               : read_plan(w, body, &words, line, reason);
}

/* ---- writing ---- */

/* "KIND ID". */
static size_t print_head(const lowbit_wisdom *w, uint32_t kind, char text[LB_WISDOM_LINE]) {
    return (size_t)snprintf(text, LB_WISDOM_LINE, "%s %016" PRIx64, kKinds[kind], w->machine);
}

static size_t print_sum(char text[LB_WISDOM_LINE], size_t used) {
    if (used + SUM_TEXT >= LB_WISDOM_LINE) return 0;
    return used + (size_t)snprintf(text + used, LB_WISDOM_LINE - used, " sum=%08" PRIx32, lb_crc(text, used));
}

/* Appends a space and a word; false where it does not fit. */
static bool add_word(char text[LB_WISDOM_LINE], size_t *used, const char *name, const char *value) {
    const int length = snprintf(text + *used, LB_WISDOM_LINE - *used, " %s%s", name, value);
    if (length < 0 || (size_t)length >= LB_WISDOM_LINE - *used) return false;
    *used += (size_t)length;
    return true;
}

size_t lb_wisdom_print_machine(const lowbit_wisdom *w, char text[LB_WISDOM_LINE]) {
    char identity[LB_IDENTITY_TEXT], name[LB_IDENTITY_TEXT];
    lb_identity_print(w->ctx, identity);
    lb_identity_name(w->ctx, name);
    size_t used = print_head(w, LOWBIT_WISDOM_MACHINE, text);
    const bool fits = add_word(text, &used, "", identity) && add_word(text, &used, "name=", name);
    return fits ? print_sum(text, used) : 0;
}

size_t lb_wisdom_print_plan(const lowbit_wisdom *w, const lb_wisdom_entry *entry, char text[LB_WISDOM_LINE]) {
    char problem[PROBLEM_TEXT];
    size_t used = print_head(w, LOWBIT_WISDOM_PLAN, text);
    const bool fits = lowbit_problem_print(&entry->problem, problem, sizeof problem, NULL) == LOWBIT_OK &&
                      add_word(text, &used, "", problem) && lb_wisdom_print_words(entry, text, LB_WISDOM_LINE, &used);
    return fits ? print_sum(text, used) : 0;
}

size_t lb_wisdom_print_rate(const lowbit_wisdom *w, const char *name, const double *values, size_t count, int64_t day,
                            char text[LB_WISDOM_LINE]) {
    char word[LB_WORD_TEXT];
    size_t used = print_head(w, LOWBIT_WISDOM_RATE, text);
    bool fits = add_word(text, &used, "", name);
    for (size_t i = 0; fits && i < count; i++) {
        lb_print_real(values[i], word);
        fits = add_word(text, &used, "", word);
    }
    lb_print_date(day, word);
    return fits && add_word(text, &used, "date=", word) ? print_sum(text, used) : 0;
}
