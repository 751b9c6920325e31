/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/vocabulary.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "kernels/base/base.h"
#include "tuner/words.h"

/* A table is at most half full, so that honest pieces stand within a few dozen slots of their place. */
enum { MOST_PIECES = 1 << 24, MOST_STEPS = 1000 };

/* The slot of the piece, or the free one where it would stand; -1 if that is too far from its place. */
static int64_t slot_of(const lb_vocabulary *v, lb_text piece) {
    size_t at = (size_t)lb_hash(piece.bytes, piece.length) & v->last_slot;
    for (int step = 0; step < MOST_STEPS; step++, at = (at + 1) & v->last_slot)
        if (v->slots[at] < 0 || lb_text_equal(v->pieces[v->slots[at]], piece)) return (int64_t)at;
    return -1;
}

int32_t lb_vocabulary_find(const lb_vocabulary *vocabulary, lb_text piece) {
    if (piece.length == 0 || piece.length > vocabulary->longest) return -1;
    const int64_t slot = slot_of(vocabulary, piece);
    return slot < 0 ? -1 : vocabulary->slots[slot];
}

static bool is_utf8(lb_text text) {
    const uint8_t *at = (const uint8_t *)text.bytes;
    utf8proc_int32_t c;
    for (size_t left = text.length; left > 0;) {
        const utf8proc_ssize_t taken = utf8proc_iterate(at, (utf8proc_ssize_t)left, &c);
        if (taken <= 0) return false;
        at += taken;
        left -= (size_t)taken;
    }
    return true;
}

lowbit_status lb_vocabulary_take(size_t count, lb_vocabulary *v, lowbit_error *error) {
    size_t slots = 2;
    *v = (lb_vocabulary){.count = 0};
    LB_REQUIRE(count <= MOST_PIECES, error, LOWBIT_BAD_FORMAT, "%zu pieces: a vocabulary has at most %d", count,
               (int)MOST_PIECES);
    while (slots < 2 * (count + 1)) slots *= 2;
    v->pieces = malloc((count + 1) * sizeof *v->pieces);
    v->slots = malloc(slots * sizeof *v->slots);
    LB_REQUIRE(v->pieces && v->slots, error, LOWBIT_NO_MEMORY, "no memory for %zu pieces", count);
    memset(v->slots, 0xFF, slots * sizeof *v->slots); /* -1 */
    v->last_slot = slots - 1;
    return LOWBIT_OK;
}

bool lb_vocabulary_add(lb_vocabulary *v, lb_text piece) {
    v->pieces[v->count] = piece;
    if (piece.length > 0) {
        const int64_t slot = slot_of(v, piece);
        if (slot < 0) return false;
        v->slots[slot] = v->count;
    }
    if (piece.length > v->longest) v->longest = piece.length;
    v->count++;
    return true;
}

static lowbit_status add_line(lb_vocabulary *v, lb_text piece, lowbit_error *error) {
    const long long line = v->count + 1LL;
    LB_REQUIRE(is_utf8(piece), error, LOWBIT_BAD_FORMAT, "line %lld is no UTF-8", line);
    LB_REQUIRE(piece.length == 0 || !memchr(piece.bytes, '\r', piece.length), error, LOWBIT_BAD_FORMAT,
               "line %lld has a carriage return before its end", line);
    LB_REQUIRE(lb_vocabulary_add(v, piece), error, LOWBIT_BAD_FORMAT,
               "line %lld is one of too many pieces with like hashes", line);
    return LOWBIT_OK;
}

static lowbit_status read_lines(lb_text text, lb_vocabulary *v, lowbit_error *error) {
    lb_text line;
    LB_TRY(lb_vocabulary_take(lb_text_lines(text), v, error));
    while (lb_text_line(&text, &line)) LB_TRY(add_line(v, line, error));
    return LOWBIT_OK;
}

lowbit_status lb_vocabulary_parse(const uint8_t *bytes, size_t length, lb_vocabulary *vocabulary, lowbit_error *error) {
    const lowbit_status status = read_lines((lb_text){(const char *)bytes, length}, vocabulary, error);
    if (status != LOWBIT_OK) lb_vocabulary_close(vocabulary);
    return status;
}

lowbit_status lb_vocabulary_open(const char *path, lb_vocabulary *vocabulary, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *vocabulary = (lb_vocabulary){.count = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_vocabulary_parse(mapped.bytes, mapped.length, vocabulary, &reason);
    if (status == LOWBIT_OK)
        vocabulary->mapped = mapped;
    else
        lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}

void lb_vocabulary_close(lb_vocabulary *vocabulary) {
    free(vocabulary->pieces);
    free(vocabulary->slots);
    lb_unmap(&vocabulary->mapped);
    *vocabulary = (lb_vocabulary){.count = 0};
}
