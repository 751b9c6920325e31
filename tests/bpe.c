/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair encoding: GPT-2's words by a table; llama2.c's tokenizers against its own loop over all neighbours, made up
 * and that of the data folder; each form of file, and what is refused of it. tests/bpe_py.py compares with
 * `tokenizers`. */
#include "nn/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/bpe_words.h"
#include "tests/check.h"

/* ---- words ---- */

static void check_words(void) {
    static const struct {
        const char *text, *words; /* with a bar behind each */
    } kTexts[] = {
        {"Hello world", "Hello| world|"},
        {"I'll say it's John's, we'Re", "I|'ll| say| it|'s| John|'s|,| we|'|Re|"},
        {"'sofa 's", "'s|ofa| '|s|"},
        {"a  b", "a| | b|"},
        {"a   ", "a|   |"},
        {" \t a", " \t| a|"},
        {"\t\ta", "\t|\t|a|"},
        {"\ta", "\t|a|"},
        {"a\n\nb", "a|\n|\n|b|"},
        {"x1y2 34", "x|1|y|2| 34|"},
        {"...!? (a)", "...!?| (|a|)|"},
        {"\xC3\xA9t\xC3\xA9 \xE4\xB8\xAD\xC2\xB2", "\xC3\xA9t\xC3\xA9| \xE4\xB8\xAD|\xC2\xB2|"},
        {"a\xC2\xA0\xC2\xA0z", "a|\xC2\xA0|\xC2\xA0|z|"},
        {"a\xCC\x81 \xCC\x81", "a|\xCC\x81| \xCC\x81|"}, /* a mark is no letter */
        {"a\xFF\xC3 \xFFz", "a|\xFF\xC3| \xFF|z|"},
        {"\xE2\x80\x8Bq", "\xE2\x80\x8B|q|"}, /* no space */
    };
    for (size_t i = 0; i < LB_COUNT(kTexts); i++) {
        const size_t length = strlen(kTexts[i].text);
        char *text = check_guarded(length, CHECK_GUARD_AFTER), got[128];
        size_t at = 0;
        memcpy(text, kTexts[i].text, length);
        for (lb_text rest = {text, length}; rest.length > 0 && at < sizeof got;) {
            const lb_text word = lb_bpe_next_word(&rest);
            at += (size_t)snprintf(got + at, sizeof got - at, "%.*s|", (int)word.length, word.bytes);
        }
        check_context("words of %s: %s", kTexts[i].text, got);
        CHECK(strcmp(got, kTexts[i].words) == 0);
    }
}

/* ---- llama2.c ---- */

enum { FIRST = 259, MOST_TEXT = 512 };

typedef struct vocabulary {
    float score[1024];
    char piece[1024][32];
    int count;
} vocabulary;

static int find(const vocabulary *v, const char *piece) {
    for (int i = v->count - 1; i >= 0; i--)
        if (strcmp(v->piece[i], piece) == 0) return i;
    return -1;
}

/* encode() of run.c, for texts that are not empty: all neighbours are looked at for every merge. */
static int encode_plainly(const vocabulary *v, const char *text, int *ids) {
    int count = 0;
    char both[64];
    ids[count++] = find(v, " ");
    for (const char *at = text; *at;) {
        size_t length = 1;
        while (length < 4 && ((uint8_t)at[length] & 0xC0) == 0x80) length++;
        snprintf(both, sizeof both, "%.*s", (int)length, at);
        const int id = find(v, both);
        for (size_t i = 0; i < length && id < 0; i++) ids[count++] = (uint8_t)at[i] + 3;
        if (id >= 0) ids[count++] = id;
        at += length;
    }
    for (;;) {
        int best = -1, merged = -1;
        for (int i = 0; i + 1 < count; i++) {
            snprintf(both, sizeof both, "%s%s", v->piece[ids[i]], v->piece[ids[i + 1]]);
            const int id = find(v, both);
            if (id >= 0 && (best < 0 || v->score[id] > v->score[merged])) best = i, merged = id;
        }
        if (best < 0) return count;
        ids[best] = merged;
        memmove(ids + best + 1, ids + best + 2, (size_t)(--count - best - 1) * sizeof *ids);
    }
}

static void check_text(const lb_bpe *bpe, const vocabulary *v, const char *text) {
    int want[MOST_TEXT];
    int32_t *got = check_guarded((strlen(text) + 1) * sizeof *got, CHECK_GUARD_AFTER);
    int64_t count;
    const int wanted = encode_plainly(v, text, want);
    check_context("%.300s", text);
    if (!CHECK(lb_bpe_encode(bpe, lb_text_of(text), got, &count, NULL) == LOWBIT_OK && count == wanted)) return;
    char back[MOST_TEXT + 1];
    size_t length = 0;
    for (int i = 0; i < wanted; i++) {
        if (!CHECK(got[i] == want[i])) return;
        const lb_text piece = lb_bpe_decode(bpe, i > 0 ? got[i - 1] : bpe->start, got[i]);
        memcpy(back + length, piece.bytes, piece.length);
        length += piece.length;
    }
    CHECK(length == strlen(text) && memcmp(back, text, length) == 0);
}

/* The file of a vocabulary. */
static size_t write_file(const vocabulary *v, uint8_t *out) {
    const int32_t longest = 31;
    memcpy(out, &longest, 4);
    size_t at = 4;
    for (int i = 0; i < v->count; i++) {
        const int32_t length = (int32_t)strlen(v->piece[i]);
        memcpy(out + at, &v->score[i], 4);
        memcpy(out + at + 4, &length, 4);
        memcpy(out + at + 8, v->piece[i], (size_t)length);
        at += 8 + (size_t)length;
    }
    return at;
}

static void add(vocabulary *v, float score, const char *piece) {
    v->score[v->count] = score;
    snprintf(v->piece[v->count++], sizeof v->piece[0], "%s", piece);
}

static void begin(vocabulary *v) {
    v->count = 0;
    add(v, 0, "<unk>");
    add(v, 0, "\n<s>\n");
    add(v, 0, "\n</s>\n");
    for (int b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
        add(v, 0, name);
    }
    add(v, -1, " ");
}

/* Pieces of a, b, c and a space, up to four long, of few different scores, so that many are equal. */
static void make_up(vocabulary *v) {
    static const char kLetters[] = "abc ";
    begin(v);
    for (int i = 0; i < 3; i++) add(v, -1, (const char[]){kLetters[i], 0});
    add(v, -1, "\xC3\xA9");
    for (int i = 0; i < 60; i++) {
        char piece[5] = "";
        const int length = (int)check_random_in(2, 4);
        for (int k = 0; k < length; k++) piece[k] = kLetters[check_random_in(0, 3)];
        if (find(v, piece) < 0) add(v, (float)check_random_in(-6, 0), piece);
    }
}

static bool parse(const uint8_t *bytes, size_t length, lb_bpe *bpe, lowbit_error *error) {
    char *guarded = check_guarded(length, CHECK_GUARD_AFTER);
    memcpy(guarded, bytes, length);
    return lb_bpe_parse_llama2c((lb_text){guarded, length}, bpe, error) == LOWBIT_OK;
}

static void check_made_up(void) {
    static const char *const kLetters[] = {"a",        "b",        "c",    " ",        "a", "b",
                                           "\xC3\xA9", "\xC3\xA8", "\xFF", "\x80\x80", "\n"};
    static uint8_t file[1 << 16];
    static vocabulary v;
    for (int round = 0; round < 20; round++) {
        lb_bpe bpe;
        make_up(&v);
        if (!CHECK(parse(file, write_file(&v, file), &bpe, NULL))) return;
        CHECK(bpe.start == 1 && bpe.end == 2 && bpe.starts && bpe.vocabulary.count == v.count);
        for (int i = 0; i < 100; i++) {
            char text[256] = "";
            for (int k = (int)check_random_in(1, 60); k > 0; k--)
                strcat(text, kLetters[check_random_in(0, i % 2 ? 3 : LB_COUNT(kLetters) - 1)]);
            check_text(&bpe, &v, text);
            check_guard_free_all();
        }
        lb_bpe_close(&bpe);
    }
}

void subject_bpe(void) {
    check_words();
    check_made_up();
}

/* ---- files of GPT-2 ---- */

/* {"!": 0, ..., "ab": 256, ...}: letters of all bytes, then the pieces. */
static size_t write_vocabulary(char *out, size_t room, const char *const *pieces, size_t count) {
    size_t at = 0;
    for (int b = 0; b < 256; b++)
        at += (size_t)snprintf(out + at, room - at, "%s\"\\u%04x\": %d", b ? ", " : "{",
                               (unsigned)lb_bpe_letter((uint8_t)b), b);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(out + at, room - at, ", \"%s\": %d", pieces[i], 256 + (int)i);
    return at + (size_t)snprintf(out + at, room - at, "}");
}

static const char *const kPieces[] = {"ab",
                                      "\xC4\xA0"
                                      "ab",
                                      "bc",
                                      "abc",
                                      "\xC3\x83\xC2\xA9",
                                      "<|endoftext|>"};
static const char kMerges[] = "#version: 0.2\nb c\na b\n\xC4\xA0 ab\n\xC3\x83 \xC2\xA9\na bc\n";
static char text_of_vocabulary[1 << 15];

static void check_ids(const lb_bpe *bpe, const char *text, const char *want) {
    int32_t ids[64];
    int64_t count;
    char got[256] = "";
    CHECK(lb_bpe_encode(bpe, lb_text_of(text), ids, &count, NULL) == LOWBIT_OK);
    for (int64_t i = 0, at = 0; i < count; i++) at += snprintf(got + at, sizeof got - (size_t)at, "%d ", (int)ids[i]);
    check_context("%s is %s", text, got);
    CHECK(strcmp(got, want) == 0);
}

static void check_gpt2(void) {
    lb_bpe bpe;
    write_vocabulary(text_of_vocabulary, sizeof text_of_vocabulary, kPieces, LB_COUNT(kPieces));
    check_context("GPT-2's files");
    if (!CHECK(lb_bpe_parse_gpt2(lb_text_of(text_of_vocabulary), lb_text_of(kMerges), &bpe, NULL) == LOWBIT_OK)) return;
    CHECK(bpe.start == 261 && bpe.end == 261 && !bpe.starts);
    check_ids(&bpe, "", "");
    check_ids(&bpe, "abc ab", "259 257 "); /* b c first, then a bc; a space belongs to its word */
    check_ids(&bpe, "a b", "97 32 98 ");
    check_ids(&bpe, "\xC3\xA9\xC3", "260 195 ");
    check_ids(&bpe, "<|endoftext|>", "60 124 101 110 100 111 102 116 101 120 116 124 62 "); /* no token */
    CHECK(lb_bpe_decode(&bpe, 261, 257).length == 3 && memcmp(lb_bpe_decode(&bpe, 261, 257).bytes, " ab", 3) == 0);
    lb_bpe_close(&bpe);
}

static void refuse_gpt2(const char *pieces, const char *merges, const char *reason) {
    lb_bpe bpe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lb_bpe_parse_gpt2(lb_text_of(pieces), lb_text_of(merges), &bpe, &error) == LOWBIT_BAD_FORMAT);
    check_context("\"%s\" for %.60s, %.60s", error.message, pieces, merges);
    CHECK(strstr(error.message, reason) && bpe.vocabulary.count == 0 && !bpe.pairs && !bpe.text);
}

static void check_gpt2_refusals(void) {
    refuse_gpt2("", "", "no JSON");
    refuse_gpt2("[]", "", "no vocabulary");
    refuse_gpt2("{}", "", "byte 0");
    refuse_gpt2("{\"a\": 0, \"a\": 1}", "", "duplicate");
    refuse_gpt2("{\"a\": 0, \"b\": 0}", "", "two pieces have the id 0");
    refuse_gpt2("{\"a\": -1}", "", "the id of \"a\"");
    refuse_gpt2("{\"a\": 2}", "", "the id of \"a\"");
    refuse_gpt2("{\"a\": 0.5}", "", "the id of \"a\"");
    refuse_gpt2(text_of_vocabulary, "a b c", "merge 0 is no two pieces");
    refuse_gpt2(text_of_vocabulary, "a b\n\na b", "merge 1 is no two pieces");
    refuse_gpt2(text_of_vocabulary, "ab ", "merge 0 is no two pieces");
    refuse_gpt2(text_of_vocabulary, "a b\nc b", "merge 1, \"c\" and \"b\"");
    refuse_gpt2(text_of_vocabulary, "aa b", "merge 0, \"aa\" and \"b\"");
}

/* ---- tokenizer.json ---- */

static void refuse_json(const char *text, lowbit_status status, const char *reason) {
    lb_bpe bpe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lb_bpe_parse_json(lb_text_of(text), &bpe, &error) == status);
    check_context("\"%s\" for %.200s", error.message, text);
    CHECK(strstr(error.message, reason) && !bpe.pairs && !bpe.text);
}

#define MODEL(words, fields) "{" words "\"model\": {\"type\": \"BPE\"" fields "}}"
#define BYTES "\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, "

static void check_json_refusals(void) {
    refuse_json("{", LOWBIT_BAD_FORMAT, "no JSON");
    refuse_json("{}", LOWBIT_BAD_FORMAT, "no \"model\"");
    refuse_json("{\"model\": {\"type\": \"Unigram\"}}", LOWBIT_UNSUPPORTED, "no BPE, but \"Unigram\"");
    refuse_json(MODEL(, ""), LOWBIT_UNSUPPORTED, "neither GPT-2's nor Llama's");
    refuse_json(MODEL(BYTES, ", \"dropout\": 0.1"), LOWBIT_UNSUPPORTED, "dropout");
    refuse_json(MODEL(BYTES, ", \"ignore_merges\": true"), LOWBIT_UNSUPPORTED, "ignore_merges");
    refuse_json(MODEL(BYTES, ", \"end_of_word_suffix\": \"</w>\""), LOWBIT_UNSUPPORTED, "end_of_word_suffix");
    refuse_json(MODEL("\"normalizer\": {\"type\": \"NFC\"}, " BYTES, ""), LOWBIT_UNSUPPORTED, "neither");
    refuse_json(MODEL("\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"use_regex\": false}, ", ""), LOWBIT_UNSUPPORTED,
                "neither");
    refuse_json(MODEL("\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"split\": false}, ",
                      ", \"byte_fallback\": true"),
                LOWBIT_UNSUPPORTED, "neither");
    refuse_json(MODEL(BYTES, ""), LOWBIT_BAD_FORMAT, "no vocabulary");
    refuse_json(MODEL(BYTES, ", \"vocab\": {\"a\": 0}"), LOWBIT_BAD_FORMAT, "\"merges\" is no list");
    refuse_json(MODEL(BYTES, ", \"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]"), LOWBIT_BAD_FORMAT, "merge 0 is no two");
    refuse_json(MODEL(BYTES, ", \"vocab\": {\"a\": 0}, \"merges\": [7]"), LOWBIT_BAD_FORMAT, "merge 0 is no two");
    refuse_json(MODEL(BYTES, ", \"vocab\": {\"a\": 0}, \"merges\": []"), LOWBIT_BAD_FORMAT, "byte 0");
    refuse_json(MODEL("\"added_tokens\": [{\"id\": 0}], " BYTES, ", \"vocab\": {}, \"merges\": []"), LOWBIT_BAD_FORMAT,
                "added token 0");
}

/* ---- tokenizer.bin ---- */

static void check_llama2c_refusals(void) {
    static uint8_t file[1 << 16];
    static vocabulary v;
    const struct {
        size_t at;
        int32_t value;
        const char *reason;
    } kWrong[] = {{4, 0x7FC00000, "score of piece 0"},   {4, 0x7F800000, "score of piece 0"},
                  {8, -1, "piece 0 has -1 bytes"},       {8, 513, "piece 0 has 513 bytes"},
                  {8, INT32_MAX, "piece 0 has 2147483"}, {12, 0, NULL}};
    lb_bpe bpe;
    begin(&v);
    add(&v, -1, "a");
    const size_t length = write_file(&v, file);
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        int32_t was;
        memcpy(&was, file + kWrong[i].at, 4);
        memcpy(file + kWrong[i].at, &kWrong[i].value, 4);
        const bool taken = parse(file, length, &bpe, &error);
        check_context("\"%s\"", error.message);
        CHECK(taken == !kWrong[i].reason && (taken || strstr(error.message, kWrong[i].reason)));
        lb_bpe_close(&bpe);
        memcpy(file + kWrong[i].at, &was, 4);
    }
    for (size_t cut = 0; cut < length; cut++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const bool taken = parse(file, cut, &bpe, &error);
        check_context("%zu bytes of %zu: %s", cut, length, error.message);
        CHECK(taken == (cut == length - 9 || cut == length - 18)); /* a vocabulary of one or two pieces less */
        lb_bpe_close(&bpe);
    }
    lowbit_error error = LOWBIT_ERROR_INIT;
    strcpy(v.piece[100], "<0x99>");
    CHECK(!parse(file, write_file(&v, file), &bpe, &error));
    check_context("%s", error.message);
    CHECK(strstr(error.message, "no <0x61>"));
}

void subject_bpe_files(void) {
    lb_bpe bpe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_gpt2();
    check_gpt2_refusals();
    check_json_refusals();
    check_llama2c_refusals();
    check_context("folders");
    CHECK(lb_bpe_open(check_scratch_folder(), &bpe, &error) == LOWBIT_NOT_FOUND &&
          strstr(error.message, "tokenizer.bin"));
    check_put_file(check_scratch_folder(), "gpt2/vocab.json", text_of_vocabulary);
    char path[300];
    snprintf(path, sizeof path, "%.200s/gpt2", check_scratch_folder());
    CHECK(lb_bpe_open(path, &bpe, &error) == LOWBIT_NOT_FOUND && strstr(error.message, "merges.txt"));
    check_put_file(check_scratch_folder(), "gpt2/merges.txt", kMerges);
    if (CHECK(lb_bpe_open(path, &bpe, &error) == LOWBIT_OK)) check_ids(&bpe, "abc ab", "259 257 ");
    lb_bpe_close(&bpe);
    CHECK(lb_bpe_open("/dev/null", &bpe, &error) == LOWBIT_BAD_FORMAT);
}

/* ---- the data folder ---- */

/* Reads tok512.bin, with no care. */
static bool read_file(const char *path, vocabulary *v) {
    FILE *file = fopen(path, "rb");
    int32_t length;
    if (!file) return false;
    bool right = fread(&length, 4, 1, file) == 1;
    for (v->count = 0; right && v->count < 512; v->count++) {
        right = fread(&v->score[v->count], 4, 1, file) == 1 && fread(&length, 4, 1, file) == 1 && length < 31 &&
                fread(v->piece[v->count], 1, (size_t)length, file) == (size_t)length;
        if (right) v->piece[v->count][length] = 0;
    }
    fclose(file);
    return right;
}

void subject_bpe_data(void) {
    static const char *const kTexts[] = {
        "Once upon a time",
        " ",
        "  two  spaces  ",
        "Lily's mom said, \"Let's go!\"\n",
        "Tim and Sue were in the garden; they saw 12 birds \xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80.\t",
        "zzzzqqqqXXXX once upon once upon a time a little girl named Lily loved to play outside in the park"};
    static vocabulary v;
    const char *folder = getenv("LOWBIT_DATA");
    char path[4096];
    lb_bpe bpe;
    if (!folder) check_skip("LOWBIT_DATA names no folder with models/stories260k");
    snprintf(path, sizeof path, "%s/models/stories260k/tok512.bin", folder);
    check_context("%s", path);
    if (!CHECK(read_file(path, &v)) || !CHECK(lb_bpe_open(path, &bpe, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kTexts); i++) check_text(&bpe, &v, kTexts[i]);
    lb_bpe_close(&bpe);
}
