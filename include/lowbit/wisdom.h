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

/* Kinds of lines, in the order in which those of a machine are told. */
enum {
    LOWBIT_WISDOM_MACHINE = 0, /* who a machine is */
    LOWBIT_WISDOM_RATE = 1,    /* a rate that was measured on it */
    LOWBIT_WISDOM_PLAN = 2     /* a decision */
};

/* What became of a line. */
enum {
    LOWBIT_WISDOM_USABLE = 0, /* plans of this context may use it */
    LOWBIT_WISDOM_STALE = 1, /* of this machine, but with a kernel that this build does not have, or for another version
                                of the library: kept, not used */
    LOWBIT_WISDOM_FOREIGN = 2 /* of another machine: kept, not used */
};

enum { LOWBIT_WISDOM_VALUES = 6 };

#ifdef __cplusplus
}
#endif
#endif
