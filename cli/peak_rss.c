/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/eval.h"

int64_t lb_peak_rss(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long kib = -1;
    if (!file) return -1;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0 && sscanf(line + 6, "%lld", &kib) == 1) break;
    fclose(file);
    return kib < 0 ? -1 : kib * 1024;
}

/* Linux: 5 sets the high-water mark to what is resident now. Where that is refused, the mark stays that of the process.
 */
void lb_peak_rss_reset(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}
