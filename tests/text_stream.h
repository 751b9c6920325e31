/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that a test in Python sends to a program: each as the four bytes of its length (little endian) and itself. */
#ifndef LOWBIT_TESTS_TEXT_STREAM_H_
#define LOWBIT_TESTS_TEXT_STREAM_H_

#include <stdio.h>
#include <stdlib.h>

#include "nn/text.h"

static inline void text_stream_die(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

/* The next text of standard input, whose bytes are the caller's to free; false at the end. */
static inline bool text_stream_read(lb_text *text) {
    uint8_t size[4];
    if (fread(size, 1, sizeof size, stdin) != sizeof size) return false;
    text->length = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    char *bytes = malloc(text->length + 1);
    if (!bytes || fread(bytes, 1, text->length, stdin) != text->length) text_stream_die("a text is cut short");
    text->bytes = bytes;
    return true;
}

#endif
