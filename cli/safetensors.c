/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: u64 little-endian header length, a JSON object name -> {dtype, shape, data_offsets}, then the data.
 * Offsets are relative to the end of the header, disjoint, and cover the rest of the file. The file is not trusted. */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/matrices.h"
#include "kernels/base/base.h"
#include "kernels/formats/scale.h"

enum { LARGEST_HEADER = 100 << 20, LARGEST_RANK = 8 };

typedef struct mapped {
    const uint8_t *data; /* the tensors' bytes */
    int64_t bytes;
    void *base;
    size_t length;
    json_t *header;
} mapped;

typedef struct tensor {
    const char *name, *dtype;
    int64_t shape[LARGEST_RANK], rank, begin, end, elements;
} tensor;

static float f32_at(const uint8_t *p) {
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static float f64_at(const uint8_t *p) {
    double x;
    memcpy(&x, p, sizeof x);
    return (float)x;
}

static uint16_t u16_at(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static float f16_at(const uint8_t *p) { return lb_f16_to_float(u16_at(p)); }
static float bf16_at(const uint8_t *p) { return lb_bf16_to_float(u16_at(p)); }

static const struct dtype {
    const char *name;
    int64_t bytes;
    float (*at)(const uint8_t *p); /* NULL = no weights */
} kDtypes[] = {{"F32", 4, f32_at}, {"F16", 2, f16_at}, {"BF16", 2, bf16_at}, {"F64", 8, f64_at}, {"I64", 8, NULL},
               {"I32", 4, NULL},   {"I16", 2, NULL},   {"I8", 1, NULL},      {"U8", 1, NULL},    {"BOOL", 1, NULL},
               {"U16", 2, NULL},   {"U32", 4, NULL},   {"U64", 8, NULL}};

static const struct dtype *dtype_of(const char *name) {
    for (size_t i = 0; i < LB_COUNT(kDtypes); i++)
        if (strcmp(kDtypes[i].name, name) == 0) return &kDtypes[i];
    return NULL;
}

static bool refuse(lowbit_error *error, const char *path, const char *why) {
    lb_fail(error, LOWBIT_BAD_FORMAT, "%s: %s", path, why);
    return false;
}

static bool map_file(const char *path, mapped *file, lowbit_error *error) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    const bool opened = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 8;
    if (opened) file->base = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0) close(fd);
    if (!opened || file->base == MAP_FAILED) {
        file->base = NULL;
        return refuse(error, path, "cannot be opened, or is no file of at least 8 bytes");
    }
    file->length = (size_t)info.st_size;
    return true;
}

static bool read_header(const char *path, mapped *file, lowbit_error *error) {
    uint64_t length;
    memcpy(&length, file->base, sizeof length);
    if (length > LARGEST_HEADER || length > file->length - 8)
        return refuse(error, path, "the header runs past the file");
    json_error_t why;
    file->header = json_loadb((const char *)file->base + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(file->header))
        return refuse(error, path, "the header is no JSON object without duplicate keys");
    file->data = (const uint8_t *)file->base + 8 + length;
    file->bytes = (int64_t)(file->length - 8 - length);
    return true;
}

static bool read_shape(const json_t *shape, tensor *t) {
    t->rank = (int64_t)json_array_size(shape);
    t->elements = 1;
    if (!json_is_array(shape) || t->rank > LARGEST_RANK) return false;
    for (int64_t i = 0; i < t->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        t->shape[i] = json_integer_value(size);
        if (!json_is_integer(size) || t->shape[i] < 0) return false;
        if (__builtin_mul_overflow(t->elements, t->shape[i], &t->elements)) return false;
    }
    return true;
}

/* Everything that the header says of one tensor must agree with itself and with the file. */
static bool read_tensor(const mapped *file, const char *name, json_t *entry, tensor *t) {
    json_t *shape = NULL;
    json_int_t begin = 0, end = 0;
    *t = (tensor){.name = name};
    if (json_unpack(entry, "{s:s, s:o, s:[I, I]}", "dtype", &t->dtype, "shape", &shape, "data_offsets", &begin, &end) !=
        0)
        return false;
    const struct dtype *dtype = dtype_of(t->dtype);
    int64_t bytes;
    if (!dtype || !read_shape(shape, t) || __builtin_mul_overflow(t->elements, dtype->bytes, &bytes)) return false;
    t->begin = begin;
    t->end = end;
    return begin >= 0 && begin <= end && end <= file->bytes && end - begin == bytes;
}

static bool add_tensor(const mapped *file, const tensor *t, lb_matrices *matrices) {
    const struct dtype *dtype = dtype_of(t->dtype);
    if (!dtype->at || t->rank < 2 || t->elements == 0 || t->shape[0] == 1) return true;
    float *data = malloc((size_t)t->elements * sizeof *data);
    if (!data) return false;
    for (int64_t i = 0; i < t->elements; i++) data[i] = dtype->at(file->data + t->begin + i * dtype->bytes);
    return lb_matrices_add(matrices, t->name, data, t->shape[0], t->elements / t->shape[0]);
}

static int by_begin(const void *a, const void *b) {
    const tensor *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* Sorted by place, each tensor begins where the one before it ends. */
static bool ranges_cover(tensor *tensors, size_t count, int64_t bytes) {
    qsort(tensors, count, sizeof *tensors, by_begin);
    int64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].begin != at && tensors[i].begin != tensors[i].end) return false;
        if (tensors[i].begin == at) at = tensors[i].end;
    }
    return at == bytes;
}

static bool read_tensors(const char *path, const mapped *file, tensor *tensors, lb_matrices *matrices,
                         lowbit_error *error) {
    size_t count = 0;
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        if (!read_tensor(file, name, entry, &tensors[count++])) {
            lb_fail(error, LOWBIT_BAD_FORMAT, "%s: the entry of tensor \"%.64s\" contradicts itself or the file", path,
                    name);
            return false;
        }
    }
    if (!ranges_cover(tensors, count, file->bytes))
        return refuse(error, path, "the tensors overlap or do not cover the file");
    for (size_t i = 0; i < count; i++)
        if (!add_tensor(file, &tensors[i], matrices)) return refuse(error, path, "no memory for its tensors");
    return true;
}

bool lb_read_safetensors(const char *path, lb_matrices *matrices, lowbit_error *error) {
    mapped file = {0};
    *matrices = (lb_matrices){0};
    bool good = map_file(path, &file, error) && read_header(path, &file, error);
    if (good) {
        tensor *tensors = malloc((json_object_size(file.header) + 1) * sizeof *tensors);
        good = tensors ? read_tensors(path, &file, tensors, matrices, error) : refuse(error, path, "no memory");
        free(tensors);
    }
    if (!good) lb_matrices_free(matrices);
    json_decref(file.header);
    if (file.base) munmap(file.base, file.length);
    return good;
}
