/* SPDX-License-Identifier: Apache-2.0 */
/* XNNPACK: its fully connected operators. Names are its own: qs8 and qd8 are activations of int8 with one scale given
 * ahead, and with one for each row, found in the call (so that this conversion is timed, as ours is); qc8w, qc4w and
 * qb4w are weights with a scale for each row, or for each 32. What a release lacks is left out: bench/peers/find.cmake
 * asks its header. */
#include <math.h>
#include <pthreadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

#include "bench/peers/codes.h"
#include "bench/peers/peers.h"
#include "kernels/formats/scale.h"

/* Its kernels may read a little beyond rows of A, and beyond their parameters. */
enum { BEYOND = XNN_EXTRA_BYTES, PARAMETERS_BEYOND = 16, BLOCK = 32, ZERO_OF_4_BITS = 8 };

typedef struct state state;

/* What a way is: preparing what all copies share, making one, and bringing it to the numbers that it works on. */
typedef struct kind {
    int bits;      /* of codes that are made of the weights; 0 = none */
    int64_t group; /* of those, 0 = a row */
    bool bf16;     /* their scales are such */
    enum xnn_status (*prepare)(state *s);
    enum xnn_status (*make)(state *s, xnn_operator_t *op);
    enum xnn_status (*setup)(state *s, xnn_operator_t op);
} kind;

struct state {
    const kind *kind;
    lb_peer_work work;
    pthreadpool_t pool;
    xnn_operator_t *ops;    /* [copies] */
    xnn_operator_t convert; /* of A, in every call; or NULL */
    float *a;
    int8_t *a8, *out8;
    float step;          /* of out8 */
    lb_peer_codes codes; /* of the weights */
    uint8_t *packed;     /* those of 4 bits */
    uint16_t *scales;    /* bf16 */
    void *parameters;    /* of the rows of A */
};

/* ---- what releases differ in ---- */

#ifdef LB_XNNPACK_RESHAPES
#define SETUP(type, s, op, input, output)                                                                              \
    (xnn_reshape_fully_connected_nc_##type((op), (size_t)(s)->work.m, (s)->pool) == xnn_status_success                 \
         ? xnn_setup_fully_connected_nc_##type((op), (input), (output))                                                \
         : xnn_status_invalid_state)
#else
#define SETUP(type, s, op, input, output)                                                                              \
    xnn_setup_fully_connected_nc_##type((op), (size_t)(s)->work.m, (input), (output), (s)->pool)
#endif

/* Caches of code and of weights, which are arguments of `create` or not: LB_XNNPACK_CACHES is "NULL, NULL," or nothing.
 */

/* ---- floats ---- */

static enum xnn_status prepare_f32(state *s) {
    const size_t count = (size_t)(s->work.m * s->work.k);
    s->a = calloc(count * sizeof(float) + BEYOND, 1);
    if (!s->a) return xnn_status_out_of_memory;
    memcpy(s->a, s->work.a, count * sizeof(float));
    return xnn_status_success;
}

static enum xnn_status make_f32(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    return xnn_create_fully_connected_nc_f32(k, n, k, n, s->work.w, NULL, -INFINITY, INFINITY, 0, LB_XNNPACK_CACHES op);
}

static enum xnn_status setup_f32(state *s, xnn_operator_t op) { return SETUP(f32, s, op, s->a, s->work.out); }

/* ---- int8 with int8 results ---- */

/* The greatest length of a vector of codes. */
static double longest(const int8_t *codes, int64_t rows, int64_t k) {
    double most = 0;
    for (int64_t r = 0; r < rows; r++) {
        double squares = 0;
        for (int64_t i = 0; i < k; i++) squares += (double)codes[r * k + i] * codes[r * k + i];
        most = fmax(most, squares);
    }
    return sqrt(most);
}

/* Sums of random codes have a standard deviation of about |a| |w| / sqrt(k): six of them are 127 steps. */
static enum xnn_status prepare_qs8(state *s) {
    const lb_peer_work *p = &s->work;
    s->a8 = calloc((size_t)(p->m * p->k) + BEYOND, 1);
    s->out8 = calloc((size_t)(p->m * p->n) + BEYOND, 1);
    if (!s->a8 || !s->out8) return xnn_status_out_of_memory;
    memcpy(s->a8, p->a8, (size_t)(p->m * p->k));
    const double deviation = longest(p->a8, p->m, p->k) * longest(p->w8, p->n, p->k) / sqrt((double)p->k);
    s->step = (float)(6 * deviation / 127);
    return xnn_status_success;
}

static enum xnn_status make_qs8(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    return xnn_create_fully_connected_nc_qs8(k, n, k, n, 0, 1, 1, s->work.w8, NULL, 0, s->step, -128, 127, 0,
                                             LB_XNNPACK_CACHES op);
}

static enum xnn_status setup_qs8(state *s, xnn_operator_t op) { return SETUP(qs8, s, op, s->a8, s->out8); }

/* What a code stands for, by the greatest of a row. */
static double unit_of(const float *x, const int8_t *codes, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 0; i < count; i++)
        if (abs(codes[i]) > abs(codes[at])) at = i;
    return codes[at] ? (double)x[at] / codes[at] : 0;
}

static void finish_qs8(void *made) {
    const state *s = made;
    const lb_peer_work *p = &s->work;
    float *out = p->out;
    for (int64_t n = 0; n < p->n; n++) {
        const double unit = s->step * unit_of(p->w + n * p->k, p->w8 + n * p->k, p->k);
        for (int64_t m = 0; m < p->m; m++) out[m * p->n + n] = (float)(s->out8[m * p->n + n] * unit);
    }
    for (int64_t m = 0; m < p->m; m++) {
        const float unit = (float)unit_of(p->a + m * p->k, p->a8 + m * p->k, p->k);
        for (int64_t n = 0; n < p->n; n++) out[m * p->n + n] *= unit;
    }
}

#ifdef LB_XNNPACK_QS8_QC8W
static enum xnn_status make_qc8w(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    float *ones = malloc(n * sizeof *ones);
    if (!ones) return xnn_status_out_of_memory;
    for (size_t i = 0; i < n; i++) ones[i] = 1;
    const enum xnn_status status = xnn_create_fully_connected_nc_qs8_qc8w(k, n, k, n, 0, 1, ones, s->work.w8, NULL, 0,
                                                                          s->step, -128, 127, 0, LB_XNNPACK_CACHES op);
    free(ones);
    return status;
}

static enum xnn_status setup_qc8w(state *s, xnn_operator_t op) { return SETUP(qs8_qc8w, s, op, s->a8, s->out8); }
#endif

/* ---- rows of A quantized in the call ---- */

#ifdef LB_XNNPACK_QD8

static enum xnn_status prepare_qd8(state *s) {
    const size_t m = (size_t)s->work.m, k = (size_t)s->work.k;
    enum xnn_status status = prepare_f32(s);
    s->a8 = calloc(m * k + BEYOND, 1);
    s->parameters = calloc(m + PARAMETERS_BEYOND, sizeof(struct xnn_quantization_params));
    if (status || !s->a8 || !s->parameters) return xnn_status_out_of_memory;
    status = xnn_create_convert_nc_f32_qd8(0, &s->convert);
    if (!status) status = xnn_reshape_convert_nc_f32_qd8(s->convert, m, k, k, k, s->pool);
    return status ? status : xnn_setup_convert_nc_f32_qd8(s->convert, s->a, s->a8, s->parameters);
}

#define SETUP_QD8(type, s, op)                                                                                         \
    (xnn_reshape_fully_connected_nc_##type((op), (size_t)(s)->work.m, (s)->pool) == xnn_status_success                 \
         ? xnn_setup_fully_connected_nc_##type((op), (s)->a8, (s)->work.out, (s)->parameters)                          \
         : xnn_status_invalid_state)

static enum xnn_status make_qd8_qc8w(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    return xnn_create_fully_connected_nc_qd8_f32_qc8w(k, n, k, n, s->codes.scales, s->codes.codes, NULL, -INFINITY,
                                                      INFINITY, 0, LB_XNNPACK_CACHES op);
}

static enum xnn_status setup_qd8_qc8w(state *s, xnn_operator_t op) { return SETUP_QD8(qd8_f32_qc8w, s, op); }

/* Codes of 4 bits with a zero point of 8. */
static enum xnn_status prepare_qd8_4(state *s) {
    s->packed = malloc((size_t)(s->work.n * s->work.k / 2));
    if (!s->packed) return xnn_status_out_of_memory;
    lb_peer_codes_pack(&s->codes, ZERO_OF_4_BITS, s->packed);
    return prepare_qd8(s);
}

#ifdef LB_XNNPACK_QD8_QC4W
static enum xnn_status make_qd8_qc4w(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    return xnn_create_fully_connected_nc_qd8_f32_qc4w(k, n, k, n, ZERO_OF_4_BITS, s->codes.scales, s->packed, NULL,
                                                      -INFINITY, INFINITY, 0, LB_XNNPACK_CACHES op);
}

static enum xnn_status setup_qd8_qc4w(state *s, xnn_operator_t op) { return SETUP_QD8(qd8_f32_qc4w, s, op); }
#endif

#ifdef LB_XNNPACK_QD8_QB4W
static enum xnn_status prepare_qd8_qb4w(state *s) {
    const size_t count = (size_t)(s->work.n * s->work.k / BLOCK);
    s->scales = malloc(count * sizeof *s->scales);
    if (!s->scales) return xnn_status_out_of_memory;
    for (size_t i = 0; i < count; i++) s->scales[i] = lb_bf16_from_float(s->codes.scales[i]);
    return prepare_qd8_4(s);
}

static enum xnn_status make_qd8_qb4w(state *s, xnn_operator_t *op) {
    const size_t n = (size_t)s->work.n, k = (size_t)s->work.k;
    return xnn_create_fully_connected_nc_qd8_f32_qb4w(k, n, k, n, BLOCK, ZERO_OF_4_BITS, s->scales, s->packed, NULL,
                                                      -INFINITY, INFINITY, 0, LB_XNNPACK_CACHES op);
}

static enum xnn_status setup_qd8_qb4w(state *s, xnn_operator_t op) { return SETUP_QD8(qd8_f32_qb4w, s, op); }
#endif

#endif

/* ---- a way's life ---- */

static void destroy(void *made) {
    state *s = made;
    for (size_t i = 0; s->ops && i < s->work.copies; i++)
        if (s->ops[i]) xnn_delete_operator(s->ops[i]);
    if (s->convert) xnn_delete_operator(s->convert);
    pthreadpool_destroy(s->pool);
    lb_peer_codes_release(&s->codes);
    free(s->ops);
    free(s->a);
    free(s->a8);
    free(s->out8);
    free(s->packed);
    free(s->scales);
    free(s->parameters);
    free(s);
}

static enum xnn_status make(state *s) {
    const lb_peer_work *p = &s->work;
    const kind *what = s->kind;
    enum xnn_status status = xnn_initialize(NULL);
    if (status) return status;
    if (what->bits &&
        !lb_peer_codes_make(p->w, p->n, p->k, what->group ? what->group : p->k, what->bits, what->bf16, &s->codes))
        return xnn_status_out_of_memory;
    status = what->prepare(s);
    for (size_t i = 0; i < p->copies && !status; i++) {
        status = what->make(s, &s->ops[i]);
        if (!status) status = what->setup(s, s->ops[i]);
    }
    return status;
}

static void *create(const kind *what, const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    state *s = calloc(1, sizeof *s);
    if (s) {
        *s = (state){.kind = what, .work = *work};
        s->ops = calloc(work->copies, sizeof *s->ops);
        s->pool = pthreadpool_create(work->threads);
        const enum xnn_status status = s->ops && s->pool ? make(s) : xnn_status_out_of_memory;
        if (!status) return s;
        snprintf(reason, LB_PEER_REASON, "status %d of XNNPACK", (int)status);
        destroy(s);
    }
    return NULL;
}

static bool run(void *made, size_t copy) {
    state *s = made;
    if (s->convert && xnn_run_operator(s->convert, s->pool) != xnn_status_success) return false;
    return xnn_run_operator(s->ops[copy], s->pool) == xnn_status_success;
}

/* ---- ways ---- */

static bool takes_f32(const lowbit_problem *p) { return p->weights.format == LOWBIT_F32; }

#ifdef LB_XNNPACK_QD8
static void weights(const void *made, float *w) { lb_peer_codes_values(&((const state *)made)->codes, w); }

static bool takes_codes(const lowbit_problem *p, uint32_t format) {
    return p->weights.format == format && (p->activations == LOWBIT_A8 || p->activations == LOWBIT_AF);
}

static bool takes_qc8w(const lowbit_problem *p) { return takes_codes(p, LOWBIT_I8) && p->weights.group <= 0; }

static bool takes_qc4w(const lowbit_problem *p) {
    return takes_codes(p, LOWBIT_I4) && p->weights.group <= 0 && p->k % 2 == 0;
}

static bool takes_qb4w(const lowbit_problem *p) {
    return takes_codes(p, LOWBIT_I4) && p->weights.group == BLOCK && p->k % BLOCK == 0;
}
#endif

#define WAY(id, ...)                                                                                                   \
    static const kind kKind_##id = {__VA_ARGS__};                                                                      \
    static void *create_##id(const lb_peer_work *work, char reason[LB_PEER_REASON]) {                                  \
        return create(&kKind_##id, work, reason);                                                                      \
    }
WAY(f32, 0, 0, false, prepare_f32, make_f32, setup_f32)
WAY(qs8, 0, 0, false, prepare_qs8, make_qs8, setup_qs8)
#ifdef LB_XNNPACK_QS8_QC8W
WAY(qs8_qc8w, 0, 0, false, prepare_qs8, make_qc8w, setup_qc8w)
#endif
#ifdef LB_XNNPACK_QD8
WAY(qd8_qc8w, 8, 0, false, prepare_qd8, make_qd8_qc8w, setup_qd8_qc8w)
#ifdef LB_XNNPACK_QD8_QC4W
WAY(qd8_qc4w, 4, 0, false, prepare_qd8_4, make_qd8_qc4w, setup_qd8_qc4w)
#endif
#ifdef LB_XNNPACK_QD8_QB4W
WAY(qd8_qb4w, 4, BLOCK, true, prepare_qd8_qb4w, make_qd8_qb4w, setup_qd8_qb4w)
#endif
#endif

static const lb_peer_way kWays[] = {
    {"f32", false, 1e-5, takes_f32, create_f32, run, NULL, destroy, 32, NULL},
    {"qs8", false, 1e-2, lb_peer_has_codes, create_qs8, run, NULL, destroy, 8, finish_qs8},
#ifdef LB_XNNPACK_QS8_QC8W
    {"qs8-qc8w", false, 1e-2, lb_peer_has_codes, create_qs8_qc8w, run, NULL, destroy, 8, finish_qs8},
#endif
#ifdef LB_XNNPACK_QD8
    {"qd8-f32-qc8w", false, 1e-2, takes_qc8w, create_qd8_qc8w, run, weights, destroy, 8, NULL},
#ifdef LB_XNNPACK_QD8_QC4W
    {"qd8-f32-qc4w", false, 1e-2, takes_qc4w, create_qd8_qc4w, run, weights, destroy, 4, NULL},
#endif
#ifdef LB_XNNPACK_QD8_QB4W
    {"qd8-f32-qb4w", false, 1e-2, takes_qb4w, create_qd8_qb4w, run, weights, destroy, 4, NULL},
#endif
#endif
};

/* It does not know its own: the file that was found does. */
static const char *version(void) { return LB_XNNPACK_VERSION; }

const lb_peer lb_peer_xnnpack = {"xnnpack", version, kWays, sizeof kWays / sizeof kWays[0]};
