/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and dates as words. printf and strtod would follow the locale of the program that uses the library. */
#include "tuner/words.h"

#include <stdio.h>
#include <string.h>

bool lb_read_count(const char *text, uint64_t most, uint64_t *value) {
    uint64_t number = 0;
    if (!text[0] || (text[0] == '0' && text[1])) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number) || number > most)
            return false;
    }
    *value = number;
    return true;
}

/* ---- reals: D.DDDDDe+DD ---- */

enum { DECIMALS = 5, LARGEST_EXPONENT = 15 };

/* The locale decides what stands between the first digit and the others, and how many bytes that takes. */
void lb_print_real(double value, char text[LB_WORD_TEXT]) {
    char raw[64];
    snprintf(raw, sizeof raw, "%.*e", DECIMALS, value);
    const char *digit = raw + (raw[0] == '-'), *exponent = strchr(raw, 'e');
    const bool number = exponent && exponent - raw > DECIMALS;
    if (number)
        snprintf(text, LB_WORD_TEXT, "%s%c.%.*s%.8s", raw[0] == '-' ? "-" : "", *digit, DECIMALS, exponent - DECIMALS,
                 exponent);
    else
        snprintf(text, LB_WORD_TEXT, "none");
}

/* Digits exactly, or -1. */
static int64_t digits(const char *text, int count) {
    int64_t number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* Six digits and powers up to 10^22 are exact, so that one operation rounds once. */
static double scaled(int64_t mantissa, int64_t exponent) {
    static const double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9, 1e10,
                                     1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20};
    return exponent < 0 ? (double)mantissa / kPowers[-exponent] : (double)mantissa * kPowers[exponent];
}

bool lb_read_real(const char *text, double *value) {
    const bool negative = text[0] == '-';
    text += negative;
    if (strlen(text) != DECIMALS + 6 || text[1] != '.' || text[DECIMALS + 2] != 'e') return false;
    const char sign = text[DECIMALS + 3];
    const int64_t whole = digits(text, 1), part = digits(text + 2, DECIMALS), power = digits(text + DECIMALS + 4, 2);
    if (whole < 0 || part < 0 || power < 0 || power > LARGEST_EXPONENT || (sign != '+' && sign != '-')) return false;
    const bool zero = whole == 0 && part == 0 && power == 0 && sign == '+' && !negative;
    if (whole == 0 && !zero) return false;
    if (power == 0 && sign == '-') return false;
    const double number = scaled(whole * 100000 + part, (sign == '-' ? -power : power) - DECIMALS);
    *value = negative ? -number : number;
    return true;
}

/* ---- dates: a year that begins in March has its leap day at the end ---- */

static const int64_t kEpoch = 719468; /* days from 0000-03-01 to 1970-01-01 */

static int64_t day_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    const int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - kEpoch;
}

void lb_print_date(int64_t day, char text[LB_WORD_TEXT]) {
    if (day < 0 || day > day_of(9999, 12, 31)) {
        snprintf(text, LB_WORD_TEXT, "none");
        return;
    }
    const int64_t days = day + kEpoch, era = days / 146097, in_era = days % 146097;
    const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const int64_t in_year = in_era - (365 * year + year / 4 - year / 100), shifted = (5 * in_year + 2) / 153;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    snprintf(text, LB_WORD_TEXT, "%04d-%02d-%02d", (int)(year + era * 400 + (month <= 2)), (int)month,
             (int)(in_year - (153 * shifted + 2) / 5 + 1));
}

bool lb_read_date(const char *text, int64_t *day) {
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-') return false;
    const int64_t year = digits(text, 4), month = digits(text + 5, 2), in_month = digits(text + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || in_month < 1) return false;
    const int64_t made = day_of(year, month, in_month);
    char again[LB_WORD_TEXT];
    lb_print_date(made, again); /* a day that its month does not have is one of the next */
    if (strcmp(text, again) != 0) return false;
    *day = made;
    return true;
}

/* ---- hashes ---- */

uint64_t lb_hash(const char *text, size_t length) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return hash;
}

uint32_t lb_crc(const char *text, size_t length) {
    static const uint32_t kNibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                          0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                          0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        crc = crc >> 4 ^ kNibbles[crc & 15];
        crc = crc >> 4 ^ kNibbles[crc & 15];
    }
    return ~crc;
}
