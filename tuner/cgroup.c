/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self/cgroup says which group the process is in, /proc/self/mountinfo where that hierarchy is mounted and which
 * part of it the mount shows (Linux Documentation/admin-guide/cgroup-v2.rst, cgroups(7), proc(5)). */
#include "tuner/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"

enum { PATH_SIZE = 4096, NAME_SIZE = 1024, LINE_SIZE = 4096 };

/* One hierarchy that can hold a quota. */
typedef struct hierarchy {
    const char *file_system; /* as mountinfo calls it */
    const char *controller;  /* what the line of /proc/self/cgroup names; "" is version 2 */
    const char *quota_file;
    const char *period_file; /* NULL: the period stands in the quota file */
} hierarchy;

static const hierarchy kHierarchies[] = {
    {"cgroup2", "", "cpu.max", NULL},
    {"cgroup", "cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"},
};

/* The next line without its end; the part beyond the buffer is dropped. */
static bool read_line(FILE *file, char *line, size_t size) {
    if (!fgets(line, (int)size, file)) return false;
    const size_t length = strcspn(line, "\n");
    if (!line[length])
        for (int c = fgetc(file); c != EOF && c != '\n';) c = fgetc(file);
    line[length] = 0;
    return true;
}

static FILE *open_file(const char *folder, const char *name) {
    char path[PATH_SIZE];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && length < PATH_SIZE ? fopen(path, "r") : NULL;
}

/* True if the comma-separated list has the word; the empty list has the empty word. */
static bool has_word(const char *list, const char *word) {
    const size_t wanted = strlen(word);
    for (;;) {
        const size_t length = strcspn(list, ",");
        if (length == wanted && memcmp(list, word, length) == 0) return true;
        if (!list[length]) return false;
        list += length + 1;
    }
}

/* The process's path inside the hierarchy. Lines are "id:controllers:path". */
static bool find_own_group(const char *root, const hierarchy *h, char *group, size_t size) {
    FILE *file = open_file(root, "proc/self/cgroup");
    char line[LINE_SIZE];
    bool found = false;
    while (file && !found && read_line(file, line, sizeof line)) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(++controllers, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        found = has_word(controllers, h->controller) && strlen(path) < size;
        if (found) strcpy(group, path);
    }
    if (file) fclose(file);
    return found;
}

/* CPUs that the folder's files grant, 0 without a quota ("max", or -1 in version 1). */
static double read_quota(const char *folder, const hierarchy *h) {
    double quota = 0, period = 0;
    FILE *file = open_file(folder, h->quota_file);
    if (!file) return 0;
    const int fields = fscanf(file, "%lf %lf", &quota, &period);
    fclose(file);
    if (fields < 1 || quota <= 0) return 0;
    FILE *second = h->period_file ? open_file(folder, h->period_file) : NULL;
    if (second) {
        if (fscanf(second, "%lf", &period) != 1) period = 0;
        fclose(second);
    }
    return period > 0 ? quota / period : 0;
}

static double smaller_quota(double a, double b) { return a > 0 && (b <= 0 || a < b) ? a : b; }

/* The part of the group's path below what the mount shows: without a namespace of its own a container sees the group
 * "/docker/1f" through a mount of "/docker/1f". */
static const char *below_mount(const char *group, const char *shown) {
    const size_t length = strcmp(shown, "/") == 0 ? 0 : strlen(shown);
    if (strncmp(group, shown, length) != 0 || (group[length] != '/' && group[length])) return "";
    return strcmp(group + length, "/") == 0 ? "" : group + length;
}

/* The smallest quota from the group up to the mount point. */
static double walk(const char *root, const char *mount, const char *below, const hierarchy *h) {
    char folder[PATH_SIZE];
    const int top = snprintf(folder, sizeof folder, "%s%s", root, mount);
    const int length = snprintf(folder, sizeof folder, "%s%s%s", root, mount, below);
    if (top < 0 || length < 0 || length >= PATH_SIZE) return 0;
    double quota = 0;
    for (;;) {
        quota = smaller_quota(read_quota(folder, h), quota);
        char *cut = strrchr(folder, '/');
        if (!cut || cut - folder < top) return quota;
        *cut = 0;
    }
}

/* Lines are "id parent device shown mount options ... - type source options". */
static bool parse_mount(const char *line, const hierarchy *h, char *shown, char *mount) {
    char type[32], options[NAME_SIZE];
    const char *tail = strstr(line, " - ");
    return tail && sscanf(line, "%*s %*s %*s %1023s %1023s", shown, mount) == 2 &&
           sscanf(tail, " - %31s %*s %1023s", type, options) == 2 && strcmp(type, h->file_system) == 0 &&
           (!*h->controller || has_word(options, h->controller));
}

static double hierarchy_quota(const char *root, const hierarchy *h) {
    char group[NAME_SIZE], line[LINE_SIZE], shown[NAME_SIZE], mount[NAME_SIZE];
    double quota = 0;
    if (!find_own_group(root, h, group, sizeof group)) return 0;
    FILE *file = open_file(root, "proc/self/mountinfo");
    while (file && read_line(file, line, sizeof line))
        if (parse_mount(line, h, shown, mount))
            quota = smaller_quota(walk(root, mount, below_mount(group, shown), h), quota);
    if (file) fclose(file);
    return quota;
}

double lb_cgroup_quota(const char *root) {
    double quota = 0;
    for (size_t i = 0; i < LB_COUNT(kHierarchies); i++)
        quota = smaller_quota(hierarchy_quota(root, &kHierarchies[i]), quota);
    return quota;
}
