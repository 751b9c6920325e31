/* SPDX-License-Identifier: Apache-2.0 */
/* Results to codes of 8 bits: floats by a reciprocal and a zero point, integers by a multiplier and a shift of each
 * column. docs/numerics.md has the law. */
#ifndef LOWBIT_KERNELS_SIMD_REQUANT_INL_H_
#define LOWBIT_KERNELS_SIMD_REQUANT_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* clamp(rne(x * r) + zero, low, high). Clamped before rounding, which is the same since the bounds are integers, so
 * that the conversion sees no infinity; a NaN becomes 0 before that. */
struct FixedCodes {
    VF32 r, low, high;
    VI32 zero;

    HWY_INLINE FixedCodes(float reciprocal, int32_t z, int32_t least, int32_t most)
        : r(hn::Set(DF32(), reciprocal)),
          low(hn::Set(DF32(), static_cast<float>(least - z))),
          high(hn::Set(DF32(), static_cast<float>(most - z))),
          zero(hn::Set(DI32(), z)) {}

    HWY_INLINE VI32 operator()(VF32 x) const {
        const VF32 steps = hn::Mul(hn::IfThenElseZero(hn::Eq(x, x), x), r);
        return hn::Add(NearestSmall(hn::Min(hn::Max(steps, low), high)), zero);
    }
};

/* x * multiplier * 2^(shift - 31), rounded as one of the two forms says, for |multiplier| in 2^30 .. 2^31 - 1 or 0 and
 * shift in -31 .. 30; what exceeds 2^29 in magnitude is some number that does.
 *
 * With a = x 2^left and shift = left - right, one of them 0: h = floor(a m / 2^31), whose low 32 bits are bits 31 .. 62
 * of the product, then a rounding shift by `right`, (h >> right) + the bit below. What h drops is less than a unit of
 * it and decides nothing for right > 0; for right = 0 it rounds h itself. The double form rounds h always, and takes 1
 * from a negative h, so that ties go away from 0. x is clamped so that a stays in 32 bits: |a m| / 2^31 is 2^29 and
 * more there. */
struct Rescale {
    using DI64 = hn::Repartition<int64_t, DI32>;
    using DU64 = hn::Repartition<uint64_t, DI32>;
    using VI64 = hn::Vec<DI64>;

    VI32 least, most, left, right, below, bit, away, even_m, odd_m;
    VI64 even_half, odd_half;
    bool grows, goes_away; /* some left, some away is not 0 */

    HWY_INLINE Rescale(VI32 multiplier, VI32 shift, bool twice) {
        const DI32 d;
        const DU64 d64;
        const VI32 zero = hn::Zero(d), one = hn::Set(d, 1);
        left = hn::Max(shift, zero);
        right = hn::Max(hn::Neg(shift), zero);
        below = hn::Max(hn::Sub(right, one), zero);
        bit = hn::Min(right, one);
        least = ShiftDown(hn::Set(d, INT32_MIN), left);
        most = ShiftDown(hn::Set(d, INT32_MAX), left);
        grows = !hn::AllTrue(d, hn::Eq(left, zero));
        goes_away = twice;
        away = hn::Neg(bit);
        const VI32 half = hn::ShiftLeft<30>(twice ? one : hn::Sub(one, bit));
        even_m = multiplier;
        odd_m = Odd(multiplier);
        even_half = hn::BitCast(DI64(), hn::And(hn::BitCast(d64, half), hn::Set(d64, 0xffffffffu)));
        odd_half = hn::BitCast(DI64(), hn::ShiftRight<32>(hn::BitCast(d64, half)));
    }

    static HWY_INLINE VI32 Odd(VI32 x) { return hn::BitCast(DI32(), hn::ShiftRight<32>(hn::BitCast(DU64(), x))); }

    HWY_INLINE VI32 operator()(VI32 x) const {
        const DI32 d;
        const DU64 d64;
        VI32 a = x;
        if (grows) a = ShiftUp(hn::Min(hn::Max(x, least), most), left);
        const auto even = hn::BitCast(d64, hn::Add(hn::MulEven(a, even_m), even_half));
        const auto odd = hn::BitCast(d64, hn::Add(hn::MulEven(Odd(a), odd_m), odd_half));
        VI32 h = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<1>(odd)), hn::BitCast(d, hn::ShiftRight<31>(even)));
        if (goes_away) h = hn::Add(h, hn::And(hn::ShiftRight<31>(h), away));
        return hn::Add(ShiftDown(h, right), hn::And(ShiftDown(h, below), bit));
    }
};

/* The law clamps what it adds up. */
HWY_INLINE VI32 ClampTerm(VI32 r) {
    return hn::Min(hn::Max(r, hn::Set(DI32(), -LB_REQUANT_MOST)), hn::Set(DI32(), LB_REQUANT_MOST));
}

/* Codes stand in bytes that have a sign: those of u8 less 128, which flips their highest bit. */
HWY_INLINE int32_t HalfOf(uint32_t out_kind) { return out_kind == LOWBIT_OUT_S8 ? 0 : 128; }

HWY_INLINE void StoreCodes(VI32 codes, int32_t half, uint8_t *to) {
    const hn::Rebind<int8_t, DI32> d;
    const auto bytes = hn::Xor(hn::DemoteTo(d, codes), hn::Set(d, static_cast<int8_t>(half)));
    hn::StoreU(bytes, d, reinterpret_cast<int8_t *>(to));
}

HWY_INLINE VI32 LoadCodes(const uint8_t *from, int32_t half) {
    const hn::Rebind<int8_t, DI32> d;
    const auto bytes = hn::LoadU(d, reinterpret_cast<const int8_t *>(from));
    return hn::PromoteTo(DI32(), hn::Xor(bytes, hn::Set(d, static_cast<int8_t>(half))));
}

/* What one vector of columns becomes codes with, however they are rounded: Codes::Of(sum, residual), or of a tile that
 * has no residual just Of(sum), gives them less the zero point. */
template <class Codes>
struct CodeColumns {
    VI32 multiplier, shift, bias, residual_zero, zero, low, high; /* low and high of what zero is added to */
    int32_t half;
    bool has_residual;

    HWY_INLINE CodeColumns(const lb_tile &tile, size_t column)
        : multiplier(hn::LoadU(DI32(), tile.multipliers + column)),
          shift(hn::LoadU(DI32(), tile.shifts + column)),
          bias(tile.bias ? hn::LoadU(DI32(), static_cast<const int32_t *>(tile.bias) + column) : hn::Zero(DI32())),
          residual_zero(hn::Set(DI32(), tile.requant->residual_zero - HalfOf(tile.out_kind))),
          zero(hn::Set(DI32(), tile.requant->zero - HalfOf(tile.out_kind))),
          low(hn::Set(DI32(), tile.requant->low - tile.requant->zero)),
          high(hn::Set(DI32(), tile.requant->high - tile.requant->zero)),
          half(HalfOf(tile.out_kind)),
          has_residual(tile.residual != nullptr) {}

    /* The residual is from element `at` on, where the tile has some. */
    HWY_INLINE void Put(VI32 sum, const uint8_t *residual, size_t at, uint8_t *to) const {
        const Codes &codes = static_cast<const Codes &>(*this);
        const VI32 biased = hn::Add(sum, bias);
        const VI32 code =
            has_residual ? codes.Of(biased, hn::Sub(LoadCodes(residual + at, half), residual_zero)) : codes.Of(biased);
        StoreCodes(hn::Add(code, zero), half, to);
    }
};

/* Accumulators to codes by integers. */
struct IntegerCodes : CodeColumns<IntegerCodes> {
    Rescale dot, residual;

    HWY_INLINE IntegerCodes(const lb_tile &tile, size_t column)
        : IntegerCodes(CodeColumns(tile, column), *tile.requant) {}

    HWY_INLINE VI32 Of(VI32 sum) const { return Clamp(dot(sum)); }

    HWY_INLINE VI32 Of(VI32 sum, VI32 added) const {
        const VI32 r = hn::Add(ClampTerm(dot(sum)), ClampTerm(residual(added)));
        const VI32 half_unit = hn::Set(DI32(), 1 << (LB_REQUANT_FRACTION - 1));
        return Clamp(hn::ShiftRight<LB_REQUANT_FRACTION>(hn::Add(r, half_unit)));
    }

  private:
    HWY_INLINE VI32 Clamp(VI32 r) const { return hn::Min(hn::Max(r, low), high); }

    HWY_INLINE IntegerCodes(const CodeColumns &columns, const lb_requant &q)
        : CodeColumns(columns),
          dot(multiplier, hn::Add(shift, hn::Set(DI32(), has_residual ? LB_REQUANT_FRACTION : 0)),
              q.rounding == LOWBIT_ROUND_DOUBLE),
          residual(hn::Set(DI32(), q.residual_multiplier), hn::Set(DI32(), q.residual_shift + LB_REQUANT_FRACTION),
                   q.rounding == LOWBIT_ROUND_DOUBLE) {}
};

/* The same by floats. Clamped before they are rounded, as the bounds are integers. */
struct ScaledCodes : CodeColumns<ScaledCodes> {
    VF32 scale, residual_scale, least, most;

    HWY_INLINE ScaledCodes(const lb_tile &tile, size_t column)
        : CodeColumns(tile, column),
          scale(ScaleOf(multiplier, shift)),
          residual_scale(ScaleOf(hn::Set(DI32(), tile.requant->residual_multiplier),
                                 hn::Set(DI32(), tile.requant->residual_shift))),
          least(hn::ConvertTo(DF32(), low)),
          most(hn::ConvertTo(DF32(), high)) {}

    HWY_INLINE VI32 Of(VI32 sum) const { return Round(hn::Mul(hn::ConvertTo(DF32(), sum), scale)); }

    HWY_INLINE VI32 Of(VI32 sum, VI32 added) const {
        const DF32 df;
        return Round(
            hn::Add(hn::Mul(hn::ConvertTo(df, sum), scale), hn::Mul(hn::ConvertTo(df, added), residual_scale)));
    }

  private:
    HWY_INLINE VI32 Round(VF32 r) const { return NearestSmall(hn::Min(hn::Max(r, least), most)); }

    /* multiplier * 2^(shift - 31): the power by its exponent. */
    static HWY_INLINE VF32 ScaleOf(VI32 multiplier, VI32 shift) {
        const VI32 exponent = hn::Add(shift, hn::Set(DI32(), 127 - 31));
        return hn::Mul(hn::ConvertTo(DF32(), multiplier), hn::BitCast(DF32(), hn::ShiftLeft<23>(exponent)));
    }
};

}  // namespace

#endif
