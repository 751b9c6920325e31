/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake_machines.h"

#include <stdio.h>

#include "lowbit/context.h"
#include "tests/check.h"

typedef struct writer {
    FILE *file;
    int gp; /* hwloc wants every object to have a number of its own */
} writer;

static unsigned set_of(int first, int count) { return (count < 32 ? (1u << count) - 1 : ~0u) << first; }

/* Opens an object of the CPUs first .. first + count - 1. */
static void open_object(writer *w, const char *type, int index, int first, int count) {
    const unsigned set = set_of(first, count);
    fprintf(w->file,
            "<object type=\"%s\" os_index=\"%d\" cpuset=\"0x%x\" complete_cpuset=\"0x%x\" allowed_cpuset=\"0x%x\" "
            "nodeset=\"0x1\" complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"%d\"",
            type, index, set, set, set, ++w->gp);
}

static void open_cache(writer *w, int level, int kib, int first, int count) {
    char type[16];
    snprintf(type, sizeof type, "L%dCache", level);
    open_object(w, type, 0, first, count);
    fprintf(w->file,
            " cache_size=\"%d\" depth=\"%d\" cache_linesize=\"64\" cache_associativity=\"8\" cache_type=\"%d\">\n",
            kib * 1024, level, level == 1 ? 1 : 0);
}

static void close_object(writer *w) { fputs("</object>\n", w->file); }

static void put_core(writer *w, const fake_cores *kind, int core, int first) {
    open_cache(w, 1, kind->l1_kib, first, kind->threads);
    open_object(w, "Core", core, first, kind->threads);
    fputs(">\n", w->file);
    for (int t = 0; t < kind->threads; t++) {
        open_object(w, "PU", first + t, first + t, 1);
        fputs("/>\n", w->file);
    }
    close_object(w);
    close_object(w);
}

static void put_kind(writer *w, const fake_cores *kind, int core, int first) {
    const int threads = kind->threads;
    for (int c = 0; c < kind->cores; c++) {
        const bool begins = kind->l2_kib && c % kind->l2_cores == 0;
        const bool ends = kind->l2_kib && (c + 1) % kind->l2_cores == 0;
        if (begins) open_cache(w, 2, kind->l2_kib, first + c * threads, kind->l2_cores * threads);
        put_core(w, kind, core + c, first + c * threads);
        if (ends) close_object(w);
    }
}

static void put_machine(writer *w, const fake_cores *kinds, size_t count, int l3_kib) {
    int cpus = 0, core = 0, first = 0;
    for (size_t i = 0; i < count; i++) cpus += kinds[i].cores * kinds[i].threads;
    fputs(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
        "<topology version=\"2.0\">\n",
        w->file);
    open_object(w, "Machine", 0, 0, cpus);
    fputs(">\n", w->file);
    open_object(w, "NUMANode", 0, 0, cpus);
    fputs(" local_memory=\"1073741824\"/>\n", w->file);
    if (l3_kib) open_cache(w, 3, l3_kib, 0, cpus);
    for (size_t i = 0; i < count; i++) {
        put_kind(w, &kinds[i], core, first);
        core += kinds[i].cores;
        first += kinds[i].cores * kinds[i].threads;
    }
    if (l3_kib) close_object(w);
    close_object(w);
    first = 0;
    for (size_t i = 0; i < count; i++) {
        const int threads = kinds[i].cores * kinds[i].threads;
        fprintf(w->file, "<cpukind cpuset=\"0x%x\" forced_efficiency=\"%d\"/>\n", set_of(first, threads),
                kinds[i].speed);
        first += threads;
    }
    fputs("</topology>\n", w->file);
}

const char *fake_xml(const fake_cores *kinds, size_t count, int l3_kib) {
    static char path[512];
    static int number;
    snprintf(path, sizeof path, "%s/machine%d.xml", check_scratch_folder(), number++);
    writer w = {fopen(path, "w"), 0};
    if (!CHECK(w.file != NULL)) return path;
    put_machine(&w, kinds, count, l3_kib);
    fclose(w.file);
    return path;
}

bool fake_possible(void) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.topology = "pu:1";
    if (lowbit_ctx_create(&options, &ctx, NULL) != LOWBIT_OK) return false;
    lowbit_ctx_destroy(ctx);
    return true;
}
