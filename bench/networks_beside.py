#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole networks by ONNX Runtime, OpenVINO, PyTorch and our program, in turn.

Wants numpy, what there is of the libraries, and the networks that bench/networks_make.py leaves in FOLDER:
    VENV/bin/python bench/networks_beside.py build/release/cli/lowbit FOLDER resnet18-cifar --batch 1,32 --threads 1,2

Each library runs in a process of its own, on as many CPUs as it has threads, timed from Python around one call for a
batch; ours is `lowbit bench network` on the same CPUs, a recipe being a way. A way's logits are compared with PyTorch's
in floats before its time counts: the largest difference over their range for f32, the angle (1 - cosine) for int8 and
below. What is refused, wrong, absent or crashes is a row, and stops nothing. A round is a turn of every way, every
second round backwards; a turn is a warm-up, and then --time seconds, --calls calls at least (ours five).

To try it: --time 0.1 --rounds 1 --calls 1 --batch 1 --threads 1 --libraries onnxruntime
"""
import argparse
import datetime
import importlib.util
import itertools
import json
import os
import sys

from beside.cpus import for_threads
from beside.times import comparison, summary, text_of
from beside.worker import Worker, make_each, turn
from networks_table import table

FIELDS = ("impl", "way", "status", "median_us", "low_us", "high_us", "samples", "gops", "error", "reason")


def listed(kind):
    return lambda text: [kind(part) for part in text.split(",") if part]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowbit", metavar="LOWBIT", help="the program")
    parser.add_argument("folder", metavar="FOLDER", help="of bench/networks_make.py")
    parser.add_argument("names", metavar="NAME", nargs="*", help="networks in it (all)")
    parser.add_argument("--batch", metavar="LIST", type=listed(int), default=[1, 32], help="images or texts of a call (1,32)")
    parser.add_argument("--threads", metavar="LIST", type=listed(int), default=[1, 2], help="of ours and theirs (1,2)")
    parser.add_argument("--libraries", metavar="LIST", type=listed(str), default=["onnxruntime", "openvino", "torch"],
                        help="default: onnxruntime,openvino,torch")
    parser.add_argument("--ours", metavar="LIST", help="recipes, or none (those that network.json names)")
    parser.add_argument("--time", metavar="S", type=float, default=0.5, help="seconds of each turn (0.5)")
    parser.add_argument("--rounds", metavar="N", type=int, default=4, help="turns of each way (4)")
    parser.add_argument("--calls", metavar="N", type=int, default=3, help="calls of a turn at least (3)")
    parser.add_argument("--json", metavar="FILE", help="all results; - is standard output, and no text is printed")
    options = parser.parse_intermixed_args()
    there = sorted(name for name in (os.listdir(options.folder) if os.path.isdir(options.folder) else [])
                   if os.path.exists(os.path.join(options.folder, name, "network.json")))
    options.names = options.names or there
    if missing := set(options.names) - set(there):
        parser.error(f"{options.folder} has no network {', '.join(sorted(missing))}")
    if not options.names:
        parser.error(f"{options.folder} has no networks: bench/networks_make.py makes them")
    options.ours = [] if options.ours == "none" else options.ours and options.ours.split(",")
    return options


class Bench:
    def __init__(self, options):
        from beside.ours import Packed, machine_of

        self.options, self.info, self.run = options, machine_of(options.lowbit), {}
        self.packed = Packed(options.lowbit)

    def workers(self, threads):
        from beside.network import make_all
        from beside.ours import PATIENCE, Ours

        timing, cpus = {"seconds": self.options.time, "warm": 0.1, "least": self.options.calls}, for_threads(threads)
        workers = {library: Worker(f"beside.{library}_nets", make_all, threads, timing, cpus, PATIENCE)
                   for library in self.options.libraries}
        if self.options.ours != []:
            version = self.info["version"]
            workers["lowbit"] = Ours(self.packed, version, self.options.ours, threads, timing, cpus)
        return workers

    def rows(self, name, batch, threads):
        """Of one network, batch and number of threads, by processes that end with it."""
        from beside.network import Network

        folder, samples = os.path.join(self.options.folder, name), {}
        workers, operations = self.workers(threads), Network(folder, batch).operations()
        made = make_each(workers, folder, batch)
        for order in itertools.islice(itertools.cycle((list(made), list(made)[::-1])), self.options.rounds):
            turn(workers, made, order, samples)
        for worker in workers.values():
            worker.stop()
        if "lowbit" in workers:
            self.run.update(workers["lowbit"].run)
        for (library, way), row in made.items():
            whole = {"model": name, "batch": batch, "threads": threads, "impl": library, "way": way, "beside": True,
                     **workers[library].known, **row}
            if row["status"] == "ok":
                whole.update(summary(samples[library, way], operations))
                whole["samples_us"] = [round(second * 1e6, 3) for second in samples[library, way]]
            yield whole

    def report(self, results):
        options, date = self.options, datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        run = {"version": self.info["version"], "compiler": self.info["compiler"], "date": date, **self.run,
               "time_s": options.time, "rounds": options.rounds}
        return {"machine": self.info["machine"], "run": run, "results": results}


def compare(rows):
    """Theirs over the first of our recipes."""
    ours = next((row for row in rows if row["impl"] == "lowbit"), None)
    for row in rows if ours and ours["status"] == "ok" else ():
        if row["impl"] != "lowbit" and row["status"] == "ok":
            row.update(comparison(row, [ours]))


def show(row):
    words = [row["model"], str(row["batch"]), str(row["threads"]), *(show_one(row, field) for field in FIELDS)]
    print("| " + " | ".join(words) + " |", flush=True)


def show_one(row, field):
    value = row.get(field, "")
    return f"{value:.1e}" if field == "error" and value != "" else text_of(value)


def main():
    options = arguments()
    if importlib.util.find_spec("numpy") is None:
        sys.exit("networks_beside.py: numpy is not here")
    bench, results, text = Bench(options), [], options.json != "-"
    if text:
        print("| model | batch | threads | " + " | ".join(FIELDS) + " |\n|" + "---|" * (len(FIELDS) + 3))
    for cell in itertools.product(options.names, options.batch, options.threads):
        rows = list(bench.rows(*cell))
        compare(rows)
        results += rows
        for row in rows if text else ():
            show(row)
    if text:
        print("\n" + "\n".join(table(results)))
    if options.json:
        with sys.stdout if options.json == "-" else open(options.json, "w", encoding="utf-8") as to:
            json.dump(bench.report(results), to, indent=1)
            print(file=to)


if __name__ == "__main__":
    main()
