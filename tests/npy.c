/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files: every accepted form of the header, every refusal, damaged files of all kinds, and a round trip. */
#include "cli/npy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

enum { ROOM = 512 };

/* A version-1 file with this text as its header, in guarded memory. */
static uint8_t *file_with(const char *text, size_t *length) {
    const size_t n = strlen(text);
    uint8_t *bytes = check_guarded(10 + n, CHECK_GUARD_AFTER);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (uint8_t)n;
    bytes[9] = (uint8_t)(n >> 8);
    memcpy(bytes + 10, text, n);
    *length = 10 + n;
    return bytes;
}

static lowbit_status parse(const char *text, lb_npy *npy) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    size_t length, header;
    const uint8_t *bytes = file_with(text, &length);
    check_context("%s", text);
    const lowbit_status status = lb_npy_parse(bytes, length, npy, &header, &error);
    CHECK(status == LOWBIT_OK ? header == length : error.message[0] != 0);
    return status;
}

static void accepted_headers(void) {
    lb_npy n;
    CHECK(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }     \n", &n) == LOWBIT_OK);
    CHECK(n.kind == 'f' && n.size == 4 && !n.fortran && n.ndim == 2 && n.shape[0] == 3 && n.shape[1] == 4);
    CHECK(n.count == 12);
    CHECK(parse("{\"shape\":(5,),\"fortran_order\":True,\"descr\":\"|b1\"}", &n) == LOWBIT_OK);
    CHECK(n.kind == 'b' && n.size == 1 && n.fortran && n.ndim == 1 && n.count == 5);
    CHECK(parse("{'descr':'>i8','fortran_order':False,'shape':()}", &n) == LOWBIT_OK);
    CHECK(n.swapped && n.size == 8 && n.ndim == 0 && n.count == 1);
    CHECK(parse("{'descr':'=u2','fortran_order':False,'shape':(0L, 7L)}", &n) == LOWBIT_OK);
    CHECK(!n.swapped && n.count == 0);
}

static void refused_headers(void) {
    static const struct {
        lowbit_status status;
        const char *text;
    } kCases[] = {
        {LOWBIT_BAD_FORMAT, ""},
        {LOWBIT_BAD_FORMAT, "["},
        {LOWBIT_BAD_FORMAT, "{"},
        {LOWBIT_BAD_FORMAT, "{}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, }"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': 3}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,, 4)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x"},
        {LOWBIT_BAD_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)"},
        {LOWBIT_BAD_FORMAT, "{'descr: '<f4'"},
        {LOWBIT_UNSUPPORTED, "{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_UNSUPPORTED, "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_UNSUPPORTED, "{'descr': '<U10', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_UNSUPPORTED, "{'descr': 'f4', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_UNSUPPORTED, "{'descr': '', 'fortran_order': False, 'shape': (3,)}"},
        {LOWBIT_UNSUPPORTED, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}"},
    };
    lb_npy n;
    for (size_t i = 0; i < LB_COUNT(kCases); i++) CHECK(parse(kCases[i].text, &n) == kCases[i].status);
    char many[ROOM] = "{'descr': '|u1', 'fortran_order': False, 'shape': (";
    for (int i = 0; i <= LB_NPY_MAX_DIMS; i++) strcat(many, "1,");
    CHECK(parse(strcat(many, ")}"), &n) == LOWBIT_UNSUPPORTED);
}

/* Any prefix, any damaged byte: an answer, and nothing read behind the end. */
static void damaged_headers(void) {
    static const char kText[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    size_t length, header;
    lb_npy n;
    const uint8_t *whole = file_with(kText, &length);
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *bytes = check_guarded(cut, CHECK_GUARD_AFTER);
        memcpy(bytes, whole, cut);
        check_context("cut at %zu", cut);
        CHECK(lb_npy_parse(bytes, cut, &n, &header, NULL) != LOWBIT_OK);
    }
    check_guard_free_all();
    uint8_t *bytes = file_with(kText, &length);
    for (int i = 0; i < 20000; i++) {
        const size_t at = (size_t)check_random_in(0, (int64_t)length - 1);
        const uint8_t was = bytes[at];
        bytes[at] = (uint8_t)check_random();
        check_context("byte %zu is %u", at, bytes[at]);
        const lowbit_status status = lb_npy_parse(bytes, length, &n, &header, NULL);
        CHECK(status != LOWBIT_OK || (header <= length && n.count >= 0 && n.ndim <= LB_NPY_MAX_DIMS));
        bytes[at] = was;
    }
    bytes[6] = 4;
    CHECK(lb_npy_parse(bytes, length, &n, &header, NULL) == LOWBIT_UNSUPPORTED);
    bytes[6] = 2; /* the length is four bytes now, and far too large */
    CHECK(lb_npy_parse(bytes, length, &n, &header, NULL) == LOWBIT_BAD_FORMAT);
}

static void check_round_trip(const char *path) {
    uint8_t data[24];
    lb_npy back, n = {.kind = 'i', .size = 2, .fortran = true, .ndim = 2, .shape = {3, 4}, .count = 12, .data = data};
    int64_t strides[2];
    float values[12];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)check_random();
    CHECK(lb_npy_write(path, &n, NULL) == LOWBIT_OK);
    CHECK(lb_npy_read(path, &back, NULL) == LOWBIT_OK);
    CHECK(back.kind == 'i' && back.size == 2 && back.fortran && back.ndim == 2 && back.count == 12);
    CHECK(back.data && memcmp(back.data, data, sizeof data) == 0);
    lb_npy_strides(&back, strides);
    CHECK(strides[0] == 2 && strides[1] == 6);
    lb_npy_floats(&back, values);
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++) {
            int16_t want;
            memcpy(&want, data + 2 * r + 6 * c, 2);
            CHECK(values[4 * r + c] == want);
        }
    lb_npy_free(&back);
}

static void check_broken_files(const char *path) {
    lb_npy n = {.kind = 'u', .size = 1, .ndim = 1, .shape = {100}, .count = 100}, back;
    uint8_t data[100] = {0};
    lowbit_error error = LOWBIT_ERROR_INIT;
    n.data = data;
    for (int64_t claimed = 99; claimed <= 101; claimed++) {
        n.shape[0] = claimed;
        CHECK(lb_npy_write(path, &n, NULL) == LOWBIT_OK);
        CHECK(lb_npy_read(path, &back, &error) == (claimed == 100 ? LOWBIT_OK : LOWBIT_BAD_FORMAT));
        lb_npy_free(&back);
    }
    n.shape[0] = INT64_C(1) << 60; /* refused before it is allocated */
    CHECK(lb_npy_write(path, &n, NULL) == LOWBIT_OK);
    CHECK(lb_npy_read(path, &back, &error) == LOWBIT_BAD_FORMAT && strstr(error.message, "1152921504606846976"));
    CHECK(lb_npy_read("/proc/nothing/file.npy", &back, &error) == LOWBIT_IO);
    CHECK(lb_npy_read(check_scratch_folder(), &back, &error) != LOWBIT_OK);
    CHECK(lb_npy_write("/proc/nothing/file.npy", &n, &error) == LOWBIT_IO);
    CHECK(lb_npy_read("/dev/zero", &back, &error) != LOWBIT_OK);
}

static void check_floats(void) {
    static const struct {
        char kind;
        uint8_t size;
        uint8_t bytes[8];
        float value;
    } kCases[] = {
        {'f', 2, {0x00, 0x3C}, 1.0f},
        {'f', 2, {0x00, 0xC0}, -2.0f},
        {'f', 2, {0x01, 0x00}, 0x1p-24f},
        {'f', 2, {0xFF, 0x7B}, 65504.0f},
        {'f', 2, {0x00, 0xFC}, -INFINITY},
        {'f', 4, {0x00, 0x00, 0x20, 0x41}, 10.0f},
        {'f', 8, {0, 0, 0, 0, 0, 0, 0x59, 0x40}, 100.0f},
        {'i', 1, {0x80}, -128.0f},
        {'u', 1, {0x80}, 128.0f},
        {'b', 1, {1}, 1.0f},
        {'i', 4, {0xFE, 0xFF, 0xFF, 0xFF}, -2.0f},
        {'u', 4, {0xFE, 0xFF, 0xFF, 0xFF}, 4294967294.0f},
        {'i', 8, {0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, -3.0f},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++)
        for (int big = 0; big < 2; big++) {
            uint8_t bytes[8];
            const int size = kCases[i].size;
            for (int b = 0; b < size; b++) bytes[b] = kCases[i].bytes[big ? size - 1 - b : b];
            const lb_npy n = {.kind = kCases[i].kind,
                              .size = size,
                              .count = 1,
                              .data = bytes,
                              .swapped = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) == (big == 1)};
            float value = 0;
            lb_npy_floats(&n, &value);
            check_context("%c%d case %zu big=%d", kCases[i].kind, size, i, big);
            CHECK(value == kCases[i].value);
        }
}

void subject_npy(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/a.npy", check_scratch_folder());
    accepted_headers();
    refused_headers();
    damaged_headers();
    check_context("%s", "files");
    check_round_trip(path);
    check_broken_files(path);
    check_floats();
}
