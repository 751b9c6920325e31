/* SPDX-License-Identifier: Apache-2.0 */
/* The problem string: parser and printer of the grammar in include/lowbit/gemm.h. Both walk the same tables. */
#include "tuner/problem.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"

typedef struct word {
    const char *text;
    uint32_t value;
} word;

/* Longer words that begin with a shorter one stand before it. */
static const word kActivations[] = {{"a8", LOWBIT_A8}, {"a4", LOWBIT_A4},     {"a2", LOWBIT_A2}, {"a1", LOWBIT_A1},
                                    {"u1", LOWBIT_U1}, {"af32", LOWBIT_AF32}, {"af", LOWBIT_AF}};
static const word kOffsets[] = {{"z", LOWBIT_ZERO_POINT}, {"m", LOWBIT_MINIMUM}};
static const word kScaleTypes[] = {
    {":f32", LOWBIT_SCALE_F32}, {":f16", LOWBIT_SCALE_F16}, {":bf16", LOWBIT_SCALE_BF16}};
static const word kOutputs[] = {
    {":f32", LOWBIT_OUT_F32}, {":s32", LOWBIT_OUT_S32}, {":s8", LOWBIT_OUT_S8}, {":u8", LOWBIT_OUT_U8}};
static const word kFunctions[] = {{"+relu", LOWBIT_ACT_RELU},
                                  {"+gelu_tanh", LOWBIT_ACT_GELU_TANH},
                                  {"+gelu", LOWBIT_ACT_GELU},
                                  {"+silu", LOWBIT_ACT_SILU}};
static const word kBias[] = {{"+bias", 1}}, kResidual[] = {{"+res", 1}}, kStatic[] = {{"s", 1}},
                  kProgressive[] = {{"p", 1}};

/* ---- parsing: each helper moves the cursor past what it reads ---- */

static bool take_word(const char **at, const word *words, size_t count, uint32_t *value) {
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(words[i].text);
        if (strncmp(*at, words[i].text, length) != 0) continue;
        *at += length;
        *value = words[i].value;
        return true;
    }
    return false;
}
#define TAKE(at, words, value) take_word((at), (words), LB_COUNT(words), (value))

bool lb_take_number(const char **at, const char *prefix, int64_t least, int64_t *value) {
    const size_t length = strlen(prefix);
    if (strncmp(*at, prefix, length) != 0) return false;
    const char *digits = *at + length, *end = digits;
    int64_t number = 0;
    for (; *end >= '0' && *end <= '9' && end - digits < 10; end++) number = number * 10 + (*end - '0');
    if (end == digits || (*digits == '0' && end > digits + 1) || number < least) return false;
    *at = end;
    *value = number;
    return true;
}

/* Format names are letters and digits, but the longest match decides: "i4g32" is i4 and a group. */
static bool take_format(const char **at, uint32_t *format) {
    const lb_format *best = NULL, *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        if (strncmp(*at, f->name, strlen(f->name)) == 0 && (!best || strlen(f->name) > strlen(best->name))) best = f;
    if (!best) return false;
    *at += strlen(best->name);
    *format = best->id;
    return true;
}

static uint32_t default_scale_type(int64_t group) { return group > 0 ? LOWBIT_SCALE_F16 : LOWBIT_SCALE_F32; }

/* "m" is minima, but ":m" begins the sizes and "u1", "a8" begin the activations, so the order of the grammar decides.
 */
static bool take_weights(const char **at, lowbit_weight_type *type) {
    int64_t group = 0;
    if (!take_format(at, &type->format)) return false;
    TAKE(at, kOffsets, &type->offset);
    const char *group_at = *at;
    if (lb_take_number(at, "g", 1, &group)) {
        if (group > INT32_MAX) {
            *at = group_at;
            return false;
        }
        TAKE(at, kProgressive, &type->progressive);
    }
    type->group = (int32_t)group;
    type->scale_type = default_scale_type(group);
    TAKE(at, kScaleTypes, &type->scale_type);
    return true;
}

bool lb_take_head(const char **at, lowbit_problem *p) {
    if (!take_weights(at, &p->weights) || !TAKE(at, kActivations, &p->activations)) return false;
    TAKE(at, kStatic, &p->static_scale);
    return true;
}

bool lb_take_tail(const char **at, lowbit_problem *p) {
    TAKE(at, kOutputs, &p->out);
    TAKE(at, kBias, &p->bias);
    TAKE(at, kFunctions, &p->act);
    TAKE(at, kResidual, &p->residual);
    return **at == '\0';
}

static bool take_problem(const char **at, lowbit_problem *p) {
    return lb_take_head(at, p) && lb_take_number(at, ":m", 1, &p->m) && lb_take_number(at, "n", 1, &p->n) &&
           lb_take_number(at, "k", 1, &p->k) && lb_take_tail(at, p);
}

lowbit_status lowbit_problem_parse(const char *text, lowbit_problem *problem, lowbit_error *error) {
    LB_REQUIRE(text && problem && LB_HAS_FIELD(problem, lowbit_problem, k), error, LOWBIT_INVALID_ARGUMENT,
               "text or problem is NULL, or problem's struct_size is too small");
    lowbit_problem made = {.struct_size = problem->struct_size, .weights = LOWBIT_WEIGHT_TYPE_INIT};
    const char *at = text;
    LB_REQUIRE(take_problem(&at, &made), error, LOWBIT_BAD_FORMAT,
               "\"%.80s\" does not fit the grammar from character %d on (\"%.16s\"); an example: i4g32a8:m1n4096k4096",
               text, (int)(at - text) + 1, at);
    *problem = made;
    return LOWBIT_OK;
}

/* ---- printing ---- */

enum { TEXT_BYTES = 96 }; /* the longest string that parses has 83 */

void lb_put(lb_printer *p, const char *text) {
    const size_t length = strlen(text);
    if (p->used + length < p->size) memcpy(p->text + p->used, text, length + 1);
    p->used += length;
}

/* 0 is what stands for "not there", or for a default that has no word. */
static void put_word(lb_printer *p, const word *words, size_t count, uint32_t value) {
    bool found = value == 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i].value != value) continue;
        lb_put(p, words[i].text);
        found = true;
    }
    p->unknown = p->unknown || !found;
}
#define PUT(p, words, value) put_word((p), (words), LB_COUNT(words), (value))

void lb_put_number(lb_printer *p, const char *prefix, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%s%lld", prefix, (long long)value);
    lb_put(p, text);
}

static void put_weights(lb_printer *p, const lowbit_weight_type *type) {
    const lb_format *f = lb_format_of(type->format);
    lb_put(p, f ? f->name : "?");
    PUT(p, kOffsets, type->offset);
    if (type->group > 0) lb_put_number(p, "g", type->group);
    p->unknown = p->unknown || type->group < LOWBIT_GROUP_TENSOR;
    PUT(p, kProgressive, type->progressive);
    if (type->scale_type != default_scale_type(type->group)) PUT(p, kScaleTypes, type->scale_type);
}

void lb_put_head(lb_printer *p, const lowbit_problem *problem) {
    put_weights(p, &problem->weights);
    PUT(p, kActivations, problem->activations);
    PUT(p, kStatic, problem->static_scale);
}

void lb_put_tail(lb_printer *p, const lowbit_problem *problem) {
    if (problem->out != LOWBIT_OUT_F32) PUT(p, kOutputs, problem->out);
    PUT(p, kBias, problem->bias);
    PUT(p, kFunctions, problem->act);
    PUT(p, kResidual, problem->residual);
}

static void put_problem(lb_printer *p, const lowbit_problem *problem) {
    lb_put_head(p, problem);
    lb_put_number(p, ":m", problem->m);
    lb_put_number(p, "n", problem->n);
    lb_put_number(p, "k", problem->k);
    lb_put_tail(p, problem);
}

lowbit_status lowbit_problem_print(const lowbit_problem *problem, char *text, size_t size, lowbit_error *error) {
    LB_REQUIRE(problem && text && LB_HAS_FIELD(problem, lowbit_problem, k), error, LOWBIT_INVALID_ARGUMENT,
               "problem or text is NULL, or problem's struct_size is too small");
    char made[TEXT_BYTES];
    lb_printer p = {made, sizeof made, 0, false};
    put_problem(&p, problem);
    lowbit_problem again = {.struct_size = sizeof again};
    LB_REQUIRE(!p.unknown && p.used < sizeof made && lowbit_problem_parse(made, &again, NULL) == LOWBIT_OK, error,
               LOWBIT_INVALID_ARGUMENT, "the problem has a field that the grammar cannot say");
    LB_REQUIRE(p.used < size, error, LOWBIT_TOO_SMALL, "text has %zu bytes, the string needs %zu", size, p.used + 1);
    memcpy(text, made, p.used + 1);
    return LOWBIT_OK;
}

void lb_problem_words(const lowbit_problem *problem, char format[LB_PROBLEM_WORD], char act[LB_PROBLEM_WORD]) {
    lb_printer f = {format, LB_PROBLEM_WORD, 0, false}, a = {act, LB_PROBLEM_WORD, 0, false};
    put_weights(&f, &problem->weights);
    PUT(&a, kActivations, problem->activations);
    PUT(&a, kStatic, problem->static_scale);
}
