/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/braces.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"

/* What ends the word at `text`: the next comma or closing brace that is not of an inner pair, or the text's end. */
static const char *word_end(const char *text) {
    for (int depth = 0; *text; text++) {
        if (depth == 0 && (*text == ',' || *text == '}')) break;
        depth += (*text == '{') - (*text == '}');
    }
    return text;
}

static const char *closing(const char *word) {
    while (*(word = word_end(word)) == ',') word++;
    return word;
}

/* Every step takes one pair away, so texts only become shorter, and the recursion ends. */
lowbit_status lb_braces_expand(const char *pattern, lb_braces_fn take, void *user, lowbit_error *error) {
    LB_REQUIRE(strlen(pattern) < LB_BRACES_TEXT, error, LOWBIT_BAD_FORMAT, "longer than %d characters",
               LB_BRACES_TEXT - 1);
    const char *open = pattern + strcspn(pattern, "{}");
    LB_REQUIRE(*open != '}', error, LOWBIT_BAD_FORMAT, "a } closes nothing in '%s'", pattern);
    if (!*open) return take(user, pattern, error);
    const char *close = closing(open + 1);
    LB_REQUIRE(*close, error, LOWBIT_BAD_FORMAT, "a { is not closed in '%s'", pattern);
    for (const char *word = open + 1; word <= close; word = word_end(word) + 1) {
        char text[LB_BRACES_TEXT];
        snprintf(text, sizeof text, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)(word_end(word) - word), word,
                 close + 1);
        LB_TRY(lb_braces_expand(text, take, user, error));
    }
    return LOWBIT_OK;
}
