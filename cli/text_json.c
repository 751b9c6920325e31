/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "cli/cli.h"

json_t *lb_cli_text_json(const char *text, size_t length) {
    static const char kReplacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    enum { REPLACEMENT = sizeof kReplacement - 1 };
    char *clean = malloc(REPLACEMENT * length + 1);
    if (!clean) return NULL;
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t taken =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(length - i), &point);
        const size_t bytes = taken > 0 ? (size_t)taken : REPLACEMENT;
        memcpy(clean + used, taken > 0 ? text + i : kReplacement, bytes);
        used += bytes;
        i += taken > 0 ? (size_t)taken : 1;
    }
    json_t *string = json_stringn(clean, used);
    free(clean);
    return string;
}
