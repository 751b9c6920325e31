/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a line of text: numbers and dates, written and read the same in every locale, each in one way only. */
#ifndef LOWBIT_TUNER_WORDS_H_
#define LOWBIT_TUNER_WORDS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any word that is printed here. */
enum { LB_WORD_TEXT = 32 };

/* Decimal digits without a sign or leading zeros, at most `most`. */
bool lb_read_count(const char *text, uint64_t most, uint64_t *value);

/* "1.23450e-04": six digits. 0, or a magnitude from 1e-15 to below 1e16; others print as a word that does not read. */
void lb_print_real(double value, char text[LB_WORD_TEXT]);
bool lb_read_real(const char *text, double *value);

/* "2026-11-29", for days since 1970-01-01 up to the end of 9999; others print as a word that does not read. */
void lb_print_date(int64_t day, char text[LB_WORD_TEXT]);
bool lb_read_date(const char *text, int64_t *day);

/* FNV-1a of 64 bits. */
uint64_t lb_hash(const char *text, size_t length);

/* CRC-32, the one of zlib. */
uint32_t lb_crc(const char *text, size_t length);

#endif
