/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN: matmul of float or bf16 matrices, weights in the layout that it prefers. Of bf16 products A is rounded before
 * the time is taken. Versions 2 and 3 of its C interface. */
#include <stdlib.h>

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "bench/peers/peers.h"

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t desc_ref;

static desc_ref ref(const dnnl_memory_desc_t *desc) { return *desc; }

static dnnl_status_t describe(dnnl_memory_desc_t *desc, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(desc, 2, dims, type, tag);
}

static void forget(dnnl_memory_desc_t *desc) { dnnl_memory_desc_destroy(*desc); }

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *matmul, dnnl_engine_t engine,
                                     const dnnl_memory_desc_t desc[3]) {
    return dnnl_matmul_primitive_desc_create(matmul, engine, desc[0], desc[1], NULL, desc[2], NULL);
}

#else

typedef const dnnl_memory_desc_t *desc_ref;

static desc_ref ref(const dnnl_memory_desc_t *desc) { return desc; }

static dnnl_status_t describe(dnnl_memory_desc_t *desc, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(desc, 2, dims, type, tag);
}

static void forget(dnnl_memory_desc_t *desc) { (void)desc; }

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *matmul, dnnl_engine_t engine,
                                     const dnnl_memory_desc_t desc[3]) {
    dnnl_matmul_desc_t what;
    const dnnl_status_t status = dnnl_matmul_desc_init(&what, &desc[0], &desc[1], NULL, &desc[2]);
    return status ? status : dnnl_primitive_desc_create(matmul, &what, NULL, engine, NULL);
}

#endif

enum { A, W, OUT, OPERANDS };

typedef struct state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t matmul;
    dnnl_memory_t given[OPERANDS]; /* the caller's matrices */
    dnnl_memory_t used[OPERANDS];  /* as the primitive wants them */
} state;

static dnnl_data_type_t type_of(const lb_peer_work *work) { return work->bf16 ? dnnl_bf16 : dnnl_f32; }

/* Describes the caller's matrices (floats, W transposed), or the primitive's. */
static dnnl_status_t describe_all(const lb_peer_work *work, bool callers, dnnl_memory_desc_t desc[OPERANDS]) {
    const dnnl_dims_t dims[OPERANDS] = {{work->m, work->k}, {work->k, work->n}, {work->m, work->n}};
    const dnnl_format_tag_t tags[OPERANDS] = {dnnl_ab, callers ? dnnl_ba : dnnl_format_tag_any, dnnl_ab};
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < OPERANDS && !status; i++)
        status = describe(&desc[i], dims[i], callers || i == OUT ? dnnl_f32 : type_of(work), tags[i]);
    return status;
}

static void forget_all(dnnl_memory_desc_t desc[OPERANDS]) {
    for (int i = 0; i < OPERANDS; i++) forget(&desc[i]);
}

static dnnl_status_t wrap_matrices(state *s, const lb_peer_work *work) {
    void *const data[OPERANDS] = {(void *)(uintptr_t)work->a, (void *)(uintptr_t)work->w, work->out};
    dnnl_memory_desc_t desc[OPERANDS];
    dnnl_status_t status = describe_all(work, true, desc);
    for (int i = 0; i < OPERANDS && !status; i++)
        status = dnnl_memory_create(&s->given[i], ref(&desc[i]), s->engine, data[i]);
    forget_all(desc);
    return status;
}

static dnnl_status_t make_matmul(state *s, const lb_peer_work *work) {
    dnnl_memory_desc_t desc[OPERANDS];
    dnnl_status_t status = describe_all(work, false, desc);
    if (!status) status = describe_matmul(&s->desc, s->engine, desc);
    if (!status) status = dnnl_primitive_create(&s->matmul, s->desc);
    forget_all(desc);
    return status;
}

/* A matrix of the caller in the type and layout that the primitive asks for. */
static dnnl_status_t convert(state *s, int operand, dnnl_query_t query) {
    const desc_ref wanted = dnnl_primitive_desc_query_md(s->desc, query, 0);
    desc_ref given;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t reorder;
    dnnl_status_t status = dnnl_memory_create(&s->used[operand], wanted, s->engine, DNNL_MEMORY_ALLOCATE);
    if (!status) status = dnnl_memory_get_memory_desc(s->given[operand], &given);
    if (!status) status = dnnl_reorder_primitive_desc_create(&desc, given, s->engine, wanted, s->engine, NULL);
    if (status) return status;
    status = dnnl_primitive_create(&reorder, desc);
    dnnl_primitive_desc_destroy(desc);
    if (status) return status;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, s->given[operand]}, {DNNL_ARG_TO, s->used[operand]}};
    status = dnnl_primitive_execute(reorder, s->stream, 2, args);
    if (!status) status = dnnl_stream_wait(s->stream);
    dnnl_primitive_destroy(reorder);
    return status;
}

static dnnl_status_t make(state *s, const lb_peer_work *work) {
    dnnl_status_t status = dnnl_engine_create(&s->engine, dnnl_cpu, 0);
    if (!status) status = dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags);
    if (!status) status = wrap_matrices(s, work);
    if (!status) status = make_matmul(s, work);
    if (!status) status = convert(s, A, dnnl_query_src_md);
    if (!status) status = convert(s, W, dnnl_query_weights_md);
    return status;
}

static bool takes(const lowbit_problem *p) {
    const bool types =
        p->weights.format == LOWBIT_F32 || (p->weights.format == LOWBIT_BF16 && p->activations == LOWBIT_AF);
    return types && p->out == LOWBIT_OUT_F32 && !p->bias && !p->residual && !p->act;
}

static void destroy(void *made) {
    state *s = made;
    for (int i = 0; i < OPERANDS; i++) {
        if (s->given[i]) dnnl_memory_destroy(s->given[i]);
        if (s->used[i]) dnnl_memory_destroy(s->used[i]);
    }
    if (s->matmul) dnnl_primitive_destroy(s->matmul);
    if (s->desc) dnnl_primitive_desc_destroy(s->desc);
    if (s->stream) dnnl_stream_destroy(s->stream);
    if (s->engine) dnnl_engine_destroy(s->engine);
    free(s);
}

static void *create(const lb_peer_work *work) {
    omp_set_num_threads((int)work->threads);
    state *s = calloc(1, sizeof *s);
    if (!s || !make(s, work)) return s;
    destroy(s);
    return NULL;
}

static void run(const lb_peer_work *work, void *made) {
    (void)work;
    state *s = made;
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, s->used[A]}, {DNNL_ARG_WEIGHTS, s->used[W]}, {DNNL_ARG_DST, s->given[OUT]}};
    dnnl_primitive_execute(s->matmul, s->stream, 3, args);
    dnnl_stream_wait(s->stream);
}

const lb_peer lb_peer_onednn = {"onednn", takes, create, run, destroy};
