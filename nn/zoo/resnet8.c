/* SPDX-License-Identifier: Apache-2.0 */
/* The ResNet-8 of MLPerf Tiny, as Keras trains it: pixels go in as they are, convolutions have a bias in front of their
 * batch normalization, and padding is "same": with stride 2 it is at the bottom and on the right alone.
 *
 *     x = relu(bn0(conv0(image)))
 *     x = relu(bn2(conv2(relu(bn1(conv1(x))))) + x)
 *     x = relu(bn4(conv4(relu(bn3(conv3(x))))) + conv5(x))
 *     x = relu(bn6(conv7(relu(bn5(conv6(x))))) + conv8(x))
 *     fc(mean of the image) */
#include <stdio.h>

#include "kernels/base/base.h"
#include "nn/zoo/families.h"

/* Padding of a kernel along an axis of `size`: as many windows as size / stride, rounded up, and less of it in front.
 */
static lb_window same(const lb_node *x, int64_t kernel, int64_t stride) {
    const int64_t sizes[] = {x->shape.height, x->shape.width};
    int64_t pads[2];
    for (int i = 0; i < 2; i++) {
        const int64_t outputs = lb_div_up(sizes[i], stride);
        pads[i] = lb_max((outputs - 1) * stride + kernel - sizes[i], 0);
    }
    return (lb_window){.kernel_height = kernel,
                       .kernel_width = kernel,
                       .stride = stride,
                       .pad_top = pads[0] / 2,
                       .pad_left = pads[1] / 2,
                       .pad_bottom = pads[0] - pads[0] / 2,
                       .pad_right = pads[1] - pads[1] / 2};
}

static lb_value conv(lb_graph *graph, lb_value x, int number, int64_t kernel, int64_t stride, int64_t width) {
    char name[16], weight[32];
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return LB_NO_VALUE;
    snprintf(name, sizeof name, "conv%d", number);
    snprintf(weight, sizeof weight, "%s.weight", name);
    return lb_conv(graph, x, name, lb_graph_dimension(graph, weight, 0, width), same(node, kernel, stride), true);
}

static lb_value norm(lb_graph *graph, lb_value x, int number) {
    char name[16];
    snprintf(name, sizeof name, "bn%d", number);
    return lb_batch_norm(graph, x, name, 1e-3f);
}

/* Convolutions `first` and first + 1 with norms `bn` and bn + 1; `around` is the convolution of the shortcut, or 0. */
static lb_value block(lb_graph *graph, lb_value x, int first, int bn, int around, int64_t width) {
    const int64_t stride = around > 0 ? 2 : 1;
    const lb_value shortcut = around > 0 ? conv(graph, x, around, 1, stride, width) : x;
    x = lb_relu(graph, norm(graph, conv(graph, x, first, 3, stride, width), bn));
    x = norm(graph, conv(graph, x, first + 1, 3, 1, width), bn + 1);
    return lb_relu(graph, lb_add(graph, x, shortcut));
}

void lb_build_resnet8(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    const int64_t width = lb_or(options->width, model->width);
    lb_value x = lb_image_input(graph, options, model->side);
    x = lb_relu(graph, norm(graph, conv(graph, x, 0, 3, 1, width), 0));
    x = block(graph, x, 1, 1, 0, width);
    x = block(graph, x, 3, 3, 5, 2 * width);
    x = block(graph, x, 6, 5, 8, 4 * width);
    x = lb_adaptive_average_pool(graph, x, 1, 1);
    lb_linear(graph, x, "fc", lb_graph_dimension(graph, "fc.weight", 0, lb_or(options->classes, model->classes)), true);
}
