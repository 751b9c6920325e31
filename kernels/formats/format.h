/* SPDX-License-Identifier: Apache-2.0 */
/* What a format is: constants, no code. One row of the table in formats.c is all that the quantizers, the packer, the
 * reference, the kernels, the problem grammar and the tests know about it. */
#ifndef LOWBIT_KERNELS_FORMATS_FORMAT_H_
#define LOWBIT_KERNELS_FORMATS_FORMAT_H_

#include "kernels/base/base.h"
#include "kernels/formats/coding.h"
#include "lowbit/weights.h"

typedef struct lb_format {
    const char *name;
    uint8_t id;           /* LOWBIT_I8, ... */
    uint8_t coding;       /* LB_CODING_* */
    uint16_t codes;       /* codes are 0 .. codes - 1; 0 = floats, which have neither codes nor scales */
    uint8_t value_scale;  /* s: 1 or 2 */
    uint8_t value_offset; /* o */
    uint8_t offset_legal; /* zero points and minima */
    uint8_t auto_rule;    /* LOWBIT_RULE_* that LOWBIT_RULE_AUTO means */
    bool distance;        /* "products" are -sum |a - v|; codes of A share the scale of the weights, one in all */
    uint32_t rules;       /* bit LOWBIT_RULE_x: the rule fits */
    const int8_t *book;   /* [16] of a named book, whose code c has the value book[c] = (book[c] + o) - o; else NULL */
} lb_format;

/* NULL past the end, or for an unknown number or name. Names are compared over `length` characters. */
const lb_format *lb_format_at(size_t index);
const lb_format *lb_format_of(uint32_t id);
const lb_format *lb_format_named(const char *name, size_t length);

/* k of a line, and bits of an element. */
static inline int64_t lb_line_k(const lb_format *format) { return lb_codings[format->coding].line_k; }
static inline int64_t lb_bits(const lb_format *format) { return lb_codings[format->coding].bits; }

/* Elements are floats, not codes. */
static inline bool lb_is_float(const lb_format *format) { return format->codes == 0; }

/* Codes are translated by a book: the format's own, or, where it has none, one that comes with the weights. */
static inline bool lb_has_book(const lb_format *format) { return format->coding == LB_CODING_C4; }

/* Refuses a type that breaks the rules of weights.h: unknown format, illegal group, offset or scale type. */
lowbit_status lb_check_weight_type(const lowbit_weight_type *type, lowbit_error *error);

/* The same and the matrix's size: n >= 1, 1 <= k <= what stays exact (docs/numerics.md). */
lowbit_status lb_check_weight_shape(const lowbit_weight_type *type, int64_t n, int64_t k, lowbit_error *error);

/* G: groups along a row of k elements; group <= 0 means one. */
static inline int64_t lb_groups(int64_t k, int64_t group) { return group <= 0 ? 1 : lb_div_up(k, group); }

/* Integer sums of a row that are scaled one by one: of its groups, or, progressive, one of them all. */
static inline int64_t lb_scaled_sums(const lowbit_weight_type *type, int64_t k) {
    return type->progressive ? 1 : lb_groups(k, type->group);
}

/* The most that a multiplier of progressive groups of this type may be (weights.h has the formula and the reason): also
 * a code that the format lacks but its width holds stays inside an int8, so an opened blob needs no look at its codes.
 */
int64_t lb_multiplier_limit(const lowbit_weight_type *type);

/* Float scales along a row of k elements. */
static inline int64_t lb_scale_groups(const lowbit_weight_type *type, int64_t k) {
    if (lb_is_float(lb_format_of(type->format))) return 0;
    return type->progressive ? 1 : lb_groups(k, type->group);
}

#endif
