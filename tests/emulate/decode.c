/* SPDX-License-Identifier: Apache-2.0 */
/* VEX and EVEX instructions to their parts (Intel SDM volume 2A, sections 2.3 and 2.7). */
#include <string.h>

#include "tests/emulate/machine.h"

enum { RSP = 4, RBP = 5, R12 = 12, R13 = 13 };

/* Prefix bits, not inverted: what each adds to a register's number. */
typedef struct prefix {
    unsigned coding, map, pp, w;
    unsigned reg, index, base, second; /* 0, 8, 16 or 24; of `second` all five bits */
    unsigned rm_high;                  /* of an rm that is a vector register of EVEX: 0 or 16 */
    unsigned length;                   /* 0: 16 bytes, 1: 32, 2: 64 */
    bool zeroing, b;
    unsigned mask;
} prefix;

static bool is_set(uint8_t byte, int bit) { return byte >> bit & 1; }

/* Inverted bit of a prefix byte to what it adds. */
static unsigned adds(uint8_t byte, int bit, unsigned value) { return is_set(byte, bit) ? 0 : value; }

/* Both return the bytes that they took, 0 if it is not theirs. */
static size_t decode_vex(const uint8_t *c, prefix *p) {
    if (c[0] != 0xc4) return 0; /* the short form has no map 2 or 3 */
    *p = (prefix){.coding = VEX,
                  .map = c[1] & 31,
                  .pp = c[2] & 3,
                  .w = is_set(c[2], 7),
                  .reg = adds(c[1], 7, 8),
                  .index = adds(c[1], 6, 8),
                  .base = adds(c[1], 5, 8),
                  .second = ~(unsigned)c[2] >> 3 & 15,
                  .length = is_set(c[2], 2)};
    return 3;
}

static size_t decode_evex(const uint8_t *c, prefix *p) {
    if (c[0] != 0x62 || is_set(c[1], 3) || !is_set(c[2], 2)) return 0;
    *p = (prefix){.coding = EVEX,
                  .map = c[1] & 7,
                  .pp = c[2] & 3,
                  .w = is_set(c[2], 7),
                  .reg = adds(c[1], 7, 8) + adds(c[1], 4, 16),
                  .index = adds(c[1], 6, 8),
                  .base = adds(c[1], 5, 8),
                  .rm_high = adds(c[1], 6, 16),
                  .second = (~(unsigned)c[2] >> 3 & 15) + adds(c[3], 3, 16),
                  .length = c[3] >> 5 & 3,
                  .zeroing = is_set(c[3], 7),
                  .b = is_set(c[3], 4),
                  .mask = c[3] & 7};
    return p->length == 3 || (p->zeroing && !p->mask) ? 0 : 4;
}

/* What a displacement of one byte counts: 1, and with EVEX the bytes that the operand has. */
static int64_t displacement_unit(const prefix *p, const row *r) {
    if (p->coding == VEX) return 1;
    if (r->run == run_compress || r->run == run_expand) return r->element;
    return p->b ? r->broadcast : 16 << p->length;
}

/* ModRM, SIB and displacement; returns their bytes. Addresses relative to rip are completed by the caller. */
static size_t decode_operand(const stopped *at, const uint8_t *c, const prefix *p, instruction *in, bool *relative) {
    const unsigned mod = c[0] >> 6, low = c[0] & 7;
    size_t taken = 1;
    in->reg = (c[0] >> 3 & 7) + p->reg;
    in->rm = low + p->base + p->rm_high;
    in->memory = mod != 3;
    *relative = false;
    if (!in->memory) return taken;
    uint64_t address = 0;
    unsigned base = low + p->base;
    bool has_base = true;
    if (low == RSP) {
        const uint8_t sib = c[taken++];
        const unsigned index = (sib >> 3 & 7) + p->index;
        in->sib = true;
        base = (sib & 7) + p->base;
        has_base = mod != 0 || (sib & 7) != RBP;
        if (index != RSP) in->stride = at->gpr[index] << (sib >> 6);
    } else if (mod == 0 && low == RBP) {
        *relative = true;
        has_base = false;
    }
    if (has_base) address = at->gpr[base];
    if (mod == 1) {
        address += (uint64_t)((int8_t)c[taken] * displacement_unit(p, in->row));
        taken += 1;
    } else if (mod == 2 || !has_base) {
        int32_t displacement;
        memcpy(&displacement, c + taken, sizeof displacement);
        address += (uint64_t)(int64_t)displacement;
        taken += sizeof displacement;
    }
    in->address = (uint8_t *)(uintptr_t)address; /* of a vector, the stride is still to be added */
    return taken;
}

bool instruction_decode(const stopped *at, const uint8_t *code, instruction *in) {
    static const uint8_t kForced[] = {0x0f, 0x0b, 0x6c, 0x62}; /* EMULATE_FORCED */
    const uint8_t *c = code;
    if (memcmp(c, kForced, sizeof kForced) == 0) c += sizeof kForced;
    prefix p;
    size_t taken = decode_vex(c, &p);
    if (!taken) taken = decode_evex(c, &p);
    if (!taken) return false;
    c += taken;
    *in = (instruction){.second = p.second, .mask = p.mask, .zeroing = p.zeroing, .bytes = (size_t)16 << p.length};
    in->row = row_find(p.coding, p.map, p.pp, p.w, *c++);
    if (!in->row) return false;
    bool relative;
    c += decode_operand(at, c, &p, in, &relative);
    in->broadcast = p.b;
    if (p.b && (!in->memory || !in->row->broadcast)) return false;
    if (in->row->flags & IMM) in->imm = *c++;
    in->length = (size_t)(c - code);
    if (relative) in->address += at->rip + in->length;
    return true;
}

bool instruction_run(const stopped *at, const instruction *in) {
    registers_mark(at->xsave);
    return in->row->run(at, in);
}
