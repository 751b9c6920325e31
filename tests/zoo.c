/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of the table: those of the data folder give the reference's outputs, before and after fusing; made-up ones
 * of every family survive fusing; files of which something is wrong are refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/cifar.h"
#include "nn/model.h"
#include "nn/text_input.h"
#include "tests/check.h"
#include "tests/nn_oracle.h"

static int64_t largest(const float *x, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 1; i < count; i++)
        if (x[i] > x[at]) at = i;
    return at;
}

static int64_t nodes_of(const lb_graph *graph, uint32_t op) {
    int64_t count = 0;
    for (int64_t i = 0; i < graph->count; i++) count += graph->nodes[i].op == op;
    return count;
}

/* ---- made-up networks ---- */

enum { TOKENS = 9 };

/* A random image of codes, or a text of random tokens, all in memory of the caller. */
static float *some_input(const lb_opened *o) {
    const lb_shape in = o->input.shape;
    const bool text = lb_takes_texts(&o->graph);
    const int64_t count = text ? 2 * TOKENS : nn_elements(in);
    float *x = malloc((size_t)count * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        x[i] = !text        ? o->input.pixels.value[i % LB_CHANNELS][check_random_in(0, 255)]
               : i % 2 == 0 ? (float)check_random_in(0, lb_words(&o->graph) - 1)
                            : (float)(i >= TOKENS);
    return x;
}

static float *run_oracle(const lb_graph *graph, const float *x) {
    return lb_takes_texts(graph) ? nn_oracle_text(graph, x, TOKENS) : nn_oracle(graph, x);
}

/* Before and after fusing. `left`: maps, sums and functions that no convolution can take. */
static void check_made_up(const char *name, const lb_model_options *options, int64_t left) {
    lb_opened o, again;
    check_context("%s, made up, side %d, stem %d", name, (int)options->side, (int)options->stem);
    if (!CHECK(lb_model_make_up(name, options, &o, NULL) == LOWBIT_OK)) return;
    if (!CHECK(lb_model_make_up(name, options, &again, NULL) == LOWBIT_OK)) return;
    float *x = some_input(&o);
    const int64_t convs = nodes_of(&o.graph, LB_OP_CONV);
    float *before = run_oracle(&o.graph, x), *same = run_oracle(&again.graph, x);
    lb_graph_fuse(&o.graph);
    float *after = run_oracle(&o.graph, x);
    CHECK(before && after && same);
    if (before && after && same) {
        CHECK(memcmp(before, same, (size_t)o.classes * sizeof *same) == 0);
        CHECK(nn_range(before, o.classes) > 0 && isfinite(nn_range(before, o.classes)));
        CHECK(nn_difference(before, after, o.classes) <= 1e-5 * nn_range(before, o.classes));
    }
    CHECK(o.classes == (lb_embeds(&o.graph) ? options->width : options->classes));
    CHECK(nodes_of(&o.graph, LB_OP_CONV) == convs);
    CHECK(nodes_of(&o.graph, LB_OP_AFFINE) + nodes_of(&o.graph, LB_OP_ADD) + nodes_of(&o.graph, LB_OP_RELU) +
              nodes_of(&o.graph, LB_OP_ACT) ==
          left);
    free(x), free(before), free(same), free(after);
    lb_model_close(&o);
    lb_model_close(&again);
}

/* Parameters as papers and their code count them, less one for each channel that was normalized: scale and shift have
 * become a bias. */
static void check_published(void) {
    static const struct {
        const char *name;
        int64_t side, classes, convs;
        double parameters;
    } kSizes[] = {
        {"resnet20", 0, 10, 20, 269722 - 688},    {"resnet110", 0, 10, 110, 1727962 - 4048},
        {"resnet18", 0, 10, 21, 11173962 - 4800}, {"resnet18", 224, 1000, 21, 11689512 - 4800},
        {"alexnet", 0, 1000, 8, 61100840},        {"alexnet-cifar", 0, 10, 8, 56826698},
    };
    for (size_t i = 0; i < LB_COUNT(kSizes); i++) {
        lb_opened o;
        double parameters = 0;
        check_context("%s as published, side %d", kSizes[i].name, (int)kSizes[i].side);
        const lb_model_options options = {.side = kSizes[i].side};
        if (!CHECK(lb_model_make_up(kSizes[i].name, &options, &o, NULL) == LOWBIT_OK)) continue;
        lb_graph_fuse(&o.graph);
        for (int64_t n = 0; n < o.graph.count; n++) {
            const lb_node *node = &o.graph.nodes[n];
            if (node->op != LB_OP_CONV) continue;
            const lb_window *w = &node->window;
            const int64_t inputs = o.graph.nodes[node->x].shape.channels / w->groups;
            parameters += (double)(node->shape.channels * (inputs * w->kernel_height * w->kernel_width + 1));
        }
        CHECK(o.classes == kSizes[i].classes && nodes_of(&o.graph, LB_OP_CONV) == kSizes[i].convs);
        CHECK(parameters == kSizes[i].parameters);
        lb_model_close(&o);
    }
}

/* Everything that a transformer keeps. */
static int64_t parameters_of(const lb_graph *graph, const lb_node *node) {
    const int64_t channels = node->shape.channels;
    switch (node->op) {
        case LB_OP_CONV: return channels * lb_node_k(graph, node) + (node->bias ? channels : 0);
        case LB_OP_LAYER_NORM: return 2 * channels;
        case LB_OP_CLASS_TOKEN: return channels;
        case LB_OP_EMBED:
        case LB_OP_POSITIONS: return node->count * channels;
        default: return 0;
    }
}

/* The same of transformers: of BERT the classes come on top, of GPT-2 the shared table counts twice. */
static void check_published_transformers(void) {
    static const struct {
        const char *name;
        int64_t side, parameters;
    } kSizes[] = {
        {"vit-tiny", 0, 5717416},
        {"vit-tiny", 32, 5362762},
        {"vit-small", 0, 22050664},
        {"vit-small", 32, 21342346},
        {"bert-tiny", 0, 4385920 + 2 * 129},
        {"bert-mini", 0, 11170560 + 2 * 257},
        {"bert-small", 0, 28763648 + 2 * 513},
        {"distilbert", 0, 66362880 + 768 * 769 + 2 * 769},
        {"distilgpt2", 0, 81912576 + 50257 * 768},
    };
    for (size_t i = 0; i < LB_COUNT(kSizes); i++) {
        lb_opened o;
        int64_t parameters = 0;
        check_context("%s as published, side %d", kSizes[i].name, (int)kSizes[i].side);
        const lb_model_options options = {.side = kSizes[i].side};
        if (!CHECK(lb_model_make_up(kSizes[i].name, &options, &o, NULL) == LOWBIT_OK)) continue;
        for (int64_t n = 0; n < o.graph.count; n++) parameters += parameters_of(&o.graph, &o.graph.nodes[n]);
        CHECK(parameters == kSizes[i].parameters);
        lb_model_close(&o);
    }
}

void subject_zoo(void) {
    for (size_t i = 0; i < lb_network_count; i++) {
        const lb_model_options small = {.width = 4, .classes = 7, .seed = i + 1};
        const lb_model_options tiny = {.width = 2, .classes = 7, .seed = i + 1};
        const char *name = lb_networks[i].name;
        const bool large = lb_networks[i].side > 64;
        /* sums of embeddings, a factor between positions; batch normalization behind ReLU */
        const bool one = strncmp(name, "bert", 4) == 0 || strcmp(name, "minilm") == 0 || strcmp(name, "news") == 0;
        check_made_up(name, large ? &tiny : &small, strcmp(name, "alexnet-small") == 0 ? 8 : one);
    }
    for (uint32_t stem = LB_STEM_CIFAR; stem < LB_STEMS; stem++) {
        const lb_model_options options = {.side = 48, .width = 4, .classes = 5, .stem = stem};
        check_made_up("resnet18", &options, 0);
    }
    check_published();
    check_published_transformers();
    lb_opened o;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lb_model_options wide = {.width = 1 << 20}, small = {.side = 8};
    check_context("options");
    CHECK(lb_model_make_up("resnet21", NULL, &o, &error) == LOWBIT_NOT_FOUND && strstr(error.message, "resnet20"));
    CHECK(lb_model_make_up("resnet20", &wide, &o, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_model_make_up("alexnet", &small, &o, &error) == LOWBIT_BAD_FORMAT && strstr(error.message, "pool"));
}

/* ---- the data folder ---- */

typedef struct {
    const char *folder, *model;
    int64_t times; /* the image repeated, each pixel */
    double most;   /* of the range of the outputs */
    uint32_t stem;
    bool half; /* mean and standard deviation 0.5, which no config.json says */
} known;

/* Of the outputs' range. Steps make errors of rounding large: where a sum lies as close to a threshold as the order of
 * its additions moves it, the reference takes the other side; up to a quarter of the images may have such a sum. */
static const double kSame = 1e-4, kSteps = 0.05;

static const lb_normalization kHalf = {255, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};

static void image_of(const lb_cifar *cifar, int64_t i, const lb_model_input *input, int64_t times, float *out) {
    float pixels[LB_CIFAR_BYTES];
    lb_cifar_floats(cifar, i, 1, &input->pixels, pixels);
    for (int64_t y = 0; y < input->shape.height; y++)
        for (int64_t x = 0; x < input->shape.width; x++)
            for (int64_t c = 0; c < LB_CHANNELS; c++)
                *out++ = pixels[(y / times * LB_CIFAR_SIDE + x / times) * LB_CHANNELS + c];
}

static void compare(const lb_opened *o, const lb_cifar *cifar, const lb_tensor *reference, const known *k) {
    const int64_t rows = reference->shape[0], classes = o->classes, size = nn_elements(o->input.shape);
    float *want = malloc((size_t)(rows * classes) * sizeof *want), *image = malloc((size_t)size * sizeof *image);
    CHECK(lb_tensor_floats(reference, want, NULL) == LOWBIT_OK);
    const double scale = nn_range(want, rows * classes);
    double most = 0;
    int64_t beyond = 0;
    for (int64_t i = 0; i < rows; i++) {
        image_of(cifar, i, &o->input, k->times, image);
        float *got = nn_oracle(&o->graph, image);
        CHECK(got != NULL);
        if (!got) break;
        const double off = nn_difference(got, want + i * classes, classes) / scale;
        most = fmax(most, off);
        beyond += off > kSame;
        CHECK(largest(got, classes) == largest(want + i * classes, classes));
        free(got);
    }
    CHECK(most <= k->most && beyond <= (k->most > kSame ? rows / 4 : 0));
    free(want), free(image);
}

static void check_known(const char *data, const lb_cifar *cifar, const known *k) {
    char path[4096];
    lb_opened o;
    lb_safetensors reference;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lb_model_options options = {
        .side = k->times > 1 ? k->times * LB_CIFAR_SIDE : 0, .stem = k->stem, .normalization = k->half ? &kHalf : NULL};
    snprintf(path, sizeof path, "%s/models/%s", data, k->folder);
    check_context("%s", path);
    if (!CHECK(lb_model_open(path, &options, &o, &error) == LOWBIT_OK)) {
        printf("%s\n", error.message);
        return;
    }
    CHECK(strcmp(o.model->name, k->model) == 0);
    snprintf(path, sizeof path, "%s/models/%s/ref_logits.safetensors", data, k->folder);
    if (CHECK(lb_safetensors_open(path, &reference, NULL) == LOWBIT_OK)) {
        const lb_tensor *logits = &reference.tensors[0];
        if (CHECK(logits->rank == 2 && logits->shape[1] == o.classes)) {
            check_context("%s", k->folder);
            compare(&o, cifar, logits, k);
            check_context("%s, fused", k->folder);
            lb_graph_fuse(&o.graph);
            compare(&o, cifar, logits, k);
        }
        lb_safetensors_close(&reference);
    }
    lb_model_close(&o);
}

void subject_zoo_data(void) {
    const known kKnown[] = {
        {"alexnet_random_w8", "alexnet-cifar", 1, kSame, 0, true},
        {"alexnet_small_cifar10", "alexnet-small", 1, kSame, 0, false},
        {"bnn_cnv_w1a1_cifar10", "bnn-cnv", 1, 0, 0, false},
        {"ternary_cnv_w2a2_cifar10", "ternary-cnv", 1, 0, 0, false},
        {"resnet18_random_w16_cifar", "resnet18", 1, kSame, LB_STEM_CIFAR, true},
        {"resnet18_random_w16_cifar_pool", "resnet18", 1, kSame, LB_STEM_CIFAR_POOL, true},
        {"resnet18_random_w16_imagenet", "resnet18", 3, kSame, LB_STEM_IMAGENET, true},
        {"resnet20_apot_f32_cifar10", "resnet20-apot", 1, kSame, 0, false},
        {"resnet20_apot_w2a2_cifar10", "resnet20-apot", 1, kSteps, 0, false},
        {"resnet20_apot_w3a3_cifar10", "resnet20-apot", 1, kSteps, 0, false},
        {"resnet20_apot_w4a4_cifar10", "resnet20-apot", 1, kSteps, 0, false},
        {"resnet20_cifar10", "resnet20", 1, kSame, 0, false},
        {"resnet32_cifar10", "resnet32", 1, kSame, 0, false},
        {"resnet56_cifar10", "resnet56", 1, kSame, 0, false},
        {"resnet8_mlperftiny_cifar10", "resnet8", 1, kSame, 0, false},
    };
    char path[4096];
    lb_cifar cifar;
    const char *data = getenv("LOWBIT_DATA");
    if (!data) check_skip("LOWBIT_DATA names no folder with cifar10/ and models/");
    snprintf(path, sizeof path, "%s/cifar10/test_public.bin", data);
    check_context("%s", path);
    if (!CHECK(lb_cifar_open(path, 10, &cifar, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kKnown); i++) check_known(data, &cifar, &kKnown[i]);
    lb_cifar_close(&cifar);
}
