/* SPDX-License-Identifier: Apache-2.0 */
/* What every measurement says about the moment and the build it was made with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cli/cli.h"

const char *lb_cli_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

/* The word in brackets of a file of the kernel, "always [madvise] never"; "unknown" without one. */
static void read_choice(const char *path, char *choice, size_t size) {
    char line[128] = "";
    FILE *file = fopen(path, "r");
    if (file) {
        if (!fgets(line, sizeof line, file)) line[0] = 0;
        fclose(file);
    }
    const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    if (close)
        snprintf(choice, size, "%.*s", (int)(close - open - 1), open + 1);
    else
        snprintf(choice, size, "unknown");
}

json_t *lb_cli_run_json(void) {
    char date[32] = "", huge_pages[32];
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    read_choice("/sys/kernel/mm/transparent_hugepage/enabled", huge_pages, sizeof huge_pages);
    struct utsname system;
    if (uname(&system) != 0) memset(&system, 0, sizeof system);
    double load[3] = {-1, -1, -1};
    if (getloadavg(load, 3) < 1) load[0] = -1;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f}", "version", lowbit_version(), "compiler", lb_cli_compiler(),
                     "system", system.sysname, "kernel", system.release, "huge_pages", huge_pages, "date", date,
                     "load_average", load[0]);
}
