/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/bpe_py.py talks to: texts on standard input (tests/text_stream.h), ids on standard output, one line a
 * text, and behind them how many bytes they stand for.
 *
 *     bpe_ids TOKENIZER */
#include <string.h>

#include "nn/bpe.h"
#include "tests/text_stream.h"

/* Bytes that the ids stand for; dies where they differ from the text, but for a space in front. */
static size_t decode(const lb_bpe *bpe, const int32_t *ids, int64_t count, lb_text text) {
    char *out = calloc(text.length + 2, 1);
    size_t length = 0;
    if (!out) text_stream_die("no memory");
    for (int64_t i = 0; i < count; i++) {
        const lb_text piece = lb_bpe_decode(bpe, i > 0 ? ids[i - 1] : -1, ids[i]);
        if (length + piece.length > text.length + 1) text_stream_die("more than was encoded");
        memcpy(out + length, piece.bytes, piece.length);
        length += piece.length;
    }
    const size_t space = length - text.length;
    if (space > 1 || (space && out[0] != ' ') || memcmp(out + space, text.bytes, text.length) != 0)
        text_stream_die("other bytes than were encoded");
    free(out);
    return length;
}

int main(int argc, char **argv) {
    lb_bpe bpe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (argc != 2) text_stream_die("usage: bpe_ids TOKENIZER");
    if (lb_bpe_open(argv[1], &bpe, &error) != LOWBIT_OK) text_stream_die(error.message);
    for (lb_text text; text_stream_read(&text);) {
        int32_t *ids = malloc((text.length + 1) * sizeof *ids);
        int64_t count;
        if (!ids || lb_bpe_encode(&bpe, text, ids, &count, &error) != LOWBIT_OK) text_stream_die("no ids");
        for (int64_t i = 0; i < count; i++) printf("%d ", (int)ids[i]);
        printf("= %zu\n", decode(&bpe, ids, count, text));
        free((void *)(uintptr_t)text.bytes);
        free(ids);
    }
    lb_bpe_close(&bpe);
    return 0;
}
