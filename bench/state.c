/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: Linux Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst, mm/transhuge.rst; proc(5). */
#include "bench/state.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

enum { PATH = 512, LINE = 256 };

static const char kUnknown[] = "unknown", kCpus[] = "/sys/devices/system/cpu";

static FILE *open_file(const char *root, const char *format, va_list args) {
    char path[PATH];
    const int used = snprintf(path, sizeof path, "%s", root);
    if (used < 0 || used >= PATH) return NULL;
    const int more = vsnprintf(path + used, sizeof path - (size_t)used, format, args);
    return more >= 0 && more < PATH - used ? fopen(path, "r") : NULL;
}

/* The first line of a file, without its end; false where there is none. */
__attribute__((format(printf, 3, 4))) static bool read_line(const char *root, char line[LINE], const char *format,
                                                            ...) {
    va_list args;
    va_start(args, format);
    FILE *file = open_file(root, format, args);
    va_end(args);
    if (!file) return false;
    const bool got = fgets(line, LINE, file) != NULL;
    fclose(file);
    if (got) line[strcspn(line, "\n")] = 0;
    return got && line[0];
}

static void copy(char *to, size_t size, const char *text) {
    size_t length = 0;
    while (length + 1 < size && text[length]) length++;
    memcpy(to, text, length);
    to[length] = 0;
}

static void read_frequencies(const char *root, uint32_t cpus, lb_state *s) {
    char line[LINE];
    for (uint32_t i = 0; i < cpus; i++) {
        if (!read_line(root, line, "%s/cpu%u/cpufreq/scaling_governor", kCpus, i)) continue;
        const bool first = strcmp(s->governor, kUnknown) == 0, same = strcmp(s->governor, line) == 0;
        copy(s->governor, sizeof s->governor, first || same ? line : "mixed");
    }
    if (read_line(root, line, "%s/cpu0/cpufreq/scaling_driver", kCpus)) copy(s->driver, sizeof s->driver, line);
    if (read_line(root, line, "%s/intel_pstate/no_turbo", kCpus))
        copy(s->turbo, sizeof s->turbo, line[0] == '0' ? "on" : "off");
    else if (read_line(root, line, "%s/cpufreq/boost", kCpus))
        copy(s->turbo, sizeof s->turbo, line[0] == '1' ? "on" : "off");
}

/* The microcode's revision: a file of its own, which guests rarely see, or a line of /proc/cpuinfo. */
static void read_microcode(const char *root, lb_state *s) {
    char line[LINE], path[PATH];
    if (read_line(root, line, "%s/cpu0/microcode/version", kCpus)) {
        copy(s->microcode, sizeof s->microcode, line);
        return;
    }
    snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        found = colon && strncmp(line, "microcode", 9) == 0;
        line[strcspn(line, "\n")] = 0;
        if (found) copy(s->microcode, sizeof s->microcode, colon + 1 + strspn(colon + 1, " "));
    }
    if (file) fclose(file);
}

/* Words of the path of the process's control group, and what they give away. */
static const struct {
    const char *word, *container;
} kGroups[] = {{"kubepods", "kubernetes"}, {"docker", "docker"}, {"libpod", "podman"}, {"lxc", "lxc"}};

static void read_container(const char *root, lb_state *s) {
    static const struct {
        const char *path, *container;
    } kMarks[] = {{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}};
    char line[LINE], path[PATH];
    copy(s->container, sizeof s->container, "none");
    for (size_t i = 0; i < LB_COUNT(kMarks); i++) {
        snprintf(path, sizeof path, "%s%s", root, kMarks[i].path);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        fclose(file);
        copy(s->container, sizeof s->container, kMarks[i].container);
    }
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < LB_COUNT(kGroups); i++)
            if (strstr(line, kGroups[i].word)) copy(s->container, sizeof s->container, kGroups[i].container);
    if (file) fclose(file);
}

/* The word in brackets: "always [madvise] never". */
static void read_huge_pages(const char *root, lb_state *s) {
    char line[LINE];
    if (!read_line(root, line, "/sys/kernel/mm/transparent_hugepage/enabled")) return;
    char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close) return;
    *close = 0;
    copy(s->huge_pages, sizeof s->huge_pages, open + 1);
}

void lb_state_read(const char *root, uint32_t cpus, lb_state *s) {
    char line[LINE];
    *s = (lb_state){.load_average = -1};
    char *const texts[] = {s->governor, s->driver, s->turbo, s->smt, s->microcode, s->huge_pages};
    for (size_t i = 0; i < LB_COUNT(texts); i++) strcpy(texts[i], kUnknown);
    read_frequencies(root, cpus, s);
    read_microcode(root, s);
    read_container(root, s);
    read_huge_pages(root, s);
    if (read_line(root, line, "%s/smt/control", kCpus)) copy(s->smt, sizeof s->smt, line);
    char *end;
    if (!read_line(root, line, "/proc/loadavg")) return;
    const double load = strtod(line, &end);
    if (end != line && load >= 0) s->load_average = load;
}

size_t lb_state_warnings(const lb_state *s, uint32_t allowed, char texts[LB_STATE_WARNINGS][LB_STATE_TEXT]) {
    size_t count = 0;
    if (s->load_average > 0.5 * allowed)
        snprintf(texts[count++], LB_STATE_TEXT, "the load average is %.2f on %u CPUs: others disturb what is timed",
                 s->load_average, allowed);
    if (strcmp(s->governor, kUnknown) != 0 && strcmp(s->governor, "performance") != 0)
        snprintf(texts[count++], LB_STATE_TEXT,
                 "the governor of the CPUs' frequency is %s, not performance: times will waver", s->governor);
    return count;
}
