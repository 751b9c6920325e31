/* SPDX-License-Identifier: Apache-2.0 */
/* GLUE's files: any bytes. Rows that are taken lie inside, hold no tab and no end of line, and have a label of the
 * task.
 *
 * The first byte of an input is the number of the task, or one past the last: by the header. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/tsv.h"
#include "tests/fuzz/fuzz.h"

static void check_text(lb_text text, const uint8_t *data, size_t size) {
    if (!text.bytes) return;
    const uint8_t *at = (const uint8_t *)text.bytes;
    fuzz_require(at >= data && text.length <= size && (size_t)(at - data) <= size - text.length, "texts lie inside");
    fuzz_require(text.length == 0 || (!memchr(at, '\t', text.length) && !memchr(at, '\n', text.length)),
                 "and in one column");
}

static void check_row(const lb_glue_task *task, const lb_glue_row *row, const uint8_t *data, size_t size) {
    check_text(row->first, data, size);
    check_text(row->second, data, size);
    fuzz_require(row->second.length == 0 || task->second, "single sentences are single");
    const double limit = task->classes > 0 ? task->classes - 1 : task->most;
    fuzz_require(row->label >= 0 && row->label <= limit, "a label within the task's");
    fuzz_require(task->classes == 0 || row->label == floor(row->label), "of whole classes");
}

static size_t tasks(void) {
    size_t count = 0;
    while (lb_glue_task_at(count)) count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lb_glue glue;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (size < 1) return 0;
    const lb_glue_task *task = lb_glue_task_at(data[0] % (tasks() + 1));
    if (lb_glue_parse(data + 1, size - 1, task ? task->name : NULL, &glue, &error) == LOWBIT_OK) {
        fuzz_require(glue.count > 0 && glue.task && (!task || glue.task == task), "rows of the task");
        for (int64_t i = 0; glue.task && i < glue.count; i++) check_row(glue.task, &glue.rows[i], data, size);
        lb_glue_close(&glue);
    } else {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
    }
    return 0;
}

/* A file of each task with all its columns and two rows, by name and by header. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    const lb_glue_task *task = lb_glue_task_at(index / 2);
    if (!task) return 0;
    const char *label = task->classes > 0 ? task->words[task->classes - 1] : "3.25";
    const int written =
        snprintf((char *)data + 1, room - 1, "%s\t%s\tmore\t%s\nA \"b.\t%s\t\t%s\r\nC\t%s\t.\t%s\n", task->first,
                 task->label, task->second ? task->second : "none", label, "D", label, "E");
    fuzz_require(written > 0 && (size_t)written < room - 1, "room for a seed");
    data[0] = (uint8_t)(index % 2 ? index / 2 : tasks());
    return 1 + (size_t)written;
}
