/* SPDX-License-Identifier: Apache-2.0 */
/* Vector registers in an XSAVE area: the low 16 bytes of the first sixteen, then parts whose places CPUID tells. */
#include <cpuid.h>
#include <string.h>

#include "tests/emulate/machine.h"

/* Parts by their numbers, which are bits of XCR0 and of XSTATE_BV. */
enum { SSE = 1, AVX = 2, MASKS = 5, ZMM_HIGH = 6, ZMM_16_31 = 7, PARTS = 8 };
enum { XMM_AT = 160, HEADER_AT = 512, HEADER_BYTES = 64 };

static uint32_t places[PARTS]; /* in the area; 0: not here */
static uint64_t known;
static size_t area_bytes;

bool registers_find(void) {
    static const int kParts[] = {AVX, MASKS, ZMM_HIGH, ZMM_16_31};
    uint32_t eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> 27 & 1)) return false; /* OSXSAVE */
    uint32_t enabled, high;
    __asm__ volatile("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
    known = 1 << SSE;
    area_bytes = HEADER_AT + HEADER_BYTES;
    for (size_t i = 0; i < sizeof kParts / sizeof kParts[0]; i++) {
        const int part = kParts[i];
        if (!(enabled >> part & 1) || !__get_cpuid_count(0xd, (uint32_t)part, &eax, &ebx, &ecx, &edx)) continue;
        places[part] = ebx;
        known |= UINT64_C(1) << part;
        if (area_bytes < ebx + eax) area_bytes = ebx + eax;
    }
    return known >> AVX & 1;
}

uint64_t registers_parts(void) { return known; }

size_t registers_bytes(void) { return area_bytes; }

void registers_mark(uint8_t *xsave) {
    uint64_t there;
    memcpy(&there, xsave + HEADER_AT, sizeof there);
    there |= known;
    memcpy(xsave + HEADER_AT, &there, sizeof there);
}

/* Calls piece(where in the area, offset in the register, bytes) for the pieces of a register. */
#define FOR_PIECES(number, PIECE)                                                                                      \
    if ((number) < 16) {                                                                                               \
        PIECE(XMM_AT + 16 * (number), 0, 16);                                                                          \
        PIECE(places[AVX] + 16 * (number), 16, 16);                                                                    \
        if (places[ZMM_HIGH]) PIECE(places[ZMM_HIGH] + 32 * (number), 32, 32);                                         \
    } else {                                                                                                           \
        PIECE(places[ZMM_16_31] + 64 * ((number)-16), 0, 64);                                                          \
    }

void vector_load(const uint8_t *xsave, unsigned number, vector *v) {
#define LOAD(from, offset, count) memcpy(v->u8 + (offset), xsave + (from), count)
    FOR_PIECES(number, LOAD)
}

void vector_store(uint8_t *xsave, unsigned number, const vector *v, size_t bytes) {
    vector whole = *v;
    memset(whole.u8 + bytes, 0, sizeof whole - bytes);
#define STORE(to, offset, count) memcpy(xsave + (to), whole.u8 + (offset), count)
    FOR_PIECES(number, STORE)
}

uint64_t mask_load(const uint8_t *xsave, unsigned number) {
    uint64_t mask;
    memcpy(&mask, xsave + places[MASKS] + 8 * number, sizeof mask);
    return mask;
}

void mask_store(uint8_t *xsave, unsigned number, uint64_t mask) {
    memcpy(xsave + places[MASKS] + 8 * number, &mask, sizeof mask);
}
