/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit quantize`: what each format costs a weight matrix, in bytes and in error, and its packed blob. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/matrices.h"
#include "cli/quantize.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/rules.h"
#include "lowbit/lowbit.h"
#include "tuner/random.h"

static const char kCommand[] = "quantize";
static const char kAllFormats[] =
    "i8,i4,i4g32,i4g32p,i4zg32,i4zg32p,i4mg32,i2,i2g32,i2g32p,i2mg32,s2,s2g32,s2g32p,"
    "t2,t2g64,t2g64p,t5,b1,b1g32,b1g32p,c4,c4g32,nf4g32,fp4g32,p4g32";

/* Rows of activations that a product's error is measured with. */
enum { ROWS = 16 };

typedef struct settings {
    const char *formats, *rule, *tensor, *out, *recipe, *isa, *wisdom, *json;
    lb_cli_model model; /* with a recipe, a whole network */
    uint32_t rule_number;
    lowbit_wisdom *decisions; /* what `wisdom` names */
} settings;

/* Sums over all matrices of a file; errors are relative Frobenius norms, |got - want| / |want|. */
typedef struct tally {
    int64_t weights, packed_bytes;
    double weight_error, weight_norm, product_error, product_norm;
} tally;

/* One matrix in one format, and the buffers of its products. */
typedef struct trial {
    const lowbit_ctx *ctx;
    const lb_named_matrix *matrix;
    lowbit_problem problem;
    lowbit_weights weights;
    lowbit_packed packed;
    void *blob, *workspace;
    int64_t blob_bytes, workspace_bytes;
    lowbit_plan *plan;
    float *values, *a, *out;
} trial;

static void release(trial *t) {
    const lb_named_matrix *m = t->matrix;
    lowbit_weights_free(t->ctx, &t->weights);
    lb_free(t->ctx, t->blob, (size_t)t->blob_bytes);
    lb_free(t->ctx, t->workspace, (size_t)t->workspace_bytes);
    lb_free(t->ctx, t->values, (size_t)(m->rows * m->cols) * sizeof(float));
    lb_free(t->ctx, t->a, (size_t)(ROWS * m->cols) * sizeof(float));
    lb_free(t->ctx, t->out, (size_t)(ROWS * m->rows) * sizeof(float));
    lowbit_plan_destroy(t->ctx, t->plan);
}

static lowbit_status make(trial *t, const settings *o, lowbit_error *error) {
    const lb_named_matrix *m = t->matrix;
    const lowbit_matrix w = {m->data, m->rows, m->cols, m->cols};
    t->problem.m = ROWS;
    t->problem.n = m->rows;
    t->problem.k = m->cols;
    t->weights.struct_size = sizeof t->weights;
    t->packed.struct_size = sizeof t->packed;
    LB_TRY(lowbit_quantize(t->ctx, &w, &t->problem.weights, o->rule_number, NULL, &t->weights, error));
    LB_TRY(lowbit_packed_size(&t->problem.weights, m->rows, m->cols, &t->blob_bytes, error));
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.wisdom = o->decisions;
    LB_TRY(lowbit_plan_create(t->ctx, &t->problem, &options, &t->plan, error));
    LB_TRY(lowbit_workspace_size(t->plan, ROWS, &t->workspace_bytes, error));
    t->blob = lb_alloc(t->ctx, (size_t)t->blob_bytes);
    t->workspace = lb_alloc(t->ctx, (size_t)t->workspace_bytes);
    t->values = lb_alloc(t->ctx, (size_t)(m->rows * m->cols) * sizeof(float));
    t->a = lb_alloc(t->ctx, (size_t)(ROWS * m->cols) * sizeof(float));
    t->out = lb_alloc(t->ctx, (size_t)(ROWS * m->rows) * sizeof(float));
    LB_REQUIRE(t->blob && t->workspace && t->values && t->a && t->out, error, LOWBIT_NO_MEMORY,
               "no memory for %s of %lld x %lld", m->name, (long long)m->rows, (long long)m->cols);
    LB_TRY(lowbit_pack(t->ctx, &t->weights, t->blob, t->blob_bytes, NULL, error));
    LB_TRY(lowbit_packed_open(t->blob, t->blob_bytes, LOWBIT_OPEN_VERIFY, &t->packed, error));
    return lowbit_dequantize(&t->weights, t->values, m->cols, error);
}

static lowbit_status multiply(trial *t, lowbit_error *error) {
    const lb_named_matrix *m = t->matrix;
    lb_random_floats(t->a, ROWS * m->cols, 1);
    const lowbit_gemm_args args = {.struct_size = sizeof args,
                                   .weights = &t->packed,
                                   .a = {t->a, ROWS, m->cols, m->cols},
                                   .out = t->out,
                                   .out_stride = m->rows};
    return lowbit_gemm(t->plan, &args, t->workspace, t->workspace_bytes, NULL, error);
}

static double square(double x) { return x * x; }

/* Of row r of A with row n of the matrix itself. */
static double product(const trial *t, int64_t r, int64_t n) {
    const int64_t k = t->matrix->cols;
    const float *a = t->a + r * k, *w = t->matrix->data + n * k;
    const bool distance = lb_format_of(t->problem.weights.format)->distance;
    double sum = 0;
    for (int64_t i = 0; i < k; i++) sum += distance ? -fabs((double)a[i] - w[i]) : (double)a[i] * w[i];
    return sum;
}

static void add_errors(const trial *t, tally *sum) {
    const lb_named_matrix *m = t->matrix;
    for (int64_t i = 0; i < m->rows * m->cols; i++) {
        sum->weight_error += square((double)t->values[i] - m->data[i]);
        sum->weight_norm += square(m->data[i]);
    }
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t n = 0; n < m->rows; n++) {
            const double want = product(t, r, n);
            sum->product_error += square(t->out[r * m->rows + n] - want);
            sum->product_norm += square(want);
        }
    sum->weights += m->rows * m->cols;
    sum->packed_bytes += t->blob_bytes;
}

static int write_blob(const trial *t, const char *path) {
    FILE *file = fopen(path, "wb");
    const bool written = file && fwrite(t->blob, 1, (size_t)t->blob_bytes, file) == (size_t)t->blob_bytes;
    const bool closed = file && fclose(file) == 0;
    return written && closed ? LB_EXIT_OK : lb_cli_error(LB_EXIT_FAILED, kCommand, "cannot write %s", path);
}

static int try_matrix(const lowbit_ctx *ctx, const settings *o, const lowbit_problem *format,
                      const lb_named_matrix *matrix, tally *sum) {
    trial t = {.ctx = ctx, .matrix = matrix, .problem = *format};
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = make(&t, o, &error);
    if (status == LOWBIT_OK) status = multiply(&t, &error);
    int code = LB_EXIT_OK;
    if (status == LOWBIT_OK) {
        add_errors(&t, sum);
        if (o->out) code = write_blob(&t, o->out);
    } else {
        code = lb_cli_failed(kCommand, status, &error);
    }
    release(&t);
    return code;
}

static double relative(double error, double norm) { return norm > 0 ? sqrt(error / norm) : 0; }

static json_t *report(const settings *o, const char *format, const tally *sum, bool first) {
    const double bits = 8.0 * (double)sum->packed_bytes / (double)sum->weights;
    const double weight = relative(sum->weight_error, sum->weight_norm);
    const double product = relative(sum->product_error, sum->product_norm);
    if (!lb_cli_json_only(o->json)) {
        if (first)
            printf("%-12s %14s %12s %14s %14s\n", "format", "packed bytes", "bits/weight", "weight error",
                   "product error");
        printf("%-12s %14lld %12.3f %13.3f%% %13.3f%%\n", format, (long long)sum->packed_bytes, bits, 100 * weight,
               100 * product);
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "format", format, "rule", o->rule, "weights",
                     (json_int_t)sum->weights, "packed_bytes", (json_int_t)sum->packed_bytes, "bits_per_weight", bits,
                     "weight_error", weight, "product_error", product);
}

/* One format over every matrix of the file. */
static int try_format(const lowbit_ctx *ctx, const settings *o, const char *format, const lb_matrices *matrices,
                      json_t *results) {
    char text[96];
    lowbit_problem problem = {.struct_size = sizeof problem};
    lowbit_error error = LOWBIT_ERROR_INIT;
    snprintf(text, sizeof text, "%.40sa8:m1n1k1", format);
    const lowbit_status status = lowbit_problem_parse(text, &problem, &error);
    if (status == LOWBIT_OK && lb_is_float(lb_format_of(problem.weights.format))) problem.activations = LOWBIT_AF;
    if (status != LOWBIT_OK)
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "\"%s\" is no weight format, as i4g32", format);
    tally sum = {0};
    for (size_t i = 0; i < matrices->count; i++) {
        lb_cli_progress("%s: %s", format, matrices->list[i].name);
        const int code = try_matrix(ctx, o, &problem, &matrices->list[i], &sum);
        lb_cli_progress_clear();
        if (code != LB_EXIT_OK) return code;
    }
    json_array_append_new(results, report(o, format, &sum, json_array_size(results) == 0));
    return LB_EXIT_OK;
}

static int try_formats(const lowbit_ctx *ctx, const settings *o, const lb_matrices *matrices, json_t *results) {
    int code = LB_EXIT_OK;
    for (const char *at = o->formats; code == LB_EXIT_OK && *at; at += strspn(at, ",")) {
        char format[48];
        const size_t length = strcspn(at, ",");
        snprintf(format, sizeof format, "%.*s", (int)lb_min((int64_t)length, 47), at);
        at += length;
        code = try_format(ctx, o, format, matrices, results);
    }
    return code;
}

/* Leaves the named tensor alone in the list, or all of them. */
static bool select_tensor(lb_matrices *matrices, const char *name) {
    for (size_t i = 0; name && i < matrices->count; i++)
        if (strcmp(matrices->list[i].name, name) == 0) {
            const lb_named_matrix wanted = matrices->list[i];
            matrices->list[i] = matrices->list[0];
            matrices->list[0] = wanted;
            for (size_t j = 1; j < matrices->count; j++) {
                free(matrices->list[j].name);
                free(matrices->list[j].data);
            }
            matrices->count = 1;
            return true;
        }
    return !name && matrices->count > 0;
}

static int run(settings *o, const char *path) {
    lb_matrices matrices;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!lb_read_matrices(path, &matrices, &error)) return lb_cli_error(LB_EXIT_FAILED, kCommand, "%s", error.message);
    lowbit_ctx *ctx = NULL;
    json_t *results = json_array();
    int code = lb_cli_context(kCommand, o->isa, NULL, &ctx);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(kCommand, o->wisdom, ctx, &o->decisions);
    if (code == LB_EXIT_OK && !select_tensor(&matrices, o->tensor))
        code = lb_cli_error(LB_EXIT_FAILED, kCommand, "%s: no float matrix%s%s", path, o->tensor ? " named " : "",
                            o->tensor ? o->tensor : "");
    if (code == LB_EXIT_OK && o->out && (matrices.count != 1 || strchr(o->formats, ',')))
        code = lb_cli_error(LB_EXIT_USAGE, kCommand, "--out needs one matrix (--tensor) and one format (--format)");
    if (code == LB_EXIT_OK) code = try_formats(ctx, o, &matrices, results);
    if (code == LB_EXIT_OK && o->json)
        code = lb_cli_write_json(kCommand, o->json,
                                 json_pack("{s:o, s:o, s:I, s:O}", "machine", lb_cli_machine_json(ctx), "file",
                                           lb_cli_text_json(path, strlen(path)), "matrices", (json_int_t)matrices.count,
                                           "results", results));
    json_decref(results);
    lowbit_wisdom_destroy(o->decisions);
    lowbit_ctx_destroy(ctx);
    lb_matrices_free(&matrices);
    return code;
}

static int pack_network(const settings *o, const char *model) {
    lb_quantize_network q = {.model = o->model, .recipe = o->recipe, .out = o->out, .isa = o->isa, .json = o->json};
    q.model.command = kCommand;
    q.model.model = model;
    if (!q.out) return lb_cli_error(LB_EXIT_USAGE, kCommand, "--recipe needs -o FILE, where the network goes");
    return lb_cli_quantize_network(&q);
}

int lb_cmd_quantize(int argc, char **argv) {
    settings o = {.formats = kAllFormats, .rule = "auto"};
    const lb_option table[] = {
        {"--format", "LIST", "weight formats, as i8,i4g32,b1 (default: twenty-six)", LB_OPTION_TEXT, &o.formats},
        {"--rule", "NAME", "auto, or one that docs/formats.md names for the format", LB_OPTION_TEXT, &o.rule},
        {"--tensor", "NAME", "this tensor of a .safetensors file alone", LB_OPTION_TEXT, &o.tensor},
        {"--out", "FILE", "write the packed blob (one matrix, one format), or the network", LB_OPTION_TEXT, &o.out},
        {"-o", "FILE", "the same", LB_OPTION_TEXT, &o.out},
        {"--recipe", "RECIPE", "pack the whole network: a preset, a file, lines, or native", LB_OPTION_TEXT, &o.recipe},
        LB_OPTION_MODEL(o.model),
        LB_OPTION_ISA(&o.isa),
        LB_OPTION_WISDOM(&o.wisdom),
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {
        .usage = "IN.npy|IN.safetensors [options], or MODEL -o FILE --recipe RECIPE [options]",
        .text =
            "Quantizes weight matrices and prints the packed size, the error of the weights and the error of a "
            "product with 16 random rows (a8; of f32 and bf16 af) against float, as relative norms. With --recipe it "
            "packs a whole network into a file that `lowbit eval` and `lowbit run` map, and, with --calibrate, tells "
            "how far every layer is from floats.",
        .options = table,
        .option_count = LB_COUNT(table),
        .min_words = 1,
        .max_words = 1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if (o.recipe) return pack_network(&o, argv[1]);
    if (!lb_rule_named(o.rule, &o.rule_number))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--rule %s is unknown", o.rule);
    return run(&o, argv[1]);
}
