/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/wordpiece_py.py talks to: texts on standard input (tests/text_stream.h), ids on standard output, one line
 * a text, without padding.
 *
 *     wordpiece_ids VOCABULARY cased|uncased CAPACITY single
 *     wordpiece_ids VOCABULARY cased|uncased CAPACITY pairs     two texts a line; each id as ID/TYPE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/wordpiece.h"
#include "tests/text_stream.h"

static void print_row(const lb_token_row *row, bool pairs) {
    for (int32_t i = 0; i < row->count; i++) {
        printf("%s%d", i ? " " : "", (int)row->ids[i]);
        if (pairs) printf("/%d", (int)row->types[i]);
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    lb_wordpiece tokenizer;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (argc != 5) text_stream_die("usage: wordpiece_ids VOCABULARY cased|uncased CAPACITY single|pairs");
    const bool pairs = strcmp(argv[4], "pairs") == 0;
    const size_t capacity = strtoul(argv[3], NULL, 10);
    lb_token_row row = {(int32_t)capacity, malloc(4 * capacity), malloc(4 * capacity), malloc(4 * capacity), 0, false};
    if (!row.ids || !row.types || !row.mask) text_stream_die("no memory for a row");
    if (lb_wordpiece_open(argv[1], strcmp(argv[2], "cased") == 0 ? LB_WORDPIECE_CASED : 0, &tokenizer, &error) !=
        LOWBIT_OK)
        text_stream_die(error.message);
    for (lb_text first, second; text_stream_read(&first);) {
        if (pairs && !text_stream_read(&second)) text_stream_die("half a pair");
        if (lb_wordpiece_encode(&tokenizer, first, pairs ? &second : NULL, &row, &error) != LOWBIT_OK)
            text_stream_die(error.message);
        print_row(&row, pairs);
        free((void *)(uintptr_t)first.bytes);
        if (pairs) free((void *)(uintptr_t)second.bytes);
    }
    lb_wordpiece_close(&tokenizer);
    free(row.ids);
    free(row.types);
    free(row.mask);
    return 0;
}
