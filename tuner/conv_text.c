/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution as text: parser and printer of the grammar in include/lowbit/conv.h. Both walk the same tables. */
#include <string.h>

#include "kernels/base/base.h"
#include "tuner/conv.h"
#include "tuner/problem.h"

/* A number of the struct, or two in turn: of the lines, and of the columns behind an "x". */
typedef struct field {
    const char *word;
    size_t y, x;       /* offsets; x = 0: there is one number */
    int64_t least;     /* that both may be */
    int64_t otherwise; /* where the word is missing; -1 = it must not */
} field;

#define AT(name) offsetof(lowbit_conv2d, name)

static const int64_t kMost = 9999999999; /* ten digits */

enum { TEXT_BYTES = 256 }; /* the longest that parses */

/* In the order of the grammar. The bottom and right paddings hold EXTRA while a text is read or written. */
static const field kFields[] = {{"b", AT(batch), 0, 1, 1},
                                {"h", AT(height), 0, 1, -1},
                                {"w", AT(width), 0, 1, -1},
                                {"c", AT(channels), 0, 1, -1},
                                {"n", AT(out_channels), 0, 1, -1},
                                {"k", AT(kernel_height), AT(kernel_width), 1, -1},
                                {"s", AT(stride_y), AT(stride_x), 1, 1},
                                {"p", AT(pad_top), AT(pad_left), 0, 0},
                                {"e", AT(pad_bottom), AT(pad_right), 0, 0},
                                {"d", AT(dilation_y), AT(dilation_x), 1, 1},
                                {"g", AT(groups), 0, 1, 1}};

static int64_t get(const lowbit_conv2d *conv, size_t offset) {
    int64_t value;
    memcpy(&value, (const char *)conv + offset, sizeof value);
    return value;
}

static void set(lowbit_conv2d *conv, size_t offset, int64_t value) {
    memcpy((char *)conv + offset, &value, sizeof value);
}

static bool take_field(const char **at, const field *f, lowbit_conv2d *conv) {
    int64_t y = f->otherwise;
    const bool there = lb_take_number(at, f->word, f->least, &y);
    if (!there && y < 0) return false;
    int64_t x = y;
    if (there && f->x) lb_take_number(at, "x", f->least, &x);
    set(conv, f->y, y);
    if (f->x) set(conv, f->x, x);
    return true;
}

static bool take_conv(const char **at, lowbit_conv2d *conv) {
    if (!lb_take_head(at, &conv->product) || **at != ':') return false;
    ++*at;
    for (size_t i = 0; i < LB_COUNT(kFields); i++)
        if (!take_field(at, &kFields[i], conv)) return false;
    conv->pad_bottom += conv->pad_top;
    conv->pad_right += conv->pad_left;
    return lb_take_tail(at, &conv->product);
}

lowbit_status lowbit_conv2d_parse(const char *text, lowbit_conv2d *conv, lowbit_error *error) {
    LB_REQUIRE(text && conv && LB_HAS_FIELD(conv, lowbit_conv2d, product), error, LOWBIT_INVALID_ARGUMENT,
               "text or conv is NULL, or conv's struct_size is too small");
    lowbit_conv2d made = LOWBIT_CONV2D_INIT;
    made.product.struct_size = sizeof made.product;
    made.product.weights = (lowbit_weight_type)LOWBIT_WEIGHT_TYPE_INIT;
    const char *at = text;
    LB_REQUIRE(take_conv(&at, &made), error, LOWBIT_BAD_FORMAT,
               "\"%.80s\" does not fit the grammar from character %d on (\"%.16s\"); an example: "
               "i8a8s:h32w32c64n64k3p1:s8+bias",
               text, (int)(at - text) + 1, at);
    made.struct_size = conv->struct_size;
    *conv = made;
    return LOWBIT_OK;
}

static void put_field(lb_printer *p, const field *f, const lowbit_conv2d *conv) {
    const int64_t y = get(conv, f->y), x = f->x ? get(conv, f->x) : y;
    p->unknown = p->unknown || y < f->least || x < f->least;
    if (y == f->otherwise && x == y) return;
    lb_put_number(p, f->word, y);
    if (x != y) lb_put_number(p, "x", x);
}

static void put_conv(lb_printer *p, const lowbit_conv2d *conv) {
    lowbit_conv2d extra = *conv;
    extra.pad_bottom = conv->pad_bottom - conv->pad_top;
    extra.pad_right = conv->pad_right - conv->pad_left;
    lb_put_head(p, &conv->product);
    lb_put(p, ":");
    for (size_t i = 0; i < LB_COUNT(kFields); i++) put_field(p, &kFields[i], &extra);
    lb_put_tail(p, &conv->product);
}

/* Whether every number may be one of ten digits. */
static bool has_digits(const lowbit_conv2d *conv) {
    bool all = true;
    for (size_t i = 0; i < LB_COUNT(kFields); i++) {
        const int64_t y = get(conv, kFields[i].y), x = kFields[i].x ? get(conv, kFields[i].x) : 0;
        all = all && y >= 0 && y <= kMost && x >= 0 && x <= kMost;
    }
    return all;
}

lowbit_status lowbit_conv2d_print(const lowbit_conv2d *conv, char *text, size_t size, lowbit_error *error) {
    LB_REQUIRE(conv && text && LB_HAS_FIELD(conv, lowbit_conv2d, product), error, LOWBIT_INVALID_ARGUMENT,
               "conv or text is NULL, or conv's struct_size is too small");
    char made[TEXT_BYTES];
    lb_printer p = {made, sizeof made, 0, !has_digits(conv)};
    lowbit_conv2d again = LOWBIT_CONV2D_INIT;
    if (!p.unknown) put_conv(&p, conv);
    LB_REQUIRE(!p.unknown && p.used < sizeof made && lowbit_conv2d_parse(made, &again, NULL) == LOWBIT_OK, error,
               LOWBIT_INVALID_ARGUMENT, "the convolution has a field that the grammar cannot say");
    LB_REQUIRE(p.used < size, error, LOWBIT_TOO_SMALL, "text has %zu bytes, the string needs %zu", size, p.used + 1);
    memcpy(text, made, p.used + 1);
    return LOWBIT_OK;
}
