/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/escape.h"

#include <string.h>

/* Bytes of the character that begins here, 0 where it is not whole. */
static size_t character(const char *text) {
    const unsigned char first = (unsigned char)*text;
    const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    return length;
}

typedef struct escape {
    char character;
    const char *instead;
} escape;

/* Writes the text with the replacements of the table, which ends with a zero. */
static void put(FILE *file, const char *text, const escape *table) {
    while (*text) {
        const size_t length = character(text);
        const escape *found = table;
        while (found->character && found->character != *text) found++;
        if (found->character)
            fputs(found->instead, file);
        else if (length == 0 || (unsigned char)*text < 0x20)
            fputc(length ? ' ' : '?', file);
        else
            fwrite(text, 1, length, file);
        text += length ? length : 1;
    }
}

void lb_put_xml(FILE *file, const char *text) {
    static const escape kTable[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                    {'"', "&quot;"}, {'\'', "&#39;"}, {0, NULL}};
    put(file, text, kTable);
}

void lb_put_markdown(FILE *file, const char *text) {
    static const escape kTable[] = {{'|', "\\|"}, {'\\', "\\\\"}, {'<', "&lt;"}, {'&', "&amp;"}, {'`', "\\`"},
                                    {'*', "\\*"}, {'_', "\\_"},   {'[', "\\["},  {0, NULL}};
    put(file, text, kTable);
}

void lb_put_csv(FILE *file, const char *text) {
    static const escape kTable[] = {{'"', "\"\""}, {0, NULL}};
    static const escape kNothing[] = {{0, NULL}};
    if (!strpbrk(text, ",\"\r\n")) {
        put(file, text, kNothing);
        return;
    }
    fputc('"', file);
    put(file, text, kTable);
    fputc('"', file);
}

void lb_put_gnuplot(FILE *file, const char *text) {
    static const escape kTable[] = {{'"', "''"}, {'\\', "/"}, {'`', "'"}, {0, NULL}};
    fputc('"', file);
    put(file, text, kTable);
    fputc('"', file);
}
