/* SPDX-License-Identifier: Apache-2.0 */
/* Merging: neighbours that are a pair wait in a heap; a merge brings at most two new ones. What a merge has made stale
 * is recognized when its turn comes. */
#include "nn/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/bpe_words.h"

/* ---- pairs ---- */

/* A table is at most half full, so that honest pairs stand within a few dozen places of their own. */
enum { MOST_PAIRS = 1 << 26, MOST_STEPS = 1000 };

static size_t place_of(int32_t left, int32_t right) {
    uint64_t x = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (size_t)(x ^ x >> 31);
}

/* The pair, or the free place where it would stand; NULL if that is too far. */
static lb_bpe_pair *find_pair(const lb_bpe *bpe, int32_t left, int32_t right) {
    size_t at = place_of(left, right) & bpe->last_pair;
    for (int step = 0; step < MOST_STEPS; step++, at = (at + 1) & bpe->last_pair) {
        lb_bpe_pair *pair = &bpe->pairs[at];
        if (pair->left < 0 || (pair->left == left && pair->right == right)) return pair;
    }
    return NULL;
}

lowbit_status lb_bpe_take_pairs(lb_bpe *bpe, size_t count, lowbit_error *error) {
    size_t places = 2;
    LB_REQUIRE(count <= MOST_PAIRS, error, LOWBIT_BAD_FORMAT, "%zu pairs: a tokenizer has at most %d", count,
               (int)MOST_PAIRS);
    while (places < 2 * (count + 1)) places *= 2;
    bpe->pairs = malloc(places * sizeof *bpe->pairs);
    LB_REQUIRE(bpe->pairs, error, LOWBIT_NO_MEMORY, "no memory for %zu pairs", count);
    memset(bpe->pairs, 0xFF, places * sizeof *bpe->pairs); /* left is -1 */
    bpe->last_pair = places - 1;
    return LOWBIT_OK;
}

bool lb_bpe_add_pair(lb_bpe *bpe, lb_bpe_pair pair) {
    lb_bpe_pair *place = find_pair(bpe, pair.left, pair.right);
    if (place) *place = pair;
    return place != NULL;
}

lowbit_status lb_bpe_find_bytes(lb_bpe *bpe, lowbit_error *error) {
    for (int b = 0; b < LB_BPE_BYTES; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
        bpe->bytes[b] = lb_vocabulary_find(&bpe->vocabulary, lb_text_of(name));
        LB_REQUIRE(bpe->bytes[b] >= 0, error, LOWBIT_BAD_FORMAT, "the vocabulary has no %s", name);
    }
    for (int b = 0; b < LB_BPE_BYTES; b++) {
        lb_text *piece = &bpe->vocabulary.pieces[bpe->bytes[b]];
        bpe->text[piece->bytes - bpe->text] = (char)b;
        piece->length = 1;
    }
    return LOWBIT_OK;
}

/* ---- one word ---- */

typedef struct symbol {
    int32_t id;             /* -1: has become part of the one before */
    int32_t previous, next; /* -1 = none */
} symbol;

/* Neighbours `at` and the next one, when they were seen. */
typedef struct candidate {
    float priority;
    int32_t at, merged;
} candidate;

typedef struct word {
    const lb_bpe *bpe;
    symbol *symbols;
    int32_t count;
    candidate *heap; /* every parent before its children, 2 i + 1 and 2 i + 2 */
    int32_t waiting;
} word;

static bool comes_before(const candidate *a, const candidate *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->at < b->at;
}

static void push(word *w, candidate c) {
    int32_t at = w->waiting++;
    for (; at > 0 && comes_before(&c, &w->heap[(at - 1) / 2]); at = (at - 1) / 2) w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = c;
}

static candidate pop(word *w) {
    const candidate first = w->heap[0], last = w->heap[--w->waiting];
    int32_t at = 0;
    for (int32_t child; (child = 2 * at + 1) < w->waiting; at = child) {
        if (child + 1 < w->waiting && comes_before(&w->heap[child + 1], &w->heap[child])) child++;
        if (!comes_before(&w->heap[child], &last)) break;
        w->heap[at] = w->heap[child];
    }
    w->heap[at] = last;
    return first;
}

/* The pair of symbol `at` and the next one; NULL if there is none. */
static const lb_bpe_pair *pair_at(const word *w, int32_t at) {
    const symbol *s = &w->symbols[at];
    if (s->id < 0 || s->next < 0) return NULL;
    const lb_bpe_pair *pair = find_pair(w->bpe, s->id, w->symbols[s->next].id);
    return pair && pair->left >= 0 ? pair : NULL;
}

static void look_at(word *w, int32_t at) {
    const lb_bpe_pair *pair = at >= 0 ? pair_at(w, at) : NULL;
    if (pair) push(w, (candidate){pair->priority, at, pair->merged});
}

static void merge(word *w) {
    for (int32_t i = 0; i < w->count; i++) look_at(w, i);
    while (w->waiting > 0) {
        const candidate c = pop(w);
        const lb_bpe_pair *pair = pair_at(w, c.at);
        if (!pair || pair->merged != c.merged) continue;
        symbol *s = &w->symbols[c.at], *gone = &w->symbols[s->next];
        s->id = c.merged;
        s->next = gone->next;
        gone->id = -1;
        if (s->next >= 0) w->symbols[s->next].previous = c.at;
        look_at(w, s->previous);
        look_at(w, c.at);
    }
}

static void add_symbol(word *w, int32_t id) {
    const int32_t at = w->count++;
    w->symbols[at] = (symbol){id, at - 1, -1};
    if (at > 0) w->symbols[at - 1].next = at;
}

static void add_bytes(word *w, lb_text text) {
    for (size_t i = 0; i < text.length; i++) add_symbol(w, w->bpe->bytes[(uint8_t)text.bytes[i]]);
}

/* Characters: a byte and up to three that go on with it, which no space in front does. */
static void add_characters(word *w, lb_text text, bool spaced) {
    for (size_t at = 0, length; at < text.length; at += length) {
        const size_t most = spaced && at == 0 ? 1 : 4;
        for (length = 1; length < most && at + length < text.length; length++)
            if (((uint8_t)text.bytes[at + length] & 0xC0) != 0x80) break;
        const lb_text character = {text.bytes + at, length};
        const int32_t id = lb_vocabulary_find(&w->bpe->vocabulary, character);
        if (id >= 0)
            add_symbol(w, id);
        else
            add_bytes(w, character);
    }
}

/* ---- texts ---- */

/* All memory of an encoding. */
typedef struct scratch {
    char *text;
    symbol *symbols;
    candidate *heap;
} scratch;

/* A word of n symbols has n - 1 neighbours, and each of at most n - 1 merges brings two. */
static lowbit_status take(size_t length, scratch *s, lowbit_error *error) {
    s->text = malloc(length + 1);
    s->symbols = malloc((length + 1) * sizeof *s->symbols);
    s->heap = malloc(3 * (length + 1) * sizeof *s->heap);
    LB_REQUIRE(s->text && s->symbols && s->heap, error, LOWBIT_NO_MEMORY, "no memory for a text of %zu bytes", length);
    return LOWBIT_OK;
}

static void encode_word(const lb_bpe *bpe, lb_text text, bool spaced, const scratch *s, int32_t *ids, int64_t *count) {
    word w = {.bpe = bpe, .symbols = s->symbols, .heap = s->heap};
    if (bpe->words)
        add_bytes(&w, text);
    else
        add_characters(&w, text, spaced);
    merge(&w);
    for (int32_t at = 0; at >= 0; at = w.symbols[at].next) ids[(*count)++] = w.symbols[at].id;
}

lowbit_status lb_bpe_encode(const lb_bpe *bpe, lb_text text, int32_t *ids, int64_t *count, lowbit_error *error) {
    scratch s = {NULL};
    *count = 0;
    LB_REQUIRE(text.length <= LB_BPE_TEXT, error, LOWBIT_INVALID_ARGUMENT, "a text of %zu bytes: at most %d",
               text.length, (int)LB_BPE_TEXT);
    if (text.length == 0) return LOWBIT_OK;
    const bool spaced =
        bpe->space == LB_BPE_SPACE_ALWAYS || (bpe->space == LB_BPE_SPACE_IF_NONE && text.bytes[0] != ' ');
    const lowbit_status status = take(text.length + 1, &s, error);
    if (status == LOWBIT_OK) {
        s.text[0] = ' ';
        memcpy(s.text + spaced, text.bytes, text.length);
        lb_text rest = {s.text, text.length + spaced};
        if (!bpe->words) encode_word(bpe, rest, spaced, &s, ids, count);
        while (bpe->words && rest.length > 0) encode_word(bpe, lb_bpe_next_word(&rest), spaced, &s, ids, count);
    }
    free(s.text);
    free(s.symbols);
    free(s.heap);
    return status;
}

lb_text lb_bpe_decode(const lb_bpe *bpe, int32_t previous, int32_t id) {
    const lb_text piece = bpe->vocabulary.pieces[id];
    const bool spaced = !bpe->words && bpe->space != LB_BPE_SPACE_NEVER && previous == bpe->start && previous >= 0;
    const size_t skip = spaced && piece.length > 0 && piece.bytes[0] == ' ';
    return (lb_text){piece.bytes + skip, piece.length - skip};
}

void lb_bpe_close(lb_bpe *bpe) {
    lb_vocabulary_close(&bpe->vocabulary);
    free(bpe->pairs);
    free(bpe->text);
    *bpe = (lb_bpe){.start = -1, .end = -1};
}
