/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of packbits and unpackbits over the lines of an N-d array. Dimensions that lie behind each other in memory
 * are joined first; then there are three ways:
 *
 *   whole lines  the axis has step 1 on both sides: one call per line, or one for all if they join
 *   columns      another dimension has step 1 on both sides: its elements are the lanes
 *   gathered     neither: pieces of a line go through a small buffer */
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/bits.h"

enum { PIECE = 4096, PACKED_PIECE = PIECE / 8, STREAM_LINE = 1024 };

/* Joins neighbours where the outer step continues the inner one, and drops dimensions of one element. */
static int join_dims(lb_bits_dim *dims, int count) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (dims[i].extent == 1) continue;
        lb_bits_dim *outer = kept ? &dims[kept - 1] : NULL;
        if (outer && outer->in == dims[i].in * dims[i].extent && outer->out == dims[i].out * dims[i].extent) {
            *outer = (lb_bits_dim){outer->extent * dims[i].extent, dims[i].in, dims[i].out};
        } else {
            dims[kept++] = dims[i];
        }
    }
    return kept;
}

/* Largest steps outermost, so that arrays of any memory order are walked as they lie. */
static void sort_loops(lb_bits_dim *dims, int count) {
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && llabs(dims[j].in) > llabs(dims[j - 1].in); j--) {
            const lb_bits_dim swap = dims[j];
            dims[j] = dims[j - 1];
            dims[j - 1] = swap;
        }
}

/* The next element in C order: moves the pointers of both sides. False behind the last. */
static bool next(const lb_bits_dim *dims, int count, int64_t *index, const uint8_t **in, uint8_t **out) {
    for (int i = count; i-- > 0; index[i] = 0) {
        *in += dims[i].in;
        *out += dims[i].out;
        if (++index[i] < dims[i].extent) return true;
        *in -= dims[i].in * dims[i].extent;
        *out -= dims[i].out * dims[i].extent;
    }
    return false;
}

static void clear_index(int64_t *index, int count) {
    for (int i = 0; i < count; i++) index[i] = 0;
}

/* Reads the input's side of a line piece by piece. */
typedef struct reader {
    const lb_bits_walk *walk;
    const uint8_t *at;
    int64_t index[LOWBIT_BITS_MAX_DIMS];
} reader;

static void read_piece(reader *r, uint8_t *piece, int64_t count) {
    uint8_t *unused = piece; /* next() moves two sides, and dims of a line have no step on the second */
    for (int64_t i = 0; i < count; i++) {
        piece[i] = *r->at;
        next(r->walk->line, r->walk->line_dims, r->index, &r->at, &unused);
    }
}

static void write_piece(uint8_t *out, int64_t step, const uint8_t *piece, int64_t count) {
    for (int64_t i = 0; i < count; i++) out[i * step] = piece[i];
}

static void pack_gathered(const lb_bits_walk *w, const uint8_t *in, uint8_t *out) {
    uint8_t piece[PIECE], packed[PACKED_PIECE];
    reader r = {.walk = w, .at = in};
    for (int64_t i = 0; i < w->length; i += PIECE) {
        const int64_t count = lb_min(PIECE, w->length - i);
        read_piece(&r, piece, count);
        w->ops->pack_bits(piece, (size_t)count, packed, w->order);
        write_piece(out + i / 8 * w->out_step, w->out_step, packed, lb_div_up(count, 8));
    }
}

static void unpack_gathered(const lb_bits_walk *w, const uint8_t *in, uint8_t *out) {
    uint8_t piece[PIECE], packed[PACKED_PIECE];
    reader r = {.walk = w, .at = in};
    for (int64_t i = 0; i < w->length; i += PIECE) {
        const int64_t count = lb_min(PIECE, w->length - i);
        read_piece(&r, packed, lb_div_up(count, 8));
        w->ops->unpack_bits(packed, piece, (size_t)count, w->order, 0);
        write_piece(out + i * w->out_step, w->out_step, piece, count);
    }
}

static void pack_line(const lb_bits_walk *w, const uint8_t *in, uint8_t *out) {
    w->ops->pack_bits(in, (size_t)w->length, out, w->order);
}

static void unpack_line(const lb_bits_walk *w, const uint8_t *in, uint8_t *out) {
    w->ops->unpack_bits(in, out, (size_t)w->length, w->order, w->stream && w->length >= STREAM_LINE);
}

/* Takes a dimension with step 1 on both sides out of the loops: the columns. */
static lb_bits_rows take_columns(lb_bits_walk *w) {
    for (int i = 0; i < w->loop_dims && w->line_dims == 1; i++) {
        if (w->loops[i].in != 1 || w->loops[i].out != 1) continue;
        const lb_bits_rows rows = {.in_stride = w->line[0].in,
                                   .out_stride = w->out_step,
                                   .columns = (size_t)w->loops[i].extent,
                                   .length = (size_t)w->length,
                                   .order = w->order,
                                   .stream = w->stream};
        w->loop_dims--;
        memmove(w->loops + i, w->loops + i + 1, (size_t)(w->loop_dims - i) * sizeof w->loops[0]);
        return rows;
    }
    return (lb_bits_rows){.columns = 0};
}

typedef void (*line_fn)(const lb_bits_walk *w, const uint8_t *in, uint8_t *out);
typedef void (*rows_fn)(const lb_bits_rows *rows);

/* Elements that the input does not reach, of one line or of all columns. */
static void put_zeros(const lb_bits_walk *w, uint8_t *out, size_t columns) {
    if (w->zeros > 0 && columns == 1 && w->out_step == 1) {
        memset(out + w->length, 0, (size_t)w->zeros);
        return;
    }
    for (int64_t i = 0; i < w->zeros; i++) memset(out + (w->length + i) * w->out_step, 0, columns);
}

static void run(lb_bits_walk *w, line_fn whole, line_fn gathered, rows_fn of_rows) {
    const bool lines = w->line_dims == 1 && w->line[0].in == 1 && w->out_step == 1;
    lb_bits_rows rows = lines ? (lb_bits_rows){.columns = 0} : take_columns(w);
    const line_fn of_line = lines ? whole : gathered;
    int64_t index[LOWBIT_BITS_MAX_DIMS];
    clear_index(index, w->loop_dims);
    const uint8_t *in = w->in;
    uint8_t *out = w->out;
    do {
        rows.in = in;
        rows.out = out;
        if (rows.columns) {
            of_rows(&rows);
        } else {
            of_line(w, in, out);
        }
        put_zeros(w, out, rows.columns ? rows.columns : 1);
    } while (next(w->loops, w->loop_dims, index, &in, &out));
}

/* in_line and out_line: bytes of a line on each side. A side of one byte has no step: it may count as 1. */
static void prepare(lb_bits_walk *w, int64_t in_line, int64_t out_line) {
    w->line_dims = join_dims(w->line, w->line_dims);
    if (w->line_dims == 0) w->line[w->line_dims++] = (lb_bits_dim){1, 1, 0};
    if (out_line == 1) w->out_step = 1;
    sort_loops(w->loops, w->loop_dims);
    w->loop_dims = join_dims(w->loops, w->loop_dims);
    /* Lines that follow each other without padding are one line. */
    lb_bits_dim *inner = w->loop_dims ? &w->loops[w->loop_dims - 1] : NULL;
    if (inner && w->line_dims == 1 && w->line[0].in == 1 && w->out_step == 1 && w->length % 8 == 0 && w->zeros == 0 &&
        inner->in == in_line && inner->out == out_line) {
        w->length *= inner->extent;
        w->loop_dims--;
    }
}

void lb_bits_walk_pack(lb_bits_walk *w) {
    prepare(w, w->length, lb_div_up(w->length, 8));
    run(w, pack_line, pack_gathered, w->ops->pack_rows);
}

void lb_bits_walk_unpack(lb_bits_walk *w) {
    prepare(w, w->length / 8, w->length + w->zeros);
    run(w, unpack_line, unpack_gathered, w->ops->unpack_rows);
}
