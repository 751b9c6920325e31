/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: no two buffers that live at once share a byte, and the whole is small. */
#include "nn/arena.h"

#include "tests/check.h"

enum { MOST = 64 };

static int64_t most_alive(const lb_span *spans, int64_t count, int64_t steps) {
    int64_t most = 0;
    for (int64_t t = 0; t < steps; t++) {
        int64_t alive = 0;
        for (int64_t i = 0; i < count; i++)
            if (spans[i].first <= t && t <= spans[i].last) alive += spans[i].bytes;
        if (alive > most) most = alive;
    }
    return most;
}

static void check_random_spans(void) {
    lb_span spans[MOST];
    int64_t order[MOST], sum = 0;
    const int64_t count = check_random_in(1, MOST), steps = check_random_in(1, 40);
    for (int64_t i = 0; i < count; i++) {
        const int64_t first = check_random_in(0, steps - 1);
        spans[i] =
            (lb_span){.bytes = check_random_in(0, 5000), .first = first, .last = check_random_in(first, steps - 1)};
        sum += (spans[i].bytes + 63) / 64 * 64;
    }
    const int64_t bytes = lb_arena_place(spans, count, order);
    CHECK(bytes <= sum && bytes >= most_alive(spans, count, steps));
    for (int64_t i = 0; i < count; i++) {
        CHECK(spans[i].offset % 64 == 0 && spans[i].offset >= 0 && spans[i].offset + spans[i].bytes <= bytes);
        for (int64_t j = 0; j < i; j++) {
            const bool in_time = spans[i].first <= spans[j].last && spans[j].first <= spans[i].last;
            const bool in_space = spans[i].offset < spans[j].offset + spans[j].bytes &&
                                  spans[j].offset < spans[i].offset + spans[i].bytes;
            CHECK(!in_time || !in_space || !spans[i].bytes || !spans[j].bytes);
        }
    }
}

/* A chain of layers needs two neighbours at a time. */
static void check_chain(void) {
    lb_span spans[20];
    int64_t order[20];
    for (int64_t i = 0; i < 20; i++) spans[i] = (lb_span){.bytes = 6400, .first = i, .last = i + 1};
    CHECK(lb_arena_place(spans, 20, order) == 2 * 6400);
}

void subject_arena(void) {
    for (int i = 0; i < 300 && check_failures() == 0; i++) check_random_spans();
    check_chain();
}
