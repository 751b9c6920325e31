/* SPDX-License-Identifier: Apache-2.0 */
/* Pretend machines for tests. hwloc's synthetic text cannot say that cores are of several kinds; its XML can. */
#ifndef LOWBIT_TESTS_FAKE_MACHINES_H_
#define LOWBIT_TESTS_FAKE_MACHINES_H_

#include <stdbool.h>
#include <stddef.h>

/* Cores of one kind. The operating system numbers their CPUs one after the other. */
typedef struct fake_cores {
    int cores, threads;   /* hardware threads of each */
    int l1_kib;           /* of each core */
    int l2_kib, l2_cores; /* 0 = none; and how many cores share one */
    int speed;            /* a faster kind has a greater number */
} fake_cores;

/* Writes a machine of one package and one node, 32 CPUs at most, with an L3 of all of them (0 = none), as XML into the
 * scratch folder. Returns its path, which is static. */
const char *fake_xml(const fake_cores *kinds, size_t count, int l3_kib);

/* False in builds without hwloc, which have no pretend machines. */
bool fake_possible(void);

#endif
