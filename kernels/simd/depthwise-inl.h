/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution: columns of an image woven, and windows of them summed (kernels/simd/depthwise.h).
 *
 *   DepthwiseQuads  four rows in the bytes of a 32-bit lane, for levels whose byte dot product adds into 32 bits
 *   DepthwisePairs  rows 0 and 2, and 1 and 3, in 16 bits each, for the others and for weights that no byte holds
 *   DepthwiseFloats
 *
 * A column is woven once and serves every window and, where rows of the output share a stack, every row that it is in:
 * of a 3 x 3 kernel the two halves cost about the same. Sums of neighbouring pixels stand in registers, so that a
 * weight is loaded once for all of them. */
#ifndef LOWBIT_KERNELS_SIMD_DEPTHWISE_INL_H_
#define LOWBIT_KERNELS_SIMD_DEPTHWISE_INL_H_

#include "kernels/simd/depthwise.h"
#include "kernels/simd/epilogue-inl.h"
#include "kernels/simd/simd.h"

namespace {

/* Vectors of 32-bit sums of a block: its channels are the bytes of one vector. */
constexpr size_t kQuarters = 4, kBlock = kQuarters * kColumns;

/* Pixels whose sums stand in registers together. */
constexpr size_t kPixels = 8;

/* A vector of elements, or the `count` of them that may be read. */
template <class D>
HWY_INLINE hn::Vec<D> LoadSome(D d, const uint8_t *at, bool whole, size_t count) {
    using T = hn::TFromD<D>;
    if (HWY_LIKELY(whole)) return hn::LoadU(d, reinterpret_cast<const T *>(at));
    alignas(LB_LINE) T some[hn::MaxLanes(D())] = {};
    memcpy(some, at, count * sizeof(T));
    return hn::Load(d, some);
}

/* Where each group of four channels comes from: interleaving works within 16 bytes, so groups are dealt to these
 * beforehand, and channels come out in order. */
HWY_INLINE auto DealIndices() {
    alignas(LB_LINE) uint32_t from[kColumns];
    for (size_t i = 0; i < kColumns; ++i) from[i] = static_cast<uint32_t>(i % 4 * (kColumns / 4) + i / 4);
    return hn::SetTableIndices(DU32(), from);
}

/* quads[j]: of each channel of quarter j, the bytes of four rows. */
HWY_INLINE void Interleave(const VU8 (&row)[LB_STACK], VU8 (&quads)[kQuarters]) {
    const DU8 d;
    const DU16 d16;
    const VU16 low01 = hn::BitCast(d16, hn::InterleaveLower(d, row[0], row[1]));
    const VU16 high01 = hn::BitCast(d16, hn::InterleaveUpper(d, row[0], row[1]));
    const VU16 low23 = hn::BitCast(d16, hn::InterleaveLower(d, row[2], row[3]));
    const VU16 high23 = hn::BitCast(d16, hn::InterleaveUpper(d, row[2], row[3]));
    quads[0] = hn::BitCast(d, hn::InterleaveLower(d16, low01, low23));
    quads[1] = hn::BitCast(d, hn::InterleaveUpper(d16, low01, low23));
    quads[2] = hn::BitCast(d, hn::InterleaveLower(d16, high01, high23));
    quads[3] = hn::BitCast(d, hn::InterleaveUpper(d16, high01, high23));
}

/* Columns of Way, from codes with kFlip in every byte. */
template <class Way, uint8_t kFlip>
void WeaveCodes(const lb_weave *weave) {
    const lb_weave &w = *weave;
    const DU8 d;
    const auto deal = DealIndices();
    const VU8 flip = hn::Set(d, kFlip);
    for (size_t s = 0; s < w.stacks; ++s) {
        const uint8_t *from[LB_STACK];
        size_t step[LB_STACK];
        LB_UNROLL
        for (size_t i = 0; i < LB_STACK; ++i) {
            from[i] = w.rows[s * LB_STACK + i];
            step[i] = w.steps[s * LB_STACK + i];
        }
        uint8_t *to = w.to + s * w.to_stack;
        for (size_t x = 0; x < w.pixels; ++x, to += Way::kColumnBytes) {
            VU8 row[LB_STACK], quads[kQuarters];
            LB_UNROLL
            for (size_t i = 0; i < LB_STACK; ++i) {
                row[i] = LoadSome(d, from[i], x < w.whole, w.channels);
                if constexpr (kFlip != 0) row[i] = hn::Xor(row[i], flip);
                if constexpr (kColumns > 4)
                    row[i] = hn::BitCast(d, hn::TableLookupLanes(hn::BitCast(DU32(), row[i]), deal));
                from[i] += step[i];
            }
            Interleave(row, quads);
            LB_UNROLL
            for (size_t j = 0; j < kQuarters; ++j) Way::Put(quads[j], to + j * Way::kBytes);
        }
    }
}

/* What WindowSums wants of a way: bytes of a quarter of a column, and
 *     Acc Zero();  Weights Load(at);  Acc Add(acc, column, weights);  Put(acc, start, sums) */
template <class Ops>
struct DepthwiseQuads {
    static constexpr size_t kBytes = sizeof(VU8), kColumnBytes = kQuarters * kBytes;
    /* The dot product reads codes as unsigned, or signed ones that have lost 128. */
    static constexpr int32_t kBias = 128 - Ops::template kCodeBias<8>;
    using Acc = VI32;
    using Weights = VI8;
    using Sum = int32_t;

    static HWY_INLINE void Put(VU8 quads, uint8_t *to) { hn::Store(quads, DU8(), to); }
    static HWY_INLINE Acc Zero() { return hn::Zero(DI32()); }
    static HWY_INLINE Weights Load(const uint8_t *at) { return hn::BitCast(DI8(), hn::LoadU(DU8(), at)); }
    static HWY_INLINE Acc Add(Acc acc, const uint8_t *column, Weights w) {
        return Ops::Dot(acc, hn::Load(DU8(), column), w);
    }
    static HWY_INLINE void Put(Acc acc, const int32_t *start, int32_t *sums) {
        hn::Store(hn::Add(acc, hn::LoadU(DI32(), start)), DI32(), sums);
    }
};

struct DepthwisePairs {
    static constexpr size_t kBytes = 2 * sizeof(VU8), kColumnBytes = kQuarters * kBytes;
    static constexpr int32_t kBias = 128;
    struct Acc {
        VI32 first, second; /* which products meet where is Highway's affair */
    };
    struct Weights {
        VI16 even, odd;
    };
    using Sum = int32_t;

    static HWY_INLINE VI16 Half(const uint8_t *at) { return hn::BitCast(DI16(), hn::LoadU(DU8(), at)); }
    static HWY_INLINE void Put(VU8 quads, uint8_t *to) {
        const VU16 both = hn::BitCast(DU16(), quads);
        hn::Store(hn::BitCast(DU8(), hn::And(both, hn::Set(DU16(), 0xff))), DU8(), to);
        hn::Store(hn::BitCast(DU8(), hn::ShiftRight<8>(both)), DU8(), to + sizeof(VU8));
    }
    static HWY_INLINE Acc Zero() { return Acc{hn::Zero(DI32()), hn::Zero(DI32())}; }
    static HWY_INLINE Weights Load(const uint8_t *at) { return Weights{Half(at), Half(at + sizeof(VU8))}; }
    static HWY_INLINE Acc Add(Acc acc, const uint8_t *column, Weights w) {
        acc.first = hn::ReorderWidenMulAccumulate(DI32(), Half(column), w.even, acc.first, acc.second);
        acc.first = hn::ReorderWidenMulAccumulate(DI32(), Half(column + sizeof(VU8)), w.odd, acc.first, acc.second);
        return acc;
    }
    static HWY_INLINE void Put(Acc acc, const int32_t *start, int32_t *sums) {
        const VI32 sum = hn::RearrangeToOddPlusEven(acc.first, acc.second);
        hn::Store(hn::Add(sum, hn::LoadU(DI32(), start)), DI32(), sums);
    }
};

struct DepthwiseFloats {
    static constexpr size_t kBytes = sizeof(VF32), kColumnBytes = kQuarters * kBytes;
    using Acc = VF32;
    using Weights = VF32;
    using Sum = float;

    static HWY_INLINE Weights Load(const uint8_t *at) { return hn::LoadU(DF32(), reinterpret_cast<const float *>(at)); }
    static HWY_INLINE Acc Zero() { return hn::Zero(DF32()); }
    static HWY_INLINE Acc Add(Acc acc, const uint8_t *column, Weights w) { return hn::MulAdd(Load(column), w, acc); }
    static HWY_INLINE void Put(Acc acc, const int32_t *, float *sums) { hn::Store(acc, DF32(), sums); }
};

/* Rows as they are. */
inline void WeaveFloats(const lb_weave *weave) {
    const lb_weave &w = *weave;
    for (size_t s = 0; s < w.stacks; ++s) {
        const uint8_t *from = w.rows[s];
        uint8_t *to = w.to + s * w.to_stack;
        for (size_t x = 0; x < w.pixels; ++x, from += w.steps[s], to += DepthwiseFloats::kColumnBytes)
            if (x < w.whole)
                memcpy(to, from, DepthwiseFloats::kColumnBytes);
            else
                memcpy(to, from, w.channels * sizeof(float));
    }
}

template <class Way>
struct WindowSums {
    /* kCount pixels from `pixel` on, quarter j. */
    template <size_t kCount>
    static HWY_INLINE void Pixels(const lb_windows &w, size_t j, size_t pixel) {
        typename Way::Acc acc[kCount];
        const size_t step = w.stride * Way::kColumnBytes;
        LB_UNROLL
        for (size_t p = 0; p < kCount; ++p) acc[p] = Way::Zero();
        const uint8_t *weights = w.weights + j * Way::kBytes;
        for (size_t s = 0; s < w.stacks; ++s) {
            const uint8_t *columns = w.columns + s * w.to_stack + pixel * step + j * Way::kBytes;
            for (size_t x = 0; x < w.width; ++x) {
                const typename Way::Weights loaded = Way::Load(weights);
                const uint8_t *column = columns;
                LB_UNROLL
                for (size_t p = 0; p < kCount; ++p, column += step) acc[p] = Way::Add(acc[p], column, loaded);
                columns += w.dilation * Way::kColumnBytes;
                weights += Way::kColumnBytes;
            }
        }
        auto *sums = static_cast<typename Way::Sum *>(w.sums) + pixel * kBlock + j * kColumns;
        LB_UNROLL
        for (size_t p = 0; p < kCount; ++p) Way::Put(acc[p], w.start + j * kColumns, sums + p * kBlock);
    }

    static void Run(const lb_windows *windows) {
        const lb_windows &w = *windows;
        for (size_t j = 0; j * kColumns < w.channels; ++j) {
            size_t p = 0;
            for (; p + kPixels <= w.pixels; p += kPixels) Pixels<kPixels>(w, j, p);
            for (; p + kPixels / 2 <= w.pixels; p += kPixels / 2) Pixels<kPixels / 2>(w, j, p);
            for (; p + 2 <= w.pixels; p += 2) Pixels<2>(w, j, p);
            if (p < w.pixels) Pixels<1>(w, j, p);
        }
    }
};

inline void DepthwiseEndSums(const lb_tile *tile) { Epilogue<kQuarters>::EndGroup(*tile, 0, tile->rows, 0); }
inline void DepthwiseEndTotals(const lb_tile *tile) { Epilogue<kQuarters>::Finish(*tile, tile->rows); }

template <class Way>
constexpr lb_windows_way CodesWay() {
    return {&WeaveCodes < Way, Way::kBias ? 0x80 : 0 >, &WindowSums<Way>::Run, Way::kBias};
}

constexpr lb_depthwise_ops DepthwiseOpsOf(lb_windows_way quads) {
    return {kBlock,
            quads,
            CodesWay<DepthwisePairs>(),
            {&WeaveFloats, &WindowSums<DepthwiseFloats>::Run, 0},
            &DepthwiseEndSums,
            &DepthwiseEndTotals};
}

/* Of a unit whose vocabulary has a byte dot product, and of one without. */
template <class Ops>
constexpr lb_depthwise_ops kDepthwiseDirect = DepthwiseOpsOf(CodesWay<DepthwiseQuads<Ops>>());
constexpr lb_depthwise_ops kDepthwiseStaged = DepthwiseOpsOf({nullptr, nullptr, 0});

}  // namespace

#endif
