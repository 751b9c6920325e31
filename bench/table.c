/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool grow(lb_table *t) {
    if (t->count < t->capacity) return true;
    const size_t capacity = t->capacity ? 2 * t->capacity : 128;
    void *cells = realloc(t->cells, capacity * sizeof *t->cells);
    if (!cells) return false;
    t->cells = cells;
    t->capacity = capacity;
    return true;
}

void lb_table_cell(lb_table *t, const char *format, ...) {
    if (t->failed || !grow(t)) {
        t->failed = true;
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(t->cells[t->count++], LB_TABLE_CELL, format, args);
    va_end(args);
}

void lb_table_number(lb_table *t, double value) {
    if (value == 0)
        lb_table_cell(t, "-");
    else
        lb_table_cell(t, "%.*f", fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1 : 0, value);
}

/* Fills the widths and returns the gap between columns. */
static int layout(const lb_table *t, int *widths) {
    int total = 0;
    for (size_t c = 0; c < t->columns; c++) {
        widths[c] = 0;
        for (size_t i = c; i < t->count; i += t->columns) {
            const int length = (int)strlen(t->cells[i]);
            if (length > widths[c]) widths[c] = length;
        }
        total += widths[c];
    }
    const int gaps = (int)t->columns - 1, gap = total + 2 * gaps <= LB_TABLE_WIDTH ? 2 : 1;
    const int excess = total + gap * gaps - LB_TABLE_WIDTH;
    if (excess > 0) widths[0] = widths[0] > excess ? widths[0] - excess : 0;
    return gap;
}

static void print_cell(const lb_table *t, size_t column, const char *text, int width, FILE *file) {
    if (column >= t->left)
        fprintf(file, "%*.*s", width, width, text);
    else if (column + 1 < t->columns)
        fprintf(file, "%-*.*s", width, width, text);
    else
        fprintf(file, "%.*s", width, text);
}

bool lb_table_print(const lb_table *t, FILE *file) {
    int widths[LB_TABLE_COLUMNS];
    const int gap = layout(t, widths);
    for (size_t i = 0; i < t->count / t->columns * t->columns; i++) {
        const size_t column = i % t->columns;
        if (column) fprintf(file, "%*s", gap, "");
        print_cell(t, column, t->cells[i], widths[column], file);
        if (column + 1 == t->columns) fputc('\n', file);
    }
    return !t->failed;
}

void lb_table_free(lb_table *t) {
    free(t->cells);
    *t = (lb_table){.columns = t->columns, .left = t->left};
}
