/* SPDX-License-Identifier: Apache-2.0 */
/* What contexts, tables, pools and weights refuse. Bit packing has a table of its own (tests/bits_doors.c), and so have
 * foreign blobs (tests/packed_open.c). */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/refusals.h"

/* ---- context, tables, pool ---- */

#define CTX_CREATE lowbit_ctx_create(&s.options, &s.out->ctx, s.error)
static void refuse_context(void) {
    REFUSE(INVALID, NOTHING, lowbit_ctx_create(&s.options, NULL, s.error))
    REFUSE(INVALID, s.options.struct_size = 0, CTX_CREATE)
    REFUSE(INVALID, s.options.struct_size = offsetof(lowbit_ctx_options, allowed_cpus) - 1, CTX_CREATE)
    REFUSE(INVALID, s.options.allowed_cpus = "0", CTX_CREATE)
    REFUSE(INVALID, s.options.cpu_quota = 1, CTX_CREATE)
    REFUSE(INVALID, s.options.guest = 1, CTX_CREATE)
    REFUSE(INVALID, (s.options.allocator = &s.allocator, s.allocator.struct_size = 0), CTX_CREATE)
    REFUSE(INVALID, (s.options.allocator = &s.allocator, s.allocator.alloc = NULL), CTX_CREATE)
    REFUSE(INVALID, (s.options.allocator = &s.allocator, s.allocator.free = NULL), CTX_CREATE)
    REFUSE(INVALID, (s.options.logger = &s.logger, s.logger.struct_size = 4), CTX_CREATE)
    REFUSE(INVALID, s.ctx = NULL, lowbit_machine_info(s.ctx, &s.out->machine, s.error))
    REFUSE(INVALID, NOTHING, lowbit_machine_info(s.ctx, NULL, s.error))
    REFUSE(INVALID, s.out->machine.struct_size = 0, lowbit_machine_info(s.ctx, &s.out->machine, s.error))
    REFUSE(INVALID, s.ctx = NULL, lowbit_isa_get(s.ctx, 0, &s.out->isa, s.error))
    REFUSE(INVALID, NOTHING, lowbit_isa_get(s.ctx, 0, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_isa_get(s.ctx, lowbit_isa_count(), &s.out->isa, s.error))
    REFUSE(INVALID, NOTHING, lowbit_isa_get(s.ctx, SIZE_MAX, &s.out->isa, s.error))
    REFUSE(INVALID, s.out->isa.struct_size = 0, lowbit_isa_get(s.ctx, 0, &s.out->isa, s.error))
    REFUSE(INVALID, NOTHING, lowbit_format_get(0, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_format_get(lowbit_format_count(), &s.out->format, s.error))
    REFUSE(INVALID, s.out->format.struct_size = 0, lowbit_format_get(0, &s.out->format, s.error))
    REFUSE(INVALID, s.ctx = NULL, lowbit_kernel_get(s.ctx, 0, &s.out->kernel, s.error))
    REFUSE(INVALID, NOTHING, lowbit_kernel_get(s.ctx, 0, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_kernel_get(s.ctx, lowbit_kernel_count(), &s.out->kernel, s.error))
    REFUSE(INVALID, s.out->kernel.struct_size = 0, lowbit_kernel_get(s.ctx, 0, &s.out->kernel, s.error))
}

static const uint16_t kNowhere[] = {UINT16_MAX};
#define LIST(list, count)                                                                                              \
    s.pool_options.bind = LOWBIT_BIND_LIST, s.pool_options.cpus = (list), s.pool_options.cpu_count = (count)
#define POOL_CREATE lowbit_pool_create(s.ctx, &s.pool_options, &s.out->pool, s.error)
static void refuse_pool(void) {
    REFUSE(INVALID, s.ctx = NULL, POOL_CREATE)
    REFUSE(INVALID, NOTHING, lowbit_pool_create(s.ctx, &s.pool_options, NULL, s.error))
    REFUSE(INVALID, s.out->pool.struct_size = 0, POOL_CREATE)
    REFUSE(INVALID, s.pool_options.struct_size = 0, POOL_CREATE)
    REFUSE(INVALID, s.pool_options.threads = 4097, POOL_CREATE)
    REFUSE(INVALID, s.pool_options.bind = 4, POOL_CREATE)
    REFUSE(INVALID, s.pool_options.bind = LOWBIT_BIND_LIST, POOL_CREATE)
    REFUSE(INVALID, (LIST(kNowhere, 1), s.pool_options.cpu_count = 0), POOL_CREATE)
    REFUSE(INVALID, (LIST(kNowhere, 1), s.pool_options.struct_size -= 1), POOL_CREATE)
    REFUSE(INVALID, LIST(kNowhere, 1), POOL_CREATE)
}

/* ---- weights ---- */

#define QUANTIZE_RULE(rule) lowbit_quantize(s.ctx, &s.w, &s.type, rule, &s.pool, &s.out->weights, s.error)
#define QUANTIZE QUANTIZE_RULE(LOWBIT_RULE_AUTO)
static void refuse_quantize(void) {
    REFUSE(INVALID, s.ctx = NULL, QUANTIZE)
    REFUSE(INVALID, NOTHING, lowbit_quantize(s.ctx, NULL, &s.type, 0, NULL, &s.out->weights, s.error))
    REFUSE(INVALID, NOTHING, lowbit_quantize(s.ctx, &s.w, NULL, 0, NULL, &s.out->weights, s.error))
    REFUSE(INVALID, NOTHING, lowbit_quantize(s.ctx, &s.w, &s.type, 0, NULL, NULL, s.error))
    REFUSE(INVALID, s.out->weights.struct_size = 0, QUANTIZE)
    REFUSE(INVALID, s.w.data = NULL, QUANTIZE)
    REFUSE(INVALID, s.w.rows = 0, QUANTIZE)
    REFUSE(INVALID, s.w.rows = -1, QUANTIZE)
    REFUSE(INVALID, s.w.rows = INT64_C(1) << 31, QUANTIZE)
    REFUSE(INVALID, s.w.rows = INT64_MAX, QUANTIZE)
    REFUSE(INVALID, s.w.cols = 0, QUANTIZE)
    REFUSE(INVALID, s.w.cols = INT64_MIN, QUANTIZE)
    REFUSE(INVALID, s.w.stride = s.w.cols - 1, QUANTIZE)
    REFUSE(INVALID, s.w.stride = -1, QUANTIZE)
    REFUSE(INVALID, s.w.stride = INT64_MAX, QUANTIZE)
    REFUSE(LOWBIT_UNSUPPORTED, s.w.cols = s.w.stride = LOWBIT_MAX_K + 1, QUANTIZE)
    REFUSE(INVALID, s.pool.struct_size = 0, QUANTIZE)
    REFUSE(INVALID, s.pool.num_threads = NULL, QUANTIZE)
    REFUSE(INVALID, s.pool.parallel_for = NULL, QUANTIZE)
    REFUSE(INVALID, NOTHING, QUANTIZE_RULE(8))
    REFUSE(INVALID, NOTHING, QUANTIZE_RULE(LOWBIT_RULE_SEARCH))
    REFUSE(INVALID, s.type.progressive = 1, QUANTIZE_RULE(LOWBIT_RULE_ABSMAX))
    REFUSE(INVALID, (s.type.progressive = 1, s.type.offset = LOWBIT_ZERO_POINT), QUANTIZE_RULE(LOWBIT_RULE_MINMAX))
    REFUSE(INVALID, NOTHING, QUANTIZE_RULE(UINT32_MAX))
    REFUSE(INVALID, NOTHING, QUANTIZE_RULE(LOWBIT_RULE_MINMAX))
    REFUSE(INVALID, NOTHING, QUANTIZE_RULE(LOWBIT_RULE_TWN))
    REFUSE(INVALID, s.type.offset = LOWBIT_ZERO_POINT, QUANTIZE_RULE(LOWBIT_RULE_ABSMAX))
    REFUSE(INVALID, (s.type.format = LOWBIT_B1, s.type.group = 32), QUANTIZE_RULE(LOWBIT_RULE_ABSMAX))
    REFUSE(INVALID, s.type.format = LOWBIT_T2, QUANTIZE_RULE(LOWBIT_RULE_FULL_RANGE))
}

/* Types are refused alike by everything that takes one. */
#define SIZE lowbit_packed_size(&s.type, 33, 40, &s.out->bytes, s.error)
#define REFUSE_TYPE(want, change)                                                                                      \
    REFUSE(want, change, SIZE)                                                                                         \
    REFUSE(want, change, QUANTIZE)                                                                                     \
    REFUSE(want, (change, s.problem.weights = s.type), lowbit_supported(s.ctx, &s.problem, s.error))                   \
    REFUSE(want, (change, s.weights.type = s.type), lowbit_dequantize(&s.weights, s.out->values, 40, s.error))
static void refuse_types(void) {
    REFUSE_TYPE(INVALID, s.type.struct_size = 0)
    REFUSE_TYPE(INVALID, s.type.format = 0)
    REFUSE_TYPE(INVALID, s.type.format = 255)
    REFUSE_TYPE(INVALID, s.type.format = UINT32_MAX)
    REFUSE_TYPE(INVALID, s.type.format = LOWBIT_T5) /* no groups */
    REFUSE_TYPE(INVALID, s.type.format = LOWBIT_F32)
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_BF16, s.type.group = 0, s.type.scale_type = LOWBIT_SCALE_F16))
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_F32, s.type.progressive = 1))
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_FP4, s.type.progressive = 1))
    REFUSE_TYPE(INVALID, s.type.offset = 3)
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_B1, s.type.offset = LOWBIT_ZERO_POINT))
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_T2, s.type.offset = LOWBIT_MINIMUM))
    REFUSE_TYPE(INVALID, s.type.scale_type = 3)
    REFUSE_TYPE(INVALID, s.type.group = -2)
    REFUSE_TYPE(INVALID, s.type.group = INT32_MIN)
    REFUSE_TYPE(INVALID, s.type.group = 1)
    REFUSE_TYPE(INVALID, s.type.group = 48)
    REFUSE_TYPE(INVALID, s.type.group = INT32_MAX)
    REFUSE_TYPE(INVALID, (s.type.format = LOWBIT_B1, s.type.group = 16))
    REFUSE_TYPE(INVALID, s.type.progressive = 2)
    REFUSE_TYPE(INVALID, (s.type.progressive = 1, s.type.group = LOWBIT_GROUP_ROW))
    REFUSE_TYPE(INVALID, (s.type.progressive = 1, s.type.group = LOWBIT_GROUP_TENSOR))
    REFUSE_TYPE(INVALID, (s.type.progressive = 1, s.type.format = LOWBIT_I8))
    REFUSE_TYPE(INVALID, (s.type.progressive = 1, s.type.offset = LOWBIT_MINIMUM))
    REFUSE_TYPE(INVALID, (s.type.progressive = 1, s.type.format = LOWBIT_I8, s.type.offset = LOWBIT_ZERO_POINT))
}

#define SIZE_OF(n, k) lowbit_packed_size(&s.type, n, k, &s.out->bytes, s.error)
static void refuse_sizes(void) {
    REFUSE(INVALID, NOTHING, lowbit_packed_size(NULL, 33, 40, &s.out->bytes, s.error))
    REFUSE(INVALID, NOTHING, lowbit_packed_size(&s.type, 33, 40, NULL, s.error))
    REFUSE(INVALID, NOTHING, SIZE_OF(0, 40))
    REFUSE(INVALID, NOTHING, SIZE_OF(-1, 40))
    REFUSE(INVALID, NOTHING, SIZE_OF(INT64_MAX, 40))
    REFUSE(INVALID, NOTHING, SIZE_OF(33, 0))
    REFUSE(INVALID, NOTHING, SIZE_OF(33, INT64_MIN))
    REFUSE(LOWBIT_UNSUPPORTED, NOTHING, SIZE_OF(33, LOWBIT_MAX_K + 1))
    REFUSE(LOWBIT_UNSUPPORTED, NOTHING, SIZE_OF(33, INT64_MAX))
    REFUSE(LOWBIT_UNSUPPORTED, (s.type.offset = LOWBIT_ZERO_POINT, s.type.group = 0), SIZE_OF(33, 65794))
    REFUSE(LOWBIT_UNSUPPORTED, (s.type.offset = LOWBIT_MINIMUM, s.type.group = 65824), SIZE_OF(33, 65824))
}

#define PACK lowbit_pack(s.ctx, &s.weights, s.out->memory, sizeof s.out->memory, &s.pool, s.error)
#define DEQUANTIZE(stride) lowbit_dequantize(&s.weights, s.out->values, stride, s.error)
#define REFUSE_WEIGHTS(change)                                                                                         \
    REFUSE(INVALID, change, PACK)                                                                                      \
    REFUSE(INVALID, change, DEQUANTIZE(40))                                                                            \
    REFUSE(INVALID, (change, s.args.out = s.out->y),                                                                   \
           lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, &s.args, s.error))
static void refuse_weights(void) {
    REFUSE_WEIGHTS(s.weights.struct_size = 0)
    REFUSE_WEIGHTS(s.weights.codes = NULL)
    REFUSE_WEIGHTS(s.weights.scales = NULL)
    REFUSE_WEIGHTS(s.weights.n = 0)
    REFUSE_WEIGHTS(s.weights.n = -33)
    REFUSE_WEIGHTS(s.weights.k = 0)
    REFUSE_WEIGHTS(s.weights.stride = 39)
    REFUSE_WEIGHTS(s.weights.stride = INT64_MIN)
    REFUSE_WEIGHTS(s.weights.stride = INT64_MAX)
    REFUSE_WEIGHTS(s.weights.type.offset = LOWBIT_ZERO_POINT)
    REFUSE_WEIGHTS(s.weights.type.offset = LOWBIT_MINIMUM)
    REFUSE_WEIGHTS(s.weights.zeros = s.weights.codes)
    REFUSE_WEIGHTS(s.weights.mins = s.weights.scales)
    REFUSE_WEIGHTS(s.weights.multipliers = s.weights.codes)
    REFUSE_WEIGHTS(s.weights.type.progressive = 1)
    REFUSE(INVALID, NOTHING, lowbit_dequantize(NULL, s.out->values, 40, s.error))
    REFUSE(INVALID, NOTHING, lowbit_dequantize(&s.weights, NULL, 40, s.error))
    REFUSE(INVALID, NOTHING, DEQUANTIZE(39))
    REFUSE(INVALID, NOTHING, DEQUANTIZE(-40))
    REFUSE(INVALID, NOTHING, DEQUANTIZE(INT64_MAX))
}

#define PACK_TO(blob, size) lowbit_pack(s.ctx, &s.weights, blob, size, NULL, s.error)
#define UNPACK lowbit_unpack(s.ctx, &s.packed, &s.out->weights, s.error)
static void refuse_packing(void) {
    REFUSE(INVALID, s.ctx = NULL, PACK)
    REFUSE(INVALID, NOTHING, lowbit_pack(s.ctx, NULL, s.out->memory, 1 << 14, NULL, s.error))
    REFUSE(INVALID, NOTHING, PACK_TO(NULL, 1 << 14))
    REFUSE(INVALID, NOTHING, PACK_TO(s.out->memory + 1, 1 << 13))
    REFUSE(INVALID, NOTHING, PACK_TO(s.out->memory + 32, 1 << 13))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, PACK_TO(s.out->memory, s.blob_bytes - 1))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, PACK_TO(s.out->memory, 0))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, PACK_TO(s.out->memory, INT64_MIN))
    REFUSE(INVALID, s.pool.parallel_for = NULL, PACK)
    REFUSE(INVALID, NOTHING, lowbit_packed_open(NULL, s.blob_bytes, 0, &s.out->packed, s.error))
    REFUSE(INVALID, NOTHING, lowbit_packed_open(s.blob, s.blob_bytes, 0, NULL, s.error))
    REFUSE(INVALID, s.out->packed.struct_size = 0, lowbit_packed_open(s.blob, s.blob_bytes, 0, &s.out->packed, s.error))
    REFUSE(INVALID, s.ctx = NULL, UNPACK)
    REFUSE(INVALID, NOTHING, lowbit_unpack(s.ctx, NULL, &s.out->weights, s.error))
    REFUSE(INVALID, NOTHING, lowbit_unpack(s.ctx, &s.packed, NULL, s.error))
    REFUSE(INVALID, s.packed.struct_size = 0, UNPACK)
    REFUSE(INVALID, s.packed.lines = NULL, UNPACK)
    REFUSE(INVALID, s.out->weights.struct_size = 0, UNPACK)
}

void subject_refusals_weights(void) {
    scene_open();
    refuse_context();
    refuse_pool();
    refuse_quantize();
    refuse_types();
    refuse_sizes();
    refuse_weights();
    refuse_packing();
    scene_close();
}

/* What may be NULL, and an error that is not one. */
void subject_refusals_nothing(void) {
    lowbit_error blank;
    lowbit_error copy;
    memset(&blank, 0x5A, sizeof blank);
    blank.struct_size = 0;
    memcpy(&copy, &blank, sizeof copy);
    CHECK(lowbit_ctx_create(NULL, NULL, &blank) == LOWBIT_INVALID_ARGUMENT);
    CHECK(memcmp(&blank, &copy, sizeof copy) == 0);
    lowbit_ctx_destroy(NULL);
    lowbit_plan_destroy(NULL, NULL);
    lowbit_pool_destroy(NULL);
    lowbit_wisdom_destroy(NULL);
    lowbit_weights_free(NULL, NULL);
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_weights mine = {.struct_size = sizeof mine};
    lowbit_weights_free(ctx, &mine);
    lowbit_weights_free(ctx, NULL);
    lowbit_plan_destroy(ctx, NULL);
    lowbit_ctx_destroy(ctx);
}
