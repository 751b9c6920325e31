/* SPDX-License-Identifier: Apache-2.0 */
/* What vector instructions compute, from the operations of the Intel SDM, volume 2. */
#include <string.h>

#include "tests/emulate/machine.h"

/* ---- VNNI ---- */

static int32_t saturated(int64_t x) { return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x); }

static int64_t four_bytes(const lanes *o, size_t i) {
    int64_t sum = o->was.s32[i];
    for (size_t j = 4 * i; j < 4 * i + 4; j++) sum += o->a.u8[j] * o->b.s8[j];
    return sum;
}

static int64_t two_words(const lanes *o, size_t i) {
    return o->was.s32[i] + (int64_t)o->a.s16[2 * i] * o->b.s16[2 * i] +
           (int64_t)o->a.s16[2 * i + 1] * o->b.s16[2 * i + 1];
}

#define DOT(name, sum, end)                                                                                            \
    void name(lanes *o) {                                                                                              \
        for (size_t i = 0; i < o->bytes / 4; i++) o->to.s32[i] = end(sum(o, i));                                       \
    }
DOT(dot_bytes, four_bytes, (int32_t))
DOT(dot_bytes_saturated, four_bytes, saturated)
DOT(dot_words, two_words, (int32_t))
DOT(dot_words_saturated, two_words, saturated)

/* ---- counting, and shifts of two elements as one: each for elements of several widths ---- */

#define COUNT(bits)                                                                                                    \
    void count_u##bits(lanes *o) {                                                                                     \
        for (size_t i = 0; i < 8 * o->bytes / (bits); i++)                                                             \
            o->to.u##bits[i] = (uint##bits##_t)__builtin_popcountll(o->b.u##bits[i]);                                  \
    }
COUNT(8)
COUNT(16)
COUNT(32)
COUNT(64)

/* The upper half of high:low << n, and the lower half of high:low >> n; n < bits. */
#define SHIFTED_LEFT(bits, high, low, n) (uint##bits##_t)((high) << (n) | (uint64_t)(low) >> 1 >> ((bits)-1 - (n)))
#define SHIFTED_RIGHT(bits, high, low, n)                                                                              \
    (uint##bits##_t)((uint64_t)(low) >> (n) | (uint64_t)(high) << 1 << ((bits)-1 - (n)))

#define SHIFT(name, bits, shifted, high, low, by)                                                                      \
    void name##_u##bits(lanes *o) {                                                                                    \
        for (size_t i = 0; i < 8 * o->bytes / (bits); i++)                                                             \
            o->to.u##bits[i] = shifted(bits, o->high.u##bits[i], o->low.u##bits[i], ((by) & ((bits)-1)));              \
    }
#define SHIFTS(bits)                                                                                                   \
    SHIFT(left, bits, SHIFTED_LEFT, a, b, o->imm)                                                                      \
    SHIFT(right, bits, SHIFTED_RIGHT, b, a, o->imm)                                                                    \
    SHIFT(left_by, bits, SHIFTED_LEFT, was, a, o->b.u##bits[i])                                                        \
    SHIFT(right_by, bits, SHIFTED_RIGHT, a, was, o->b.u##bits[i])
SHIFTS(16)
SHIFTS(32)
SHIFTS(64)

/* ---- bytes and bits by number ---- */

void permute(lanes *o) {
    for (size_t i = 0; i < o->bytes; i++) o->to.u8[i] = o->b.u8[o->a.u8[i] & (o->bytes - 1)];
}

static void permute_two(lanes *o, const vector *numbers, const vector *first) {
    for (size_t i = 0; i < o->bytes; i++) {
        const size_t number = numbers->u8[i] & (2 * o->bytes - 1);
        o->to.u8[i] = number < o->bytes ? first->u8[number] : o->b.u8[number - o->bytes];
    }
}

void permute_two_by_old(lanes *o) { permute_two(o, &o->was, &o->a); }
void permute_two_of_old(lanes *o) { permute_two(o, &o->a, &o->was); }

void multishift(lanes *o) {
    for (size_t i = 0; i < o->bytes; i++) {
        const uint64_t x = o->b.u64[i / 8];
        const unsigned by = o->a.u8[i] & 63;
        o->to.u8[i] = (uint8_t)(x >> by | x << (63 - by) << 1);
    }
}

void gather_bits(lanes *o) {
    uint64_t bits = 0;
    for (size_t i = 0; i < o->bytes; i++) bits |= (o->a.u64[i / 8] >> (o->b.u8[i] & 63) & 1) << i;
    o->to.u64[0] = bits;
}

/* ---- GFNI: bytes as polynomials over GF(2) modulo x^8 + x^4 + x^3 + x + 1 ---- */

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Bit i of a byte of the result is the parity of the byte and row 7 - i of the matrix. Eight bytes at once. */
static uint64_t affine_eight(uint64_t x, uint64_t matrix, uint8_t add) {
    uint64_t to = add * EACH_BYTE;
    for (int i = 0; i < 8; i++) {
        uint64_t t = x & (matrix >> 8 * (7 - i) & 255) * EACH_BYTE;
        t ^= t >> 4;
        t ^= t >> 2;
        t ^= t >> 1;
        to ^= (t & EACH_BYTE) << i;
    }
    return to;
}

void affine(lanes *o) {
    for (size_t i = 0; i < o->bytes / 8; i++) o->to.u64[i] = affine_eight(o->a.u64[i], o->b.u64[i], o->imm);
}

static uint8_t field_product(unsigned x, unsigned y) {
    unsigned product = 0;
    for (; y; y >>= 1) {
        if (y & 1) product ^= x;
        x = x << 1 ^ (x & 128 ? 0x11b : 0);
    }
    return (uint8_t)product;
}

/* x^254; 0 of 0. */
static uint8_t field_inverse(uint8_t x) {
    uint8_t power = x, inverse = 1;
    for (int bit = 1; bit < 8; bit++) {
        power = field_product(power, power);
        inverse = field_product(inverse, power);
    }
    return inverse;
}

void affine_inverse(lanes *o) {
    for (size_t i = 0; i < o->bytes; i++) o->a.u8[i] = field_inverse(o->a.u8[i]);
    affine(o);
}

void field_multiply(lanes *o) {
    for (size_t i = 0; i < o->bytes; i++) o->to.u8[i] = field_product(o->a.u8[i], o->b.u8[i]);
}

/* ---- BF16 ---- */

/* To nearest even; subnormals become zeros, a NaN becomes quiet. */
static uint16_t to_bf16(uint32_t x) {
    const uint32_t size = x & 0x7fffffff;
    if (size < 0x00800000) return (uint16_t)(x >> 16 & 0x8000);
    if (size > 0x7f800000) return (uint16_t)(x >> 16 | 0x40);
    return (uint16_t)((x + 0x7fff + (x >> 16 & 1)) >> 16);
}

void floats_to_bf16(lanes *o) {
    for (size_t i = 0; i < o->bytes / 4; i++) o->to.u16[i] = to_bf16(o->b.u32[i]);
}

void two_floats_to_bf16(lanes *o) {
    const size_t half = o->bytes / 4;
    for (size_t i = 0; i < half; i++) {
        o->to.u16[i] = to_bf16(o->b.u32[i]);
        o->to.u16[half + i] = to_bf16(o->a.u32[i]);
    }
}

uint32_t bf16_begin(void) {
    const uint32_t mxcsr = 0x9fc0;
    uint32_t before;
    __asm__ volatile("vstmxcsr %0\n\t vldmxcsr %1" : "=m"(before) : "m"(mxcsr));
    return before;
}

void bf16_end(uint32_t before) { __asm__ volatile("vldmxcsr %0" : : "m"(before)); }

typedef float eight __attribute__((vector_size(32)));

/* Assembler, since a compiler may move arithmetic of its own from one setting of MXCSR into another. */
#define SIXTEEN(instruction)                                                                                           \
    for (size_t i = 0; i < 16; i += 8) {                                                                               \
        eight to, a, b;                                                                                                \
        memcpy(&to, sum + i, sizeof to);                                                                               \
        memcpy(&a, x + i, sizeof a);                                                                                   \
        memcpy(&b, y + i, sizeof b);                                                                                   \
        __asm__ volatile(instruction : "+x"(to) : "x"(a), "x"(b));                                                     \
        memcpy(sum + i, &to, sizeof to);                                                                               \
    }

void bf16_fuse(float *sum, const float *x, const float *y) { SIXTEEN("vfmadd231ps %2, %1, %0") }
void bf16_add(float *sum, const float *x, const float *y) { SIXTEEN("vaddps %2, %1, %0") }

void bf16_split(const uint32_t *pairs, float *even, float *odd) {
    for (size_t i = 0; i < 16; i++) {
        const uint32_t low = pairs[i] << 16, high = pairs[i] & 0xffff0000;
        memcpy(&even[i], &low, sizeof low);
        memcpy(&odd[i], &high, sizeof high);
    }
}

/* The odd product of a pair is added first. */
void dot_bf16(lanes *o) {
    float sum[16], even_a[16], odd_a[16], even_b[16], odd_b[16];
    memcpy(sum, &o->was, sizeof sum);
    bf16_split(o->a.u32, even_a, odd_a);
    bf16_split(o->b.u32, even_b, odd_b);
    const uint32_t before = bf16_begin();
    bf16_fuse(sum, odd_a, odd_b);
    bf16_fuse(sum, even_a, even_b);
    bf16_end(before);
    memcpy(&o->to, sum, sizeof sum);
}
