/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a JSON object into a struct. */
#include "bench/report/fields.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

static bool read_text(const json_t *value, const char **target) {
    if (value && !json_is_string(value)) return false;
    *target = value ? json_string_value(value) : "";
    return true;
}

bool lb_field_real(const json_t *value, double *target) {
    const double number = json_number_value(value);
    *target = number;
    return json_is_number(value) && (number == 0 || (number >= 1e-18 && number <= 1e18));
}

static bool read_real(const json_t *value, double *target) {
    *target = 0;
    return !value || lb_field_real(value, target);
}

static bool read_integer(const json_t *value, int64_t least, int64_t *target) {
    *target = value ? json_integer_value(value) : 0;
    return (!value || json_is_integer(value)) && *target >= least;
}

static bool read_bool(const json_t *value, bool *target) {
    *target = json_is_true(value);
    return !value || json_is_boolean(value);
}

static bool read_field(const json_t *value, lb_field_type type, void *target) {
    switch (type) {
        case LB_FIELD_TEXT: return read_text(value, target);
        case LB_FIELD_REAL: return read_real(value, target);
        case LB_FIELD_COUNT: return read_integer(value, 0, target);
        case LB_FIELD_SIZE: return read_integer(value, 1, target);
        default: return read_bool(value, target);
    }
}

lowbit_status lb_fields_read(const json_t *object, const lb_field *fields, size_t count, void *target,
                             const char *where, lowbit_error *error) {
    static const char *const kWanted[] = {
        [LB_FIELD_TEXT] = "a text",        [LB_FIELD_REAL] = "a number of a sensible size",
        [LB_FIELD_COUNT] = "a count",      [LB_FIELD_SIZE] = "a size",
        [LB_FIELD_BOOL] = "true or false",
    };
    for (size_t i = 0; i < count; i++) {
        const lb_field *field = &fields[i];
        const json_t *value = json_object_get(object, field->key);
        if (json_is_null(value)) value = NULL;
        LB_REQUIRE(value || !field->needed, error, LOWBIT_BAD_FORMAT, "%s has no %s", where, field->key);
        LB_REQUIRE(read_field(value, field->type, (char *)target + field->offset), error, LOWBIT_BAD_FORMAT,
                   "%s: %s is not %s", where, field->key, kWanted[field->type]);
    }
    return LOWBIT_OK;
}

/* C0, DEL, and C1, which is two bytes in UTF-8. */
static bool is_control(const unsigned char *at) {
    return *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

static void clean_text(json_t *text) {
    char *copy = strdup(json_string_value(text));
    bool changed = false;
    for (unsigned char *at = (unsigned char *)copy; copy && *at; at++) {
        if (!is_control(at)) continue;
        if (*at == 0xc2) at[1] = ' ';
        *at = ' ';
        changed = true;
    }
    if (changed) json_string_set_nocheck(text, copy);
    free(copy);
}

void lb_fields_clean(json_t *tree) {
    const char *key;
    json_t *value;
    size_t index;
    if (json_is_string(tree)) clean_text(tree);
    if (json_is_array(tree)) json_array_foreach(tree, index, value) lb_fields_clean(value);
    if (json_is_object(tree)) json_object_foreach(tree, key, value) lb_fields_clean(value);
}
