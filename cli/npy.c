/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files: reading, writing, and their elements as floats. The header is read in npy_header.c. */
#include "cli/npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

enum { LONGEST_HEADER = 12 + (1 << 16), HEADER_LINE = 64 };

static lowbit_status io_error(const char *path, lowbit_error *error) {
    return lb_fail(error, LOWBIT_IO, "%s: %s", path, strerror(errno));
}

/* Bytes from `file`'s place to its end; negative if it cannot be told. The place is left as it was. */
static int64_t bytes_left(FILE *file) {
    const long here = ftell(file);
    if (here < 0 || fseek(file, 0, SEEK_END) != 0) return -1;
    const long end = ftell(file);
    return fseek(file, here, SEEK_SET) == 0 && end >= 0 ? end - here : -1;
}

static lowbit_status read_data(FILE *file, const char *path, lb_npy *npy, lowbit_error *error) {
    const int64_t want = npy->count * npy->size, left = bytes_left(file);
    if (left < 0) return io_error(path, error);
    LB_REQUIRE(left == want, error, LOWBIT_BAD_FORMAT, "the array needs %lld bytes, but %lld follow the header",
               (long long)want, (long long)left);
    npy->data = malloc((size_t)lb_max(want, 1));
    LB_REQUIRE(npy->data, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes", (long long)want);
    errno = EIO;
    return fread(npy->data, 1, (size_t)want, file) == (size_t)want ? LOWBIT_OK : io_error(path, error);
}

static lowbit_status read_file(FILE *file, const char *path, lb_npy *npy, lowbit_error *error) {
    uint8_t *start = malloc(LONGEST_HEADER);
    LB_REQUIRE(start, error, LOWBIT_NO_MEMORY, "no memory for a header");
    size_t header = 0;
    const size_t length = fread(start, 1, LONGEST_HEADER, file);
    lowbit_status status = ferror(file) ? io_error(path, error) : lb_npy_parse(start, length, npy, &header, error);
    free(start);
    if (status == LOWBIT_OK && fseek(file, (long)header, SEEK_SET) != 0) status = io_error(path, error);
    return status == LOWBIT_OK ? read_data(file, path, npy, error) : status;
}

lowbit_status lb_npy_read(const char *path, lb_npy *npy, lowbit_error *error) {
    *npy = (lb_npy){.data = NULL};
    FILE *file = fopen(path, "rb");
    if (!file) return io_error(path, error);
    const lowbit_status status = read_file(file, path, npy, error);
    fclose(file);
    if (status != LOWBIT_OK) lb_npy_free(npy);
    return status;
}

/* True if Fortran order is more than a name: no C order lies the same way. */
static bool only_fortran(const lb_npy *npy) {
    int longer = 0;
    for (int i = 0; i < npy->ndim; i++) longer += npy->shape[i] != 1;
    return npy->fortran && longer > 1 && npy->count > 0;
}

/* The header's text into `out` of LONGEST_HEADER bytes; returns the length of everything before the data. */
static size_t write_header(const lb_npy *npy, char *out) {
    const char order = npy->size == 1 ? '|' : (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != npy->swapped ? '<' : '>';
    size_t n = 10;
    n += (size_t)sprintf(out + n, "{'descr': '%c%c%d', 'fortran_order': %s, 'shape': (", order, npy->kind,
                         (int)npy->size, only_fortran(npy) ? "True" : "False");
    for (int i = 0; i < npy->ndim; i++)
        n += (size_t)sprintf(out + n, "%s%lld%s", i ? " " : "", (long long)npy->shape[i],
                             i + 1 < npy->ndim || npy->ndim == 1 ? "," : "");
    n += (size_t)sprintf(out + n, "), }");
    while ((n + 1) % HEADER_LINE) out[n++] = ' ';
    out[n++] = '\n';
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((n - 10) & 0xFF);
    out[9] = (char)((n - 10) >> 8);
    return n;
}

lowbit_status lb_npy_write(const char *path, const lb_npy *npy, lowbit_error *error) {
    char header[64 + 24 * LB_NPY_MAX_DIMS + 2 * HEADER_LINE];
    const size_t length = write_header(npy, header), bytes = (size_t)(npy->count * npy->size);
    FILE *file = fopen(path, "wb");
    if (!file) return io_error(path, error);
    bool written = fwrite(header, 1, length, file) == length && fwrite(npy->data, 1, bytes, file) == bytes;
    written &= fclose(file) == 0;
    if (written) return LOWBIT_OK;
    const lowbit_status status = io_error(path, error);
    remove(path);
    return status;
}

void lb_npy_strides(const lb_npy *npy, int64_t *strides) {
    int64_t step = npy->size;
    for (int i = 0; i < npy->ndim; i++) {
        const int dim = npy->fortran ? i : npy->ndim - 1 - i;
        strides[dim] = step;
        step *= npy->shape[dim];
    }
}

static float half_to_float(uint16_t half) {
    const uint32_t exponent = half >> 10 & 31, fraction = half & 0x3FF;
    const float sign = half >> 15 ? -1.0f : 1.0f;
    if (exponent == 0) return sign * (float)fraction * 0x1p-24f;
    const uint32_t bits = (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return sign * value;
}

/* The element as f32, its bytes in this machine's order. */
static float element_to_float(char kind, int size, uint64_t bits) {
    double wide;
    float narrow;
    const int unused = 64 - 8 * size;
    if (kind == 'i') return (float)((int64_t)(bits << unused) >> unused);
    if (kind != 'f') return (float)bits;
    if (size == 2) return half_to_float((uint16_t)bits);
    if (size == 4) {
        const uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, &bits, sizeof wide);
    return (float)wide;
}

static uint64_t load_element(const uint8_t *at, int size, bool big_endian) {
    uint64_t bits = 0;
    for (int i = 0; i < size; i++) bits |= (uint64_t)at[big_endian ? size - 1 - i : i] << 8 * i;
    return bits;
}

void lb_npy_floats(const lb_npy *npy, float *out) {
    const bool big_endian = (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) != npy->swapped;
    int64_t strides[LB_NPY_MAX_DIMS], index[LB_NPY_MAX_DIMS] = {0};
    lb_npy_strides(npy, strides);
    const uint8_t *at = npy->data;
    for (int64_t i = 0; i < npy->count; i++) {
        out[i] = element_to_float(npy->kind, npy->size, load_element(at, npy->size, big_endian));
        for (int d = npy->ndim; d-- > 0; index[d] = 0) {
            at += strides[d];
            if (++index[d] < npy->shape[d]) break;
            at -= strides[d] * npy->shape[d];
        }
    }
}

void lb_npy_free(lb_npy *npy) {
    free(npy->data);
    npy->data = NULL;
}
