/* SPDX-License-Identifier: Apache-2.0 */
/* Small transformers with made-up weights, one of each kind that there is: among them they have every layer of
 * sequences. */
#ifndef LOWBIT_TESTS_SEQUENCE_NETS_H_
#define LOWBIT_TESTS_SEQUENCE_NETS_H_

#include "nn/graph.h"

enum { SEQUENCE_VOCABULARY = 50, SEQUENCE_POSITIONS = 24, SEQUENCE_SIDE = 16 };

typedef struct sequence_net {
    const char *name;
    void (*build)(lb_graph *graph);
    bool texts;      /* else images of SEQUENCE_SIDE squared */
    bool remembers;  /* causal, and of the last token or of every one: what a decoder may be */
    int64_t outputs; /* of a sequence, or by token */
} sequence_net;

extern const sequence_net sequence_nets[];
extern const size_t sequence_net_count;

/* The fused graph. */
lowbit_status sequence_net_make(const sequence_net *net, bool fuse, lb_graph *graph, lowbit_error *error);

#endif
