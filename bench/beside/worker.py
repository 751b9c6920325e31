# SPDX-License-Identifier: Apache-2.0
"""A library in a process of its own: whatever it does there, the others go on."""
import importlib
import multiprocessing
import os
import signal
import time


def short(reason):
    return " ".join(str(reason).split())[-160:]


def time_calls(calls, seconds, warm=0.0, least=5):
    """Seconds of each call, the copies in turn, behind one call and `warm` seconds of calls that are not counted."""
    end = time.perf_counter() + warm
    calls[0]()
    while time.perf_counter() < end:
        calls[0]()
    times, end, at = [], time.perf_counter() + seconds, 0
    while time.perf_counter() < end or len(times) < least:
        start = time.perf_counter()
        calls[at]()
        times.append(time.perf_counter() - start)
        at = (at + 1) % len(calls)
    return times


def checked(make, error_of, tolerance):
    """The run that make() makes, called once and checked: (run, what is to be told of it)."""
    try:
        run = make()
        run.calls[0]()
        error = error_of(run)
    except Exception as reason:  # whatever a library may raise
        return None, {"status": "refused", "reason": short(reason)}
    if not error <= tolerance:
        return None, {"status": "wrong", "reason": f"off by {error:.2g}, {tolerance:.2g} allowed"}
    return run, {"status": "ok", "reason": "", "error": error}


def serve(pipe, module, make_all, threads, timing, cpus):
    """Answers `make` with the state of every way, `time` with samples of one, until it is told to end."""
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        ways = importlib.import_module(module)
        ways.start(threads)
    except Exception as reason:
        return pipe.send({"absent": short(reason)})
    call_us = sorted(time_calls([ways.empty_call()], min(timing["seconds"], 0.1)))
    pipe.send({"version": ways.VERSION, "call_us": call_us[len(call_us) // 2] * 1e6})
    runs = {}
    while (order := pipe.recv()) is not None:
        if order[0] == "make":
            runs.clear()  # before the next ones are made
            made = make_all(ways.WAYS, *order[1:])
            runs.update((name, run) for name, (run, _) in made.items())
            pipe.send({name: told for name, (_, told) in made.items()})
        else:
            pipe.send(time_calls(runs[order[1]].calls, **timing))


def end_of(code):
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Worker:
    """end: the status and reason of having none, or None. known: version and call_us.

    make_all(ways, *order) makes and checks all ways of one problem; timing is what time_calls is told; cpus are those
    that the library may use, all if there are none; an answer may take `patience` seconds."""

    def __init__(self, module, make_all, threads, timing, cpus=None, patience=300):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, module, make_all, threads, timing, cpus), daemon=True)
        self.process.start()
        theirs.close()
        self.patience = patience
        self.end, self.known = None, {"version": "", "call_us": 0}
        told = self.ask()
        if told and "absent" in told:
            self.end = {"status": "absent", "reason": told["absent"]}
        elif told:
            self.known = told

    def ask(self, *order):
        """Its answer to an order, or to none at all; None where it has ended."""
        if self.end:
            return None
        try:
            if order:
                self.pipe.send(order)
            if self.pipe.poll(self.patience):
                return self.pipe.recv()
            self.end = {"status": "timeout", "reason": f"no answer in {self.patience} s"}
        except (EOFError, OSError):
            self.process.join()
            self.end = {"status": "crashed", "reason": end_of(self.process.exitcode)}
        self.stop()
        return None

    def stop(self):
        self.process.kill()
        self.process.join()


def make_each(workers, *order):
    """{(library, way): status and reason}; of a library that is not there the way is empty."""
    made = {}
    for library, worker in workers.items():
        told = worker.ask("make", *order)
        made.update(((library, way), row) for way, row in ({"": dict(worker.end)} if worker.end else told).items())
    return made


def turn(workers, made, order, samples):
    """One turn of each (library, way) that is still well, in that order; samples gets what they took."""
    for library, way in order:
        if made[library, way]["status"] == "ok":
            samples.setdefault((library, way), []).extend(workers[library].ask("time", way) or [])
            made[library, way].update(workers[library].end or {})
