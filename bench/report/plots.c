/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/plots.h"

#include "kernels/base/base.h"

const lb_plot_section lb_plot_sections[] = {
    {"limits", "Against the machine", "What the products reach of what this machine can do at most."},
    {"peers", "Against other libraries",
     "The same numbers multiplied by both, in turn; a time counts only where the result is right."},
    {"networks", "Networks", "How right, how large and how fast whole networks are by each recipe."},
    {"growth", "How cost grows", "With the sizes of the product, with threads, and with the unrest of the machine."},
    {"tuner", "What the tuner tried", "Kernels and blocks of the problems that were tuned."},
    {"pack", "Packing bits", "Bits, codes and trits into bytes and back, next to copying as many bytes."},
    {NULL, NULL, NULL},
};

void lb_plot_all(const lb_report *report, lb_figures *figures) {
    static void (*const kPlots[])(const lb_report *, lb_figures *) = {
        lb_plot_roofline, lb_plot_rows,     lb_plot_share,   lb_plot_memory,     lb_plot_peers,
        lb_plot_threads,  lb_plot_sizes,    lb_plot_spread,  lb_plot_kernels,    lb_plot_blocks,
        lb_plot_pack,     lb_plot_accuracy, lb_plot_speedup, lb_plot_sensitivity};
    for (size_t i = 0; i < LB_COUNT(kPlots); i++) kPlots[i](report, figures);
}
