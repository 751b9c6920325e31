/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/bpe_words.h"

#include <string.h>
#include <utf8proc.h>

#include "kernels/base/base.h"

/* ---- words ---- */

typedef enum kind { SPACE, LETTER, NUMBER, OTHER } kind;

/* Bytes of the first character, and what it is. */
static size_t look(lb_text text, kind *is) {
    utf8proc_int32_t c;
    const utf8proc_ssize_t taken = utf8proc_iterate((const uint8_t *)text.bytes, (utf8proc_ssize_t)text.length, &c);
    *is = OTHER;
    if (taken <= 0) return 1;
    if ((c >= '\t' && c <= '\r') || c == 0x85) {
        *is = SPACE;
        return (size_t)taken;
    }
    switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP: *is = SPACE; break;
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO: *is = LETTER; break;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO: *is = NUMBER; break;
        default: break;
    }
    return (size_t)taken;
}

static lb_text behind(lb_text text, size_t bytes) { return (lb_text){text.bytes + bytes, text.length - bytes}; }

/* Bytes of the characters of one kind that the text begins with; *last: those of the last of them. */
static size_t run_of(lb_text text, kind wanted, size_t *last) {
    size_t length = 0;
    kind is;
    while (length < text.length) {
        const size_t taken = look(behind(text, length), &is);
        if (is != wanted) break;
        length += taken;
        *last = taken;
    }
    return length;
}

static size_t ending(lb_text text) {
    static const char *const kEndings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < LB_COUNT(kEndings); i++) {
        const lb_text e = lb_text_of(kEndings[i]);
        if (text.length >= e.length && memcmp(text.bytes, e.bytes, e.length) == 0) return e.length;
    }
    return 0;
}

/* A space belongs to the letters, numbers or signs behind it. Of more spaces the last one does, or, where it is no
 * U+0020, stands alone. */
static size_t word_length(lb_text text) {
    kind is;
    size_t last = 0;
    const size_t ends = ending(text), first = look(text, &is);
    if (ends > 0) return ends;
    if (is != SPACE) return run_of(text, is, &last);
    if (text.bytes[0] == ' ' && text.length > 1) {
        look(behind(text, 1), &is);
        if (is != SPACE) return 1 + run_of(behind(text, 1), is, &last);
    }
    const size_t spaces = run_of(text, SPACE, &last);
    return spaces == text.length || spaces == first ? spaces : spaces - last;
}

lb_text lb_bpe_next_word(lb_text *rest) {
    const lb_text word = {rest->bytes, word_length(*rest)};
    *rest = behind(*rest, word.length);
    return word;
}

/* ---- letters ---- */

/* What is not printable, in order: letters from U+0100 on. */
static const struct { int32_t first, count; } kOthers[] = {{0x00, 0x21}, {0x7F, 0x22}, {0xAD, 1}};
enum { ABOVE = 0x100 };

int32_t lb_bpe_letter(uint8_t byte) {
    int32_t letter = ABOVE;
    for (size_t i = 0; i < LB_COUNT(kOthers); i++) {
        const int32_t at = byte - kOthers[i].first;
        if (at >= 0 && at < kOthers[i].count) return letter + at;
        letter += kOthers[i].count;
    }
    return byte;
}

/* The byte that has this letter, or -1. */
static int32_t byte_of(int32_t letter) {
    int32_t at = letter - ABOVE;
    if (at < 0) return lb_bpe_letter((uint8_t)letter) == letter ? letter : -1;
    for (size_t i = 0; i < LB_COUNT(kOthers); i++) {
        if (at < kOthers[i].count) return kOthers[i].first + at;
        at -= kOthers[i].count;
    }
    return -1;
}

size_t lb_bpe_unspell(lb_text spelled, char *out) {
    size_t length = 0;
    utf8proc_int32_t c;
    for (lb_text rest = spelled; rest.length > 0; length++) {
        const utf8proc_ssize_t taken = utf8proc_iterate((const uint8_t *)rest.bytes, (utf8proc_ssize_t)rest.length, &c);
        const int32_t byte = taken > 0 ? byte_of(c) : -1;
        if (byte < 0) {
            memcpy(out, spelled.bytes, spelled.length);
            return spelled.length;
        }
        out[length] = (char)byte;
        rest = behind(rest, (size_t)taken);
    }
    return length;
}
