/* SPDX-License-Identifier: Apache-2.0 */
/* A row of floats straight to bits: 1 where the code of SIGN or STEP is 1, in the order of LB_A_BITS1.
 *
 * A comparison chooses each lane's bit of the word, and the sum of all lanes is the word. */
#ifndef LOWBIT_KERNELS_SIMD_SIGNS_INL_H_
#define LOWBIT_KERNELS_SIMD_SIGNS_INL_H_

#include "kernels/simd/rows-inl.h"

namespace {

constexpr size_t kWordK = 32; /* bits of a word */

/* Whether the code is 1. A NaN has sign 1 and step 0. */
template <bool kSign>
HWY_INLINE hn::Mask<DU32> IsOne(VF32 x) {
    const VF32 zero = hn::Zero(DF32());
    return hn::RebindMask(DU32(), kSign ? hn::Not(hn::Lt(x, zero)) : hn::Gt(x, zero));
}

/* The bit of each k in its word: 8 * (k % 4) + k / 4. */
alignas(64) constexpr uint32_t kBitOfWord[kWordK] = {
    1u << 0,  1u << 8,  1u << 16, 1u << 24, 1u << 1,  1u << 9,  1u << 17, 1u << 25, 1u << 2,  1u << 10, 1u << 18,
    1u << 26, 1u << 3,  1u << 11, 1u << 19, 1u << 27, 1u << 4,  1u << 12, 1u << 20, 1u << 28, 1u << 5,  1u << 13,
    1u << 21, 1u << 29, 1u << 6,  1u << 14, 1u << 22, 1u << 30, 1u << 7,  1u << 15, 1u << 23, 1u << 31};

template <bool kSign>
HWY_INLINE uint32_t PackWord(const float *x, VI32 *most) {
    const VI32 mask = hn::Set(DI32(), 0x7fffffff);
    auto bits = hn::Zero(DU32());
    LB_UNROLL
    for (size_t v = 0; v < kWordK / kColumns; ++v) {
        const VF32 some = hn::LoadU(DF32(), x + v * kColumns);
        bits = hn::Or(bits, hn::IfThenElseZero(IsOne<kSign>(some), hn::Load(DU32(), kBitOfWord + v * kColumns)));
        *most = hn::Max(*most, hn::And(hn::BitCast(DI32(), some), mask));
    }
    return hn::GetLane(hn::SumOfLanes(DU32(), bits)); /* no bit twice: the sum is what stands in any lane */
}

/* Words and sums of all groups; returns the largest magnitude as an integer. */
template <bool kSign>
HWY_INLINE int32_t PackWords(const float *x, size_t k, size_t ahead, size_t group, uint32_t *words, int32_t *sums) {
    VI32 most = hn::Zero(DI32());
    memset(sums, 0, (k + group - 1) / group * sizeof *sums);
    for (size_t at = 0; at < k; at += kWordK) {
        const size_t count = HWY_MIN(kWordK, k - at);
        uint32_t word;
        if (count == kWordK) {
            __builtin_prefetch(x + at + ahead);
            __builtin_prefetch(x + at + ahead + kWordK / 2);
            word = PackWord<kSign>(x + at, &most);
        } else {
            alignas(64) float padded[kWordK]; /* their code is not 1 */
            for (size_t i = 0; i < kWordK; ++i) padded[i] = i < count ? x[at + i] : -1.0f;
            word = PackWord<kSign>(padded, &most);
        }
        words[at / kWordK] = word;
        const int32_t ones = __builtin_popcount(word);
        sums[at / group] += kSign ? 2 * ones - static_cast<int32_t>(count) : ones;
    }
    return hn::GetLane(hn::MaxOfLanes(DI32(), most));
}

void PackRow(const float *x, size_t k, size_t ahead, size_t group, const lb_row_rule *rule, int8_t *codes,
             size_t padded, int32_t *sums, float *scale) {
    uint32_t *words = reinterpret_cast<uint32_t *>(codes);
    const bool sign = rule->kind == LB_ROWS_SIGN;
    const int32_t bits = (sign ? PackWords<true> : PackWords<false>)(x, k, ahead, group, words, sums);
    const size_t used = (k + kWordK - 1) / kWordK;
    memset(words + used, 0, (padded / kWordK - used) * sizeof *words);
    *scale = bits > kInfinityBits ? NAN : 1.0f;
}

}  // namespace

#endif
