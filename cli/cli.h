/* SPDX-License-Identifier: Apache-2.0 */
/* What every subcommand of the program `lowbit` shares: options, errors, contexts, progress, JSON.
 *
 * A subcommand is one file with `int lb_cmd_x(int argc, char **argv)` and one row in commands.inc. argv[0] is its name
 * ("bench gemm"). It describes its options in a table, lets lb_cli_parse read them, and returns an exit code. Standard
 * output carries results and nothing else; everything said to a person on the side goes to standard error. */
#ifndef LOWBIT_CLI_CLI_H_
#define LOWBIT_CLI_CLI_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/base/cpu_mask.h"
#include "lowbit/context.h"
#include "lowbit/pool.h"

/* Exit codes of the program. */
enum { LB_EXIT_OK = 0, LB_EXIT_FAILED = 1, LB_EXIT_USAGE = 2 };

#define COMMAND(function, name, help) int lb_cmd_##function(int argc, char **argv);
#include "cli/commands.inc"
#undef COMMAND

/* Prints "lowbit COMMAND: reason" on standard error and returns the code: `return lb_cli_error(LB_EXIT_FAILED, ...)`.
 * A usage error (LB_EXIT_USAGE) adds where the help is. */
int lb_cli_error(int code, const char *command, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed call of the library: prints the error's message, or the status where there is none. */
int lb_cli_failed(const char *command, lowbit_status status, const lowbit_error *error);

/* What an option's value becomes. */
typedef enum lb_option_kind {
    LB_OPTION_FLAG,    /* bool: present or not, takes no value */
    LB_OPTION_TEXT,    /* const char *: points into argv */
    LB_OPTION_COUNT,   /* int64_t >= 0, as lb_cli_size reads it */
    LB_OPTION_SECONDS, /* double > 0 */
    LB_OPTION_NUMBER,  /* double > 0, of something else */
    LB_OPTION_AMOUNT,  /* double >= 0 */
    LB_OPTION_HOLD,    /* a list of CPUs that the process is held to at once; no target */
} lb_option_kind;

typedef struct lb_option {
    const char *name;  /* "--json" */
    const char *value; /* how the help calls the value, "FILE|-"; NULL for a flag */
    const char *help;  /* one line */
    lb_option_kind kind;
    void *target; /* written only where the option is given, so its first value is the default */
} lb_option;

typedef struct lb_syntax {
    const char *usage; /* what follows the command's name in the usage line, "[--json FILE|-]" */
    const char *text;  /* the help's paragraph */
    const lb_option *options;
    size_t option_count;
    int min_words, max_words; /* arguments that are no options; max_words < 0 = any number */
} lb_syntax;

/* Reads the options, as `--name value` or `--name=value`, up to a `--`. On success argv[1 .. *argc - 1] are the words
 * that are left. Returns false where the command is done: help was asked for and printed, or the usage is wrong; *code
 * is then what to return. */
bool lb_cli_parse(int *argc, char **argv, const lb_syntax *syntax, int *code);

/* Room for a problem string, or that of a convolution. */
enum { LB_PROBLEM_TEXT = 192 };

/* "64", "4K", "1M", "2G" (powers of 1024) into *size, or false. */
bool lb_cli_size(const char *text, int64_t *size);

/* A list of thread counts, "1,2,all". "all" is usable_threads of the context's machine; duplicates are dropped. */
enum { LB_MAX_THREAD_LIST = 64, LB_MAX_THREADS = 4096 };
typedef struct lb_thread_list {
    size_t count;
    uint32_t threads[LB_MAX_THREAD_LIST];
} lb_thread_list;
bool lb_cli_threads(const char *text, const lowbit_ctx *ctx, lb_thread_list *list);

/* "i8,i4g32" cut at its commas; false for none, for an empty word, and for more than fit. The words point into `copy`.
 */
enum { LB_MAX_WORDS = 32 };
typedef struct lb_word_list {
    char copy[512];
    const char *list[LB_MAX_WORDS];
    size_t count;
} lb_word_list;
bool lb_cli_words(const char *text, lb_word_list *words);

/* "none", "compact", "spread" or a list of CPUs, "0,2,8-11", into the bind of the options; false for another word. The
 * CPUs are kept in `list`, which must live as long as the options. */
bool lb_cli_bind(const char *text, lowbit_pool_options *options, lb_cpu_list *list);

/* Holds the process to a list of CPUs, each of which it may use, as it does from now on and in all that it starts.
 * Returns LB_EXIT_OK, or prints the reason and returns the exit code. */
int lb_cli_hold_to_cpus(const char *command, const char *text);

/* Prints the machine code of a kernel, which needs not run here. Returns as above. */
int lb_cli_dump_asm(const char *command, const char *kernel);

/* A context for this command. isa: "avx2" leaves that level and scalar; NULL takes the environment's LOWBIT_ISA, and
 * without it every level. pretend: NULL = this machine; else the topology of another, and what it grants. Warnings go
 * to standard error. Returns LB_EXIT_OK, or prints the reason and returns the exit code. */
int lb_cli_context(const char *command, const char *isa, const lowbit_ctx_options *pretend, lowbit_ctx **ctx);

/* Destroys *pool, and makes it one of so many threads, by these options but for their number; of one thread it stays
 * empty. Returns as above. */
int lb_cli_pool(const char *command, const lowbit_ctx *ctx, uint32_t threads, const lowbit_pool_options *options,
                lowbit_pool *pool);

/* The rows of the options table that most commands have. */
#define LB_OPTION_ISA(target)                                                                                          \
    { "--isa", "NAME", "use this level and scalar alone (default: $LOWBIT_ISA, else all)", LB_OPTION_TEXT, (target) }
#define LB_OPTION_JSON(target)                                                                                         \
    { "--json", "FILE|-", "write JSON to FILE, or to standard output instead of the text", LB_OPTION_TEXT, (target) }

#define LB_OPTION_CPUS                                                                                                 \
    { "--cpu-list", "LIST", "run on these CPUs alone, as 0,2-5", LB_OPTION_HOLD, NULL }

/* One line on standard error that the next call replaces; nothing where standard error is no terminal. Clear it before
 * anything else is printed. */
void lb_cli_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lb_cli_progress_clear(void);

/* True for "--json -": the text table is then left out. */
bool lb_cli_json_only(const char *target);

/* Writes the value to a file or, for "-", to standard output, and releases it. `value` NULL (jansson had no memory) and
 * a write that fails are errors. Returns an exit code. */
int lb_cli_write_json(const char *command, const char *target, json_t *value);

/* A string of what comes from outside, a path or a text: bytes that are no UTF-8 become U+FFFD. NULL without memory. */
json_t *lb_cli_text_json(const char *text, size_t length);

/* Makes the folders on the way to a file. What cannot be made shows when the file is written. */
void lb_cli_make_folders(const char *path, unsigned mode);

/* What every JSON output says about the machine: the object of `lowbit info`. NULL without memory. */
json_t *lb_cli_machine_json(const lowbit_ctx *ctx);

/* What every measurement adds about its build and its moment: version, compiler, kernel, date, load average of the last
 * minute (-1 = unknown). NULL without memory. */
json_t *lb_cli_run_json(void);

/* "gcc 12.2.0": what compiled the program; static. */
const char *lb_cli_compiler(void);

#endif
