/* SPDX-License-Identifier: Apache-2.0 */
/* The public doors of code and trit packing: arguments checked, then the widest unit's loop. */
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/bits.h"
#include "lowbit/bits.h"

static lowbit_status check_codes(const lowbit_ctx *ctx, const uint8_t *in, const uint8_t *out, int64_t n,
                                 lowbit_error *error) {
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_REQUIRE(n == 0 || (in && out), error, LOWBIT_INVALID_ARGUMENT, "%s is NULL", in ? "the output" : "the input");
    return LOWBIT_OK;
}

static lowbit_status check_room(const char *what, int64_t room, int64_t need, lowbit_error *error) {
    LB_REQUIRE(room >= need, error, LOWBIT_TOO_SMALL, "%s is %lld, but %lld are needed", what, (long long)room,
               (long long)need);
    return LOWBIT_OK;
}

lowbit_status lowbit_packed_codes_bytes(int64_t n, uint32_t bits, int64_t *bytes, lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    LB_REQUIRE(n >= 0 && n <= INT64_MAX / 8, error, LOWBIT_INVALID_ARGUMENT, "n is %lld, not in 0..2^60-1",
               (long long)n);
    LB_REQUIRE(bits >= 1 && bits <= 8, error, LOWBIT_INVALID_ARGUMENT, "bits is %u, not in 1..8", bits);
    *bytes = lb_div_up(n * bits, 8);
    return LOWBIT_OK;
}

lowbit_status lowbit_packed_trits_bytes(int64_t n, int64_t *bytes, lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    LB_REQUIRE(n >= 0 && n <= INT64_MAX / 8, error, LOWBIT_INVALID_ARGUMENT, "n is %lld, not in 0..2^60-1",
               (long long)n);
    *bytes = lb_div_up(n, 5);
    return LOWBIT_OK;
}

/* Index of the first byte above `limit`. The loops only tell that there is one. */
static lowbit_status refuse_above(const char *what, const uint8_t *bytes, int64_t n, uint32_t limit,
                                  lowbit_status status, lowbit_error *error) {
    int64_t i = 0;
    while (i < n - 1 && bytes[i] <= limit) i++;
    return lb_fail(error, status, "%s[%lld] is %u, above %u", what, (long long)i, bytes[i], limit);
}

lowbit_status lowbit_pack_codes(const lowbit_ctx *ctx, const uint8_t *codes, int64_t n, uint32_t bits, uint32_t order,
                                uint8_t *out, int64_t out_bytes, lowbit_error *error) {
    int64_t bytes;
    LB_TRY(lowbit_packed_codes_bytes(n, bits, &bytes, error));
    LB_TRY(lb_bits_check_order(order, error));
    LB_TRY(check_codes(ctx, codes, out, n, error));
    LB_TRY(check_room("out_bytes", out_bytes, bytes, error));
    if (n == 0) return LOWBIT_OK;
    if (bits == 8) {
        memcpy(out, codes, (size_t)n);
        return LOWBIT_OK;
    }
    const uint32_t limit = (1u << bits) - 1;
    if (lb_bits_best(ctx)->pack_codes(codes, (size_t)n, out, bits, order) > limit)
        return refuse_above("codes", codes, n, limit, LOWBIT_INVALID_ARGUMENT, error);
    return LOWBIT_OK;
}

lowbit_status lowbit_unpack_codes(const lowbit_ctx *ctx, const uint8_t *in, int64_t in_bytes, uint32_t bits,
                                  uint32_t order, uint8_t *codes, int64_t n, lowbit_error *error) {
    int64_t bytes;
    LB_TRY(lowbit_packed_codes_bytes(n, bits, &bytes, error));
    LB_TRY(lb_bits_check_order(order, error));
    LB_TRY(check_codes(ctx, in, codes, n, error));
    LB_TRY(check_room("in_bytes", in_bytes, bytes, error));
    if (n == 0) return LOWBIT_OK;
    if (bits == 8) {
        memcpy(codes, in, (size_t)n);
    } else {
        lb_bits_best(ctx)->unpack_codes(in, codes, (size_t)n, bits, order, lb_bits_stream(ctx, n));
    }
    return LOWBIT_OK;
}

lowbit_status lowbit_pack_trits(const lowbit_ctx *ctx, const uint8_t *codes, int64_t n, uint8_t *out, int64_t out_bytes,
                                lowbit_error *error) {
    int64_t bytes;
    LB_TRY(lowbit_packed_trits_bytes(n, &bytes, error));
    LB_TRY(check_codes(ctx, codes, out, n, error));
    LB_TRY(check_room("out_bytes", out_bytes, bytes, error));
    if (n > 0 && lb_bits_best(ctx)->pack_trits(codes, (size_t)n, out))
        return refuse_above("codes", codes, n, 2, LOWBIT_INVALID_ARGUMENT, error);
    return LOWBIT_OK;
}

lowbit_status lowbit_unpack_trits(const lowbit_ctx *ctx, const uint8_t *in, int64_t in_bytes, uint8_t *codes, int64_t n,
                                  lowbit_error *error) {
    int64_t bytes;
    LB_TRY(lowbit_packed_trits_bytes(n, &bytes, error));
    LB_TRY(check_codes(ctx, in, codes, n, error));
    LB_TRY(check_room("in_bytes", in_bytes, bytes, error));
    if (n > 0 && lb_bits_best(ctx)->unpack_trits(in, codes, (size_t)n))
        return refuse_above("in", in, bytes, 242, LOWBIT_BAD_FORMAT, error);
    return LOWBIT_OK;
}
