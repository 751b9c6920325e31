/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of wisdom: any bytes. What is taken is told again, to the letter and as often as one likes; and every decision
 * that counts as usable computes its product, with the bits of the reference where the law has bits.
 *
 * The first byte of an input says whether every line is signed anew (bit 0), since a fuzzer does not guess sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/ukernels.h"
#include "lowbit/lowbit.h"
#include "tests/fuzz/fuzz.h"
#include "tuner/estimate.h"
#include "tuner/plan.h"
#include "tuner/wisdom.h"
#include "tuner/words.h"

enum { MOST_ELEMENTS = 1 << 14, SUM = sizeof " sum=" - 1 + 8 };

static const lowbit_ctx *context(void) {
    static lowbit_ctx *ctx;
    if (!ctx) fuzz_require(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK, "a context");
    return ctx;
}

static lowbit_wisdom *empty(void) {
    lowbit_wisdom *wisdom = NULL;
    fuzz_require(lowbit_wisdom_create(context(), &wisdom, NULL) == LOWBIT_OK, "a wisdom");
    return wisdom;
}

/* The export in memory of exactly its size, to be freed. */
static char *text_of(const lowbit_wisdom *wisdom, size_t *length) {
    fuzz_require(lowbit_wisdom_export(wisdom, NULL, 0, length, NULL) == LOWBIT_OK, "the size of a text");
    char *text = malloc(*length);
    fuzz_require(text && lowbit_wisdom_export(wisdom, text, *length, length, NULL) == LOWBIT_OK, "a text");
    fuzz_require(strlen(text) == --*length, "that ends where it says");
    return text;
}

/* ---- the products of usable decisions ---- */

typedef struct product {
    lowbit_weights weights;
    lowbit_packed packed;
    void *blob, *workspace;
    float *a, *bias, *residual;
    uint32_t *out, *want; /* floats or integers */
} product;

static float *numbers(int64_t count, int step) {
    float *made = malloc((size_t)count * sizeof *made);
    fuzz_require(made != NULL, "memory");
    for (int64_t i = 0; made && i < count; i++) made[i] = (float)(i * step % 17 - 8) / 4;
    return made;
}

static void *aligned(int64_t bytes) {
    void *memory = NULL;
    fuzz_require(posix_memalign(&memory, 64, (size_t)bytes) == 0, "memory");
    return memory;
}

static void pack(const lowbit_problem *p, product *x) {
    int64_t bytes = 0;
    float *w = numbers(p->n * p->k, 37);
    const lowbit_matrix view = {w, p->n, p->k, p->k};
    x->weights.struct_size = sizeof x->weights;
    x->packed.struct_size = sizeof x->packed;
    x->weights.book[0] = 1; /* of c4 where the rule wants one */
    fuzz_require(lowbit_quantize(context(), &view, &p->weights, 0, NULL, &x->weights, NULL) == LOWBIT_OK, "weights");
    fuzz_require(lowbit_packed_size(&p->weights, p->n, p->k, &bytes, NULL) == LOWBIT_OK, "their size");
    x->blob = aligned(bytes);
    fuzz_require(lowbit_pack(context(), &x->weights, x->blob, bytes, NULL, NULL) == LOWBIT_OK, "a blob");
    fuzz_require(lowbit_packed_open(x->blob, bytes, 0, &x->packed, NULL) == LOWBIT_OK, "that opens");
    free(w);
}

static void compute(const lb_wisdom_entry *e) {
    const lowbit_problem *p = &e->problem;
    product x = {.a = numbers(p->m * p->k, 5), .bias = numbers(p->n, 3), .residual = numbers(p->m * p->n, 7)};
    lowbit_plan *plan = NULL;
    const size_t out_bytes = (size_t)(p->m * p->n) * sizeof *x.out;
    int64_t bytes = 0;
    pack(p, &x);
    fuzz_require(lb_plan_of_config(context(), p, &e->config, &plan, NULL) == LOWBIT_OK, "a usable decision is legal");
    fuzz_require(lowbit_workspace_size(plan, p->m, &bytes, NULL) == LOWBIT_OK, "a workspace");
    x.workspace = aligned(bytes);
    x.out = malloc(out_bytes);
    x.want = malloc(out_bytes);
    fuzz_require(x.out && x.want, "memory");
    lowbit_gemm_args args = {.struct_size = sizeof args,
                             .weights = &x.packed,
                             .a = {x.a, p->m, p->k, p->k},
                             .bias = p->bias ? x.bias : NULL,
                             .residual = p->residual ? x.residual : NULL,
                             .residual_stride = p->n,
                             .out = x.out,
                             .out_stride = p->n};
    fuzz_require(lowbit_gemm(plan, &args, x.workspace, bytes, NULL, NULL) == LOWBIT_OK, "and runs");
    args.out = x.want;
    fuzz_require(lowbit_gemm_reference(context(), p, &x.weights, &args, NULL) == LOWBIT_OK, "the reference");
    if (!lb_is_float_kind(p->activations)) fuzz_require(memcmp(x.out, x.want, out_bytes) == 0, "and computes right");
    void *const all[] = {x.blob, x.workspace, x.a, x.bias, x.residual, x.out, x.want};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    lowbit_plan_destroy(context(), plan);
    lowbit_weights_free(context(), &x.weights);
}

/* Small ones; those of 8 bits and of static activations take further arguments and nothing else. */
static bool is_computed(const lowbit_problem *p) {
    return p->out < LOWBIT_OUT_S8 && !p->static_scale && p->n <= MOST_ELEMENTS && p->k <= MOST_ELEMENTS &&
           p->n * p->k <= MOST_ELEMENTS && p->m <= 64 && p->m * p->k <= MOST_ELEMENTS;
}

static void check_decision(const lowbit_wisdom *wisdom, const lowbit_wisdom_info *info) {
    const uint32_t pool = info->foreign_pool ? LB_POOL_FOREIGN : LB_POOL_OWN;
    lowbit_problem p = {.struct_size = sizeof p};
    lb_wisdom_entry found;
    fuzz_require(lowbit_problem_parse(info->name, &p, NULL) == LOWBIT_OK, "a usable problem");
    fuzz_require(lb_wisdom_find(wisdom, &p, info->threads, pool, p.m, p.m, &found, 1) == 1, "that is found");
    fuzz_require(lb_wisdom_nearest(wisdom, &p, info->threads, pool, p.m, p.m, &found), "and near itself");
    if (is_computed(&found.problem)) compute(&found);
}

static void check_lines(const lowbit_wisdom *wisdom) {
    lowbit_wisdom_info info = {.struct_size = sizeof info};
    int64_t usable = 0, all = 0, seen = 0;
    fuzz_require(lowbit_wisdom_size(wisdom, &usable, &all, NULL) == LOWBIT_OK, "its size");
    for (int64_t i = 0; i < all; i++) {
        fuzz_require(lowbit_wisdom_get(wisdom, i, &info, NULL) == LOWBIT_OK, "its lines");
        fuzz_require(info.kind == LOWBIT_WISDOM_PLAN || info.name[0], "with names");
        if (info.kind != LOWBIT_WISDOM_PLAN || info.state != LOWBIT_WISDOM_USABLE) continue;
        check_decision(wisdom, &info);
        seen++;
    }
    fuzz_require(seen == usable, "usable decisions are counted");
}

/* ---- texts ---- */

static void check_again(lowbit_wisdom *wisdom) {
    size_t length, again;
    lowbit_wisdom *other = empty();
    char *text = text_of(wisdom, &length);
    lowbit_wisdom_report report = {.struct_size = sizeof report};
    fuzz_require(lowbit_wisdom_import(other, text, length, &report, NULL) == LOWBIT_OK, "what is told reads");
    fuzz_require(report.bad == 0, "without a bad line");
    char *told = text_of(other, &again);
    fuzz_require(length == again && memcmp(text, told, length) == 0, "and is told the same");
    fuzz_require(lowbit_wisdom_import(wisdom, told, again, NULL, NULL) == LOWBIT_OK, "once more");
    free(told);
    told = text_of(wisdom, &again);
    fuzz_require(length == again && memcmp(text, told, length) == 0, "adds nothing");
    free(text);
    free(told);
    lowbit_wisdom_destroy(other);
}

/* Gives every line that has room for one the sum that fits. */
static void sign(char *text, size_t length) {
    for (size_t at = 0, end; at < length; at = end + 1) {
        const char *stop = memchr(text + at, '\n', length - at);
        end = stop ? (size_t)(stop - text) : length;
        if (at == 0 || end - at <= SUM) continue;
        char sum[SUM + 1];
        snprintf(sum, sizeof sum, " sum=%08x", lb_crc(text + at, end - at - SUM));
        memcpy(text + end - SUM, sum, SUM);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const size_t length = size - 1;
    char *text = malloc(length ? length : 1);
    fuzz_require(text != NULL, "memory");
    memcpy(text, data + 1, length);
    if (data[0] & 1) sign(text, length);
    lowbit_wisdom *wisdom = empty();
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lowbit_wisdom_import(wisdom, text, length, NULL, &error);
    if (status == LOWBIT_OK) {
        check_lines(wisdom);
        check_again(wisdom);
    } else {
        fuzz_require(status == LOWBIT_BAD_FORMAT && error.message[0] != 0, "a refusal has a reason");
    }
    lowbit_wisdom_destroy(wisdom);
    free(text);
    return 0;
}

/* ---- seeds: decisions of this machine, with kernels of all kinds ---- */

static void put(lowbit_wisdom *wisdom, const char *problem, size_t turn) {
    static const double kRate = 1.5e-6;
    lb_wisdom_entry e = {.problem = {.struct_size = sizeof e.problem}, .threads = 2, .median_s = 1e-4, .samples = 9};
    fuzz_require(lowbit_problem_parse(problem, &e.problem, NULL) == LOWBIT_OK, "a problem");
    lb_kernel_ref each, chosen = {NULL, NULL};
    size_t fitting = 0;
    for (size_t i = 0; lb_kernel_at(i, &each); i++)
        if ((each.unit->isa & context()->isa_enabled) && lb_kernel_fits(each.kernel, &e.problem) && fitting++ <= turn)
            chosen = each;
    e.config = lb_configure(context(), &e.problem, e.problem.m, chosen, 2, 2);
    e.config.order = turn % 2 ? LB_ORDER_COLUMNS : LB_ORDER_ROWS;
    e.config.split_k = lb_split_legal(&e.problem, chosen.kernel) ? 3 : 0;
    e.effort = LOWBIT_MEASURE;
    fuzz_require(lb_wisdom_put(wisdom, &e, NULL) == LOWBIT_OK, "a decision");
    fuzz_require(lb_wisdom_put_fact(wisdom, "fork", &kRate, 1, 20000, NULL) == LOWBIT_OK, "a rate");
}

/* One decision each, then all of them; as they are, and signed anew. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const char *const kProblems[] = {
        "i4g32a8:m7n33k70+bias",  "i8a8:m5n17k40:s32", "t2g16a8:m9n48k96+relu+res", "b1a1:m3n20k64",
        "i4zg32af:m7n33k70+bias", "t5a8:m5n40k41",     "i2mg64a8:m13n70k129",       "i4a8:m4n40k400"};
    enum { PROBLEMS = sizeof kProblems / sizeof *kProblems };
    const size_t chosen = index / 2;
    size_t length;
    if (chosen > PROBLEMS) return 0;
    lowbit_wisdom *wisdom = empty();
    for (size_t i = 0; i < PROBLEMS; i++)
        if (chosen == PROBLEMS || chosen == i) put(wisdom, kProblems[i], 5 * i);
    char *text = text_of(wisdom, &length);
    fuzz_require(length < room, "room for a seed");
    data[0] = index % 2 == 0;
    memcpy(data + 1, text, length);
    free(text);
    lowbit_wisdom_destroy(wisdom);
    return length + 1;
}
