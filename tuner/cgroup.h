/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU quota of Linux control groups, which is what `docker run --cpus 2` sets and what hwloc does not read. */
#ifndef LOWBIT_TUNER_CGROUP_H_
#define LOWBIT_TUNER_CGROUP_H_

/* CPUs that the process's control group grants, as 1.5; 0 = no quota. The smallest quota on the way from the process's
 * own group up to the root counts, in version 1 and version 2 hierarchies alike.
 *
 * root  is put in front of every absolute path that is read: "" is this machine, a test has a tree of its own */
double lb_cgroup_quota(const char *root);

#endif
