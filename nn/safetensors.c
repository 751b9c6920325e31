/* SPDX-License-Identifier: Apache-2.0 */
/* Reading safetensors: a u64 little-endian length, as many bytes of a JSON object
 *
 *     {"__metadata__": {KEY: TEXT, ...}, NAME: {"dtype": TYPE, "shape": [...], "data_offsets": [BEGIN, END]}, ...}
 *
 * padded with spaces, then the data. Offsets are relative to the data; sorted, each tensor begins where the one before
 * it ends, and the last one ends with the file. */
#include "nn/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/safetensors_format.h"

/* ---- the header ---- */

static lowbit_status read_header(const uint8_t *bytes, size_t length, json_t **header, size_t *data,
                                 lowbit_error *error) {
    LB_REQUIRE(length >= LB_SAFETENSORS_PREFIX, error, LOWBIT_BAD_FORMAT, "%zu bytes are no safetensors file", length);
    uint64_t size = 0;
    for (int i = 0; i < LB_SAFETENSORS_PREFIX; i++) size |= (uint64_t)bytes[i] << 8 * i;
    LB_REQUIRE(size <= LB_SAFETENSORS_HEADER, error, LOWBIT_BAD_FORMAT,
               "a header of %llu bytes: at most %d are allowed", (unsigned long long)size, (int)LB_SAFETENSORS_HEADER);
    LB_REQUIRE(size <= length - LB_SAFETENSORS_PREFIX, error, LOWBIT_BAD_FORMAT,
               "the header of %llu bytes runs past the file's %zu", (unsigned long long)size, length);
    const char *text = (const char *)bytes + LB_SAFETENSORS_PREFIX;
    json_error_t why;
    LB_REQUIRE(size > 0 && text[0] == '{', error, LOWBIT_BAD_FORMAT, "the header does not begin with {");
    *header = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, &why);
    LB_REQUIRE(*header, error, json_error_code(&why) == json_error_out_of_memory ? LOWBIT_NO_MEMORY : LOWBIT_BAD_FORMAT,
               "the header is no JSON: %s", why.text);
    *data = LB_SAFETENSORS_PREFIX + (size_t)size;
    return LOWBIT_OK;
}

/* Bytes of all names, keys and values with their ends. */
static size_t text_size(json_t *header) {
    const char *name, *key;
    json_t *entry, *value, *metadata = json_object_get(header, LB_SAFETENSORS_METADATA);
    size_t bytes = 0;
    json_object_foreach(header, name, entry) bytes += strlen(name) + 1;
    json_object_foreach(metadata, key, value) bytes += strlen(key) + json_string_length(value) + 2;
    return bytes;
}

lowbit_status lb_safetensors_take(lb_safetensors *file, size_t tensors, size_t pairs, size_t text,
                                  lowbit_error *error) {
    file->tensors = malloc((tensors + 1) * sizeof *file->tensors);
    file->by_name = malloc((tensors + 1) * sizeof(lb_tensor *));
    file->metadata = malloc((pairs + 1) * sizeof *file->metadata);
    file->text = malloc(text + 1);
    LB_REQUIRE(file->tensors && file->by_name && file->metadata && file->text, error, LOWBIT_NO_MEMORY,
               "no memory for %zu tensors", tensors);
    return LOWBIT_OK;
}

/* Copies the text to *end, which moves on. */
static const char *keep(char **end, const char *text) {
    const size_t bytes = strlen(text) + 1;
    char *copy = memcpy(*end, text, bytes);
    *end += bytes;
    return copy;
}

static lowbit_status read_metadata(json_t *entry, char **text, lb_safetensors *file, lowbit_error *error) {
    const char *key;
    json_t *value;
    LB_REQUIRE(json_is_object(entry), error, LOWBIT_BAD_FORMAT, "__metadata__ is no object");
    json_object_foreach(entry, key, value) {
        LB_REQUIRE(json_is_string(value), error, LOWBIT_BAD_FORMAT, "\"%.64s\" of __metadata__ is no text", key);
        lb_text_pair *pair = &file->metadata[file->metadata_count++];
        pair->key = keep(text, key);
        pair->value = keep(text, json_string_value(value));
    }
    return LOWBIT_OK;
}

/* ---- tensors ---- */

static lowbit_status read_shape(const json_t *shape, lb_tensor *t, lowbit_error *error) {
    const size_t rank = json_array_size(shape);
    LB_REQUIRE(json_is_array(shape), error, LOWBIT_BAD_FORMAT, "the shape of \"%.64s\" is no list", t->name);
    LB_REQUIRE(rank <= LB_TENSOR_RANK, error, LOWBIT_UNSUPPORTED, "\"%.64s\" has %zu dimensions, at most %d are read",
               t->name, rank, (int)LB_TENSOR_RANK);
    for (size_t i = 0; i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        t->shape[i] = json_integer_value(size);
        LB_REQUIRE(json_is_integer(size) && t->shape[i] >= 0, error, LOWBIT_BAD_FORMAT,
                   "dimension %zu of \"%.64s\" is no number of elements", i, t->name);
    }
    t->rank = (int32_t)rank;
    LB_REQUIRE(lb_tensor_size(t), error, LOWBIT_BAD_FORMAT, "the shape of \"%.64s\" overflows or ends within a byte",
               t->name);
    return LOWBIT_OK;
}

/* Everything that the header says of one tensor must agree with itself and with the bytes behind it. */
static lowbit_status read_tensor(json_t *entry, const uint8_t *data, int64_t bytes, lb_tensor *t, lowbit_error *error) {
    const char *dtype;
    json_t *shape;
    json_int_t begin, end;
    json_error_t why;
    LB_REQUIRE(json_unpack_ex(entry, &why, 0, "{s:s, s:o, s:[I, I !]}", "dtype", &dtype, "shape", &shape,
                              "data_offsets", &begin, &end) == 0,
               error, LOWBIT_BAD_FORMAT, "the entry of \"%.64s\": %s", t->name, why.text);
    t->dtype = lb_dtype_of(dtype);
    LB_REQUIRE(t->dtype, error, LOWBIT_BAD_FORMAT, "\"%.64s\" is of the unknown type \"%.32s\"", t->name, dtype);
    LB_TRY(read_shape(shape, t, error));
    LB_REQUIRE(begin >= 0 && begin <= end && end <= bytes, error, LOWBIT_BAD_FORMAT,
               "\"%.64s\" lies at [%lld, %lld) of %lld bytes", t->name, (long long)begin, (long long)end,
               (long long)bytes);
    LB_REQUIRE(end - begin == t->bytes, error, LOWBIT_BAD_FORMAT, "\"%.64s\" has %lld bytes, its shape needs %lld",
               t->name, (long long)(end - begin), (long long)t->bytes);
    t->data = data + begin;
    return LOWBIT_OK;
}

static int by_place(const void *a, const void *b) {
    const lb_tensor *x = a, *y = b;
    const uint8_t *at = x->data, *other = y->data;
    return at != other ? (at > other) - (at < other) : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static lowbit_status check_places(const lb_safetensors *file, const uint8_t *data, int64_t bytes, lowbit_error *error) {
    int64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const lb_tensor *t = &file->tensors[i];
        const int64_t begin = (const uint8_t *)t->data - data;
        LB_REQUIRE(begin == at, error, LOWBIT_BAD_FORMAT, "\"%.64s\" begins at %lld, %s one before it ends at %lld",
                   t->name, (long long)begin, begin < at ? "but the" : "and there is a hole: the", (long long)at);
        at += t->bytes;
    }
    LB_REQUIRE(at == bytes, error, LOWBIT_BAD_FORMAT, "the tensors end at %lld of %lld bytes", (long long)at,
               (long long)bytes);
    return LOWBIT_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const lb_tensor *const *)a)->name, (*(const lb_tensor *const *)b)->name);
}

void lb_safetensors_sort(lb_safetensors *file) {
    for (size_t i = 0; i < file->count; i++) file->by_name[i] = &file->tensors[i];
    qsort((void *)file->by_name, file->count, sizeof(lb_tensor *), by_name);
}

static lowbit_status read_entries(json_t *header, const uint8_t *data, int64_t bytes, lb_safetensors *file,
                                  lowbit_error *error) {
    const char *name;
    json_t *entry;
    const size_t pairs = json_object_size(json_object_get(header, LB_SAFETENSORS_METADATA));
    LB_TRY(lb_safetensors_take(file, json_object_size(header), pairs, text_size(header), error));
    char *text = file->text;
    json_object_foreach(header, name, entry) {
        if (strcmp(name, LB_SAFETENSORS_METADATA) == 0) {
            LB_TRY(read_metadata(entry, &text, file, error));
            continue;
        }
        lb_tensor *t = &file->tensors[file->count++];
        *t = (lb_tensor){.name = keep(&text, name)};
        LB_TRY(read_tensor(entry, data, bytes, t, error));
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    lb_safetensors_sort(file);
    return check_places(file, data, bytes, error);
}

/* ---- the doors ---- */

lowbit_status lb_safetensors_parse(const uint8_t *bytes, size_t length, lb_safetensors *file, lowbit_error *error) {
    json_t *header = NULL;
    size_t data = 0;
    *file = (lb_safetensors){.count = 0};
    LB_TRY(read_header(bytes, length, &header, &data, error));
    const lowbit_status status = read_entries(header, bytes + data, (int64_t)(length - data), file, error);
    json_decref(header);
    if (status != LOWBIT_OK) lb_safetensors_close(file);
    return status;
}

lowbit_status lb_safetensors_open(const char *path, lb_safetensors *file, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *file = (lb_safetensors){.count = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_safetensors_parse(mapped.bytes, mapped.length, file, &reason);
    if (status == LOWBIT_OK)
        file->mapped = mapped;
    else
        lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}

void lb_safetensors_close(lb_safetensors *file) {
    free(file->tensors);
    free((void *)file->by_name);
    free(file->metadata);
    free(file->text);
    lb_unmap(&file->mapped);
    *file = (lb_safetensors){.count = 0};
}

const lb_tensor *lb_safetensors_find(const lb_safetensors *file, const char *name) {
    const lb_tensor named = {.name = name}, *wanted = &named;
    if (file->count == 0) return NULL;
    const lb_tensor *const *found = bsearch(&wanted, file->by_name, file->count, sizeof(lb_tensor *), by_name);
    return found ? *found : NULL;
}

const char *lb_safetensors_text(const lb_safetensors *file, const char *key) {
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0) return file->metadata[i].value;
    return NULL;
}
