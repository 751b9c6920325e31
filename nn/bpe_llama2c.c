/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.bin of llama2.c: an int32 (bytes of the longest piece), and for each piece an f32 score, an int32 length
 * and its bytes. Two pieces are a pair where what they say together is a piece, whose score is the priority. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/bpe.h"
#include "nn/tensor.h"

enum { PREFIX = 4, FRONT = 8, MOST_PIECE = 512, SPECIAL = 3 /* <unk>, <s>, </s> */, START = 1, END = 2 };

/* A piece of the file. */
typedef struct entry {
    float score;
    lb_text piece;
} entry;

static int32_t int_at(const char *p) {
    const uint8_t *b = (const uint8_t *)p;
    return (int32_t)(b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

/* Takes the next piece off *rest. */
static lowbit_status next_entry(lb_text *rest, int64_t number, entry *e, lowbit_error *error) {
    LB_REQUIRE(rest->length >= FRONT, error, LOWBIT_BAD_FORMAT, "piece %lld is cut short", (long long)number);
    e->score = lb_dtype_of("F32")->at((const uint8_t *)rest->bytes);
    const int32_t length = int_at(rest->bytes + 4);
    LB_REQUIRE(isfinite(e->score), error, LOWBIT_BAD_FORMAT, "the score of piece %lld is no number", (long long)number);
    LB_REQUIRE(length >= 0 && length <= MOST_PIECE && (size_t)length <= rest->length - FRONT, error, LOWBIT_BAD_FORMAT,
               "piece %lld has %lld bytes: at most %d, and %zu are left", (long long)number, (long long)length,
               (int)MOST_PIECE, rest->length - FRONT);
    e->piece = (lb_text){rest->bytes + FRONT, (size_t)length};
    *rest = (lb_text){e->piece.bytes + length, rest->length - FRONT - (size_t)length};
    return LOWBIT_OK;
}

static lowbit_status count_entries(lb_text rest, int64_t *count, lowbit_error *error) {
    entry e;
    for (*count = 0; rest.length > 0; ++*count) LB_TRY(next_entry(&rest, *count, &e, error));
    LB_REQUIRE(*count >= SPECIAL + LB_BPE_BYTES, error, LOWBIT_BAD_FORMAT,
               "%lld pieces: a tokenizer of llama2.c begins with %d", (long long)*count, SPECIAL + LB_BPE_BYTES);
    return LOWBIT_OK;
}

static lowbit_status read_pieces(lb_text rest, int64_t count, float *scores, lb_bpe *bpe, lowbit_error *error) {
    char *at = bpe->text;
    for (int64_t i = 0; i < count; i++) {
        entry e;
        LB_TRY(next_entry(&rest, i, &e, error));
        scores[i] = e.score;
        if (e.piece.length > 0) memcpy(at, e.piece.bytes, e.piece.length);
        LB_REQUIRE(lb_vocabulary_add(&bpe->vocabulary, (lb_text){at, e.piece.length}), error, LOWBIT_BAD_FORMAT,
                   "piece %lld is one of too many with like hashes", (long long)i);
        at += e.piece.length;
    }
    return LOWBIT_OK;
}

/* The pair that a piece falls into behind so many bytes; false if it is none. */
static bool pair_of(const lb_bpe *bpe, int32_t id, size_t cut, float score, lb_bpe_pair *pair) {
    const lb_text piece = bpe->vocabulary.pieces[id];
    const int32_t left = lb_vocabulary_find(&bpe->vocabulary, (lb_text){piece.bytes, cut});
    if (left < 0) return false;
    const int32_t right = lb_vocabulary_find(&bpe->vocabulary, (lb_text){piece.bytes + cut, piece.length - cut});
    *pair = (lb_bpe_pair){left, right, lb_vocabulary_find(&bpe->vocabulary, piece), score};
    return right >= 0;
}

static lowbit_status find_pairs(const float *scores, lb_bpe *bpe, lowbit_error *error) {
    const lb_vocabulary *v = &bpe->vocabulary;
    lb_bpe_pair pair;
    size_t count = 0;
    for (int32_t i = 0; i < v->count; i++)
        for (size_t cut = 1; cut < v->pieces[i].length; cut++) count += pair_of(bpe, i, cut, scores[i], &pair);
    LB_TRY(lb_bpe_take_pairs(bpe, count, error));
    for (int32_t i = 0; i < v->count; i++)
        for (size_t cut = 1; cut < v->pieces[i].length; cut++)
            LB_REQUIRE(!pair_of(bpe, i, cut, scores[i], &pair) || lb_bpe_add_pair(bpe, pair), error, LOWBIT_BAD_FORMAT,
                       "piece %d is one of too many pairs with like hashes", (int)i);
    return LOWBIT_OK;
}

static lowbit_status read_all(lb_text rest, lb_bpe *bpe, float **scores, lowbit_error *error) {
    int64_t count;
    LB_REQUIRE(rest.length >= PREFIX, error, LOWBIT_BAD_FORMAT, "%zu bytes are no tokenizer of llama2.c", rest.length);
    rest = (lb_text){rest.bytes + PREFIX, rest.length - PREFIX};
    LB_TRY(count_entries(rest, &count, error));
    LB_TRY(lb_vocabulary_take((size_t)count, &bpe->vocabulary, error));
    *scores = calloc((size_t)count, sizeof **scores);
    bpe->text = malloc(rest.length);
    LB_REQUIRE(*scores && bpe->text, error, LOWBIT_NO_MEMORY, "no memory for %zu bytes of pieces", rest.length);
    LB_TRY(read_pieces(rest, count, *scores, bpe, error));
    LB_TRY(find_pairs(*scores, bpe, error));
    return lb_bpe_find_bytes(bpe, error);
}

lowbit_status lb_bpe_parse_llama2c(lb_text tokenizer, lb_bpe *bpe, lowbit_error *error) {
    float *scores = NULL;
    *bpe = (lb_bpe){.space = LB_BPE_SPACE_ALWAYS, .start = START, .end = END, .starts = true};
    const lowbit_status status = read_all(tokenizer, bpe, &scores, error);
    free(scores);
    if (status != LOWBIT_OK) lb_bpe_close(bpe);
    return status;
}
