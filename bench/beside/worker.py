# SPDX-License-Identifier: Apache-2.0
"""A library in a process of its own: whatever it does there, the others go on."""
import importlib
import multiprocessing
import signal
import time

from beside.product import Product, error_of

LIBRARIES = {"onnxruntime": "onnxruntime_ways", "openvino": "openvino_ways", "torch": "torch_ways"}
RING_COPIES = 1 << 12


def time_calls(calls, seconds):
    """Seconds of each call, the copies in turn."""
    calls[0]()
    times, end, at = [], time.perf_counter() + seconds, 0
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        calls[at]()
        times.append(time.perf_counter() - start)
        at = (at + 1) % len(calls)
    return times


def make(way, product, ring_bytes):
    """The way's run, checked: (run, what is to be told of it)."""
    copies = min(-(-ring_bytes * 8 // (product.n * product.k * product.bits)), RING_COPIES) if ring_bytes else 1
    try:
        run = way.make(product, copies)
        run.calls[0]()
        error = error_of(way, run, product)
    except Exception as reason:  # whatever a library may raise
        return None, {"status": "refused", "reason": " ".join(str(reason).split())[-160:]}
    if not error <= way.tolerance:
        return None, {"status": "wrong", "reason": f"off by {error:.2g}, {way.tolerance:.2g} allowed"}
    return run, {"status": "ok", "reason": ""}


def serve(pipe, library, threads, seconds):
    """Answers `make` with the state of every way, `time` with samples of one, until it is told to end."""
    try:
        ways = importlib.import_module("beside." + LIBRARIES[library])
        ways.start(threads)
    except Exception as reason:
        return pipe.send({"absent": " ".join(str(reason).split())[-160:]})
    call_us = sorted(time_calls([ways.empty_call()], min(seconds, 0.1)))
    pipe.send({"version": ways.VERSION, "call_us": call_us[len(call_us) // 2] * 1e6})
    runs = {}
    while (order := pipe.recv()) is not None:
        if order[0] == "make":
            runs.clear()  # before the next ones are made
            product = Product(order[1]).fill()
            made = {way.name: make(way, product, order[2]) for way in ways.WAYS if way.takes(product)}
            runs.update((name, run) for name, (run, _) in made.items())
            pipe.send({name: told for name, (_, told) in made.items()})
        else:
            pipe.send(time_calls(runs[order[1]].calls, seconds))


def end_of(code):
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Worker:
    """end: the status and reason of having none, or None. known: version and call_us."""

    def __init__(self, library, threads, seconds):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, library, threads, seconds), daemon=True)
        self.process.start()
        theirs.close()
        self.end, self.known = None, {"version": "", "call_us": 0}
        told = self.ask()
        if told and "absent" in told:
            self.end = {"status": "absent", "reason": told["absent"]}
        elif told:
            self.known = told

    def ask(self, *order, timeout=300):
        """Its answer to an order, or to none at all; None where it has ended."""
        if self.end:
            return None
        try:
            if order:
                self.pipe.send(order)
            if self.pipe.poll(timeout):
                return self.pipe.recv()
            self.end = {"status": "timeout", "reason": f"no answer in {timeout} s"}
        except (EOFError, OSError):
            self.process.join()
            self.end = {"status": "crashed", "reason": end_of(self.process.exitcode)}
        self.stop()
        return None

    def stop(self):
        self.process.kill()
        self.process.join()
