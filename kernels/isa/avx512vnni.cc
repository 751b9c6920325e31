/* SPDX-License-Identifier: Apache-2.0 */
/* avx512vnni: 512-bit vpdpbusd (Ice Lake, Sapphire Rapids, Zen 4 and newer). */
#include "kernels/simd/direct512.h"

LB_UNIT_TARGET(HWY_AVX3);

namespace {

/* What moves bits b * f .. b * f + b - 1 of every byte to its bottom and clears the rest: one row of eight bits for
 * each bit of the result, the top one first. */
constexpr uint64_t FieldMatrix(int bits, int field) {
    uint64_t matrix = 0;
    for (int i = 0; i < bits; ++i) matrix |= uint64_t{1} << (bits * field + i + 8 * (7 - i));
    return matrix;
}

struct Ops : Direct512 {
    /* One instruction for a shift and a mask; of 4 bits there is but one to save, and it costs a register. */
    template <int kBits>
    static constexpr size_t kCodesWork = kBits <= 2 ? 8 / kBits : kShiftWork<kBits>;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        if constexpr (kBits > 2 || kField == 0) return Field<kBits, kField>(line);
        const auto matrix = hn::Set(hn::Repartition<uint64_t, DU8>(), FieldMatrix(kBits, kField));
        return VU8{_mm512_gf2p8affine_epi64_epi8(line.raw, matrix.raw, 0)};
    }
};

constexpr lb_kernel kKernels[] = {LB_DIRECT512_ROWS, LB_BIT_ROWS};

}  // namespace

LB_EXPORT_UNIT(avx512vnni) = {LOWBIT_ISA_AVX512VNNI, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Ops>};
