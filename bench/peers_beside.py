#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Products next to those of the newest ONNX Runtime, OpenVINO and PyTorch, from PyPI, in turn with ours.

Wants numpy, and what there is of the libraries; one that does not import is `absent`, with the reason:
    python3 -m venv VENV && VENV/bin/pip install numpy onnx onnxruntime openvino torch
    VENV/bin/python bench/peers_beside.py build/release/cli/lowbit i4g32af:m1n4096k4096

Each library runs in a process of its own, timed from Python. For each problem the turns are ours, every way, the same
ways backwards, ours; ours is `lowbit bench gemm`. A way's result is checked against numpy before its time counts.
`call_us` is an empty call through the same binding: part of every time, subtracted from none. Warm: the same weights
again and again; --cold: those of as many copies in turn as fill the ring.
"""
import argparse
import importlib.util
import json
import subprocess
import sys

from beside.times import comparison, summary, text_of
from beside.worker import Worker, make_each, turn

FIELDS = ("impl", "way", "status", "median_us", "ours_us", "ratio", "verdict", "call_us", "reason")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowbit", metavar="LOWBIT", help="the program")
    parser.add_argument("problems", metavar="PROBLEM", nargs="*", help="as i8a8:m1n4096k4096")
    parser.add_argument("--shapes", metavar="FILE", help="problems, one a line, '#' before comments")
    parser.add_argument("--libraries", metavar="LIST", default="onnxruntime,openvino,torch", help="default: %(default)s")
    parser.add_argument("--threads", metavar="N", type=int, default=1, help="of ours and of theirs (1)")
    parser.add_argument("--time", metavar="S", type=float, default=0.3, help="seconds of each turn (0.3)")
    parser.add_argument("--cold", action="store_true", help="other weights in every call")
    parser.add_argument("--ring", metavar="MIB", type=int, default=512, help="of cold copies of each way (512)")
    parser.add_argument("--json", metavar="FILE", help="all results; - is standard output, and no table is printed")
    options = parser.parse_intermixed_args()
    if options.shapes:
        with open(options.shapes, encoding="utf-8") as lines:
            options.problems += [text for line in lines if (text := line.split("#")[0].strip())]
    if not options.problems:
        parser.error("no problems")
    return options


def time_ours(options, problem):
    """The first result of `lowbit bench gemm`, and the whole report."""
    command = [options.lowbit, "bench", "gemm", problem, "--time", str(options.time), "--json", "-"]
    command += ["--threads", str(options.threads)] + ["--cold"] * options.cold
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return next(row for row in report["results"] if row["impl"] == "lowbit"), report


class Bench:
    def __init__(self, options):
        self.options, self.workers, self.report = options, {}, {}

    def worker(self, library):
        """The running one, or else a new one where that may help."""
        from beside.product import make_all

        worker = self.workers.get(library)
        if not worker or (worker.end and worker.end["status"] != "absent"):
            timing = {"seconds": self.options.time}
            worker = self.workers[library] = Worker(f"beside.{library}_ways", make_all, self.options.threads, timing)
        return worker

    def make(self, problem):
        ring = self.options.ring << 20 if self.options.cold else 0
        return make_each({library: self.worker(library) for library in self.options.libraries.split(",")}, problem, ring)

    def rows(self, product):
        made, samples = self.make(product.text), {}
        ours = [time_ours(self.options, product.text)[0]]
        turn(self.workers, made, list(made), samples)
        turn(self.workers, made, list(made)[::-1], samples)
        last, self.report = time_ours(self.options, product.text)
        for (library, way), row in made.items():
            whole = {
                "problem": product.text, "format": product.format, "act": product.act, "m": product.m, "n": product.n,
                "k": product.k, "threads": self.options.threads, "cold": self.options.cold, "impl": library, "way": way,
                "beside": True, **self.workers[library].known, **row}
            if row["status"] == "ok":
                whole.update(summary(samples[library, way], product.operations()))
                whole.update(comparison(whole, [*ours, last]))
            yield whole

    def stop(self):
        for worker in self.workers.values():
            worker.stop()


def show(row):
    print("| " + " | ".join([row["problem"], *(text_of(row.get(field, "")) for field in FIELDS)]) + " |", flush=True)


def main():
    options = arguments()
    if importlib.util.find_spec("numpy") is None:
        sys.exit("peers_beside.py: numpy is not here")
    from beside.product import Product

    try:
        products = [Product(problem) for problem in options.problems]
    except ValueError as reason:
        sys.exit(f"peers_beside.py: {reason}")
    bench = Bench(options)
    results, table = [], options.json != "-"
    if table:
        print("| problem | " + " | ".join(FIELDS) + " |\n|" + "---|" * (len(FIELDS) + 1))
    for product in products:
        for row in bench.rows(product):
            results.append(row)
            if table:
                show(row)
    bench.stop()
    whole = {"machine": bench.report["machine"], "run": bench.report["run"], "results": results}
    if options.json:
        with sys.stdout if options.json == "-" else open(options.json, "w", encoding="utf-8") as to:
            json.dump(whole, to, indent=1)
            print(file=to)


if __name__ == "__main__":
    main()
