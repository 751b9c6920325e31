/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of codes, of which a vector makes those of eight each. */
#ifndef LOWBIT_KERNELS_SIMD_SUMS_INL_H_
#define LOWBIT_KERNELS_SIMD_SUMS_INL_H_

#include "kernels/simd/simd.h"
#include "kernels/simd/sums_scalar.h"

namespace {

void SumCodes(const int8_t *codes, size_t k, size_t count, int32_t *sums) {
    const DU8 d;
    const hn::Repartition<uint64_t, DU8> d64;
    const size_t lanes = hn::Lanes(d), whole = k / lanes * lanes;
    for (size_t i = 0; i < count; ++i, codes += k) {
        auto eights = hn::Zero(d64);
        for (size_t at = 0; at < whole; at += lanes) {
            const auto code = hn::LoadU(d, reinterpret_cast<const uint8_t *>(codes + at));
            eights = hn::Add(eights, hn::SumsOf8(hn::Xor(code, hn::Set(d, 0x80))));
        }
        const auto sum = static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(d64, eights)));
        sums[i] = static_cast<int32_t>(sum - 128 * static_cast<int64_t>(whole)) + lb_sum_of(codes + whole, k - whole);
    }
}

}  // namespace

#endif
