/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit packbits` and `lowbit unpackbits`: numpy's functions of these names, from .npy file to .npy file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/npy.h"
#include "kernels/base/base.h"
#include "lowbit/bits.h"

typedef lowbit_status (*shape_fn)(const lowbit_bits_array *, int32_t *, int64_t *, int64_t *, lowbit_error *);
typedef lowbit_status (*run_fn)(const lowbit_ctx *, const lowbit_bits_array *, lowbit_error *);

typedef struct command {
    const char *name;
    shape_fn shape;
    run_fn run;
    const lb_syntax *syntax;
} command;

static const char *option_axis, *option_order, *option_count, *option_isa;

static bool read_integer(const char *text, int64_t *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end != text && !*end && !errno;
}

/* Options into the array. Returns an exit code. */
static int read_options(const char *name, lowbit_bits_array *array) {
    int64_t axis;
    if (option_axis && strcmp(option_axis, "none") != 0) {
        if (!read_integer(option_axis, &axis) || llabs(axis) > LB_NPY_MAX_DIMS)
            return lb_cli_error(LB_EXIT_USAGE, name, "--axis: '%s' is no axis", option_axis);
        array->axis = (int32_t)axis;
    }
    if (option_order && strcmp(option_order, "little") == 0) array->order = LOWBIT_BITS_LITTLE;
    if (option_order && array->order == LOWBIT_BITS_BIG && strcmp(option_order, "big") != 0)
        return lb_cli_error(LB_EXIT_USAGE, name, "--bitorder: '%s' is neither big nor little", option_order);
    if (option_count && !read_integer(option_count, &array->count))
        return lb_cli_error(LB_EXIT_USAGE, name, "--count: '%s' is no number", option_count);
    return LB_EXIT_OK;
}

/* numpy packs integers and bools only: they become bytes that are 0 or 1, in place. */
static lowbit_status to_bytes(lb_npy *npy, lowbit_error *error) {
    LB_REQUIRE(npy->kind != 'f', error, LOWBIT_UNSUPPORTED,
               "packbits takes integers or bools, and this file has floats");
    for (int64_t i = 0; npy->size > 1 && i < npy->count; i++) {
        uint8_t any = 0;
        for (int32_t b = 0; b < npy->size; b++) any |= npy->data[i * npy->size + b];
        npy->data[i] = any != 0;
    }
    npy->size = 1;
    npy->swapped = false;
    return LOWBIT_OK;
}

static lowbit_status check_type(const command *c, lb_npy *npy, lowbit_error *error) {
    if (c->run == lowbit_packbits) return to_bytes(npy, error);
    LB_REQUIRE(npy->kind == 'u' && npy->size == 1, error, LOWBIT_UNSUPPORTED,
               "unpackbits takes unsigned bytes, and this file has %c%d", npy->kind, (int)npy->size);
    return LOWBIT_OK;
}

/* The result keeps the memory order of the input, as numpy's does. */
static lowbit_status convert(const command *c, const lowbit_ctx *ctx, const lb_npy *in,
                             const lowbit_bits_array *options, lb_npy *out, lowbit_error *error) {
    int64_t in_strides[LB_NPY_MAX_DIMS], out_strides[LB_NPY_MAX_DIMS];
    lowbit_bits_array array = *options;
    array.ndim = in->ndim;
    array.shape = in->shape;
    *out = (lb_npy){.kind = 'u', .size = 1, .fortran = in->fortran};
    LB_TRY(c->shape(&array, &out->ndim, out->shape, &out->count, error));
    out->data = malloc((size_t)lb_max(out->count, 1));
    LB_REQUIRE(out->data, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes", (long long)out->count);
    lb_npy_strides(in, in_strides);
    lb_npy_strides(out, out_strides);
    array.in = in->data;
    array.in_strides = in_strides;
    array.out = out->data;
    array.out_strides = out_strides;
    return c->run(ctx, &array, error);
}

static lowbit_status run_files(const command *c, const lowbit_ctx *ctx, const char *from, const char *to,
                               const lowbit_bits_array *options, lowbit_error *error) {
    lb_npy in, out = {.data = NULL};
    LB_TRY(lb_npy_read(from, &in, error));
    lowbit_status status = check_type(c, &in, error);
    if (status == LOWBIT_OK) status = convert(c, ctx, &in, options, &out, error);
    if (status == LOWBIT_OK) status = lb_npy_write(to, &out, error);
    lb_npy_free(&in);
    lb_npy_free(&out);
    return status;
}

static int run_command(const command *c, int argc, char **argv) {
    lowbit_bits_array array = LOWBIT_BITS_ARRAY_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_ctx *ctx;
    int code;
    if (!lb_cli_parse(&argc, argv, c->syntax, &code)) return code;
    if ((code = read_options(c->name, &array)) != LB_EXIT_OK) return code;
    if ((code = lb_cli_context(c->name, option_isa, NULL, &ctx)) != LB_EXIT_OK) return code;
    const lowbit_status status = run_files(c, ctx, argv[1], argv[2], &array, &error);
    lowbit_ctx_destroy(ctx);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(c->name, status, &error);
}

#define AXIS                                                                                                           \
    {                                                                                                                  \
        "--axis", "N", "along dimension N, negative from the end (default: none, the flattened array)",                \
            LB_OPTION_TEXT, &option_axis                                                                               \
    }
#define ORDER                                                                                                          \
    { "--bitorder", "big|little", "which end of a byte is filled first (default: big)", LB_OPTION_TEXT, &option_order }

int lb_cmd_packbits(int argc, char **argv) {
    static const lb_option kOptions[] = {AXIS, ORDER, LB_OPTION_ISA(&option_isa)};
    static const lb_syntax kSyntax = {
        "IN.npy OUT.npy [--axis N] [--bitorder big|little]",
        "Packs the elements of an array of integers or bools into bits, eight per byte: not zero becomes 1.\n"
        "The result is that of numpy.packbits, byte for byte.",
        kOptions,
        LB_COUNT(kOptions),
        2,
        2};
    static const command kPack = {"packbits", lowbit_packbits_shape, lowbit_packbits, &kSyntax};
    return run_command(&kPack, argc, argv);
}

int lb_cmd_unpackbits(int argc, char **argv) {
    static const lb_option kOptions[] = {
        AXIS,
        ORDER,
        {"--count", "N", "keep N elements along the axis, zeros if there are fewer; -N cuts N off (default: all)",
         LB_OPTION_TEXT, &option_count},
        LB_OPTION_ISA(&option_isa)};
    static const lb_syntax kSyntax = {"IN.npy OUT.npy [--axis N] [--bitorder big|little] [--count N]",
                                      "Unpacks the bits of an array of unsigned bytes into elements that are 0 or 1.\n"
                                      "The result is that of numpy.unpackbits, byte for byte.",
                                      kOptions,
                                      LB_COUNT(kOptions),
                                      2,
                                      2};
    static const command kUnpack = {"unpackbits", lowbit_unpackbits_shape, lowbit_unpackbits, &kSyntax};
    return run_command(&kUnpack, argc, argv);
}
