/* SPDX-License-Identifier: Apache-2.0 */
/* The problem string: every combination of words there and back, what is not canonical, and what does not parse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "tests/check.h"

/* The grammar of lowbit/gemm.h but for the formats, word by word; "" where a word may be missing. */
static const char *const kOffsets[] = {"", "z", "m"};
static const int32_t kGroups[] = {0, 32, 2147483647};
static const char *const kScales[] = {":f32", ":f16", ":bf16"}; /* numbered as LOWBIT_SCALE_* */
static const char *const kActivations[] = {NULL, "a8", "a4", "a2", "a1", "u1", "af", "af32"};
static const char *const kOutputs[] = {"", ":s32", ":s8", ":u8"};
static const char *const kFunctions[] = {"", "+relu", "+gelu", "+gelu_tanh", "+silu"};

static bool same_type(const lowbit_weight_type *a, const lowbit_weight_type *b) {
    return a->format == b->format && a->offset == b->offset && a->scale_type == b->scale_type && a->group == b->group &&
           a->progressive == b->progressive && a->struct_size == b->struct_size;
}

static bool same_problem(const lowbit_problem *a, const lowbit_problem *b) {
    return same_type(&a->weights, &b->weights) && a->activations == b->activations &&
           a->static_scale == b->static_scale && a->out == b->out && a->bias == b->bias && a->act == b->act &&
           a->residual == b->residual && a->m == b->m && a->n == b->n && a->k == b->k;
}

/* Takes the next digit of a number that counts all combinations. */
static uint32_t digit(uint32_t *number, uint32_t base) {
    const uint32_t d = *number % base;
    *number /= base;
    return d;
}

static int64_t any_size(void) {
    static const int64_t kSizes[] = {1, 9, 10, 4096, 131071, 2147483647, 9999999999};
    return kSizes[check_random_in(0, LB_COUNT(kSizes) - 1)];
}

/* Combination `number` as a problem and as its shortest string; false past the last one. */
static bool combination(uint32_t number, lowbit_problem *p, char *text) {
    *p = (lowbit_problem){.struct_size = sizeof *p, .weights = LOWBIT_WEIGHT_TYPE_INIT};
    lowbit_format_info format = {.struct_size = sizeof format};
    lowbit_format_get(digit(&number, (uint32_t)lowbit_format_count()), &format, NULL);
    p->weights.format = format.format;
    p->weights.offset = digit(&number, LB_COUNT(kOffsets));
    p->weights.scale_type = digit(&number, LB_COUNT(kScales));
    p->activations = 1 + digit(&number, LB_COUNT(kActivations) - 1);
    p->static_scale = digit(&number, 2);
    p->out = digit(&number, LB_COUNT(kOutputs));
    p->bias = digit(&number, 2);
    p->act = digit(&number, LB_COUNT(kFunctions));
    p->residual = digit(&number, 2);
    const uint32_t group = digit(&number, 2 * LB_COUNT(kGroups) - 1); /* row, then each group without and with p */
    p->weights.group = kGroups[(group + 1) / 2];
    p->weights.progressive = group > 0 && group % 2 == 0;
    p->m = any_size(), p->n = any_size(), p->k = any_size();
    char groups[16] = "";
    if (group) sprintf(groups, "g%d%s", p->weights.group, p->weights.progressive ? "p" : "");
    const uint32_t usual = group ? (uint32_t)LOWBIT_SCALE_F16 : (uint32_t)LOWBIT_SCALE_F32;
    sprintf(text, "%s%s%s%s%s%s:m%lldn%lldk%lld%s%s%s%s", format.name, kOffsets[p->weights.offset], groups,
            p->weights.scale_type == usual ? "" : kScales[p->weights.scale_type], kActivations[p->activations],
            p->static_scale ? "s" : "", (long long)p->m, (long long)p->n, (long long)p->k, kOutputs[p->out],
            p->bias ? "+bias" : "", kFunctions[p->act], p->residual ? "+res" : "");
    return number == 0;
}

/* One combination in eleven: 11 divides no number of words, so that all neighbours meet. The seed says which. */
void subject_problem_words(void) {
    enum { STEP = 11 };
    const uint32_t combinations = (uint32_t)lowbit_format_count() * 3 * 3 * 7 * 2 * 4 * 2 * 5 * 2 * 5;
    lowbit_problem p, back = {.struct_size = sizeof back};
    char text[256], printed[96];
    for (uint32_t number = (uint32_t)check_random_in(0, STEP - 1); number < combinations; number += STEP) {
        CHECK(combination(number, &p, text));
        check_context("%s", text);
        CHECK(lowbit_problem_print(&p, printed, sizeof printed, NULL) == LOWBIT_OK && strcmp(printed, text) == 0);
        CHECK(lowbit_problem_parse(text, &back, NULL) == LOWBIT_OK && same_problem(&p, &back));
    }
    CHECK(!combination(combinations, &p, text));
}

/* ---- one by one ---- */

static const char *const kCanonical[][2] = {
    {"i4g32a8:m1n4096k4096", "i4g32a8:m1n4096k4096"},
    {"i4g32:f16a8:m1n1k1", "i4g32a8:m1n1k1"},
    {"i4:f32a8:m1n1k1", "i4a8:m1n1k1"},
    {"i4a8:m1n1k1:f32", "i4a8:m1n1k1"},
    {"f32:f32af:m1n2k3:f32", "f32af:m1n2k3"},
    {"i4mg128:bf16a8s:m1n2k3:s8+bias+gelu_tanh+res", "i4mg128:bf16a8s:m1n2k3:s8+bias+gelu_tanh+res"},
};

/* Malformed strings, and the character, counted from 1, where the first word that does not fit begins. */
static const struct {
    const char *text;
    int at;
} kMalformed[] = {
    {"", 1},
    {" i4a8:m1n1k1", 1},
    {"i", 1},
    {"i3a8:m1n1k1", 1},
    {"I4a8:m1n1k1", 1},
    {"bf1a8:m1n1k1", 1},
    {"i4", 3},
    {"i4g", 3},
    {"i4g0a8:m1n1k1", 3},
    {"i4g032a8:m1n1k1", 3},
    {"i4g-32a8:m1n1k1", 3},
    {"i4g2147483648a8:m1n1k1", 3},
    {"i4pa8:m1n1k1", 3},
    {"i4gp32a8:m1n1k1", 3},
    {"i4zza8:m1n1k1", 4},
    {"i4zma8:m1n1k1", 4},
    {"i4g32ppa8:m1n1k1", 7},
    {"i4:f64a8:m1n1k1", 3},
    {"i4:f32:f32a8:m1n1k1", 7},
    {"i4a9:m1n1k1", 3},
    {"i4a8", 5},
    {"i4a8ss:m1n1k1", 6},
    {"i4a8m1n1k1", 5},
    {"i4a8:n1m1k1", 5},
    {"i4a8:m", 5},
    {"i4a8:m0n1k1", 5},
    {"i4a8:m01n1k1", 5},
    {"i4a8:m+1n1k1", 5},
    {"i4a8:m1k1n1", 8},
    {"i4a8:m1n1", 10},
    {"i4a8:m1n1k", 10},
    {"i4a8:m1n1k-1", 10},
    {"i4a8:m12345678901n1k1", 17},
    {"i4a8:m1n1k1:", 12},
    {"i4a8:m1n1k1:f16", 12},
    {"i4a8:m1n1k1:s", 12},
    {"i4a8:m1n1k1+", 12},
    {"i4a8:m1n1k1+tanh", 12},
    {"i4a8:m1n1k1+bias+bias", 17},
    {"i4a8:m1n1k1+relu+bias", 17},
    {"i4a8:m1n1k1+res+relu", 16},
    {"i4a8:m1n1k1+relu+silu", 17},
    {"i4a8:m1n1k1+gelu_", 17},
    {"i4a8:m1n1k1+bias:s32", 17},
    {"i4a8:m1n1k1\n", 12},
    {"i4a8:m1n1k1\xff", 12},
};

void subject_problem(void) {
    lowbit_problem p = {.struct_size = sizeof p};
    char text[128], where[48];
    for (size_t i = 0; i < LB_COUNT(kCanonical); i++) {
        check_context("%s", kCanonical[i][0]);
        CHECK(lowbit_problem_parse(kCanonical[i][0], &p, NULL) == LOWBIT_OK);
        CHECK(lowbit_problem_print(&p, text, sizeof text, NULL) == LOWBIT_OK && strcmp(text, kCanonical[i][1]) == 0);
        const size_t needed = strlen(text) + 1;
        CHECK(lowbit_problem_print(&p, text, needed, NULL) == LOWBIT_OK && strcmp(text, kCanonical[i][1]) == 0);
    }
    p.weights.group = LOWBIT_GROUP_TENSOR;
    CHECK(lowbit_problem_print(&p, text, sizeof text, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < LB_COUNT(kMalformed); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const lowbit_problem before = p;
        check_context("\"%s\"", kMalformed[i].text);
        snprintf(where, sizeof where, "from character %d on", kMalformed[i].at);
        CHECK(lowbit_problem_parse(kMalformed[i].text, &p, &error) == LOWBIT_BAD_FORMAT);
        if (!CHECK(strstr(error.message, where) != NULL)) printf("  %s\n", error.message);
        CHECK(same_problem(&p, &before));
    }
}

/* ---- anything at all ---- */

/* Changes, inserts, removes or cuts. The text keeps below `room` bytes. */
static void mutate(char *text, size_t room) {
    static const char kLikely[] = "0123456789aimnkgpzstubfcr:+_";
    const size_t length = strlen(text), at = (size_t)check_random_in(0, (int64_t)length);
    const char any =
        check_random() & 7 ? kLikely[check_random_in(0, sizeof kLikely - 2)] : (char)check_random_in(1, 255);
    switch (check_random() % 4) {
        case 0:
            if (at < length) text[at] = any;
            break;
        case 1:
            if (length + 2 > room) break;
            memmove(text + at + 1, text + at, length - at + 1);
            text[at] = any;
            break;
        case 2:
            if (at < length) memmove(text + at, text + at + 1, length - at);
            break;
        default:
            if (check_random() % 8 == 0) text[at] = 0;
            break;
    }
}

/* Texts in front of a page that cannot be read. What parses must print to something that parses to the same. */
void subject_problem_mutations(void) {
    enum { ROOM = 200, ROUNDS = 100000 };
    char *room = check_guarded(ROOM, CHECK_GUARD_AFTER), text[ROOM] = "", printed[96];
    int parsed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        lowbit_problem p = {.struct_size = sizeof p}, back = p;
        if (round % 10 == 0) combination((uint32_t)check_random_in(0, 388799), &p, text);
        mutate(text, ROOM);
        char *at = room + ROOM - (strlen(text) + 1);
        strcpy(at, text);
        check_context("\"%s\"", text);
        if (lowbit_problem_parse(at, &p, NULL) != LOWBIT_OK) continue;
        parsed++;
        CHECK(lowbit_problem_print(&p, printed, sizeof printed, NULL) == LOWBIT_OK && strlen(printed) <= strlen(text));
        CHECK(lowbit_problem_parse(printed, &back, NULL) == LOWBIT_OK && same_problem(&p, &back));
    }
    CHECK(parsed > ROUNDS / 100); /* or the mutations tell nothing about printing */
}
