/* SPDX-License-Identifier: Apache-2.0 */
/* What a compiler makes of a binary product in plain C: out[m][n] = K - 2 * popcount(a[m] ^ w[n]), rows of 64-bit
 * words. A program of its own, which `scripts/bench-core bits` compiles for a given instruction set; nothing of the
 * library is in it. plain_bits M N K [COPIES]: prints the median of calls over so many copies of w in turn. A and W are
 * bits already, which the library's times are not: they contain the packing of A and the scales of the output. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The loop that gcc makes most of: words inside, so that counts of a row and column stay in vectors. */
__attribute__((noinline)) static void product(const uint64_t *restrict a, const uint64_t *restrict w,
                                              float *restrict out, long m, long n, long words) {
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++) {
            uint64_t differ = 0;
            for (long k = 0; k < words; k++)
                differ += (uint64_t)__builtin_popcountll(a[i * words + k] ^ w[j * words + k]);
            out[i * n + j] = (float)(64 * words - 2 * (long)differ);
        }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t *random_words(long count) {
    uint64_t *words = malloc((size_t)count * sizeof *words), state = 88172645463325252u;
    for (long i = 0; words && i < count; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        words[i] = state;
    }
    return words;
}

int main(int argc, char **argv) {
    enum { MOST = 200 };
    if (argc < 4) return fprintf(stderr, "plain_bits M N K [COPIES]\n"), 2;
    const long m = atol(argv[1]), n = atol(argv[2]), words = atol(argv[3]) / 64, copies = argc > 4 ? atol(argv[4]) : 1;
    if (m < 1 || n < 1 || words < 1 || copies < 1) return 2;
    uint64_t *a = random_words(m * words), *w = random_words(copies * n * words);
    float *out = malloc((size_t)(m * n) * sizeof *out);
    if (!a || !w || !out) return 1;
    double seconds[MOST], spent = 0;
    int samples = 0;
    product(a, w, out, m, n, words);
    for (; samples < MOST && (samples < 5 || spent < 0.5); samples++) {
        const double begin = now();
        product(a, w + samples % copies * n * words, out, m, n, words);
        seconds[samples] = now() - begin;
        spent += seconds[samples];
    }
    qsort(seconds, (size_t)samples, sizeof *seconds, ascending);
    const double median = seconds[samples / 2];
    printf("m%ldn%ldk%ld copies %ld: %.2f us, %.1f GOP/s, %.2f GB/s (sum %g)\n", m, n, 64 * words, copies, median * 1e6,
           2e-9 * (double)m * (double)n * 64 * (double)words / median, 1e-9 * (double)(n * words * 8) / median,
           (double)out[0]);
    free(a), free(w), free(out);
    return 0;
}
