/* SPDX-License-Identifier: Apache-2.0 */
/* Making copies of packed weights: one for each NUMA node, written by a thread that runs there. */
#include <pthread.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "kernels/base/thread.h"
#include "kernels/layout.h"
#include "kernels/replicas.h"

/* One copy on its way to a node. */
typedef struct job {
    lb_cpu_mask cpus; /* of the node */
    bool bind;
    bool bound;
    const uint8_t *from;
    uint8_t *to;
    size_t bytes;
} job;

static void *copy_there(void *argument) {
    job *j = argument;
    j->bound = j->bind && lb_cpu_mask_count(&j->cpus) > 0 && lb_cpu_mask_set_thread(&j->cpus);
    memcpy(j->to, j->from, j->bytes);
    return NULL;
}

/* The CPUs of a node that the context and the calling thread may use. */
static lb_cpu_mask cpus_of_node(const lowbit_ctx *ctx, size_t node) {
    lb_cpu_mask own, cpus = {{0}};
    lb_cpu_mask_of_thread(&own);
    for (size_t i = 0; i < ctx->cpu_count; i++)
        if (ctx->cpu_node[i] == node && lb_cpu_mask_has(&own, ctx->cpu_order[i]))
            lb_cpu_mask_add(&cpus, ctx->cpu_order[i]);
    return cpus;
}

/* Makes the copy of one node, and its view. */
static lowbit_status copy_to_node(const lowbit_ctx *ctx, const lowbit_packed *packed, size_t node, lowbit_packed *copy,
                                  lowbit_error *error) {
    job j = {.cpus = cpus_of_node(ctx, node), .bind = !ctx->pretend, .bytes = (size_t)packed->bytes};
    pthread_t thread;
    j.from = packed->lines - LB_HEADER_BYTES;
    j.to = lb_alloc(ctx, j.bytes);
    LB_REQUIRE(j.to, error, LOWBIT_NO_MEMORY, "no memory for a copy of %zu bytes", j.bytes);
    const int code = lb_thread_start(&thread, copy_there, &j);
    if (code == 0) pthread_join(thread, NULL);
    copy->struct_size = sizeof *copy;
    const lowbit_status status =
        code ? lb_fail(error, LOWBIT_SYSTEM, "a thread to copy with cannot be created: error %d", code)
             : lowbit_packed_open(j.to, packed->bytes, 0, copy, error);
    if (status != LOWBIT_OK) lb_free(ctx, j.to, j.bytes);
    if (!j.bound && j.bind && status == LOWBIT_OK)
        lb_log(ctx, LOWBIT_LOG_WARNING, "a copy of weights for NUMA node %zu may lie elsewhere: no thread was bound",
               node);
    return status;
}

/* Frees the copies that were made, and the replicas. */
static void free_replicas(const lowbit_ctx *ctx, lowbit_replicas *r, size_t bytes) {
    for (size_t i = 0; i < r->count; i++)
        lb_free(ctx, (void *)(uintptr_t)(r->copies[i].lines - LB_HEADER_BYTES), (size_t)r->copies[i].bytes);
    lb_free(ctx, r, bytes);
}

/* Copies that a machine gets: none if its allowed CPUs are of one node. */
static size_t wanted_copies(const lowbit_ctx *ctx) { return ctx->node_count > 1 ? ctx->node_count : 0; }

static size_t struct_bytes(const lowbit_ctx *ctx) {
    return sizeof(lowbit_replicas) + wanted_copies(ctx) * sizeof(lowbit_packed);
}

static lowbit_status make_copies(const lowbit_ctx *ctx, const lowbit_packed *packed, lowbit_replicas *r,
                                 lowbit_error *error) {
    const size_t wanted = wanted_copies(ctx);
    for (size_t i = 0; wanted && i < ctx->cpu_count; i++)
        r->of_cpu[ctx->cpu_order[i]] = (uint16_t)(ctx->cpu_node[i] + 1);
    for (; r->count < wanted; r->count++) LB_TRY(copy_to_node(ctx, packed, r->count, &r->copies[r->count], error));
    return LOWBIT_OK;
}

lowbit_status lowbit_replicate(const lowbit_ctx *ctx, const lowbit_packed *packed, lowbit_replicas **replicas,
                               lowbit_error *error) {
    LB_REQUIRE(ctx && replicas, error, LOWBIT_INVALID_ARGUMENT, "ctx or replicas is NULL");
    LB_REQUIRE(packed && LB_HAS_FIELD(packed, lowbit_packed, book) && packed->lines, error, LOWBIT_INVALID_ARGUMENT,
               "packed is not an opened blob");
    const size_t bytes = struct_bytes(ctx);
    lowbit_replicas *made = lb_alloc(ctx, bytes);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for replicas of %zu bytes", bytes);
    memset(made, 0, bytes);
    made->original = packed;
    const lowbit_status status = make_copies(ctx, packed, made, error);
    if (status == LOWBIT_OK)
        *replicas = made;
    else
        free_replicas(ctx, made, bytes);
    return status;
}

int64_t lowbit_replicas_bytes(const lowbit_replicas *replicas) {
    return replicas ? (int64_t)replicas->count * replicas->original->bytes : 0;
}

void lowbit_replicas_destroy(const lowbit_ctx *ctx, lowbit_replicas *replicas) {
    if (ctx && replicas) free_replicas(ctx, replicas, struct_bytes(ctx));
}
