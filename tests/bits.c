/* SPDX-License-Identifier: Apache-2.0 */
/* Bit packing: every unit's loops against the scalar ones, bit for bit and inside guard pages; then the doors. */
#include "lowbit/bits.h"

#include <string.h>

#include "kernels/base/cpu.h"
#include "kernels/bits.h"
#include "kernels/ukernels.h"
#include "tests/check.h"

enum { MAX = 1100 };

static const char *level_name(uint32_t isa) {
    for (size_t i = 0; i < lb_isa_level_count(); i++)
        if (lb_isa_level_at(i)->bit == isa) return lb_isa_level_at(i)->name;
    return "?";
}

/* The next unit that this machine can run, or NULL. */
static const lb_isa_unit *next_unit(size_t *index) {
    const lb_isa_unit *unit;
    while ((unit = lb_unit_at((*index)++)))
        if (unit->isa & lb_isa_present()) return unit;
    return NULL;
}

/* Any bytes: half of them 0, the others 1 or more, so that "not zero" is told from "bit 0". */
static void fill_elements(uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = check_random() & 1 ? (uint8_t)check_random() : 0;
}

static void fill_below(uint8_t *bytes, size_t n, uint32_t limit) {
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)check_random_in(0, limit);
}

/* Every length of a few vectors, then some longer ones. */
static size_t next_length(size_t n) { return n < 200 ? n + 1 : n + (size_t)check_random_in(60, 250); }

static void bits_of_unit(const lb_bits_ops *ops, size_t n, uint32_t order, int side) {
    const size_t bytes = (n + 7) / 8;
    uint8_t *in = check_guarded(n, side), *packed = check_guarded(bytes, side), *out = check_guarded(n, side);
    uint8_t want[MAX], want_out[MAX];
    fill_elements(in, n);
    lb_bits_scalar.pack_bits(in, n, want, order);
    ops->pack_bits(in, n, packed, order);
    CHECK(memcmp(packed, want, bytes) == 0);
    lb_bits_scalar.unpack_bits(packed, want_out, n, order, 0);
    for (uint32_t stream = 0; stream < 2; stream++) {
        memset(out, 0x55, n);
        ops->unpack_bits(packed, out, n, order, stream);
        CHECK(memcmp(out, want_out, n) == 0);
    }
}

void subject_bits_lines(void) {
    const lb_isa_unit *unit;
    for (size_t u = 0; (unit = next_unit(&u));) {
        CHECK(unit->bits != NULL);
        for (size_t n = 0; n < MAX && unit->bits; n = next_length(n)) {
            for (uint32_t way = 0; way < 4; way++) {
                check_context("%s n=%zu order=%u side=%u", level_name(unit->isa), n, way & 1, way >> 1);
                bits_of_unit(unit->bits, n, way & 1, (int)(way >> 1));
            }
            check_guard_free_all();
        }
    }
}

/* Rows with gaps between them: what lies in a gap must stay as it was. */
static bool same_rows(const uint8_t *got, const uint8_t *want, size_t rows, size_t stride, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        if (memcmp(got + r * stride, want + r * columns, columns) != 0) return false;
        for (size_t c = columns; c < stride && r + 1 < rows; c++)
            if (got[r * stride + c] != 0xA5) return false;
    }
    return true;
}

static void rows_of_unit(const lb_bits_ops *ops, size_t length, size_t columns, size_t gap, uint32_t order, int side) {
    const size_t groups = (length + 7) / 8, stride = columns + gap;
    uint8_t *in = check_guarded((length - 1) * stride + columns, side);
    uint8_t *packed = check_guarded((groups - 1) * stride + columns, side);
    uint8_t *out = check_guarded((length - 1) * stride + columns, side);
    uint8_t *want = check_guarded(groups * columns, side), *want_out = check_guarded(length * columns, side);
    fill_elements(in, (length - 1) * stride + columns);
    lb_bits_rows rows = {.in = in,
                         .in_stride = (ptrdiff_t)stride,
                         .out = want,
                         .out_stride = (ptrdiff_t)columns,
                         .columns = columns,
                         .length = length,
                         .order = order};
    lb_bits_scalar.pack_rows(&rows);
    rows.out = packed;
    rows.out_stride = (ptrdiff_t)stride;
    ops->pack_rows(&rows);
    CHECK(same_rows(packed, want, groups, stride, columns));

    rows.in = packed;
    rows.out = want_out;
    rows.out_stride = (ptrdiff_t)columns;
    lb_bits_scalar.unpack_rows(&rows);
    for (rows.stream = 0; rows.stream < 2; rows.stream++) {
        memset(out, 0xA5, (length - 1) * stride + columns);
        rows.out = out;
        rows.out_stride = (ptrdiff_t)stride;
        ops->unpack_rows(&rows);
        CHECK(same_rows(out, want_out, length, stride, columns));
    }
}

void subject_bits_rows(void) {
    static const uint8_t lengths[] = {1, 3, 7, 8, 9, 15, 16, 40, 67};
    static const uint8_t columns[] = {1, 2, 3, 5, 7, 8, 11, 15, 16, 17, 31, 33, 63, 64, 65, 128, 130, 192};
    const lb_isa_unit *unit;
    for (size_t u = 0; (unit = next_unit(&u));)
        for (size_t l = 0; l < sizeof lengths; l++)
            for (size_t c = 0; c < sizeof columns; c++) {
                for (uint32_t way = 0; way < 8; way++) {
                    const size_t gap = way & 4 ? (columns[c] == 64 ? 64 : 5) : 0;
                    check_context("%s %u x %u gap=%zu order=%u side=%u", level_name(unit->isa), lengths[l], columns[c],
                                  gap, way & 1, way >> 1 & 1);
                    rows_of_unit(unit->bits, lengths[l], columns[c], gap, way & 1, (int)(way >> 1 & 1));
                }
                check_guard_free_all();
            }
}

static void codes_of_unit(const lb_bits_ops *ops, size_t n, uint32_t bits, uint32_t order, int side) {
    const size_t bytes = (n * bits + 7) / 8;
    uint8_t *in = check_guarded(n, side), *packed = check_guarded(bytes, side), *out = check_guarded(n, side);
    uint8_t want[MAX];
    fill_below(in, n, (1u << bits) - 1);
    const uint8_t seen = lb_bits_scalar.pack_codes(in, n, want, bits, order);
    CHECK(ops->pack_codes(in, n, packed, bits, order) == seen);
    CHECK(memcmp(packed, want, bytes) == 0);
    for (uint32_t stream = 0; stream < 2; stream++) {
        memset(out, 0x55, n);
        ops->unpack_codes(packed, out, n, bits, order, stream);
        CHECK(memcmp(out, in, n) == 0);
    }
    if (n == 0) return;
    in[check_random_in(0, (int64_t)n - 1)] = 1u << bits;
    CHECK(ops->pack_codes(in, n, packed, bits, order) >> bits);
}

void subject_bits_codes(void) {
    const lb_isa_unit *unit;
    for (size_t u = 0; (unit = next_unit(&u));)
        for (uint32_t bits = 1; bits < 8; bits++)
            for (size_t n = 0; n < MAX; n = next_length(n)) {
                for (uint32_t way = 0; way < 4; way++) {
                    check_context("%s %u bits n=%zu order=%u side=%u", level_name(unit->isa), bits, n, way & 1,
                                  way >> 1);
                    codes_of_unit(unit->bits, n, bits, way & 1, (int)(way >> 1));
                }
                check_guard_free_all();
            }
}

static void trits_of_unit(const lb_bits_ops *ops, size_t n, int side) {
    const size_t bytes = (n + 4) / 5;
    uint8_t *in = check_guarded(n, side), *packed = check_guarded(bytes, side), *out = check_guarded(n, side);
    uint8_t want[MAX];
    fill_below(in, n, 2);
    CHECK(lb_bits_scalar.pack_trits(in, n, want) == 0);
    CHECK(ops->pack_trits(in, n, packed) == 0);
    CHECK(memcmp(packed, want, bytes) == 0);
    CHECK(ops->unpack_trits(packed, out, n) == 0);
    CHECK(memcmp(out, in, n) == 0);
    if (n == 0) return;
    in[check_random_in(0, (int64_t)n - 1)] = (uint8_t)check_random_in(3, 255);
    CHECK(ops->pack_trits(in, n, packed) != 0);
    lb_bits_scalar.pack_trits(in, n, packed);
    packed[check_random_in(0, (int64_t)bytes - 1)] = (uint8_t)check_random_in(243, 255);
    CHECK(ops->unpack_trits(packed, out, n) != 0);
}

void subject_bits_trits(void) {
    const lb_isa_unit *unit;
    uint8_t all[243], want[5 * 243], got[5 * 243];
    for (size_t i = 0; i < sizeof all; i++) all[i] = (uint8_t)i;
    lb_bits_scalar.unpack_trits(all, want, sizeof want);
    for (size_t u = 0; (unit = next_unit(&u));) {
        check_context("%s all bytes", level_name(unit->isa));
        CHECK(unit->bits->unpack_trits(all, got, sizeof got) == 0);
        CHECK(memcmp(got, want, sizeof got) == 0);
        for (size_t n = 0; n < MAX; n = next_length(n)) {
            for (int side = 0; side < 2; side++) {
                check_context("%s n=%zu side=%d", level_name(unit->isa), n, side);
                trits_of_unit(unit->bits, n, side);
            }
            check_guard_free_all();
        }
    }
}
