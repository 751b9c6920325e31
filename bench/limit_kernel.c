/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/limit_kernel.h"

/* What the kernel's level multiplies with. */
static int probe_of(lb_kernel_ref kernel) {
    static const uint8_t kProbes[LB_ALGORITHMS] = {[LB_ALGORITHM_FMA] = LB_PROBE_FMA,
                                                   [LB_ALGORITHM_FMA_BF16] = LB_PROBE_FMA_BF16,
                                                   [LB_ALGORITHM_L1] = LB_PROBE_L1,
                                                   [LB_ALGORITHM_L1F] = LB_PROBE_L1F};
    if (kProbes[kernel.kernel->algorithm]) return kProbes[kernel.kernel->algorithm];
    for (size_t i = 0; i < kernel.unit->probe_count; i++)
        if (kernel.unit->probes[i].kind == LB_PROBE_DOT) return LB_PROBE_DOT;
    const uint8_t coding = kernel.kernel->coding;
    return coding == LB_CODING_W8 || coding == LB_CODING_C4 ? LB_PROBE_MADD : LB_PROBE_MADDUBS;
}

int lb_kernel_planes(const lb_kernel *kernel) {
    static const uint8_t kPlanes[LB_ALGORITHMS] = {
        [LB_ALGORITHM_XOR] = 1, [LB_ALGORITHM_AND] = 1, [LB_ALGORITHM_AND2] = 2, [LB_ALGORITHM_AND4] = 4};
    return kPlanes[kernel->algorithm];
}

/* The probe of kernels that multiply tiles, -1 = others. */
static int tiles_of(const lb_kernel *kernel) {
    return kernel->algorithm == LB_ALGORITHM_TILE        ? LB_PROBE_TILES
           : kernel->algorithm == LB_ALGORITHM_TILE_BF16 ? LB_PROBE_TILES_BF16
                                                         : -1;
}

lb_limit lb_limit_of_kernel(lb_limits *limits, lb_kernel_ref kernel, const lowbit_pool *pool) {
    lb_limit products = {0};
    if (kernel.kernel->algorithm ==
        LB_ALGORITHM_LUT) { /* 256 lookups for the 512 products of a line: 4 operations each */
        lb_limit_compute(limits, kernel.unit, LB_PROBE_LOOKUP, 0, pool, &products, NULL);
        return (lb_limit){4 * products.best, 4 * products.median, products.probe};
    }
    const int planes = lb_kernel_planes(kernel.kernel);
    if (planes) {
        lb_limit_compute(limits, kernel.unit, LB_PROBE_BITS, 0, pool, &products, NULL);
        return (lb_limit){products.best / planes, products.median / planes, products.probe};
    }
    const int tiles = tiles_of(kernel.kernel);
    if (tiles < 0)
        lb_limit_compute(limits, kernel.unit, probe_of(kernel), 0, pool, &products, NULL);
    else
        lb_limit_tiles(limits, kernel.unit, tiles, 0, LB_TILES_L1, pool, &products, NULL);
    const double rows = (double)lb_panel_rows(kernel.kernel) / kernel.kernel->mr; /* of digits three for each */
    return (lb_limit){products.best / rows, products.median / rows, products.probe};
}
