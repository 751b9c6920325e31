/* SPDX-License-Identifier: Apache-2.0 */
/* ggml: its block formats on the CPU, in plain memory and in the buffer types that lay weights out anew (repack, AMX).
 * Types are found by name, so that any version will do. Activations are floats; ggml quantizes them in the call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include "bench/peers/peers.h"

typedef struct threading {
    struct ggml_threadpool *(*create)(struct ggml_threadpool_params *params);
    void (*destroy)(struct ggml_threadpool *pool);
    void (*use)(ggml_backend_t backend, struct ggml_threadpool *pool);
    ggml_backend_set_n_threads_t count;
} threading;

typedef struct state {
    ggml_backend_t backend;
    threading threading;
    struct ggml_threadpool *pool;
    struct ggml_context *constants, *graphs;        /* tensors of the weights; of A and the products */
    ggml_backend_buffer_t packed, a_view, out_view; /* what they lie in; the views are the caller's memory */
    struct ggml_cgraph **products;                  /* [copies] */
    uint8_t *quantized;                             /* [n] rows, before any other layout */
    size_t row_bytes;
    enum ggml_type type;
    int64_t n, k;
} state;

static void be_silent(enum ggml_log_level level, const char *text, void *user) { (void)level, (void)text, (void)user; }

static bool refuse(char reason[LB_PEER_REASON], const char *what, const char *subject) {
    snprintf(reason, LB_PEER_REASON, "ggml %s: %s %s", ggml_version(), what, subject);
    return false;
}

/* GGML_TYPE_COUNT = none of that name. */
static enum ggml_type type_of(const char *name) {
    for (int i = 0; i < GGML_TYPE_COUNT; i++) {
        const struct ggml_type_traits *traits = ggml_get_type_traits((enum ggml_type)i);
        if (traits->type_name && strcmp(traits->type_name, name) == 0) return (enum ggml_type)i;
    }
    return GGML_TYPE_COUNT;
}

/* ---- The CPU's backend, a library that ggml loads ---- */

static bool start_threads(state *s, ggml_backend_reg_t reg, uint32_t threads, char *reason) {
    threading *t = &s->threading;
    *(void **)&t->create = ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_new");
    *(void **)&t->destroy = ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_free");
    *(void **)&t->use = ggml_backend_reg_get_proc_address(reg, "ggml_backend_cpu_set_threadpool");
    *(void **)&t->count = ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
    if (!t->create || !t->destroy || !t->use || !t->count)
        return refuse(reason, "its CPU backend has no", "thread pools");
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)threads);
    s->pool = t->create(&params);
    if (!s->pool) return refuse(reason, "no", "thread pool");
    t->count(s->backend, (int)threads);
    t->use(s->backend, s->pool);
    return true;
}

static ggml_backend_dev_t start(state *s, uint32_t threads, char *reason) {
    ggml_log_set(be_silent, NULL);
    ggml_backend_load_all();
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device) s->backend = ggml_backend_dev_init(device, NULL);
    if (!s->backend) return refuse(reason, "no", "CPU backend"), NULL;
    return start_threads(s, ggml_backend_dev_backend_reg(device), threads, reason) ? device : NULL;
}

/* Plain memory for NULL, else the extra buffer type of that name; NULL where there is none. */
static ggml_backend_buffer_type_t buffer_type_of(ggml_backend_dev_t device, const char *name) {
    if (!name) return ggml_backend_dev_buffer_type(device);
    ggml_backend_dev_get_extra_bufts_t list;
    *(void **)&list =
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts");
    ggml_backend_buffer_type_t *each = list ? list(device) : NULL;
    while (each && *each && strcmp(ggml_backend_buft_name(*each), name) != 0) each++;
    return each ? *each : NULL;
}

/* ---- Tensors ---- */

static struct ggml_context *room_for(size_t tensors, size_t graphs) {
    return ggml_init((struct ggml_init_params){
        .mem_size = tensors * ggml_tensor_overhead() + graphs * ggml_graph_overhead(), .no_alloc = true});
}

static bool is_multiplied(ggml_backend_dev_t device, ggml_backend_buffer_type_t type, struct ggml_tensor *product) {
    struct ggml_tensor *w = product->src[0];
    w->buffer = ggml_backend_buft_alloc_buffer(type, 0); /* as if it lay there */
    const bool supported = ggml_backend_dev_supports_op(device, product);
    ggml_backend_buffer_free(w->buffer);
    w->buffer = NULL;
    return supported;
}

/* A product for each copy of the weights: the same A, the same output. */
static bool describe(state *s, const lb_peer_work *work) {
    s->constants = room_for(work->copies, 0);
    s->graphs = room_for(work->copies + 1, work->copies);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of a pointer is meant */
    s->products = calloc(work->copies, sizeof *s->products);
    if (!s->constants || !s->graphs || !s->products) return false;
    struct ggml_tensor *a = ggml_new_tensor_2d(s->graphs, GGML_TYPE_F32, work->k, work->m);
    for (size_t i = 0; i < work->copies; i++) {
        struct ggml_tensor *w = ggml_new_tensor_2d(s->constants, s->type, work->k, work->n);
        s->products[i] = ggml_new_graph(s->graphs);
        ggml_build_forward_expand(s->products[i], ggml_mul_mat(s->graphs, w, a));
    }
    return true;
}

static struct ggml_tensor *product_of(const state *s, size_t copy) { return ggml_graph_node(s->products[copy], 0); }

static bool place(state *s, const lb_peer_work *work, ggml_backend_buffer_type_t type) {
    s->packed = ggml_backend_alloc_ctx_tensors_from_buft(s->constants, type);
    s->a_view = ggml_backend_cpu_buffer_from_ptr((void *)(uintptr_t)work->a, (size_t)(work->m * work->k) * 4);
    s->out_view = ggml_backend_cpu_buffer_from_ptr(work->out, (size_t)(work->m * work->n) * 4);
    s->quantized = malloc(s->row_bytes * (size_t)work->n);
    if (!s->packed || !s->a_view || !s->out_view || !s->quantized) return false;
    ggml_backend_buffer_set_usage(s->packed, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_backend_tensor_alloc(s->a_view, product_of(s, 0)->src[1], (void *)(uintptr_t)work->a);
    for (size_t i = 0; i < work->copies; i++) ggml_backend_tensor_alloc(s->out_view, product_of(s, i), work->out);
    return true;
}

static bool make(state *s, const lb_peer_work *work, const char *type, const char *buffers, char *reason) {
    s->type = type_of(type);
    if (s->type == GGML_TYPE_COUNT) return refuse(reason, "it has no type", type);
    if (work->k % ggml_blck_size(s->type)) return refuse(reason, "K is no multiple of the blocks of", type);
    s->n = work->n;
    s->k = work->k;
    s->row_bytes = ggml_row_size(s->type, work->k);
    ggml_backend_dev_t device = start(s, work->threads, reason);
    if (!device) return false;
    ggml_backend_buffer_type_t buffer_type = buffer_type_of(device, buffers);
    if (!buffer_type) return refuse(reason, "on this CPU there are no buffers of type", buffers);
    if (!describe(s, work)) return refuse(reason, "no memory for", "tensors");
    if (!is_multiplied(device, buffer_type, product_of(s, 0)))
        return refuse(reason, type, "is not multiplied in these buffers on this CPU");
    if (!place(s, work, buffer_type)) return refuse(reason, "no memory for", "weights");
    ggml_quantize_chunk(s->type, work->w, s->quantized, 0, work->n, work->k, NULL);
    for (size_t i = 0; i < work->copies; i++)
        ggml_backend_tensor_set(product_of(s, i)->src[0], s->quantized, 0, s->row_bytes * (size_t)work->n);
    return true;
}

/* ---- The ways ---- */

static void destroy(void *made) {
    state *s = made;
    free(s->quantized);
    free(s->products);
    ggml_backend_buffer_free(s->packed);
    ggml_backend_buffer_free(s->a_view);
    ggml_backend_buffer_free(s->out_view);
    ggml_free(s->constants);
    ggml_free(s->graphs);
    if (s->backend) ggml_backend_free(s->backend);
    if (s->pool) s->threading.destroy(s->pool);
    free(s);
}

static void *create(const lb_peer_work *work, const char *type, const char *buffers, char *reason) {
    state *s = calloc(1, sizeof *s);
    if (!s) return refuse(reason, "no memory for", "its state"), NULL;
    if (make(s, work, type, buffers, reason)) return s;
    destroy(s);
    return NULL;
}

static bool run(void *made, size_t copy) {
    const state *s = made;
    return ggml_backend_graph_compute(s->backend, s->products[copy]) == GGML_STATUS_SUCCESS;
}

static void weights(const void *made, float *w) {
    const state *s = made;
    for (int64_t i = 0; i < s->n; i++)
        ggml_get_type_traits(s->type)->to_float(s->quantized + (size_t)i * s->row_bytes, w + i * s->k, s->k);
}

static bool takes_8(const lowbit_problem *p) { return lb_peer_is_of_floats(p) && p->weights.format == LOWBIT_I8; }

static bool takes_4(const lowbit_problem *p) { return lb_peer_is_of_floats(p) && p->weights.format == LOWBIT_I4; }

static bool takes_2(const lowbit_problem *p) {
    return lb_peer_is_of_floats(p) && (p->weights.format == LOWBIT_I2 || p->weights.format == LOWBIT_S2);
}

static bool takes_trits(const lowbit_problem *p) {
    return lb_peer_is_of_floats(p) && (p->weights.format == LOWBIT_T2 || p->weights.format == LOWBIT_T5);
}

static bool takes_1(const lowbit_problem *p) { return lb_peer_is_of_floats(p) && p->weights.format == LOWBIT_B1; }

/* Its name in C and in ggml, which weights of ours have as many bits, and those. */
#define TYPES(X)                                                                                                       \
    X(q8_0, "q8_0", takes_8, 8)                                                                                        \
    X(q4_0, "q4_0", takes_4, 4)                                                                                        \
    X(q4_k, "q4_K", takes_4, 4)                                                                                        \
    X(q2_k, "q2_K", takes_2, 2)                                                                                        \
    X(q2_0, "q2_0", takes_2, 2)                                                                                        \
    X(tq1_0, "tq1_0", takes_trits, 2)                                                                                  \
    X(tq2_0, "tq2_0", takes_trits, 2)                                                                                  \
    X(q1_0, "q1_0", takes_1, 1)

#define WAY(id, type, buffers)                                                                                         \
    static void *create_##id(const lb_peer_work *work, char reason[LB_PEER_REASON]) {                                  \
        return create(work, type, buffers, reason);                                                                    \
    }
#define CREATE(id, type, fits, bits) WAY(id, type, NULL) WAY(id##_repack, type, "CPU_REPACK") WAY(id##_amx, type, "AMX")
TYPES(CREATE)

/* The tolerance is of activations of 8 bits in blocks of 32 or 256: an element is off by 1/254 of its block's largest
 * at most, and errors of either sign meet in a sum. */
#define ROW(name, id, fits, bits) {name, false, 4e-3, fits, create_##id, run, weights, destroy, bits, NULL},
#define ROWS(id, type, fits, bits)                                                                                     \
    ROW(type, id, fits, bits) ROW(type " repack", id##_repack, fits, bits) ROW(type " amx", id##_amx, fits, bits)
static const lb_peer_way kWays[] = {TYPES(ROWS)};

const lb_peer lb_peer_ggml = {"ggml", ggml_version, kWays, sizeof kWays / sizeof kWays[0]};
