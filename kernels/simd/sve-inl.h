/* SPDX-License-Identifier: Apache-2.0 */
/* The `dot` algorithm of SVE, for vectors of any length: sdot, whose four activations come from a lane.
 *
 * A vector holds 4, 8 or 16 columns of a line; of one longer than a line a predicate leaves 16. kVectors of them, one
 * behind the other, are a pass over the lines, and a tile of kVectors panels takes as many passes as its columns need:
 *   128 bits  a pass is kVectors / 4 panels      256 bits  kVectors / 2      512 bits and more  kVectors, one pass
 * The types of SVE have no size, so there are no arrays of them: accumulators are the arguments of one inlined
 * function. Sums of every group pass through memory; from there on the epilogue is that of NEON, a panel at a time. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_INL_H_

#include <arm_sve.h>

#include <utility>

#include "kernels/simd/arm_ops.h"
#include "kernels/simd/dot-inl.h"

namespace {

/* The part of a vector that is used: its bytes, and the predicates of as many. */
HWY_INLINE size_t SveBytes() { return svcntb() >= 64 ? 64 : svcntb() >= 32 ? 32 : 16; }
HWY_INLINE svbool_t SvePredicate8() { return svwhilelt_b8_u64(0, SveBytes()); }
HWY_INLINE svbool_t SvePredicate32() { return svwhilelt_b32_u64(0, SveBytes() / 4); }

/* The kAt-th of what follows. */
template <size_t kAt, class First, class... Rest>
HWY_INLINE decltype(auto) Pick(First &first, Rest &...rest) {
    if constexpr (kAt == 0)
        return (first);
    else
        return Pick<kAt - 1>(rest...);
}

/* The body of a loop that ForEach unrolls: inlined always, for accumulators to stay in registers. */
#define LB_SVE_EACH(tag) [&](auto tag) __attribute__((always_inline))

/* A mask in a register: as a constant it would stand in the instruction, which then overwrites its other operand. */
HWY_INLINE svuint8_t SveMask(uint8_t bits) {
    svuint8_t mask = svdup_n_u8(bits);
    __asm__("" : "+w"(mask));
    return mask;
}

/* Field kField of a line as signed bytes, in its place if kInPlace and if it is positive there; less 128 for 8 bits. */
template <int kBits, int kField, bool kInPlace>
HWY_INLINE svint8_t SveField(svuint8_t line) {
    const svbool_t all = svptrue_b8();
    constexpr bool kTop = kField == 8 / kBits - 1;
    constexpr uint8_t kMask = static_cast<uint8_t>((1 << kBits) - 1);
    if constexpr (kBits == 8)
        return svreinterpret_s8_u8(sveor_u8_x(all, line, svdup_n_u8(0x80)));
    else if constexpr (kTop)
        return svreinterpret_s8_u8(svlsr_n_u8_x(all, line, 8 - kBits));
    else if constexpr (kInPlace || kField == 0)
        return svreinterpret_s8_u8(svand_u8_x(all, line, SveMask(static_cast<uint8_t>(kMask << (kBits * kField)))));
    else
        return svreinterpret_s8_u8(svand_u8_x(all, svlsr_n_u8_x(all, line, kBits * kField), SveMask(kMask)));
}

/* One row leaves fields in place, as DotInPlace does: an accumulator for each place. Several rows have one each. */
template <int kBitsOf, size_t kRows, size_t kVectors>
struct SveDot {
    static constexpr int kBits = kBitsOf, kCode = kBits, kBias = kBits == 8 ? 128 : 0, kLayout = LB_A_S8;
    static constexpr bool kInPlace = kRows == 1;
    static constexpr size_t kFields = 8 / kBits, kFours = kFields * kRows;
    static constexpr size_t kDecode = kBits == 8 ? 1 : kInPlace ? kFields : 2 * kFields - 2;
    static constexpr size_t kWork = kFours + kDecode;
    static constexpr size_t kAccs = kInPlace ? (kFields > 1 ? kFields - 1 : 1) : kRows;
    static constexpr size_t kTogether = SignedLanes::kLinesTogether<kFours>;
    using Panel = Epilogue<LB_PANEL / kColumns>;
    using Each = std::make_index_sequence<kAccs * kVectors>;

    /* The lines of one pass, and what is prefetched while they are read. */
    struct Pass {
        const uint8_t *at[kVectors];
        const uint8_t *ahead;
        size_t ahead_step;
    };

    /* kCount lines; the activations of each line are kFours fours, kField * kRows + row. */
    template <size_t kCount, class... Accs>
    static HWY_INLINE void Take(const Pass &pass, svbool_t used, size_t first, const int8_t *a, Accs &...acc) {
        ForEach<kCount>(LB_SVE_EACH(line) {
            const size_t at = (first + decltype(line)::value) * LB_LINE;
            __builtin_prefetch(pass.ahead + (first + decltype(line)::value) * pass.ahead_step, 0, 2);
            const svuint8_t w0 = svld1_u8(used, pass.at[0] + at), w1 = svld1_u8(used, pass.at[1] + at);
            const svuint8_t w2 = svld1_u8(used, pass.at[kVectors > 2 ? 2 : 0] + at);
            const svuint8_t w3 = svld1_u8(used, pass.at[kVectors > 2 ? 3 : 0] + at);
            ForFields<kBits>(LB_SVE_EACH(field) {
                constexpr int kField = decltype(field)::value, kFirst = decltype(line)::value * kFours;
                constexpr size_t kPlace = kField + 1 < static_cast<int>(kFields) ? kField : 0;
                ForEach<kVectors>(LB_SVE_EACH(vector) {
                    constexpr size_t kVector = decltype(vector)::value;
                    const svint8_t codes = SveField<kBits, kField, kInPlace>(Pick<kVector>(w0, w1, w2, w3));
                    ForEach<kRows>(LB_SVE_EACH(row) {
                        constexpr size_t kFour = kFirst + kField * kRows + decltype(row)::value;
                        constexpr size_t kAcc = kInPlace ? kPlace : decltype(row)::value;
                        svint32_t &sum = Pick<kAcc * kVectors + kVector>(acc...);
                        sum = svdot_lane_s32(sum, codes, Fours<kCount>(a, kFour), kCount * kFours % 4 ? 0 : kFour % 4);
                    });
                });
            });
        });
    }

    /* The vector that has four number `four` in the lane that Take looks in: whole ones where lines come together,
     * otherwise a vector of its own. */
    template <size_t kCount>
    static HWY_INLINE svint8_t Fours(const int8_t *a, size_t four) {
        if constexpr (kCount * kFours % 4 == 0) return svld1rq_s8(svptrue_b8(), a + four / 4 * 16);
        int32_t bits;
        memcpy(&bits, a + four * 4, sizeof bits);
        return svreinterpret_s8_s32(svdup_n_s32(bits));
    }

    template <size_t... I, class... Accs>
    static HWY_INLINE void TakePass(std::index_sequence<I...>, const Pass &pass, size_t count, const int8_t *a,
                                    int32_t *const (&to)[kRows][kVectors], Accs... acc) {
        const svbool_t used = SvePredicate8(), sums = SvePredicate32();
        size_t l = 0;
        for (; l + kTogether <= count; l += kTogether) Take<kTogether>(pass, used, l, a + l * kFours * 4, acc...);
        if constexpr (kTogether > 1)
            for (; l < count; ++l) Take<1>(pass, used, l, a + l * kFours * 4, acc...);
        if constexpr (kInPlace)
            ForEach<kVectors>(LB_SVE_EACH(vector) {
                constexpr size_t kVector = decltype(vector)::value;
                svint32_t &sum = Pick<kVector>(acc...);
                ForEach<kAccs - 1>(LB_SVE_EACH(place) {
                    constexpr size_t kPlace = decltype(place)::value + 1;
                    const svint32_t high = Pick<kPlace * kVectors + kVector>(acc...);
                    sum = svadd_s32_x(svptrue_b32(), sum, svasr_n_s32_x(svptrue_b32(), high, kBits * kPlace));
                });
                svst1_s32(sums, to[0][kVector], sum);
            });
        else
            (svst1_s32(sums, to[I / kVectors][I % kVectors], acc), ...);
    }

    /* sums [panel][row][16] = or += raw sums of lines first .. first + count - 1 of the call. */
    template <size_t... I>
    static HWY_INLINE void TakeGroup(std::index_sequence<I...> each, const lb_tile &tile, size_t first, size_t count,
                                     bool add) {
        const svbool_t used = SvePredicate32();
        const size_t columns = SveBytes() / 4, passes = LB_PANEL / columns;
        const size_t step = (tile.ahead_step + passes - 1) / passes;
        const auto *a = static_cast<const int8_t *>(tile.a) + first * kFours * 4;
        for (size_t p = 0; p < passes; ++p) {
            Pass pass = {{}, tile.ahead + (p * lb_tile_lines(&tile) + first) * step, step};
            int32_t *to[kRows][kVectors];
            for (size_t j = 0; j < kVectors; ++j) {
                const size_t column = (p * kVectors + j) * columns, panel = column / LB_PANEL;
                pass.at[j] = tile.lines[panel] + column % LB_PANEL * 4 + first * LB_LINE;
                for (size_t i = 0; i < kRows; ++i)
                    to[i][j] = tile.sums + (panel * kRows + i) * LB_PANEL + column % LB_PANEL;
            }
            TakePass(each, pass, count, a, to,
                     I < kRows * kVectors && add ? svld1_s32(used, to[I / kVectors % kRows][I % kVectors])
                                                 : svdup_n_s32(0)...);
        }
    }

    /* The tile of panel p alone, for the epilogue. */
    static lb_tile PanelOf(const lb_tile &tile, size_t p) {
        lb_tile panel = tile;
        const size_t column = p * LB_PANEL, out_bytes = tile.out_kind >= LOWBIT_OUT_S8 ? 1 : 4;
        panel.scale_at[0] = tile.scale_at[p];
        panel.row_scale_at[0] = tile.row_scale_at[p];
        panel.sums = tile.sums + column * kRows;
        panel.totals = tile.totals + column * kRows;
        if (tile.bias) panel.bias = static_cast<const int32_t *>(tile.bias) + column;
        if (tile.residual)
            panel.residual = static_cast<const uint8_t *>(tile.residual) + column * (tile.multipliers ? 1 : 4);
        if (tile.multipliers) {
            panel.multipliers = tile.multipliers + column;
            panel.shifts = tile.shifts + column;
        }
        panel.out = static_cast<uint8_t *>(tile.out) + column * out_bytes;
        return panel;
    }

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &tile = *tile_pointer;
        lb_tile panels[kVectors];
        for (size_t p = 0; p < kVectors; ++p) panels[p] = PanelOf(tile, p);
        for (size_t g = 0; g < tile.groups; ++g) {
            TakeGroup(Each(), tile, g * tile.lines_per_group, lb_tile_group_lines(&tile, g), g == 0 && tile.resume);
            if (g + 1 == tile.groups && tile.suspend) return;
            for (size_t p = 0; p < kVectors; ++p) Panel::EndGroup(panels[p], g, kRows, kBias);
        }
    }
};

/* A row of the unit's table. Its cost is that of vectors of 128 bits: the table is constant, and the length is not. */
template <int kBits, size_t kRows, size_t kVectors>
constexpr lb_kernel SveRow() {
    using W = SveDot<kBits, kRows, kVectors>;
    return DotRowOf<W, kRows, kVectors * LB_PANEL / kColumns>(SignedLanes::kPorts, &W::Run);
}

}  // namespace

#endif
