/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions on tiles: each of the products in all shapes, what goes to memory and comes from it, and what the
 * CPU refuses. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "tests/check.h"
#include "tests/emulate/emulate.h"
#include "tests/emulate/subject.h"

enum { ROWS = 16, ROW_BYTES = 64 };

/* The operand of ldtilecfg. */
typedef struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

/* sum (tmm1) += a (tmm2) * b (tmm3), in memory with strides of their own. */
typedef struct product {
    tile_shapes shapes;
    int64_t strides[3];
    uint8_t *sum, *a, *b;
} product;

#define TILES_IN(force)                                                                                                \
    force "ldtilecfg %0\n\t" force "tileloadd (%1,%4,1), %%tmm1\n\t" force "tileloadd 64(%2,%5,2), %%tmm2\n\t" force   \
          "tileloaddt1 (%3,%6,1), %%tmm3\n\t"
#define TILES_OUT(force) force "tilestored %%tmm1, (%1,%4,1)\n\t" force "tilerelease\n\t"
#define EXECUTE(force, name)                                                                                           \
    __asm__ volatile(TILES_IN(force) force name " %%tmm3, %%tmm2, %%tmm1\n\t" TILES_OUT(force)                         \
                     :                                                                                                 \
                     : "m"(p->shapes), "r"(p->sum), "r"(p->a - 64), "r"(p->b), "r"(p->strides[0]),                     \
                       "r"(p->strides[1] / 2), "r"(p->strides[2])                                                      \
                     : "memory")
#define PRODUCT(name)                                                                                                  \
    ANY_INSTRUCTION static void run_##name(const product *p, int way) {                                                \
        if (way == FORCED)                                                                                             \
            EXECUTE(EMULATE_FORCED, #name);                                                                            \
        else                                                                                                           \
            EXECUTE("", #name);                                                                                        \
    }
PRODUCT(tdpbssd)
PRODUCT(tdpbsud)
PRODUCT(tdpbusd)
PRODUCT(tdpbuud)
PRODUCT(tdpbf16ps)

static const struct tested {
    const char *name;
    void (*run)(const product *p, int way);
    bool a_signed, b_signed, floats;
} kTested[] = {
    {"tdpbssd", run_tdpbssd, true, true, false},    {"tdpbsud", run_tdpbsud, true, false, false},
    {"tdpbusd", run_tdpbusd, false, true, false},   {"tdpbuud", run_tdpbuud, false, false, false},
    {"tdpbf16ps", run_tdpbf16ps, true, true, true},
};

/* ---- what they compute ---- */

static const uint32_t kNan = 0x7fc00000;

static const uint8_t *row_of(const product *p, int which, size_t m) {
    const uint8_t *tiles[] = {p->sum, p->a, p->b};
    return tiles[which] + (int64_t)m * p->strides[which];
}

static uint32_t word_at(const uint8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static int32_t code_at(const uint8_t *byte, bool is_signed) { return is_signed ? (int8_t)*byte : *byte; }

static uint32_t integer_sum(const struct tested *r, const product *p, size_t m, size_t n) {
    uint32_t sum = word_at(row_of(p, 0, m) + 4 * n);
    for (size_t k = 0; k < p->shapes.row_bytes[2]; k++)
        sum += (uint32_t)(code_at(row_of(p, 1, m) + k, r->a_signed) *
                          code_at(row_of(p, 2, k / 4) + 4 * n + k % 4, r->b_signed));
    return sum;
}

static uint32_t float_sum(const product *p, size_t m, size_t n) {
    float sums[2] = {0, 0}, was;
    for (size_t k = 0; k < p->shapes.row_bytes[2] / 2u; k++) {
        uint16_t x, y;
        memcpy(&x, row_of(p, 1, m) + 2 * k, sizeof x);
        memcpy(&y, row_of(p, 2, k / 2) + 4 * n + 2 * (k % 2), sizeof y);
        sums[k % 2] = bf16_fused(x, y, sums[k % 2]);
    }
    memcpy(&was, row_of(p, 0, m) + 4 * n, sizeof was);
    const float all = flushed(flushed(was) + flushed(sums[0] + sums[1]));
    return isnan(all) ? kNan : word_at((const uint8_t *)&all);
}

/* ---- the trials ---- */

static tile_shapes random_shapes(void) {
    const int m = (int)check_random_in(1, ROWS), n = (int)check_random_in(1, 16), k4 = (int)check_random_in(1, 16);
    tile_shapes s = {.palette = 1};
    s.rows[1] = s.rows[2] = (uint8_t)m;
    s.rows[3] = (uint8_t)k4;
    s.row_bytes[1] = s.row_bytes[3] = (uint16_t)(4 * n);
    s.row_bytes[2] = (uint16_t)(4 * k4);
    return s;
}

/* Rows at a stride, the last one at the end of the memory. */
static uint8_t *random_rows(const tile_shapes *s, int tile, int64_t *stride, int content) {
    *stride = s->row_bytes[tile] + 2 * check_random_in(0, 8);
    const size_t bytes = (size_t)(*stride * (s->rows[tile] - 1) + s->row_bytes[tile]);
    uint8_t *rows = check_guarded(bytes, CHECK_GUARD_AFTER);
    for (size_t at = 0; at < bytes; at += 64) {
        trial t;
        trial_fill(&t, content);
        memcpy(rows + at, content == FLOATS ? &t.was : &t.a, bytes - at < 64 ? bytes - at : 64);
    }
    return rows;
}

static product random_product(bool floats) {
    product p = {.shapes = random_shapes()};
    p.sum = random_rows(&p.shapes, 1, &p.strides[0], floats ? FLOATS : BYTES);
    p.a = random_rows(&p.shapes, 2, &p.strides[1], floats ? BF16 : BYTES);
    p.b = random_rows(&p.shapes, 3, &p.strides[2], floats ? BF16 : BYTES);
    return p;
}

/* Which NaN a sum is, is not promised. */
static void one_nan(product *p) {
    for (size_t m = 0; m < p->shapes.rows[1]; m++)
        for (size_t n = 0; n < p->shapes.row_bytes[1] / 4u; n++) {
            uint8_t *at = p->sum + (int64_t)m * p->strides[0] + 4 * n;
            if ((word_at(at) & 0x7fffffff) > 0x7f800000) memcpy(at, &kNan, sizeof kNan);
        }
}

static void check_product(const struct tested *r) {
    for (int round = 0; round < 60; round++) {
        product p = random_product(r->floats);
        const size_t bytes = (size_t)(p.strides[0] * (p.shapes.rows[1] - 1) + p.shapes.row_bytes[1]);
        uint8_t want[ROWS * (ROW_BYTES + 16)], before[sizeof want];
        memcpy(want, p.sum, bytes);
        memcpy(before, p.sum, bytes);
        for (size_t m = 0; m < p.shapes.rows[1]; m++)
            for (size_t n = 0; n < p.shapes.row_bytes[1] / 4u; n++) {
                const uint32_t x = r->floats ? float_sum(&p, m, n) : integer_sum(r, &p, m, n);
                memcpy(want + (int64_t)m * p.strides[0] + 4 * n, &x, sizeof x);
            }
        for (int way = 0; way < WAYS; way++) {
            memcpy(p.sum, before, bytes);
            check_context("%s, %d x %d, %d bytes of k, way %d", r->name, p.shapes.rows[1], p.shapes.row_bytes[1] / 4,
                          p.shapes.row_bytes[2], way);
            const uint64_t emulated = emulate_count();
            r->run(&p, way);
            CHECK(emulate_count() - emulated == 7 || (way != FORCED && emulate_count() == emulated));
            if (r->floats) one_nan(&p);
            CHECK(memcmp(p.sum, want, bytes) == 0);
        }
        check_guard_free_all();
    }
}

/* ---- registers and their configuration ---- */

#define REGISTERS(force)                                                                                               \
    __asm__ volatile(force "ldtilecfg (%0)\n\t" force "sttilecfg 128(%0)\n\t" force                                    \
                           "tileloadd (%1,%2,1), %%tmm5\n\t" force "ldtilecfg 64(%0)\n\t" force                        \
                           "tilestored %%tmm5, (%3,%2,1)\n\t" force "tileloadd (%1,%2,1), %%tmm5\n\t" force            \
                           "tilezero %%tmm5\n\t" force "tilestored %%tmm5, (%4,%2,1)\n\t" force                        \
                           "tilerelease\n\t" force "sttilecfg 192(%0)\n\t"                                             \
                     :                                                                                                 \
                     : "r"(configs), "r"(from), "r"(INT64_C(64)), "r"(first), "r"(second)                              \
                     : "memory")

/* Configuring clears the registers; zeroing clears one; both leave what is beyond the rows alone. */
ANY_INSTRUCTION static void check_registers(int way) {
    tile_shapes configs[4] = {{.palette = 1}, {.palette = 1}};
    uint8_t from[ROWS * ROW_BYTES], first[sizeof from], second[sizeof from];
    configs[0].rows[5] = ROWS, configs[0].row_bytes[5] = ROW_BYTES;
    configs[1].rows[5] = 3, configs[1].row_bytes[5] = 20;
    memset(configs + 2, 0x55, 2 * sizeof configs[0]);
    memset(from, 1, sizeof from);
    memset(first, 2, sizeof first);
    memset(second, 2, sizeof second);
    if (way == FORCED)
        REGISTERS(EMULATE_FORCED);
    else
        REGISTERS("");
    const tile_shapes none = {0};
    CHECK(memcmp(&configs[2], &configs[0], sizeof none) == 0);
    CHECK(memcmp(&configs[3], &none, sizeof none) == 0);
    for (size_t i = 0; i < sizeof from; i++) {
        const bool inside = i / ROW_BYTES < 3 && i % ROW_BYTES < 20;
        CHECK(first[i] == (inside ? 0 : 2) && second[i] == first[i]);
    }
}

/* ---- what the CPU refuses ---- */

static void no_configuration(product *p) { p->shapes = (tile_shapes){0}; }
static void too_many_rows(product *p) { p->shapes.rows[1] = p->shapes.rows[2] = ROWS + 1; }
static void reserved_bytes(product *p) { p->shapes.reserved[3] = 1; }
static void rows_of_nothing(product *p) { p->shapes.row_bytes[7] = 4; }
static void one_more_row(product *p) { p->shapes.rows[2]++; }
static void one_more_column(product *p) { p->shapes.row_bytes[1] += 4; }
static void one_more_k(product *p) { p->shapes.row_bytes[2] += 4; }
static void half_a_column(product *p) { p->shapes.row_bytes[1] = p->shapes.row_bytes[3] -= 2; }

/* In a process of its own, which must die of it, but for the product that is legal. */
static int in_child(void (*spoil)(product *), int way) {
    uint8_t memory[3][ROWS * ROW_BYTES * 2] = {{0}};
    product p = {.shapes = {.palette = 1}, {64, 64, 64}, memory[0], memory[1], memory[2]};
    p.shapes.rows[1] = p.shapes.rows[2] = p.shapes.rows[3] = 4;
    p.shapes.row_bytes[1] = p.shapes.row_bytes[2] = p.shapes.row_bytes[3] = 16;
    if (spoil) spoil(&p);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        close(STDOUT_FILENO); /* the report of a crash that is wanted */
        kTested[0].run(&p, way);
        _exit(0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void check_refused(void) {
    static void (*const kSpoil[])(product *) = {no_configuration, too_many_rows,   reserved_bytes, rows_of_nothing,
                                                one_more_row,     one_more_column, one_more_k,     half_a_column};
    for (int way = 0; way < WAYS; way++) {
        check_context("refusals, way %d", way);
        CHECK(in_child(NULL, way) == 0);
        for (size_t i = 0; i < LB_COUNT(kSpoil); i++) {
            check_context("refusal %zu, way %d", i, way);
            CHECK(WIFSIGNALED(in_child(kSpoil[i], way)));
        }
    }
}

void subject_emulate_tiles(void) {
    if (!(lb_isa_present() & LOWBIT_ISA_AVX2) || !emulate_start()) check_skip("this machine has no AVX2");
    lb_isa_permitted(lb_isa_present()); /* a CPU with tiles uses its own */
    for (size_t i = 0; i < LB_COUNT(kTested); i++) check_product(&kTested[i]);
    for (int way = 0; way < WAYS; way++) check_registers(way);
    check_refused();
}
