/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "tuner/replace_file.h"

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool is_image(const char *name) {
    static const char *const kEnds[] = {".png", ".jpg", ".jpeg"};
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end && i < LB_COUNT(kEnds); i++)
        if (strcasecmp(end, kEnds[i]) == 0) return true;
    return false;
}

/* Appends a copy of the text to a list that grows by doubling. */
static bool append(char ***list, size_t *count, const char *text) {
    if ((*count & (*count - 1)) == 0) {
        char **longer = realloc(*list, (*count ? 2 * *count : 1) * sizeof *longer);
        if (!longer) return false;
        *list = longer;
    }
    char *copy = strdup(text);
    if (copy) (*list)[(*count)++] = copy;
    return copy != NULL;
}

/* What a walk over one folder does with an entry: 'd' is a folder, 'f' a file. */
typedef lowbit_status (*visitor)(lb_image_folder *folder, const char *path, const char *name, char kind,
                                 lowbit_error *error);

static lowbit_status visit(lb_image_folder *folder, const char *path, const char *name, visitor take,
                           lowbit_error *error) {
    char full[PATH_MAX];
    struct stat info;
    const int length = snprintf(full, sizeof full, "%s/%s", path, name);
    LB_REQUIRE(length > 0 && (size_t)length < sizeof full, error, LOWBIT_IO, "a path of %d bytes is too long", length);
    if (stat(full, &info) != 0) return lb_fail_io(error, "look at", full);
    if (S_ISDIR(info.st_mode)) return take(folder, full, name, 'd', error);
    return S_ISREG(info.st_mode) ? take(folder, full, name, 'f', error) : LOWBIT_OK;
}

/* In the order of the names, byte by byte. */
static lowbit_status walk(lb_image_folder *folder, const char *path, visitor take, lowbit_error *error) {
    struct dirent **entries;
    const int count = scandir(path, &entries, is_shown, by_bytes);
    if (count < 0 && errno == ENOENT) return lb_fail(error, LOWBIT_NOT_FOUND, "there is no folder %.150s", path);
    if (count < 0) return lb_fail_io(error, "read the folder", path);
    lowbit_status status = LOWBIT_OK;
    for (int i = 0; i < count; i++) {
        if (status == LOWBIT_OK) status = visit(folder, path, entries[i]->d_name, take, error);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static lowbit_status take_image(lb_image_folder *folder, const char *path, const char *name, char kind,
                                lowbit_error *error) {
    if (kind != 'f' || !is_image(name)) return LOWBIT_OK;
    LB_REQUIRE(append(&folder->paths, &folder->count, path), error, LOWBIT_NO_MEMORY, "no memory for a list of images");
    return LOWBIT_OK;
}

static lowbit_status take_class(lb_image_folder *folder, const char *path, const char *name, char kind,
                                lowbit_error *error) {
    (void)path;
    if (kind != 'd') return LOWBIT_OK;
    LB_REQUIRE(append(&folder->classes, &folder->class_count, name), error, LOWBIT_NO_MEMORY,
               "no memory for a list of classes");
    return LOWBIT_OK;
}

/* Labels of the images that were listed since the last call. */
static lowbit_status label(lb_image_folder *folder, size_t first, int32_t class, lowbit_error *error) {
    if (folder->count == first) return LOWBIT_OK;
    int32_t *labels = realloc(folder->labels, folder->count * sizeof *labels);
    LB_REQUIRE(labels, error, LOWBIT_NO_MEMORY, "no memory for %zu labels", folder->count);
    folder->labels = labels;
    for (size_t i = first; i < folder->count; i++) labels[i] = class;
    return LOWBIT_OK;
}

static lowbit_status list(lb_image_folder *folder, const char *path, lowbit_error *error) {
    char class_path[PATH_MAX];
    LB_TRY(walk(folder, path, take_class, error));
    LB_TRY(walk(folder, path, take_image, error));
    LB_TRY(label(folder, 0, -1, error));
    for (size_t i = 0; i < folder->class_count; i++) {
        const size_t first = folder->count;
        snprintf(class_path, sizeof class_path, "%s/%s", path, folder->classes[i]); /* its length was seen */
        LB_TRY(walk(folder, class_path, take_image, error));
        LB_TRY(label(folder, first, (int32_t)i, error));
    }
    LB_REQUIRE(folder->count > 0, error, LOWBIT_NOT_FOUND, "%.150s has no .png, .jpg or .jpeg", path);
    return LOWBIT_OK;
}

lowbit_status lb_image_folder_open(const char *path, lb_image_folder *folder, lowbit_error *error) {
    *folder = (lb_image_folder){.count = 0};
    const lowbit_status status = list(folder, path, error);
    if (status != LOWBIT_OK) lb_image_folder_close(folder);
    return status;
}

void lb_image_folder_close(lb_image_folder *folder) {
    for (size_t i = 0; i < folder->class_count; i++) free(folder->classes[i]);
    for (size_t i = 0; i < folder->count; i++) free(folder->paths[i]);
    free((void *)folder->classes);
    free((void *)folder->paths);
    free(folder->labels);
    *folder = (lb_image_folder){.count = 0};
}
