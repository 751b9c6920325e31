/* SPDX-License-Identifier: Apache-2.0 */
/* Bit packing through its public doors: any view of an array against numpy's definition, and every refusal. */
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/bits.h"
#include "tests/check.h"

enum { DIMS = 4, ROOM = 1 << 14 };

/* A random view: a permutation of the axes of an array that may be longer than the view, some axes walked backwards. */
typedef struct view {
    int ndim;
    int64_t shape[DIMS], strides[DIMS];
    int64_t start; /* of element 0 */
} view;

static view random_view(int ndim, const int64_t *shape) {
    view v = {.ndim = ndim};
    int order[DIMS] = {0, 1, 2, 3};
    for (int i = ndim - 1; i > 0; i--) {
        const int j = (int)check_random_in(0, i), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    int64_t step = check_random_in(0, 2) ? 1 : 2;
    for (int i = 0; i < ndim; i++) {
        const int d = order[i];
        v.shape[d] = shape[d];
        v.strides[d] = check_random_in(0, 3) ? step : -step;
        if (v.strides[d] < 0 && shape[d] > 0) v.start += step * (shape[d] - 1);
        step *= lb_max(shape[d], 1) + (check_random_in(0, 3) ? 0 : 3);
    }
    return v;
}

/* Place of element `flat` of the view in C order. */
static int64_t place(const view *v, int64_t flat) {
    int64_t at = v->start;
    for (int i = v->ndim; i-- > 0; flat /= v->shape[i]) at += flat % v->shape[i] * v->strides[i];
    return at;
}

static int64_t elements(int ndim, const int64_t *shape) {
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) count *= shape[i];
    return count;
}

static uint32_t bit_of(int64_t i, uint32_t order) { return order == LOWBIT_BITS_BIG ? 7 - i % 8 : i % 8; }

/* The element of the result with C-order index `flat`, from the definition: the result's index with the axis scaled. */
static uint8_t wanted(const uint8_t *in, const view *v, const lowbit_bits_array *a, bool pack, const int64_t *out_shape,
                      int out_ndim, int64_t flat) {
    const int axis = a->axis == LOWBIT_AXIS_NONE ? -1 : a->axis < 0 ? a->axis + v->ndim : a->axis;
    const int64_t total = elements(v->ndim, v->shape);
    int64_t inner = 1;
    for (int i = axis + 1; axis >= 0 && i < out_ndim; i++) inner *= out_shape[i];
    const int64_t line = axis < 0 ? total : v->shape[axis], out_line = out_shape[lb_max(axis, 0)];
    const int64_t c = flat % inner, j = flat / inner % out_line, outer = flat / inner / out_line;
    uint8_t value = 0;
    if (!pack) {
        if (j >= 8 * line) return 0;
        return in[place(v, (outer * line + j / 8) * inner + c)] >> bit_of(j, a->order) & 1;
    }
    for (int64_t i = 8 * j; i < lb_min(line, 8 * j + 8); i++)
        value |= (uint8_t)((in[place(v, (outer * line + i) * inner + c)] != 0) << bit_of(i, a->order));
    return value;
}

/* Small enough that any random view of it, gaps and all, fits ROOM, and what it unpacks to 32 times that. */
static void random_shape(int ndim, int64_t *shape) {
    int64_t room;
    do {
        room = 2;
        for (int i = 0; i < ndim; i++) {
            shape[i] = check_random_in(0, 7) ? check_random_in(1, 9) : check_random_in(0, 33);
            room *= shape[i] + 3;
        }
    } while (room > ROOM);
}

static void one_array(const lowbit_ctx *ctx, bool pack) {
    static uint8_t in[ROOM], out[32 * ROOM];
    int64_t shape[DIMS], out_shape[DIMS], out_bytes;
    int32_t out_ndim;
    const int ndim = (int)check_random_in(1, DIMS);
    random_shape(ndim, shape);
    const view v = random_view(ndim, shape);
    lowbit_bits_array a = LOWBIT_BITS_ARRAY_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    a.ndim = ndim;
    a.shape = v.shape;
    a.in = in + v.start;
    a.in_strides = v.strides;
    a.order = (uint32_t)check_random_in(0, 1);
    a.axis = check_random_in(0, 3) ? (int32_t)check_random_in(-ndim, ndim - 1) : LOWBIT_AXIS_NONE;
    if (check_random_in(0, 1)) a.count = check_random_in(0, 80);
    check_context("%s ndim=%d axis=%d order=%u count=%lld", pack ? "pack" : "unpack", ndim, a.axis, a.order,
                  (long long)a.count);
    CHECK((pack ? lowbit_packbits_shape : lowbit_unpackbits_shape)(&a, &out_ndim, out_shape, &out_bytes, &error) ==
          LOWBIT_OK);
    CHECK(out_bytes == elements(out_ndim, out_shape));
    const view to = random_view(out_ndim, out_shape);
    const bool plain = check_random_in(0, 1);
    a.out = plain ? out : out + to.start;
    a.out_bytes = plain ? out_bytes : 0;
    a.out_strides = plain ? NULL : to.strides;
    memset(out, 0xEE, sizeof out);
    CHECK((pack ? lowbit_packbits : lowbit_unpackbits)(ctx, &a, &error) == LOWBIT_OK);
    int64_t touched = 0, bad = 0;
    for (int64_t i = 0; i < out_bytes; i++) {
        uint8_t *at = &out[plain ? i : place(&to, i)];
        bad += *at != wanted(in, &v, &a, pack, out_shape, out_ndim, i);
        *at = 0xEE;
    }
    for (size_t i = 0; i < sizeof out; i++) touched += out[i] != 0xEE;
    CHECK(bad == 0);
    CHECK(touched == 0);
    for (size_t i = 0; i < sizeof in; i++) in[i] = check_random() & 1 ? (uint8_t)check_random() : 0;
}

void subject_bits_arrays(void) {
    static const uint32_t masks[] = {LOWBIT_ISA_SCALAR, LOWBIT_ISA_ALL};
    for (size_t m = 0; m < LB_COUNT(masks); m++) {
        lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
        lowbit_ctx *ctx = NULL;
        options.isa_mask = masks[m];
        CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK);
        for (int i = 0; i < 600 && ctx && check_failures() < 5; i++) one_array(ctx, i % 2);
        lowbit_ctx_destroy(ctx);
    }
}

#define REFUSED(call, status) CHECK((error.message[0] = 0, call) == (status) && error.message[0])

static void refuse_arrays(const lowbit_ctx *ctx) {
    const int64_t shape[2] = {3, 9}, negative[1] = {-1}, huge[2] = {INT64_MAX / 2, 3}, many[1] = {INT64_MAX / 4};
    uint8_t in[27] = {0}, out[216];
    int64_t out_shape[2], bytes;
    int32_t ndim;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_bits_array good = LOWBIT_BITS_ARRAY_INIT;
    good.ndim = 2;
    good.shape = shape;
    good.in = in;
    good.out = out;
    good.out_bytes = sizeof out;
    CHECK(lowbit_packbits(ctx, &good, &error) == LOWBIT_OK);
    REFUSED(lowbit_packbits(NULL, &good, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packbits(ctx, NULL, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packbits_shape(&good, NULL, out_shape, &bytes, &error), LOWBIT_INVALID_ARGUMENT);

#define REFUSE_WITH(call, wanted_status, ...)                                                                          \
    do {                                                                                                               \
        lowbit_bits_array a = good;                                                                                    \
        __VA_ARGS__;                                                                                                   \
        REFUSED(call(ctx, &a, &error), wanted_status);                                                                 \
    } while (0)
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.struct_size = 0);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.ndim = -1);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.ndim = LOWBIT_BITS_MAX_DIMS + 1);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.shape = NULL);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.in = NULL);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.out = NULL);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.order = 2);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.axis = 2);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.axis = -3);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.ndim = 1; a.shape = negative);
    REFUSE_WITH(lowbit_packbits, LOWBIT_INVALID_ARGUMENT, a.shape = huge);
    REFUSE_WITH(lowbit_packbits, LOWBIT_TOO_SMALL, a.out_bytes = 3);
    REFUSE_WITH(lowbit_unpackbits, LOWBIT_TOO_SMALL, a.out_bytes = 215);
    REFUSE_WITH(lowbit_unpackbits, LOWBIT_INVALID_ARGUMENT, a.ndim = 1; a.shape = many);
    REFUSE_WITH(lowbit_unpackbits, LOWBIT_INVALID_ARGUMENT, a.count = -217);
    REFUSE_WITH(lowbit_unpackbits, LOWBIT_INVALID_ARGUMENT, a.axis = 1; a.count = -73);
    good.axis = 1;
    good.count = -72;
    CHECK(lowbit_unpackbits_shape(&good, &ndim, out_shape, &bytes, &error) == LOWBIT_OK);
    CHECK(ndim == 2 && out_shape[0] == 3 && out_shape[1] == 0 && bytes == 0);
}

static void refuse_codes(const lowbit_ctx *ctx) {
    uint8_t codes[20] = {0}, out[20];
    int64_t bytes;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_packed_codes_bytes(11, 3, &bytes, &error) == LOWBIT_OK && bytes == 5);
    CHECK(lowbit_packed_trits_bytes(11, &bytes, &error) == LOWBIT_OK && bytes == 3);
    REFUSED(lowbit_packed_codes_bytes(-1, 3, &bytes, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_codes_bytes(INT64_MAX, 8, &bytes, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_codes_bytes(1, 0, &bytes, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_codes_bytes(1, 9, &bytes, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_codes_bytes(1, 1, NULL, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_trits_bytes(INT64_MAX, &bytes, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_packed_trits_bytes(1, NULL, &error), LOWBIT_INVALID_ARGUMENT);

    CHECK(lowbit_pack_codes(ctx, codes, 20, 4, LOWBIT_BITS_BIG, out, 10, &error) == LOWBIT_OK);
    CHECK(lowbit_pack_codes(ctx, NULL, 0, 4, LOWBIT_BITS_BIG, NULL, 0, &error) == LOWBIT_OK);
    REFUSED(lowbit_pack_codes(NULL, codes, 20, 4, LOWBIT_BITS_BIG, out, 10, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_pack_codes(ctx, NULL, 20, 4, LOWBIT_BITS_BIG, out, 10, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_pack_codes(ctx, codes, 20, 4, LOWBIT_BITS_BIG, NULL, 10, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_pack_codes(ctx, codes, 20, 4, 2, out, 10, &error), LOWBIT_INVALID_ARGUMENT);
    REFUSED(lowbit_pack_codes(ctx, codes, 20, 4, LOWBIT_BITS_BIG, out, 9, &error), LOWBIT_TOO_SMALL);
    REFUSED(lowbit_unpack_codes(ctx, out, 9, 4, LOWBIT_BITS_BIG, codes, 20, &error), LOWBIT_TOO_SMALL);
    REFUSED(lowbit_pack_trits(ctx, codes, 20, out, 3, &error), LOWBIT_TOO_SMALL);
    REFUSED(lowbit_unpack_trits(ctx, out, 3, codes, 20, &error), LOWBIT_TOO_SMALL);

    codes[17] = 16;
    REFUSED(lowbit_pack_codes(ctx, codes, 20, 4, LOWBIT_BITS_BIG, out, 10, &error), LOWBIT_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "codes[17] is 16") != NULL);
    REFUSED(lowbit_pack_trits(ctx, codes, 20, out, 4, &error), LOWBIT_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "codes[17] is 16") != NULL);
    memset(out, 0, sizeof out);
    out[3] = 243;
    REFUSED(lowbit_unpack_trits(ctx, out, 4, codes, 20, &error), LOWBIT_BAD_FORMAT);
    CHECK(strstr(error.message, "in[3] is 243") != NULL);
}

/* The pictures of include/lowbit/bits.h. */
static void known_bytes(const lowbit_ctx *ctx) {
    const uint8_t codes[8] = {1, 2, 3, 4, 5, 6, 7, 0}, trits[6] = {1, 2, 0, 1, 2, 2};
    uint8_t out[8], back[8];
    CHECK(lowbit_pack_codes(ctx, codes, 2, 4, LOWBIT_BITS_BIG, out, 8, NULL) == LOWBIT_OK && out[0] == 0x12);
    CHECK(lowbit_pack_codes(ctx, codes, 2, 4, LOWBIT_BITS_LITTLE, out, 8, NULL) == LOWBIT_OK && out[0] == 0x21);
    CHECK(lowbit_pack_codes(ctx, codes, 8, 3, LOWBIT_BITS_BIG, out, 8, NULL) == LOWBIT_OK);
    CHECK(out[0] == 0x29 && out[1] == 0xCB && out[2] == 0xB8); /* 001 010 011 100 101 110 111 000 */
    CHECK(lowbit_pack_codes(ctx, codes, 8, 8, LOWBIT_BITS_BIG, out, 8, NULL) == LOWBIT_OK && out[6] == 7);
    CHECK(lowbit_unpack_codes(ctx, out, 8, 8, LOWBIT_BITS_BIG, back, 8, NULL) == LOWBIT_OK && back[6] == 7);
    CHECK(lowbit_pack_trits(ctx, trits, 6, out, 2, NULL) == LOWBIT_OK && out[0] == 1 + 6 + 27 + 162 && out[1] == 2);
    CHECK(lowbit_unpack_trits(ctx, out, 2, back, 6, NULL) == LOWBIT_OK && memcmp(back, trits, 6) == 0);
}

void subject_bits_refusals(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    refuse_arrays(ctx);
    refuse_codes(ctx);
    known_bytes(ctx);
    lowbit_ctx_destroy(ctx);
}
