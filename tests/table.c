/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: alignment, numbers, the width of 100 columns. */
#include "bench/table.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

/* What the table prints; freed by the next call. */
static const char *printed(const lb_table *table) {
    static char *text;
    size_t size;
    free(text);
    FILE *file = open_memstream(&text, &size);
    CHECK(lb_table_print(table, file));
    fclose(file);
    return text;
}

static void check_small(void) {
    lb_table t = {.columns = 3, .left = 1};
    CHECK(strcmp(printed(&t), "") == 0);
    const char *cells[] = {"level", "a", "TOPS", "avx2", "12", "0.33", "scalar"};
    for (size_t i = 0; i < 7; i++) lb_table_cell(&t, "%s", cells[i]);
    CHECK(strcmp(printed(&t), "level    a  TOPS\navx2    12  0.33\n") == 0); /* an unfinished row is not printed */
    lb_table_free(&t);
    CHECK(t.count == 0 && t.columns == 3);
}

static void check_numbers(void) {
    static const struct {
        double value;
        const char *text;
    } kNumbers[] = {{0, "-\n"},        {0.004, "0.00\n"}, {9.99, "9.99\n"},   {9.996, "10.0\n"},
                    {99.94, "99.9\n"}, {99.96, "100\n"},  {1234.5, "1234\n"}, {-3.14159, "-3.14\n"}};
    for (size_t i = 0; i < sizeof kNumbers / sizeof kNumbers[0]; i++) {
        lb_table t = {.columns = 1};
        lb_table_number(&t, kNumbers[i].value);
        CHECK(strcmp(printed(&t), kNumbers[i].text) == 0);
        lb_table_free(&t);
    }
}

/* Rows of `columns` cells of `width` characters each. */
static size_t printed_width(size_t columns, int width) {
    lb_table t = {.columns = columns, .left = 1};
    for (size_t i = 0; i < 300 * columns; i++) lb_table_cell(&t, "%0*d", width, 7);
    const char *text = printed(&t);
    const size_t line = strcspn(text, "\n");
    CHECK(strlen(text) == 300 * (line + 1));
    CHECK(text[line - 1] == '7' && text[line - 2] == '0'); /* numbers are never cut */
    lb_table_free(&t);
    return line;
}

void subject_table(void) {
    check_small();
    check_numbers();
    CHECK(printed_width(10, 8) == 98);
    CHECK(printed_width(10, 9) == 99);
    CHECK(printed_width(4, 30) == LB_TABLE_WIDTH);
}
