/* SPDX-License-Identifier: Apache-2.0 */
/* Wisdom: decisions that tuning has made on a machine, and rates that it has measured there, as lines of text that are
 * kept, shared and merged.
 *
 *     lowbit_wisdom_create(ctx, &wisdom, ...)              empty
 *     lowbit_wisdom_load(wisdom, path, NULL, ...)          LOWBIT_NOT_FOUND: the first time there is no file yet
 *     options.wisdom = wisdom; lowbit_plan_create(...)     plans ask it, and tell it what they measure
 *     lowbit_wisdom_save(wisdom, path, ...)                keeps what other processes have saved meanwhile
 *
 * The key of a decision is the machine (CPU, levels that the context enables, caches, cores, guest or not), the problem
 * with its M, the threads that were offered, and whose pool they were of. Wisdom of other machines is kept, carried
 * along and never used, so that one file may serve a fleet. docs/wisdom.md has the file line by line.
 *
 * Any bytes may be read: every line has a checksum, and what is not understood or not legal is not used. The worst that
 * wrong wisdom can do is to make a product slow. The library chooses no path and makes no folder.
 *
 * Threads: any number of them may use one wisdom at once, but to destroy it. Memory is the context's. */
#ifndef LOWBIT_WISDOM_H_
#define LOWBIT_WISDOM_H_

#include "lowbit/context.h"
#include "lowbit/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lowbit_wisdom lowbit_wisdom;

/* Makes an empty wisdom of the context's machine. ctx must outlive it. Release it with lowbit_wisdom_destroy. */
LOWBIT_API lowbit_status lowbit_wisdom_create(const lowbit_ctx *ctx, lowbit_wisdom **wisdom, lowbit_error *error);

/* Frees it; nothing is saved. NULL is a no-op. Plans that were made with it go on. */
LOWBIT_API void lowbit_wisdom_destroy(lowbit_wisdom *wisdom);

/* ---- Texts and files ------------------------------------------------------------------------------------------- */

/* What became of the decisions and rates of a text. Filled by a call that succeeds. */
typedef struct lowbit_wisdom_report {
    uint32_t struct_size;
    int64_t accepted;       /* plans of this context may use them */
    int64_t stale;          /* of this machine, but this build has no such kernel, or they are not legal for it: kept */
    int64_t foreign;        /* of other machines: kept */
    int64_t bad;            /* damaged, or not understood: dropped; lines about machines count here alone */
    int64_t first_bad_line; /* 1 = the first line of the text; 0 = none */
    char reason[128];       /* why that one is bad; else empty */
} lowbit_wisdom_report;

/* Takes the lines of a text of `length` bytes, which need not end with a zero.
 *
 * report  may be NULL. Bad lines are no error: they are counted
 *
 * Of two decisions with one key the better founded stays: the one of the greater effort, then of the later date, then
 * of more samples, then the one whose line sorts later; of two rates the later. So it does not matter in which order
 * texts are taken, how often, or in how many steps: merging is commutative, associative and idempotent.
 *
 * LOWBIT_BAD_FORMAT: the first line is not "lowbit-wisdom 1"; nothing is taken then, nor without memory. */
LOWBIT_API lowbit_status lowbit_wisdom_import(lowbit_wisdom *wisdom, const char *text, size_t length,
                                              lowbit_wisdom_report *report, lowbit_error *error);

/* Writes all lines, sorted, and a terminating zero: the same bytes for the same knowledge.
 *
 * text    `size` bytes; NULL with size 0 asks for the size alone
 * needed  receives the bytes that it takes with the zero, also where the call says LOWBIT_TOO_SMALL; may be NULL */
LOWBIT_API lowbit_status lowbit_wisdom_export(const lowbit_wisdom *wisdom, char *text, size_t size, size_t *needed,
                                              lowbit_error *error);

/* lowbit_wisdom_import of a file, at any time: files are replaced as a whole.
 *
 * LOWBIT_NOT_FOUND: there is none, as before the first save. LOWBIT_BAD_FORMAT: no regular file, more than 64 MiB, or
 * no wisdom of this version. LOWBIT_IO: it cannot be read. */
LOWBIT_API lowbit_status lowbit_wisdom_load(lowbit_wisdom *wisdom, const char *path, lowbit_wisdom_report *report,
                                            lowbit_error *error);

/* Writes a file, with all that it held: any number of processes may save to one file, and load it, at any moment.
 *
 * What the file holds is taken first, as lowbit_wisdom_load does (and stays, also if the call fails later); but what
 * this wisdom has replaced or forgotten does not come back. Then PATH.tmp is written and takes the place of the file,
 * so that one who reads, or loses power, finds the old file or the new one. Meanwhile PATH.lock is locked (flock; waits
 * for others); that file remains. Bad lines do not survive, and the logger hears of them. The file's mode stays.
 *
 * LOWBIT_BAD_FORMAT: the file exists and is no wisdom of this version, and not empty either: it is left alone.
 * LOWBIT_IO: the folder is missing, the disk is full, ...: the file is as it was. */
LOWBIT_API lowbit_status lowbit_wisdom_save(lowbit_wisdom *wisdom, const char *path, lowbit_error *error);

/* ---- Looking and forgetting ------------------------------------------------------------------------------------ */

/* Kinds of lines, in the order in which those of a machine are told. */
enum {
    LOWBIT_WISDOM_MACHINE = 0, /* who a machine is */
    LOWBIT_WISDOM_RATE = 1,    /* a rate that was measured on it */
    LOWBIT_WISDOM_PLAN = 2     /* a decision */
};

/* What became of a line; lowbit_wisdom_report says what they mean. */
enum { LOWBIT_WISDOM_USABLE = 0, LOWBIT_WISDOM_STALE = 1, LOWBIT_WISDOM_FOREIGN = 2 };

enum { LOWBIT_WISDOM_VALUES = 6 };

/* One line. Times are seconds of one product. */
typedef struct lowbit_wisdom_info {
    uint32_t struct_size;
    uint32_t kind;    /* LOWBIT_WISDOM_MACHINE, ... */
    uint32_t state;   /* LOWBIT_WISDOM_USABLE, ... */
    char machine[20]; /* its ID: 16 hexadecimal digits */
    char name[96];    /* the CPU's name with '_' for blanks; the name of a rate; the problem string */
    char date[12];    /* "2026-11-29"; of machines "" */
    /* Of decisions: */
    char kernel[48];       /* its name */
    uint32_t threads;      /* of the pool that was offered */
    uint32_t uses;         /* threads that the decision takes of it */
    uint32_t foreign_pool; /* 1 = the caller brought the pool */
    uint32_t effort;       /* LOWBIT_ESTIMATE, ... LOWBIT_EXHAUSTIVE */
    double median_s;       /* what a product took */
    double low_s, high_s;  /* a tenth of the samples was faster, a tenth slower */
    double estimate_s;     /* what the choice of LOWBIT_ESTIMATE took; 0 = not known */
    uint32_t samples;      /* of each of the last candidates */
    uint32_t tried;        /* candidates that were timed */
    uint32_t noisy;        /* 1 = the machine was not quiet */
    /* Of rates: */
    uint32_t value_count;
    double values[LOWBIT_WISDOM_VALUES];
} lowbit_wisdom_info;

/* Counts lines. usable: decisions that plans of this context may use; all: lines of every kind and machine. Either may
 * be NULL. */
LOWBIT_API lowbit_status lowbit_wisdom_size(const lowbit_wisdom *wisdom, int64_t *usable, int64_t *all,
                                            lowbit_error *error);

/* Describes line `index`, 0 .. all - 1, in the order of lowbit_wisdom_export. LOWBIT_NOT_FOUND past the end. Another
 * thread that tells the wisdom something meanwhile moves the indices. */
LOWBIT_API lowbit_status lowbit_wisdom_get(const lowbit_wisdom *wisdom, int64_t index, lowbit_wisdom_info *info,
                                           lowbit_error *error);

/* What is to be forgotten; they add up. */
enum {
    LOWBIT_FORGET_PLANS = 1,  /* decisions of this machine, stale ones included */
    LOWBIT_FORGET_STALE = 2,  /* stale ones alone */
    LOWBIT_FORGET_RATES = 4,  /* rates of this machine */
    LOWBIT_FORGET_FOREIGN = 8 /* decisions and rates of other machines */
};

/* Forgets decisions and rates.
 *
 * pattern    of problem strings and names of rates, as file names in a shell: "i4*:m1n*"; NULL = all
 * what       LOWBIT_FORGET_*, one at least
 * forgotten  receives their number; may be NULL
 *
 * A line that was forgotten does not come back from a file by lowbit_wisdom_save, so that load, forget, save takes it
 * out of a file. It does come back by import and load. */
LOWBIT_API lowbit_status lowbit_wisdom_forget(lowbit_wisdom *wisdom, const char *pattern, uint32_t what,
                                              int64_t *forgotten, lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
