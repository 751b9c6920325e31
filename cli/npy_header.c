/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a .npy file: magic, version, length, and a Python dictionary of three entries as ASCII text:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and spaces up to a line end. */
#include <string.h>

#include "cli/npy.h"
#include "kernels/base/base.h"

enum { MAGIC = 6, MAX_HEADER = 1 << 16, SEEN_DESCR = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

/* What is left of the text. */
typedef struct text {
    const char *at, *end;
} text;

static void skip_space(text *t) {
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t' || *t->at == '\r')) t->at++;
}

/* Takes the word, and the space before it, if it comes next. */
static bool take(text *t, const char *word) {
    const size_t length = strlen(word);
    skip_space(t);
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0) return false;
    t->at += length;
    return true;
}

/* A quoted string without escapes, of less than `size` characters. */
static bool take_string(text *t, char *out, size_t size) {
    skip_space(t);
    if (t->at >= t->end || (*t->at != '\'' && *t->at != '"')) return false;
    const char quote = *t->at++;
    size_t length = 0;
    while (t->at < t->end && *t->at != quote) {
        if (length + 1 >= size || *t->at == '\\') return false;
        out[length++] = *t->at++;
    }
    if (t->at >= t->end) return false;
    t->at++;
    out[length] = 0;
    return true;
}

static bool take_number(text *t, int64_t *number) {
    skip_space(t);
    if (t->at >= t->end || *t->at < '0' || *t->at > '9') return false;
    for (*number = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, *t->at - '0', number))
            return false;
    if (t->at < t->end && *t->at == 'L') t->at++; /* Python 2 wrote long integers so */
    return true;
}

/* "<f4": byte order, kind, size. */
static lowbit_status read_descr(text *t, lb_npy *npy, lowbit_error *error) {
    static const char *const kTypes[] = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"};
    char descr[16];
    LB_REQUIRE(take_string(t, descr, sizeof descr), error, LOWBIT_UNSUPPORTED,
               "the element type of the file is not a plain number");
    LB_REQUIRE(descr[0] && strchr("<>|=", descr[0]), error, LOWBIT_UNSUPPORTED, "unsupported element type '%s'", descr);
    for (size_t i = 0; i < LB_COUNT(kTypes); i++) {
        if (strcmp(descr + 1, kTypes[i]) != 0) continue;
        npy->kind = descr[1];
        npy->size = descr[2] - '0';
        const char other = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';
        npy->swapped = descr[0] == other && npy->size > 1;
        return LOWBIT_OK;
    }
    return lb_fail(error, LOWBIT_UNSUPPORTED, "unsupported element type '%s'", descr);
}

static lowbit_status read_shape(text *t, lb_npy *npy, lowbit_error *error) {
    LB_REQUIRE(take(t, "("), error, LOWBIT_BAD_FORMAT, "the shape of the file is no tuple");
    for (npy->ndim = 0; !take(t, ")");) {
        LB_REQUIRE(npy->ndim < LB_NPY_MAX_DIMS, error, LOWBIT_UNSUPPORTED, "the file has more than %d dimensions",
                   LB_NPY_MAX_DIMS);
        LB_REQUIRE(take_number(t, &npy->shape[npy->ndim]), error, LOWBIT_BAD_FORMAT,
                   "the shape of the file holds something that is no length");
        npy->ndim++;
        if (take(t, ",")) continue;
        LB_REQUIRE(npy->ndim > 1 && take(t, ")"), error, LOWBIT_BAD_FORMAT, "the shape of the file is no tuple");
        break;
    }
    return LOWBIT_OK;
}

static lowbit_status read_entry(text *t, lb_npy *npy, int *seen, lowbit_error *error) {
    char key[16];
    LB_REQUIRE(take_string(t, key, sizeof key) && take(t, ":"), error, LOWBIT_BAD_FORMAT,
               "the header of the file is no dictionary");
    const int entry = strcmp(key, "descr") == 0           ? SEEN_DESCR
                      : strcmp(key, "fortran_order") == 0 ? SEEN_ORDER
                      : strcmp(key, "shape") == 0         ? SEEN_SHAPE
                                                          : 0;
    LB_REQUIRE(entry && !(*seen & entry), error, LOWBIT_BAD_FORMAT, "the header of the file has %s '%s'",
               entry ? "two entries" : "an unknown entry", key);
    *seen |= entry;
    if (entry == SEEN_DESCR) return read_descr(t, npy, error);
    if (entry == SEEN_SHAPE) return read_shape(t, npy, error);
    npy->fortran = take(t, "True");
    LB_REQUIRE(npy->fortran || take(t, "False"), error, LOWBIT_BAD_FORMAT, "fortran_order is neither True nor False");
    return LOWBIT_OK;
}

static lowbit_status read_dictionary(text *t, lb_npy *npy, lowbit_error *error) {
    int seen = 0;
    LB_REQUIRE(take(t, "{"), error, LOWBIT_BAD_FORMAT, "the header of the file is no dictionary");
    while (!take(t, "}")) {
        LB_TRY(read_entry(t, npy, &seen, error));
        if (take(t, ",")) continue;
        LB_REQUIRE(take(t, "}"), error, LOWBIT_BAD_FORMAT, "the header of the file is no dictionary");
        break;
    }
    skip_space(t);
    LB_REQUIRE(seen == SEEN_ALL && t->at == t->end, error, LOWBIT_BAD_FORMAT, "the header of the file %s",
               seen == SEEN_ALL ? "goes on behind its dictionary" : "lacks descr, fortran_order or shape");
    return LOWBIT_OK;
}

static lowbit_status count_elements(lb_npy *npy, lowbit_error *error) {
    int64_t bytes;
    npy->count = 1;
    bool fits = true;
    for (int i = 0; i < npy->ndim; i++) fits &= !__builtin_mul_overflow(npy->count, npy->shape[i], &npy->count);
    LB_REQUIRE(fits && !__builtin_mul_overflow(npy->count, (int64_t)npy->size, &bytes), error, LOWBIT_BAD_FORMAT,
               "the shape of the file overflows 63 bits");
    return LOWBIT_OK;
}

lowbit_status lb_npy_parse(const uint8_t *bytes, size_t length, lb_npy *npy, size_t *header, lowbit_error *error) {
    *npy = (lb_npy){.data = NULL};
    LB_REQUIRE(length >= MAGIC + 4 && memcmp(bytes, "\x93NUMPY", MAGIC) == 0, error, LOWBIT_BAD_FORMAT,
               "this is no .npy file");
    const int version = bytes[MAGIC], width = version == 1 ? 2 : 4;
    LB_REQUIRE(version >= 1 && version <= 3 && bytes[MAGIC + 1] == 0, error, LOWBIT_UNSUPPORTED,
               "version %d.%d of the .npy format is unknown", version, bytes[MAGIC + 1]);
    const size_t start = MAGIC + 2 + (size_t)width;
    LB_REQUIRE(length >= start, error, LOWBIT_BAD_FORMAT, "the file ends in its header");
    size_t text_length = 0;
    for (int i = width; i-- > 0;) text_length = text_length << 8 | bytes[MAGIC + 2 + i];
    LB_REQUIRE(text_length <= MAX_HEADER, error, LOWBIT_BAD_FORMAT, "the header of the file claims %zu bytes",
               text_length);
    LB_REQUIRE(text_length <= length - start, error, LOWBIT_BAD_FORMAT, "the file ends in its header");
    text t = {(const char *)bytes + start, (const char *)bytes + start + text_length};
    LB_TRY(read_dictionary(&t, npy, error));
    *header = start + text_length;
    return count_elements(npy, error);
}
