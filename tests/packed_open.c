/* SPDX-License-Identifier: Apache-2.0 */
/* Opening foreign bytes: every damaged byte, every lie in a header that is signed correctly, every length that is too
 * short. */
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/problems.h"

/* Opens and expects a refusal with a reason that leaves the view alone. */
static void check_refused(const void *blob, int64_t size, uint32_t flags, lowbit_status want) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_packed packed, before;
    memset(&packed, 0x5A, sizeof packed);
    packed.struct_size = sizeof packed;
    memcpy(&before, &packed, sizeof packed);
    CHECK(lowbit_packed_open(blob, size, flags, &packed, &error) == want);
    CHECK(error.status == want && error.message[0] != 0);
    CHECK(memcmp(&packed, &before, sizeof packed) == 0);
}

static bool opens(const void *blob, int64_t size, uint32_t flags) {
    lowbit_packed packed = {.struct_size = sizeof packed};
    return lowbit_packed_open(blob, size, flags, &packed, NULL) == LOWBIT_OK;
}

static void check_header_bytes(uint8_t *blob, int64_t size) {
    for (int at = 0; at < 64; at++)
        for (int change = 1; change < 256; change++) {
            check_context("header byte %d xor %d", at, change);
            blob[at] ^= (uint8_t)change;
            check_refused(blob, size, 0, LOWBIT_BAD_FORMAT);
            blob[at] ^= (uint8_t)change;
        }
}

static void check_payload_bytes(uint8_t *blob, int64_t size) {
    for (int64_t at = 64; at < size; at++) {
        const uint8_t change = (uint8_t)check_random_in(1, 255);
        check_context("payload byte %lld xor %d", (long long)at, change);
        blob[at] ^= change;
        CHECK(opens(blob, size, 0)); /* without the flag the payload is not read */
        check_refused(blob, size, LOWBIT_OPEN_VERIFY, LOWBIT_BAD_FORMAT);
        blob[at] ^= change;
    }
}

/* ---- headers that lie and are signed ---- */

static void sign(uint8_t *blob) {
    uint64_t sum = UINT64_C(14695981039346656037);
    for (int i = 0; i < 56; i++) sum = (sum ^ blob[i]) * UINT64_C(1099511628211);
    memcpy(blob + 56, &sum, sizeof sum);
}

static const struct {
    const char *field;
    int at, bytes;
    uint64_t value;
} kLies[] = {
    {"magic", 0, 1, 'l'},
    {"version", 8, 2, 0},
    {"version", 8, 2, 2},
    {"header bytes", 10, 2, 128},
    {"width", 12, 1, 8},
    {"width", 12, 1, 0},
    {"format 0", 13, 1, 0},
    {"format i2", 13, 1, LOWBIT_I2},
    {"format t2, whose offsets are illegal", 13, 1, LOWBIT_T2},
    {"format c4, whose book is missing", 13, 1, LOWBIT_C4},
    {"format f32", 13, 1, LOWBIT_F32},
    {"format 255", 13, 1, 255},
    {"scale type", 14, 1, 3},
    {"scale type, and so the bytes", 14, 1, LOWBIT_SCALE_F32},
    {"offset", 15, 1, 3},
    {"offset, and so the bytes", 15, 1, LOWBIT_SYMMETRIC},
    {"N 0", 16, 8, 0},
    {"N of another panel", 16, 8, 33},
    {"N 2^31", 16, 8, UINT64_C(1) << 31},
    {"N 2^63", 16, 8, UINT64_C(1) << 63},
    {"N 2^64 - 1", 16, 8, UINT64_MAX},
    {"K 0", 24, 4, 0},
    {"K of another line", 24, 4, 41},
    {"K too long", 24, 4, 131072},
    {"K 2^32 - 1", 24, 4, UINT32_MAX},
    {"group 1", 28, 4, 1},
    {"group 48", 28, 4, 48},
    {"group of fewer scales", 28, 4, 64},
    {"group 2^31", 28, 4, UINT64_C(1) << 31},
    {"group 2^32 - 1", 28, 4, UINT32_MAX},
    {"bytes 0", 32, 8, 0},
    {"bytes 64", 32, 8, 64},
    {"bytes 2^63", 32, 8, UINT64_C(1) << 63},
    {"bytes 2^64 - 1", 32, 8, UINT64_MAX},
    {"alignment", 48, 4, 32},
    {"progressive, with minima", 52, 1, 1},
    {"progressive 2", 52, 1, 2},
    {"reserved", 53, 3, 1},
    {"reserved", 55, 1, 128},
};

static void check_lies(uint8_t *blob, int64_t size) {
    uint8_t kept[64];
    memcpy(kept, blob, 64);
    for (size_t i = 0; i < LB_COUNT(kLies); i++) {
        check_context("%s", kLies[i].field);
        memcpy(blob + kLies[i].at, &kLies[i].value, (size_t)kLies[i].bytes);
        sign(blob);
        check_refused(blob, size, 0, LOWBIT_BAD_FORMAT);
        memcpy(blob, kept, 64);
    }
    check_context("payload sum");
    blob[40] ^= 1;
    sign(blob);
    CHECK(opens(blob, size, 0));
    check_refused(blob, size, LOWBIT_OPEN_VERIFY, LOWBIT_BAD_FORMAT);
    memcpy(blob, kept, 64);
    check_context("signed again, unchanged");
    sign(blob);
    CHECK(opens(blob, size, LOWBIT_OPEN_VERIFY));
}

/* ---- lengths and places ---- */

static void check_sizes(uint8_t *blob, int64_t bytes) {
    for (int64_t size = -2; size < bytes; size++) {
        check_context("%lld of %lld bytes", (long long)size, (long long)bytes);
        check_refused(blob, size, size & 1, LOWBIT_BAD_FORMAT);
    }
    check_refused(blob, INT64_MIN, 0, LOWBIT_BAD_FORMAT);
    CHECK(opens(blob, INT64_MAX, LOWBIT_OPEN_VERIFY)); /* "at least its stated size" */
    for (int64_t size = 64; size < bytes; size += 64) {
        check_context("%lld bytes in front of a page that cannot be read", (long long)size);
        uint8_t *part = check_guarded((size_t)size, CHECK_GUARD_AFTER);
        memcpy(part, blob, (size_t)size);
        check_refused(part, size, LOWBIT_OPEN_VERIFY, LOWBIT_BAD_FORMAT);
    }
}

static void check_places(const uint8_t *blob, int64_t bytes) {
    static uint8_t room[1 << 13];
    if (!CHECK(bytes + 128 <= (int64_t)sizeof room)) return;
    uint8_t *aligned = room + (64 - (uintptr_t)room % 64);
    for (int shift = 1; shift < 64; shift++) {
        check_context("%d bytes from its alignment", shift);
        memmove(aligned + shift, blob, (size_t)bytes);
        check_refused(aligned + shift, bytes, 0, LOWBIT_INVALID_ARGUMENT);
    }
    check_context("unknown flags");
    check_refused(blob, bytes, 2, LOWBIT_INVALID_ARGUMENT);
    check_refused(blob, bytes, UINT32_MAX, LOWBIT_INVALID_ARGUMENT);
}

void subject_packed_open(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    sample s = sample_make(ctx, "i4mg32a8:m1n17k40", DATA_RANDOM);
    CHECK(opens(s.blob, s.blob_bytes, LOWBIT_OPEN_VERIFY));
    check_header_bytes(s.blob, s.blob_bytes);
    check_payload_bytes(s.blob, s.blob_bytes);
    check_lies(s.blob, s.blob_bytes);
    check_sizes(s.blob, s.blob_bytes);
    check_places(s.blob, s.blob_bytes);
    CHECK(opens(s.blob, s.blob_bytes, LOWBIT_OPEN_VERIFY));
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}
