/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/emulate/emulate.h"

typedef struct subject {
    const char *name;
    void (*run)(void);
} subject;

static const subject kSubjects[] = {
#define SUBJECT(name) {#name, subject_##name},
#include "tests/subjects.inc"
#undef SUBJECT
};

enum { EXIT_SKIPPED = 77, MAX_PRINTED = 20 };

static char context[256];
static int failures;
static long checks;
static uint64_t seed = 1, state = 1;

bool check_that(bool condition, const char *file, int line, const char *text) {
    checks++;
    if (!condition && failures++ < MAX_PRINTED)
        printf("  FAILED %s:%d: %s [%s] seed %llu\n", file, line, text, context, (unsigned long long)seed);
    return condition;
}

void check_context(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
}

int check_failures(void) { return failures; }

void check_skip(const char *reason) {
    printf("SKIPPED: %s\n", reason);
    exit(EXIT_SKIPPED);
}

uint64_t check_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

int64_t check_random_in(int64_t low, int64_t high) {
    return low + (int64_t)(check_random() % (uint64_t)(high - low + 1));
}

float check_random_float(float low, float high) {
    return low + (high - low) * (float)((double)(check_random() >> 11) / (double)(UINT64_C(1) << 53));
}

typedef struct guarded {
    void *base;
    size_t bytes;
    struct guarded *next;
} guarded;

static guarded *guards;

void *check_guarded(size_t bytes, int side) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t body = (bytes + page - 1) / page * page, all = body + 2 * page;
    uint8_t *base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guarded *node = malloc(sizeof *node);
    if (base == MAP_FAILED || !node) {
        printf("no memory for a guarded buffer of %zu bytes\n", bytes);
        exit(1);
    }
    memset(base, 0xA5, all);
    mprotect(base, page, PROT_NONE);
    mprotect(base + page + body, page, PROT_NONE);
    *node = (guarded){base, all, guards};
    guards = node;
    return side == CHECK_GUARD_AFTER ? base + page + body - bytes : base + page;
}

void check_guard_free_all(void) {
    while (guards) {
        guarded *node = guards;
        guards = node->next;
        munmap(node->base, node->bytes);
        free(node);
    }
}

static bool same_bits(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

bool check_same_floats(const float *got, const float *want, int64_t rows, int64_t cols, int64_t got_stride,
                       int64_t want_stride) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) {
            const float g = got[r * got_stride + c], w = want[r * want_stride + c];
            if (same_bits(g, w)) continue;
            if (failures < MAX_PRINTED) printf("  (%lld,%lld): got %.9g want %.9g\n", (long long)r, (long long)c, g, w);
            return false;
        }
    return true;
}

bool check_same_ints(const int32_t *got, const int32_t *want, int64_t rows, int64_t cols, int64_t got_stride,
                     int64_t want_stride) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) {
            const int32_t g = got[r * got_stride + c], w = want[r * want_stride + c];
            if (g == w) continue;
            if (failures < MAX_PRINTED) printf("  (%lld,%lld): got %d want %d\n", (long long)r, (long long)c, g, w);
            return false;
        }
    return true;
}

bool check_same_bytes(const uint8_t *got, const uint8_t *want, int64_t rows, int64_t cols, int64_t got_stride,
                      int64_t want_stride) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) {
            const uint8_t g = got[r * got_stride + c], w = want[r * want_stride + c];
            if (g == w) continue;
            if (failures < MAX_PRINTED) printf("  (%lld,%lld): got %u want %u\n", (long long)r, (long long)c, g, w);
            return false;
        }
    return true;
}

static char scratch[64];

static void remove_scratch(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command) != 0) fprintf(stderr, "could not remove %s\n", scratch);
}

const char *check_scratch_folder(void) {
    if (!scratch[0]) {
        strcpy(scratch, "/tmp/lowbit-test-XXXXXX");
        if (!mkdtemp(scratch)) {
            perror("mkdtemp");
            exit(1);
        }
        atexit(remove_scratch);
    }
    return scratch;
}

void check_put_file(const char *root, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    if (!CHECK(file != NULL)) return;
    fputs(text, file);
    fclose(file);
}

/* Only async-signal-safe calls: the crash may have come from anywhere. */
static void crashed(int signal_number) {
    static const char text[] = "  CRASHED in [";
    ssize_t ignored = write(1, text, sizeof text - 1);
    ignored += write(1, context, strlen(context));
    ignored += write(1, "]\n", 2);
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static int run_subject(const subject *s) {
    state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    failures = 0;
    checks = 0;
    check_context("%s", "");
    s->run();
    check_guard_free_all();
    printf("%-6s %s (%ld checks)\n", failures ? "FAILED" : "ok", s->name, checks);
    return failures != 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *text = getenv("LOWBIT_TEST_SEED");
    if (text) seed = strtoull(text, NULL, 10);
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGILL, crashed);
    const char *levels = getenv("LOWBIT_TEST_EMULATE");
    const char *pointless = levels ? emulate_levels(levels) : NULL;
    if (pointless) check_skip(pointless);
    int bad = 0, ran = 0;
    for (size_t i = 0; i < sizeof kSubjects / sizeof kSubjects[0]; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++) wanted |= strcmp(argv[a], kSubjects[i].name) == 0;
        if (!wanted) continue;
        ran++;
        bad += run_subject(&kSubjects[i]);
    }
    if (!ran) printf("no such subject\n");
    return bad || !ran;
}
