/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/errors.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"

double lb_error_snr_db(const lb_value_error *error) { return 10 * log10(error->xx / error->noise); }

double lb_error_cosine(const lb_value_error *error) { return error->xy / sqrt(error->xx * error->yy); }

/* Every value of the network in floats, kept until the other one has computed the same. */
typedef struct watch {
    float **kept; /* [count] */
    lb_value_error *errors;
} watch;

static void keep(void *user, lb_value v, const lb_buffer *value, int64_t count) {
    const watch *w = user;
    lb_buffer_load(value, 0, count * lb_shape_elements(value->shape), w->kept[v]);
}

enum { CHUNK = 1024 };

static void compare(void *user, lb_value v, const lb_buffer *value, int64_t elements) {
    const watch *w = user;
    const int64_t count = elements * lb_shape_elements(value->shape);
    lb_value_error *e = &w->errors[v];
    float y[CHUNK];
    if (value->type == LB_VALUE_S32) return;
    for (int64_t at = 0; at < count; at += CHUNK) {
        const int64_t n = lb_min(CHUNK, count - at);
        lb_buffer_load(value, at, n, y);
        for (int64_t i = 0; i < n; i++) {
            const double x = w->kept[v][at + i], d = x - y[i];
            e->xx += x * x;
            e->yy += (double)y[i] * y[i];
            e->xy += x * y[i];
            e->noise += d * d;
        }
    }
    e->count += count;
}

static lowbit_status run_both(lb_session *floats, lb_session *net, const lb_run_input *input, float *output, watch *w,
                              lowbit_error *error) {
    LB_TRY(lb_session_run(floats, input, output, keep, w, error));
    return lb_session_run(net, input, output, compare, w, error);
}

/* Elements of a value in a run. */
static int64_t count_of(const lb_node *node, const lb_run_input *input) {
    int64_t tokens = 0;
    for (int64_t i = 0; input->lengths && i < input->sequences; i++) tokens += input->lengths[i];
    return (node->by_token ? tokens : input->sequences) * lb_shape_elements(node->shape);
}

lowbit_status lb_errors_add(lb_session *floats, lb_session *net, const lb_graph *graph, const lb_run_input *input,
                            lb_value_error *errors, lowbit_error *error) {
    lb_blocks memory = NULL;
    watch w = {lb_blocks_take(&memory, (size_t)graph->count * sizeof(float *)), errors};
    bool enough = w.kept != NULL;
    float *output = NULL;
    for (int64_t v = 0; enough && v < graph->count; v++) {
        const size_t bytes = (size_t)count_of(&graph->nodes[v], input) * sizeof(float);
        enough = (w.kept[v] = lb_blocks_take(&memory, bytes)) != NULL;
        if (enough && v == graph->count - 1) enough = (output = lb_blocks_take(&memory, bytes)) != NULL;
    }
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (enough)
        status = run_both(floats, net, input, output, &w, error);
    else
        lb_fail(error, status, "no memory for the values of %lld images or texts", (long long)input->sequences);
    lb_blocks_free(&memory);
    return status;
}
