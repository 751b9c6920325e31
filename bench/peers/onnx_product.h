/* SPDX-License-Identifier: Apache-2.0 */
/* One node of ONNX with constant weights, made in memory and run by ONNX Runtime: no file, no protobuf. */
#ifndef LOWBIT_BENCH_PEERS_ONNX_PRODUCT_H_
#define LOWBIT_BENCH_PEERS_ONNX_PRODUCT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <onnxruntime_c_api.h>

/* A dense tensor in memory of the caller. */
typedef struct lb_onnx_tensor {
    const char *name;
    ONNXTensorElementDataType type;
    int64_t shape[3];
    size_t rank;
    void *data;
    size_t bytes;
} lb_onnx_tensor;

typedef struct lb_onnx_attribute {
    const char *name;
    int64_t value;
} lb_onnx_attribute;

enum { LB_ONNX_INPUTS = 4, LB_ONNX_ATTRIBUTES = 5 };

/* output = op(inputs). The first input and the output are read and written by every run; the other inputs are
 * constants, which a session copies and packs as it likes. Inputs whose name is empty are left out, as ONNX has it. */
typedef struct lb_onnx_node {
    const char *op, *domain; /* "" = of ONNX itself */
    lb_onnx_tensor inputs[LB_ONNX_INPUTS], output;
    size_t input_count;
    lb_onnx_attribute attributes[LB_ONNX_ATTRIBUTES];
    size_t attribute_count;
} lb_onnx_node;

typedef struct lb_onnx_product lb_onnx_product;

/* Makes `copies` sessions of the node, each with constants of its own, on one pool of `threads` threads. NULL: `reason`
 * (of `size` bytes) says why. The node may go afterwards, the memory of its first input and output may not. */
lb_onnx_product *lb_onnx_product_create(const lb_onnx_node *node, size_t copies, uint32_t threads, char *reason,
                                        size_t size);

/* One run of a copy's session, finished when it returns. */
bool lb_onnx_product_run(lb_onnx_product *product, size_t copy);

/* Frees it. NULL is a no-op. */
void lb_onnx_product_destroy(lb_onnx_product *product);

const char *lb_onnx_version(void);

#endif
