/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "tuner/replace_file.h"

static lowbit_status map_open(int file, const char *path, lb_mapped *mapped, lowbit_error *error) {
    struct stat info;
    if (fstat(file, &info) != 0) return lb_fail_io(error, "look at", path);
    LB_REQUIRE(S_ISREG(info.st_mode), error, LOWBIT_BAD_FORMAT, "%.150s is no regular file", path);
    if (info.st_size == 0) return LOWBIT_OK;
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) return lb_fail_io(error, "map", path);
    *mapped = (lb_mapped){bytes, (size_t)info.st_size};
    return LOWBIT_OK;
}

lowbit_status lb_map_file(const char *path, lb_mapped *mapped, lowbit_error *error) {
    *mapped = (lb_mapped){NULL, 0};
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return lb_fail(error, LOWBIT_NOT_FOUND, "there is no file %.150s", path);
    if (file < 0) return lb_fail_io(error, "open", path);
    const lowbit_status status = map_open(file, path, mapped, error);
    close(file);
    return status;
}

void lb_unmap(lb_mapped *mapped) {
    if (mapped->bytes) munmap((void *)(uintptr_t)mapped->bytes, mapped->length);
    *mapped = (lb_mapped){NULL, 0};
}
