/* SPDX-License-Identifier: Apache-2.0 */
/* The public doors of packbits and unpackbits: numpy's rules for axis, count and shape, turned into a walk over lines.
 */
#include "kernels/bits.h"

#include "kernels/base/base.h"
#include "kernels/ukernels.h"

enum { PACK = 0, UNPACK = 1 };

const lb_bits_ops *lb_bits_best(const lowbit_ctx *ctx) {
    const lb_bits_ops *best = &lb_bits_scalar;
    const lb_isa_unit *unit;
    for (size_t i = 0; (unit = lb_unit_at(i)); i++)
        if (unit->bits && unit->isa & ctx->isa_enabled) best = unit->bits;
    return best;
}

uint32_t lb_bits_stream(const lowbit_ctx *ctx, int64_t bytes) { return bytes > 8 * ctx->machine.l2_bytes; }

lowbit_status lb_bits_check_order(uint32_t order, lowbit_error *error) {
    LB_REQUIRE(order <= LOWBIT_BITS_LITTLE, error, LOWBIT_INVALID_ARGUMENT, "order is %u, not LOWBIT_BITS_*", order);
    return LOWBIT_OK;
}

/* The input and the result of one call. An array of no dimensions is one of one element, as in numpy. */
typedef struct shapes {
    int ndim, out_ndim;
    int axis; /* of the input; -1 = flattened */
    int64_t shape[LOWBIT_BITS_MAX_DIMS], out_shape[LOWBIT_BITS_MAX_DIMS];
    int64_t line;      /* input elements or bytes along the axis */
    int64_t out_bytes; /* of the whole result */
    int64_t unpacked;  /* bytes of the unpacked side */
} shapes;

static lowbit_status product(const int64_t *shape, int ndim, int64_t *result, lowbit_error *error) {
    *result = 1;
    for (int i = 0; i < ndim; i++)
        LB_REQUIRE(!__builtin_mul_overflow(*result, shape[i], result), error, LOWBIT_INVALID_ARGUMENT,
                   "the array's bytes overflow 63 bits");
    return LOWBIT_OK;
}

static lowbit_status read_shape(const lowbit_bits_array *a, shapes *s, lowbit_error *error) {
    LB_REQUIRE(a, error, LOWBIT_INVALID_ARGUMENT, "array is NULL");
    LB_REQUIRE(LB_HAS_FIELD(a, lowbit_bits_array, count), error, LOWBIT_INVALID_ARGUMENT,
               "array->struct_size is %u, too small", a->struct_size);
    LB_REQUIRE(a->ndim >= 0 && a->ndim <= LOWBIT_BITS_MAX_DIMS, error, LOWBIT_INVALID_ARGUMENT,
               "ndim is %d, not in 0..%d", a->ndim, LOWBIT_BITS_MAX_DIMS);
    LB_REQUIRE(a->shape || a->ndim == 0, error, LOWBIT_INVALID_ARGUMENT, "shape is NULL");
    s->ndim = (int)lb_max(a->ndim, 1);
    s->shape[0] = 1;
    for (int i = 0; i < a->ndim; i++) {
        LB_REQUIRE(a->shape[i] >= 0, error, LOWBIT_INVALID_ARGUMENT, "shape[%d] is negative", i);
        s->shape[i] = a->shape[i];
    }
    s->axis = a->axis == LOWBIT_AXIS_NONE ? -1 : a->axis < 0 ? a->axis + s->ndim : a->axis;
    LB_REQUIRE(a->axis == LOWBIT_AXIS_NONE || (s->axis >= 0 && s->axis < s->ndim), error, LOWBIT_INVALID_ARGUMENT,
               "axis %d is out of bounds for an array of %d dimensions", a->axis, s->ndim);
    return LOWBIT_OK;
}

/* Length of the result along the axis. */
static lowbit_status result_line(const lowbit_bits_array *a, int mode, int64_t line, int64_t *result,
                                 lowbit_error *error) {
    *result = line / 8 + (line % 8 != 0);
    if (mode == PACK) return LOWBIT_OK;
    LB_REQUIRE(!__builtin_mul_overflow(line, 8, result), error, LOWBIT_INVALID_ARGUMENT,
               "the array's bytes overflow 63 bits");
    if (a->count == LOWBIT_COUNT_ALL) return LOWBIT_OK;
    LB_REQUIRE(a->count >= -*result, error, LOWBIT_INVALID_ARGUMENT,
               "count %lld cuts off more than the %lld elements of the axis", (long long)a->count, (long long)*result);
    *result = a->count < 0 ? *result + a->count : a->count;
    return LOWBIT_OK;
}

static lowbit_status resolve(const lowbit_bits_array *a, int mode, shapes *s, lowbit_error *error) {
    LB_TRY(read_shape(a, s, error));
    int64_t in_bytes, out_line;
    LB_TRY(product(s->shape, s->ndim, &in_bytes, error));
    s->line = s->axis < 0 ? in_bytes : s->shape[s->axis];
    LB_TRY(result_line(a, mode, s->line, &out_line, error));
    s->out_ndim = s->axis < 0 ? 1 : s->ndim;
    for (int i = 0; i < s->out_ndim; i++) s->out_shape[i] = i == lb_max(s->axis, 0) ? out_line : s->shape[i];
    LB_TRY(product(s->out_shape, s->out_ndim, &s->out_bytes, error));
    s->unpacked = mode == PACK ? in_bytes : s->out_bytes;
    return LOWBIT_OK;
}

static lowbit_status report_shape(const lowbit_bits_array *a, int mode, int32_t *ndim, int64_t *shape, int64_t *bytes,
                                  lowbit_error *error) {
    shapes s;
    LB_REQUIRE(ndim && shape && bytes, error, LOWBIT_INVALID_ARGUMENT, "ndim, shape or bytes is NULL");
    LB_TRY(resolve(a, mode, &s, error));
    *ndim = s.out_ndim;
    for (int i = 0; i < s.out_ndim; i++) shape[i] = s.out_shape[i];
    *bytes = s.out_bytes;
    return LOWBIT_OK;
}

lowbit_status lowbit_packbits_shape(const lowbit_bits_array *array, int32_t *ndim, int64_t *shape, int64_t *bytes,
                                    lowbit_error *error) {
    return report_shape(array, PACK, ndim, shape, bytes, error);
}

lowbit_status lowbit_unpackbits_shape(const lowbit_bits_array *array, int32_t *ndim, int64_t *shape, int64_t *bytes,
                                      lowbit_error *error) {
    return report_shape(array, UNPACK, ndim, shape, bytes, error);
}

static void c_order(const int64_t *shape, int ndim, int64_t *strides) {
    int64_t step = 1;
    for (int i = ndim; i-- > 0; step *= shape[i]) strides[i] = step;
}

static void take_strides(const int64_t *given, bool used, const int64_t *shape, int ndim, int64_t *strides) {
    c_order(shape, ndim, strides);
    for (int i = 0; given && used && i < ndim; i++) strides[i] = given[i];
}

static void build_walk(const lowbit_ctx *ctx, const lowbit_bits_array *a, int mode, const shapes *s,
                       lb_bits_walk *walk) {
    int64_t in[LOWBIT_BITS_MAX_DIMS], out[LOWBIT_BITS_MAX_DIMS];
    take_strides(a->in_strides, a->ndim > 0, s->shape, s->ndim, in);
    take_strides(a->out_strides, true, s->out_shape, s->out_ndim, out);
    const int64_t out_line = s->out_shape[lb_max(s->axis, 0)];
    /* Field by field: the tables of dimensions are 3 KiB, and most calls use one row of them. */
    walk->ops = lb_bits_best(ctx);
    walk->in = a->in;
    walk->out = a->out;
    walk->order = a->order;
    walk->line_dims = walk->loop_dims = 0;
    walk->stream = mode == UNPACK && lb_bits_stream(ctx, s->unpacked);
    walk->length = mode == PACK ? s->line : lb_min(out_line, 8 * s->line);
    walk->zeros = mode == PACK ? 0 : out_line - walk->length;
    walk->out_step = out[lb_max(s->axis, 0)];
    for (int i = 0; i < s->ndim; i++) {
        if (s->axis < 0 || i == s->axis) {
            walk->line[walk->line_dims++] = (lb_bits_dim){s->shape[i], in[i], 0};
        } else {
            walk->loops[walk->loop_dims++] = (lb_bits_dim){s->shape[i], in[i], out[i]};
        }
    }
}

static lowbit_status run(const lowbit_ctx *ctx, const lowbit_bits_array *a, int mode, lowbit_error *error) {
    shapes s;
    lb_bits_walk walk;
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(resolve(a, mode, &s, error));
    LB_TRY(lb_bits_check_order(a->order, error));
    if (s.out_bytes == 0) return LOWBIT_OK;
    LB_REQUIRE(a->out && a->in, error, LOWBIT_INVALID_ARGUMENT, "%s is NULL", a->out ? "in" : "out");
    LB_REQUIRE(a->out_strides || a->out_bytes >= s.out_bytes, error, LOWBIT_TOO_SMALL,
               "out_bytes is %lld, but the result has %lld", (long long)a->out_bytes, (long long)s.out_bytes);
    build_walk(ctx, a, mode, &s, &walk);
    (mode == PACK ? lb_bits_walk_pack : lb_bits_walk_unpack)(&walk);
    return LOWBIT_OK;
}

lowbit_status lowbit_packbits(const lowbit_ctx *ctx, const lowbit_bits_array *array, lowbit_error *error) {
    return run(ctx, array, PACK, error);
}

lowbit_status lowbit_unpackbits(const lowbit_ctx *ctx, const lowbit_bits_array *array, lowbit_error *error) {
    return run(ctx, array, UNPACK, error);
}
