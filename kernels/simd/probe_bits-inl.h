/* SPDX-License-Identifier: Apache-2.0 */
/* The probes of bits: xor and popcount in registers, by the ways of popcount-inl.h, and that of popcount_pairs-inl.h,
 * whose operands are in the L1 cache. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_BITS_INL_H_
#define LOWBIT_KERNELS_SIMD_PROBE_BITS_INL_H_

#include "kernels/simd/popcount-inl.h"
#include "kernels/simd/popcount_pairs-inl.h"
#include "kernels/simd/probe_ops-inl.h"

namespace {
namespace probe {

/* Counts that go on side by side. */
constexpr size_t kBitsRepeat = 4;

#if HWY_ARCH_X86
HWY_INLINE void Pin(Nibbles &n) {
    Pin(n.low);
    Pin(n.high);
}
#endif

template <class Ops>
uint32_t Bits(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    typename Ops::Codes word = Ops::Split(hn::BitCast(d8, BroadcastFour(a)));
    VI32 sum = hn::Zero(d32);
    for (size_t i = 0; i < kVectors; ++i) {
        typename Ops::Codes codes = Ops::Split(hn::Load(d8, line + i * kBytes));
        for (size_t steps = reps * (bytes / 64), n; steps > 0; steps -= n) {
            typename Ops::Count counts[kBitsRepeat];
            n = HWY_MIN(steps, Ops::kDepthLines);
            Unroll<kBitsRepeat>(LB_EACH(r) { counts[r] = Ops::Zero(); });
            for (size_t s = 0; s < n; ++s) {
                Unroll<kBitsRepeat>(LB_EACH(r) {
                    Pin(codes);
                    counts[r] = Ops::template Add<true>(counts[r], codes, word);
                    Pin(counts[r]);
                });
            }
            Unroll<kBitsRepeat>(LB_EACH(r) { sum = Ops::Widen(sum, counts[r]); });
        }
    }
    return SumLanes(sum);
}

#if LB_HAS_PAIRS
constexpr size_t kTurnedSets = 2, kTablesRepeat = kTurnedSets * 8 / kVectors;

/* Two equal rows, and a few lines in the L1 cache that are all the first: tables and nibbles come from there. */
uint32_t Tables(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kLines = 2 * PairCounts<kTurnedSets>::kDepthLines, kTimes = 16;
    alignas(LB_LINE) uint8_t nibbles[kLines][kLaneNibbles][kTurnedSets][sizeof(VU8)];
    uint8_t words[kLines][kLaneNibbles];
    VU8 v[4], turned[kLaneNibbles];
    Unroll<4>(LB_EACH(i) { v[i] = hn::Load(d8, line + i % kVectors * kBytes); });
    TurnNibbles(v, turned);
    for (size_t l = 0; l < kLines; ++l) {
        Unroll<kLaneNibbles>(LB_EACH(i) {
            const uint32_t nibble = static_cast<uint8_t>(a[i % 4]) >> (i < 4 ? 0 : 4) & 15u;
            words[l][i] = static_cast<uint8_t>(17 * nibble);
            Unroll<kTurnedSets>(LB_EACH(s) { hn::Store(turned[i], d8, nibbles[l][i][s]); });
        });
    }
    VI32 sum = hn::Zero(d32);
    for (size_t steps = reps * (bytes / 64); steps > 0;) {
        PairCounts<kTurnedSets> counts;
        for (size_t t = 0, n; t < kTimes && steps > 0; ++t, steps -= n) {
            n = HWY_MIN(steps, kLines);
            counts.template Add<kLaneNibbles>(kPairTables<true>.at, words[0], nibbles[0][0][0], n);
        }
        Unroll<2 * kTurnedSets>(LB_EACH(i) {
            ForEach<4>([&](auto at) __attribute__((always_inline)) {
                sum = hn::Add(sum, counts.template Column<decltype(at)::value>(i % 2, i / 2));
            });
        });
    }
    return SumLanes(sum);
}
#endif

#if LB_HAS_TREES
uint32_t Trees(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    static_assert(kVectors == 1, "trees are of 512 bits");
    const VU8 word = hn::BitCast(d8, BroadcastFour(a));
    VU8 codes = hn::Load(d8, line);
    VI32 sum = hn::Zero(d32);
    const auto pinned = [&](size_t) __attribute__((always_inline)) {
        Pin(codes);
        return Meet<true>(codes, word);
    };
    for (size_t steps = reps * (bytes / 64), n; steps > 0; steps -= n) {
        Tree trees[kBitsRepeat];
        n = HWY_MIN(steps, Tree::kVectors * Tree::kMost);
        Unroll<kBitsRepeat>(LB_EACH(r) { trees[r].Clear(); });
        for (size_t s = 0; s < n / Tree::kVectors; ++s) Unroll<kBitsRepeat>(LB_EACH(r) { trees[r].Add(pinned); });
        Unroll<kBitsRepeat>(LB_EACH(r) {
            VU8 rest = trees[r].Rest();
            for (size_t s = 0; s < n % Tree::kVectors; ++s) rest = AddNibbleCounts(rest, SplitNibbles(pinned(s)));
            sum = WidenBytes(hn::Add(sum, hn::ShiftLeft<3>(WidenBytes(hn::Zero(d32), trees[r].eights))), rest);
        });
    }
    return SumLanes(sum);
}
#endif

}  // namespace probe
}  // namespace

#endif
