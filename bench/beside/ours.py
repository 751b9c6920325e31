# SPDX-License-Identifier: Apache-2.0
"""Our program as one more library: each recipe is a way, each turn a run of `lowbit bench network`."""
import json
import os
import subprocess
import tempfile

import numpy as np

from beside.network import KINDS, Network, error_of
from beside.product import Run
from beside.worker import short

PATIENCE = 1800  # seconds


def machine_of(program):
    """What `lowbit info` tells: version, compiler, machine."""
    return json.loads(subprocess.run([program, "info", "--json", "-"], check=True, stdout=subprocess.PIPE).stdout)


def kind_of(recipe):
    """Of network.KINDS."""
    return "f32" if recipe == "f32" else "int8" if recipe.startswith("w8a8") else "low"


class Packed:
    """Networks as recipes pack them, checked: each once, for all batches and threads."""

    def __init__(self, program):
        self.program, self.made = program, {}
        self.folder = tempfile.TemporaryDirectory()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def of(self, folder, recipe):
        """(file, what is to be told of it)"""
        if (folder, recipe) not in self.made:
            self.made[folder, recipe] = self.make(folder, recipe, self.path(f"{len(self.made)}.safetensors"))
        return self.made[folder, recipe]

    def make(self, folder, recipe, file):
        try:
            return file, {"kind": recipe, **self.check(Network(folder, None).fill(), recipe, file)}
        except subprocess.CalledProcessError as failed:
            return file, {"kind": recipe, "status": "refused", "reason": short(failed.stderr)}
        except (subprocess.TimeoutExpired, ValueError, OSError) as failed:
            return file, {"kind": recipe, "status": "refused", "reason": short(repr(failed))}

    def check(self, network, recipe, file):
        data = {name: network.path(name + network.about["data"]) for name in ("reference", "calibration")}
        self.call("quantize", network.folder, "-o", file, "--recipe", recipe, "--calibrate", data["calibration"])
        self.call("run", file, "--data", data["reference"], "--npy", self.path("logits.npy"))
        kind, result = kind_of(recipe), np.load(self.path("logits.npy"))
        error, allowed = error_of(kind, network, Run([], lambda: result)), KINDS[kind][1]
        if error <= allowed:
            return {"status": "ok", "reason": "", "error": error}
        return {"status": "wrong", "reason": f"off by {error:.2g}, {allowed:.2g} allowed"}

    def call(self, *words):
        subprocess.run([self.program, *words], check=True, capture_output=True, text=True, timeout=PATIENCE)


class Ours:
    """Answers as a Worker does. recipes: None = those that a network names."""

    def __init__(self, packed, version, recipes, threads, timing, cpus):
        self.packed, self.recipes, self.threads, self.seconds = packed, recipes, threads, timing["seconds"]
        self.cpus, self.end, self.run = cpus, None, {}
        self.known = {"version": version, "call_us": 0}

    def bench(self, recipe):
        """The first result. A run that fails raises CalledProcessError, one that tells something else KeyError or such."""
        shape = self.network.about["input"]
        command = [self.packed.program, "bench", "network", self.packed.of(self.network.folder, recipe)[0], "--batch",
                   str(self.network.batch), "--threads", str(self.threads), "--time", str(self.seconds), "--json", "-"]
        command += ["--length", str(shape[0])] if len(shape) == 1 else []
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.cpus)).stdout
        report = json.loads(told)
        self.run = report.get("run", {})
        return report["results"][0]

    def ask(self, what, *order):
        if what == "make":
            self.network = Network(*order)
            recipes = self.recipes or self.network.about["recipes"]
            return {recipe: dict(self.packed.of(self.network.folder, recipe)[1]) for recipe in recipes}
        try:
            return [us / 1e6 for us in self.bench(order[0])["samples_us"]]
        except (subprocess.SubprocessError, ValueError, LookupError) as failed:
            self.end = {"status": "crashed", "reason": short(getattr(failed, "stderr", "") or failed)}
            return None

    def stop(self):
        """Nothing runs between turns."""
