/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/nn_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"

/* A node and what it reads: x of shape in, the second and third value or NULL. The tokens of a text are a row. */
typedef struct {
    const lb_node *node;
    const float *x, *second, *third;
    lb_shape in, out;
} task;

/* x[y][x][c], or `outside` of the image */
static float pixel(const task *t, int64_t y, int64_t x, int64_t c, float outside) {
    const bool inside = y >= 0 && y < t->in.height && x >= 0 && x < t->in.width;
    return inside ? t->x[(y * t->in.width + x) * t->in.channels + c] : outside;
}

/* Four sums, so that their additions need not wait for each other. */
static double dot(const float *a, const float *w, int64_t count) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int64_t i = 0;
    for (; i + 4 <= count; i += 4) {
        s0 += (double)a[i] * (double)w[i];
        s1 += (double)a[i + 1] * (double)w[i + 1];
        s2 += (double)a[i + 2] * (double)w[i + 2];
        s3 += (double)a[i + 3] * (double)w[i + 3];
    }
    for (; i < count; i++) s0 += (double)a[i] * (double)w[i];
    return (s0 + s1) + (s2 + s3);
}

static double conv_at(const task *t, int64_t oy, int64_t ox, int64_t n) {
    const lb_window *w = &t->node->window;
    const int64_t channels = t->in.channels / w->groups, taps = w->kernel_height * w->kernel_width;
    const int64_t first = n / (t->node->shape.channels / w->groups) * channels;
    double sum = 0;
    for (int64_t ky = 0; ky < w->kernel_height; ky++)
        for (int64_t kx = 0; kx < w->kernel_width; kx++) {
            const int64_t y = oy * w->stride - w->pad_top + ky * w->dilation;
            const int64_t x = ox * w->stride - w->pad_left + kx * w->dilation;
            if (y < 0 || y >= t->in.height || x < 0 || x >= t->in.width) continue;
            sum += dot(t->x + (y * t->in.width + x) * t->in.channels + first,
                       t->node->weights + (n * taps + ky * w->kernel_width + kx) * channels, channels);
        }
    return sum;
}

static double activate(uint32_t act, double x) {
    switch (act) {
        case LOWBIT_ACT_RELU: return x > 0 ? x : 0;
        case LOWBIT_ACT_GELU: return x * (1 + erf(x / sqrt(2))) / 2;
        case LOWBIT_ACT_GELU_TANH: return x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) / 2;
        case LOWBIT_ACT_SILU: return x / (1 + exp(-x));
        default: return x;
    }
}

static float conv(const task *t, int64_t y, int64_t x, int64_t c) {
    const lb_node *node = t->node;
    double sum = conv_at(t, y, x, c);
    if (node->gain) sum *= (double)node->gain[c];
    if (node->bias) sum += (double)node->bias[c];
    if (t->second) sum += (double)t->second[(y * t->out.width + x) * t->out.channels + c];
    return (float)activate(node->act, sum);
}

static float affine(const task *t, int64_t y, int64_t x, int64_t c) {
    return (float)((double)pixel(t, y, x, c, 0) * (double)t->node->weights[c] + (double)t->node->bias[c]);
}

static float relu(const task *t, int64_t y, int64_t x, int64_t c) {
    const float v = pixel(t, y, x, c, 0);
    return v > 0 ? v : 0;
}

static float hardtanh(const task *t, int64_t y, int64_t x, int64_t c) {
    const float v = pixel(t, y, x, c, 0);
    return v > 1 ? 1 : v < -1 ? -1 : v;
}

static float add(const task *t, int64_t y, int64_t x, int64_t c) {
    return pixel(t, y, x, c, 0) + t->second[(y * t->in.width + x) * t->in.channels + c];
}

static float max_pool(const task *t, int64_t oy, int64_t ox, int64_t c) {
    const lb_window *w = &t->node->window;
    float most = -INFINITY;
    for (int64_t ky = 0; ky < w->kernel_height; ky++)
        for (int64_t kx = 0; kx < w->kernel_width; kx++)
            most = fmaxf(most,
                         pixel(t, oy * w->stride - w->pad_top + ky, ox * w->stride - w->pad_left + kx, c, -INFINITY));
    return most;
}

/* The mean of rows top .. bottom - 1 and columns left .. right - 1, as far as they are inside, over `count` or as many
 * as are inside. */
static float mean(const task *t, int64_t top, int64_t bottom, int64_t left, int64_t right, int64_t c, int64_t count) {
    int64_t inside = 0;
    double sum = 0;
    for (int64_t y = lb_max(top, 0); y < lb_min(bottom, t->in.height); y++)
        for (int64_t x = lb_max(left, 0); x < lb_min(right, t->in.width); x++, inside++)
            sum += (double)pixel(t, y, x, c, 0);
    return (float)(sum / (double)(count > 0 ? count : inside));
}

static float average_pool(const task *t, int64_t oy, int64_t ox, int64_t c) {
    const lb_window *w = &t->node->window;
    const int64_t top = oy * w->stride - w->pad_top, left = ox * w->stride - w->pad_left;
    return mean(t, top, top + w->kernel_height, left, left + w->kernel_width, c,
                w->count_padding ? w->kernel_height * w->kernel_width : 0);
}

static float adaptive(const task *t, int64_t oy, int64_t ox, int64_t c) {
    const lb_shape in = t->in, out = t->node->shape;
    return mean(t, oy * in.height / out.height, lb_div_up((oy + 1) * in.height, out.height), ox * in.width / out.width,
                lb_div_up((ox + 1) * in.width, out.width), c, 0);
}

static float subsample(const task *t, int64_t oy, int64_t ox, int64_t c) {
    const int64_t from = c - t->node->zeros_before, stride = t->node->window.stride;
    return from < 0 || from >= t->in.channels ? 0 : pixel(t, oy * stride, ox * stride, from, 0);
}

static float shift(const task *t, int64_t y, int64_t x, int64_t c) {
    const int8_t *by = t->node->shifts + 2 * c;
    return pixel(t, y + by[0], x + by[1], c, 0);
}

static float steps(const task *t, int64_t y, int64_t x, int64_t c) {
    const lb_node *node = t->node;
    const float v = pixel(t, y, x, c, 0);
    int64_t below = 0;
    for (int64_t i = 0; i < node->count; i++) below += node->weights[c * node->count + i] < v;
    return node->bias[below];
}

/* ---- sequences ---- */

static float same(const task *t, int64_t y, int64_t x, int64_t c) {
    const int64_t at = (y * t->out.width + x) * t->out.channels + c;
    return t->x[at];
}

static float class_token(const task *t, int64_t y, int64_t x, int64_t c) {
    return x == 0 ? t->node->weights[c] : pixel(t, y, x - 1, c, 0);
}

static float positions(const task *t, int64_t y, int64_t x, int64_t c) {
    return pixel(t, y, x, c, 0) + t->node->weights[(t->node->first + x) * t->in.channels + c];
}

static float embed(const task *t, int64_t y, int64_t x, int64_t c) {
    (void)y;
    const int64_t row = (int64_t)t->x[x * t->in.channels + t->node->first];
    return t->node->weights[row * t->out.channels + c];
}

/* Sum over the channels of (v - shift)^power. */
static double moment(const task *t, int64_t y, int64_t x, double shift, int power) {
    double sum = 0;
    for (int64_t c = 0; c < t->in.channels; c++) sum += pow((double)pixel(t, y, x, c, 0) - shift, power);
    return sum;
}

static float layer_norm(const task *t, int64_t y, int64_t x, int64_t c) {
    const lb_node *node = t->node;
    const double n = (double)t->in.channels, mean = moment(t, y, x, 0, 1) / n, squares = moment(t, y, x, mean, 2);
    const double deviation =
        node->unbiased ? sqrt(squares / (n - 1)) + (double)node->epsilon : sqrt(squares / n + (double)node->epsilon);
    return (float)(((double)pixel(t, y, x, c, 0) - mean) / deviation * (double)node->weights[c] +
                   (double)node->bias[c]);
}

static float rms_norm(const task *t, int64_t y, int64_t x, int64_t c) {
    const double mean = moment(t, y, x, 0, 2) / (double)t->in.channels;
    return (float)((double)pixel(t, y, x, c, 0) / sqrt(mean + (double)t->node->epsilon) * (double)t->node->weights[c]);
}

static float normalize(const task *t, int64_t y, int64_t x, int64_t c) {
    return (float)((double)pixel(t, y, x, c, 0) / fmax(sqrt(moment(t, y, x, 0, 2)), 1e-12));
}

static float act(const task *t, int64_t y, int64_t x, int64_t c) {
    return (float)activate(t->node->act, (double)pixel(t, y, x, c, 0));
}

static float hyperbolic(const task *t, int64_t y, int64_t x, int64_t c) {
    return (float)tanh((double)pixel(t, y, x, c, 0));
}

static float multiply(const task *t, int64_t y, int64_t x, int64_t c) {
    return pixel(t, y, x, c, 0) * t->second[(y * t->in.width + x) * t->in.channels + c];
}

/* Element i of a head that starts at v[token][first], turned by the token's position. */
static double turned(const lb_attention_shape *s, const float *v, int64_t channels, int64_t token, int64_t first,
                     int64_t i) {
    const float *head = v + token * channels + first;
    if (s->rope_base == 0) return (double)head[i];
    const int64_t half = lb_max(s->head / 2, 1), pair = s->rope_halves ? i % half : i / 2;
    const int64_t low = s->rope_halves ? pair : 2 * pair, high = s->rope_halves ? pair + half : low + 1;
    const double angle = (double)token * pow((double)s->rope_base, -2.0 * (double)pair / (double)s->head);
    const double a = (double)head[low], b = (double)head[high];
    return i == low ? a * cos(angle) - b * sin(angle) : a * sin(angle) + b * cos(angle);
}

static float attention(const task *t, int64_t y, int64_t x, int64_t c) {
    (void)y;
    const lb_attention_shape *s = &t->node->attention;
    const int64_t head = c / s->head, kv = head * s->kv_heads / s->heads, width = s->kv_heads * s->head;
    double total = 0, sum = 0;
    for (int64_t j = 0; j < (s->causal ? x + 1 : t->in.width); j++) {
        double score = 0;
        for (int64_t i = 0; i < s->head; i++)
            score +=
                turned(s, t->x, t->in.channels, x, head * s->head, i) * turned(s, t->second, width, j, kv * s->head, i);
        const double p = exp(score * (double)s->scale); /* scores of tests are small */
        total += p;
        sum += p * (double)t->third[j * width + kv * s->head + c % s->head];
    }
    return (float)(sum / total);
}

static float take_first(const task *t, int64_t y, int64_t x, int64_t c) {
    (void)y, (void)x;
    return t->x[c];
}

static float take_last(const task *t, int64_t y, int64_t x, int64_t c) {
    (void)y, (void)x;
    return pixel(t, t->in.height - 1, t->in.width - 1, c, 0);
}

static float take_mean(const task *t, int64_t y, int64_t x, int64_t c) {
    (void)y, (void)x;
    return mean(t, 0, t->in.height, 0, t->in.width, c, 0);
}

typedef float (*element)(const task *t, int64_t y, int64_t x, int64_t c);

static const element kElement[LB_OPS] = {
    [LB_OP_CONV] = conv,
    [LB_OP_AFFINE] = affine,
    [LB_OP_RELU] = relu,
    [LB_OP_HARDTANH] = hardtanh,
    [LB_OP_ADD] = add,
    [LB_OP_MAX_POOL] = max_pool,
    [LB_OP_AVERAGE_POOL] = average_pool,
    [LB_OP_ADAPTIVE_AVERAGE_POOL] = adaptive,
    [LB_OP_SUBSAMPLE] = subsample,
    [LB_OP_SHIFT] = shift,
    [LB_OP_STEPS] = steps,
    [LB_OP_TOKENS] = same,
    [LB_OP_CLASS_TOKEN] = class_token,
    [LB_OP_POSITIONS] = positions,
    [LB_OP_EMBED] = embed,
    [LB_OP_LAYER_NORM] = layer_norm,
    [LB_OP_RMS_NORM] = rms_norm,
    [LB_OP_NORMALIZE] = normalize,
    [LB_OP_ACT] = act,
    [LB_OP_TANH] = hyperbolic,
    [LB_OP_MULTIPLY] = multiply,
    [LB_OP_ATTENTION] = attention,
    [LB_OP_TAKE_FIRST] = take_first,
    [LB_OP_TAKE_LAST] = take_last,
    [LB_OP_TAKE_MEAN] = take_mean,
};

static lb_shape shape_of(const lb_node *node, int64_t tokens) {
    return node->by_token ? (lb_shape){1, tokens, node->shape.channels} : node->shape;
}

/* One value into new memory; NULL for what is not known. */
static float *compute(const lb_graph *graph, const lb_node *node, float *const *values, const float *image,
                      int64_t tokens) {
    const lb_shape s = shape_of(node, tokens);
    float *out = malloc((size_t)lb_max(nn_elements(s), 1) * sizeof *out), *at = out;
    if (node->op == LB_OP_INPUT) return memcpy(out, image, (size_t)nn_elements(s) * sizeof *out);
    if (!kElement[node->op]) {
        free(out);
        return NULL;
    }
    const task t = {node,
                    values[node->x],
                    node->second == LB_NO_VALUE ? NULL : values[node->second],
                    node->third == LB_NO_VALUE ? NULL : values[node->third],
                    shape_of(&graph->nodes[node->x], tokens),
                    s};
    for (int64_t y = 0; y < s.height; y++)
        for (int64_t x = 0; x < s.width; x++)
            for (int64_t c = 0; c < s.channels; c++) *at++ = kElement[node->op](&t, y, x, c);
    return out;
}

float *nn_oracle(const lb_graph *graph, const float *image) { return nn_oracle_text(graph, image, 0); }

float *nn_oracle_text(const lb_graph *graph, const float *image, int64_t tokens) {
    float **values = calloc((size_t)graph->count, sizeof *values), *last;
    for (int64_t i = 0; i < graph->count; i++)
        if (graph->nodes[i].op != LB_OP_NONE) {
            values[i] = compute(graph, &graph->nodes[i], values, image, tokens);
            if (!values[i]) break;
        }
    last = values[graph->count - 1];
    for (int64_t i = 0; i + 1 < graph->count; i++) free(values[i]);
    free(values);
    return last;
}

double nn_range(const float *x, int64_t count) {
    double low = (double)x[0], high = low;
    for (int64_t i = 1; i < count; i++) {
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    return high - low;
}

double nn_difference(const float *x, const float *y, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)x[i] - (double)y[i]));
    return most;
}

double nn_cosine(const float *x, const float *y, int64_t count) {
    double xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < count; i++) {
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
        xy += (double)x[i] * y[i];
    }
    return xy / sqrt(xx * yy);
}
