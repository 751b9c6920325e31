/* SPDX-License-Identifier: Apache-2.0 */
/* The probes of one level (probe.h has the contract): kProbes is the unit's table.
 *
 * They are honest only if the compiler leaves them alone: Pin() hides a register's value from it at no cost, so that
 * nothing is hoisted, shared or folded. Read `objdump -d` of the unit after a change. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_INL_H_
#define LOWBIT_KERNELS_SIMD_PROBE_INL_H_

#include "kernels/simd/probe.h"
#include "kernels/simd/probe_bits-inl.h"
#include "kernels/simd/probe_ops-inl.h"
#include "kernels/simd/terms-inl.h"
#if LB_HAS_TILES
#include "kernels/simd/probe_tiles-inl.h"
#endif

namespace {
namespace probe {

HWY_INLINE VU8 Activations(const int8_t *a, size_t f) { return hn::BitCast(d8, BroadcastFour(a + 4 * f)); }

/* The row's P vectors of activations, one for each field. With 16 registers, four and more stay in memory, where they
 * are operands for free, so that the accumulators do not have to. */
template <size_t P>
struct Row {
    static constexpr bool kInMemory = kRegisters == 16 && P >= 4;
    using Memory = uint8_t[P * kBytes];
    VU8 act[P];
    Memory *memory; /* 64-byte aligned */

    HWY_INLINE void Set(const int8_t *a, Memory *to) {
        memory = to;
        Unroll<P>(LB_EACH(f) {
            act[f] = Activations(a, f);
            hn::Store(act[f], d8, *memory + f * kBytes);
        });
    }
    /* Before each use: what is in memory stays there. */
    HWY_INLINE void Pin() {
        if (kInMemory) __asm__ volatile("" : "+m"(*memory));
    }
    HWY_INLINE VU8 operator[](size_t f) const { return kInMemory ? hn::Load(d8, *memory + f * kBytes) : act[f]; }
};

template <size_t N>
HWY_INLINE uint32_t SumAll(const VI32 (&v)[N]) {
    VI32 sum = v[0];
    Unroll<N - 1>(LB_EACH(i) { sum = hn::Add(sum, v[i + 1]); });
    return SumLanes(sum);
}

/* What the code bias takes away from the sum over one line of 16 lanes. */
HWY_INLINE uint32_t BiasOfLine(const int8_t *a) {
    return static_cast<uint32_t>(kCodeBias * 16 * (a[0] + a[1] + a[2] + a[3]));
}

/* ---- In registers: R multiplications of each vector of a line in one step. Latencies of 4 to 6 cycles and two ports
 * want 12 accumulators; w, a and the accumulators fill the registers without spilling. ---- */

#if LB_HAS_DOT
constexpr size_t kDotRepeat = kVectors == 1 ? 12 : kVectors == 2 ? 6 : 4;

uint32_t Dot(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kAccs = kVectors * kDotRepeat;
    const VU8 act = Activations(a, 0);
    VU8 w[kVectors];
    VI32 acc[kAccs];
    Unroll<kVectors>(LB_EACH(i) { w[i] = Biased(hn::Load(d8, line + i * kBytes)); });
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(d32); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kAccs>(LB_EACH(i) {
            Pin(w[i % kVectors]);
            acc[i] = DotAdd(acc[i], w[i % kVectors], act);
            Pin(acc[i]);
        });
    }
    return SumAll(acc) + static_cast<uint32_t>(reps * (bytes / 64) * kDotRepeat) * BiasOfLine(a);
}
#endif

/* Chains of lookups, each of which finds the index of the next: twelve hide what a lookup takes. */
constexpr size_t kLookupRepeat = 12 / kVectors;

uint32_t Lookups(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kChains = kVectors * kLookupRepeat;
    alignas(64) uint8_t memory[kBytes];
    for (size_t i = 0; i < kBytes; ++i) memory[i] = static_cast<uint8_t>((i + static_cast<uint8_t>(a[0])) % 16);
    VU8 table = hn::Load(d8, memory), chain[kChains];
    Unroll<kChains>(LB_EACH(i) { chain[i] = hn::And(hn::Load(d8, line + i % kVectors * kBytes), hn::Set(d8, 15)); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kChains>(LB_EACH(i) {
            Pin(table);
            chain[i] = hn::TableLookupBytes(table, chain[i]);
            Pin(chain[i]);
        });
    }
    uint32_t sum = 0;
    Unroll<kChains>(LB_EACH(i) {
        hn::Store(chain[i], d8, memory);
        for (uint8_t byte : memory) sum += byte;
    });
    return sum;
}

constexpr size_t kPairsRepeat = kVectors == 1 ? 8 : kVectors == 2 ? 4 : 2;

uint32_t Pairs(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kAccs = kVectors * kPairsRepeat;
    const VU8 act = Activations(a, 0);
    VU8 w[kVectors];
    VI16 acc[kAccs];
    Unroll<kVectors>(LB_EACH(i) { w[i] = hn::Load(d8, line + i * kBytes); });
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(d16); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kAccs>(LB_EACH(i) {
            Pin(w[i % kVectors]);
            acc[i] = PairsAdd(acc[i], w[i % kVectors], act);
            Pin(acc[i]);
        });
    }
    VI32 total = hn::Zero(d32);
    Unroll<kAccs>(LB_EACH(i) { total = Widen(total, acc[i]); });
    return SumLanes(total);
}

/* Sums of bytes by the level's dot product, or else in pairs; and those to 32 bits. */
#if LB_HAS_DOT
HWY_INLINE VI32 AddBytes(VI32 acc, VU8 ones, VU8 bytes) { return DotAdd(acc, ones, bytes); }
HWY_INLINE VI32 Collect(VI32 total, VI32 acc) { return hn::Add(total, acc); }
#else
HWY_INLINE VI16 AddBytes(VI16 acc, VU8 ones, VU8 bytes) { return PairsAdd(acc, ones, bytes); }
HWY_INLINE VI32 Collect(VI32 total, VI16 acc) { return Widen(total, acc); }
#endif

/* What distances are made of: one more instruction than products. */
uint32_t Maxima(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    using V = std::conditional_t<LB_HAS_DOT, VI32, VI16>;
    constexpr size_t kAccs = kVectors * kPairsRepeat;
    const VI8 act = hn::BitCast(DI8(), Activations(a, 0));
    const VU8 ones = hn::Set(d8, 1);
    VU8 w[kVectors];
    V acc[kAccs];
    Unroll<kVectors>(LB_EACH(i) { w[i] = hn::Load(d8, line + i * kBytes); });
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(hn::DFromV<V>()); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kAccs>(LB_EACH(i) {
            Pin(w[i % kVectors]);
            const VU8 most = hn::BitCast(d8, hn::Max(hn::BitCast(DI8(), w[i % kVectors]), act));
            acc[i] = AddBytes(acc[i], ones, most);
            Pin(acc[i]);
        });
    }
    VI32 total = hn::Zero(d32);
    Unroll<kAccs>(LB_EACH(i) { total = Collect(total, acc[i]); });
    return SumLanes(total);
}

constexpr size_t kExactRepeat = 4 / kVectors;

uint32_t Exact(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kAccs = kVectors * kExactRepeat;
    const ExactActivations act = SplitActivations(Activations(a, 0));
    ExactCodes w[kVectors];
    VI32 acc[kAccs];
    Unroll<kVectors>(LB_EACH(i) { w[i] = SplitCodes(hn::Load(d8, line + i * kBytes)); });
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(d32); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kAccs>(LB_EACH(i) {
            PinCodes(w[i % kVectors]);
            acc[i] = ExactAdd(acc[i], w[i % kVectors], act);
            Pin(acc[i]);
        });
    }
    return SumAll(acc) + static_cast<uint32_t>(reps * (bytes / 64) * kExactRepeat) * BiasOfLine(a);
}

/* Twelve lines of terms in a step, spread over twelve sums: enough for two ports and six cycles of latency. Distances
 * need fewer, and have registers for eight beside their own. */
template <class Term>
constexpr size_t kTermsAccs = kRegisters == 16 && Term::kWork == 3 ? 8 : 12;

template <class Term>
uint32_t Terms(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kAccs = kTermsAccs<Term>;
    const DF32 df;
    const Term term;
    const VF32 x = hn::Set(df, static_cast<float>(a[0]));
    VF32 w[kVectors], acc[kAccs];
    Unroll<kVectors>(LB_EACH(i) {
        const VI32 lanes = hn::BitCast(d32, hn::Load(d8, line + i * kBytes));
        w[i] = hn::ConvertTo(df, hn::And(lanes, hn::Set(d32, 0xff)));
    });
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(df); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kVectors>(LB_EACH(v) {
            Unroll<kAccs>(LB_EACH(i) {
                Pin(w[v]);
                acc[i] = term.Add(w[v], x, acc[i]);
                Pin(acc[i]);
            });
        });
    }
    uint32_t sum = 0;
    Unroll<kAccs>(LB_EACH(i) { sum += SumLanes(hn::ConvertTo(d32, acc[i])); });
    return sum;
}

#if defined(__AVX512BF16__)
/* Pairs of bf16, every other byte of the line; as many sums. */
constexpr size_t kFmaHalvesRepeat = 6;

uint32_t FmaHalves(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    constexpr size_t kAccs = 2 * kFmaHalvesRepeat;
    alignas(64) uint16_t halves[32];
    for (size_t i = 0; i < 32; ++i) halves[i] = HalfOf(line[2 * i]);
    VU8 w = hn::BitCast(d8, hn::Load(DU16(), halves));
    const VU8 x = hn::BitCast(d8, hn::Set(DU16(), HalfOf(a[0])));
    VF32 acc[kAccs];
    Unroll<kAccs>(LB_EACH(i) { acc[i] = hn::Zero(DF32()); });
    for (size_t step = reps * (bytes / 64); step > 0; step--) {
        Unroll<kAccs>(LB_EACH(i) {
            Pin(w);
            acc[i].raw = _mm512_dpbf16_ps(acc[i].raw, (__m512bh)w.raw, (__m512bh)x.raw);
            Pin(acc[i]);
        });
    }
    uint32_t sum = 0;
    Unroll<kAccs>(LB_EACH(i) { sum += SumLanes(hn::ConvertTo(d32, acc[i])); });
    return sum;
}
#endif

/* ---- Decoding: every vector of the lines is one step. ---- */

/* Calls step.Run<U>(p) for U vectors at a time, then step.Run<1>(p) for the rest, `reps` times over. */
template <size_t U, class Step>
HWY_INLINE void EachVector(const uint8_t *lines, size_t bytes, size_t reps, Step &step) {
    for (; reps > 0; reps--) {
        const uint8_t *p = lines, *const end = lines + bytes;
        for (; static_cast<size_t>(end - p) >= U * kBytes; p += U * kBytes) step.template Run<U>(p);
        for (; p < end; p += kBytes) step.template Run<1>(p);
        __asm__ volatile("" ::: "memory"); /* the next pass loads again */
    }
}

#if LB_HAS_DOT
/* Masks alone: field f stays where it is, so its accumulator holds 2^FieldShift times its sum. A vector costs one load,
 * P ands and P dots (1 load and 1 dot for P = 1); sets of accumulators hide the latency of the dot. */
template <size_t kWidth>
struct DecodeDot {
    static constexpr size_t P = 8 / kWidth, kSets = P == 8 ? 1 : P == 4 ? 2 : P == 2 ? 4 : 12;
    Row<P> act;
    VU8 mask[P];
    VI32 acc[kSets * P];

    template <size_t U>
    HWY_INLINE void Run(const uint8_t *p) {
        act.Pin();
        Unroll<U>(LB_EACH(u) {
            VU8 line = hn::Load(d8, p + u * kBytes);
            Pin(line);
            Unroll<P>(LB_EACH(f) {
                VU8 codes = kWidth == 8 ? Biased(line) : Field<kWidth>(line, mask[f], f);
                Pin(codes);
                acc[u * P + f] = DotAdd(acc[u * P + f], codes, act[f]);
                Pin(acc[u * P + f]);
            });
        });
    }
};

template <size_t kWidth>
uint32_t Decode(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    using Step = DecodeDot<kWidth>;
    constexpr size_t P = Step::P;
    Step step;
    alignas(64) typename decltype(step.act)::Memory memory;
    step.act.Set(a, &memory);
    Unroll<P>(LB_EACH(f) { step.mask[f] = hn::Set(d8, static_cast<uint8_t>(((1u << kWidth) - 1) << (kWidth * f))); });
    Unroll<Step::kSets * P>(LB_EACH(i) { step.acc[i] = hn::Zero(d32); });
    EachVector<Step::kSets>(lines, bytes, reps, step);
    uint32_t sum = kWidth == 8 ? static_cast<uint32_t>(reps * (bytes / 64)) * BiasOfLine(a) : 0;
    Unroll<Step::kSets * P>(LB_EACH(i) {
        sum += static_cast<uint32_t>(static_cast<int32_t>(SumLanes(step.acc[i])) >> FieldShift<kWidth>(i % P));
    });
    return sum;
}

#else

/* No dot: pairs into s16. A 16-bit shift brings the upper half of each byte's fields down, so half of the masks serve
 * all fields and sums stay small: field f of a half weighs 2^(width * f). An accumulator is widened just before it
 * could leave s16: with a >= -128 each vector takes at most 2 * 256 * 2^(width * f) * (2^width - 1) away from it. */
template <size_t kWidth>
struct DecodePairs {
    static constexpr size_t P = 8 / kWidth, H = P / 2;
    /* Vectors that fill the accumulator of the last field. */
    static constexpr size_t kBlock = P == 8 ? 8 : P == 4 ? 5 : 4;
    Row<P> act;
    VU8 mask[H];
    VI16 narrow[H];
    VI32 acc[H];
    size_t blocks;

    template <size_t U>
    HWY_INLINE void Run(const uint8_t *p) {
        act.Pin();
        Unroll<U>(LB_EACH(u) {
            VU8 line = hn::Load(d8, p + u * kBytes);
            Pin(line);
            const VU8 upper = hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(DU16(), line)));
            Unroll<H>(LB_EACH(f) {
                narrow[f] = PairsAdd(narrow[f], hn::And(line, mask[f]), act[f]);
                Pin(narrow[f]);
                narrow[f] = PairsAdd(narrow[f], hn::And(upper, mask[f]), act[f + H]);
                Pin(narrow[f]);
            });
        });
        blocks++;
        Unroll<H>(LB_EACH(f) {
            if (blocks % (size_t{1} << (kWidth * (H - 1 - f))) == 0) Flush(f);
        });
    }
    HWY_INLINE void Flush(size_t f) {
        acc[f] = Widen(acc[f], narrow[f]);
        narrow[f] = hn::Zero(d16);
    }
};

template <size_t kWidth>
uint32_t Decode(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    using Step = DecodePairs<kWidth>;
    Step step;
    step.blocks = 0;
    alignas(64) typename decltype(step.act)::Memory memory;
    step.act.Set(a, &memory);
    Unroll<Step::H>(LB_EACH(f) {
        step.mask[f] = hn::Set(d8, static_cast<uint8_t>(((1u << kWidth) - 1) << (kWidth * f)));
        step.narrow[f] = hn::Zero(d16);
        step.acc[f] = hn::Zero(d32);
    });
    EachVector<Step::kBlock>(lines, bytes, reps, step);
    uint32_t sum = 0;
    Unroll<Step::H>(LB_EACH(f) {
        step.Flush(f);
        sum += static_cast<uint32_t>(static_cast<int32_t>(SumLanes(step.acc[f])) >> (kWidth * f));
    });
    return sum;
}

/* 8-bit codes would leave s16 at once: even and odd bytes apart, exactly. */
struct DecodeExact {
    ExactActivations act;
    VI32 acc[4];

    template <size_t U>
    HWY_INLINE void Run(const uint8_t *p) {
        Unroll<U>(LB_EACH(u) { acc[u] = ExactAdd(acc[u], SplitCodes(hn::Load(d8, p + u * kBytes)), act); });
    }
};

template <>
uint32_t Decode<8>(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    DecodeExact step;
    step.act = SplitActivations(Activations(a, 0));
    Unroll<4>(LB_EACH(i) { step.acc[i] = hn::Zero(d32); });
    EachVector<4>(lines, bytes, reps, step);
    return SumAll(step.acc) + static_cast<uint32_t>(reps * (bytes / 64)) * BiasOfLine(a);
}
#endif

/* ---- Reading: S streams in turn, each prefetching kAhead lines ahead of itself. The loads are consumed by nothing: an
 * add for each would cost a third of the L1 rate at 512 bits (Sapphire Rapids: 280 of 430 GB/s). ---- */

template <size_t S, size_t kAhead>
uint32_t Read(uint8_t *lines, size_t bytes, size_t reps, const int8_t *) {
    constexpr size_t kLines = 8 / S;
    const size_t length = bytes / S, whole = length / (64 * kLines) * (64 * kLines);
    for (; reps > 0; reps--) {
        for (size_t at = 0; at < whole; at += 64 * kLines) {
            Unroll<8>(LB_EACH(i) {
                const uint8_t *p = lines + i / kLines * length + at + i % kLines * 64;
                if (kAhead > 0) __builtin_prefetch(p + 64 * kAhead, 0, 3);
                Unroll<kVectors>(LB_EACH(v) { Use(hn::Load(d8, p + v * kBytes)); });
            });
        }
        for (size_t s = 0; s < S; s++)
            for (size_t at = whole; at < length; at += kBytes) Use(hn::Load(d8, lines + s * length + at));
    }
    return 0;
}

/* ---- Writing: what an output that leaves the caches costs. ---- */

template <bool kAround>
uint32_t Write(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a) {
    const VU8 fours = Activations(a, 0);
    for (; reps > 0; reps--) {
        for (uint8_t *p = lines; p < lines + bytes; p += kBytes) {
            if (kAround)
                hn::Stream(fours, d8, p);
            else
                hn::Store(fours, d8, p);
        }
        __asm__ volatile("" ::: "memory"); /* every pass was wanted */
    }
    if (kAround) hwy::FlushStream();
    return 0;
}

const lb_probe kProbes[] = {
#if LB_HAS_DOT
    {LB_PROBE_DOT, 0, 1, 0, kDotRepeat, Dot},
#endif
    {LB_PROBE_BITS, 0, 1, 0, kBitsRepeat, Bits<LevelBits>},
#if LB_HAS_PAIRS
    {LB_PROBE_BITS, 0, 1, 0, kTablesRepeat, Tables},
#endif
#if LB_HAS_TREES
    {LB_PROBE_BITS, 0, 1, 0, kBitsRepeat, Trees},
#endif
    {LB_PROBE_MADDUBS, 0, 1, 0, kPairsRepeat, Pairs},
    {LB_PROBE_MADD, 0, 1, 0, kExactRepeat, Exact},
    {LB_PROBE_L1, 0, 1, 0, kPairsRepeat, Maxima},
    {LB_PROBE_LOOKUP, 0, 1, 0, kLookupRepeat, Lookups},
    {LB_PROBE_FMA, 0, 1, 0, kTermsAccs<Products> / 4, Terms<Products>},
#if defined(__AVX512BF16__)
    {LB_PROBE_FMA_BF16, 0, 1, 0, kFmaHalvesRepeat, FmaHalves},
#endif
    {LB_PROBE_L1F, 0, 1, 0, kTermsAccs<Distances> / 4, Terms<Distances>},
    {LB_PROBE_DECODE, 1, 1, 0, 0, Decode<1>},
    {LB_PROBE_DECODE, 2, 1, 0, 0, Decode<2>},
    {LB_PROBE_DECODE, 4, 1, 0, 0, Decode<4>},
    {LB_PROBE_DECODE, 8, 1, 0, 0, Decode<8>},
    {LB_PROBE_READ, 0, 1, 0, 0, Read<1, 0>},
    {LB_PROBE_READ, 0, 4, 0, 0, Read<4, 0>},
    {LB_PROBE_READ, 0, 8, 0, 0, Read<8, 0>},
    {LB_PROBE_READ, 0, 1, 32, 0, Read<1, 32>},
    {LB_PROBE_READ, 0, 4, 16, 0, Read<4, 16>},
    {LB_PROBE_READ, 0, 8, 16, 0, Read<8, 16>},
    {LB_PROBE_WRITE, 0, 1, 0, 0, Write<false>},
    {LB_PROBE_WRITE_AROUND, 0, 1, 0, 0, Write<true>},
#if LB_HAS_TILES
    LB_TILE_PROBES
#endif
};

}  // namespace probe
}  // namespace

#define LB_PROBES probe::kProbes, sizeof probe::kProbes / sizeof probe::kProbes[0]

#endif
