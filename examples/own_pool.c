/* SPDX-License-Identifier: Apache-2.0 */
/* An engine's own threads: a pool on plain pthreads, handed over as two callbacks. */
#include <lowbit/lowbit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, M = 100, N = 1024, K = 1024 };

/* One parallel loop: worker w of WORKERS takes the tasks w, w + WORKERS, ... An engine would keep its threads alive
 * between loops; starting them anew is the shortest correct pool. */
typedef struct loop {
    size_t n;
    lowbit_task task;
    void *arg;
} loop;

typedef struct worker {
    const loop *loop;
    size_t number;
    pthread_t thread;
} worker;

static void *work(void *user) {
    const worker *self = user;
    for (size_t i = self->number; i < self->loop->n; i += WORKERS) self->loop->task(self->loop->arg, i, self->number);
    return NULL;
}

static size_t num_threads(void *user) {
    (void)user;
    return WORKERS;
}

/* The calling thread is worker 0, and does the work of every thread that cannot be started. */
static void parallel_for(void *user, size_t n, lowbit_task task, void *arg) {
    const loop todo = {n, task, arg};
    worker workers[WORKERS];
    int started[WORKERS] = {0};
    for (size_t w = 1; w < WORKERS; w++) {
        workers[w] = (worker){.loop = &todo, .number = w};
        started[w] = pthread_create(&workers[w].thread, NULL, work, &workers[w]) == 0;
    }
    workers[0] = (worker){.loop = &todo, .number = 0};
    work(&workers[0]);
    for (size_t w = 1; w < WORKERS; w++) {
        if (started[w])
            pthread_join(workers[w].thread, NULL);
        else
            work(&workers[w]);
    }
    ++*(size_t *)user;
}

static lowbit_error error = LOWBIT_ERROR_INIT;

static void must(lowbit_status status) {
    if (status == LOWBIT_OK) return;
    fprintf(stderr, "%s: %s\n", lowbit_status_string(status), error.message);
    exit(1);
}

static void *aligned(int64_t bytes) { return aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64); }

static float w[N][K], x[M][K], alone[M][N], together[M][N];

int main(void) {
    for (int i = 0; i < N * K; i++) (&w[0][0])[i] = (float)(i * 37 % 101) / 50 - 1;
    for (int i = 0; i < M * K; i++) (&x[0][0])[i] = (float)(i * 53 % 97) / 48 - 1;
    size_t loops = 0;
    const lowbit_pool pool = {sizeof pool, &loops, num_threads, parallel_for};

    lowbit_ctx *ctx;
    must(lowbit_ctx_create(NULL, &ctx, &error));
    lowbit_problem problem = {.struct_size = sizeof problem};
    must(lowbit_problem_parse("t2a8:m100n1024k1024", &problem, &error));
    lowbit_plan *plan;
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = WORKERS;
    must(lowbit_plan_create(ctx, &problem, &options, &plan, &error));

    const lowbit_matrix weights = {&w[0][0], N, K, K};
    lowbit_weights codes = {.struct_size = sizeof codes};
    must(lowbit_quantize(ctx, &weights, &problem.weights, LOWBIT_RULE_AUTO, &pool, &codes, &error));
    int64_t blob_bytes, scratch_bytes;
    must(lowbit_packed_size(&problem.weights, N, K, &blob_bytes, &error));
    must(lowbit_workspace_size(plan, M, &scratch_bytes, &error));
    void *blob = aligned(blob_bytes), *scratch = aligned(scratch_bytes);
    must(lowbit_pack(ctx, &codes, blob, blob_bytes, &pool, &error));
    lowbit_packed packed = {.struct_size = sizeof packed};
    must(lowbit_packed_open(blob, blob_bytes, LOWBIT_OPEN_VERIFY, &packed, &error));

    lowbit_gemm_args args = {.struct_size = sizeof args, .weights = &packed, .a = {&x[0][0], M, K, K}, .out_stride = N};
    args.out = alone;
    must(lowbit_gemm(plan, &args, scratch, scratch_bytes, NULL, &error));
    args.out = together;
    must(lowbit_gemm(plan, &args, scratch, scratch_bytes, &pool, &error));

    const int same = memcmp(alone, together, sizeof alone) == 0;
    printf("%zu parallel loops on %d threads, %s\n", loops, WORKERS, same ? "the same bits" : "DIFFERENT BITS");
    free(scratch);
    free(blob);
    lowbit_weights_free(ctx, &codes);
    lowbit_plan_destroy(ctx, plan);
    lowbit_ctx_destroy(ctx);
    return !same;
}
