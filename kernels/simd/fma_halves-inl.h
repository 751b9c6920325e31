/* SPDX-License-Identifier: Apache-2.0 */
/* The `fmabf16` algorithm: pairs of bf16 multiplied and added in binary32 by one instruction (vdpbf16ps), columns as in
 * halves-inl.h. For levels without tiles: Zen 4 and 5 start as many of it as of multiply-adds, Sapphire Rapids half as
 * many, but has tiles. */
#ifndef LOWBIT_KERNELS_SIMD_FMA_HALVES_INL_H_
#define LOWBIT_KERNELS_SIMD_FMA_HALVES_INL_H_

#include "kernels/simd/halves-inl.h"

namespace {

/* acc + x0 * y0 + x1 * y1 of the pair of bf16 in each lane. Not the intrinsic, for gcc 12 copies the accumulator. */
HWY_INLINE VF32 AddHalves(VF32 acc, VU8 x, VU8 y) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc.raw) : "v"(x.raw), "v"(y.raw));
    return acc;
}

template <int kCoding, size_t kRows, size_t kPanels>
struct FmaHalves {
    using Columns = HalvesColumns<kCoding, kPanels>;
    static constexpr size_t kStepA = kRows * kHalvesK; /* elements of A of a step */

    /* The k of a step, two at a time. */
    static HWY_INLINE void Step(const uint16_t *a, const uint8_t *const (&panel)[kPanels], size_t at,
                                VF32 (&acc)[kRows][kPanels]) {
        for (size_t k = 0; k < kHalvesK; k += 2, at += LB_LINE) {
            VU8 w[kPanels];
            LB_UNROLL
            for (size_t p = 0; p < kPanels; ++p) w[p] = hn::LoadU(DU8(), panel[p] + at);
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                int32_t pair;
                memcpy(&pair, a + i * kHalvesK + k, sizeof pair);
                const VU8 x = hn::BitCast(DU8(), hn::Set(DI32(), pair));
                LB_UNROLL
                for (size_t p = 0; p < kPanels; ++p) acc[i][p] = AddHalves(acc[i][p], w[p], x);
            }
        }
    }

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &t = *tile_pointer;
        const Columns columns(t);
        const auto *a = static_cast<const uint16_t *>(t.a);
        VF32 acc[kRows][kPanels];
        if (t.start && !t.resume)
            Fill(acc, hn::Zero(DF32()));
        else
            LoadFloats(t.totals, acc);
        /* The next part of the weights. */
        const size_t share = (lb_tile_lines(&t) * t.ahead_step + columns.steps - 1) / columns.steps;
        columns.Each([&](size_t s, const uint8_t *const(&panel)[kPanels], size_t at) {
            for (size_t b = 0; b < share; b += LB_LINE) __builtin_prefetch(t.ahead + s * share + b, 0, 2);
            Step(a + s * kStepA, panel, at, acc);
        });
        StoreFloats(acc, t.totals);
        if (t.finish) Epilogue<kPanels>::Finish(t, kRows);
    }
};

/* A row of the unit's table. Its cost: vector instructions at two a cycle, and an eighth of what makes the values,
 * which blocks of rows share. */
template <int kCoding, size_t kRows, size_t kPanels>
constexpr lb_kernel FmaHalvesRow() {
    using Columns = HalvesColumns<kCoding, kPanels>;
    constexpr size_t kWork8 = Columns::kExpandWork + 4 * Columns::kLineK * kRows;
    constexpr uint32_t kCost = 8 * kWork8 / kFloatPorts + 16;
    return lb_kernel{kCoding,
                     LB_ALGORITHM_FMA_BF16,
                     LB_A_HALVES,
                     0,
                     Columns::kExpands ? 2 : 0,
                     1,
                     kRows,
                     kPanels * LB_PANEL,
                     kCost,
                     0,
                     &FmaHalves<kCoding, kRows, kPanels>::Run,
                     nullptr,
                     nullptr};
}

}  // namespace

/* All rows of `fmabf16` of a unit. */
#define LB_FMA_HALVES_ROWS(coding) FmaHalvesRow<coding, 6, 4>(), FmaHalvesRow<coding, 12, 2>()
#define LB_FMA_HALVES_KERNELS LB_EACH_ROUNDED(LB_FMA_HALVES_ROWS)

#endif
