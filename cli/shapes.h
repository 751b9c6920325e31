/* SPDX-License-Identifier: Apache-2.0 */
/* Problems that a command is given: words, built-in sets, files of sets. bench/shapes/README.md has the notation. */
#ifndef LOWBIT_CLI_SHAPES_H_
#define LOWBIT_CLI_SHAPES_H_

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"
#include "lowbit/gemm.h"

enum { LB_SHAPE_NAME = 32, LB_SHAPES_MOST = 10000 };

typedef struct lb_shape {
    lowbit_problem problem;     /* of a convolution, that of all its outputs */
    char text[LB_PROBLEM_TEXT]; /* as the library prints it */
    char set[LB_SHAPE_NAME];    /* where it comes from: "bert-large", "ffn-up"; "" = a word of the command, */
    char layer[LB_SHAPE_NAME];  /* a problem of a set that is no layer */
} lb_shape;

/* A list that grows up to LB_SHAPES_MOST. Starts as zeros but for what stands first; free it in any case. */
typedef struct lb_shapes {
    const char *formats; /* of layers, as "i8,b1a1"; NULL = those that their set names */
    const char *rows;    /* of layers that take as many as one likes, as "1,128"; NULL = the same */
    bool convs;          /* they are convolutions */
    lb_shape *list;
    size_t count, room;
} lb_shapes;

/* What the options of a command say. */
typedef struct lb_shapes_options {
    const char *sets;   /* "bert-large,my.txt": names of built-in sets, and files, which win; or NULL */
    const char *models; /* "bert-large,vit-b": built-in sets that have layers; or NULL */
    const char *formats, *rows;
    bool convs; /* the command is about convolutions */
} lb_shapes_options;

/* The rows of a table of options; `o` is a lb_shapes_options. */
#define LB_OPTION_SHAPES(o)                                                                                            \
    { "--shapes", "LIST", "sets of problems, by name or file; help lists them", LB_OPTION_TEXT, &(o).sets }
#define LB_OPTION_FORMATS(o)                                                                                           \
    {                                                                                                                  \
        "--format", "LIST", "of their layers: formats, as i8,i4g32,b1a1 (default: the set's)", LB_OPTION_TEXT,         \
            &(o).formats                                                                                               \
    }
#define LB_OPTION_ROWS(o)                                                                                              \
    { "--m", "LIST", "of their layers: rows where they are free (default: the set's)", LB_OPTION_TEXT, &(o).rows }

/* Prints what there is where the options ask for "help"; false where they do not. */
bool lb_shapes_help(const lb_shapes_options *options);

/* Fills the empty list with what a command is given: its words, then what its options say. None at all is an error.
 * Returns LB_EXIT_OK, or prints the reason, with the line of a set, and returns an exit code. */
int lb_shapes_collect(lb_shapes *shapes, const char *command, int count, char **words,
                      const lb_shapes_options *options);

/* Appends the layers of built-in sets, named as above. Returns as above. */
int lb_shapes_add_models(lb_shapes *shapes, const char *command, const char *models);

/* Appends all problems of a text with braces. */
lowbit_status lb_shapes_expand(lb_shapes *shapes, const char *set, const char *layer, const char *pattern,
                               lowbit_error *error);

/* Keeps the first one of those that are the same problem. */
void lb_shapes_unique(lb_shapes *shapes);

void lb_shapes_free(lb_shapes *shapes);

#endif
