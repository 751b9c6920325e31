/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers of byte pair encoding, and texts: any bytes. What is taken turns any text into ids of its own, which stand
 * for that text, with or without a space in front.
 *
 * An input is a byte that says which form of file, and whether pieces for all bytes are put in front of the rest; a
 * text, a zero byte, the file; of GPT-2's two, the vocabulary ends with another zero. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/bpe.h"
#include "nn/bpe_words.h"
#include "tests/fuzz/fuzz.h"

enum { FORMS = 4, JSON = 0, GPT2, LLAMA2C, LLAMA2C_WHOLE, ROOM = 1 << 16 };

static lb_text next_part(lb_text *rest) {
    const char *end = rest->length ? memchr(rest->bytes, 0, rest->length) : NULL;
    const lb_text part = {rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length};
    const size_t taken = part.length + (end != NULL);
    *rest = (lb_text){rest->bytes + taken, rest->length - taken};
    return part;
}

static void check_text(const lb_bpe *bpe, lb_text text) {
    int32_t *ids = malloc((text.length + 1) * sizeof *ids);
    char *out = calloc(text.length + 2, 1);
    int64_t count = 0;
    size_t length = 0;
    if (!ids || !out) abort();
    fuzz_require(lb_bpe_encode(bpe, text, ids, &count, NULL) == LOWBIT_OK, "any text has ids");
    fuzz_require(count <= (int64_t)text.length + 1, "not more than bytes");
    for (int64_t i = 0; i < count; i++) {
        fuzz_require(ids[i] >= 0 && ids[i] < bpe->vocabulary.count, "of the vocabulary");
        const lb_text piece = lb_bpe_decode(bpe, -1, ids[i]);
        fuzz_require(length + piece.length <= text.length + 1, "that say no more than the text");
        memcpy(out + length, piece.bytes, piece.length);
        length += piece.length;
    }
    const size_t space = length - text.length;
    fuzz_require(space <= 1 && (!space || out[0] == ' ') &&
                     (text.length == 0 || memcmp(out + space, text.bytes, text.length) == 0),
                 "and no less");
    free(ids);
    free(out);
}

/* {"!": 0, ..., and behind the letters of all bytes whatever else. */
static size_t put_letters(char *out, lb_text more) {
    size_t at = 0;
    for (int b = 0; b < LB_BPE_BYTES; b++)
        at += (size_t)sprintf(out + at, "%s\"\\u%04x\":%d", b ? "," : "{", (unsigned)lb_bpe_letter((uint8_t)b), b);
    memcpy(out + at, more.bytes, more.length);
    return at + more.length;
}

static size_t put_pieces(char *out, lb_text more) {
    size_t at = 4;
    memset(out, 0, 4);
    for (int i = 0; i < 3 + LB_BPE_BYTES; i++) {
        char name[16];
        const int32_t length = i < 3 ? sprintf(name, "%d<s>", i) : sprintf(name, "<0x%02X>", (unsigned)i - 3);
        memset(out + at, 0, 4);
        memcpy(out + at + 4, &length, 4);
        memcpy(out + at + 8, name, (size_t)length);
        at += 8 + (size_t)length;
    }
    static const char kSpace[] = {0, 0, 0, 0, 1, 0, 0, 0, ' '};
    memcpy(out + at, kSpace, sizeof kSpace);
    at += sizeof kSpace;
    memcpy(out + at, more.bytes, more.length);
    return at + more.length;
}

static lowbit_status parse(int form, bool letters, lb_text file, lb_bpe *bpe, lowbit_error *error) {
    static char whole[ROOM];
    if (form == JSON) return lb_bpe_parse_json(file, bpe, error);
    if (form == LLAMA2C) return lb_bpe_parse_llama2c(file, bpe, error);
    if (file.length > ROOM / 2) return lb_bpe_parse_llama2c(file, bpe, error);
    if (form == LLAMA2C_WHOLE) return lb_bpe_parse_llama2c((lb_text){whole, put_pieces(whole, file)}, bpe, error);
    lb_text vocabulary = next_part(&file);
    if (letters) vocabulary = (lb_text){whole, put_letters(whole, vocabulary)};
    return lb_bpe_parse_gpt2(vocabulary, file, bpe, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lb_bpe bpe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (size < 1) return 0;
    lb_text rest = {(const char *)data + 1, size - 1};
    const lb_text text = next_part(&rest);
    if (parse(data[0] % FORMS, data[0] & FORMS, rest, &bpe, &error) == LOWBIT_OK) {
        check_text(&bpe, text);
        check_text(&bpe, rest);
        lb_bpe_close(&bpe);
    } else {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
    }
    return 0;
}

/* ---- seeds ---- */

static const struct {
    uint8_t form;
    const char *text, *file, *merges; /* merges: of GPT-2 */
} kSeeds[] = {
    {GPT2 + FORMS, "abc ab  \xC3\xA9",
     ",\"ab\":256,\"abc\":257,\"\xC4\xA0"
     "ab\":258}",
     "#version\na b\nab c\n\xC4\xA0 ab\n"},
    {GPT2 + FORMS, "it's\n\n 12", "}", ""},
    {GPT2, "x", "{\"a\":0}", "a a"},
    {JSON, "a b",
     "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\",[\"a\",\"b\"]]},"
     "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true},"
     "\"added_tokens\":[{\"id\":3,\"content\":\"<s>\"}]}",
     NULL},
    {LLAMA2C_WHOLE, "aab a\xFF", "\x01\x02\x03\x3F\x01Xa\x01\x02\x03\x3F\x02Xaa\x01\x02\x03\xBF\x03Xaab", NULL},
    {LLAMA2C, "a", "\x01\x01\x01\x01\x01\x02\x03\x3F\x01Xa", NULL},
};

/* In files X stands for three zero bytes. */
static size_t put(const char *from, uint8_t *data) {
    size_t at = 0;
    for (; *from; from++) {
        const bool zeros = *from == 'X';
        memset(data + at, 0, 3);
        if (!zeros) data[at] = (uint8_t)*from;
        at += zeros ? 3 : 1;
    }
    return at;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    if (index >= sizeof kSeeds / sizeof *kSeeds || room < 1024) return 0;
    size_t at = 0;
    data[at++] = kSeeds[index].form;
    at += put(kSeeds[index].text, data + at);
    data[at++] = 0;
    at += put(kSeeds[index].file, data + at);
    if (!kSeeds[index].merges) return at;
    data[at++] = 0;
    return at + put(kSeeds[index].merges, data + at);
}
