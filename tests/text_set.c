/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as networks take them: rows of a GLUE file as tokens one after another, what is cut, batches; vocabularies
 * beside models. */
#include "nn/text_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/dataset.h"
#include "nn/model.h"
#include "tests/check.h"

enum { LONGEST = 8 };

static const char kPieces[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\ngood\nfilm\n##s\nnot\nA\n";

static const char *write_text(const char *name, const char *text) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", check_scratch_folder(), name);
    FILE *f = fopen(path, "w");
    if (CHECK(f != NULL)) {
        CHECK(fputs(text, f) >= 0);
        fclose(f);
    }
    return path;
}

/* ---- sets ---- */

static const struct {
    const char *first, *second;
    int64_t count;
    int ids[LONGEST], types[LONGEST];
} kRows[] = {
    {"a good film", "", 5, {2, 4, 5, 6, 3}, {0}},
    {"films", "not good", 7, {2, 6, 7, 3, 8, 5, 3}, {0, 0, 0, 0, 1, 1, 1}},
    {"a a a a a a a a a", "", LONGEST, {2, 4, 4, 4, 4, 4, 4, 3}, {0}}, /* cut */
    {"what", "", 3, {2, 1, 3}, {0}},
};

static void check_set(const lb_text_set *set) {
    int64_t first = 0;
    for (size_t i = 0; i < LB_COUNT(kRows); first += kRows[i++].count) {
        const lb_run_input input = lb_text_set_input(set, (int64_t)i, 1);
        CHECK(set->firsts[i] == first && input.sequences == 1 && input.lengths[0] == kRows[i].count);
        for (int64_t t = 0; t < kRows[i].count; t++)
            CHECK(input.data[2 * t] == (float)kRows[i].ids[t] && input.data[2 * t + 1] == (float)kRows[i].types[t]);
    }
    CHECK(set->firsts[LB_COUNT(kRows)] == first && set->cut == 1);
    CHECK(lb_text_set_tokens(set, 1) == LONGEST && lb_text_set_tokens(set, 2) == 12 &&
          lb_text_set_tokens(set, 3) == 20 && lb_text_set_tokens(set, 4) == 23 && lb_text_set_tokens(set, 99) == 99);
    const lb_run_input two = lb_text_set_input(set, 1, 2);
    CHECK(two.sequences == 2 && two.lengths[1] == LONGEST && two.data == set->tokens + 10);
}

static void check_rows(const lb_wordpiece *tokenizer) {
    lb_glue_row rows[LB_COUNT(kRows)];
    lb_text_set set;
    for (size_t i = 0; i < LB_COUNT(kRows); i++)
        rows[i] = (lb_glue_row){lb_text_of(kRows[i].first), lb_text_of(kRows[i].second), (double)i};
    check_context("rows");
    if (!CHECK(lb_text_set_of(rows, LB_COUNT(kRows), tokenizer, LONGEST, &set, NULL) == LOWBIT_OK)) return;
    check_set(&set);
    CHECK(set.labels[2] == 2 && !set.task);
    lb_text_set_close(&set);
    check_context("no room for special tokens");
    CHECK(lb_text_set_of(rows, 2, tokenizer, 2, &set, NULL) == LOWBIT_INVALID_ARGUMENT);
}

static void check_file(const lb_wordpiece *tokenizer) {
    lb_text_set set;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("a file");
    const char *path = write_text("dev.tsv", "sentence\tlabel\na good film\t1\nfilms\t0\n");
    if (CHECK(lb_text_set_open(path, tokenizer, LONGEST, &set, &error) == LOWBIT_OK)) {
        CHECK(strcmp(set.task->name, "sst2") == 0 && set.count == 2 && set.labels[0] == 1 && set.labels[1] == 0);
        CHECK(set.lengths[1] == 4 && set.cut == 0);
        lb_text_set_close(&set);
    }
    path = write_text("bad.tsv", "sentence\tlabel\na good film\t7\n");
    CHECK(lb_text_set_open(path, tokenizer, LONGEST, &set, &error) == LOWBIT_BAD_FORMAT && error.message[0]);
    CHECK(lb_text_set_open("/nowhere", tokenizer, LONGEST, &set, &error) == LOWBIT_NOT_FOUND);
}

/* ---- vocabularies ---- */

static void check_pieces(const lb_graph *graph) {
    static const struct {
        const char *config;
        bool cased;
    } kConfigs[] = {{"{}", false}, {"{\"do_lower_case\": true}", false}, {"{\"do_lower_case\": false}", true}};
    lb_blocks memory = NULL;
    lb_pieces pieces;
    lb_wordpiece tokenizer;
    char folder[256], file[512];
    lowbit_error error = LOWBIT_ERROR_INIT;
    snprintf(folder, sizeof folder, "%s", check_scratch_folder());
    snprintf(file, sizeof file, "%s", write_text("model.safetensors", ""));
    check_context("no vocabulary");
    CHECK(lb_pieces_read(folder, NULL, &memory, &pieces, &error) == LOWBIT_NOT_FOUND);
    CHECK(lb_pieces_tokenizer(&pieces, graph, &tokenizer, &error) == LOWBIT_NOT_FOUND);
    write_text("vocab.txt", kPieces);
    for (size_t i = 0; i < LB_COUNT(kConfigs); i++) {
        check_context("%s", kConfigs[i].config);
        write_text("tokenizer_config.json", kConfigs[i].config);
        CHECK(lb_pieces_read(i % 2 ? file : folder, NULL, &memory, &pieces, &error) == LOWBIT_OK);
        CHECK(lb_text_equal(pieces.text, lb_text_of(kPieces)) && pieces.cased == kConfigs[i].cased);
        if (!CHECK(lb_pieces_tokenizer(&pieces, graph, &tokenizer, &error) == LOWBIT_OK)) continue;
        CHECK(tokenizer.flags == (kConfigs[i].cased ? LB_WORDPIECE_CASED : 0) && tokenizer.vocabulary.count == 10);
        lb_wordpiece_close(&tokenizer);
    }
    check_context("another file than that beside the model");
    CHECK(lb_pieces_read("/nowhere", write_text("words.txt", "a\n"), &memory, &pieces, &error) == LOWBIT_OK);
    CHECK(pieces.text.length == 2 && lb_pieces_tokenizer(&pieces, graph, &tokenizer, &error) == LOWBIT_BAD_FORMAT);
    check_context("no JSON");
    write_text("tokenizer_config.json", "[");
    CHECK(lb_pieces_read(folder, NULL, &memory, &pieces, &error) == LOWBIT_BAD_FORMAT);
    lb_blocks_free(&memory);
}

/* More pieces than the network has words, and what graphs say of texts. */
static void check_graphs(void) {
    static char many[12 * 40000];
    const lb_pieces pieces = {.text = {many, 0}};
    lb_pieces all = pieces;
    lb_opened o;
    lb_wordpiece tokenizer;
    size_t at = (size_t)snprintf(many, sizeof many, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
    for (int i = 4; i < 30523; i++) at += (size_t)snprintf(many + at, sizeof many - at, "w%d\n", i);
    all.text.length = at;
    const lb_model_options small = {.width = 8};
    check_context("graphs");
    if (!CHECK(lb_model_make_up("minilm", &small, &o, NULL) == LOWBIT_OK)) return;
    CHECK(lb_takes_texts(&o.graph) && lb_longest_text(&o.graph) == 512 && lb_words(&o.graph) == 30522);
    CHECK(lb_embeds(&o.graph) && lb_pieces_tokenizer(&all, &o.graph, &tokenizer, NULL) == LOWBIT_INVALID_ARGUMENT);
    check_pieces(&o.graph);
    lb_model_close(&o);
    if (!CHECK(lb_model_make_up("resnet8", &small, &o, NULL) == LOWBIT_OK)) return;
    CHECK(!lb_takes_texts(&o.graph) && !lb_embeds(&o.graph) && lb_words(&o.graph) == 0);
    lb_model_close(&o);
}

void subject_text_set(void) {
    lb_wordpiece tokenizer;
    const uint8_t *bytes = (const uint8_t *)kPieces;
    if (!CHECK(lb_wordpiece_parse(bytes, strlen(kPieces), 0, &tokenizer, NULL) == LOWBIT_OK)) return;
    check_rows(&tokenizer);
    check_file(&tokenizer);
    lb_wordpiece_close(&tokenizer);
    check_graphs();
}
