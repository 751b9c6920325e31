/* SPDX-License-Identifier: Apache-2.0 */
/* How algorithms walk on vectors of any length, those of SVE.
 *
 * A vector holds 4, 8 or 16 columns of a line; of one longer than a line a predicate leaves 16. kVectors of them, one
 * behind the other, are a pass over the lines, and a tile of kVectors panels takes as many passes as its columns need:
 *   128 bits  a pass is kVectors / 4 panels      256 bits  kVectors / 2      512 bits and more  kVectors, one pass
 * The types of SVE have no size, so there are no arrays of them: the vectors of a line and the accumulators are the
 * arguments of one inlined function. Sums of every group pass through memory, [panel][row][16]; from there on the
 * epilogue is that of NEON, a panel at a time.
 *
 * A way to take lines is a struct with kRows, kVectors and
 *     T                  int32_t or float: what is summed
 *     kWords             32-bit words of A for a line, of all rows
 *     kAccs              accumulators for each vector of the pass; all start from 0, or, of floats, the first kRows
 *                        from the sums before, since the order of their additions counts
 *     kMostLines         that one start may be followed by
 *     Table<0>, Table<1>(tile)   constants of the loop
 *     kTogether          lines that are taken between two looks at how many are left
 *     Line(a, table0, table1, vectors and accumulators...)   one line and its words of A
 *     Sum<row, vector>(accumulators...)   the sum of a row, at the end */
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

/* A byte in every lane of a register: as a constant it would stand in the instruction, which then overwrites its other
 * operand. */
HWY_INLINE svuint8_t SveSet(uint8_t byte) {
    svuint8_t all = svdup_n_u8(byte);
    __asm__("" : "+w"(all));
    return all;
}

HWY_INLINE svint32_t SveLoad(svbool_t used, const int32_t *at) { return svld1_s32(used, at); }
HWY_INLINE svfloat32_t SveLoad(svbool_t used, const float *at) { return svld1_f32(used, at); }
HWY_INLINE void SveStore(svbool_t used, int32_t *at, svint32_t sum) { svst1_s32(used, at, sum); }
HWY_INLINE void SveStore(svbool_t used, float *at, svfloat32_t sum) { svst1_f32(used, at, sum); }

/* 32 bits of A in every lane: a load that fills the register takes no vector pipe, other than NEON's, and products with
 * an element of a register are half as fast on A64FX. */
HWY_INLINE svint32_t SveWord(const int8_t *a, size_t word) {
    int32_t bits;
    memcpy(&bits, a + word * 4, sizeof bits);
    return svdup_n_s32(bits);
}

/* Of what needs no constants. */
struct SveNoTables {
    template <size_t>
    static HWY_INLINE svuint8_t Table(const lb_tile &) {
        return svdup_n_u8(0);
    }
};

/* What most ways have: an accumulator for each sum, short lines together, no constants. */
template <size_t kRowsOf, size_t kVectorsOf, size_t kWordsOf>
struct SveWay : SveNoTables {
    using T = int32_t;
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf, kWords = kWordsOf, kAccs = kRows;
    static constexpr size_t kTogether = kWords < 4 ? 4 / kWords : 1, kMostLines = size_t{1} << 20;

    template <size_t kRow, size_t kVector, class... Accs>
    static HWY_INLINE decltype(auto) Sum(Accs &...acc) {
        return Pick<kRow * kVectors + kVector>(acc...);
    }
};

template <class Way>
struct SvePasses {
    using T = typename Way::T;
    static constexpr size_t kRows = Way::kRows, kVectors = Way::kVectors, kLineBytes = Way::kWords * 4;
    static constexpr bool kFloats = std::is_same_v<T, float>;
    using Columns = std::make_index_sequence<kVectors>;
    using Each = std::make_index_sequence<Way::kAccs * kVectors>;

    /* The lines of one pass, what is prefetched while they are read, and where its sums are. */
    struct Pass {
        const uint8_t *at[kVectors];
        const uint8_t *ahead;
        size_t ahead_step;
        T *sums[kRows][kVectors];
    };

    template <size_t kCount, size_t... J, class... Accs>
    static HWY_INLINE void Take(std::index_sequence<J...>, const Pass &pass, svbool_t used, size_t first,
                                const int8_t *a, svuint8_t table0, svuint8_t table1, Accs &...acc) {
        ForEach<kCount>(LB_SVE_EACH(line) {
            const size_t l = first + decltype(line)::value;
            __builtin_prefetch(pass.ahead + l * pass.ahead_step, 0, 2);
            Way::Line(a + l * kLineBytes, table0, table1, svld1_u8(used, pass.at[J] + l * LB_LINE)..., acc...);
        });
    }

    template <class... Accs>
    static HWY_INLINE void TakePass(const lb_tile &tile, const Pass &pass, size_t first, size_t end, const int8_t *a,
                                    bool add, Accs... acc) {
        const svbool_t used = SvePredicate8(), sums = SvePredicate32();
        const svuint8_t table0 = Way::template Table<0>(tile), table1 = Way::template Table<1>(tile);
        constexpr size_t kStep = Way::kTogether;
        size_t l = first;
        for (; l + kStep <= end; l += kStep) Take<kStep>(Columns(), pass, used, l, a, table0, table1, acc...);
        if constexpr (kStep > 1)
            for (; l < end; ++l) Take<1>(Columns(), pass, used, l, a, table0, table1, acc...);
        ForEach<kRows>(LB_SVE_EACH(row) {
            ForEach<kVectors>(LB_SVE_EACH(vector) {
                constexpr size_t kRow = decltype(row)::value, kVector = decltype(vector)::value;
                T *const to = pass.sums[kRow][kVector];
                auto sum = Way::template Sum<kRow, kVector>(acc...);
                if constexpr (!kFloats)
                    if (add) sum = svadd_s32_x(svptrue_b32(), sum, SveLoad(sums, to));
                SveStore(sums, to, sum);
            });
        });
    }

    template <size_t kAcc>
    static HWY_INLINE auto Start(const Pass &pass, bool add) {
        if constexpr (!kFloats)
            return svdup_n_s32(0);
        else if constexpr (kAcc >= kRows * kVectors)
            return svdup_n_f32(0);
        else
            return add ? SveLoad(SvePredicate32(), pass.sums[kAcc / kVectors][kAcc % kVectors]) : svdup_n_f32(0);
    }

    /* Pass p of so many, over lines first .. of the call, with sums from `to` on. */
    static HWY_INLINE Pass PassOf(const lb_tile &tile, size_t p, size_t passes, size_t first, T *to) {
        const size_t columns = LB_PANEL / passes, step = (tile.ahead_step + passes - 1) / passes;
        Pass pass;
        pass.ahead = tile.ahead + (p * lb_tile_lines(&tile) + first) * step;
        pass.ahead_step = step;
        for (size_t j = 0; j < kVectors; ++j) {
            const size_t column = (p * kVectors + j) * columns, panel = column / LB_PANEL;
            pass.at[j] = tile.lines[panel] + column % LB_PANEL * 4 + first * LB_LINE;
            for (size_t i = 0; i < kRows; ++i)
                pass.sums[i][j] = to + (panel * kRows + i) * LB_PANEL + column % LB_PANEL;
        }
        return pass;
    }

    template <size_t... I>
    static HWY_INLINE void TakeLines(std::index_sequence<I...>, const lb_tile &tile, size_t first, size_t count, T *to,
                                     bool add) {
        const size_t passes = LB_LINE / SveBytes();
        const auto *a = static_cast<const int8_t *>(tile.a) + first * kLineBytes;
        for (size_t p = 0; p < passes; ++p) {
            const Pass pass = PassOf(tile, p, passes, first, to);
            for (size_t l = 0; l < count; l += Way::kMostLines) {
                const size_t end = HWY_MIN(count, l + Way::kMostLines);
                TakePass(tile, pass, l, end, a, add || l > 0, Start<I>(pass, add || l > 0)...);
            }
        }
    }

    /* to[panel][row][16] = or += the sums of lines first .. first + count - 1 of the call. */
    static HWY_INLINE void Sums(const lb_tile &tile, size_t first, size_t count, T *to, bool add) {
        TakeLines(Each(), tile, first, count, to, add);
    }
};

/* The tile of panel p alone, for the epilogue. */
template <size_t kRows>
lb_tile SvePanel(const lb_tile &tile, size_t p) {
    lb_tile panel = tile;
    const size_t column = p * LB_PANEL, out_bytes = tile.out_kind >= LOWBIT_OUT_S8 ? 1 : 4;
    panel.scale_at[0] = tile.scale_at[p];
    panel.row_scale_at[0] = tile.row_scale_at[p];
    if (tile.sums) panel.sums = tile.sums + column * kRows;
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

/* NEON vectors of a panel, and of a tile, whose costs are those of vectors of 128 bits: the table of kernels is
 * constant, and the length is not. */
constexpr size_t kPanelVectors = LB_PANEL / kColumns;

/* The tile function of a way that sums integers. */
template <class Way>
void SveTile(const lb_tile *tile_pointer) {
    const lb_tile &tile = *tile_pointer;
    lb_tile panels[Way::kVectors];
    for (size_t p = 0; p < Way::kVectors; ++p) panels[p] = SvePanel<Way::kRows>(tile, p);
    for (size_t g = 0; g < tile.groups; ++g) {
        SvePasses<Way>::Sums(tile, g * tile.lines_per_group, lb_tile_group_lines(&tile, g), tile.sums,
                             g == 0 && tile.resume);
        if (g + 1 == tile.groups && tile.suspend) return;
        for (size_t p = 0; p < Way::kVectors; ++p)
            Epilogue<kPanelVectors>::EndGroup(panels[p], g, Way::kRows, Way::kBias);
    }
}

}  // namespace

#endif
