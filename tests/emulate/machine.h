/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the emulator: a thread stopped at an instruction, the instruction, and the table of those that can be
 * computed (Intel SDM volume 2: instruction formats in chapter 2, the instructions in alphabetical order). */
#ifndef LOWBIT_TESTS_EMULATE_MACHINE_H_
#define LOWBIT_TESTS_EMULATE_MACHINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stopped thread. General registers are only read: no instruction of ours writes one. */
typedef struct stopped {
    uint64_t gpr[16]; /* in the order of their numbers: rax rcx rdx rbx rsp rbp rsi rdi r8 ... */
    uint64_t rip;     /* where the instruction stands */
    uint8_t *xsave;   /* the vector registers: an XSAVE area in standard form (SDM volume 1, chapter 13) */
} stopped;

/* A vector register. Elements are those of the operation; what is beyond its width is not looked at. */
typedef union vector {
    uint8_t u8[64];
    int8_t s8[64];
    uint16_t u16[32];
    int16_t s16[32];
    uint32_t u32[16];
    int32_t s32[16];
    uint64_t u64[8];
} vector;

/* to = f(was, a, b): the destination before, the register vvvv, and the last operand, of `bytes` each. */
typedef struct lanes {
    vector to, was, a, b;
    size_t bytes;
    uint8_t imm;
} lanes;

typedef struct row row;

typedef struct instruction {
    const row *row;
    size_t length;                  /* bytes of code */
    unsigned reg, second, rm, mask; /* registers: ModRM.reg, vvvv, ModRM.rm if not memory; mask 0: none */
    bool memory, zeroing, broadcast;
    bool sib; /* an operand base + index: what tiles need */
    uint8_t *address;
    uint64_t stride; /* of a row of a tile: the scaled index */
    size_t bytes;    /* of a vector: 16, 32 or 64 */
    uint8_t imm;
} instruction;

/* How operands are read and results written. False: the CPU would refuse, or we do not know it. */
typedef bool operation(const stopped *at, const instruction *in);

enum { VEX = 1, EVEX = 2 };
enum { IMM = 1, WHOLE = 2, NARROW = 4 };

struct row {
    uint8_t coding;     /* VEX, EVEX or both */
    uint8_t map, pp, w; /* map 2: 0F38, 3: 0F3A; pp 0: none, 1: 66, 2: F3, 3: F2 */
    uint8_t opcode;
    uint8_t element;   /* bytes that a bit of a mask stands for */
    uint8_t broadcast; /* bytes of an element that a broadcast repeats, 0: none */
    uint8_t flags;     /* IMM: a byte follows. WHOLE: memory is read also where the mask is 0. NARROW: results are
                        * half as wide as operands */
    operation *run;
    void (*compute)(lanes *o);
};

/* The table's row, or NULL. */
const row *row_find(unsigned coding, unsigned map, unsigned pp, unsigned w, unsigned opcode);

/* Decodes the instruction whose bytes are at `code` (at->rip, or a copy). False if it is none of ours. */
bool instruction_decode(const stopped *at, const uint8_t *code, instruction *in);

/* Executes it. False if the CPU would have refused it. */
bool instruction_run(const stopped *at, const instruction *in);

/* ---- registers in an XSAVE area ---- */

/* Finds where the parts of an XSAVE area are. False without AVX. */
bool registers_find(void);
/* The parts that we know, as the CPU numbers them (XCR0), and bytes of an area that holds them. */
uint64_t registers_parts(void);
size_t registers_bytes(void);
/* XSAVE writes registers that are zero as such, and notes that they need not be read again: takes the note back. */
void registers_mark(uint8_t *xsave);
void vector_load(const uint8_t *xsave, unsigned number, vector *v);
/* The first `bytes` of v, then zeros. */
void vector_store(uint8_t *xsave, unsigned number, const vector *v, size_t bytes);
uint64_t mask_load(const uint8_t *xsave, unsigned number);
void mask_store(uint8_t *xsave, unsigned number, uint64_t mask);

/* ---- forms of vector instructions ---- */

bool run_lanes(const stopped *at, const instruction *in);
bool run_compress(const stopped *at, const instruction *in);
bool run_expand(const stopped *at, const instruction *in);
bool run_to_mask(const stopped *at, const instruction *in);

/* ---- what they compute ---- */

void dot_bytes(lanes *o), dot_bytes_saturated(lanes *o), dot_words(lanes *o), dot_words_saturated(lanes *o);
void count_u8(lanes *o), count_u16(lanes *o), count_u32(lanes *o), count_u64(lanes *o);
void permute(lanes *o), permute_two_by_old(lanes *o), permute_two_of_old(lanes *o), multishift(lanes *o);
void affine(lanes *o), affine_inverse(lanes *o), field_multiply(lanes *o), gather_bits(lanes *o);
void left_u16(lanes *o), left_u32(lanes *o), left_u64(lanes *o);
void right_u16(lanes *o), right_u32(lanes *o), right_u64(lanes *o);
void left_by_u16(lanes *o), left_by_u32(lanes *o), left_by_u64(lanes *o);
void right_by_u16(lanes *o), right_by_u32(lanes *o), right_by_u64(lanes *o);
void floats_to_bf16(lanes *o), two_floats_to_bf16(lanes *o), dot_bf16(lanes *o);

/* Around calculations of BF16: to nearest even, subnormals read and written as zeros, no exceptions. */
uint32_t bf16_begin(void);
void bf16_end(uint32_t before);
/* 16 elements each, between those two: sum = x * y + sum, rounded once, and sum = x + y. */
void bf16_fuse(float *sum, const float *x, const float *y);
void bf16_add(float *sum, const float *x, const float *y);
/* 16 pairs of bf16 to floats: the lower ones and the upper ones. */
void bf16_split(const uint32_t *pairs, float *even, float *odd);

/* ---- tiles ---- */

bool tile_configure(const stopped *at, const instruction *in); /* ldtilecfg and tilerelease */
bool tile_save_config(const stopped *at, const instruction *in);
bool tile_zero(const stopped *at, const instruction *in);
bool tile_load(const stopped *at, const instruction *in);
bool tile_store(const stopped *at, const instruction *in);
bool tile_dot_ss(const stopped *at, const instruction *in), tile_dot_su(const stopped *at, const instruction *in);
bool tile_dot_us(const stopped *at, const instruction *in), tile_dot_uu(const stopped *at, const instruction *in);
bool tile_dot_bf16(const stopped *at, const instruction *in);

#endif
