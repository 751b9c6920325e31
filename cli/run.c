/* SPDX-License-Identifier: Apache-2.0 */
/* What every measurement says about the moment and the build it was made with. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/state.h"
#include "build_info.h"
#include "cli/state.h"

const char *lb_cli_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

static void read_state(lb_state *state) {
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    lb_state_read("", cpus > 0 ? (uint32_t)cpus : 1, state);
}

void lb_cli_state_warn(const char *command, const lowbit_ctx *ctx) {
    lowbit_machine machine = {.struct_size = sizeof machine};
    lb_state state;
    char texts[LB_STATE_WARNINGS][LB_STATE_TEXT];
    if (lowbit_machine_info(ctx, &machine, NULL) != LOWBIT_OK) return;
    read_state(&state);
    const size_t count = lb_state_warnings(&state, machine.allowed_cpus, texts);
    for (size_t i = 0; i < count; i++) fprintf(stderr, "lowbit %s: warning: %s\n", command, texts[i]);
}

static json_t *libraries_json(void) {
    return json_pack("{s:s, s:s, s:s}", "hwloc", LB_BUILD_HWLOC, "highway", LB_BUILD_HIGHWAY, "jansson",
                     jansson_version_str());
}

static json_t *build_json(void) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "version", lowbit_version(), "revision", LB_BUILD_REVISION,
                     "compiler", lb_cli_compiler(), "build_type", LB_BUILD_TYPE, "flags", LB_BUILD_FLAGS, "libraries",
                     libraries_json());
}

static json_t *state_json(const lb_state *s) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f}", "governor", s->governor, "frequency_driver", s->driver,
                     "turbo", s->turbo, "smt", s->smt, "microcode", s->microcode, "container", s->container,
                     "huge_pages", s->huge_pages, "load_average", s->load_average);
}

json_t *lb_cli_run_json(void) {
    char date[32] = "";
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct utsname system;
    if (uname(&system) != 0) memset(&system, 0, sizeof system);
    lb_state state;
    read_state(&state);
    json_t *run = build_json(), *more = state_json(&state);
    json_object_update(run, more);
    json_decref(more);
    json_object_set_new(run, "system", json_string(system.sysname));
    json_object_set_new(run, "kernel", json_string(system.release));
    json_object_set_new(run, "date", json_string(date));
    return run;
}
