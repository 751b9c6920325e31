/* SPDX-License-Identifier: Apache-2.0 */
/* WordPiece: each rule on a vocabulary made for it, rows and their truncation, the vocabularies that are refused, and
 * the reference ids of the data folder. */
#include "nn/wordpiece.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tuner/words.h"

enum { CAPACITY = 64 };

static bool parse(const char *text, uint32_t flags, lb_wordpiece *tokenizer, lowbit_error *error) {
    const size_t length = strlen(text);
    uint8_t *bytes = check_guarded(length, CHECK_GUARD_AFTER);
    memcpy(bytes, text, length);
    return lb_wordpiece_parse(bytes, length, flags, tokenizer, error) == LOWBIT_OK;
}

static lb_token_row row_of(int32_t capacity) {
    const size_t bytes = (size_t)capacity * sizeof(int32_t);
    return (lb_token_row){capacity,
                          check_guarded(bytes, CHECK_GUARD_AFTER),
                          check_guarded(bytes, CHECK_GUARD_AFTER),
                          check_guarded(bytes, CHECK_GUARD_AFTER),
                          0,
                          false};
}

/* The pieces of the row, with spaces between them. */
static const char *spell(const lb_wordpiece *tokenizer, const lb_token_row *row) {
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (int32_t i = 0; i < row->count && at < sizeof text; i++) {
        const lb_text piece = tokenizer->vocabulary.pieces[row->ids[i]];
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? " " : "", (int)piece.length, piece.bytes);
    }
    return text;
}

/* ---- rules ---- */

static const char kVocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nab\n##b\n##bc\n##cd\n##d\nE\ne\n##e\né\n##é\n.\n"
    "!\n$\n[\n]\nmask\n豈\n中\n##中\nß\nσ\n##σ\nς\n##ς\n;\n<\n\xE1\x84\x80\n##\xE1\x85\xA1\n##\n"
    "\xE3\x80\xAE\n##\xF0\x9D\x85\xA5\n##\xE3\x80\xAE\nı\ni\n\xCB\x90\n";

static const struct rule {
    const char *text, *uncased, *cased; /* cased NULL = as uncased */
} kRules[] = {
    {"", "", NULL},
    {" \t\r\n\xC2\xA0\xE2\x80\xA8 ", "", NULL},    /* Zs and Zl are spaces */
    {"a ab abc abcd", "a ab [UNK] ab ##cd", NULL}, /* "ab" is longest, although "a ##bc" goes on */
    {"abd abx", "ab ##d [UNK]", NULL},             /* a piece that fails fails the word */
    {"a.a!!a$", "a . a ! ! a $", NULL},            /* P* and symbols of ASCII */
    {"a\xC2\xA2"                                   /* the cent sign is no symbol of ASCII */
     "b",
     "[UNK]", NULL},
    {"a\xE2\x80\xA6"
     "a",
     "a [UNK] a", NULL}, /* the ellipsis is Po */
    {"E e", "e e", "E e"},
    {"\xC3\x89 e\xCC\x81 a\xC3\xA9", "e e a ##e", "[UNK] [UNK] a ##é"}, /* accents: composed and not */
    {"a\xE4\xB8\xAD"
     "b\xEF\xA4\x80",
     "a 中 [UNK] 豈", "a 中 [UNK] [UNK]"}, /* ideographs; one that is another one's twin */
    {"a\xE2\x80\x8B"
     "b\x01\x7F\xEF\xBF\xBD\xEE\x80\x80"
     "d",
     "ab ##d", NULL},                        /* Cf, Cc, U+FFFD and Co are not there */
    {"\xCE\xA3\xCE\xA3", "σ ##σ", "[UNK]"},  /* no final sigma */
    {"\xC4\xB0 \xC4\xB1", "i ı", "[UNK] ı"}, /* Turkish: the dot is a mark */
    {"ß \xE1\xBA\x9E", "ß ß", "ß [UNK]"},
    {"\xCD\xBE \xE2\x89\xAE", "; <", "[UNK] [UNK]"},          /* decomposed into punctuation */
    {"\xEA\xB0\x80", "\xE1\x84\x80 ##\xE1\x85\xA1", "[UNK]"}, /* Hangul */
    {"[MASK]", "[ mask ]", "[ [UNK] ]"},                      /* no token */
    {"# ##", "[UNK] [UNK] [UNK]", NULL},                      /* "##" is no piece of a word that has no "#" */
    {"a\xE3\x80\xAE\xF0\x9D\x85\xA5", "a ##\xF0\x9D\x85\xA5 ##\xE3\x80\xAE", "a ##\xE3\x80\xAE ##\xF0\x9D\x85\xA5"},
    {"a\xE3\x80\xAE\xCD\x8F\xF0\x9D\x85\xA5", "a ##\xE3\x80\xAE ##\xF0\x9D\x85\xA5", "[UNK]"}, /* a joiner between */
    {"\xE3\x80\xAE \xCB\x90", "\xE3\x80\xAE \xCB\x90", NULL},
    {"a\xFF\xC3 a\xED\xA0\x80 a\xE2\x82"
     "a \xF0\x9F\x98",
     "a a [UNK]", NULL}, /* what is no UTF-8 vanishes, and nothing else */
    {"a\xDE\x98 a\xD8\x9D"
     "a",
     "[UNK] [UNK]", NULL}, /* U+061D is punctuation since Unicode 14: a letter here */
    {"a\xE1\x99\xAD"
     "a a\xE1\x9C\xB4"
     "b",
     "a [UNK] a ab", "a [UNK] a [UNK]"}, /* U+166D was punctuation, U+1734 was Mn */
};

static void check_rules(bool cased) {
    lb_wordpiece t;
    lb_token_row row = row_of(CAPACITY);
    if (!CHECK(parse(kVocabulary, cased ? LB_WORDPIECE_CASED : 0, &t, NULL))) return;
    for (size_t i = 0; i < LB_COUNT(kRules); i++) {
        const struct rule *r = &kRules[i];
        const size_t length = strlen(r->text);
        char *text = check_guarded(length, CHECK_GUARD_AFTER), want[256];
        memcpy(text, r->text, length);
        const char *pieces = cased && r->cased ? r->cased : r->uncased;
        snprintf(want, sizeof want, "[CLS] %s%s[SEP]", pieces, pieces[0] ? " " : "");
        CHECK(lb_wordpiece_encode(&t, (lb_text){text, length}, NULL, &row, NULL) == LOWBIT_OK);
        check_context("rule %zu, %s: %s, not %s", i, cased ? "cased" : "uncased", spell(&t, &row), want);
        CHECK(strcmp(spell(&t, &row), want) == 0 && !row.truncated);
    }
    lb_wordpiece_close(&t);
}

/* Capital sigmas at the end of a word behind a letter, and elsewhere. */
static void check_sigma(void) {
    static const char kText[] =
        "\xCE\xA3\xCE\xA3\xCC\x81 \xCE\xA3 .\xCE\xA3 \xCE\xA3\xCE\xA3.\xCE\xA3 \xCB\x90\xCE\xA3";
    static const char *const kWant[] = {"[CLS] σ ##σ σ . σ σ ##σ . σ ː ##σ [SEP]",
                                        "[CLS] σ ##ς σ . σ σ ##ς . σ ː ##σ [SEP]"};
    lb_token_row row = row_of(CAPACITY);
    lb_wordpiece t;
    for (uint32_t i = 0; i < 2; i++) {
        if (!CHECK(parse(kVocabulary, i ? LB_WORDPIECE_FINAL_SIGMA : 0, &t, NULL))) return;
        CHECK(lb_wordpiece_encode(&t, lb_text_of(kText), NULL, &row, NULL) == LOWBIT_OK);
        check_context("sigma: %s", spell(&t, &row));
        CHECK(strcmp(spell(&t, &row), kWant[i]) == 0);
        lb_wordpiece_close(&t);
    }
    CHECK(lb_wordpiece_parse((const uint8_t *)kVocabulary, 5, 4, &t, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_wordpiece_open("/dev/null", 4, &t, NULL) == LOWBIT_INVALID_ARGUMENT);
}

/* A word of `marks` accents and `letters` letters. */
static void check_long_word(const lb_wordpiece *t, int letters, int marks, bool known) {
    char text[1024];
    lb_token_row row = row_of(256);
    size_t length = 0;
    text[length++] = 'a';
    for (int i = 1; i < letters; i++) text[length++] = 'b';
    for (int i = 0; i < marks; i++, length += 2) memcpy(text + length, "\xCC\x81", 2);
    check_context("%d letters, %d accents", letters, marks);
    CHECK(lb_wordpiece_encode(t, (lb_text){text, length}, NULL, &row, NULL) == LOWBIT_OK);
    CHECK(row.count == (known ? letters + 2 - 1 : 3) && (row.ids[1] == t->unknown) == !known);
}

static void check_long_words(void) {
    lb_wordpiece t;
    if (!CHECK(parse(kVocabulary, 0, &t, NULL))) return;
    check_long_word(&t, 99, 0, true);
    check_long_word(&t, 100, 0, true);
    check_long_word(&t, 101, 0, false);
    check_long_word(&t, 100, 50, true); /* counted without accents */
    check_long_word(&t, 500, 0, false);
    lb_wordpiece_close(&t);
}

/* ---- rows ---- */

/* Rows of a and b words, with what is left of each. */
static void check_row(const lb_wordpiece *t, int a, int b, int32_t capacity, int want_a, int want_b) {
    char first[64] = "", second[64] = "";
    lb_token_row row = row_of(capacity);
    for (int i = 0; i < a; i++) strcat(first, "a ");
    for (int i = 0; i < b; i++) strcat(second, ". ");
    const lb_text pair = lb_text_of(second);
    check_context("%d and %d in %d", a, b, (int)capacity);
    CHECK(lb_wordpiece_encode(t, lb_text_of(first), b < 0 ? NULL : &pair, &row, NULL) == LOWBIT_OK);
    const int32_t end = 1 + want_a, count = b < 0 ? end + 1 : end + 2 + want_b;
    CHECK(row.count == count && row.truncated == (a > want_a || (b >= 0 && b > want_b)));
    for (int32_t i = 0; i < capacity; i++) {
        const char *piece = i == 0 ? "[CLS]" : i < end ? "a" : i == end || i == count - 1 ? "[SEP]" : ".";
        const int32_t id = lb_vocabulary_find(&t->vocabulary, lb_text_of(i < count ? piece : "[PAD]"));
        if (!CHECK(row.ids[i] == id && row.mask[i] == (i < count) && row.types[i] == (i > end && i < count))) return;
    }
}

static void check_rows(void) {
    static const struct {
        int a, b;
        int32_t capacity;
        int want_a, want_b;
    } kCases[] = {{3, -1, 8, 3, 0}, {6, -1, 8, 6, 0}, {7, -1, 8, 6, 0}, {5, -1, 2, 0, 0}, {0, -1, 2, 0, 0},
                  {3, 4, 10, 3, 4}, {3, 5, 10, 3, 4}, {9, 1, 10, 6, 1}, {1, 9, 10, 1, 6}, {9, 9, 10, 3, 4},
                  {9, 8, 10, 4, 3}, {8, 9, 10, 3, 4}, {9, 9, 11, 4, 4}, {0, 9, 5, 0, 2},  {9, 9, 3, 0, 0},
                  {9, 0, 4, 1, 0},  {0, 0, 9, 0, 0},  {9, 9, 4, 0, 1}};
    lb_wordpiece t;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(parse(kVocabulary, 0, &t, NULL))) return;
    for (size_t i = 0; i < LB_COUNT(kCases); i++)
        check_row(&t, kCases[i].a, kCases[i].b, kCases[i].capacity, kCases[i].want_a, kCases[i].want_b);
    lb_token_row row = row_of(2);
    const lb_text text = lb_text_of("a");
    check_context("too small a row");
    CHECK(lb_wordpiece_encode(&t, text, &text, &row, &error) == LOWBIT_INVALID_ARGUMENT && error.message[0]);
    row.capacity = 1;
    CHECK(lb_wordpiece_encode(&t, text, NULL, &row, &error) == LOWBIT_INVALID_ARGUMENT);
    row.capacity = 2;
    const long before = heap_calls();
    CHECK(lb_wordpiece_encode(&t, (lb_text){NULL, 0}, NULL, &row, NULL) == LOWBIT_OK && row.count == 2);
    CHECK(heap_calls() == before);
    lb_wordpiece_close(&t);
}

void subject_wordpiece(void) {
    check_rules(false);
    check_rules(true);
    check_sigma();
    check_long_words();
    check_rows();
}

/* ---- vocabularies ---- */

static void check_lines(void) {
    lb_wordpiece t;
    check_context("ends of lines, equal pieces");
    if (!CHECK(parse("[PAD]\r\nx\r\n\n[UNK]\n[CLS]\r\nx\n[SEP]\n\n\xC3\xA9", false, &t, NULL))) return;
    CHECK(t.vocabulary.count == 9 && t.padding == 0 && t.unknown == 3 && t.start == 4 && t.separator == 6);
    CHECK(lb_vocabulary_find(&t.vocabulary, lb_text_of("x")) == 5); /* the last one */
    CHECK(lb_vocabulary_find(&t.vocabulary, lb_text_of("\xC3\xA9")) == 8);
    CHECK(lb_vocabulary_find(&t.vocabulary, lb_text_of("")) < 0);
    CHECK(lb_vocabulary_find(&t.vocabulary, lb_text_of("[CLS")) < 0);
    CHECK(lb_vocabulary_find(&t.vocabulary, lb_text_of("[CLS]]")) < 0);
    lb_wordpiece_close(&t);
}

static void check_refused(const char *text, const char *reason) {
    lb_wordpiece t;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(!parse(text, 0, &t, &error) && t.vocabulary.count == 0 && !t.vocabulary.pieces);
    check_context("\"%s\" for %.100s", error.message, text);
    CHECK(strstr(error.message, reason));
}

/* Pieces that all want one slot of the table's `slots`. */
static void check_collisions(size_t slots) {
    enum { PIECES = 1100, PIECE = 16 };
    char *text = check_guarded((size_t)PIECES * PIECE, CHECK_GUARD_AFTER);
    size_t length = 0;
    for (int made = 0, i = 0; made < PIECES; i++) {
        const int size = snprintf(text + length, PIECE, "%d\n", i);
        if ((lb_hash(text + length, (size_t)size - 1) & (slots - 1)) != 7) continue;
        length += (size_t)size;
        made++;
    }
    text[length] = 0;
    check_refused(text, "line 1001 is one of too many");
}

void subject_wordpiece_vocabulary(void) {
    lb_wordpiece t;
    check_lines();
    check_refused("", "no [UNK]");
    check_refused("[PAD]\n[CLS]\n[SEP]\n", "no [UNK]");
    check_refused("[PAD]\n[UNK]\n[SEP]\n", "no [CLS]");
    check_refused("[PAD]\n[UNK]\n[CLS]\n", "no [SEP]");
    check_refused("[UNK]\n[CLS]\n[SEP]\n", "no [PAD]");
    check_refused("\xEF\xBB\xBF[PAD]\n[UNK]\n[CLS]\n[SEP]\n", "no [PAD]"); /* as Hugging Face reads a mark in front */
    check_refused("[PAD]\n[UNK]\n[CLS]\n[SEP]\r", "line 4 has a carriage return");
    check_refused("[PAD]\r[UNK]\n[CLS]\n", "line 1 has a carriage return");
    check_refused("[PAD]\n[UNK]\na\xFF\n", "line 3 is no UTF-8");
    check_refused("[PAD]\n\xED\xA0\x80", "line 2 is no UTF-8");
    check_refused("\xC3\n\xA9", "line 1 is no UTF-8");
    check_collisions(4096);
    const size_t lines = ((size_t)1 << 24) + 1;
    char *text = check_guarded(lines + 1, CHECK_GUARD_AFTER);
    memset(text, '\n', lines);
    text[lines] = 0;
    check_refused(text, "16777217 pieces");
    check_context("files");
    CHECK(lb_wordpiece_open("/proc/none", 0, &t, NULL) == LOWBIT_NOT_FOUND);
    CHECK(lb_wordpiece_open("/dev/null", 0, &t, NULL) == LOWBIT_BAD_FORMAT);
}

/* ---- the data folder ---- */

static void check_reference(const lb_wordpiece *t, json_t *reference) {
    size_t i;
    json_t *entry;
    lb_token_row row = row_of(512);
    json_array_foreach(reference, i, entry) {
        const json_t *text = json_object_get(entry, "text"), *ids = json_object_get(entry, "ids");
        const lb_text bytes = {json_string_value(text), json_string_length(text)};
        check_context("text %zu: %.80s", i, bytes.bytes);
        CHECK(lb_wordpiece_encode(t, bytes, NULL, &row, NULL) == LOWBIT_OK && !row.truncated);
        if (!CHECK((size_t)row.count == json_array_size(ids))) continue;
        for (int32_t k = 0; k < row.count; k++)
            if (!CHECK(row.ids[k] == json_integer_value(json_array_get(ids, (size_t)k)))) break;
    }
}

void subject_wordpiece_data(void) {
    const char *folder = getenv("LOWBIT_DATA");
    char path[4096];
    lb_wordpiece t;
    if (!folder) check_skip("LOWBIT_DATA names no folder with sst2/");
    snprintf(path, sizeof path, "%s/sst2/wordpiece_reference.json", folder);
    json_t *reference = json_load_file(path, JSON_ALLOW_NUL, NULL);
    snprintf(path, sizeof path, "%s/sst2/vocab.txt", folder);
    check_context("%s", path);
    if (!CHECK(lb_wordpiece_open(path, LB_WORDPIECE_FINAL_SIGMA, &t, NULL) == LOWBIT_OK)) return;
    CHECK(t.vocabulary.count == 30522 && t.padding == 0 && t.unknown == 100 && t.start == 101 && t.separator == 102);
    CHECK(json_array_size(reference) == 455);
    check_reference(&t, reference);
    lb_wordpiece_close(&t);
    json_decref(reference);
}
