/* SPDX-License-Identifier: Apache-2.0 */
/* Other libraries, timed in turn with ours on the same numbers. Each is optional: the build takes those that it finds.
 *
 * A peer is a library, a way one of its paths: a type of weights and the call that multiplies them. A peer's file
 * defines `const lb_peer lb_peer_NAME` and knows neither lowbit's pool nor the clock. Everything in it runs in a child
 * process of its own (bench/isolate.h), one child for each way: a library may crash, hang, start threads, or set what
 * is global, but never needs to clean up after itself beyond `destroy`. Nothing is called before the fork but `version`
 * and `takes`, and these must not start threads. */
#ifndef LOWBIT_BENCH_PEERS_PEERS_H_
#define LOWBIT_BENCH_PEERS_PEERS_H_

#include <stdbool.h>
#include <stddef.h>

#include "lowbit/gemm.h"

/* The same numbers for every peer: out[m][n] = a[m][k] * w[n][k]^T, dense. All memory lives longer than the state. */
typedef struct lb_peer_work {
    const lowbit_problem *problem;
    int64_t m, n, k;
    uint32_t threads;      /* that the library may use: no more, no less */
    size_t copies;         /* of the packed weights: 1 = warm; more = cold calls walk through them */
    const float *a, *w;    /* w: the values that our weights stand for */
    const int8_t *a8, *w8; /* i8a8 with tensor or row scales: codes a8[m][k] in -127..127 and w8[n][k]; else NULL */
    void *out;             /* m * n elements of 4 bytes: what the way says */
} lb_peer_work;

enum { LB_PEER_REASON = 160 };

/* One way in which a library multiplies: a type of weights on a path. */
typedef struct lb_peer_way {
    const char *name; /* "s8s8", "q4_0", "q4_0 repack", "MatMulNBits 4 b32": at most 23 characters */
    bool exact;       /* out is int32_t: exactly the sums of a8 * w8. Else floats: */
    double tolerance; /* |out - want| <= tolerance * sum |a| |w| for each element, want being computed in double */

    /* Whether it multiplies weights and activations of that kind; of the build and the CPU it knows nothing. */
    bool (*takes)(const lowbit_problem *problem);

    /* Untimed: starts the library with work->threads threads and packs work->copies copies of the weights, each in
     * memory of its own. NULL: it cannot, and `reason` says why not in one line. */
    void *(*create)(const lb_peer_work *work, char reason[LB_PEER_REASON]);

    /* One product into work->out with copy number `copy`, finished when it returns. false: it failed. */
    bool (*run)(void *state, size_t copy);

    /* w[n][k]: what the first copy really multiplies by, after the library's own quantization. NULL = work->w. */
    void (*weights)(const void *state, float *w);

    void (*destroy)(void *state);

    uint32_t bits; /* of a packed weight, scales left out: so many copies are made that they fill a ring of 1 GiB */

    /* Untimed, after a product that shall be checked: brings the library's own kind of output (codes of 8 bits, say)
     * into work->out. NULL = `run` has written it. */
    void (*finish)(void *state);
} lb_peer_way;

typedef struct lb_peer {
    const char *name;             /* as --peers names it: "onednn", "xnnpack", "openblas", "ggml", "onnxruntime" */
    const char *(*version)(void); /* static text: "3.12.1" */
    const lb_peer_way *ways;
    size_t way_count;
} lb_peer;

/* The names that --peers knows, whether this build has them or not: NULL past the end. */
const char *lb_peer_name(size_t index);

/* The peer of that name; NULL where this build lacks it. */
const lb_peer *lb_peer_at(size_t index);

/* What ways ask of a problem that is comparable at all: whether its sums are integers of codes, a8 and w8 of the work;
 * whether it goes from rows of floats, quantized in the call or not, to floats. */
bool lb_peer_has_codes(const lowbit_problem *problem);
bool lb_peer_is_of_floats(const lowbit_problem *problem);

#endif
