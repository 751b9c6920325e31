/* SPDX-License-Identifier: Apache-2.0 */
/* What wisdom refuses; and that a call without memory changes nothing of it. */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/refusals.h"
#include "tests/wisdom.h"

#define TEXT "lowbit-wisdom 1\n"
#define IMPORT(text, length) lowbit_wisdom_import(s.wisdom, text, length, &s.out->report, s.error)
#define EXPORT(text, size) lowbit_wisdom_export(s.wisdom, text, size, NULL, s.error)
#define LOAD(path) lowbit_wisdom_load(s.wisdom, path, &s.out->report, s.error)
#define FORGET(what) lowbit_wisdom_forget(s.wisdom, NULL, what, &s.out->bytes, s.error)
#define GET(index) lowbit_wisdom_get(s.wisdom, index, &s.out->line, s.error)
void subject_refusals_wisdom(void) {
    scene_open();
    REFUSE(INVALID, s.ctx = NULL, lowbit_wisdom_create(s.ctx, &s.out->wisdom, s.error))
    REFUSE(INVALID, NOTHING, lowbit_wisdom_create(s.ctx, NULL, s.error))
    REFUSE(INVALID, s.wisdom = NULL, IMPORT(TEXT, sizeof TEXT - 1))
    REFUSE(INVALID, NOTHING, IMPORT(NULL, 0))
    REFUSE(INVALID, s.out->report.struct_size = 0, IMPORT(TEXT, sizeof TEXT - 1))
    REFUSE(INVALID, s.out->report.struct_size -= 8, IMPORT(TEXT, sizeof TEXT - 1))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, IMPORT(TEXT, sizeof TEXT - 3))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, IMPORT("", 0))
    REFUSE(INVALID, s.wisdom = NULL, EXPORT(s.out->text, sizeof s.out->text))
    REFUSE(INVALID, NOTHING, EXPORT(NULL, 1))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, EXPORT(s.out->text, sizeof TEXT - 1))
    REFUSE(INVALID, s.wisdom = NULL, LOAD("/"))
    REFUSE(INVALID, NOTHING, LOAD(NULL))
    REFUSE(INVALID, s.out->report.struct_size = 0, LOAD("/"))
    REFUSE(LOWBIT_NOT_FOUND, NOTHING, LOAD(""))
    REFUSE(LOWBIT_NOT_FOUND, NOTHING, LOAD("/no such folder/no such file"))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, LOAD("/"))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, LOAD("/dev/zero"))
    REFUSE(INVALID, s.wisdom = NULL, lowbit_wisdom_save(s.wisdom, "/no such folder/wisdom", s.error))
    REFUSE(INVALID, NOTHING, lowbit_wisdom_save(s.wisdom, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_wisdom_save(s.wisdom, "", s.error))
    REFUSE(LOWBIT_IO, NOTHING, lowbit_wisdom_save(s.wisdom, "/no such folder/wisdom", s.error))
    REFUSE(INVALID, s.wisdom = NULL, lowbit_wisdom_size(s.wisdom, &s.out->bytes, &s.out->step_m, s.error))
    REFUSE(INVALID, s.wisdom = NULL, GET(0))
    REFUSE(INVALID, NOTHING, lowbit_wisdom_get(s.wisdom, 0, NULL, s.error))
    REFUSE(INVALID, s.out->line.struct_size = 0, GET(0))
    REFUSE(INVALID, s.out->line.struct_size -= 8, GET(0))
    REFUSE(INVALID, NOTHING, GET(-1))
    REFUSE(LOWBIT_NOT_FOUND, NOTHING, GET(0))
    REFUSE(LOWBIT_NOT_FOUND, NOTHING, GET(INT64_MAX))
    REFUSE(INVALID, s.wisdom = NULL, FORGET(LOWBIT_FORGET_PLANS))
    REFUSE(INVALID, NOTHING, FORGET(0))
    REFUSE(INVALID, NOTHING, FORGET(16))
    REFUSE(INVALID, NOTHING, FORGET(LOWBIT_FORGET_PLANS | 1u << 31))
    scene_close();
}

/* ---- memory ---- */

static lowbit_status import_small(lowbit_wisdom *w, const char *text, const lb_wisdom_entry *entry) {
    (void)entry;
    return lowbit_wisdom_import(w, text, strlen(text), NULL, NULL);
}
static lowbit_status put(lowbit_wisdom *w, const char *text, const lb_wisdom_entry *entry) {
    (void)text;
    return lb_wisdom_put(w, entry, NULL);
}
static lowbit_status forget(lowbit_wisdom *w, const char *text, const lb_wisdom_entry *entry) {
    (void)text;
    (void)entry;
    return lowbit_wisdom_forget(w, NULL, LOWBIT_FORGET_PLANS, NULL, NULL);
}

/* Each allocation of a call fails in turn: the wisdom says what it said. */
void subject_wisdom_memory(void) {
    static lowbit_status (*const kCalls[])(lowbit_wisdom * w, const char *text, const lb_wisdom_entry *entry) = {
        import_small, put, forget};
    ledger book;
    const lowbit_allocator allocator = ledger_allocator(&book);
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.allocator = &allocator;
    CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK);
    lowbit_wisdom *w = wisdom_small(ctx);
    lb_wisdom_entry entry = wisdom_entry(ctx, "i4g32a8:m1n64k128", 2);
    entry.samples = 99;
    char *before = wisdom_text(w), *other = wisdom_of_other(before);
    for (size_t c = 0; c < sizeof kCalls / sizeof *kCalls; c++) {
        lowbit_status status = LOWBIT_NO_MEMORY;
        for (int fail = 0; status != LOWBIT_OK && fail < 60; fail++) {
            check_context("call %zu without allocation %d", c, fail);
            const int64_t live = book.live;
            book.fail_at = book.allocations + fail;
            status = kCalls[c](w, other, &entry);
            book.fail_at = -1;
            char *now = wisdom_text(w);
            CHECK((status == LOWBIT_OK) == (strcmp(before, now) != 0));
            CHECK(status == LOWBIT_OK ? fail > 0 : status == LOWBIT_NO_MEMORY && book.live == live);
            if (status == LOWBIT_OK) strcpy(before = realloc(before, strlen(now) + 1), now);
            free(now);
        }
        CHECK(status == LOWBIT_OK);
    }
    free(before);
    free(other);
    lowbit_wisdom_destroy(w);
    lowbit_ctx_destroy(ctx);
    CHECK(book.live == 0 && book.wrong == 0);
}
