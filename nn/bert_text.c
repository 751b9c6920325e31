/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/bert_text.h"

#include <utf8proc.h>

#include "kernels/base/base.h"

typedef struct range {
    int32_t first, last;
} range;

/* Where Unicode 9 to 16 added marks, punctuation and controls. Ranges reach over letters and unassigned characters
 * beside these, since both are letters here anyway; tests/wordpiece_py.py looks at every character. */
static const range kLater[] = {
    {0x61D, 0x61D},     {0x7FB, 0x7FD},     {0x85F, 0x8E2},     {0x9E4, 0xA00},     {0xA76, 0xA80},
    {0xAF2, 0xB00},     {0xB4E, 0xB55},     {0xC04, 0xC3C},     {0xC64, 0xC77},     {0xC84, 0xCBB},
    {0xCE4, 0xD00},     {0xD0D, 0xD3C},     {0xD64, 0xDC9},     {0xEBA, 0xEBA},     {0xECE, 0xEFF},
    {0x180F, 0x1886},   {0x1ABF, 0x1AFF},   {0x1B4D, 0x1B4F},   {0x1B7D, 0x1B7F},   {0x1DF6, 0x1DFB},
    {0x2E43, 0x2FFF},   {0xA82C, 0xA83F},   {0xA8C5, 0xA8CD},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},
    {0x10B9D, 0x10FFF}, {0x1104E, 0x1107E}, {0x110C2, 0x110FF}, {0x111CF, 0x111CF}, {0x1123E, 0x1129E},
    {0x11304, 0x1133B}, {0x11375, 0x1147F}, {0x11645, 0x1167F}, {0x116B9, 0x1171C}, {0x11747, 0x1246F},
    {0x12475, 0x16A6D}, {0x16B46, 0x16F8E}, {0x16FA0, 0x1BC9B}, {0x1BCA4, 0x1D128}, {0x1DAB0, 0x1E8C6},
    {0x1E8D7, 0xE0000}};

/* Characters that Unicode 8 had in another class than later versions have. */
static const struct moved {
    int32_t c;
    lb_bert_class was;
} kMoved[] = {{0x166D, LB_BERT_PUNCTUATION}, {0x1734, LB_BERT_MARK}, {0x111C9, LB_BERT_PUNCTUATION}};

/* BERT's own list ends an extension at U+2CEAF that begins at U+2B820; `tokenizers` begins it at U+2B920. */
static const range kIdeographs[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},  {0x20000, 0x2A6DF},
                                    {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};

/* Ranges are sorted. */
static bool is_among(const range *ranges, size_t count, int32_t c) {
    size_t low = 0;
    while (count > 0) {
        const size_t half = count / 2;
        if (ranges[low + half].last < c) {
            low += half + 1;
            count -= half + 1;
        } else if (ranges[low + half].first > c) {
            count = half;
        } else {
            return true;
        }
    }
    return false;
}

static lb_bert_class class_now(int32_t c) {
    switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CO: return LB_BERT_CONTROL;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP: return LB_BERT_SPACE;
        case UTF8PROC_CATEGORY_MN: return LB_BERT_MARK;
        case UTF8PROC_CATEGORY_PC:
        case UTF8PROC_CATEGORY_PD:
        case UTF8PROC_CATEGORY_PS:
        case UTF8PROC_CATEGORY_PE:
        case UTF8PROC_CATEGORY_PI:
        case UTF8PROC_CATEGORY_PF:
        case UTF8PROC_CATEGORY_PO: return LB_BERT_PUNCTUATION;
        default: return LB_BERT_LETTER;
    }
}

static lb_bert_class class_of_ascii(int32_t c) {
    if (c == '\t' || c == '\n' || c == '\r' || c == ' ') return LB_BERT_SPACE;
    if (c < ' ' || c == 0x7F) return LB_BERT_CONTROL;
    const bool alphabetic = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return alphabetic || (c >= '0' && c <= '9') ? LB_BERT_LETTER : LB_BERT_PUNCTUATION;
}

lb_bert_class lb_bert_class_of(int32_t c) {
    if (c < 0x80) return class_of_ascii(c);
    if (c == 0xFFFD) return LB_BERT_CONTROL;
    for (size_t i = 0; i < LB_COUNT(kMoved); i++)
        if (kMoved[i].c == c) return kMoved[i].was;
    const lb_bert_class now = class_now(c);
    return now == LB_BERT_LETTER || !is_among(kLater, LB_COUNT(kLater), c) ? now : LB_BERT_LETTER;
}

bool lb_bert_is_ideograph(int32_t c) { return is_among(kIdeographs, LB_COUNT(kIdeographs), c); }

int32_t lb_bert_next(lb_text *text) {
    int32_t c = (uint8_t)text->bytes[0];
    utf8proc_ssize_t taken = 1;
    if (c >= 0x80) taken = utf8proc_iterate((const uint8_t *)text->bytes, (utf8proc_ssize_t)text->length, &c);
    if (taken <= 0) {
        c = 0xFFFD;
        taken = 1;
    }
    *text = (lb_text){text->bytes + taken, text->length - (size_t)taken};
    return c;
}

int lb_bert_decompose(int32_t c, int32_t out[LB_BERT_DECOMPOSED], uint8_t orders[LB_BERT_DECOMPOSED]) {
    int boundary = 0;
    utf8proc_ssize_t count = 1;
    out[0] = c;
    if (c >= 0x80) count = utf8proc_decompose_char(c, out, LB_BERT_DECOMPOSED, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        orders[i] = (uint8_t)utf8proc_get_property(out[i])->combining_class;
        if (out[i] != LB_CAPITAL_SIGMA) out[i] = utf8proc_tolower(out[i]);
    }
    return (int)count;
}

bool lb_bert_is_small_letter(int32_t c) { return utf8proc_category(c) == UTF8PROC_CATEGORY_LL; }
