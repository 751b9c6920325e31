/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `fma` of SVE: fma-inl.h says what it computes, in which order. Many rows share values that are laid out
 * as lines of floats, so that these and weights that are floats are taken by the same code. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_FMA_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_FMA_INL_H_

#include "kernels/simd/fma-inl.h"
#include "kernels/simd/sve_decode_float-inl.h"

namespace {

template <class Decoder>
constexpr size_t kSveLineK = static_cast<size_t>(Decoder::kFields) * Decoder::kInField;

/* sum += w * x. The intrinsic may become fmad, which leaves the sum in another register and adds later. */
HWY_INLINE void SveMulAdd(svfloat32_t &sum, svfloat32_t w, svfloat32_t x) {
    __asm__("fmla %0.s, %1/m, %2.s, %3.s" : "+w"(sum) : "Upl"(svptrue_b32()), "w"(w), "w"(x));
}

template <class Decoder, size_t kRowsOf, size_t kVectorsOf>
struct SveFloats : SveWay<kRowsOf, kVectorsOf, kSveLineK<Decoder> * kRowsOf> {
    using T = float;
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf;

    template <size_t kTable>
    static HWY_INLINE svuint8_t Table(const lb_tile &tile) {
        return Decoder::template Table<kTable>(tile);
    }

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t table0, svuint8_t table1, Both &&...both) {
        ForEach<Decoder::kFields>(LB_SVE_EACH(field) {
            constexpr int kField = decltype(field)::value;
            ForEach<kVectors>(LB_SVE_EACH(vector) {
                constexpr size_t kVector = decltype(vector)::value;
                const auto use = [&](auto index, svfloat32_t w) __attribute__((always_inline)) {
                    constexpr size_t kIndex = kField * Decoder::kInField + decltype(index)::value;
                    ForEach<kRows>(LB_SVE_EACH(row) {
                        constexpr size_t kRow = decltype(row)::value;
                        SveMulAdd(Pick<kVectors + kRow * kVectors + kVector>(both...), w,
                                  svreinterpret_f32_s32(SveWord(a, kIndex * kRows + kRow)));
                    });
                };
                Decoder::template Field<kField>(Pick<kVector>(both...), table0, table1, use);
            });
        });
    }
};

/* Lines of floats, which leave registers for sums: a word of A is used up before the next one is loaded. */
template <size_t kRowsOf, size_t kVectorsOf>
struct SveFloats<SveDecodeFloats, kRowsOf, kVectorsOf> : SveWay<kRowsOf, kVectorsOf, kRowsOf> {
    using T = float;
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf;

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t, svuint8_t, Both &&...both) {
        ForEach<kRows>(LB_SVE_EACH(row) {
            constexpr size_t kRow = decltype(row)::value;
            const svfloat32_t x = svreinterpret_f32_s32(SveWord(a, kRow));
            ForEach<kVectors>(LB_SVE_EACH(vector) {
                constexpr size_t kVector = decltype(vector)::value;
                SveMulAdd(Pick<kVectors + kRow * kVectors + kVector>(both...),
                          svreinterpret_f32_u8(Pick<kVector>(both...)), x);
            });
        });
    }
};

template <class Decoder, size_t kRows, size_t kVectors>
struct SveFmaTile {
    static constexpr size_t kLineK = kSveLineK<Decoder>, kDecodeWork = Decoder::kWork;
    using Groups = FloatGroups<kPanelVectors>;

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &tile = *tile_pointer;
        lb_tile panels[kVectors];
        for (size_t p = 0; p < kVectors; ++p) panels[p] = SvePanel<kRows>(tile, p);
        for (size_t g = 0; g < tile.groups; ++g) {
            SvePasses<SveFloats<Decoder, kRows, kVectors>>::Sums(
                tile, g * tile.lines_per_group, lb_tile_group_lines(&tile, g), reinterpret_cast<float *>(tile.sums),
                g == 0 && tile.resume);
            if (g + 1 == tile.groups && tile.suspend) return;
            for (size_t p = 0; p < kVectors; ++p) AddGroup(panels[p], g);
        }
        if (!tile.finish) return;
        for (size_t p = 0; p < kVectors; ++p) Groups::Finish(panels[p], kRows);
    }

    static HWY_NOINLINE void AddGroup(const lb_tile &panel, size_t group) {
        VF32 sum[kRows][kPanelVectors];
        LoadFloats(reinterpret_cast<const float *>(panel.sums), sum);
        Groups::Add(panel, group, sum);
    }
};

HWY_INLINE svfloat32_t SveScale(svbool_t used, uint32_t type, const void *array, size_t at) {
    if (type == LOWBIT_SCALE_F32) return svld1_f32(used, static_cast<const float *>(array) + at);
    const svuint32_t bits = svld1uh_u32(used, static_cast<const uint16_t *>(array) + at);
    if (type == LOWBIT_SCALE_F16) return svcvt_f32_f16_x(svptrue_b32(), svreinterpret_f16_u32(bits));
    return SveLowerHalf(svreinterpret_u8_u32(bits));
}

HWY_INLINE svfloat32_t SveByteFloats(svbool_t used, const uint8_t *at) {
    return svcvt_f32_u32_x(svptrue_b32(), svld1ub_u32(used, at));
}

/* Values are lines of floats, those of a part of K panel after panel. */
template <class Decoder, size_t kRows, size_t kVectors>
struct SveFmaMany {
    static constexpr size_t kLineK = kSveLineK<Decoder>, kDecodeWork = Decoder::kWork;
    static constexpr bool kExpands = kLineK > 1;
    using Values = SveFloats<SveDecodeFloats, kRows, kVectors>;

    /* A vector of columns of one group, from `column` of the panel on: w = (v + offset) * scale + min. */
    static HWY_INLINE void ExpandColumns(const lb_tile &tile, size_t p, size_t group, size_t column, float *to) {
        const svbool_t all = svptrue_b32(), used = SvePredicate32(), bytes = SvePredicate8();
        const svuint8_t table0 = Decoder::template Table<0>(tile), table1 = Decoder::template Table<1>(tile);
        const size_t at = tile.scale_at[p] + group * LB_PANEL + column;
        svfloat32_t scale = svdup_n_f32(1), offset = svdup_n_f32(0), min = svdup_n_f32(0);
        const svfloat32_t o = svdup_n_f32(static_cast<float>(tile.value_offset));
        if (tile.mult)
            scale = svmul_f32_x(all, SveByteFloats(used, tile.mult + at),
                                SveScale(used, tile.scale_type, tile.scale, tile.row_scale_at[p] + column));
        else if (tile.scale)
            scale = SveScale(used, tile.scale_type, tile.scale, at);
        if (tile.zero) offset = svsub_f32_x(all, o, SveByteFloats(used, tile.zero + at));
        if (tile.min) {
            offset = o;
            min = SveScale(used, tile.scale_type, tile.min, at);
        }
        const size_t first = group * tile.lines_per_group, end = first + lb_tile_group_lines(&tile, group);
        const ptrdiff_t ahead = tile.blocks == 1 ? tile.ahead_offset : 0;
        for (size_t l = first; l < end; ++l) {
            const uint8_t *from = tile.lines[p] + l * LB_LINE + column * 4;
            __builtin_prefetch(from + ahead);
            svuint8_t line = svld1_u8(bytes, from);
            ForEach<Decoder::kFields>(LB_SVE_EACH(field) {
                constexpr int kField = decltype(field)::value;
                const auto use = [&](auto index, svfloat32_t w) __attribute__((always_inline)) {
                    const size_t k = l * kLineK + kField * Decoder::kInField + decltype(index)::value;
                    w = svmad_f32_x(all, svadd_f32_x(all, w, offset), scale, min);
                    svst1_f32(used, to + k * LB_PANEL + column, w);
                };
                Decoder::template Field<kField>(line, table0, table1, use);
            });
        }
    }

    static HWY_NOINLINE void Expand(const lb_tile &tile) {
        const size_t columns = SveBytes() / 4, count = lb_tile_lines(&tile) * kLineK;
        for (size_t p = 0; p < kVectors; ++p)
            for (size_t g = 0; g < tile.groups; ++g)
                for (size_t column = 0; column < LB_PANEL; column += columns)
                    ExpandColumns(tile, p, g, column, reinterpret_cast<float *>(tile.values) + p * count * LB_PANEL);
    }

    static void Run(const lb_tile *tile_pointer) {
        lb_tile tile = *tile_pointer;
        const size_t lines = lb_tile_lines(&tile), count = lines * kLineK;
        if constexpr (kExpands) {
            if (tile.expand) Expand(tile);
            for (size_t p = 0; p < kVectors; ++p) tile.lines[p] = tile.values + p * count * LB_LINE;
            tile.ahead_step = (tile.ahead_step * lines + count - 1) / count;
            tile.groups = 1;
            tile.lines_last_group = count;
        }
        SvePasses<Values>::Sums(tile, 0, count, tile.totals, !tile.start || tile.resume);
        if (!tile.finish) return;
        for (size_t p = 0; p < kVectors; ++p) Epilogue<kPanelVectors>::Finish(SvePanel<kRows>(tile, p), kRows);
    }
};

template <int kCoding, size_t kRows, size_t kVectors>
constexpr lb_kernel SveFmaFew() {
    using Few = SveFmaTile<typename SveDecoderOf<kCoding>::Type, kRows, kVectors>;
    return FmaFewRow<kCoding, Few, kRows, kVectors * kPanelVectors>();
}

template <int kCoding, size_t kRows, size_t kVectors>
constexpr lb_kernel SveFmaShared() {
    using Many = SveFmaMany<typename SveDecoderOf<kCoding>::Type, kRows, kVectors>;
    return FmaSharedRow<kCoding, Many, kRows, kVectors * kPanelVectors>();
}

}  // namespace

#define LB_SVE_FMA_ROWS(coding)                                                                                        \
    SveFmaFew<coding, 1, 8>(), SveFmaFew<coding, 2, 4>(), SveFmaFew<coding, 4, 4>(), SveFmaShared<coding, 12, 2>()

#endif
