/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/table.h"

#include <string.h>

#include "kernels/formats/format.h"

lowbit_status lb_check_table(const lb_choice *choice, lowbit_error *error) {
    const lowbit_weight_type *w = &choice->weights;
    const lb_format *f = lb_format_of(w->format);
    const bool codes = f && !lb_is_float(f) && !lb_has_book(f) && !f->distance && f->coding != LB_CODING_T5;
    LB_REQUIRE(codes || w->format == LOWBIT_F32, error, LOWBIT_UNSUPPORTED,
               "an embedding is f32, or codes of 1, 2, 4 or 8 bits: i8, i4, i2, t2, b1");
    LB_REQUIRE(w->group == LOWBIT_GROUP_ROW && !w->offset && !w->progressive, error, LOWBIT_UNSUPPORTED,
               "an embedding has one scale a row, and no offset");
    LB_REQUIRE(choice->activations == LOWBIT_AF || choice->activations == LOWBIT_AF32, error, LOWBIT_UNSUPPORTED,
               "an embedding multiplies nothing: its activations are af");
    return LOWBIT_OK;
}

int64_t lb_table_row_bytes(uint32_t format, int64_t features) {
    return lb_div_up(features * lb_bits(lb_format_of(format)), 8);
}

/* Codes of a matrix to the rows of a table. */
static void pack(const lowbit_weights *w, int64_t bits, uint8_t *to) {
    const int64_t bytes = lb_table_row_bytes(w->type.format, w->k);
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t k = 0; k < w->k; k++)
            to[n * bytes + k * bits / 8] |= (uint8_t)(w->codes[n * w->stride + k] << k * bits % 8);
}

static lowbit_status take(const lowbit_weights *w, lb_blocks *memory, lb_table *table, lowbit_error *error) {
    void *codes, *scales;
    LB_TRY(lb_blocks_need(memory, w->n * lb_table_row_bytes(w->type.format, w->k), "an embedding", &codes, error));
    LB_TRY(lb_blocks_need(memory, w->n * (int64_t)sizeof(float), "an embedding", &scales, error));
    pack(w, lb_bits(lb_format_of(w->type.format)), codes);
    table->codes = codes;
    table->scales = memcpy(scales, w->scales, (size_t)w->n * sizeof(float));
    return LOWBIT_OK;
}

lowbit_status lb_table_make(const lowbit_ctx *ctx, const float *values, int64_t rows, int64_t features,
                            const lb_choice *choice, const lowbit_pool *pool, lb_blocks *memory, lb_table *table,
                            lowbit_error *error) {
    LB_TRY(lb_check_table(choice, error));
    *table = (lb_table){.format = choice->weights.format, .rows = rows, .features = features};
    if (table->format == LOWBIT_F32) {
        table->values = values;
        return LOWBIT_OK;
    }
    const lowbit_matrix matrix = {values, rows, features, features};
    lowbit_weights w = {.struct_size = sizeof w};
    LB_TRY(lowbit_quantize(ctx, &matrix, &choice->weights, choice->rule, pool, &w, error));
    const lowbit_status status = take(&w, memory, table, error);
    lowbit_weights_free(ctx, &w);
    return status;
}

void lb_table_row(const lb_table *table, int64_t row, int64_t first, int64_t count, float *out) {
    if (table->values) {
        memcpy(out, table->values + row * table->features + first, (size_t)count * sizeof *out);
        return;
    }
    const lb_format *f = lb_format_of(table->format);
    const int64_t bits = lb_bits(f);
    const uint8_t *codes = table->codes + row * lb_table_row_bytes(table->format, table->features);
    const float scale = table->scales[row];
    const int32_t mask = (1 << bits) - 1;
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = (first + i) * bits;
        const int32_t code = codes[at / 8] >> at % 8 & mask;
        out[i] = scale * (float)(f->value_scale * code - f->value_offset);
    }
}
