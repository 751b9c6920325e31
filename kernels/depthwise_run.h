/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a depthwise convolution, and one task of it: a block of channels and some rows of an image's output. */
#ifndef LOWBIT_KERNELS_DEPTHWISE_RUN_H_
#define LOWBIT_KERNELS_DEPTHWISE_RUN_H_

#include "kernels/depthwise_shape.h"
#include "kernels/output.h"

/* What all tasks share. */
typedef struct lb_depth_run {
    const lb_isa_unit *unit;
    const lb_depthwise_ops *ops;
    const lb_windows_way *way;
    const lowbit_conv2d *conv;
    const lowbit_conv2d_args *args;
    const int8_t *codes;
    lb_depth_shape shape;
    bool windows;          /* quantized one by one */
    int64_t column_bytes;  /* of the way */
    int64_t blocks;        /* of channels of the output */
    int64_t chunk, chunks; /* rows of a task, and tasks of an image */
    lb_row_rule rule;      /* of the activations */
    float a_scale;         /* of codes */
    lowbit_problem problem;
    lowbit_gemm_args product; /* the same outputs as those of a product */
    lb_gemm_call call;
    uint8_t *workspace;
    int64_t worker_bytes;
} lb_depth_run;

/* A task's own scratch, on its stack, and what the workspace has for its worker. */
typedef struct lb_depth_task {
    const lb_depth_run *run;
    lb_depth_scratch scratch;
    int64_t n, cols; /* channels of the output: the first, and how many of the block exist */
    lb_output output;
    lb_tile tile;
    lb_edge edge;
    _Alignas(LB_LINE) int32_t sums[LB_TILE_ELEMENTS];
    _Alignas(LB_LINE) float totals[LB_TILE_ELEMENTS];
    float a_scales[LB_TILE_ELEMENTS / LB_PANEL];
    int32_t zeros[LB_TILE_ELEMENTS / LB_PANEL];
    _Alignas(LB_LINE) uint8_t pad[LB_LINE * sizeof(float)]; /* a pixel outside of the image */
} lb_depth_task;

/* Of sums in task->sums, to the totals, or, for the last term, to the output: `pixels` pixels from row m on. */
void lb_depth_end_term(lb_depth_task *task, const lb_depth_term *term, bool first, bool last, int64_t m,
                       int64_t pixels);

/* The totals of all terms to the output. */
void lb_depth_end_totals(lb_depth_task *task, int64_t m, int64_t pixels);

/* Rows [first, end) of image b, window by window: kernels/depthwise_rows.c. */
void lb_depth_windows(lb_depth_task *task, int64_t b, int64_t first, int64_t end);

#endif
