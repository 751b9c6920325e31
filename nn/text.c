/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/text.h"

#include <string.h>

lb_text lb_text_of(const char *string) { return (lb_text){string, strlen(string)}; }

bool lb_text_equal(lb_text a, lb_text b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

bool lb_text_line(lb_text *rest, lb_text *line) {
    *line = (lb_text){rest->bytes, rest->length};
    if (rest->length == 0) return false;
    const char *end = memchr(rest->bytes, '\n', rest->length);
    if (end) line->length = (size_t)(end - rest->bytes);
    const size_t taken = line->length + (end != NULL);
    *rest = (lb_text){rest->bytes + taken, rest->length - taken};
    if (end && line->length > 0 && line->bytes[line->length - 1] == '\r') line->length--;
    return true;
}

size_t lb_text_lines(lb_text text) {
    size_t lines = 0;
    for (lb_text line; lb_text_line(&text, &line);) lines++;
    return lines;
}
