/* SPDX-License-Identifier: Apache-2.0 */
/* Float activations and weights as bf16, for what multiplies pairs of them: rows of A, and columns of W in steps of 32
 * k.
 *
 * A line of bf16 weights is 16 columns x 2 k: it is multiplied as it stands. Everything else becomes such lines first:
 * a part of K of the tile's columns as (v + offset) * scale + min in binary32, rounded to bf16 once, in the L1 cache,
 * for all blocks of rows of A. Scales are in the values, so K is one sum, which waits in the totals between two parts;
 * groups have no end.
 *
 * Every step is whole. Beyond K there are zeros, in A and in W: a product of 0 with whatever stands behind the lines of
 * a panel might be a NaN. */
#ifndef LOWBIT_KERNELS_SIMD_HALVES_INL_H_
#define LOWBIT_KERNELS_SIMD_HALVES_INL_H_

#include "kernels/simd/fma-inl.h"

namespace {

static_assert(kColumns == LB_PANEL, "a vector of floats is a row of a panel");

/* k of a step, which is a line of a row of A, and its bytes in a panel of columns. */
constexpr size_t kHalvesK = LB_LINE / 2, kHalvesLines = kHalvesK / 2, kHalvesBytes = kHalvesLines * LB_LINE;

/* 32 floats to bf16, nearest even: `first`, then `second`. A NaN stays one; what is below 2^-126 becomes 0, as which
 * the products would take it. */
HWY_INLINE VU8 RoundToHalves(VF32 first, VF32 second) {
    return VU8{(__m512i)_mm512_cvtne2ps_pbh(second.raw, first.raw)};
}

/* Row `x` of A to panels of LB_A_HALVES: lb_isa_unit has the contract. */
void RoundRow(const float *x, size_t k, uint16_t *to, size_t step) {
    const DF32 df;
    size_t at = 0;
    for (; at + kHalvesK <= k; at += kHalvesK, to += step)
        hn::Store(RoundToHalves(hn::LoadU(df, x + at), hn::LoadU(df, x + at + kColumns)), DU8(),
                  reinterpret_cast<uint8_t *>(to));
    if (at == k) return;
    alignas(64) float tail[kHalvesK] = {};
    memcpy(tail, x + at, (k - at) * sizeof *x);
    hn::Store(RoundToHalves(hn::Load(df, tail), hn::Load(df, tail + kColumns)), DU8(), reinterpret_cast<uint8_t *>(to));
}

/* Two vectors of floats, of an even k and of the next one, to a row of a register of columns. */
class Pairs {
  public:
    HWY_INLINE Pairs() {
        alignas(64) uint8_t bytes[LB_LINE];
        for (size_t i = 0; i < LB_LINE; ++i)
            bytes[i] = static_cast<uint8_t>((i / 2 % 2 * kColumns + i / 4) * 2 + i % 2);
        order = hn::Load(DU8(), bytes);
    }
    /* Bytes are permuted, since vpermw takes two instructions. */
    HWY_INLINE void Put(VF32 even, VF32 odd, uint8_t *row) const {
        hn::Store(VU8{_mm512_permutexvar_epi8(order.raw, RoundToHalves(even, odd).raw)}, DU8(), row);
    }

  private:
    VU8 order;
};

/* The columns of a part of K, of kPanels panels. */
template <int kCoding, size_t kPanels>
struct HalvesColumns {
    using Decoder = typename DecoderOf<kCoding>::Type;
    using Groups = FloatGroups<kPanels>;
    static constexpr size_t kLineK = static_cast<size_t>(Decoder::kFields) * Decoder::kInField;
    /* Lines of bf16 are rows already, but for those that do not fill a step. */
    static constexpr bool kExpands = kCoding != LB_CODING_BF16;
    /* Vector instructions that make a line's values: decoding, scaling, and four to round, order and store two vectors.
     */
    static constexpr size_t kExpandWork = kExpands ? Decoder::kWork + 3 * kLineK : 0;

    const lb_tile &tile;
    size_t steps;
    const uint8_t *lines[kPanels], *values[kPanels];

    /* Expands what is not there yet. */
    explicit HWY_INLINE HalvesColumns(const lb_tile &t) : tile(t), steps(Steps(t)) {
        for (size_t p = 0; p < kPanels; ++p) lines[p] = t.lines[p], values[p] = Values(t, p);
        if (t.expand && StepsOfLines(t) < steps) Expand(t);
    }

    /* Calls use(s, panels, at) for every step: its columns stand `at` bytes on in each of the panels. */
    template <class Use>
    HWY_INLINE void Each(const Use &use) const {
        const size_t of_lines = StepsOfLines(tile);
        for (size_t s = 0; s < of_lines; ++s) use(s, lines, s * kHalvesBytes);
        for (size_t s = of_lines; s < steps; ++s) use(s, values, (s - of_lines) * kHalvesBytes);
    }

  private:
    static HWY_INLINE size_t CountK(const lb_tile &t) { return lb_tile_lines(&t) * kLineK; }
    static HWY_INLINE size_t Steps(const lb_tile &t) { return (CountK(t) + kHalvesK - 1) / kHalvesK; }
    /* Registers that are lines as they stand; the others are values. */
    static HWY_INLINE size_t StepsOfLines(const lb_tile &t) { return kExpands ? 0 : CountK(t) / kHalvesK; }
    static HWY_INLINE uint8_t *Values(const lb_tile &t, size_t p) {
        return t.values + p * (Steps(t) - StepsOfLines(t)) * kHalvesBytes;
    }

    /* Codes of `count` lines of panel p. */
    template <bool kPlain>
    static HWY_INLINE void ExpandLines(const Decoder &decoder, const Groups &g, size_t p, const uint8_t *lines,
                                       size_t count, ptrdiff_t ahead, uint8_t *to) {
        const Pairs pairs;
        for (size_t l = 0; l < count; ++l) {
            if (ahead) __builtin_prefetch(lines + l * LB_LINE + ahead);
            auto state = decoder.Start(hn::LoadU(DU8(), lines + l * LB_LINE));
            ForEach<Decoder::kFields>([&](auto field) {
                constexpr int kField = decltype(field)::value;
                const auto stage = decoder.template Next<kField>(state);
                ForEach<Decoder::kInField / 2>([&](auto pair) {
                    constexpr int kEven = 2 * decltype(pair)::value;
                    const VF32 even = g.template Value<kPlain>(decoder.template Value<kField, kEven>(stage), p);
                    const VF32 odd = g.template Value<kPlain>(decoder.template Value<kField, kEven + 1>(stage), p);
                    pairs.Put(even, odd, to);
                    to += LB_LINE;
                });
            });
        }
    }

    static HWY_INLINE void ExpandGroup(const lb_tile &t, const Decoder &decoder, size_t group, ptrdiff_t ahead) {
        const Groups g = Groups::OfValues(t, group);
        const size_t first = group * t.lines_per_group, count = lb_tile_group_lines(&t, group);
        for (size_t p = 0; p < kPanels; ++p) {
            const uint8_t *lines = t.lines[p] + first * LB_LINE;
            uint8_t *to = Values(t, p) + first * kLineK / 2 * LB_LINE;
            if (t.zero || t.min)
                ExpandLines<false>(decoder, g, p, lines, count, ahead, to);
            else
                ExpandLines<true>(decoder, g, p, lines, count, ahead, to);
        }
    }

    /* Of bf16, the last lines if they do not fill a register. */
    static HWY_INLINE void CopyLines(const lb_tile &t) {
        const size_t first = StepsOfLines(t) * kHalvesBytes, bytes = lb_tile_lines(&t) * LB_LINE - first;
        for (size_t p = 0; p < kPanels; ++p) memcpy(Values(t, p), t.lines[p] + first, bytes);
    }

    static HWY_NOINLINE void Expand(const lb_tile &t) {
        if constexpr (kExpands) {
            const Decoder decoder(t);
            const ptrdiff_t ahead = t.blocks == 1 ? t.ahead_offset : 0;
            for (size_t g = 0; g < t.groups; ++g) ExpandGroup(t, decoder, g, ahead);
        } else {
            CopyLines(t);
        }
        const size_t used = CountK(t) / 2 * LB_LINE - StepsOfLines(t) * kHalvesBytes;
        const size_t all = (Steps(t) - StepsOfLines(t)) * kHalvesBytes;
        for (size_t p = 0; p < kPanels; ++p) memset(Values(t, p) + used, 0, all - used);
    }
};

}  // namespace

#define LB_ROUND_ROW RoundRow

/* rows(coding) of every coding whose values may be rounded to bf16: all but f32. */
#define LB_EACH_ROUNDED(rows)                                                                                          \
    rows(LB_CODING_W8), rows(LB_CODING_W4), rows(LB_CODING_W2), rows(LB_CODING_W1), rows(LB_CODING_T5),                \
        rows(LB_CODING_C4), rows(LB_CODING_BF16)

#endif
