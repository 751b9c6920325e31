/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peers/codes.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/base/base.h"
#include "kernels/formats/scale.h"

static int8_t code_of(float w, float scale, int top) {
    return (int8_t)fminf(fmaxf(rintf(w / scale), (float)-top), (float)top);
}

/* The group of row n whose first element is k. */
static void make_group(lb_peer_codes *c, const float *w, int64_t n, int64_t k, int top, bool bf16) {
    const int64_t end = lb_min(k + c->group, c->k), groups = lb_div_up(c->k, c->group);
    float most = 0;
    for (int64_t i = k; i < end; i++) most = fmaxf(most, fabsf(w[n * c->k + i]));
    float scale = most > 0 ? most / (float)top : 1;
    if (bf16) scale = lb_scale_round(LOWBIT_SCALE_BF16, scale);
    c->scales[n * groups + k / c->group] = scale;
    for (int64_t i = k; i < end; i++) c->codes[n * c->k + i] = code_of(w[n * c->k + i], scale, top);
}

bool lb_peer_codes_make(const float *w, int64_t n, int64_t k, int64_t group, int bits, bool bf16, lb_peer_codes *c) {
    *c = (lb_peer_codes){.n = n, .k = k, .group = group};
    c->codes = malloc((size_t)(n * k));
    c->scales = malloc((size_t)(n * lb_div_up(k, group)) * sizeof *c->scales);
    if (!c->codes || !c->scales) return false;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j += group) make_group(c, w, i, j, bits == 4 ? 7 : 127, bf16);
    return true;
}

void lb_peer_codes_release(lb_peer_codes *c) {
    free(c->codes);
    free(c->scales);
    *c = (lb_peer_codes){.codes = NULL};
}

void lb_peer_codes_values(const lb_peer_codes *c, float *w) {
    const int64_t groups = lb_div_up(c->k, c->group);
    for (int64_t n = 0; n < c->n; n++)
        for (int64_t k = 0; k < c->k; k++)
            w[n * c->k + k] = c->scales[n * groups + k / c->group] * (float)c->codes[n * c->k + k];
}

void lb_peer_codes_pack(const lb_peer_codes *c, int zero, uint8_t *bytes) {
    for (int64_t n = 0; n < c->n; n++)
        for (int64_t k = 0; k < c->k; k += 2) {
            const int8_t *pair = &c->codes[n * c->k + k];
            const int first = pair[0] + zero, second = (k + 1 < c->k ? pair[1] : 0) + zero;
            *bytes++ = (uint8_t)((first & 15) | (second & 15) << 4);
        }
}
