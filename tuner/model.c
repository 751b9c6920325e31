/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/model.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"
#include "tuner/wisdom.h"

/* Rates of a machine that nobody has measured: about those of a server core of 2020 and later. */
static const double kCycle = 1 / 3.3e9;
static const double kBytes[LB_SOURCES] = {1 / 60e9, 1 / 25e9, 1 / 16e9};
static const double kSharedBytes[LB_SOURCES] = {0, 0, 1 / 30e9};
static const double kFork = 0.8e-6, kWorker = 0.15e-6;

/* What a call costs before its first line: checks, tiles that are aimed. */
static const double kOverhead = 150e-9;

/* A task, beyond what it computes. */
static const double kTask = 150e-9;

/* The part of the shorter of computing and reading that the longer one does not hide. */
static const double kOverlap = 0.2;

static double max(double a, double b) { return a > b ? a : b; }
static double min(double a, double b) { return a < b ? a : b; }

void lb_model_threads_name(int64_t threads, char name[LB_THREADS_NAME]) {
    snprintf(name, LB_THREADS_NAME, "threads-%lld", (long long)threads);
}

static bool recall_threads(const struct lowbit_wisdom *wisdom, int64_t threads, double values[LB_FACT_VALUES]) {
    char name[LB_THREADS_NAME];
    lb_model_threads_name(threads, name);
    return wisdom && lb_wisdom_fact(wisdom, name, values) == LB_SOURCES + 1;
}

lb_model lb_model_of(const lowbit_ctx *ctx, const struct lowbit_wisdom *wisdom, uint32_t threads) {
    lb_model model = {.ctx = ctx, .wisdom = wisdom, .cycle_s = kCycle, .fork_s = kFork, .worker_s = kWorker};
    double one[LB_FACT_VALUES], all[LB_FACT_VALUES];
    const bool has_one = recall_threads(wisdom, 1, one), has_all = recall_threads(wisdom, threads, all);
    for (int i = 0; i < LB_SOURCES; i++) {
        model.byte_s[i] = has_one ? one[i] : kBytes[i];
        model.shared_byte_s[i] = has_all ? all[i] : kSharedBytes[i];
    }
    if (has_all && threads > 1) {
        model.fork_s = all[LB_SOURCES] * 2 / 3;
        model.worker_s = all[LB_SOURCES] / 3 / threads;
    }
    return model;
}

static bool counts_bits(uint32_t algorithm) { return algorithm == LB_ALGORITHM_XOR || algorithm == LB_ALGORITHM_AND; }

/* Zen 4 multiplies vectors of 512 bits in two turns of 256: the table's costs are those of CPUs that take one. What
 * takes out fields of few bits by products of bit matrices (avx512vnni) holds up the dot products there, where shifts
 * and masks go on beside them: 7 to 35 % slower for 12 to 2 rows, where the table expects 5 to 20 % less. */
static double turns_of(const lowbit_machine *machine, lb_kernel_ref ref) {
    static const uint32_t kWide =
        LOWBIT_ISA_AVX512 | LOWBIT_ISA_AVX512DOT | LOWBIT_ISA_AVX512VNNI | LOWBIT_ISA_AVX512BF16;
    static const uint32_t kZen4 = 25;
    const lb_kernel *kernel = ref.kernel;
    const bool zen4 = strcmp(machine->vendor, "AuthenticAMD") == 0 && machine->family == kZen4;
    if (!zen4 || !(ref.unit->isa & kWide) || counts_bits(kernel->algorithm)) return 1;
    const bool matrices = ref.unit->isa == LOWBIT_ISA_AVX512VNNI && kernel->mr > 1 &&
                          (kernel->coding == LB_CODING_W1 || kernel->coding == LB_CODING_W2);
    return matrices ? 1.7 * 1.5 : 1.7;
}

/* 1/64 cycles for an element of A: rounding, quantizing to digits or to codes, and its place in the panel. */
static double row_cost(const lb_kernel *kernel) {
    if (kernel->a_layout == LB_A_HALVES) return 16;
    if (kernel->algorithm == LB_ALGORITHM_DIGITS) return 140;
    return 56 + (double)lb_panel_cost(kernel);
}

static lb_kernel_rate rate_by_table(const lb_model *model, lb_kernel_ref ref) {
    const lb_kernel *kernel = ref.kernel;
    const double unit = model->cycle_s / 64, wide = unit * turns_of(&model->ctx->machine, ref);
    return (lb_kernel_rate){.line_s = wide * kernel->cost,
                            .first_s = 0,
                            .tile_s = 60 * model->cycle_s,
                            .group_s = wide * kernel->group_cost,
                            .row_s = unit * row_cost(kernel)};
}

lb_kernel_rate lb_model_rate(const lb_model *model, lb_kernel_ref ref) {
    double v[LB_FACT_VALUES];
    if (!model->wisdom || lb_wisdom_kernel_fact(model->wisdom, ref, v) != 5) return rate_by_table(model, ref);
    return (lb_kernel_rate){.line_s = v[0], .first_s = v[1], .tile_s = v[2], .group_s = v[3], .row_s = v[4]};
}

/* Where the weights lie when the call begins. */
static int source_of(const lb_model *model, int64_t m, int64_t bytes, int64_t threads) {
    const lowbit_machine *machine = &model->ctx->machine;
    if (m <= LB_COLD_ROWS) return LB_FROM_MEMORY;
    return bytes <= machine->l2_bytes * threads ? LB_FROM_L2 : bytes <= machine->l3_bytes ? LB_FROM_L3 : LB_FROM_MEMORY;
}

/* From memory, several passes over the weights read them about half as fast as one: prefetches are spread over the
 * passes, and come too late. */
static const double kPasses = 2;

/* Seconds that reading the weights takes: once from where they are, and for every further block of rows from the
 * nearest cache that holds them. */
static double stream_seconds(const lb_model *model, int64_t m, int64_t mr, int64_t bytes, int64_t blocks,
                             int64_t threads) {
    const int first = source_of(model, m, bytes, threads), again = source_of(model, LB_COLD_ROWS + 1, bytes, threads);
    const double b = (double)bytes, t = (double)threads;
    const double passes = first == LB_FROM_MEMORY && m > mr ? kPasses : 1;
    return passes * b * max(model->byte_s[first] / t, model->shared_byte_s[first]) +
           b * (double)(blocks - 1) * max(model->byte_s[again] / t, model->shared_byte_s[again]);
}

/* Ends of groups in one pass over the weights; what a kernel folds into its values costs nothing. */
static double groups_of(const lowbit_problem *problem, const lb_kernel *kernel) {
    const int64_t groups = lb_groups(problem->k, problem->weights.group);
    const bool folded = kernel->values && problem->weights.progressive;
    return groups == 1 || folded ? 0 : (double)groups;
}

double lb_model_seconds(const lb_model *model, const lowbit_problem *problem, int64_t m, const lb_gemm_config *c,
                        const lb_kernel_rate *rate) {
    const lb_kernel *kernel = c->kernel;
    const int64_t unit_n = lb_max(kernel->nr, LB_PANEL), line_k = lb_codings[kernel->coding].line_k;
    const int64_t columns = lb_round_up(problem->n, unit_n) / LB_PANEL;
    const double panels = (double)columns;
    const double lines = (double)lb_div_up(problem->k, line_k), passes = (double)lb_div_up(m, kernel->mr);
    const double parts = c->step_k ? (double)lb_div_up(problem->k, c->step_k) : 1;
    const int64_t blocks = lb_div_up(m, c->step_m), cuts = lb_div_up(problem->n, c->step_n), tasks = blocks * cuts;
    const int64_t threads = lb_min(c->threads, tasks);

    const double pass = panels * (lines * rate->line_s + groups_of(problem, kernel) * rate->group_s) +
                        (double)lb_div_up(problem->n, kernel->nr) * parts * rate->tile_s;
    const double compute = passes * pass + (double)blocks * panels * lines * rate->first_s + (double)tasks * kTask;
    const double turns = (double)lb_div_up(tasks, threads) * (double)threads / (double)tasks;
    const double busy = compute / (double)threads * turns;

    const double elements = (double)m * (double)problem->k;
    const bool spread = threads > 1 && elements >= LB_PREPARE_ALONE;
    const double prepare = elements * rate->row_s / (spread ? (double)threads : 1);
    const double fork = threads > 1 ? model->fork_s + model->worker_s * (double)threads : 0;
    const double travel = threads > 1 ? elements * model->cycle_s / 2 : 0; /* A to the other threads */

    /* A tile that hangs over the last panel reads that one again, from a cache. */
    const int64_t bytes = lb_div_up(problem->n, LB_PANEL) * (int64_t)lines * LB_LINE;
    const double stream = stream_seconds(model, m, kernel->mr, bytes, blocks, threads);
    return kOverhead + prepare + travel + max(busy, stream) + kOverlap * min(busy, stream) + fork * (spread ? 2 : 1);
}
