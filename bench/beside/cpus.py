# SPDX-License-Identifier: Apache-2.0
"""Which CPUs so many threads get: one of every core before a second of any."""
import os


def spread(siblings, count):
    """The first `count` of the CPUs {cpu: a name of its core}, those of cores not yet taken first; all if too few."""
    taken = {}
    for cpu, core in sorted(siblings.items()):
        taken.setdefault(core, []).append(cpu)
    turns = sorted((turn, cpus[turn]) for cpus in taken.values() for turn in range(len(cpus)))
    return {cpu for _, cpu in turns[:count]}


def core_of(cpu):
    try:
        with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="ascii") as file:
            return file.read()
    except OSError:
        return cpu


def for_threads(count):
    return spread({cpu: core_of(cpu) for cpu in os.sched_getaffinity(0)}, count)
