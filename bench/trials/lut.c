/* SPDX-License-Identifier: Apache-2.0 */
/* lowbit-trial-lut: one row of A by table lookup, beside the library's own `dot` of the same level, on one thread.
 *
 *     lowbit-trial-lut [ROUNDS]        default 41; 0 = exactness alone
 *
 * Both start from quantized rows and write integer sums. They take turns in each round; medians of the rounds are
 * printed. Every product is compared with a plain loop first. Exit status 1 where one differs. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/random.h"
#include "bench/stats.h"
#include "bench/trials/lut.h"
#include "lowbit/lowbit.h"

typedef struct trial {
    const char *format, *kernel;
    const lut_level *level;
    int bits, shift, offset; /* of the format: values are 2^shift * c - offset */
    int64_t n, k, copies;
    lowbit_ctx *ctx;
    lowbit_plan *plan;
    lowbit_packed *packed; /* [copies] */
    lowbit_rows rows;
    uint8_t *ring, *tables;
    void *rows_memory, *workspace;
    int64_t workspace_bytes, step, at;
    int32_t *out;
} trial;

static void check(lowbit_status status, const lowbit_error *error) {
    if (status == LOWBIT_OK) return;
    fprintf(stderr, "lowbit-trial-lut: %s\n", error->message);
    exit(2);
}

static void *allocate(int64_t bytes) {
    void *memory = aligned_alloc(4096, ((size_t)bytes + 4095) / 4096 * 4096);
    if (!memory) {
        fprintf(stderr, "lowbit-trial-lut: no memory for %lld bytes\n", (long long)bytes);
        exit(2);
    }
    return memory;
}

/* ---- the product by tables ---- */

static void by_lut(const trial *t, const lowbit_packed *packed, int32_t *out) {
    const lut_level *level = t->level;
    const size_t line_k = 32 / (size_t)t->bits, lines = ((size_t)t->k + line_k - 1) / line_k, stride = lines * 64;
    const size_t step = (size_t)level->panels * stride, columns = (size_t)level->panels * 16;
    memset(out, 0, (size_t)t->n * sizeof *out);
    for (size_t first = 0; first < lines; first += LUT_PART) {
        const size_t count = lines - first < LUT_PART ? lines - first : LUT_PART;
        level->build(t->bits, t->rows.codes + first * line_k, count, t->tables);
        const uint8_t *at = (const uint8_t *)packed->lines + first * 64;
        for (size_t n = 0; n < (size_t)t->n; n += columns, at += step)
            level->add(at, stride, n + columns < (size_t)t->n ? at + step : at, t->tables, count, out + n);
    }
    const int32_t bias = t->bits == 2, correction = ((bias << t->shift) - t->offset) * t->rows.sums[0];
    const int32_t too_much = (int32_t)lines * LUT_BIAS;
    for (int64_t n = 0; n < t->n; n++) out[n] = (out[n] - too_much) * (1 << t->shift) + correction;
}

static void by_dot(const trial *t, const lowbit_packed *packed, int32_t *out) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_gemm_args args = {.struct_size = sizeof args,
                                   .weights = packed,
                                   .a = {NULL, 1, t->k, t->k},
                                   .rows = &t->rows,
                                   .out = out,
                                   .out_stride = t->n};
    check(lowbit_gemm(t->plan, &args, t->workspace, t->workspace_bytes, NULL, &error), &error);
}

/* ---- problems ---- */

static void open_trial(trial *t) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_problem problem = {.struct_size = sizeof problem};
    char text[96];
    snprintf(text, sizeof text, "%sa8:m1n%lldk%lld:s32", t->format, (long long)t->n, (long long)t->k);
    check(lowbit_problem_parse(text, &problem, &error), &error);
    check(lowbit_plan_force(t->ctx, &problem, t->kernel, 1, &t->plan, &error), &error);
    check(lowbit_workspace_size(t->plan, 1, &t->workspace_bytes, &error), &error);
    t->workspace = allocate(t->workspace_bytes);
    t->tables = allocate((int64_t)LUT_PART * LUT_LINE_TABLES);
    t->out = allocate(t->n * 2 * (int64_t)sizeof *t->out);

    lowbit_weights weights = {.struct_size = sizeof weights, .type = problem.weights};
    lowbit_matrix w = {allocate(t->n * t->k * 4), t->n, t->k, t->k};
    lb_random_floats((float *)(uintptr_t)w.data, t->n * t->k, 1);
    check(lowbit_quantize(t->ctx, &w, &problem.weights, LOWBIT_RULE_AUTO, NULL, &weights, &error), &error);
    int64_t bytes;
    check(lowbit_packed_size(&problem.weights, t->n, t->k, &bytes, &error), &error);
    t->step = (bytes + 4095) / 4096 * 4096;
    if (t->copies == 0) t->copies = ((INT64_C(1) << 30) + t->step - 1) / t->step;
    t->ring = allocate(t->copies * t->step);
    t->packed = allocate(t->copies * (int64_t)sizeof *t->packed);
    check(lowbit_pack(t->ctx, &weights, t->ring, t->step, NULL, &error), &error);
    for (int64_t i = 0; i < t->copies; i++) {
        uint8_t *blob = t->ring + i * t->step;
        if (i > 0) memcpy(blob, t->ring, (size_t)bytes);
        t->packed[i] = (lowbit_packed){.struct_size = sizeof t->packed[i]};
        check(lowbit_packed_open(blob, bytes, 0, &t->packed[i], &error), &error);
    }
    lowbit_weights_free(t->ctx, &weights);
    free((void *)(uintptr_t)w.data);

    const lowbit_matrix a = {allocate(t->k * 4), 1, t->k, t->k};
    lb_random_floats((float *)(uintptr_t)a.data, t->k, 2);
    check(lowbit_rows_size(1, t->k, LOWBIT_GROUP_ROW, &bytes, &error), &error);
    t->rows_memory = allocate(bytes);
    t->rows = (lowbit_rows){.struct_size = sizeof t->rows};
    check(lowbit_quantize_rows(t->ctx, &a, LOWBIT_GROUP_ROW, t->rows_memory, bytes, NULL, &t->rows, &error), &error);
    free((void *)(uintptr_t)a.data);
}

static void close_trial(trial *t) {
    lowbit_plan_destroy(t->ctx, t->plan);
    void *const all[] = {t->packed, t->ring, t->tables, t->rows_memory, t->workspace, t->out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* A plain loop over the packed codes: docs/formats.md. */
static int32_t plain(const trial *t, int64_t n) {
    const int64_t fields = 8 / t->bits, lines = (t->k + 4 * fields - 1) / (4 * fields);
    const uint8_t *panel = (const uint8_t *)t->packed->lines + n / 16 * lines * 64;
    int32_t sum = 0;
    for (int64_t k = 0; k < t->k; k++) {
        const int byte = panel[k / (4 * fields) * 64 + n % 16 * 4 + k % 4];
        const int code = byte >> (t->bits * (k % (4 * fields) / 4)) & ((1 << t->bits) - 1);
        sum += t->rows.codes[k] * ((code << t->shift) - t->offset);
    }
    return sum;
}

static bool is_exact(trial *t, const char *what) {
    by_lut(t, t->packed, t->out);
    by_dot(t, t->packed, t->out + t->n);
    for (int64_t n = 0; n < t->n; n++) {
        const int32_t want = plain(t, n);
        if (t->out[n] == want && t->out[t->n + n] == want) continue;
        printf("%s %s %s n%lld k%lld, column %lld: lut %d, dot %d, plain %d\n", t->level->name, t->format, what,
               (long long)t->n, (long long)t->k, (long long)n, t->out[n], t->out[t->n + n], want);
        return false;
    }
    return true;
}

/* Random data, and activations at the ends of their range. */
static bool is_exact_on_all(trial *t) {
    if (!is_exact(t, "random")) return false;
    int8_t *codes = (int8_t *)(uintptr_t)t->rows.codes;
    int32_t *sum = (int32_t *)(uintptr_t)t->rows.sums;
    static const int8_t kEnds[2] = {-128, 127};
    for (int i = 0; i < 2; i++) {
        memset(codes, kEnds[i], (size_t)t->k);
        *sum = (int32_t)t->k * kEnds[i];
        if (!is_exact(t, i ? "127" : "-128")) return false;
    }
    return true;
}

/* ---- time ---- */

typedef void (*product)(const trial *t, const lowbit_packed *packed, int32_t *out);

/* Seconds of a call, in a batch that walks the ring. */
static double time_calls(trial *t, product run, int64_t calls) {
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    for (int64_t i = 0; i < calls; i++, t->at = (t->at + 1) % t->copies) run(t, &t->packed[t->at], t->out);
    return (lb_clock_seconds(&lb_monotonic_clock) - start) / (double)calls;
}

enum { MOST_ROUNDS = 1000 };

static void time_trial(trial *t, const char *place, int rounds) {
    static double lut[MOST_ROUNDS], dot[MOST_ROUNDS], ratio[MOST_ROUNDS];
    const double once = time_calls(t, by_dot, 8);
    const int64_t calls = 1 + (int64_t)(1e-3 / once);
    for (int i = 0; i < rounds; i++) {
        lut[i] = time_calls(t, by_lut, calls);
        dot[i] = time_calls(t, by_dot, calls);
        ratio[i] = dot[i] / lut[i];
    }
    lb_sample l, d, r;
    lb_summarize(lut, (size_t)rounds, &l);
    lb_summarize(dot, (size_t)rounds, &d);
    lb_summarize(ratio, (size_t)rounds, &r);
    printf("| %s | %s | %s n%lldk%lld | `%s` | %.1f | %.1f | %.2f (%.2f to %.2f) |\n", t->level->name, t->format, place,
           (long long)t->n, (long long)t->k, t->kernel, d.median_s * 1e6, l.median_s * 1e6, r.median_s, r.p10_s,
           r.p90_s);
    fflush(stdout);
}

/* ---- what is tried ---- */

typedef struct pair {
    const lut_level *level;
    const char *kernels[2]; /* of 1 and 2 bits */
} pair;

static const pair kPairs[] = {
#ifdef __x86_64__
    {&lut_sse4, {"w1.dot.1x16.sse4", "w2.dot.1x16.sse4"}},
    {&lut_avx2, {"w1.dot.1x32.avx2", "w2.dot.1x32.avx2"}},
#else
    {&lut_neon, {"w1.dot.1x8.neon", "w2.dot.1x8.neon"}},
#endif
};

static const struct {
    const char *name;
    int bits, shift, offset;
} kFormats[] = {{"b1", 1, 1, 1}, {"t2", 2, 0, 1}, {"i2", 2, 0, 2}};

static trial start(const pair *p, lowbit_ctx *ctx, size_t format, int64_t n, int64_t k, int64_t copies) {
    trial t = {.format = kFormats[format].name,
               .kernel = p->kernels[kFormats[format].bits - 1],
               .level = p->level,
               .bits = kFormats[format].bits,
               .shift = kFormats[format].shift,
               .offset = kFormats[format].offset,
               .n = n,
               .k = k,
               .copies = copies,
               .ctx = ctx};
    open_trial(&t);
    return t;
}

enum { FORMATS = sizeof kFormats / sizeof *kFormats };

static bool is_exact_pair(const pair *p, lowbit_ctx *ctx) {
    static const int64_t kShapes[][2] = {{32, 32}, {64, 96}, {32, 200}, {96, 1000}, {64, 2080}, {32, 5003}};
    bool exact = true;
    for (size_t i = 0; i < FORMATS; i++)
        for (size_t s = 0; s < sizeof kShapes / sizeof *kShapes; s++) {
            trial t = start(p, ctx, i, kShapes[s][0], kShapes[s][1], 1);
            exact = is_exact_on_all(&t) && exact;
            close_trial(&t);
        }
    return exact;
}

/* Weights of 512 KiB, of a few MiB, and copies of these that no cache holds. */
static void time_pair(const pair *p, lowbit_ctx *ctx, int rounds) {
    for (size_t i = 0; i < 2; i++) {
        const int64_t small = 1024 / kFormats[i].bits;
        const struct {
            const char *place;
            int64_t n, copies;
        } cells[] = {{"L2", small, 1}, {"L3", 4096, 1}, {"cold", 4096, 0}};
        for (size_t c = 0; c < 3; c++) {
            trial t = start(p, ctx, i, cells[c].n, 4096, cells[c].copies);
            time_trial(&t, cells[c].place, rounds);
            close_trial(&t);
        }
    }
}

int main(int count, char **words) {
    const int rounds = count > 1 ? atoi(words[1]) : 41;
    if (rounds < 0 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: lowbit-trial-lut [ROUNDS], 0 to %d\n", MOST_ROUNDS);
        return 2;
    }
    lowbit_ctx *ctx;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check(lowbit_ctx_create(NULL, &ctx, &error), &error);
    bool exact = true;
    for (size_t i = 0; i < sizeof kPairs / sizeof *kPairs; i++) exact = is_exact_pair(&kPairs[i], ctx) && exact;
    puts(exact ? "exact" : "NOT exact");
    if (exact && rounds > 0) {
        puts("| level | format | weights in | dot | dot us | lut us | dot / lut (p10 to p90) |");
        puts("|---|---|---|---|---|---|---|");
        for (size_t i = 0; i < sizeof kPairs / sizeof *kPairs; i++) time_pair(&kPairs[i], ctx, rounds);
    }
    lowbit_ctx_destroy(ctx);
    return exact ? 0 : 1;
}
