/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/wordpiece.h"

#include <string.h>
#include <utf8proc.h>

#include "kernels/base/base.h"
#include "nn/bert_text.h"

/* ---- the doors of the vocabulary ---- */

static lowbit_status find_special(lb_wordpiece *t, lowbit_error *error) {
    const struct {
        const char *piece;
        int32_t *id;
    } specials[] = {{"[UNK]", &t->unknown}, {"[CLS]", &t->start}, {"[SEP]", &t->separator}, {"[PAD]", &t->padding}};
    for (size_t i = 0; i < LB_COUNT(specials); i++) {
        *specials[i].id = lb_vocabulary_find(&t->vocabulary, lb_text_of(specials[i].piece));
        LB_REQUIRE(*specials[i].id >= 0, error, LOWBIT_BAD_FORMAT, "the vocabulary has no %s", specials[i].piece);
    }
    return LOWBIT_OK;
}

static lowbit_status check_flags(uint32_t flags, lowbit_error *error) {
    LB_REQUIRE((flags & ~(uint32_t)(LB_WORDPIECE_CASED | LB_WORDPIECE_FINAL_SIGMA)) == 0, error,
               LOWBIT_INVALID_ARGUMENT, "unknown flags %#x", (unsigned)flags);
    return LOWBIT_OK;
}

static lowbit_status ready(lb_wordpiece *t, lowbit_error *error) {
    const lowbit_status status = find_special(t, error);
    if (status != LOWBIT_OK) lb_wordpiece_close(t);
    return status;
}

lowbit_status lb_wordpiece_open(const char *path, uint32_t flags, lb_wordpiece *tokenizer, lowbit_error *error) {
    *tokenizer = (lb_wordpiece){.flags = flags};
    LB_TRY(check_flags(flags, error));
    LB_TRY(lb_vocabulary_open(path, &tokenizer->vocabulary, error));
    return ready(tokenizer, error);
}

lowbit_status lb_wordpiece_parse(const uint8_t *bytes, size_t length, uint32_t flags, lb_wordpiece *tokenizer,
                                 lowbit_error *error) {
    *tokenizer = (lb_wordpiece){.flags = flags};
    LB_TRY(check_flags(flags, error));
    LB_TRY(lb_vocabulary_parse(bytes, length, &tokenizer->vocabulary, error));
    return ready(tokenizer, error);
}

void lb_wordpiece_close(lb_wordpiece *tokenizer) {
    lb_vocabulary_close(&tokenizer->vocabulary);
    *tokenizer = (lb_wordpiece){.flags = 0};
}

/* ---- words ---- */

enum { MOST_CHARACTERS = 100, MOST_BYTES = 4 * MOST_CHARACTERS, GOES_ON = 2 /* bytes of "##" */ };

/* A text on its way to ids: the word that is being read, and the pieces of those before it. */
typedef struct walk {
    const lb_wordpiece *tokenizer;
    int32_t characters[MOST_CHARACTERS];
    uint8_t orders[MOST_CHARACTERS]; /* their combining classes */
    int count, sorted_from;          /* characters; those that a mark may not pass */
    bool too_long;
    int32_t *ids;
    int64_t room, pieces; /* ids that are kept; pieces so far, which may be more */
} walk;

static bool is_cased(const lb_wordpiece *t) { return t->flags & LB_WORDPIECE_CASED; }

static void put(walk *w, int32_t id) {
    if (w->pieces < w->room) w->ids[w->pieces] = id;
    w->pieces++;
}

/* Combining characters between two others stand in the order of their classes, equal ones as they came. */
static void append(walk *w, int32_t c, uint8_t order) {
    if (w->count == MOST_CHARACTERS) {
        w->too_long = true;
        return;
    }
    int at = w->count++;
    for (; order > 0 && at > w->sorted_from && w->orders[at - 1] > order; at--) {
        w->characters[at] = w->characters[at - 1];
        w->orders[at] = w->orders[at - 1];
    }
    w->characters[at] = c;
    w->orders[at] = order;
}

/* Bytes of the longest piece that begins `text`, which is a whole number of characters, and its id; 0 if none. */
static size_t longest_piece(const lb_vocabulary *v, lb_text text, size_t least, int32_t *id) {
    size_t length = text.length < v->longest ? text.length : v->longest;
    for (; length > least; length--) {
        if (length < text.length && ((uint8_t)text.bytes[length] & 0xC0) == 0x80) continue; /* within a character */
        *id = lb_vocabulary_find(v, (lb_text){text.bytes, length});
        if (*id >= 0) return length;
    }
    return 0;
}

/* Character i of the word, whose capital sigmas are not lowered yet. */
static int32_t spelled(const walk *w, int i) {
    const int32_t c = w->characters[i];
    if (c != LB_CAPITAL_SIGMA || is_cased(w->tokenizer)) return c;
    const bool ends = i == w->count - 1 && i > 0 && lb_bert_is_small_letter(spelled(w, i - 1));
    return ends && (w->tokenizer->flags & LB_WORDPIECE_FINAL_SIGMA) ? LB_FINAL_SIGMA : LB_SMALL_SIGMA;
}

/* The "##" of a piece that goes on is written over the end of the one before it, and in front of the first one. */
static bool put_pieces(walk *w) {
    char bytes[GOES_ON + MOST_BYTES];
    size_t end = GOES_ON, at = GOES_ON;
    for (int i = 0; i < w->count; i++) end += (size_t)utf8proc_encode_char(spelled(w, i), (uint8_t *)bytes + end);
    for (size_t mark = 0; at < end; mark = GOES_ON) {
        int32_t id = -1;
        memset(bytes + at - mark, '#', mark);
        const lb_text rest = {bytes + at - mark, end - at + mark};
        const size_t length = longest_piece(&w->tokenizer->vocabulary, rest, mark, &id);
        if (length == 0) return false;
        put(w, id);
        at += length - mark;
    }
    return true;
}

static void end_word(walk *w) {
    const int64_t before = w->pieces;
    if (w->count > 0 && (w->too_long || !put_pieces(w))) {
        w->pieces = before;
        put(w, w->tokenizer->unknown);
    }
    w->count = w->sorted_from = 0;
    w->too_long = false;
}

static void alone(walk *w, int32_t c) {
    end_word(w);
    append(w, c, 0);
    end_word(w);
}

/* A character of the normalized text. */
static void take(walk *w, int32_t c, uint8_t order) {
    switch (lb_bert_class_of(c)) {
        case LB_BERT_SPACE: end_word(w); break;
        case LB_BERT_PUNCTUATION: alone(w, c); break;
        case LB_BERT_MARK:
            if (is_cased(w->tokenizer))
                append(w, c, 0);
            else if (order == 0)
                w->sorted_from = w->count;
            break;
        default: append(w, c, is_cased(w->tokenizer) ? 0 : order); break;
    }
}

static void normalize(walk *w, int32_t c) {
    int32_t parts[LB_BERT_DECOMPOSED];
    uint8_t orders[LB_BERT_DECOMPOSED];
    const int count = lb_bert_decompose(c, parts, orders);
    for (int i = 0; i < count; i++) take(w, parts[i], orders[i]);
}

/* Pieces of the text, of which `room` are kept; may stop early where only the first `room` count. */
static int64_t tokenize(const lb_wordpiece *t, lb_text text, bool count_all, int64_t room, int32_t *ids) {
    walk w = {.tokenizer = t, .ids = ids, .room = room};
    while (text.length > 0 && (count_all || w.pieces <= room)) {
        const int32_t c = lb_bert_next(&text);
        if (lb_bert_class_of(c) == LB_BERT_CONTROL) continue;
        const bool ideograph = lb_bert_is_ideograph(c);
        if (ideograph) end_word(&w);
        if (is_cased(t))
            take(&w, c, 0);
        else
            normalize(&w, c);
        if (ideograph) end_word(&w);
    }
    end_word(&w);
    return w.pieces;
}

/* ---- rows ---- */

/* Cuts the longer of two lengths to what the budget leaves it, or both to half of it. */
static void cut(int64_t budget, int64_t *first, int64_t *second) {
    int64_t *shorter = *first > *second ? second : first, *longer = *first > *second ? first : second;
    if (*first + *second <= budget) return;
    *shorter = lb_min(*shorter, budget / 2);
    *longer = budget - *shorter;
}

/* Appends the ids, which may stand where they go, and one more. */
static void close_text(lb_token_row *row, const int32_t *ids, int64_t count, int32_t separator, int32_t type) {
    const int64_t begin = row->count;
    memmove(row->ids + begin, ids, (size_t)count * sizeof *ids);
    row->count += (int32_t)count + 1;
    row->ids[row->count - 1] = separator;
    for (int64_t i = begin; i < row->count; i++) row->types[i] = type;
}

lowbit_status lb_wordpiece_encode(const lb_wordpiece *tokenizer, lb_text first, const lb_text *second,
                                  lb_token_row *tokens, lowbit_error *error) {
    const int32_t special = second ? 3 : 2;
    LB_REQUIRE(tokens->capacity >= special, error, LOWBIT_INVALID_ARGUMENT,
               "room for %d tokens: %d are special ones alone", (int)tokens->capacity, (int)special);
    const int64_t budget = tokens->capacity - special;
    int32_t *kept = tokens->mask; /* where pieces of the second text wait */
    int64_t a = tokenize(tokenizer, first, second != NULL, budget, tokens->ids + 1);
    int64_t b = second ? tokenize(tokenizer, *second, true, budget, kept) : 0;
    tokens->truncated = a + b > budget;
    cut(budget, &a, &b);
    tokens->ids[0] = tokenizer->start;
    tokens->types[0] = 0;
    tokens->count = 1;
    close_text(tokens, tokens->ids + 1, a, tokenizer->separator, 0);
    if (second) close_text(tokens, kept, b, tokenizer->separator, 1);
    for (int32_t i = 0; i < tokens->capacity; i++) tokens->mask[i] = i < tokens->count;
    for (int32_t i = tokens->count; i < tokens->capacity; i++) {
        tokens->ids[i] = tokenizer->padding;
        tokens->types[i] = 0;
    }
    return LOWBIT_OK;
}
