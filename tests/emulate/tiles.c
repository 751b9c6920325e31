/* SPDX-License-Identifier: Apache-2.0 */
/* AMX: the tile registers of each thread, and what is computed on them (Intel SDM volume 1, chapter 18; volume 2). What
 * the CPU would refuse, such as tiles that do not fit each other, is refused here too. */
#include <string.h>

#include "tests/emulate/machine.h"

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64, COLUMNS = ROW_BYTES / 4 };

/* The operand of ldtilecfg. */
typedef struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[TILES], reserved_row_bytes[8];
    uint8_t rows[TILES], reserved_rows[8];
} config;
_Static_assert(sizeof(config) == 64, "64 bytes");

typedef union tile {
    uint8_t u8[ROWS][ROW_BYTES];
    uint32_t u32[ROWS][COLUMNS];
    float f32[ROWS][COLUMNS];
} tile;

static _Thread_local config shape;      /* palette 0: not configured */
static _Thread_local tile tiles[TILES]; /* nothing shows what is beyond a tile's shape */

/* Instructions on vectors of 16 bytes have the length 0 that all of these want. */
static bool no_tiles(const instruction *in, bool memory, unsigned second) {
    return in->memory != memory || in->bytes != 16 || in->second != second;
}

static bool configured(unsigned t) { return t < TILES && shape.palette && shape.rows[t]; }

static bool all_zero(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (((const uint8_t *)bytes)[i]) return false;
    return true;
}

static bool legal(const config *c) {
    if (c->palette == 0) return true;
    if (c->palette > 1 || !all_zero(c->reserved, sizeof c->reserved)) return false;
    if (!all_zero(c->reserved_row_bytes, sizeof c->reserved_row_bytes)) return false;
    if (!all_zero(c->reserved_rows, sizeof c->reserved_rows)) return false;
    for (size_t t = 0; t < TILES; t++) {
        if (c->rows[t] > ROWS || c->row_bytes[t] > ROW_BYTES) return false;
        if ((c->rows[t] == 0) != (c->row_bytes[t] == 0)) return false;
    }
    return true;
}

/* Without memory it is tilerelease. */
bool tile_configure(const stopped *at, const instruction *in) {
    (void)at;
    config next = {0};
    if (no_tiles(in, in->memory, 0) || (in->reg & 7) || (!in->memory && in->rm)) return false;
    if (in->memory) memcpy(&next, in->address + in->stride, sizeof next);
    if (!legal(&next)) return false;
    if (!next.palette) next = (config){0};
    shape = next;
    memset(tiles, 0, sizeof tiles);
    return true;
}

bool tile_save_config(const stopped *at, const instruction *in) {
    (void)at;
    if (no_tiles(in, true, 0) || (in->reg & 7)) return false;
    memcpy(in->address + in->stride, &shape, sizeof shape);
    return true;
}

bool tile_zero(const stopped *at, const instruction *in) {
    (void)at;
    if (no_tiles(in, false, 0) || in->rm || !configured(in->reg)) return false;
    memset(&tiles[in->reg], 0, sizeof tiles[in->reg]);
    shape.start_row = 0;
    return true;
}

bool tile_load(const stopped *at, const instruction *in) {
    (void)at;
    const unsigned t = in->reg;
    if (no_tiles(in, true, 0) || !in->sib || !configured(t) || shape.start_row >= shape.rows[t]) return false;
    for (size_t r = shape.start_row; r < shape.rows[t]; r++)
        memcpy(tiles[t].u8[r], in->address + r * in->stride, shape.row_bytes[t]);
    shape.start_row = 0;
    return true;
}

bool tile_store(const stopped *at, const instruction *in) {
    (void)at;
    const unsigned t = in->reg;
    if (no_tiles(in, true, 0) || !in->sib || !configured(t) || shape.start_row >= shape.rows[t]) return false;
    for (size_t r = shape.start_row; r < shape.rows[t]; r++)
        memcpy(in->address + r * in->stride, tiles[t].u8[r], shape.row_bytes[t]);
    shape.start_row = 0;
    return true;
}

/* ---- products: sums (ModRM.reg) += rows (ModRM.rm) * columns (vvvv) ---- */

static bool products_fit(const instruction *in) {
    const unsigned sum = in->reg, a = in->rm, b = in->second;
    if (no_tiles(in, false, b) || !configured(sum) || !configured(a) || !configured(b)) return false;
    if (sum == a || sum == b || a == b || shape.start_row) return false;
    if (shape.row_bytes[sum] % 4 || shape.row_bytes[a] % 4 || shape.row_bytes[b] % 4) return false;
    return shape.rows[sum] == shape.rows[a] && shape.row_bytes[sum] == shape.row_bytes[b] &&
           shape.row_bytes[a] / 4 == shape.rows[b];
}

typedef uint32_t eight __attribute__((vector_size(32)));

/* Element k of all columns. */
static void transpose(const tile *b, bool is_signed, eight to[ROW_BYTES][2]) {
    for (size_t k = 0; k < ROW_BYTES; k++) {
        uint32_t elements[COLUMNS];
        for (size_t n = 0; n < COLUMNS; n++) {
            const uint32_t on_top = b->u32[k / 4][n] << (24 - 8 * (k % 4));
            elements[n] = is_signed ? (uint32_t)((int32_t)on_top >> 24) : on_top >> 24;
        }
        memcpy(to[k], elements, sizeof elements);
    }
}

static bool dot(const instruction *in, bool a_signed, bool b_signed) {
    if (!products_fit(in)) return false;
    eight columns[ROW_BYTES][2];
    tile *sum = &tiles[in->reg];
    const tile *a = &tiles[in->rm];
    const size_t ks = shape.row_bytes[in->rm];
    transpose(&tiles[in->second], b_signed, columns);
    for (size_t m = 0; m < shape.rows[in->reg]; m++) {
        eight low, high;
        memcpy(&low, sum->u32[m], sizeof low);
        memcpy(&high, sum->u32[m] + 8, sizeof high);
        for (size_t k = 0; k < ks; k++) {
            const uint32_t x = (uint32_t)(a_signed ? (int8_t)a->u8[m][k] : a->u8[m][k]);
            low += x * columns[k][0];
            high += x * columns[k][1];
        }
        memcpy(sum->u32[m], &low, sizeof low);
        memcpy(sum->u32[m] + 8, &high, sizeof high);
    }
    return true;
}

bool tile_dot_ss(const stopped *at, const instruction *in) { return (void)at, dot(in, true, true); }
bool tile_dot_su(const stopped *at, const instruction *in) { return (void)at, dot(in, true, false); }
bool tile_dot_us(const stopped *at, const instruction *in) { return (void)at, dot(in, false, true); }
bool tile_dot_uu(const stopped *at, const instruction *in) { return (void)at, dot(in, false, false); }

static void repeat(float *to, float x) {
    for (size_t n = 0; n < COLUMNS; n++) to[n] = x;
}

/* Products of even and of odd k each have a sum of their own over all k; those are added to each other, then to what
 * was there. */
bool tile_dot_bf16(const stopped *at, const instruction *in) {
    (void)at;
    if (!products_fit(in)) return false;
    tile *sum = &tiles[in->reg];
    const size_t pairs = shape.row_bytes[in->rm] / 4;
    const uint32_t before = bf16_begin();
    float even_b[ROWS][COLUMNS], odd_b[ROWS][COLUMNS];
    for (size_t k = 0; k < pairs; k++) bf16_split(tiles[in->second].u32[k], even_b[k], odd_b[k]);
    for (size_t m = 0; m < shape.rows[in->reg]; m++) {
        float even[COLUMNS] = {0}, odd[COLUMNS] = {0}, even_a[COLUMNS], odd_a[COLUMNS], x[COLUMNS];
        bf16_split(tiles[in->rm].u32[m], even_a, odd_a);
        for (size_t k = 0; k < pairs; k++) {
            repeat(x, even_a[k]);
            bf16_fuse(even, x, even_b[k]);
            repeat(x, odd_a[k]);
            bf16_fuse(odd, x, odd_b[k]);
        }
        bf16_add(even, even, odd);
        bf16_add(sum->f32[m], sum->f32[m], even);
    }
    bf16_end(before);
    return true;
}
