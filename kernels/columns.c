/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the columns of packed weights (of the rows of W), by which the zero point of A is taken out of a product. */
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/layout.h"
#include "lowbit/gemm.h"

static lowbit_status check_packed(const lowbit_packed *w, lowbit_error *error) {
    LB_REQUIRE(w && LB_HAS_FIELD(w, lowbit_packed, book) && w->lines, error, LOWBIT_INVALID_ARGUMENT,
               "weights is not an opened blob");
    LB_TRY(lb_check_weight_shape(&w->type, w->n, w->k, error));
    const lb_format *f = lb_format_of(w->type.format);
    LB_REQUIRE(!lb_is_float(f), error, LOWBIT_UNSUPPORTED, "%s has floats, which no zero point meets", f->name);
    return LOWBIT_OK;
}

lowbit_status lowbit_column_sums_size(const lowbit_packed *weights, int64_t *bytes, lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    LB_TRY(check_packed(weights, error));
    *bytes = lb_div_up(weights->n, LB_PANEL) * lb_scaled_sums(&weights->type, weights->k) * LB_PANEL *
             (int64_t)sizeof(int32_t);
    return LOWBIT_OK;
}

typedef struct columns_job {
    const lowbit_packed *w;
    const lb_format *format;
    int32_t *sums;
} columns_job;

/* Adds the codes of one line of 16 columns, of which the first `count` k exist; with a book, what it makes of them, and
 * the offset that value_sum takes away. */
static void add_line(const columns_job *job, const uint8_t *line, int64_t count, int32_t sums[LB_PANEL]) {
    const int8_t *book = job->w->book;
    for (int64_t k = 0; k < count; k++)
        for (int64_t c = 0; c < LB_PANEL; c++) {
            const uint32_t code = lb_line_element(job->format, line, c, k);
            sums[c] += book ? book[code] + job->format->value_offset : (int32_t)code;
        }
}

/* Sums of codes to sums of values: s*c - o, c - zero, or, with minima, c. */
static int32_t value_sum(const columns_job *job, int32_t codes, int64_t count, int64_t scale_at) {
    switch (job->w->type.offset) {
        case LOWBIT_ZERO_POINT: return codes - job->w->zeros[scale_at] * (int32_t)count;
        case LOWBIT_MINIMUM: return codes;
        default: return job->format->value_scale * codes - job->format->value_offset * (int32_t)count;
    }
}

static void panel_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const columns_job *job = arg;
    const lowbit_packed *w = job->w;
    const int64_t line_k = lb_line_k(job->format), panel = (int64_t)i;
    const int64_t group = w->groups > 1 ? w->type.group : w->k;
    const uint8_t *lines = w->lines + panel * w->panel_lines * LB_LINE;
    for (int64_t g = 0; g < w->groups; g++) {
        const int64_t first = g * group, end = lb_min(w->k, first + group), at = (panel * w->groups + g) * LB_PANEL;
        int32_t codes[LB_PANEL] = {0};
        for (int64_t k = first; k < end; k += line_k)
            add_line(job, lines + k / line_k * LB_LINE, lb_min(line_k, end - k), codes);
        int32_t *sums = job->sums + (w->multipliers ? panel * LB_PANEL : at);
        for (int64_t c = 0; c < LB_PANEL; c++) {
            const int32_t sum = value_sum(job, codes[c], end - first, at + c);
            sums[c] = w->multipliers ? (g > 0 ? sums[c] : 0) + w->multipliers[at + c] * sum : sum;
        }
    }
}

lowbit_status lowbit_column_sums(const lowbit_packed *weights, int32_t *sums, int64_t size, const lowbit_pool *pool,
                                 lowbit_error *error) {
    LB_REQUIRE(sums, error, LOWBIT_INVALID_ARGUMENT, "sums is NULL");
    LB_TRY(lb_check_pool(pool, error));
    int64_t bytes = 0;
    LB_TRY(lowbit_column_sums_size(weights, &bytes, error));
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "sums has %lld bytes, %lld are needed", (long long)size,
               (long long)bytes);
    columns_job job = {weights, lb_format_of(weights->type.format), sums};
    lb_parallel_for(pool, (size_t)lb_div_up(weights->n, LB_PANEL), panel_task, &job);
    return LOWBIT_OK;
}
