/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN: matmul of floats, bf16, int8, and of 4-bit weights where its version has them, weights in the layout that it
 * prefers. What A becomes (bf16, or codes) it becomes before the time is taken. Versions 2 and 3 of its C interface. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers/codes.h"
#include "bench/peers/onednn_versions.h"
#include "bench/peers/peers.h"

enum { A, W, OUT, OPERANDS };
enum { ZERO_OF_U8 = 128, ZERO_OF_U4 = 8 };

/* What a way multiplies: types of A, W and the result. */
typedef struct kind {
    dnnl_data_type_t types[OPERANDS];
    int32_t zero; /* of A, or of codes of 4 bits */
    bool decompressed;
} kind;

typedef struct state {
    const kind *kind;
    lb_peer_work work;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t matmul;
    lb_peer_codes codes;           /* of 4 bits */
    void *plain[OPERANDS];         /* operands that are not the caller's own */
    dnnl_memory_t given[OPERANDS]; /* in plain layouts */
    dnnl_memory_t a, *w;           /* [copies] as the primitive wants them */
    dnnl_memory_t scales, zero;    /* of attributes that are given with the call, or NULL */
    dnnl_exec_arg_t args[OPERANDS + 2];
    int arg_count;
    const char *what; /* is being made, for the reason */
} state;

/* ---- operands in plain layouts ---- */

/* Codes of 4 bits as floats: out of those it makes whatever layout it likes, which it does not out of packed ones. */
static bool make_codes(state *s) {
    const lb_peer_work *p = &s->work;
    const int64_t group = p->problem->weights.group > 0 ? p->problem->weights.group : p->k;
    if (!lb_peer_codes_make(p->w, p->n, p->k, group, 4, false, &s->codes)) return false;
    float *w = s->plain[W] = malloc((size_t)(p->n * p->k) * sizeof *w);
    for (int64_t i = 0; w && i < p->n * p->k; i++) w[i] = (float)(s->codes.codes[i] + s->kind->zero);
    return w;
}

static bool shift_rows(state *s) {
    const lb_peer_work *p = &s->work;
    uint8_t *a = s->plain[A] = malloc((size_t)(p->m * p->k));
    for (int64_t i = 0; a && i < p->m * p->k; i++) a[i] = (uint8_t)(p->a8[i] + ZERO_OF_U8);
    return a;
}

/* The caller's data, and the types that they have. */
static bool plain_operands(state *s, const void *data[OPERANDS], dnnl_data_type_t types[OPERANDS]) {
    const lb_peer_work *p = &s->work;
    const dnnl_data_type_t a = s->kind->types[A];
    const bool integers = a == dnnl_s8 || a == dnnl_u8;
    types[A] = integers ? a : dnnl_f32;
    types[W] = integers ? dnnl_s8 : dnnl_f32;
    types[OUT] = s->kind->types[OUT];
    if (a == dnnl_u8 && !shift_rows(s)) return false;
    if (s->kind->decompressed && !make_codes(s)) return false;
    data[A] = a == dnnl_u8 ? s->plain[A] : integers ? (const void *)p->a8 : p->a;
    data[W] = integers ? (const void *)p->w8 : s->kind->decompressed ? s->plain[W] : p->w;
    data[OUT] = p->out;
    return true;
}

/* W is transposed: its rows are columns of the product. */
static dnnl_status_t describe_all(const lb_peer_work *p, const dnnl_data_type_t types[OPERANDS],
                                  dnnl_format_tag_t layout_of_w, dnnl_memory_desc_t desc[OPERANDS]) {
    const dnnl_dims_t dims[OPERANDS] = {{p->m, p->k}, {p->k, p->n}, {p->m, p->n}};
    const dnnl_format_tag_t tags[OPERANDS] = {dnnl_ab, layout_of_w, dnnl_ab};
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < OPERANDS && !status; i++) status = lb_dnnl_describe(&desc[i], 2, dims[i], types[i], tags[i]);
    return status;
}

static void forget_all(dnnl_memory_desc_t desc[OPERANDS]) {
    for (int i = 0; i < OPERANDS; i++) lb_dnnl_forget(&desc[i]);
}

static dnnl_status_t wrap_operands(state *s) {
    const void *data[OPERANDS];
    dnnl_data_type_t types[OPERANDS];
    dnnl_memory_desc_t desc[OPERANDS] = {0};
    s->what = "the operands";
    if (!plain_operands(s, data, types)) return dnnl_out_of_memory;
    dnnl_status_t status = describe_all(&s->work, types, dnnl_ba, desc);
    for (int i = 0; i < OPERANDS && !status; i++)
        status = dnnl_memory_create(&s->given[i], lb_dnnl_ref_of(&desc[i]), s->engine, (void *)(uintptr_t)data[i]);
    forget_all(desc);
    return status;
}

/* ---- the primitive ---- */

/* One number for all of A, or of all codes. */
static dnnl_status_t make_zero(state *s, dnnl_data_type_t type) {
    dnnl_memory_desc_t desc;
    void *data;
    dnnl_status_t status = lb_dnnl_describe(&desc, 1, (const dnnl_dims_t){1}, type, dnnl_a);
    if (!status) status = dnnl_memory_create(&s->zero, lb_dnnl_ref_of(&desc), s->engine, DNNL_MEMORY_ALLOCATE);
    lb_dnnl_forget(&desc);
    if (!status) status = dnnl_memory_get_data_handle(s->zero, &data);
    if (status) return status;
    if (type == dnnl_s32)
        *(int32_t *)data = s->kind->zero;
    else
        *(uint8_t *)data = (uint8_t)s->kind->zero;
    return dnnl_success;
}

#ifdef LB_ONEDNN_DECOMPRESSES

/* Scales of groups along k, for oneDNN in rows of n. */
static dnnl_status_t make_scales(state *s) {
    const int64_t n = s->work.n, groups = s->work.k / s->codes.group;
    dnnl_memory_desc_t desc;
    void *data;
    dnnl_status_t status = lb_dnnl_describe(&desc, 2, (const dnnl_dims_t){groups, n}, dnnl_f32, dnnl_ab);
    if (!status) status = dnnl_memory_create(&s->scales, lb_dnnl_ref_of(&desc), s->engine, DNNL_MEMORY_ALLOCATE);
    lb_dnnl_forget(&desc);
    if (!status) status = dnnl_memory_get_data_handle(s->scales, &data);
    for (int64_t g = 0; !status && g < groups; g++)
        for (int64_t i = 0; i < n; i++) ((float *)data)[g * n + i] = s->codes.scales[i * groups + g];
    return status;
}

/* Both dimensions have scales of their own. */
static dnnl_status_t decompress(state *s) {
    enum { EVERY_K_AND_N = 3 };
    const dnnl_fpmath_mode_t mode = s->kind->types[A] == dnnl_f16 ? dnnl_fpmath_mode_f16 : dnnl_fpmath_mode_bf16;
    dnnl_status_t status = dnnl_primitive_attr_set_fpmath_mode_v2(s->attr, mode, 1);
    if (!status)
        status = dnnl_primitive_attr_set_scales(s->attr, DNNL_ARG_WEIGHTS, EVERY_K_AND_N, 2,
                                                (const dnnl_dims_t){s->codes.group, 1}, dnnl_f32);
    if (!status) status = make_scales(s);
    if (status || !s->kind->zero) return status;
    status = dnnl_primitive_attr_set_zero_points(s->attr, DNNL_ARG_WEIGHTS, 0, 0, NULL, dnnl_u8);
    return status ? status : make_zero(s, dnnl_u8);
}

#else

static dnnl_status_t decompress(state *s) {
    (void)s;
    return dnnl_unimplemented;
}

#endif

static dnnl_status_t make_attributes(state *s) {
    s->what = "the attributes";
    dnnl_status_t status = dnnl_primitive_attr_create(&s->attr);
    if (!status && s->kind->decompressed) return decompress(s);
    if (status || !s->kind->zero) return status;
    status = lb_dnnl_zero_of_a(s->attr, s->kind->zero);
    return status || DNNL_VERSION_MAJOR < 3 ? status : make_zero(s, dnnl_s32);
}

static dnnl_status_t make_matmul(state *s) {
    dnnl_memory_desc_t desc[OPERANDS] = {0};
    s->what = "the primitive";
    dnnl_status_t status = describe_all(&s->work, s->kind->types, dnnl_format_tag_any, desc);
    if (!status) status = lb_dnnl_matmul(&s->desc, s->engine, desc, s->attr);
    if (!status) status = dnnl_primitive_create(&s->matmul, s->desc);
    forget_all(desc);
    return status;
}

/* ---- operands as the primitive wants them ---- */

static dnnl_status_t convert(state *s, int operand, dnnl_query_t query, dnnl_memory_t *used) {
    const lb_dnnl_ref wanted = dnnl_primitive_desc_query_md(s->desc, query, 0);
    lb_dnnl_ref given;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t reorder;
    dnnl_status_t status = dnnl_memory_get_memory_desc(s->given[operand], &given);
    if (!status) status = dnnl_reorder_primitive_desc_create(&desc, given, s->engine, wanted, s->engine, NULL);
    if (status) return status;
    status = dnnl_primitive_create(&reorder, desc);
    dnnl_primitive_desc_destroy(desc);
    if (status) return status;
    status = dnnl_memory_create(used, wanted, s->engine, DNNL_MEMORY_ALLOCATE);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, s->given[operand]}, {DNNL_ARG_TO, *used}};
    if (!status) status = dnnl_primitive_execute(reorder, s->stream, 2, args);
    if (!status) status = dnnl_stream_wait(s->stream);
    dnnl_primitive_destroy(reorder);
    return status;
}

static dnnl_status_t convert_weights(state *s) {
    dnnl_status_t status = dnnl_success;
    s->what = "the reorder of the weights";
    for (size_t i = 0; i < s->work.copies && !status; i++) status = convert(s, W, dnnl_query_weights_md, &s->w[i]);
    return status;
}

static void list_arguments(state *s) {
    const int zero_of = s->kind->decompressed ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC;
    dnnl_exec_arg_t *to = s->args;
    *to++ = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, s->w[0]};
    *to++ = (dnnl_exec_arg_t){DNNL_ARG_SRC, s->a};
    *to++ = (dnnl_exec_arg_t){DNNL_ARG_DST, s->given[OUT]};
#if DNNL_VERSION_MAJOR >= 3
    if (s->scales) *to++ = (dnnl_exec_arg_t){DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, s->scales};
#endif
    if (s->zero) *to++ = (dnnl_exec_arg_t){DNNL_ARG_ATTR_ZERO_POINTS | zero_of, s->zero};
    s->arg_count = (int)(to - s->args);
}

static dnnl_status_t make(state *s) {
    s->what = "an engine";
    dnnl_status_t status = dnnl_engine_create(&s->engine, dnnl_cpu, 0);
    if (!status) status = dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags);
    if (!status) status = wrap_operands(s);
    if (!status) status = make_attributes(s);
    if (!status) status = make_matmul(s);
    if (!status) status = convert_weights(s);
    if (status) return status;
    s->what = "the reorder of the activations";
    return convert(s, A, dnnl_query_src_md, &s->a);
}

static void destroy(void *made) {
    state *s = made;
    if (s->matmul) dnnl_primitive_destroy(s->matmul);
    if (s->desc) dnnl_primitive_desc_destroy(s->desc);
    for (int i = 0; i < OPERANDS; i++) {
        if (s->given[i]) dnnl_memory_destroy(s->given[i]);
        free(s->plain[i]);
    }
    for (size_t i = 0; s->w && i < s->work.copies; i++)
        if (s->w[i]) dnnl_memory_destroy(s->w[i]);
    free(s->w);
    lb_peer_codes_release(&s->codes);
    if (s->a) dnnl_memory_destroy(s->a);
    if (s->scales) dnnl_memory_destroy(s->scales);
    if (s->zero) dnnl_memory_destroy(s->zero);
    if (s->attr) dnnl_primitive_attr_destroy(s->attr);
    if (s->stream) dnnl_stream_destroy(s->stream);
    if (s->engine) dnnl_engine_destroy(s->engine);
    free(s);
}

/* Its plain loops for what nobody has optimized take seconds, and are no rival. */
static bool is_reference(const state *s, char reason[LB_PEER_REASON]) {
    const char *name = "";
    dnnl_primitive_desc_query(s->desc, dnnl_query_impl_info_str, 0, (void *)&name);
    if (strncmp(name, "ref", 3) != 0) return false;
    snprintf(reason, LB_PEER_REASON, "it has its reference implementation only (%s)", name);
    return true;
}

static void *create(const kind *what, const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    omp_set_num_threads((int)work->threads);
    state *s = calloc(1, sizeof *s);
    if (s) *s = (state){.kind = what, .work = *work, .w = calloc(work->copies, sizeof *s->w)};
    if (!s || !s->w) {
        snprintf(reason, LB_PEER_REASON, "no memory");
        free(s);
        return NULL;
    }
    const dnnl_status_t status = make(s);
    if (status) snprintf(reason, LB_PEER_REASON, "oneDNN refuses %s (status %d)", s->what, (int)status);
    if (status || is_reference(s, reason)) {
        destroy(s);
        return NULL;
    }
    list_arguments(s);
    return s;
}

static bool run(void *made, size_t copy) {
    state *s = made;
    s->args[0].memory = s->w[copy];
    return dnnl_primitive_execute(s->matmul, s->stream, s->arg_count, s->args) == dnnl_success &&
           dnnl_stream_wait(s->stream) == dnnl_success;
}

/* ---- ways ---- */

static bool takes_f32(const lowbit_problem *p) { return p->weights.format == LOWBIT_F32; }

static bool takes_bf16(const lowbit_problem *p) {
    return p->weights.format == LOWBIT_BF16 && p->activations == LOWBIT_AF;
}

#define WAY(id, ...)                                                                                                   \
    static const kind kKind_##id = {__VA_ARGS__};                                                                      \
    static void *create_##id(const lb_peer_work *work, char reason[LB_PEER_REASON]) {                                  \
        return create(&kKind_##id, work, reason);                                                                      \
    }
WAY(f32, {dnnl_f32, dnnl_f32, dnnl_f32}, 0, false)
WAY(bf16, {dnnl_bf16, dnnl_bf16, dnnl_f32}, 0, false)
WAY(s8s8, {dnnl_s8, dnnl_s8, dnnl_s32}, 0, false)
WAY(u8s8, {dnnl_u8, dnnl_s8, dnnl_s32}, ZERO_OF_U8, false)

#ifdef LB_ONEDNN_DECOMPRESSES
static void weights(const void *made, float *w) { lb_peer_codes_values(&((const state *)made)->codes, w); }

static bool takes_i4(const lowbit_problem *p) {
    const bool int8_or_floats = p->activations == LOWBIT_A8 || p->activations == LOWBIT_AF;
    const int64_t group = p->weights.group > 0 ? p->weights.group : 2;
    return p->weights.format == LOWBIT_I4 && p->k % group == 0 && int8_or_floats;
}

WAY(u4_bf16, {dnnl_bf16, dnnl_u4, dnnl_f32}, ZERO_OF_U4, true)
WAY(s4_bf16, {dnnl_bf16, dnnl_s4, dnnl_f32}, 0, true)
WAY(u4_f16, {dnnl_f16, dnnl_u4, dnnl_f32}, ZERO_OF_U4, true)
#endif

static const lb_peer_way kWays[] = {
    {"f32", false, 1e-5, takes_f32, create_f32, run, NULL, destroy, 32, NULL},
    {"bf16", false, 5e-3, takes_bf16, create_bf16, run, NULL, destroy, 16, NULL},
    {"s8s8", true, 0, lb_peer_has_codes, create_s8s8, run, NULL, destroy, 8, NULL},
    {"u8s8", true, 0, lb_peer_has_codes, create_u8s8, run, NULL, destroy, 8, NULL},
#ifdef LB_ONEDNN_DECOMPRESSES
    {"u4 bf16", false, 1e-2, takes_i4, create_u4_bf16, run, weights, destroy, 4, NULL},
    {"s4 bf16", false, 1e-2, takes_i4, create_s4_bf16, run, weights, destroy, 4, NULL},
    {"u4 f16", false, 1e-2, takes_i4, create_u4_f16, run, weights, destroy, 4, NULL},
#endif
};

/* Of the library that runs, which need not be the header's. */
static const char *version(void) {
    static char text[24];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

const lb_peer lb_peer_onednn = {"onednn", version, kWays, sizeof kWays / sizeof kWays[0]};
