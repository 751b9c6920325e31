/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers of Hugging Face: tokenizer.json, and GPT-2's vocab.json with merges.txt. Pieces are spelled in letters for
 * bytes (nn/bpe_words.h), or with U+2581 for spaces. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/bpe.h"
#include "nn/bpe_words.h"

enum { LONGEST = 1 << 28, MOST_PIECE = 1024 };

static const char kSpace[] = "\xE2\x96\x81"; /* U+2581 */

/* out[returned] = a piece with its spaces. */
static size_t unspell_spaces(lb_text spelled, char *out) {
    const size_t mark = sizeof kSpace - 1;
    size_t length = 0;
    for (size_t at = 0; at < spelled.length; length++) {
        const bool space = spelled.length - at >= mark && memcmp(spelled.bytes + at, kSpace, mark) == 0;
        out[length] = space ? ' ' : spelled.bytes[at];
        at += space ? mark : 1;
    }
    return length;
}

typedef struct reader {
    lb_bpe *bpe;
    size_t (*unspell)(lb_text spelled, char *out);
    const json_t *vocabulary, *added; /* {PIECE: id, ...}, [{"id": , "content": }, ...] or NULL */
} reader;

static lowbit_status load(lb_text text, json_t **json, lowbit_error *error) {
    json_error_t why;
    LB_REQUIRE(text.length <= LONGEST, error, LOWBIT_BAD_FORMAT, "%zu bytes are no tokenizer", text.length);
    *json = json_loadb(text.length > 0 ? text.bytes : "", text.length, JSON_REJECT_DUPLICATES, &why);
    LB_REQUIRE(*json, error, json_error_code(&why) == json_error_out_of_memory ? LOWBIT_NO_MEMORY : LOWBIT_BAD_FORMAT,
               "line %d is no JSON: %s", why.line, why.text);
    return LOWBIT_OK;
}

/* ---- pieces ---- */

/* The pieces by their ids, of which some may be missing. */
typedef struct listing {
    lb_text *pieces;
    int64_t room, count; /* count: the greatest id + 1 */
    char *end;           /* of the text so far */
} listing;

static lowbit_status list_piece(const reader *r, listing *l, lb_text spelled, const json_t *number, bool as_is,
                                lowbit_error *error) {
    const json_int_t id = json_integer_value(number);
    LB_REQUIRE(json_is_integer(number) && id >= 0 && id < l->room, error, LOWBIT_BAD_FORMAT,
               "the id of \"%.64s\" is none of %lld", spelled.bytes, (long long)l->room);
    lb_text *piece = &l->pieces[id];
    if (as_is && piece->bytes) return LOWBIT_OK; /* an added token that the vocabulary has, too */
    LB_REQUIRE(!piece->bytes, error, LOWBIT_BAD_FORMAT, "two pieces have the id %lld", (long long)id);
    if (as_is) memcpy(l->end, spelled.bytes, spelled.length);
    *piece = (lb_text){l->end, as_is ? spelled.length : r->unspell(spelled, l->end)};
    l->end += piece->length;
    if (id >= l->count) l->count = id + 1;
    return LOWBIT_OK;
}

static lb_text text_of(const json_t *string) {
    return (lb_text){json_string_value(string), json_string_length(string)};
}

static lowbit_status list_all(const reader *r, listing *l, lowbit_error *error) {
    const char *spelled;
    const json_t *id, *token;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)r->vocabulary, spelled, id)
        LB_TRY(list_piece(r, l, lb_text_of(spelled), id, false, error));
    json_array_foreach(r->added, i, token) {
        const json_t *content = json_object_get(token, "content");
        LB_REQUIRE(json_is_string(content), error, LOWBIT_BAD_FORMAT, "added token %zu has no \"content\"", i);
        LB_TRY(list_piece(r, l, text_of(content), json_object_get(token, "id"), true, error));
    }
    for (int64_t at = 0; at < l->count; at++)
        LB_REQUIRE(lb_vocabulary_add(&r->bpe->vocabulary, l->pieces[at]), error, LOWBIT_BAD_FORMAT,
                   "piece %lld is one of too many with like hashes", (long long)at);
    return LOWBIT_OK;
}

/* Ids may leave as many out as there are. */
static lowbit_status read_pieces(const reader *r, lowbit_error *error) {
    const char *spelled;
    const json_t *value;
    size_t i, bytes = 1;
    LB_REQUIRE(json_is_object(r->vocabulary) && (!r->added || json_is_array(r->added)), error, LOWBIT_BAD_FORMAT,
               "there is no vocabulary, or \"added_tokens\" is no list");
    json_object_foreach((json_t *)(uintptr_t)r->vocabulary, spelled, value) bytes += strlen(spelled);
    json_array_foreach(r->added, i, value) bytes += json_string_length(json_object_get(value, "content"));
    listing l = {.room = 2 * (int64_t)(json_object_size(r->vocabulary) + json_array_size(r->added))};
    LB_TRY(lb_vocabulary_take((size_t)l.room, &r->bpe->vocabulary, error));
    l.pieces = calloc((size_t)l.room + 1, sizeof *l.pieces);
    l.end = r->bpe->text = malloc(bytes);
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (l.pieces && l.end)
        status = list_all(r, &l, error);
    else
        lb_fail(error, status, "no memory for %zu bytes of pieces", bytes);
    free(l.pieces);
    return status;
}

/* ---- merges ---- */

static lowbit_status add_merge(const reader *r, lb_text left, lb_text right, size_t rank, lowbit_error *error) {
    char said[2 * MOST_PIECE];
    const lb_vocabulary *v = &r->bpe->vocabulary;
    LB_REQUIRE(left.length <= MOST_PIECE && right.length <= MOST_PIECE, error, LOWBIT_BAD_FORMAT,
               "merge %zu has more than %d bytes", rank, (int)MOST_PIECE);
    const size_t first = r->unspell(left, said), second = r->unspell(right, said + first);
    const lb_bpe_pair pair = {lb_vocabulary_find(v, (lb_text){said, first}),
                              lb_vocabulary_find(v, (lb_text){said + first, second}),
                              lb_vocabulary_find(v, (lb_text){said, first + second}), -(float)rank};
    LB_REQUIRE(pair.left >= 0 && pair.right >= 0 && pair.merged >= 0, error, LOWBIT_BAD_FORMAT,
               "merge %zu, \"%.*s\" and \"%.*s\": one of them, or both together, are no piece", rank,
               (int)lb_min((int64_t)left.length, 32), left.bytes, (int)lb_min((int64_t)right.length, 32), right.bytes);
    LB_REQUIRE(lb_bpe_add_pair(r->bpe, pair), error, LOWBIT_BAD_FORMAT, "merge %zu is one of too many with like hashes",
               rank);
    return LOWBIT_OK;
}

/* "left right" */
static lowbit_status add_line(const reader *r, lb_text line, size_t rank, lowbit_error *error) {
    const char *space = line.length > 0 ? memchr(line.bytes, ' ', line.length) : NULL;
    const size_t cut = space ? (size_t)(space - line.bytes) : 0, behind = line.length - cut - (space != NULL);
    LB_REQUIRE(space && cut > 0 && behind > 0 && !memchr(space + 1, ' ', behind), error, LOWBIT_BAD_FORMAT,
               "merge %zu is no two pieces: \"%.*s\"", rank, (int)lb_min((int64_t)line.length, 64), line.bytes);
    return add_merge(r, (lb_text){line.bytes, cut}, (lb_text){space + 1, behind}, rank, error);
}

static lowbit_status read_merges_json(const reader *r, const json_t *merges, lowbit_error *error) {
    size_t rank;
    const json_t *merge;
    LB_REQUIRE(json_is_array(merges), error, LOWBIT_BAD_FORMAT, "\"merges\" is no list");
    LB_TRY(lb_bpe_take_pairs(r->bpe, json_array_size(merges), error));
    json_array_foreach(merges, rank, merge) {
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        if (json_is_string(merge)) {
            LB_TRY(add_line(r, text_of(merge), rank, error));
            continue;
        }
        LB_REQUIRE(json_is_string(left) && json_is_string(right), error, LOWBIT_BAD_FORMAT,
                   "merge %zu is no two pieces", rank);
        LB_TRY(add_merge(r, text_of(left), text_of(right), rank, error));
    }
    return LOWBIT_OK;
}

static lowbit_status read_merges_lines(const reader *r, lb_text merges, lowbit_error *error) {
    static const char kVersion[] = "#version";
    size_t rank = 0;
    LB_TRY(lb_bpe_take_pairs(r->bpe, lb_text_lines(merges), error));
    for (lb_text line; lb_text_line(&merges, &line);)
        if (line.length < strlen(kVersion) || memcmp(line.bytes, kVersion, strlen(kVersion)) != 0)
            LB_TRY(add_line(r, line, rank++, error));
    return LOWBIT_OK;
}

/* ---- GPT-2's bytes, what begins and ends texts ---- */

static lowbit_status find_letters(lb_bpe *bpe, lowbit_error *error) {
    for (int b = 0; b < LB_BPE_BYTES; b++) {
        const char byte = (char)b;
        bpe->bytes[b] = lb_vocabulary_find(&bpe->vocabulary, (lb_text){&byte, 1});
        LB_REQUIRE(bpe->bytes[b] >= 0, error, LOWBIT_BAD_FORMAT, "the vocabulary has no piece for byte %d, U+%04X", b,
                   (unsigned)lb_bpe_letter((uint8_t)b));
    }
    return LOWBIT_OK;
}

static lowbit_status finish(const reader *r, lowbit_error *error) {
    lb_bpe *bpe = r->bpe;
    static const char kText[] = "<|endoftext|>";
    bpe->start = lb_vocabulary_find(&bpe->vocabulary, lb_text_of(bpe->words ? kText : "<s>"));
    bpe->end = lb_vocabulary_find(&bpe->vocabulary, lb_text_of(bpe->words ? kText : "</s>"));
    bpe->starts = !bpe->words && bpe->start >= 0;
    return bpe->words ? find_letters(bpe, error) : lb_bpe_find_bytes(bpe, error);
}

lowbit_status lb_bpe_parse_gpt2(lb_text vocabulary, lb_text merges, lb_bpe *bpe, lowbit_error *error) {
    json_t *json = NULL;
    *bpe = (lb_bpe){.words = true};
    LB_TRY(load(vocabulary, &json, error));
    const reader r = {bpe, lb_bpe_unspell, json, NULL};
    lowbit_status status = read_pieces(&r, error);
    if (status == LOWBIT_OK) status = read_merges_lines(&r, merges, error);
    if (status == LOWBIT_OK) status = finish(&r, error);
    json_decref(json);
    if (status != LOWBIT_OK) lb_bpe_close(bpe);
    return status;
}

/* ---- tokenizer.json ---- */

static bool is(const json_t *object, const char *key, const char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    return value && strcmp(value, text) == 0;
}

/* null, false, "" or nothing. */
static bool is_unset(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

/* [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}] */
static bool puts_spaces(const json_t *normalizer) {
    const json_t *list = json_object_get(normalizer, "normalizers");
    const json_t *prepend = json_array_get(list, 0), *replace = json_array_get(list, 1);
    return is(normalizer, "type", "Sequence") && json_array_size(list) == 2 && is(prepend, "type", "Prepend") &&
           is(prepend, "prepend", kSpace) && is(replace, "type", "Replace") && is(replace, "content", kSpace) &&
           is(json_object_get(replace, "pattern"), "String", " ");
}

/* How texts become words. False: in a way that is not known. */
static bool read_words(const json_t *root, reader *r) {
    const json_t *model = json_object_get(root, "model"), *words = json_object_get(root, "pre_tokenizer");
    const bool fallback = json_is_true(json_object_get(model, "byte_fallback"));
    const bool adds = json_is_true(json_object_get(words, "add_prefix_space")) ||
                      is(words, "prepend_scheme", "first") || is(words, "prepend_scheme", "always");
    r->bpe->space = adds ? LB_BPE_SPACE_IF_NONE : LB_BPE_SPACE_NEVER;
    r->unspell = unspell_spaces;
    if (is(words, "type", "ByteLevel") && is_unset(root, "normalizer") && !fallback) {
        r->bpe->words = true;
        r->unspell = lb_bpe_unspell;
        return !json_is_false(json_object_get(words, "use_regex"));
    }
    if (is(words, "type", "Metaspace") && is_unset(root, "normalizer"))
        return fallback && is(words, "replacement", kSpace) && json_is_false(json_object_get(words, "split"));
    r->bpe->space = LB_BPE_SPACE_ALWAYS;
    return fallback && is_unset(root, "pre_tokenizer") && puts_spaces(json_object_get(root, "normalizer"));
}

static lowbit_status read_root(const json_t *root, reader *r, lowbit_error *error) {
    static const char *const kUnset[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"};
    const json_t *model = json_object_get(root, "model");
    LB_REQUIRE(json_is_object(model), error, LOWBIT_BAD_FORMAT, "there is no \"model\"");
    LB_REQUIRE(is_unset(model, "type") || is(model, "type", "BPE"), error, LOWBIT_UNSUPPORTED,
               "the model is no BPE, but \"%.40s\"", json_string_value(json_object_get(model, "type")));
    for (size_t i = 0; i < LB_COUNT(kUnset); i++)
        LB_REQUIRE(is_unset(model, kUnset[i]), error, LOWBIT_UNSUPPORTED, "the model has \"%s\"", kUnset[i]);
    LB_REQUIRE(read_words(root, r), error, LOWBIT_UNSUPPORTED,
               "\"normalizer\" and \"pre_tokenizer\" are neither GPT-2's nor Llama's");
    r->vocabulary = json_object_get(model, "vocab");
    r->added = json_object_get(root, "added_tokens");
    LB_TRY(read_pieces(r, error));
    LB_TRY(read_merges_json(r, json_object_get(model, "merges"), error));
    return finish(r, error);
}

lowbit_status lb_bpe_parse_json(lb_text tokenizer, lb_bpe *bpe, lowbit_error *error) {
    json_t *root = NULL;
    *bpe = (lb_bpe){.start = -1};
    LB_TRY(load(tokenizer, &root, error));
    reader r = {.bpe = bpe};
    const lowbit_status status = read_root(root, &r, error);
    json_decref(root);
    if (status != LOWBIT_OK) lb_bpe_close(bpe);
    return status;
}
