/* SPDX-License-Identifier: Apache-2.0 */
/* How wisdom is kept: lines of text as they stand in a file, sorted, each with what it says; and an index of the
 * decisions that can be used here. What a line says and what became of it depends on its text and the machine alone, so
 * that wisdom is a set of lines, and merging is taking the better one of each key.
 *
 *     wisdom.c        the store: making, asking, putting      wisdom_list.c  sorted lines: merging, forgetting
 *     wisdom_line.c   one line: reading and writing           wisdom_plan.c  the words of a decision
 *     wisdom_text.c   whole texts                             wisdom_file.c  files
 *     wisdom_look.c   looking at lines, forgetting */
#ifndef LOWBIT_TUNER_WISDOM_STORE_H_
#define LOWBIT_TUNER_WISDOM_STORE_H_

#include <pthread.h>

#include "kernels/base/ctx.h"
#include "kernels/ukernels.h"
#include "tuner/wisdom.h"

/* The longest line with its end, and the longest file. */
enum { LB_WISDOM_LINE = 1024, LB_WISDOM_FILE = 64 << 20 };

#define LB_WISDOM_HEADER "lowbit-wisdom 1"

/* Where the name of a rate, and the problem of a decision, begin in their lines. */
enum { LB_WISDOM_NAME_AT = sizeof "fact 0123456789abcdef" };
_Static_assert(sizeof "fact" == sizeof "plan", "both begin at one place");

/* What tells decisions apart, as numbers; up to LB_TUPLE_CLASS what lb_wisdom_nearest wants the same, up to
 * LB_TUPLE_SHAPE all but M. */
enum { LB_TUPLE_CLASS = 10, LB_TUPLE_SHAPE = 15, LB_TUPLE = 16 };

typedef struct lb_wisdom_rate {
    size_t count;
    double values[LB_FACT_VALUES];
    int64_t day;
} lb_wisdom_rate;

/* A line of a file. Without memory of its own while it is being read: `text` is what follows in an allocated one. */
typedef struct lb_wisdom_line {
    uint32_t kind;     /* LOWBIT_WISDOM_MACHINE, ... in the order of a file */
    uint32_t state;    /* LOWBIT_WISDOM_USABLE, ... */
    uint32_t length;   /* bytes of the text, without the line end */
    uint32_t key;      /* bytes of it, from its beginning, that name what it is about */
    uint64_t machine;  /* whose it is */
    uint64_t evidence; /* of two lines with one key and state the one with more stays */
    union {
        lb_wisdom_entry plan; /* kernel NULL where this build has none of that name */
        lb_wisdom_rate rate;
    };
    int64_t tuple[LB_TUPLE]; /* usable decisions */
    char text[];
} lb_wisdom_line;

typedef struct lb_wisdom_list {
    lb_wisdom_line **at;
    size_t count, room;
} lb_wisdom_list;

typedef struct lb_wisdom_kernel {
    char name[LB_KERNEL_NAME];
    lb_kernel_ref ref;
    size_t index; /* in the table */
} lb_wisdom_kernel;

struct lowbit_wisdom {
    const lowbit_ctx *ctx;
    pthread_rwlock_t lock;
    uint64_t machine;             /* hash of this machine's identity */
    lb_wisdom_kernel *kernels;    /* of this build, sorted by name */
    const lb_wisdom_line **rates; /* of kernel `index`, or NULL */
    size_t kernel_count;
    lb_wisdom_list lines; /* sorted by machine, kind, key and state; one line of each */
    lb_wisdom_list plans; /* usable decisions among them, sorted by tuple */
    lb_wisdom_list gone;  /* forgotten and replaced ones, sorted as text: a file cannot bring them back */
};

/* ---- wisdom.c ---- */

void lb_wisdom_lock_to_read(const lowbit_wisdom *wisdom);
void lb_wisdom_unlock(const lowbit_wisdom *wisdom);

/* ---- wisdom_list.c ---- */

/* Makes room for so many lines. False without memory, with nothing changed. */
bool lb_wisdom_reserve(const lowbit_ctx *ctx, lb_wisdom_list *list, size_t room);

/* Adds a copy of a line that was read, with its text, at the end. False without memory, with nothing changed. */
bool lb_wisdom_push(const lowbit_ctx *ctx, lb_wisdom_list *list, const lb_wisdom_line *line, const char *text);

/* Frees the array; and with what it points to. */
void lb_wisdom_release(const lowbit_ctx *ctx, lb_wisdom_list *list);
void lb_wisdom_free_list(const lowbit_ctx *ctx, lb_wisdom_list *list);

/* How lines of a batch meet those of the same key and state that are there. */
enum {
    LB_MERGE_BETTER = 0, /* the better one stays */
    LB_MERGE_FILE = 1,   /* the same, but what has gone does not come back */
    LB_MERGE_REPLACE = 2 /* the new one stays, the old one goes */
};

/* Takes the lines of the batch, which is empty then. Changes nothing without memory. The caller holds no lock. */
lowbit_status lb_wisdom_merge(lowbit_wisdom *wisdom, lb_wisdom_list *batch, uint32_t how, lowbit_error *error);

/* Makes the index anew, for which there is room, and sorts what has gone. The caller holds the lock. */
void lb_wisdom_index(lowbit_wisdom *wisdom);

/* Whether a line is that of a machine of which nothing else is known: such are not told. */
bool lb_wisdom_is_lonely(const lb_wisdom_list *lines, size_t index);

/* This machine's rate of that name, or NULL. The caller holds the lock. */
const lb_wisdom_line *lb_wisdom_rate_of(const lowbit_wisdom *wisdom, const char *name);

/* First decision of the index that is not before `tuple`, by the first `count` numbers of it. */
size_t lb_wisdom_lower_bound(const lb_wisdom_list *plans, const int64_t *tuple, size_t count);
int lb_wisdom_compare_tuples(const int64_t *a, const int64_t *b, size_t count);

/* ---- wisdom_text.c ---- */

/* lowbit_wisdom_import, by one of the ways above. */
lowbit_status lb_wisdom_take(lowbit_wisdom *wisdom, const char *text, size_t length, uint32_t how,
                             lowbit_wisdom_report *report, lowbit_error *error);

lowbit_status lb_wisdom_check_report(const lowbit_wisdom_report *report, lowbit_error *error);

/* The whole text with its zero in memory of the context, or NULL. */
char *lb_wisdom_new_text(const lowbit_wisdom *wisdom, size_t *bytes);

/* ---- wisdom_line.c ---- */

/* Reads a line without its end, "KIND ID ... sum=XXXXXXXX", into `line`, all but its text. False where it is bad, with
 * the reason. */
bool lb_wisdom_read_line(const lowbit_wisdom *wisdom, const char *text, size_t length, lb_wisdom_line *line,
                         const char **reason);

/* Writes a line of this machine, with its sum; returns its length, 0 where it does not fit. */
size_t lb_wisdom_print_machine(const lowbit_wisdom *wisdom, char text[LB_WISDOM_LINE]);
size_t lb_wisdom_print_plan(const lowbit_wisdom *wisdom, const lb_wisdom_entry *entry, char text[LB_WISDOM_LINE]);
size_t lb_wisdom_print_rate(const lowbit_wisdom *wisdom, const char *name, const double *values, size_t count,
                            int64_t day, char text[LB_WISDOM_LINE]);

/* Takes the words of a line one after the other; they end with a zero byte each. */
typedef struct lb_words {
    char *at, *end;
} lb_words;

/* The next word, or NULL at the end. One that is empty is one too. */
char *lb_next_word(lb_words *words);

/* ---- wisdom_plan.c ---- */

/* Writes " threads=... date=..." behind what is there; false where it does not fit. */
bool lb_wisdom_print_words(const lb_wisdom_entry *entry, char *text, size_t size, size_t *used);

/* Reads the words behind the problem. *known is set to false by one that this version has no meaning for. */
bool lb_wisdom_read_words(const lowbit_wisdom *wisdom, lb_words *words, lb_wisdom_entry *entry, bool *known,
                          const char **reason);

/* Whether the library would compute right by it: damaged wisdom must do no harm. */
bool lb_wisdom_is_legal(const lowbit_ctx *ctx, const lb_wisdom_entry *entry);

void lb_wisdom_tuple(const lowbit_problem *problem, uint32_t threads, uint32_t pool, int64_t tuple[LB_TUPLE]);

#endif
