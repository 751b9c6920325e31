/* SPDX-License-Identifier: Apache-2.0 */
/* The table of element types, and elements as floats. Data may lie anywhere, so elements are copied out. */
#include "nn/tensor.h"

#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/scale.h"

/* Little-endian bytes as an unsigned number. */
static uint64_t load(const uint8_t *p, int bytes) {
    uint64_t bits = 0;
    for (int i = 0; i < bytes; i++) bits |= (uint64_t)p[i] << 8 * i;
    return bits;
}

static float f32_at(const uint8_t *p) { return lb_bits_float((uint32_t)load(p, 4)); }
static float f16_at(const uint8_t *p) { return lb_f16_to_float((uint16_t)load(p, 2)); }
static float bf16_at(const uint8_t *p) { return lb_bf16_to_float((uint16_t)load(p, 2)); }

static float f64_at(const uint8_t *p) {
    const uint64_t bits = load(p, 8);
    double x;
    memcpy(&x, &bits, sizeof x);
    return (float)x;
}

static float i8_at(const uint8_t *p) { return (float)(int8_t)p[0]; }
static float i16_at(const uint8_t *p) { return (float)(int16_t)load(p, 2); }
static float i32_at(const uint8_t *p) { return (float)(int32_t)load(p, 4); }
static float i64_at(const uint8_t *p) { return (float)(int64_t)load(p, 8); }
static float u8_at(const uint8_t *p) { return (float)p[0]; }
static float u16_at(const uint8_t *p) { return (float)load(p, 2); }
static float u32_at(const uint8_t *p) { return (float)load(p, 4); }
static float u64_at(const uint8_t *p) { return (float)load(p, 8); }

static const lb_dtype kDtypes[] = {
    {"BF16", 16, true, bf16_at},    {"BOOL", 8, false, u8_at},      {"C64", 64, false, NULL},
    {"F16", 16, true, f16_at},      {"F32", 32, true, f32_at},      {"F4", 4, true, NULL},
    {"F64", 64, true, f64_at},      {"F6_E2M3", 6, true, NULL},     {"F6_E3M2", 6, true, NULL},
    {"F8_E4M3", 8, true, NULL},     {"F8_E4M3FNUZ", 8, true, NULL}, {"F8_E5M2", 8, true, NULL},
    {"F8_E5M2FNUZ", 8, true, NULL}, {"F8_E8M0", 8, true, NULL},     {"I16", 16, false, i16_at},
    {"I32", 32, false, i32_at},     {"I64", 64, false, i64_at},     {"I8", 8, false, i8_at},
    {"U16", 16, false, u16_at},     {"U32", 32, false, u32_at},     {"U64", 64, false, u64_at},
    {"U8", 8, false, u8_at},
};

const lb_dtype *lb_dtype_of(const char *name) {
    for (size_t i = 0; i < LB_COUNT(kDtypes); i++)
        if (strcmp(kDtypes[i].name, name) == 0) return &kDtypes[i];
    return NULL;
}

bool lb_tensor_size(lb_tensor *tensor) {
    int64_t bits;
    tensor->elements = 1;
    for (int32_t i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] < 0 || __builtin_mul_overflow(tensor->elements, tensor->shape[i], &tensor->elements))
            return false;
    if (__builtin_mul_overflow(tensor->elements, tensor->dtype->bits, &bits)) return false;
    tensor->bytes = bits / 8;
    return bits % 8 == 0;
}

lowbit_status lb_tensor_floats(const lb_tensor *tensor, float *out, lowbit_error *error) {
    const lb_dtype *dtype = tensor->dtype;
    const uint8_t *p = tensor->data;
    LB_REQUIRE(dtype->at, error, LOWBIT_UNSUPPORTED, "\"%.64s\" is of type %s, whose elements are not read",
               tensor->name, dtype->name);
    const bool as_is = dtype->at == f32_at && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    if (as_is && tensor->bytes > 0) memcpy(out, p, (size_t)tensor->bytes);
    if (as_is) return LOWBIT_OK;
    for (int64_t i = 0; i < tensor->elements; i++) out[i] = dtype->at(p + i * (dtype->bits / 8));
    return LOWBIT_OK;
}
