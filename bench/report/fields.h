/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a JSON object into a struct, by a table: the only place that looks at the types of foreign values. */
#ifndef LOWBIT_BENCH_REPORT_FIELDS_H_
#define LOWBIT_BENCH_REPORT_FIELDS_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lowbit/types.h"

typedef enum lb_field_type {
    LB_FIELD_TEXT,  /* const char *; absent: "" */
    LB_FIELD_REAL,  /* double, 0 or 1e-18 .. 1e18, so that quotients are numbers; absent: 0 */
    LB_FIELD_COUNT, /* int64_t >= 0; absent: 0 */
    LB_FIELD_SIZE,  /* int64_t >= 1 */
    LB_FIELD_BOOL,  /* bool; absent: false */
} lb_field_type;

typedef struct lb_field {
    const char *key;
    lb_field_type type;
    bool needed; /* refused where it is absent or null */
    size_t offset;
} lb_field;

/* Fills the fields of `target`. `where` begins the reason of a refusal: "a.json: results[3]". */
lowbit_status lb_fields_read(const json_t *object, const lb_field *fields, size_t count, void *target,
                             const char *where, lowbit_error *error);

/* Reads a number as LB_FIELD_REAL takes it; false for anything else. */
bool lb_field_real(const json_t *value, double *target);

/* Makes blanks of the control characters in every text of the tree, so that none can reach a terminal. */
void lb_fields_clean(json_t *tree);

#endif
