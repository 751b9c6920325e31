/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions once more, element by element and bit by bit, from the Intel SDM. */
#include <math.h>
#include <string.h>

#include "tests/check.h"
#include "tests/emulate/subject.h"

uint64_t element_of(const vector *v, size_t size, size_t i) {
    uint64_t x = 0;
    for (size_t byte = 0; byte < size; byte++) x |= (uint64_t)v->u8[size * i + byte] << 8 * byte;
    return x;
}

void element_set(vector *v, size_t size, size_t i, uint64_t x) {
    for (size_t byte = 0; byte < size; byte++) v->u8[size * i + byte] = (uint8_t)(x >> 8 * byte);
}

/* ---- integers ---- */

static int64_t dot_of_bytes(const trial *t, size_t i) {
    int64_t sum = (int32_t)element_of(&t->was, 4, i);
    for (size_t j = 0; j < 4; j++)
        sum += (int64_t)element_of(&t->a, 1, 4 * i + j) * (int8_t)element_of(&t->b, 1, 4 * i + j);
    return sum;
}

static int64_t dot_of_words(const trial *t, size_t i) {
    int64_t sum = (int32_t)element_of(&t->was, 4, i);
    for (size_t j = 0; j < 2; j++)
        sum += (int64_t)(int16_t)element_of(&t->a, 2, 2 * i + j) * (int16_t)element_of(&t->b, 2, 2 * i + j);
    return sum;
}

static uint64_t clamped(int64_t x) {
    if (x > INT32_MAX) return INT32_MAX;
    return x < INT32_MIN ? 0x80000000u : (uint64_t)x;
}

#define WANT(name)                                                                                                     \
    uint64_t want_##name(__attribute__((unused)) const trial *t, __attribute__((unused)) size_t size,                  \
                         __attribute__((unused)) size_t bytes, __attribute__((unused)) size_t i)

WANT(dot_bytes) { return (uint64_t)dot_of_bytes(t, i); }
WANT(dot_bytes_saturated) { return clamped(dot_of_bytes(t, i)); }
WANT(dot_words) { return (uint64_t)dot_of_words(t, i); }
WANT(dot_words_saturated) { return clamped(dot_of_words(t, i)); }

WANT(count) {
    uint64_t count = 0;
    for (uint64_t x = element_of(&t->b, size, i); x; x /= 2) count += x % 2;
    return count;
}

WANT(permute) { return t->b.u8[t->a.u8[i] % bytes]; }

static uint8_t of_two(const vector *low, const vector *high, size_t bytes, size_t number) {
    return number % (2 * bytes) < bytes ? low->u8[number % bytes] : high->u8[number % bytes];
}
WANT(permute_two_by_old) { return of_two(&t->a, &t->b, bytes, t->was.u8[i]); }
WANT(permute_two_of_old) { return of_two(&t->was, &t->b, bytes, t->a.u8[i]); }

WANT(multishift) {
    const uint64_t x = element_of(&t->b, 8, i / 8);
    uint64_t byte = 0;
    for (unsigned bit = 0; bit < 8; bit++) byte |= (x >> (t->a.u8[i] + bit) % 64 & 1) << bit;
    return byte;
}

__extension__ typedef unsigned __int128 wide;

/* high:low of two elements, moved to the left or right by a part of their bits. */
static wide pair(uint64_t high, uint64_t low, size_t size) { return (wide)high << 8 * size | low; }

WANT(left) {
    return (uint64_t)(pair(element_of(&t->a, size, i), element_of(&t->b, size, i), size) << TRIAL_IMM % (8 * size) >>
                      8 * size);
}
WANT(right) {
    return (uint64_t)(pair(element_of(&t->b, size, i), element_of(&t->a, size, i), size) >> TRIAL_IMM % (8 * size));
}
WANT(left_by) {
    const uint64_t by = element_of(&t->b, size, i) % (8 * size);
    return (uint64_t)(pair(element_of(&t->was, size, i), element_of(&t->a, size, i), size) << by >> 8 * size);
}
WANT(right_by) {
    const uint64_t by = element_of(&t->b, size, i) % (8 * size);
    return (uint64_t)(pair(element_of(&t->a, size, i), element_of(&t->was, size, i), size) >> by);
}

/* ---- polynomials over GF(2) ---- */

static uint8_t product(uint8_t x, uint8_t y) {
    unsigned all = 0;
    for (int bit = 0; bit < 8; bit++)
        if (y >> bit & 1) all ^= (unsigned)x << bit;
    for (int bit = 14; bit >= 8; bit--)
        if (all >> bit & 1) all ^= 0x11bu << (bit - 8);
    return (uint8_t)all;
}

static uint8_t inverse(uint8_t x) {
    for (unsigned y = 1; y < 256; y++)
        if (product(x, (uint8_t)y) == 1) return (uint8_t)y;
    return 0;
}

static uint64_t affine_of(const trial *t, size_t i, uint8_t x) {
    uint64_t byte = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        const uint8_t line = t->b.u8[i / 8 * 8 + 7 - bit];
        byte |= (uint64_t)((__builtin_popcount(line & x) ^ TRIAL_IMM >> bit) & 1) << bit;
    }
    return byte;
}

WANT(field_product) { return product(t->a.u8[i], t->b.u8[i]); }
WANT(affine) { return affine_of(t, i, t->a.u8[i]); }
WANT(affine_inverse) { return affine_of(t, i, inverse(t->a.u8[i])); }

/* ---- BF16 ---- */

static float as_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t as_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float flushed(float x) { return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x; }

float bf16_fused(uint16_t x, uint16_t y, float sum) {
    return flushed(fmaf(flushed(as_float((uint32_t)x << 16)), flushed(as_float((uint32_t)y << 16)), flushed(sum)));
}

/* The nearest of the two values that the bits lie between; of two as near, the even one. */
static uint64_t nearest_bf16(uint32_t bits) {
    const float x = flushed(as_float(bits));
    const uint32_t low = as_bits(x) >> 16;
    if (isnan(x)) return low | 0x40;
    if (isinf(x)) return low;
    const double below = as_float(low << 16);
    const double above = (low & 0x7fff) == 0x7f7f ? copysign(0x1p128, below) : as_float((low + 1) << 16);
    const double down = fabs(x - below), up = fabs(above - x);
    return down < up || (down == up && low % 2 == 0) ? low : low + 1;
}

WANT(bf16) { return nearest_bf16((uint32_t)element_of(&t->b, 4, i)); }
WANT(two_bf16) {
    const size_t half = bytes / 4;
    return nearest_bf16((uint32_t)element_of(i < half ? &t->b : &t->a, 4, i % half));
}
WANT(dot_bf16) {
    float sum = as_float((uint32_t)element_of(&t->was, 4, i));
    for (size_t j = 2 * i + 2; j-- > 2 * i;)
        sum = bf16_fused((uint16_t)element_of(&t->a, 2, j), (uint16_t)element_of(&t->b, 2, j), sum);
    return as_bits(sum);
}

/* ---- operands ---- */

/* Exponents around 0 so that sums round, and one in sixteen anything: zeros, infinities, NaN, subnormals. */
static uint32_t random_float(void) {
    static const uint32_t kSpecial[] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f812345,
                                        1, 0x807fffff, 0x7f7fffff, 0x3f808000, 0x3f818000, 0x00800000};
    const uint32_t kinds = sizeof kSpecial / sizeof kSpecial[0], bits = (uint32_t)check_random();
    if (check_random() % 16 == 0) return kSpecial[check_random() % kinds];
    return (bits & 0x807fffff) | (uint32_t)check_random_in(117, 137) << 23;
}

static void fill(vector *v, int content) {
    for (size_t i = 0; i < 16; i++) {
        uint32_t x = (uint32_t)check_random();
        if (content == FLOATS) x = random_float();
        if (content == BF16) x = (random_float() & 0xffff0000) | random_float() >> 16;
        element_set(v, 4, i, x);
    }
}

static void fill_all(vector *v, uint32_t x) {
    for (size_t i = 0; i < 16; i++) element_set(v, 4, i, x);
}

/* Sums beyond the largest or the smallest integer; products that are subnormal. */
static void fill_extreme(trial *t, int content, bool large) {
    if (content == BYTES) {
        fill_all(&t->was, large ? 0x7ffffff0 : 0x80000010);
        fill_all(&t->a, 0x7f7f7f7f);
        fill_all(&t->b, large ? 0x7f7f7f7f : 0x80808080);
    } else if (content == BF16) {
        fill_all(&t->was, large ? 1 : 0);
        fill_all(&t->a, 0x1f811f81);
        fill_all(&t->b, large ? 0x1f831f83 : 0x9f839f83);
    }
}

void trial_fill(trial *t, int content) {
    const uint64_t kind = check_random() % 8;
    fill(&t->was, content == BYTES ? BYTES : FLOATS);
    fill(&t->a, content);
    fill(&t->b, content);
    fill(&t->got, BYTES);
    if (kind < 2) fill_extreme(t, content, kind);
    t->mask = kind == 2 ? 0 : kind == 3 ? UINT64_MAX : check_random();
    t->operand = t->b.u8;
}
