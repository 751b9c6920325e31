/* SPDX-License-Identifier: Apache-2.0 */
/* What can be emulated: one row an instruction. */
#include "tests/emulate/machine.h"

/* clang-format off */
static const row kRows[] = {
    /* VNNI */
    {VEX | EVEX, 2, 1, 0, 0x50, 4, 4, 0, run_lanes, dot_bytes},                 /* vpdpbusd */
    {VEX | EVEX, 2, 1, 0, 0x51, 4, 4, 0, run_lanes, dot_bytes_saturated},       /* vpdpbusds */
    {VEX | EVEX, 2, 1, 0, 0x52, 4, 4, 0, run_lanes, dot_words},                 /* vpdpwssd */
    {VEX | EVEX, 2, 1, 0, 0x53, 4, 4, 0, run_lanes, dot_words_saturated},       /* vpdpwssds */
    /* BITALG, VPOPCNTDQ */
    {EVEX, 2, 1, 0, 0x54, 1, 0, 0, run_lanes, count_u8},                        /* vpopcntb */
    {EVEX, 2, 1, 1, 0x54, 2, 0, 0, run_lanes, count_u16},                       /* vpopcntw */
    {EVEX, 2, 1, 0, 0x55, 4, 4, 0, run_lanes, count_u32},                       /* vpopcntd */
    {EVEX, 2, 1, 1, 0x55, 8, 8, 0, run_lanes, count_u64},                       /* vpopcntq */
    {EVEX, 2, 1, 0, 0x8f, 1, 0, WHOLE, run_to_mask, gather_bits},               /* vpshufbitqmb */
    /* VBMI */
    {EVEX, 2, 1, 0, 0x8d, 1, 0, WHOLE, run_lanes, permute},                     /* vpermb */
    {EVEX, 2, 1, 0, 0x75, 1, 0, WHOLE, run_lanes, permute_two_by_old},          /* vpermi2b */
    {EVEX, 2, 1, 0, 0x7d, 1, 0, WHOLE, run_lanes, permute_two_of_old},          /* vpermt2b */
    {EVEX, 2, 1, 1, 0x83, 1, 8, WHOLE, run_lanes, multishift},                  /* vpmultishiftqb */
    /* VBMI2 */
    {EVEX, 2, 1, 0, 0x63, 1, 0, 0, run_compress, 0},                            /* vpcompressb */
    {EVEX, 2, 1, 1, 0x63, 2, 0, 0, run_compress, 0},                            /* vpcompressw */
    {EVEX, 2, 1, 0, 0x62, 1, 0, 0, run_expand, 0},                              /* vpexpandb */
    {EVEX, 2, 1, 1, 0x62, 2, 0, 0, run_expand, 0},                              /* vpexpandw */
    {EVEX, 3, 1, 1, 0x70, 2, 0, IMM, run_lanes, left_u16},                      /* vpshldw */
    {EVEX, 3, 1, 0, 0x71, 4, 4, IMM, run_lanes, left_u32},                      /* vpshldd */
    {EVEX, 3, 1, 1, 0x71, 8, 8, IMM, run_lanes, left_u64},                      /* vpshldq */
    {EVEX, 3, 1, 1, 0x72, 2, 0, IMM, run_lanes, right_u16},                     /* vpshrdw */
    {EVEX, 3, 1, 0, 0x73, 4, 4, IMM, run_lanes, right_u32},                     /* vpshrdd */
    {EVEX, 3, 1, 1, 0x73, 8, 8, IMM, run_lanes, right_u64},                     /* vpshrdq */
    {EVEX, 2, 1, 1, 0x70, 2, 0, 0, run_lanes, left_by_u16},                     /* vpshldvw */
    {EVEX, 2, 1, 0, 0x71, 4, 4, 0, run_lanes, left_by_u32},                     /* vpshldvd */
    {EVEX, 2, 1, 1, 0x71, 8, 8, 0, run_lanes, left_by_u64},                     /* vpshldvq */
    {EVEX, 2, 1, 1, 0x72, 2, 0, 0, run_lanes, right_by_u16},                    /* vpshrdvw */
    {EVEX, 2, 1, 0, 0x73, 4, 4, 0, run_lanes, right_by_u32},                    /* vpshrdvd */
    {EVEX, 2, 1, 1, 0x73, 8, 8, 0, run_lanes, right_by_u64},                    /* vpshrdvq */
    /* GFNI */
    {VEX | EVEX, 3, 1, 1, 0xce, 1, 8, IMM | WHOLE, run_lanes, affine},          /* vgf2p8affineqb */
    {VEX | EVEX, 3, 1, 1, 0xcf, 1, 8, IMM | WHOLE, run_lanes, affine_inverse},  /* vgf2p8affineinvqb */
    {VEX | EVEX, 2, 1, 0, 0xcf, 1, 0, 0, run_lanes, field_multiply},            /* vgf2p8mulb */
    /* BF16 */
    {EVEX, 2, 2, 0, 0x72, 2, 4, NARROW, run_lanes, floats_to_bf16},             /* vcvtneps2bf16 */
    {EVEX, 2, 3, 0, 0x72, 2, 4, WHOLE, run_lanes, two_floats_to_bf16},          /* vcvtne2ps2bf16 */
    {EVEX, 2, 2, 0, 0x52, 4, 4, 0, run_lanes, dot_bf16},                        /* vdpbf16ps */
    /* AMX */
    {VEX, 2, 0, 0, 0x49, 0, 0, 0, tile_configure, 0},                           /* ldtilecfg, tilerelease */
    {VEX, 2, 1, 0, 0x49, 0, 0, 0, tile_save_config, 0},                         /* sttilecfg */
    {VEX, 2, 3, 0, 0x49, 0, 0, 0, tile_zero, 0},                                /* tilezero */
    {VEX, 2, 3, 0, 0x4b, 0, 0, 0, tile_load, 0},                                /* tileloadd */
    {VEX, 2, 1, 0, 0x4b, 0, 0, 0, tile_load, 0},                                /* tileloaddt1 */
    {VEX, 2, 2, 0, 0x4b, 0, 0, 0, tile_store, 0},                               /* tilestored */
    {VEX, 2, 3, 0, 0x5e, 0, 0, 0, tile_dot_ss, 0},                              /* tdpbssd */
    {VEX, 2, 2, 0, 0x5e, 0, 0, 0, tile_dot_su, 0},                              /* tdpbsud */
    {VEX, 2, 1, 0, 0x5e, 0, 0, 0, tile_dot_us, 0},                              /* tdpbusd */
    {VEX, 2, 0, 0, 0x5e, 0, 0, 0, tile_dot_uu, 0},                              /* tdpbuud */
    {VEX, 2, 2, 0, 0x5c, 0, 0, 0, tile_dot_bf16, 0},                            /* tdpbf16ps */
};
/* clang-format on */

const row *row_find(unsigned coding, unsigned map, unsigned pp, unsigned w, unsigned opcode) {
    for (size_t i = 0; i < sizeof kRows / sizeof kRows[0]; i++) {
        const row *r = &kRows[i];
        if (r->opcode == opcode && (r->coding & coding) && r->map == map && r->pp == pp && r->w == w) return r;
    }
    return NULL;
}
