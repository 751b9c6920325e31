/* SPDX-License-Identifier: Apache-2.0 */
/* Writing safetensors: the order of the data, the header, and the file. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "nn/safetensors.h"
#include "nn/safetensors_format.h"
#include "tuner/replace_file.h"

/* A file in the making. */
typedef struct writing {
    const lb_tensor **tensors; /* in the order of their data */
    size_t count;
    json_t *header;
    char *text;      /* of the header, behind its length and padded */
    size_t size;     /* of text */
    lb_bytes *parts; /* text, and the data */
} writing;

/* Whole lines first, then wide elements before narrow ones, then by name. */
static int by_alignment(const void *a, const void *b) {
    const lb_tensor *x = *(const lb_tensor *const *)a, *y = *(const lb_tensor *const *)b;
    const int whole = (x->bytes % LB_SAFETENSORS_ALIGN != 0) - (y->bytes % LB_SAFETENSORS_ALIGN != 0);
    if (whole) return whole;
    return x->dtype->bits != y->dtype->bits ? y->dtype->bits - x->dtype->bits : strcmp(x->name, y->name);
}

static lowbit_status check_tensor(const lb_tensor *t, lowbit_error *error) {
    LB_REQUIRE(t->name && t->dtype && t->rank >= 0 && t->rank <= LB_TENSOR_RANK, error, LOWBIT_INVALID_ARGUMENT,
               "a tensor without a name or a type, or of %d dimensions", (int)t->rank);
    lb_tensor sized = *t;
    LB_REQUIRE(lb_tensor_size(&sized) && sized.bytes == t->bytes && (t->data || t->bytes == 0), error,
               LOWBIT_INVALID_ARGUMENT, "\"%.64s\" has no data, or %lld bytes where its shape needs another number",
               t->name, (long long)t->bytes);
    return LOWBIT_OK;
}

/* Puts the value, which is released in any case, under a key that is new. */
static lowbit_status put(json_t *object, const char *key, json_t *value, lowbit_error *error) {
    const bool known = json_object_get(object, key) != NULL, good = value && !known;
    const bool set = json_object_set_new(object, key, good ? value : NULL) == 0;
    if (known) json_decref(value);
    LB_REQUIRE(!known && set, error, LOWBIT_INVALID_ARGUMENT,
               "\"%.64s\" is there twice, or no text in UTF-8, or there is no memory for it", key);
    return LOWBIT_OK;
}

/* NULL without memory. */
static json_t *shape_of(const lb_tensor *t) {
    json_t *shape = json_array();
    for (int32_t i = 0; i < t->rank; i++)
        if (json_array_append_new(shape, json_integer(t->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    return shape;
}

static json_t *entry_of(const lb_tensor *t, json_int_t begin) {
    const json_int_t end = begin + t->bytes;
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->dtype->name, "shape", shape_of(t), "data_offsets", begin, end);
}

static lowbit_status fill_header(writing *w, const lb_text_pair *metadata, size_t metadata_count, lowbit_error *error) {
    int64_t at = 0;
    json_t *texts = json_object();
    LB_TRY(put(w->header, LB_SAFETENSORS_METADATA, texts, error));
    for (size_t i = 0; i < metadata_count; i++)
        LB_TRY(put(texts, metadata[i].key, json_string(metadata[i].value), error));
    for (size_t i = 0; i < w->count; i++) {
        const int64_t begin = at;
        LB_REQUIRE(lb_add_bytes(&at, 1, w->tensors[i]->bytes), error, LOWBIT_INVALID_ARGUMENT,
                   "the tensors have too many bytes");
        LB_TRY(put(w->header, w->tensors[i]->name, entry_of(w->tensors[i], begin), error));
    }
    if (metadata_count == 0) json_object_del(w->header, LB_SAFETENSORS_METADATA); /* it kept the name from tensors */
    return LOWBIT_OK;
}

/* The header's text behind its length, padded with spaces to whole lines. */
static lowbit_status print_header(writing *w, lowbit_error *error) {
    const size_t length = json_dumpb(w->header, NULL, 0, JSON_COMPACT);
    LB_REQUIRE(length > 0, error, LOWBIT_NO_MEMORY, "no memory for a header");
    w->size = (size_t)lb_round_up((int64_t)(LB_SAFETENSORS_PREFIX + length), LB_SAFETENSORS_ALIGN);
    const size_t padded = w->size - LB_SAFETENSORS_PREFIX;
    LB_REQUIRE(padded <= LB_SAFETENSORS_HEADER, error, LOWBIT_INVALID_ARGUMENT,
               "a header of %zu bytes: at most %d are allowed", padded, (int)LB_SAFETENSORS_HEADER);
    w->text = malloc(w->size);
    LB_REQUIRE(w->text && json_dumpb(w->header, w->text + LB_SAFETENSORS_PREFIX, padded, JSON_COMPACT) == length, error,
               LOWBIT_NO_MEMORY, "no memory for a header of %zu bytes", padded);
    memset(w->text + LB_SAFETENSORS_PREFIX + length, ' ', padded - length);
    for (int i = 0; i < LB_SAFETENSORS_PREFIX; i++) w->text[i] = (char)((uint64_t)padded >> 8 * i & 0xFF);
    return LOWBIT_OK;
}

static lowbit_status write_parts(const writing *w, const char *path, lowbit_error *error) {
    char fresh[PATH_MAX];
    const int length = snprintf(fresh, sizeof fresh, "%s.%ld.tmp", path, (long)getpid());
    LB_REQUIRE(length > 0 && (size_t)length < sizeof fresh, error, LOWBIT_INVALID_ARGUMENT,
               "a path of %zu bytes is too long", strlen(path));
    w->parts[0] = (lb_bytes){w->text, w->size};
    for (size_t i = 0; i < w->count; i++)
        w->parts[i + 1] = (lb_bytes){w->tensors[i]->data, (size_t)w->tensors[i]->bytes};
    return lb_replace_file(path, fresh, 0, w->parts, w->count + 1, error);
}

static lowbit_status fill(writing *w, const lb_tensor *tensors, lowbit_error *error) {
    w->tensors = malloc((w->count + 1) * sizeof(lb_tensor *));
    w->parts = malloc((w->count + 1) * sizeof *w->parts);
    w->header = json_object();
    LB_REQUIRE(w->tensors && w->parts && w->header, error, LOWBIT_NO_MEMORY, "no memory for %zu tensors", w->count);
    for (size_t i = 0; i < w->count; i++) {
        LB_TRY(check_tensor(&tensors[i], error));
        w->tensors[i] = &tensors[i];
    }
    qsort(w->tensors, w->count, sizeof(lb_tensor *), by_alignment);
    return LOWBIT_OK;
}

lowbit_status lb_safetensors_write(const char *path, const lb_tensor *tensors, size_t count,
                                   const lb_text_pair *metadata, size_t metadata_count, lowbit_error *error) {
    writing w = {.count = count};
    lowbit_status status = fill(&w, tensors, error);
    if (status == LOWBIT_OK) status = fill_header(&w, metadata, metadata_count, error);
    if (status == LOWBIT_OK) status = print_header(&w, error);
    if (status == LOWBIT_OK) status = write_parts(&w, path, error);
    json_decref(w.header);
    free((void *)w.tensors);
    free(w.parts);
    free(w.text);
    return status;
}
