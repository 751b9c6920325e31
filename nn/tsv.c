/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/tsv.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

/* Classes are numbered as Hugging Face's processors number them (transformers/data/processors/glue.py), which also pass
 * over ragged lines of QQP. */
static const char *const kDigits[] = {"0", "1"}, *const kTwo[] = {"entailment", "not_entailment"},
                         *const kThree[] = {"contradiction", "entailment", "neutral"};
static const char kCola[] = "source\tlabel\tstar\tsentence";
static const lb_glue_task kTasks[] = {
    {"cola", "sentence", NULL, "label", kDigits, {&lb_matthews}, kCola, 0, 2, false},
    {"sst2", "sentence", NULL, "label", kDigits, {&lb_accuracy}, NULL, 0, 2, false},
    {"mrpc", "#1 String", "#2 String", "Quality", kDigits, {&lb_f1, &lb_accuracy}, NULL, 0, 2, false},
    {"qqp", "question1", "question2", "is_duplicate", kDigits, {&lb_f1, &lb_accuracy}, NULL, 0, 2, true},
    {"stsb", "sentence1", "sentence2", "score", NULL, {&lb_pearson, &lb_spearman}, NULL, 5, 0, false},
    {"mnli", "sentence1", "sentence2", "gold_label", kThree, {&lb_accuracy}, NULL, 0, 3, false},
    {"qnli", "question", "sentence", "label", kTwo, {&lb_accuracy}, NULL, 0, 2, false},
    {"rte", "sentence1", "sentence2", "label", kTwo, {&lb_accuracy}, NULL, 0, 2, false}};

const lb_glue_task *lb_glue_task_at(size_t i) { return i < LB_COUNT(kTasks) ? &kTasks[i] : NULL; }

const lb_glue_task *lb_glue_task_of(const char *name) {
    for (size_t i = 0; i < LB_COUNT(kTasks); i++)
        if (strcmp(kTasks[i].name, name) == 0) return &kTasks[i];
    return NULL;
}

/* ---- columns ---- */

enum { FIRST, SECOND, LABEL, PARTS, NONE = -1, TWICE = -2 };

/* Where the parts of a row stand. */
typedef struct layout {
    int64_t columns, at[PARTS];
} layout;

static const char *const *names_of(const lb_glue_task *task, const char *names[PARTS]) {
    names[FIRST] = task->first;
    names[SECOND] = task->second;
    names[LABEL] = task->label;
    return names;
}

/* Takes a column off *rest, which behind the last one is NULL: a line of n tabs has n + 1 columns. */
static bool next_column(lb_text *rest, lb_text *column) {
    *column = *rest;
    if (!rest->bytes) return false;
    const char *tab = memchr(rest->bytes, '\t', rest->length);
    *rest = (lb_text){NULL, 0};
    if (!tab) return true;
    const size_t length = (size_t)(tab - column->bytes);
    *rest = (lb_text){tab + 1, column->length - length - 1};
    column->length = length;
    return true;
}

static layout find_columns(lb_text header, const lb_glue_task *task) {
    const char *room[PARTS], *const *names = names_of(task, room);
    layout l = {0, {NONE, NONE, NONE}};
    for (lb_text name; next_column(&header, &name); l.columns++)
        for (int i = 0; i < PARTS; i++)
            if (names[i] && lb_text_equal(name, lb_text_of(names[i]))) l.at[i] = l.at[i] == NONE ? l.columns : TWICE;
    return l;
}

/* How many of the task's columns the header names; 0 unless all. */
static int named_columns(lb_text header, const lb_glue_task *task) {
    const layout l = find_columns(header, task);
    const int wanted = task->second ? 3 : 2;
    int found = 0;
    for (int i = 0; i < PARTS; i++) found += l.at[i] != NONE;
    return found == wanted ? found : 0;
}

/* The parts of a line; returns its number of columns. */
static int64_t split(lb_text line, const layout *l, lb_text parts[PARTS]) {
    int64_t columns = 0;
    for (int i = 0; i < PARTS; i++) parts[i] = (lb_text){NULL, 0};
    for (lb_text column; next_column(&line, &column); columns++)
        for (int i = 0; i < PARTS; i++)
            if (l->at[i] == columns) parts[i] = column;
    return columns;
}

/* ---- labels ---- */

/* "3.80" from 0 to `most`: digits with one point at most, read the same in every locale. */
static bool read_score(lb_text text, double most, double *score) {
    double value = 0, unit = 1;
    int digits = 0;
    bool point = false;
    if (text.length > 18) return false; /* more digits than a double has */
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.bytes[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') return false;
        value = value * 10 + (c - '0');
        if (point) unit *= 10;
        digits++;
    }
    *score = value / unit;
    return digits > 0 && *score <= most;
}

static bool read_label(const lb_glue_task *task, lb_text text, double *label) {
    if (task->classes == 0) return read_score(text, task->most, label);
    for (int32_t i = 0; i < task->classes; i++) {
        *label = i;
        if (lb_text_equal(text, lb_text_of(task->words[i]))) return true;
    }
    return false;
}

/* ---- the file ---- */

/* How well the header fits the task. The columns of files that have no header are common names: only all of them fit.
 */
static int fit(lb_text header, const lb_glue_task *task) {
    if (task->columns) return lb_text_equal(header, lb_text_of(task->columns)) ? PARTS + 1 : 0;
    return named_columns(header, task);
}

/* A line that is no header may be the first row of a file without one. */
static bool is_row(lb_text line, const lb_glue_task *task) {
    lb_text parts[PARTS];
    double label;
    if (!task->columns) return false;
    const layout l = find_columns(lb_text_of(task->columns), task);
    return split(line, &l, parts) == l.columns && read_label(task, parts[LABEL], &label);
}

static const lb_glue_task *task_of_line(lb_text line) {
    const lb_glue_task *best = NULL;
    int most = 0;
    for (size_t i = 0; i < LB_COUNT(kTasks); i++) {
        const int fits = fit(line, &kTasks[i]);
        if (fits > most) best = &kTasks[i];
        most = fits > most ? fits : most;
    }
    for (size_t i = 0; !best && i < LB_COUNT(kTasks); i++)
        if (is_row(line, &kTasks[i])) best = &kTasks[i];
    return best;
}

static lowbit_status choose_task(lb_text header, const char *name, lb_glue *data, lowbit_error *error) {
    data->task = name ? lb_glue_task_of(name) : task_of_line(header);
    LB_REQUIRE(data->task || !name, error, LOWBIT_INVALID_ARGUMENT, "there is no task \"%.32s\"", name);
    LB_REQUIRE(data->task, error, LOWBIT_BAD_FORMAT, "line 1 names the columns of no task");
    return LOWBIT_OK;
}

/* Reads the header off *rest; files of a task without one may still have it. */
static lowbit_status read_header(lb_text *rest, const lb_glue_task *task, layout *l, int64_t *line,
                                 lowbit_error *error) {
    const char *room[PARTS], *const *names = names_of(task, room);
    lb_text after = *rest, header;
    lb_text_line(&after, &header);
    *line = 0;
    if (task->columns && named_columns(header, task) == 0) {
        header = lb_text_of(task->columns);
    } else {
        *rest = after;
        *line = 1;
    }
    *l = find_columns(header, task);
    for (int i = 0; i < PARTS; i++)
        LB_REQUIRE(!names[i] || l->at[i] >= 0, error, LOWBIT_BAD_FORMAT, "line 1 has %s column \"%s\", which %s needs",
                   l->at[i] == TWICE ? "more than one" : "no", names[i], task->name);
    return LOWBIT_OK;
}

static lowbit_status read_row(lb_text line, int64_t number, const layout *l, lb_glue *data, lowbit_error *error) {
    lb_text parts[PARTS];
    double label = 0;
    const int64_t columns = split(line, l, parts);
    if (columns != l->columns && data->task->ragged) {
        data->passed_over++;
        return LOWBIT_OK;
    }
    LB_REQUIRE(columns == l->columns, error, LOWBIT_BAD_FORMAT, "line %lld has %lld columns, not %lld",
               (long long)number, (long long)columns, (long long)l->columns);
    LB_REQUIRE(read_label(data->task, parts[LABEL], &label), error, LOWBIT_BAD_FORMAT,
               "line %lld has no label of %s in column %lld", (long long)number, data->task->name,
               (long long)l->at[LABEL] + 1);
    data->rows[data->count++] = (lb_glue_row){parts[FIRST], parts[SECOND], label};
    return LOWBIT_OK;
}

static lowbit_status read_rows(lb_text rest, const char *task, lb_glue *data, lowbit_error *error) {
    static const char kMark[] = "\xEF\xBB\xBF";
    lb_text line = rest;
    int64_t number;
    layout l;
    if (rest.length >= 3 && memcmp(rest.bytes, kMark, 3) == 0) rest = (lb_text){rest.bytes + 3, rest.length - 3};
    lb_text first = rest;
    lb_text_line(&first, &line);
    LB_TRY(choose_task(line, task, data, error));
    LB_TRY(read_header(&rest, data->task, &l, &number, error));
    data->rows = malloc((lb_text_lines(rest) + 1) * sizeof *data->rows);
    LB_REQUIRE(data->rows, error, LOWBIT_NO_MEMORY, "no memory for %zu rows", lb_text_lines(rest));
    while (lb_text_line(&rest, &line)) LB_TRY(read_row(line, ++number, &l, data, error));
    LB_REQUIRE(data->count > 0, error, LOWBIT_BAD_FORMAT, "there is no row of %s", data->task->name);
    return LOWBIT_OK;
}

lowbit_status lb_glue_parse(const uint8_t *bytes, size_t length, const char *task, lb_glue *data, lowbit_error *error) {
    *data = (lb_glue){.count = 0};
    const lowbit_status status = read_rows((lb_text){(const char *)bytes, length}, task, data, error);
    if (status != LOWBIT_OK) lb_glue_close(data);
    return status;
}

lowbit_status lb_glue_open(const char *path, const char *task, lb_glue *data, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *data = (lb_glue){.count = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_glue_parse(mapped.bytes, mapped.length, task, data, &reason);
    if (status == LOWBIT_OK)
        data->mapped = mapped;
    else
        lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}

void lb_glue_close(lb_glue *data) {
    free(data->rows);
    lb_unmap(&data->mapped);
    *data = (lb_glue){.count = 0};
}
