/* SPDX-License-Identifier: Apache-2.0 */
/* Files of wisdom. They are replaced as a whole, under a lock, by one that holds all that the old one held: readers
 * need no lock, writers lose nothing of each other, and one that is killed leaves the old file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tuner/replace_file.h"
#include "tuner/wisdom_store.h"

/* ---- reading ---- */

/* Fills the buffer from the file, or until it ends. Returns the bytes, -1 on failure. */
static ssize_t read_all(int file, char *text, size_t size) {
    size_t used = 0;
    while (used < size) {
        const ssize_t got = read(file, text + used, size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static lowbit_status take_open(lowbit_wisdom *w, int file, size_t bytes, const char *path, uint32_t how,
                               lowbit_wisdom_report *report, lowbit_error *error) {
    const size_t room = bytes ? bytes : 1;
    char *text = lb_alloc(w->ctx, room);
    LB_REQUIRE(text, error, LOWBIT_NO_MEMORY, "no memory for the %zu bytes of %.150s", bytes, path);
    const ssize_t got = read_all(file, text, bytes);
    lowbit_status status;
    if (got < 0)
        status = lb_fail_io(error, "read", path);
    else if (how == LB_MERGE_FILE && got == 0)
        status = LOWBIT_OK; /* about to be replaced: there is nothing to lose */
    else
        status = lb_wisdom_take(w, text, (size_t)got, how, report, error);
    lb_free(w->ctx, text, room);
    return status;
}

static lowbit_status check_file(const struct stat *info, const char *path, lowbit_error *error) {
    LB_REQUIRE(S_ISREG(info->st_mode), error, LOWBIT_BAD_FORMAT, "%.150s is no regular file", path);
    LB_REQUIRE(info->st_size <= LB_WISDOM_FILE, error, LOWBIT_BAD_FORMAT, "%.150s has %lld bytes, wisdom at most %d",
               path, (long long)info->st_size, (int)LB_WISDOM_FILE);
    return LOWBIT_OK;
}

/* Takes a file. *mode receives its permissions; it may be NULL. A pipe is not waited for. */
static lowbit_status take_file(lowbit_wisdom *w, const char *path, uint32_t how, mode_t *mode,
                               lowbit_wisdom_report *report, lowbit_error *error) {
    struct stat info;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return lb_fail(error, LOWBIT_NOT_FOUND, "there is no file %.150s", path);
    if (file < 0) return lb_fail_io(error, "open", path);
    lowbit_status status =
        fstat(file, &info) == 0 ? check_file(&info, path, error) : lb_fail_io(error, "look at", path);
    if (status == LOWBIT_OK) status = take_open(w, file, (size_t)info.st_size, path, how, report, error);
    if (status == LOWBIT_OK && mode) *mode = info.st_mode & 0777;
    close(file);
    return status;
}

lowbit_status lowbit_wisdom_load(lowbit_wisdom *w, const char *path, lowbit_wisdom_report *report,
                                 lowbit_error *error) {
    LB_REQUIRE(w && path, error, LOWBIT_INVALID_ARGUMENT, "wisdom or path is NULL");
    LB_TRY(lb_wisdom_check_report(report, error));
    return take_file(w, path, LB_MERGE_BETTER, NULL, report, error);
}

/* ---- writing ---- */

static lowbit_status replace(const lowbit_wisdom *w, const char *path, const char *fresh, mode_t mode,
                             lowbit_error *error) {
    size_t bytes;
    char *text = lb_wisdom_new_text(w, &bytes);
    LB_REQUIRE(text, error, LOWBIT_NO_MEMORY, "no memory for the %zu bytes of %.150s", bytes, path);
    const lb_bytes part = {text, bytes - 1};
    const lowbit_status status = part.size <= LB_WISDOM_FILE ? lb_replace_file(path, fresh, mode, &part, 1, error)
                                                             : lb_fail(error, LOWBIT_UNSUPPORTED,
                                                                       "a wisdom of %zu bytes: a file holds at most %d",
                                                                       part.size, (int)LB_WISDOM_FILE);
    lb_free(w->ctx, text, bytes);
    return status;
}

/* Under the lock: what the file holds, then all of it and ours. */
static lowbit_status save_locked(lowbit_wisdom *w, const char *path, lowbit_error *error) {
    char fresh[PATH_MAX];
    mode_t mode = 0;
    lowbit_wisdom_report report = {.struct_size = sizeof report};
    lowbit_error reason = LOWBIT_ERROR_INIT;
    const lowbit_status status = take_file(w, path, LB_MERGE_FILE, &mode, &report, &reason);
    if (status != LOWBIT_OK && status != LOWBIT_NOT_FOUND) return lb_fail(error, status, "%s", reason.message);
    if (report.bad)
        lb_log(w->ctx, LOWBIT_LOG_WARNING, "%s: %lld lines are damaged and go, the first one is line %lld: %s", path,
               (long long)report.bad, (long long)report.first_bad_line, report.reason);
    snprintf(fresh, sizeof fresh, "%s.tmp", path);
    return replace(w, path, fresh, mode, error);
}

lowbit_status lowbit_wisdom_save(lowbit_wisdom *w, const char *path, lowbit_error *error) {
    LB_REQUIRE(w && path && path[0], error, LOWBIT_INVALID_ARGUMENT, "wisdom or path is NULL, or the path is empty");
    char lock[PATH_MAX];
    LB_REQUIRE(strlen(path) + sizeof ".lock" <= sizeof lock, error, LOWBIT_INVALID_ARGUMENT,
               "a path of %zu bytes is too long", strlen(path));
    snprintf(lock, sizeof lock, "%s.lock", path);
    const int file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) return lb_fail_io(error, "open", lock);
    int locked;
    while ((locked = flock(file, LOCK_EX)) != 0 && errno == EINTR) continue;
    const lowbit_status status = locked == 0 ? save_locked(w, path, error) : lb_fail_io(error, "lock", lock);
    close(file); /* unlocks */
    return status;
}
