/* SPDX-License-Identifier: Apache-2.0 */
/* The trial's code for x86, compiled once for sse4 and once for avx2.
 *
 * One byte shuffle looks 16 indices up in one table, so bytes of the same k must stand together: a line has four k in
 * turn for each column. Four vectors are brought in order by a byte shuffle each, which turns by one lane more each
 * time, and eight blends; shuffles have one port, blends three. The bytes of k + j then come turned by j lanes, which
 * is undone after four lines, in the sums. Vectors of 32 bytes hold half a line: two panels make four of them. */
#include <immintrin.h>

#include "bench/trials/lut.h"

#ifdef __AVX2__
#define V(name) _mm256_##name
#define VBITS(name) _mm256_##name##_si256
typedef __m256i vec;
static const char kName[] = "avx2";
static inline vec both(__m128i x) { return _mm256_broadcastsi128_si256(x); }
#define BLEND(x, y, mask) _mm256_blend_epi32(x, y, (mask)*17)
#else
#define V(name) _mm_##name
#define VBITS(name) _mm_##name##_si128
typedef __m128i vec;
static const char kName[] = "sse4";
static inline vec both(__m128i x) { return x; }
#define BLEND(x, y, mask) _mm_castps_si128(_mm_blend_ps(_mm_castsi128_ps(x), _mm_castsi128_ps(y), mask))
#endif

enum { PANELS = sizeof(vec) / 16, STAGE = 4 }; /* STAGE lines have eight indices of each k + j */

static inline vec load_table(const uint8_t *t) { return both(_mm_load_si128((const __m128i *)(const void *)t)); }
static inline vec load_order(const uint8_t *x) { return both(_mm_loadu_si128((const __m128i *)(const void *)x)); }
static inline vec load(const uint8_t *x) { return VBITS(loadu)((const vec *)(const void *)x); }

/* Bytes j, j + 4, ... of a vector in lane (j + turn) % 4. */
static inline vec gather(vec x, int turn) {
    static const uint8_t kOrder[] = {1, 5,  9, 13, 2, 6,  10, 14, 3,  7,  11, 15, 0,  4,
                                     8, 12, 1, 5,  9, 13, 2,  6,  10, 14, 3,  7,  11, 15};
    return V(shuffle_epi8)(x, load_order(kOrder + 4 * (3 - turn)));
}

typedef struct bytes {
    vec low[4], high[4]; /* sums for k + j */
} bytes;

static inline void look_up(bytes *s, int j, vec codes, const uint8_t *tables) {
    const vec mask = V(set1_epi8)(15);
    const vec first = VBITS(and)(codes, mask), second = VBITS(and)(V(srli_epi16)(codes, 4), mask);
    s->low[j] = V(add_epi8)(s->low[j], V(shuffle_epi8)(load_table(tables), first));
    s->high[j] = V(add_epi8)(s->high[j], V(shuffle_epi8)(load_table(tables + 16), first));
    s->low[j] = V(add_epi8)(s->low[j], V(shuffle_epi8)(load_table(tables + 32), second));
    s->high[j] = V(add_epi8)(s->high[j], V(shuffle_epi8)(load_table(tables + 48), second));
}

static inline void take_line(bytes *s, const uint8_t *line, size_t stride, const uint8_t *tables) {
    const uint8_t *second = PANELS == 2 ? line + stride : line + 32;
    const vec c0 = gather(load(line), 0), c1 = gather(load(line + sizeof(vec)), 1);
    const vec c2 = gather(load(second), 2), c3 = gather(load(second + sizeof(vec)), 3);
    const vec a = BLEND(c0, c1, 10), b = BLEND(c2, c3, 10), d = BLEND(c3, c0, 10), e = BLEND(c1, c2, 10);
    look_up(s, 0, BLEND(a, b, 12), tables);
    look_up(s, 1, BLEND(d, e, 12), tables + 64);
    look_up(s, 2, BLEND(b, a, 12), tables + 128);
    look_up(s, 3, BLEND(e, d, 12), tables + 192);
}

/* 16-bit sums of the bytes at odd places, and of those at even places plus 256 times the odd ones. */
typedef struct words {
    vec all, odd;
} words;

static inline void widen_one(words *w, vec x) {
    w->all = V(add_epi16)(w->all, x);
    w->odd = V(add_epi16)(w->odd, V(srli_epi16)(x, 8));
}

static inline void widen_turned(words *w, const vec x[4]) {
    widen_one(w, x[0]);
    widen_one(w, V(shuffle_epi32)(x[1], 0x39));
    widen_one(w, V(shuffle_epi32)(x[2], 0x4e));
    widen_one(w, V(shuffle_epi32)(x[3], 0x93));
}

static inline void widen(const bytes *s, words *low, words *high) {
    widen_turned(low, s->low);
    widen_turned(high, s->high);
}

static inline void add_to(int32_t *sums, vec x) {
    vec *to = (vec *)(void *)sums;
    VBITS(storeu)(to, V(add_epi32)(VBITS(loadu)(to), x));
}

static inline vec even_of(const words *w) { return V(sub_epi16)(w->all, V(slli_epi16)(w->odd, 8)); }

/* 32 * high + low in 32 bits, columns in order. */
static void add_words(const words *low, const words *high, int32_t *sums) {
    const vec weights = V(set1_epi32)(1 | 32 << 16), low_even = even_of(low), high_even = even_of(high);
    const vec e0 = V(madd_epi16)(V(unpacklo_epi16)(low_even, high_even), weights);
    const vec e1 = V(madd_epi16)(V(unpackhi_epi16)(low_even, high_even), weights);
    const vec o0 = V(madd_epi16)(V(unpacklo_epi16)(low->odd, high->odd), weights);
    const vec o1 = V(madd_epi16)(V(unpackhi_epi16)(low->odd, high->odd), weights);
    const size_t step = sizeof(vec) / 4;
    add_to(sums, V(unpacklo_epi32)(e0, o0));
    add_to(sums + step, V(unpackhi_epi32)(e0, o0));
    add_to(sums + 2 * step, V(unpacklo_epi32)(e1, o1));
    add_to(sums + 3 * step, V(unpackhi_epi32)(e1, o1));
}

static inline void clear(bytes *s) {
    for (int j = 0; j < 4; j++) s->low[j] = s->high[j] = VBITS(setzero)();
}

static void add(const uint8_t *panel, size_t stride, const uint8_t *next, const uint8_t *tables, size_t lines,
                int32_t *sums) {
    words low = {VBITS(setzero)(), VBITS(setzero)()}, high = low;
    size_t l = 0;
    for (; l + STAGE <= lines; l += STAGE) {
        bytes s;
        clear(&s);
        for (size_t i = l; i < l + STAGE; i++) {
            LUT_MARK_BEGIN();
            for (size_t p = 0; p < PANELS; p++) _mm_prefetch((const char *)next + p * stride + i * 64, _MM_HINT_T0);
            take_line(&s, panel + i * 64, stride, tables + i * LUT_LINE_TABLES);
            LUT_MARK_END();
        }
        widen(&s, &low, &high);
    }
    bytes rest;
    clear(&rest);
    for (; l < lines; l++) take_line(&rest, panel + l * 64, stride, tables + l * LUT_LINE_TABLES);
    widen(&rest, &low, &high);
    add_words(&low, &high, sums);
}

/* ---- tables ---- */

static inline __m128i constant(const void *x) { return _mm_loadu_si128((const __m128i *)x); }

static void store_entries(__m128i first, __m128i last, uint8_t *table) {
    const __m128i mask = _mm_set1_epi16(31), bias = _mm_set1_epi16(512);
    const __m128i x = _mm_add_epi16(first, bias), y = _mm_add_epi16(last, bias);
    __m128i *to = (__m128i *)(void *)table;
    _mm_store_si128(to, _mm_packus_epi16(_mm_and_si128(x, mask), _mm_and_si128(y, mask)));
    _mm_store_si128(to + 1, _mm_packus_epi16(_mm_srli_epi16(x, 5), _mm_srli_epi16(y, 5)));
}

/* Codes of 1 bit: fields 0 and 1 of eight entries; 2 and 3 of the first eight, and of the others. */
static const uint8_t kBits01[16] = {0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1};
static const uint8_t kBits23[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0};
static const uint8_t kBits23Last[16] = {0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static void build1(const int8_t *a, size_t halves, uint8_t *tables) {
    for (size_t i = 0; i < halves; i++) {
        const __m128i four = constant(a + i * 16); /* k = 4 f + j */
        for (int j = 0; j < 4; j++) {
            const __m128i a01 = _mm_shuffle_epi8(four, _mm_set1_epi16((short)(j | (j + 4) << 8)));
            const __m128i a23 = _mm_shuffle_epi8(four, _mm_set1_epi16((short)((j + 8) | (j + 12) << 8)));
            const __m128i s01 = _mm_maddubs_epi16(constant(kBits01), a01);
            store_entries(_mm_add_epi16(s01, _mm_maddubs_epi16(constant(kBits23), a23)),
                          _mm_add_epi16(s01, _mm_maddubs_epi16(constant(kBits23Last), a23)),
                          tables + (i / 2) * LUT_LINE_TABLES + (size_t)j * 64 + (i % 2) * 32);
        }
    }
}

/* Codes of 2 bits: the two of entries 0..7 and of 8..15. */
static const uint8_t kPairs0[16] = {0, 0, 1, 0, 2, 0, 3, 0, 0, 1, 1, 1, 2, 1, 3, 1};
static const uint8_t kPairs8[16] = {0, 2, 1, 2, 2, 2, 3, 2, 0, 3, 1, 3, 2, 3, 3, 3};

static void build2(const int8_t *a, size_t halves, uint8_t *tables) {
    for (size_t i = 0; i < halves; i++) {
        const __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)(a + i * 8));
        for (int j = 0; j < 4; j++) {
            const __m128i a01 = _mm_shuffle_epi8(two, _mm_set1_epi16((short)(j | (j + 4) << 8)));
            const __m128i one = _mm_maddubs_epi16(_mm_set1_epi8(1), a01);
            store_entries(_mm_sub_epi16(_mm_maddubs_epi16(constant(kPairs0), a01), one),
                          _mm_sub_epi16(_mm_maddubs_epi16(constant(kPairs8), a01), one),
                          tables + (i / 2) * LUT_LINE_TABLES + (size_t)j * 64 + (i % 2) * 32);
        }
    }
}

static void build(int bits, const int8_t *a, size_t lines, uint8_t *tables) {
    if (bits == 1)
        build1(a, 2 * lines, tables);
    else
        build2(a, 2 * lines, tables);
}

#ifdef __AVX2__
const lut_level lut_avx2 = {kName, PANELS, build, add};
#else
const lut_level lut_sse4 = {kName, PANELS, build, add};
#endif
