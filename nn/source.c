/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors by name, from a file or made up. Made-up numbers are the same on every machine: splitmix64 counts, four
 * 16-bit uniforms of it add up to one nearly normal number, and the square root is the only function beside + and *. */
#include "nn/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"

/* ---- from a file ---- */

/* "[64, 3, 7, 7]" */
static void print_shape(int32_t rank, const int64_t *shape, char *text, size_t size) {
    size_t at = (size_t)snprintf(text, size, "[");
    for (int32_t i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i > 0 ? ", " : "", (long long)shape[i]);
    if (at < size) snprintf(text + at, size - at, "]");
}

static bool same_shape(const lb_tensor *tensor, int32_t rank, const int64_t *shape) {
    bool same = tensor->rank == rank;
    for (int32_t i = 0; same && i < rank; i++) same = tensor->shape[i] == shape[i];
    return same;
}

lowbit_status lb_source_check(const lb_source *source, const char *name, int32_t rank, const int64_t *shape,
                              int64_t *elements, lowbit_error *error) {
    char wanted[64], found[64];
    *elements = 1;
    print_shape(rank, shape, wanted, sizeof wanted);
    for (int32_t i = 0; i < rank; i++)
        LB_REQUIRE(
            shape[i] > 0 && !__builtin_mul_overflow(*elements, shape[i], elements) && *elements <= LB_SOURCE_ELEMENTS,
            error, LOWBIT_BAD_FORMAT, "\"%.64s\" would be %s: too large, or empty", name, wanted);
    if (!source->file) return LOWBIT_OK;
    const lb_tensor *tensor = lb_safetensors_find(source->file, name);
    LB_REQUIRE(tensor, error, LOWBIT_NOT_FOUND, "there is no tensor \"%.64s\"", name);
    print_shape(tensor->rank, tensor->shape, found, sizeof found);
    LB_REQUIRE(same_shape(tensor, rank, shape), error, LOWBIT_BAD_FORMAT, "\"%.64s\" is %s, where %s belongs", name,
               found, wanted);
    return LOWBIT_OK;
}

/* ---- made up ---- */

/* FNV-1a, so that tensors of one seed differ. */
static uint64_t start_of(uint64_t seed, const char *name) {
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return hash;
}

/* Element i of the stream that begins at `start`: mean 0, variance 1, at most 3.5. */
static double normal_at(uint64_t start, int64_t i) {
    uint64_t x = start + ((uint64_t)i + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    const int64_t sum = (int64_t)((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48));
    return (double)(sum - 2 * 65535) * (1.7320508075688772 / 65536); /* a sum of four uniforms has variance 1/3 */
}

static bool ends_with(const char *name, const char *end) {
    const size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static void make_up(const lb_source *source, const char *name, int32_t rank, int64_t rows, int64_t elements,
                    float *out) {
    const uint64_t start = start_of(source->seed, name);
    const bool small = ends_with(name, ".bias") || ends_with(name, ".running_mean");
    const bool near_one = !small && rank <= 1;
    const double mean = near_one ? 1 : 0;
    const double spread = small ? 0.1 : near_one ? 1.0 / 32 : sqrt(2 / ((double)elements / (double)rows));
    for (int64_t i = 0; i < elements; i++) out[i] = (float)(mean + spread * normal_at(start, i));
}

lowbit_status lb_source_floats(const lb_source *source, const char *name, int32_t rank, const int64_t *shape,
                               float *out, lowbit_error *error) {
    int64_t elements;
    LB_TRY(lb_source_check(source, name, rank, shape, &elements, error));
    if (source->file) return lb_tensor_floats(lb_safetensors_find(source->file, name), out, error);
    make_up(source, name, rank, rank > 0 ? shape[0] : 1, elements, out);
    return LOWBIT_OK;
}
