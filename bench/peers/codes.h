/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as most libraries have them: signed codes of 4 or 8 bits, a positive scale for each group of them. */
#ifndef LOWBIT_BENCH_PEERS_CODES_H_
#define LOWBIT_BENCH_PEERS_CODES_H_

#include <stdbool.h>
#include <stdint.h>

typedef struct lb_peer_codes {
    int64_t n, k, group;
    int8_t *codes; /* [n][k] */
    float *scales; /* [n][ceil(k / group)] */
} lb_peer_codes;

/* Quantizes w[n][k] by groups of `group` along k: scale = max|w| / top, code = rne(w / scale), within -top .. top,
 * where top is 7 for 4 bits and 127 for 8. bf16: the scales are rounded to such first. false: no memory. Release it in
 * any case. */
bool lb_peer_codes_make(const float *w, int64_t n, int64_t k, int64_t group, int bits, bool bf16, lb_peer_codes *codes);
void lb_peer_codes_release(lb_peer_codes *codes);

/* w[n][k]: what they stand for. */
void lb_peer_codes_values(const lb_peer_codes *codes, float *w);

/* Codes of 4 bits, two a byte, the first in the low half: as code + zero, zero being 8, or in two's complement, zero
 * being 0. `bytes` has n * ceil(k / 2); every row begins on a byte. */
void lb_peer_codes_pack(const lb_peer_codes *codes, int zero, uint8_t *bytes);

#endif
