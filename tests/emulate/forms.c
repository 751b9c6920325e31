/* SPDX-License-Identifier: Apache-2.0 */
/* How vector instructions read and write: masks, zeroing, memory, broadcasts (Intel SDM volume 1, section 15.6). */
#include <string.h>

#include "tests/emulate/machine.h"

/* One bit for each of the elements, those that are written. */
static uint64_t active(const stopped *at, const instruction *in, size_t elements) {
    const uint64_t all = elements == 64 ? UINT64_MAX : (UINT64_C(1) << elements) - 1;
    return in->mask ? mask_load(at->xsave, in->mask) & all : all;
}

static uint8_t *vector_address(const instruction *in) { return in->address + in->stride; }

/* The last operand. Elements that the mask leaves out are not touched: their pages may be missing. */
static void load_operand(const stopped *at, const instruction *in, uint64_t mask, vector *v) {
    const row *r = in->row;
    const size_t element = (size_t)r->element << ((r->flags & NARROW) != 0);
    if (!in->memory) {
        vector_load(at->xsave, in->rm, v);
    } else if (in->broadcast) {
        if (!mask && !(r->flags & WHOLE)) return;
        for (size_t i = 0; i < in->bytes; i += r->broadcast) memcpy(v->u8 + i, vector_address(in), r->broadcast);
    } else if (!in->mask || (r->flags & WHOLE)) {
        memcpy(v->u8, vector_address(in), in->bytes);
    } else {
        for (size_t i = 0; i * element < in->bytes; i++)
            if (mask >> i & 1) memcpy(v->u8 + i * element, vector_address(in) + i * element, element);
    }
}

/* Writes elements of the mask; the others are zeroed or stay. */
static void store_masked(const stopped *at, const instruction *in, uint64_t mask, const vector *to, const vector *was,
                         size_t bytes) {
    vector v = *to;
    if (in->mask) {
        const size_t element = in->row->element;
        for (size_t i = 0; i * element < bytes; i++) {
            if (mask >> i & 1) continue;
            if (in->zeroing)
                memset(v.u8 + i * element, 0, element);
            else
                memcpy(v.u8 + i * element, was->u8 + i * element, element);
        }
    }
    vector_store(at->xsave, in->reg, &v, bytes);
}

bool run_lanes(const stopped *at, const instruction *in) {
    lanes o = {.bytes = in->bytes, .imm = in->imm};
    const size_t bytes = in->row->flags & NARROW ? in->bytes / 2 : in->bytes;
    const uint64_t mask = active(at, in, bytes / in->row->element);
    vector_load(at->xsave, in->reg, &o.was);
    vector_load(at->xsave, in->second, &o.a);
    load_operand(at, in, mask, &o.b);
    in->row->compute(&o);
    store_masked(at, in, mask, &o.to, &o.was, bytes);
    return true;
}

/* A bit for each byte, to a mask register. */
bool run_to_mask(const stopped *at, const instruction *in) {
    lanes o = {.bytes = in->bytes};
    if (in->zeroing || in->reg > 7) return false;
    const uint64_t mask = active(at, in, in->bytes);
    vector_load(at->xsave, in->second, &o.a);
    load_operand(at, in, mask, &o.b);
    in->row->compute(&o);
    mask_store(at->xsave, in->reg, o.to.u64[0] & mask);
    return true;
}

/* Elements of the mask side by side, to ModRM.rm. */
bool run_compress(const stopped *at, const instruction *in) {
    const size_t element = in->row->element, elements = in->bytes / element;
    const uint64_t mask = active(at, in, elements);
    vector from, packed = {{0}};
    size_t count = 0;
    if (in->memory && in->zeroing) return false;
    vector_load(at->xsave, in->reg, &from);
    if (!in->memory && !in->zeroing) vector_load(at->xsave, in->rm, &packed);
    for (size_t i = 0; i < elements; i++)
        if (mask >> i & 1) memcpy(packed.u8 + element * count++, from.u8 + element * i, element);
    if (in->memory)
        memcpy(vector_address(in), packed.u8, element * count);
    else
        vector_store(at->xsave, in->rm, &packed, in->bytes);
    return true;
}

/* The other way round, to ModRM.reg: elements that follow one another go where the mask is 1. */
bool run_expand(const stopped *at, const instruction *in) {
    const size_t element = in->row->element, elements = in->bytes / element;
    const uint64_t mask = active(at, in, elements);
    vector from = {{0}}, to, was;
    size_t count = 0;
    if (in->memory)
        memcpy(from.u8, vector_address(in), element * (size_t)__builtin_popcountll(mask));
    else
        vector_load(at->xsave, in->rm, &from);
    vector_load(at->xsave, in->reg, &was);
    to = was;
    for (size_t i = 0; i < elements; i++)
        if (mask >> i & 1) memcpy(to.u8 + element * i, from.u8 + element * count++, element);
    store_masked(at, in, mask, &to, &was, in->bytes);
    return true;
}
