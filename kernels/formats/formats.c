/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/formats/format.h"

#include <string.h>

#include "kernels/formats/scale.h"
#include "lowbit/gemm.h"

#define RULE(name) (1u << LOWBIT_RULE_##name)
#define LOPSIDED (RULE(ABSMAX) | RULE(FULL_RANGE) | RULE(MSE) | RULE(FIXED))
#define SIGNS (RULE(SIGN) | RULE(MSE) | RULE(CENTRED) | RULE(LIBRA))
#define TERNARY (RULE(ABSMAX) | RULE(ABSMEAN) | RULE(TWN) | RULE(OPTIMAL) | RULE(MSE) | RULE(RANGE))

const lb_coding lb_codings[LB_CODINGS] = {
    [LB_CODING_W1] = {"w1", 1, 32, 1},   [LB_CODING_W2] = {"w2", 2, 16, 1},     [LB_CODING_W4] = {"w4", 4, 8, 1},
    [LB_CODING_W8] = {"w8", 8, 4, 1},    [LB_CODING_T5] = {"t5", 2, 20, 1},     [LB_CODING_C4] = {"c4", 4, 8, 1},
    [LB_CODING_F32] = {"f32", 32, 1, 4}, [LB_CODING_BF16] = {"bf16", 16, 2, 2},
};

/* Signs and magnitudes: 0 and 2^0 .. 2^6, the exponents of DeepShift-PS with four bits (Elhoushi et al. 2021). */
static const int8_t kPowers[16] = {0, 1, 2, 4, 8, 16, 32, 64, 0, -1, -2, -4, -8, -16, -32, -64};
/* Twice the values of e2m1 (OCP Microscaling Formats 1.0, 5.3.3): 0 0.5 1 1.5 2 3 4 6. */
static const int8_t kFloat4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
/* rne(127 x) of NormalFloat4 (Dettmers et al. 2023, appendix E). */
static const int8_t kNormalFloat4[16] = {-127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127};

/* Adding a format: a row here, its number in weights.h, a line in docs/formats.md. A new coding also needs kernels. */
static const lb_format kFormats[] = {
    {"i8", LOWBIT_I8, LB_CODING_W8, 256, 1, 128, 1, LOWBIT_RULE_ABSMAX, false, LOPSIDED, NULL},
    {"i4", LOWBIT_I4, LB_CODING_W4, 16, 1, 8, 1, LOWBIT_RULE_ABSMAX, false, LOPSIDED, NULL},
    {"i2", LOWBIT_I2, LB_CODING_W2, 4, 1, 2, 1, LOWBIT_RULE_FULL_RANGE, false, LOPSIDED, NULL},
    {"t2", LOWBIT_T2, LB_CODING_W2, 3, 1, 1, 0, LOWBIT_RULE_ABSMEAN, false, TERNARY, NULL},
    {"b1", LOWBIT_B1, LB_CODING_W1, 2, 2, 1, 0, LOWBIT_RULE_SIGN, false, SIGNS, NULL},
    {"s2", LOWBIT_S2, LB_CODING_W2, 4, 2, 3, 0, LOWBIT_RULE_ABSMAX, false, RULE(ABSMAX) | RULE(MSE), NULL},
    {"t5", LOWBIT_T5, LB_CODING_T5, 3, 1, 1, 0, LOWBIT_RULE_ABSMEAN, false, TERNARY, NULL},
    {"c4", LOWBIT_C4, LB_CODING_C4, 16, 1, 128, 0, LOWBIT_RULE_KMEANS, false, RULE(KMEANS) | RULE(NEAREST), NULL},
    {"nf4", LOWBIT_NF4, LB_CODING_C4, 16, 1, 128, 0, LOWBIT_RULE_NEAREST, false, RULE(NEAREST), kNormalFloat4},
    {"fp4", LOWBIT_FP4, LB_CODING_C4, 16, 1, 128, 0, LOWBIT_RULE_NEAREST, false, RULE(NEAREST), kFloat4},
    {"p4", LOWBIT_P4, LB_CODING_C4, 16, 1, 128, 0, LOWBIT_RULE_NEAREST, false, RULE(NEAREST), kPowers},
    {"bf16", LOWBIT_BF16, LB_CODING_BF16, 0, 1, 0, 0, LOWBIT_RULE_ROUND, false, RULE(ROUND), NULL},
    {"f32", LOWBIT_F32, LB_CODING_F32, 0, 1, 0, 0, LOWBIT_RULE_ROUND, false, RULE(ROUND), NULL},
    {"l1i8", LOWBIT_L1I8, LB_CODING_W8, 256, 1, 128, 0, LOWBIT_RULE_ABSMAX, true, RULE(ABSMAX), NULL},
    {"l1f32", LOWBIT_L1F32, LB_CODING_F32, 0, 1, 0, 0, LOWBIT_RULE_ROUND, true, RULE(ROUND), NULL},
    {"l1bf16", LOWBIT_L1BF16, LB_CODING_BF16, 0, 1, 0, 0, LOWBIT_RULE_ROUND, true, RULE(ROUND), NULL},
};

const lb_format *lb_format_at(size_t index) { return index < LB_COUNT(kFormats) ? &kFormats[index] : NULL; }

const lb_format *lb_format_of(uint32_t id) {
    for (size_t i = 0; i < LB_COUNT(kFormats); i++)
        if (kFormats[i].id == id) return &kFormats[i];
    return NULL;
}

const lb_format *lb_format_named(const char *name, size_t length) {
    for (size_t i = 0; i < LB_COUNT(kFormats); i++)
        if (strlen(kFormats[i].name) == length && memcmp(kFormats[i].name, name, length) == 0) return &kFormats[i];
    return NULL;
}

size_t lowbit_format_count(void) { return LB_COUNT(kFormats); }

lowbit_status lowbit_format_get(size_t index, lowbit_format_info *info, lowbit_error *error) {
    LB_REQUIRE(info && LB_HAS_FIELD(info, lowbit_format_info, has_kernels), error, LOWBIT_INVALID_ARGUMENT,
               "info is NULL or its struct_size is too small");
    const lb_format *f = lb_format_at(index);
    LB_REQUIRE(f, error, LOWBIT_INVALID_ARGUMENT, "index %zu: there are %zu formats", index, LB_COUNT(kFormats));
    *info = (lowbit_format_info){.struct_size = info->struct_size,
                                 .format = f->id,
                                 .name = f->name,
                                 .bits = lb_codings[f->coding].bits,
                                 .codes = f->codes,
                                 .value_scale = f->value_scale,
                                 .value_offset = f->value_offset,
                                 .offset_legal = f->offset_legal,
                                 .has_kernels = 1};
    return LOWBIT_OK;
}

static lowbit_status check_group(const lb_format *f, int32_t group, lowbit_error *error) {
    if (group == LOWBIT_GROUP_ROW || group == LOWBIT_GROUP_TENSOR) return LOWBIT_OK;
    LB_REQUIRE(group == 16 || (group >= 32 && group % 32 == 0), error, LOWBIT_INVALID_ARGUMENT,
               "group is %d: legal are 16, multiples of 32, LOWBIT_GROUP_ROW and LOWBIT_GROUP_TENSOR", group);
    LB_REQUIRE(!lb_is_float(f), error, LOWBIT_INVALID_ARGUMENT, "group is %d: %s has no scales", group, f->name);
    LB_REQUIRE(!f->distance, error, LOWBIT_INVALID_ARGUMENT, "group is %d: %s has one scale in all", group, f->name);
    LB_REQUIRE(group % lb_line_k(f) == 0, error, LOWBIT_INVALID_ARGUMENT,
               "group is %d: a packed line of %s holds %d elements of a row", group, f->name, (int)lb_line_k(f));
    return LOWBIT_OK;
}

int64_t lb_multiplier_limit(const lowbit_weight_type *type) {
    const lb_format *f = lb_format_of(type->format);
    const int64_t top = (1 << lb_bits(f)) - 1, s = f->value_scale, o = f->value_offset;
    if (type->offset == LOWBIT_ZERO_POINT) return INT8_MAX / top;
    return lb_min(lb_min(-INT8_MIN / o, INT8_MAX / (s * top - o)), UINT8_MAX / (s * top));
}

static lowbit_status check_progressive(const lb_format *f, const lowbit_weight_type *type, lowbit_error *error) {
    LB_REQUIRE(type->progressive <= 1, error, LOWBIT_INVALID_ARGUMENT, "progressive is %u, not 0 or 1",
               type->progressive);
    if (!type->progressive) return LOWBIT_OK;
    LB_REQUIRE(type->group > 0, error, LOWBIT_INVALID_ARGUMENT, "progressive scales need groups");
    LB_REQUIRE(!lb_has_book(f), error, LOWBIT_INVALID_ARGUMENT,
               "progressive groups of %s: the values of a book may fill an int8", f->name);
    LB_REQUIRE(type->offset != LOWBIT_MINIMUM, error, LOWBIT_INVALID_ARGUMENT,
               "progressive groups have one integer sum a row, which float minima would break up");
    LB_REQUIRE(lb_multiplier_limit(type) >= 2, error, LOWBIT_INVALID_ARGUMENT,
               "progressive groups of %s%s: its values fill an int8 and leave no room for a multiplier", f->name,
               type->offset ? " with zero points" : "");
    return LOWBIT_OK;
}

lowbit_status lb_check_weight_type(const lowbit_weight_type *type, lowbit_error *error) {
    LB_REQUIRE(type && LB_HAS_FIELD(type, lowbit_weight_type, progressive), error, LOWBIT_INVALID_ARGUMENT,
               "the weight type is NULL or its struct_size is too small");
    const lb_format *f = lb_format_of(type->format);
    LB_REQUIRE(f, error, LOWBIT_INVALID_ARGUMENT, "format number %u is unknown", type->format);
    LB_REQUIRE(type->offset <= LOWBIT_MINIMUM, error, LOWBIT_INVALID_ARGUMENT, "offset kind %u is unknown",
               type->offset);
    LB_REQUIRE(type->offset == LOWBIT_SYMMETRIC || f->offset_legal, error, LOWBIT_INVALID_ARGUMENT,
               "format %s has neither zero points nor minima", f->name);
    LB_REQUIRE(type->scale_type < LB_SCALE_TYPES, error, LOWBIT_INVALID_ARGUMENT, "scale type %u is unknown",
               type->scale_type);
    LB_REQUIRE(!lb_is_float(f) || type->scale_type == LOWBIT_SCALE_F32, error, LOWBIT_INVALID_ARGUMENT,
               "scale type %u: %s has no scales", type->scale_type, f->name);
    LB_TRY(check_group(f, type->group, error));
    return check_progressive(f, type, error);
}

/* |value| of a code times |a| <= 128, summed over one integer sum, must stay below 2^31. With zero points the value is
 * c - zero, both of them up to 255. Progressive sums go through all of K, but each value times its multiplier is an
 * int8. */
static int64_t exact_length(const lowbit_weight_type *type) {
    if (type->progressive) return LOWBIT_MAX_K;
    return type->offset == LOWBIT_ZERO_POINT || type->offset == LOWBIT_MINIMUM ? INT32_MAX / (255 * 128) : LOWBIT_MAX_K;
}

lowbit_status lb_check_weight_shape(const lowbit_weight_type *type, int64_t n, int64_t k, lowbit_error *error) {
    LB_TRY(lb_check_weight_type(type, error));
    LB_REQUIRE(n >= 1 && n <= INT32_MAX, error, LOWBIT_INVALID_ARGUMENT, "N is %lld: legal are 1 to 2^31 - 1",
               (long long)n);
    LB_REQUIRE(k >= 1, error, LOWBIT_INVALID_ARGUMENT, "K is %lld: it must be at least 1", (long long)k);
    LB_REQUIRE(k <= LOWBIT_MAX_K, error, LOWBIT_UNSUPPORTED, "K is %lld: int32 sums stay exact up to %d", (long long)k,
               LOWBIT_MAX_K);
    const int64_t sum = type->group > 0 ? lb_min(k, type->group) : k;
    LB_REQUIRE(sum <= exact_length(type), error, LOWBIT_UNSUPPORTED,
               "%lld elements share a scale: with zero points or minima int32 sums stay exact up to %lld",
               (long long)sum, (long long)exact_length(type));
    return LOWBIT_OK;
}
