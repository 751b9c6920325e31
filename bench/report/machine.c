/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/scale.h"
#include "kernels/base/base.h"

typedef struct line {
    char text[LB_FACT_TEXT];
    size_t used;
} line;

static void say(line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(line *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(l->text + l->used, sizeof l->text - l->used, format, args);
    va_end(args);
    l->used += length > 0 ? (size_t)length : 0;
    if (l->used >= sizeof l->text) l->used = sizeof l->text - 1;
}

/* A part of a list: nothing of an empty text. */
static void add(line *l, const char *before, const char *text) {
    if (*text) say(l, "%s%s%s", l->used ? ", " : "", before, text);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text && strcmp(text, "unknown") != 0 ? text : "";
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void add_bytes(line *l, const char *name, double bytes) {
    char text[32];
    lb_unit_text(LB_UNIT_BYTES, bytes, text, sizeof text);
    if (bytes > 0) add(l, name, text);
}

static void cpu(const lb_report *r, line *l) {
    add(l, "", text_of(r->machine, "cpu"));
    add(l, "", text_of(r->machine, "vendor"));
    if (number_of(r->machine, "family") > 0)
        say(l, ", family %.0f, model %.0f, stepping %.0f", number_of(r->machine, "family"),
            number_of(r->machine, "model"), number_of(r->machine, "stepping"));
    add(l, "microcode ", text_of(r->run, "microcode"));
}

/* Of the machine where the file names them, else those that were measured. */
static void levels(const lb_report *r, line *l) {
    const json_t *list = json_object_get(r->machine, "levels"), *level;
    size_t index;
    json_array_foreach(list, index, level) {
        if (json_is_string(level)) add(l, "", json_string_value(level));
        if (json_is_true(json_object_get(level, "enabled"))) add(l, "", text_of(level, "name"));
    }
    const bool known = l->used > 0;
    for (size_t i = 0; !known && i < r->limit_count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++) first = first && strcmp(r->limits[i].isa, r->limits[j].isa) != 0;
        if (first) add(l, "", r->limits[i].isa);
    }
}

static void cores(const lb_report *r, line *l) {
    const json_t *m = r->machine;
    say(l, "%.0f cores, %.0f hardware threads, %.0f NUMA node%s; %.0f usable threads", number_of(m, "cores"),
        number_of(m, "cpus"), number_of(m, "numa_nodes"), number_of(m, "numa_nodes") == 1 ? "" : "s",
        number_of(m, "usable_threads"));
    if (strcmp(text_of(m, "cpu_limit"), "none") != 0) add(l, "limited by ", text_of(m, "cpu_limit"));
    if (number_of(m, "cpu_quota") > 0)
        say(l, ", quota %.2f CPUs", number_of(m, "cpu_quota"));
    else
        say(l, ", no quota");
    add(l, "SMT ", text_of(r->run, "smt"));
}

static void caches(const lb_report *r, line *l) {
    static const char *const kNames[][2] = {{"l1d", "L1d "}, {"l2", "L2 "}, {"l3", "L3 "}};
    for (size_t i = 0; i < LB_COUNT(kNames); i++) {
        const json_t *cache = json_object_get(r->machine, kNames[i][0]);
        add_bytes(l, kNames[i][1], number_of(cache, "bytes"));
        if (number_of(cache, "sharing") > 1) say(l, " shared by %.0f", number_of(cache, "sharing"));
    }
    const double trusted = number_of(r->machine, "l3_trusted_bytes");
    if (trusted != number_of(json_object_get(r->machine, "l3"), "bytes")) add_bytes(l, "of which believed ", trusted);
}

static void memory(const lb_report *r, line *l) {
    add_bytes(l, "", number_of(r->machine, "memory_bytes"));
    add(l, "transparent huge pages: ", text_of(r->run, "huge_pages"));
}

static void frequency(const lb_report *r, line *l) {
    add(l, "governor ", text_of(r->run, "governor"));
    add(l, "driver ", text_of(r->run, "frequency_driver"));
    add(l, "turbo ", text_of(r->run, "turbo"));
}

static void hypervisor(const lb_report *r, line *l) {
    const char *name = text_of(r->machine, "hypervisor");
    add(l, "", *name ? name : json_is_true(json_object_get(r->machine, "guest")) ? "a guest" : "none");
    add(l, "container: ", text_of(r->run, "container"));
}

static void kernel(const lb_report *r, line *l) {
    add(l, "", text_of(r->run, "system"));
    if (*text_of(r->run, "kernel")) say(l, " %s", text_of(r->run, "kernel"));
}

static void program(const lb_report *r, line *l) {
    add(l, "lowbit ", text_of(r->run, "version"));
    add(l, "", text_of(r->run, "revision"));
    add(l, "", text_of(r->run, "compiler"));
    add(l, "", text_of(r->run, "build_type"));
}

static void libraries(const lb_report *r, line *l) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(r->run, "libraries"), key, value) {
        if (json_is_string(value) && json_string_length(value))
            say(l, "%s%.40s %.80s", l->used ? ", " : "", key, json_string_value(value));
    }
}

static void moment(const lb_report *r, line *l) {
    add(l, "", text_of(r->run, "date"));
    if (json_is_number(json_object_get(r->run, "load_average")) && number_of(r->run, "load_average") >= 0)
        say(l, "%sload average %.2f", l->used ? ", " : "", number_of(r->run, "load_average"));
}

bool lb_report_fact(const lb_report *report, size_t index, lb_fact *fact) {
    static const struct {
        const char *name;
        void (*tell)(const lb_report *, line *);
    } kFacts[] = {{"CPU", cpu},         {"levels", levels},       {"cores", cores},           {"caches", caches},
                  {"memory", memory},   {"frequency", frequency}, {"hypervisor", hypervisor}, {"system", kernel},
                  {"program", program}, {"libraries", libraries}, {"measured", moment}};
    if (index >= LB_COUNT(kFacts)) return false;
    line l = {{0}, 0};
    kFacts[index].tell(report, &l);
    fact->name = kFacts[index].name;
    memcpy(fact->text, l.text, sizeof fact->text);
    return true;
}
