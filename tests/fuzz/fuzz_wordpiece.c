/* SPDX-License-Identifier: Apache-2.0 */
/* Vocabularies and texts: any bytes. A vocabulary that is taken turns any text, and pair of texts, into a row of ids of
 * its own, which a longer row only goes on.
 *
 * An input is flags, a capacity, a vocabulary, a zero byte, a text, a zero byte, another text. */
#include <stdlib.h>
#include <string.h>

#include "nn/wordpiece.h"
#include "tests/fuzz/fuzz.h"

enum { FLAGS = 4, SPECIAL = 3, MOST = SPECIAL + 255, FIRST = 2 };

static int32_t ids[MOST], types[MOST], masks[MOST];

/* What stands in front of the next zero byte. */
static lb_text next_part(lb_text *rest) {
    const char *end = rest->length ? memchr(rest->bytes, 0, rest->length) : NULL;
    const lb_text part = {rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length};
    const size_t taken = part.length + (end != NULL);
    *rest = (lb_text){rest->bytes + taken, rest->length - taken};
    return part;
}

static void check_row(const lb_wordpiece *t, const lb_token_row *row, int separators) {
    fuzz_require(row->count >= 1 + separators && row->count <= row->capacity, "tokens fit");
    fuzz_require(row->ids[0] == t->start && row->ids[row->count - 1] == t->separator, "special tokens at both ends");
    for (int32_t i = 0; i < row->capacity; i++) {
        fuzz_require(row->ids[i] >= 0 && row->ids[i] < t->vocabulary.count, "ids of the vocabulary");
        fuzz_require(row->mask[i] == (i < row->count), "a mask of tokens");
        fuzz_require(row->types[i] == 0 || (row->types[i] == 1 && separators == 2), "types of texts");
        fuzz_require(i < row->count || row->ids[i] == t->padding, "padding behind them");
    }
}

static void check_texts(const lb_wordpiece *t, int32_t capacity, lb_text first, lb_text second) {
    static int32_t longer[MOST];
    lb_token_row row = {MOST, ids, types, masks, 0, false};
    fuzz_require(lb_wordpiece_encode(t, first, NULL, &row, NULL) == LOWBIT_OK, "any text has ids");
    check_row(t, &row, 1);
    memcpy(longer, ids, sizeof longer);
    row.capacity = capacity;
    fuzz_require(lb_wordpiece_encode(t, first, NULL, &row, NULL) == LOWBIT_OK, "in any room");
    check_row(t, &row, 1);
    fuzz_require(memcmp(ids, longer, (size_t)(row.count - 1) * sizeof *ids) == 0, "which cuts at the end");
    fuzz_require(lb_wordpiece_encode(t, first, &second, &row, NULL) == LOWBIT_OK, "and so has a pair");
    check_row(t, &row, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lb_wordpiece t;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (size < FIRST) return 0;
    lb_text rest = {(const char *)data + FIRST, size - FIRST};
    const lb_text vocabulary = next_part(&rest), first = next_part(&rest);
    if (lb_wordpiece_parse((const uint8_t *)vocabulary.bytes, vocabulary.length, data[0] % FLAGS, &t, &error) ==
        LOWBIT_OK) {
        check_texts(&t, SPECIAL + data[1], first, rest);
        lb_wordpiece_close(&t);
    } else {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
    }
    return 0;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const char kVocabulary[] = "[PAD]\n[UNK]\r\n[CLS]\n[SEP]\na\n##b\nab\n##bc\ne\nσ\n##ς\n\xE4\xB8\xAD\n\n.\n!";
    static const char *const kTexts[] = {"a ab abc. \xC3\xA9!", "\xE4\xB8\xAD\xCE\xA3\xCE\xA3 \xEA\xB0\x80",
                                         "e\xCC\x81\xE3\x80\xAE\xF0\x9D\x85\xA5\xFF", "[UNK] \t\xC2\xA0"};
    enum { TEXTS = sizeof kTexts / sizeof *kTexts };
    if (index >= FLAGS * TEXTS) return 0;
    const char *parts[] = {kVocabulary, kTexts[index % TEXTS], kTexts[(index + 1) % TEXTS]};
    size_t length = 0;
    data[length++] = (uint8_t)(index / TEXTS);
    data[length++] = (uint8_t)(3 * index);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const size_t bytes = strlen(parts[i]) + (i < 2);
        fuzz_require(length + bytes <= room, "room for a seed");
        memcpy(data + length, parts[i], bytes);
        length += bytes;
    }
    return length;
}
