/* SPDX-License-Identifier: Apache-2.0 */
/* Reading safetensors: what is accepted, every refusal with its reason, damaged files, every type, very many tensors,
 * and the models of the data folder. */
#include "nn/safetensors.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/safetensors.h"

/* Parses header and data in guarded memory, at an odd address. */
static lowbit_status parse(const char *header, size_t data, lb_safetensors *file, lowbit_error *error) {
    uint8_t *bytes = check_guarded(8 + strlen(header) + data, CHECK_GUARD_AFTER);
    const size_t length = safetensors_make(header, data, bytes);
    check_context("%.200s", header);
    return lb_safetensors_parse(bytes, length, file, error);
}

static void check_order(void) {
    static const char kHeader[] =
        "{\"b\":{\"dtype\":\"I8\",\"shape\":[3,2],\"data_offsets\":[4,10]},"
        "\"__metadata__\":{\"format\":\"pt\",\"\":\"empty\"},"
        "\"none\":{\"dtype\":\"F64\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"more\":[1]}}   ";
    lb_safetensors f;
    float value[6];
    if (!CHECK(parse(kHeader, 10, &f, NULL) == LOWBIT_OK)) return;
    CHECK(f.count == 3 && strcmp(f.tensors[0].name, "a") == 0 && strcmp(f.tensors[2].name, "b") == 0);
    CHECK(f.tensors[0].rank == 0 && f.tensors[0].elements == 1 && f.tensors[0].bytes == 4);
    const lb_tensor *b = lb_safetensors_find(&f, "b"), *none = lb_safetensors_find(&f, "none");
    CHECK(b == &f.tensors[2] && b->rank == 2 && b->shape[0] == 3 && b->shape[1] == 2 && b->elements == 6);
    CHECK(b && lb_tensor_floats(b, value, NULL) == LOWBIT_OK && value[0] == 4 && value[5] == 9);
    CHECK(none == &f.tensors[1] && none->elements == 0 && lb_tensor_floats(none, NULL, NULL) == LOWBIT_OK);
    CHECK(!lb_safetensors_find(&f, "c") && !lb_safetensors_find(&f, "__metadata__"));
    CHECK(f.metadata_count == 2 && strcmp(lb_safetensors_text(&f, "format"), "pt") == 0);
    CHECK(strcmp(lb_safetensors_text(&f, ""), "empty") == 0 && !lb_safetensors_text(&f, "pt"));
    lb_safetensors_close(&f);
    CHECK(parse("{}", 0, &f, NULL) == LOWBIT_OK && f.count == 0 && !lb_safetensors_find(&f, "a"));
    lb_safetensors_close(&f);
}

/* Every type at an odd address: the bits and their value, or no value. */
static void check_types(void) {
    static const struct {
        const char *dtype;
        size_t size;
        uint8_t bytes[8];
        float value; /* NAN = refused */
    } kCases[] = {
        {"F32", 4, {0x00, 0x00, 0x20, 0x41}, 10.0f},
        {"F16", 2, {0x00, 0xC0}, -2.0f},
        {"F16", 2, {0x01, 0x00}, 0x1p-24f},
        {"BF16", 2, {0x80, 0x3F}, 1.0f},
        {"F64", 8, {0, 0, 0, 0, 0, 0, 0x59, 0x40}, 100.0f},
        {"I8", 1, {0x80}, -128.0f},
        {"U8", 1, {0x80}, 128.0f},
        {"BOOL", 1, {1}, 1.0f},
        {"I16", 2, {0x00, 0x80}, -32768.0f},
        {"U16", 2, {0x00, 0x80}, 32768.0f},
        {"I32", 4, {0xFE, 0xFF, 0xFF, 0xFF}, -2.0f},
        {"U32", 4, {0xFE, 0xFF, 0xFF, 0xFF}, 4294967294.0f},
        {"I64", 8, {0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, -3.0f},
        {"U64", 8, {0, 0, 0, 0, 0, 0, 0, 0x80}, 0x1p63f},
        {"F8_E4M3", 1, {1}, NAN},
        {"F8_E5M2", 1, {1}, NAN},
        {"F8_E8M0", 1, {1}, NAN},
        {"C64", 8, {1}, NAN},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        char header[128];
        uint8_t bytes[256];
        lb_safetensors f;
        float value;
        snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                 kCases[i].dtype, kCases[i].size);
        if (strlen(header) % 2 == 0) strcat(header, " ");
        const size_t length = safetensors_make(header, kCases[i].size, bytes);
        memcpy(bytes + length - kCases[i].size, kCases[i].bytes, kCases[i].size);
        check_context("%s, case %zu", kCases[i].dtype, i);
        if (!CHECK(lb_safetensors_parse(bytes, length, &f, NULL) == LOWBIT_OK)) continue;
        const lowbit_status status = lb_tensor_floats(&f.tensors[0], &value, NULL);
        CHECK(isnan(kCases[i].value) ? status == LOWBIT_UNSUPPORTED : status == LOWBIT_OK && value == kCases[i].value);
        lb_safetensors_close(&f);
    }
    lb_safetensors f;
    CHECK(parse("{\"x\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3, &f, NULL) == LOWBIT_OK);
    lb_safetensors_close(&f);
}

static void check_many(void) {
    enum { MANY = 100000, ENTRY = 96 };
    char *header = malloc((size_t)MANY * ENTRY), name[16];
    uint8_t *bytes = malloc((size_t)MANY * ENTRY);
    lb_safetensors f;
    if (!CHECK(header && bytes)) exit(1);
    size_t length = 0;
    for (int i = 0; i < MANY; i++) {
        const int at = (int)((int64_t)i * 7919 % MANY); /* names and places in no order */
        length +=
            (size_t)sprintf(header + length, "%c\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
                            i ? ',' : '{', i, at, at + 1);
    }
    strcpy(header + length, "}");
    length = safetensors_make(header, MANY, bytes);
    check_context("%d tensors", MANY);
    const clock_t start = clock();
    CHECK(lb_safetensors_parse(bytes, length, &f, NULL) == LOWBIT_OK && f.count == MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "t%d", i);
        const lb_tensor *t = lb_safetensors_find(&f, name);
        if (!CHECK(t && t == &f.tensors[(int64_t)i * 7919 % MANY])) break;
    }
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 20); /* 0.2 here; comparing all pairs takes minutes */
    lb_safetensors_close(&f);
    free(header);
    free(bytes);
}

void subject_safetensors(void) {
    check_order();
    check_types();
    check_many();
}

/* ---- refusals ---- */

#define X(fields) "{\"x\":{" fields "}}"
#define U8(shape, offsets) X("\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets)

static const struct refusal {
    const char *header;
    size_t data;
    const char *reason;
} kRefusals[] = {
    {"", 0, "begin with {"},
    {" {}", 0, "begin with {"},
    {"[]", 0, "begin with {"},
    {"{", 0, "no JSON"},
    {"{} x", 0, "no JSON"},
    {"{\"x\":1,\"x\":1}", 0, "duplicate"},
    {"{\"a\\u0000b\":1}", 0, "NUL"},
    {"{\"\xFF\":1}", 0, "byte 0xff"},
    {"{\"x\":1}", 0, "entry of \"x\""},
    {"{\"x\":[]}", 0, "entry of \"x\""},
    {"{\"x\":null}", 0, "entry of \"x\""},
    {"{\"__metadata__\":[]}", 0, "no object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "no text"},
    {X("\"shape\":[1],\"data_offsets\":[0,1]"), 1, "dtype"},
    {X("\"dtype\":\"U8\",\"data_offsets\":[0,1]"), 1, "shape"},
    {X("\"dtype\":\"U8\",\"shape\":[1]"), 1, "data_offsets"},
    {X("\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]"), 1, "entry of \"x\""},
    {X("\"dtype\":\"u8\",\"shape\":[1],\"data_offsets\":[0,1]"), 1, "unknown type"},
    {X("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,2]"), 2, "needs 4"},
    {X("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]"), 8, "needs 4"},
    {X("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]"), 2, "within a byte"},
    {U8("[2]", "[0,1]"), 1, "needs 2"},
    {U8("{}", "[0,1]"), 1, "no list"},
    {U8("[-1]", "[0,1]"), 1, "dimension 0"},
    {U8("[1.0]", "[0,1]"), 1, "dimension 0"},
    {U8("[\"1\"]", "[0,1]"), 1, "dimension 0"},
    {U8("[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "9 dimensions"},
    {U8("[4294967296,4294967296]", "[0,1]"), 1, "overflows"},
    {U8("[4294967296,4294967296,0]", "[0,0]"), 0, "overflows"},
    {U8("[9223372036854775807]", "[0,1]"), 1, "overflows"},
    {U8("[9223372036854775808]", "[0,1]"), 1, "no JSON"},
    {U8("[1]", "[-1,0]"), 1, "lies at"},
    {U8("[1]", "[1,0]"), 1, "lies at"},
    {U8("[2]", "[0,2]"), 1, "lies at"},
    {U8("[1]", "[9223372036854775807,9223372036854775807]"), 1, "lies at"},
    {U8("[1]", "[0]"), 1, "entry of \"x\""},
    {U8("[1]", "[0,1,2]"), 1, "entry of \"x\""},
    {U8("[1]", "[0.0,1]"), 1, "entry of \"x\""},
    {U8("[1]", "[1,2]"), 2, "hole"},
    {U8("[1]", "[0,1]"), 2, "end at 1 of 2"},
    {"{}", 1, "end at 0 of 1"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     3, "but the one before"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
     2, "but the one before"},
};

static void check_lengths(void) {
    static const char kHeader[] = U8("[2]", "[0,2]");
    uint8_t whole[128];
    const size_t length = safetensors_make(kHeader, 2, whole);
    lb_safetensors f;
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *bytes = check_guarded(cut, CHECK_GUARD_AFTER);
        memcpy(bytes, whole, cut);
        check_context("cut at %zu", cut);
        CHECK(lb_safetensors_parse(bytes, cut, &f, NULL) == LOWBIT_BAD_FORMAT);
    }
    for (int byte = 0; byte < 8; byte++) {
        uint8_t *bytes = check_guarded(length, CHECK_GUARD_AFTER);
        lowbit_error error = LOWBIT_ERROR_INIT;
        memcpy(bytes, whole, length);
        bytes[byte] |= 0x80; /* a length of up to 2^63 more */
        check_context("byte %d of the length", byte);
        CHECK(lb_safetensors_parse(bytes, length, &f, &error) == LOWBIT_BAD_FORMAT);
        CHECK(strstr(error.message, byte < 3 ? "runs past the file" : "at most 100000000"));
    }
}

/* Any damaged byte of the header: an answer, and if it is yes, tensors that lie inside. */
static void check_flips(void) {
    static const char kHeader[] =
        "{\"__metadata__\":{\"k\":\"v\"},\"x\":{\"dtype\":\"F16\",\"shape\":[3,2],"
        "\"data_offsets\":[0,12]},\"y\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[12,13]}}";
    uint8_t *bytes = check_guarded(8 + strlen(kHeader) + 13, CHECK_GUARD_AFTER);
    const size_t length = safetensors_make(kHeader, 13, bytes);
    for (int i = 0; i < 20000; i++) {
        const size_t at = (size_t)check_random_in(0, (int64_t)length - 14);
        const uint8_t was = bytes[at];
        lb_safetensors f;
        lowbit_error error = LOWBIT_ERROR_INIT;
        float values[13];
        bytes[at] = (uint8_t)check_random();
        check_context("byte %zu is %u", at, bytes[at]);
        const lowbit_status status = lb_safetensors_parse(bytes, length, &f, &error);
        CHECK(status == LOWBIT_OK || (error.message[0] && f.count == 0));
        for (size_t t = 0; t < f.count; t++) CHECK(lb_tensor_floats(&f.tensors[t], values, NULL) <= LOWBIT_OK);
        if (status == LOWBIT_OK) lb_safetensors_close(&f);
        bytes[at] = was;
    }
}

void subject_safetensors_refusals(void) {
    lb_safetensors f;
    for (size_t i = 0; i < LB_COUNT(kRefusals); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const lowbit_status status = parse(kRefusals[i].header, kRefusals[i].data, &f, &error);
        const bool rank = strstr(kRefusals[i].reason, "dimensions") != NULL;
        CHECK(status == (rank ? LOWBIT_UNSUPPORTED : LOWBIT_BAD_FORMAT) && f.count == 0 && !f.text);
        if (!CHECK(strstr(error.message, kRefusals[i].reason))) printf("  %s\n", error.message);
    }
    check_lengths();
    check_flips();
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("paths");
    CHECK(lb_safetensors_open("/proc/none", &f, &error) == LOWBIT_NOT_FOUND);
    CHECK(lb_safetensors_open(check_scratch_folder(), &f, &error) == LOWBIT_BAD_FORMAT);
    CHECK(lb_safetensors_open("/dev/null", &f, &error) == LOWBIT_BAD_FORMAT);
}

/* ---- the data folder ---- */

static void check_model(const char *path) {
    lb_safetensors f;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%s", path);
    if (!CHECK(lb_safetensors_open(path, &f, &error) == LOWBIT_OK)) return;
    CHECK(f.count > 0);
    for (size_t i = 0; i < f.count; i++) {
        const lb_tensor *t = &f.tensors[i];
        float *values = calloc((size_t)t->elements + 1, sizeof *values), sum = 0;
        CHECK(values && lb_safetensors_find(&f, t->name) == t && lb_tensor_floats(t, values, NULL) == LOWBIT_OK);
        for (int64_t e = 0; values && e < t->elements; e++) sum += values[e] * 0;
        CHECK(sum == 0); /* no NaN, no infinity */
        free(values);
    }
    lb_safetensors_close(&f);
}

void subject_safetensors_data(void) {
    const char *folder = getenv("LOWBIT_DATA");
    char pattern[4096];
    glob_t found;
    if (!folder) check_skip("LOWBIT_DATA names no folder of models");
    snprintf(pattern, sizeof pattern, "%s/models/*/*.safetensors", folder);
    if (glob(pattern, 0, NULL, &found) != 0) check_skip("LOWBIT_DATA has no models/*/*.safetensors");
    for (size_t i = 0; i < found.gl_pathc; i++) check_model(found.gl_pathv[i]);
    printf("%zu files\n", found.gl_pathc);
    globfree(&found);
}
