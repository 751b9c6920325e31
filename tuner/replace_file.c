/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/base/base.h"

lowbit_status lb_fail_io(lowbit_error *error, const char *what, const char *path) {
    return lb_fail(error, LOWBIT_IO, "cannot %s %.150s: %s", what, path, strerror(errno));
}

static bool write_all(int file, const char *bytes, size_t size) {
    while (size > 0) {
        const ssize_t put = write(file, bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

/* A new file that is on the disk when this returns. */
static lowbit_status write_file(const char *path, mode_t mode, const lb_bytes *parts, size_t count,
                                lowbit_error *error) {
    if (unlink(path) != 0 && errno != ENOENT) return lb_fail_io(error, "remove", path);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return lb_fail_io(error, "create", path);
    bool good = !mode || fchmod(file, mode) == 0;
    for (size_t i = 0; good && i < count; i++) good = write_all(file, parts[i].data, parts[i].size);
    good = good && fsync(file) == 0;
    lowbit_status status = good ? LOWBIT_OK : lb_fail_io(error, "write", path);
    good = close(file) == 0;
    if (status == LOWBIT_OK && !good) status = lb_fail_io(error, "write", path);
    if (status != LOWBIT_OK) unlink(path);
    return status;
}

/* A rename is on the disk when its folder is. */
static lowbit_status sync_folder(const char *path, lowbit_error *error) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    const int opened = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return lb_fail_io(error, "open the folder", folder);
    const lowbit_status status = fsync(opened) == 0 ? LOWBIT_OK : lb_fail_io(error, "write the folder", folder);
    close(opened);
    return status;
}

lowbit_status lb_replace_file(const char *path, const char *fresh, mode_t mode, const lb_bytes *parts, size_t count,
                              lowbit_error *error) {
    LB_TRY(write_file(fresh, mode, parts, count, error));
    if (rename(fresh, path) == 0) return sync_folder(path, error);
    const lowbit_status status = lb_fail_io(error, "replace", path);
    unlink(fresh);
    return status;
}
