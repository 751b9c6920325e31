/* SPDX-License-Identifier: Apache-2.0 */
/* Whole texts of wisdom: taking what they say, with a report, and writing them. */
#include <stdio.h>
#include <string.h>

#include "tuner/wisdom_store.h"

static const char kHeader[] = LB_WISDOM_HEADER;

static void note_bad(lowbit_wisdom_report *report, int64_t number, const char *reason) {
    if (report->bad++ == 0) {
        report->first_bad_line = number;
        snprintf(report->reason, sizeof report->reason, "%s", reason);
    }
}

static void note(lowbit_wisdom_report *report, const lb_wisdom_line *line) {
    int64_t *const counts[] = {&report->accepted, &report->stale, &report->foreign};
    if (line->kind != LOWBIT_WISDOM_MACHINE) ++*counts[line->state];
}

/* Reads all lines behind the first one into the batch. False without memory. */
static bool read_lines(const lowbit_wisdom *w, const char *text, size_t length, lb_wisdom_list *batch,
                       lowbit_wisdom_report *report) {
    const char *const end = text + length;
    int64_t number = 1;
    for (const char *at = text, *stop; at < end; at = stop + 1, number++) {
        const char *reason;
        lb_wisdom_line line;
        stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        if (number == 1 || stop == at) continue; /* the header; an empty line */
        if (!lb_wisdom_read_line(w, at, (size_t)(stop - at), &line, &reason)) {
            note_bad(report, number, reason);
            continue;
        }
        note(report, &line);
        if (!lb_wisdom_push(w->ctx, batch, &line, at)) return false;
    }
    return true;
}

static lowbit_status check_header(const char *text, size_t length, lowbit_error *error) {
    const size_t header = sizeof kHeader - 1;
    const bool own =
        length >= header && memcmp(text, kHeader, header) == 0 && (length == header || text[header] == '\n');
    const bool other = length > header && memcmp(text, kHeader, header - 1) == 0;
    LB_REQUIRE(own || !other, error, LOWBIT_BAD_FORMAT, "wisdom of another version: this one reads \"%s\"", kHeader);
    LB_REQUIRE(own, error, LOWBIT_BAD_FORMAT, "no wisdom: its first line is not \"%s\"", kHeader);
    return LOWBIT_OK;
}

lowbit_status lb_wisdom_take(lowbit_wisdom *w, const char *text, size_t length, uint32_t how,
                             lowbit_wisdom_report *report, lowbit_error *error) {
    LB_TRY(check_header(text, length, error));
    lowbit_wisdom_report made = {.struct_size = report ? report->struct_size : 0};
    lb_wisdom_list batch = {NULL, 0, 0};
    const bool read = read_lines(w, text, length, &batch, &made);
    const lowbit_status status = read ? lb_wisdom_merge(w, &batch, how, error)
                                      : lb_fail(error, LOWBIT_NO_MEMORY, "no memory for a wisdom of %zu bytes", length);
    lb_wisdom_free_list(w->ctx, &batch);
    if (status == LOWBIT_OK && report) *report = made;
    return status;
}

lowbit_status lb_wisdom_check_report(const lowbit_wisdom_report *report, lowbit_error *error) {
    LB_REQUIRE(!report || LB_HAS_FIELD(report, lowbit_wisdom_report, reason), error, LOWBIT_INVALID_ARGUMENT,
               "report: struct_size %u is smaller than lowbit_wisdom_report", report->struct_size);
    return LOWBIT_OK;
}

lowbit_status lowbit_wisdom_import(lowbit_wisdom *w, const char *text, size_t length, lowbit_wisdom_report *report,
                                   lowbit_error *error) {
    LB_REQUIRE(w && text, error, LOWBIT_INVALID_ARGUMENT, "wisdom or text is NULL");
    LB_TRY(lb_wisdom_check_report(report, error));
    return lb_wisdom_take(w, text, length, LB_MERGE_BETTER, report, error);
}

/* ---- writing; the caller holds the lock ---- */

static size_t text_bytes(const lowbit_wisdom *w) {
    size_t bytes = sizeof kHeader + 1;
    for (size_t i = 0; i < w->lines.count; i++)
        if (!lb_wisdom_is_lonely(&w->lines, i)) bytes += w->lines.at[i]->length + 1;
    return bytes;
}

static char *put_line(char *at, const char *line, size_t length) {
    memcpy(at, line, length);
    at[length] = '\n';
    return at + length + 1;
}

static void write_text(const lowbit_wisdom *w, char *text) {
    char *at = put_line(text, kHeader, sizeof kHeader - 1);
    for (size_t i = 0; i < w->lines.count; i++)
        if (!lb_wisdom_is_lonely(&w->lines, i)) at = put_line(at, w->lines.at[i]->text, w->lines.at[i]->length);
    *at = 0;
}

char *lb_wisdom_new_text(const lowbit_wisdom *w, size_t *bytes) {
    lb_wisdom_lock_to_read(w);
    *bytes = text_bytes(w);
    char *text = lb_alloc(w->ctx, *bytes);
    if (text) write_text(w, text);
    lb_wisdom_unlock(w);
    return text;
}

lowbit_status lowbit_wisdom_export(const lowbit_wisdom *w, char *text, size_t size, size_t *needed,
                                   lowbit_error *error) {
    LB_REQUIRE(w, error, LOWBIT_INVALID_ARGUMENT, "wisdom is NULL");
    LB_REQUIRE(text || !size, error, LOWBIT_INVALID_ARGUMENT, "text is NULL, its size %zu", size);
    lb_wisdom_lock_to_read(w);
    const size_t bytes = text_bytes(w);
    if (bytes <= size) write_text(w, text);
    lb_wisdom_unlock(w);
    if (needed) *needed = bytes;
    LB_REQUIRE(bytes <= size || !text, error, LOWBIT_TOO_SMALL, "text has %zu bytes, the wisdom needs %zu", size,
               bytes);
    return LOWBIT_OK;
}
