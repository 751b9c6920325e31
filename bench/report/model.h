/* SPDX-License-Identifier: Apache-2.0 */
/* The results that a report is about: the rows of JSON files as plain structs.
 *
 * The files are those that `lowbit bench`, `lowbit tune` and `lowbit eval` write; docs/benchmarking.md, docs/tuning.md
 * and docs/models.md name their fields. What a file lacks is 0, false or "", so a row of an older build is a row with
 * gaps. Texts live in the JSON trees, which the report keeps; control characters in them have become blanks. */
#ifndef LOWBIT_BENCH_REPORT_MODEL_H_
#define LOWBIT_BENCH_REPORT_MODEL_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lowbit/types.h"

/* A limit of the machine, of `bench limits`. */
typedef struct lb_report_limit {
    const char *limit, *unit, *isa;
    int64_t width, bytes, threads;
    double best, median;
} lb_report_limit;

/* A product of `bench gemm` or `bench layers`: ours (impl "lowbit"), or a peer's. */
typedef struct lb_report_cell {
    const char *problem, *impl, *way, *version, *status, *reason, *verdict;
    const char *kernel, *isa, *source, *limit;
    char family[48]; /* the problem up to its sizes: "i4g32a8" */
    int64_t m, n, k, threads;
    bool cold, beside;
    double median_us, low_us, high_us, p10_us, p90_us;
    double gops, weight_gbs, share;
    int64_t weight_bytes;
    double ratio, ratio_low, ratio_high; /* of a peer: its time over ours */
    const json_t *samples;               /* all times, in microseconds; NULL where the file has none */
    size_t rank;                         /* of the family, by where it came first */
    bool ours;                           /* impl is "lowbit" */
    bool ok;                             /* its time counts: status "ok", or none */
    bool repeat;                         /* an earlier row says the same of the same problem: not in pictures */
} lb_report_cell;

/* An operation of `bench pack` at one size. */
typedef struct lb_report_pack {
    const char *op;
    int64_t bytes;
    double gbs, share, median_us;
} lb_report_pack;

/* A network by a recipe, with a batch and a number of threads, of `lowbit eval` or `bench network`. */
typedef struct lb_report_network {
    const char *model, *recipe, *format;
    char name[48];  /* the format; of a packed network, which has none, the rules of its recipe */
    int64_t images; /* that it was judged on, 0 = none */
    int64_t correct, payload_bytes, scale_bytes, rest_bytes, file_bytes, session_bytes, peak_rss_bytes, batch, threads;
    double accuracy, agreement, p50_us, p95_us, gops, share;
    bool compared; /* with floats: agreement is known */
    bool floats;   /* what the others are compared with */
    bool sized;    /* the first row of this network, recipe and number of images: bytes and accuracy are told once */
    bool repeat;   /* an earlier row has the same network, recipe, batch and threads: not in pictures */
} lb_report_network;

/* A network of which one layer is quantized, of `lowbit eval --sensitivity`; one row is of floats. */
typedef struct lb_report_layer {
    const char *model, *layer, *format;
    int64_t images, correct, payload_bytes;
    double accuracy;
} lb_report_layer;

/* What tuning has timed for a problem. */
typedef struct lb_report_candidate {
    const char *kernel;
    const json_t *blocks; /* knobs by name */
    int64_t uses, samples;
    double time_us, relative;
    bool by_rule;
} lb_report_candidate;

/* A problem of `lowbit tune`. */
typedef struct lb_report_tuned {
    const char *problem, *status, *kernel, *source;
    int64_t threads, uses, tried;
    double median_us, estimate_us, spent_s;
    lb_report_candidate *candidates;
    size_t candidate_count;
} lb_report_tuned;

typedef struct lb_report {
    const json_t *machine, *run; /* of the first file that has one; run may be NULL */
    json_t **files;              /* in the order of their names on the command line */
    size_t file_count;
    size_t family_count;
    lb_report_limit *limits;
    size_t limit_count;
    lb_report_cell *cells;
    size_t cell_count;
    lb_report_pack *packs;
    size_t pack_count;
    lb_report_tuned *tuned;
    size_t tuned_count;
    lb_report_network *networks;
    size_t network_count;
    lb_report_layer *layers;
    size_t layer_count;
} lb_report;

/* Adds the rows of a file, and takes the tree over, whatever comes of it. Start with zeros; release in any case.
 *
 * name    how errors call the file
 * file    what jansson read
 *
 * LOWBIT_UNSUPPORTED: another machine's file, a row that is of no known kind. LOWBIT_BAD_FORMAT: no such file at
 * all, a field that is no number or no text, sizes below 1, too many rows. After an error the report is only good for
 * lb_report_release. */
lowbit_status lb_report_add(lb_report *report, const char *name, json_t *file, lowbit_error *error);

/* After the last file: families are ranked, peers without a ratio get one from our row of the same problem, repeated
 * rows are marked. */
void lb_report_finish(lb_report *report);

/* Rows of all kinds. */
size_t lb_report_rows(const lb_report *report);

void lb_report_release(lb_report *report);

/* What kind of row this is, from the keys that it has: "limit", "gemm", "pack", "tune", "network" or
 * "layer"; NULL for another. */
const char *lb_report_kind(const json_t *row);

#endif
