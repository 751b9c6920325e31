/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/text_input.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/mapped.h"

enum { LONGEST_PATH = 4096 };

/* ---- what a graph says ---- */

bool lb_takes_texts(const lb_graph *graph) { return graph->nodes[0].by_token; }

int64_t lb_longest_text(const lb_graph *graph) {
    int64_t longest = LB_LONGEST_TEXT;
    for (int64_t v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        if (node->op == LB_OP_POSITIONS && node->by_token) longest = lb_min(longest, node->count - node->first);
    }
    return longest;
}

bool lb_embeds(const lb_graph *graph) { return graph->nodes[graph->count - 1].op == LB_OP_NORMALIZE; }

int64_t lb_words(const lb_graph *graph) {
    for (int64_t v = 0; v < graph->count; v++)
        if (graph->nodes[v].op == LB_OP_EMBED && graph->nodes[v].first == 0) return graph->nodes[v].count;
    return 0;
}

void lb_noise_texts(int64_t words, int64_t count, int64_t length, uint64_t seed, float *data, int64_t *lengths) {
    for (int64_t i = 0; i < count * length; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's generator */
        data[2 * i] = (float)((int64_t)(seed >> 33) % words);
        data[2 * i + 1] = 0;
    }
    for (int64_t i = 0; i < count; i++) lengths[i] = length;
}

/* ---- files beside a model ---- */

/* "folder/name" of a folder, or of a file in it. */
static void beside(char path[LONGEST_PATH], const char *model, const char *name) {
    struct stat at;
    const char *slash = strrchr(model, '/');
    const bool folder = stat(model, &at) == 0 && S_ISDIR(at.st_mode);
    const int length = (int)lb_min(folder ? strlen(model) : slash ? (size_t)(slash - model) : 0, LONGEST_PATH - 64);
    snprintf(path, LONGEST_PATH, "%.*s%s%s", length, model, folder || slash ? "/" : "", name);
}

/* Whether tokenizer_config.json says that letters keep their case. */
static lowbit_status read_case(const char *path, bool *cased, lowbit_error *error) {
    lb_mapped file;
    json_error_t why;
    struct stat at;
    *cased = false;
    if (stat(path, &at) != 0) return LOWBIT_OK;
    LB_TRY(lb_map_file(path, &file, error));
    json_t *json = json_loadb((const char *)file.bytes, file.length, JSON_REJECT_DUPLICATES, &why);
    lb_unmap(&file);
    LB_REQUIRE(json_is_object(json), error, LOWBIT_BAD_FORMAT, "%.100s, line %d: no JSON, or no object", path,
               why.line);
    *cased = json_is_false(json_object_get(json, "do_lower_case"));
    json_decref(json);
    return LOWBIT_OK;
}

lowbit_status lb_pieces_read(const char *model, const char *file, lb_blocks *memory, lb_pieces *pieces,
                             lowbit_error *error) {
    char path[LONGEST_PATH];
    lb_mapped mapped;
    *pieces = (lb_pieces){.cased = false};
    beside(path, file ? file : model, "tokenizer_config.json");
    LB_TRY(read_case(path, &pieces->cased, error));
    beside(path, model, "vocab.txt");
    LB_TRY(lb_map_file(file ? file : path, &mapped, error));
    char *copy = lb_blocks_take(memory, mapped.length);
    if (copy && mapped.length > 0) memcpy(copy, mapped.bytes, mapped.length);
    pieces->text = (lb_text){copy, mapped.length};
    lb_unmap(&mapped);
    LB_REQUIRE(copy, error, LOWBIT_NO_MEMORY, "no memory for the vocabulary %.100s", path);
    return LOWBIT_OK;
}

lowbit_status lb_pieces_tokenizer(const lb_pieces *pieces, const lb_graph *graph, lb_wordpiece *tokenizer,
                                  lowbit_error *error) {
    LB_REQUIRE(pieces->text.length > 0, error, LOWBIT_NOT_FOUND,
               "the network has no vocabulary: no vocab.txt beside it");
    LB_TRY(lb_wordpiece_parse((const uint8_t *)pieces->text.bytes, pieces->text.length,
                              pieces->cased ? LB_WORDPIECE_CASED : 0, tokenizer, error));
    if (tokenizer->vocabulary.count <= lb_words(graph)) return LOWBIT_OK;
    lb_fail(error, LOWBIT_INVALID_ARGUMENT, "a vocabulary of %d pieces, where the network has %lld",
            tokenizer->vocabulary.count, (long long)lb_words(graph));
    lb_wordpiece_close(tokenizer);
    return LOWBIT_INVALID_ARGUMENT;
}
