/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of images: order, classes, what is passed over. */
#include "nn/image_folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "tests/check.h"

static const char *under(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", check_scratch_folder(), name);
    return path;
}

static void touch(const char *name) {
    FILE *file = fopen(under(name), "w");
    CHECK(file && fclose(file) == 0);
}

void subject_image_folder(void) {
    static const char *const kFolders[] = {"set", "set/dog", "set/cat", "set/cat/deep.png", "set/.hidden", "set/empty"};
    static const char *const kFiles[] = {"set/z.png",     "set/dog/10.JPG",   "set/dog/9.jpeg", "set/dog/Z.png",
                                         "set/cat/b.png", "set/cat/text.txt", "set/cat/.c.png", "set/cat/png",
                                         "set/notes.md",  "set/.hidden/a.png"};
    static const struct {
        const char *path;
        int32_t label;
    } kWant[] = {
        {"set/z.png", -1}, {"set/cat/b.png", 0}, {"set/dog/10.JPG", 1}, {"set/dog/9.jpeg", 1}, {"set/dog/Z.png", 1}};
    lb_image_folder folder;
    lowbit_error error = LOWBIT_ERROR_INIT;
    for (size_t i = 0; i < LB_COUNT(kFolders); i++) CHECK(mkdir(under(kFolders[i]), 0700) == 0);
    for (size_t i = 0; i < LB_COUNT(kFiles); i++) touch(kFiles[i]);
    if (!CHECK(lb_image_folder_open(under("set"), &folder, &error) == LOWBIT_OK)) return;
    CHECK(folder.class_count == 3 && strcmp(folder.classes[0], "cat") == 0 && strcmp(folder.classes[1], "dog") == 0 &&
          strcmp(folder.classes[2], "empty") == 0);
    CHECK(folder.count == LB_COUNT(kWant));
    for (size_t i = 0; i < LB_COUNT(kWant) && i < folder.count; i++) {
        check_context("image %zu is %s", i, folder.paths[i]);
        CHECK(strcmp(folder.paths[i], under(kWant[i].path)) == 0 && folder.labels[i] == kWant[i].label);
    }
    lb_image_folder_close(&folder);
    CHECK(lb_image_folder_open(under("none"), &folder, &error) == LOWBIT_NOT_FOUND && folder.count == 0);
    CHECK(lb_image_folder_open(under("set/empty"), &folder, &error) == LOWBIT_NOT_FOUND);
    CHECK(strstr(error.message, "has no .png"));
    CHECK(lb_image_folder_open(under("set/z.png"), &folder, &error) == LOWBIT_IO);
}
