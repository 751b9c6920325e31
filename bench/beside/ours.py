# SPDX-License-Identifier: Apache-2.0
"""Our program as one more library: each recipe is a way, each turn a run of `lowbit bench network`."""
import json
import os
import subprocess

from beside.worker import short


def machine_of(program):
    """What `lowbit info` tells: version, compiler, machine."""
    return json.loads(subprocess.run([program, "info", "--json", "-"], check=True, stdout=subprocess.PIPE).stdout)


class Ours:
    """Answers as a Worker does."""

    def __init__(self, program, version, recipes, threads, timing, cpus):
        self.program, self.recipes, self.threads, self.seconds = program, recipes, threads, timing["seconds"]
        self.cpus, self.end, self.run = cpus, None, {}
        self.known = {"version": version, "call_us": 0}

    def bench(self, recipe, seconds):
        """The first result. A run that fails raises CalledProcessError, one that tells something else KeyError or such."""
        command = [self.program, "bench", "network", self.model, "--recipe", recipe, "--batch", str(self.batch),
                   "--threads", str(self.threads), "--time", str(seconds), "--json", "-"]
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.cpus)).stdout
        report = json.loads(told)
        self.run = report.get("run", {})
        return report["results"][0]

    def first(self, recipe):
        try:
            self.bench(recipe, 0.05)
        except subprocess.CalledProcessError as failed:
            return {"kind": recipe, "status": "refused", "reason": short(failed.stderr)}
        except (subprocess.TimeoutExpired, ValueError, LookupError) as failed:
            return {"kind": recipe, "status": "refused", "reason": short(repr(failed))}
        return {"kind": recipe, "status": "ok", "reason": ""}

    def ask(self, what, *order):
        if what == "make":
            folder, self.batch = order
            self.model = os.path.join(folder, "model.safetensors")
            return {recipe: self.first(recipe) for recipe in self.recipes}
        try:
            return [us / 1e6 for us in self.bench(order[0], self.seconds)["samples_us"]]
        except (subprocess.SubprocessError, ValueError, LookupError) as failed:
            self.end = {"status": "crashed", "reason": short(getattr(failed, "stderr", "") or failed)}
            return None

    def stop(self):
        """Nothing runs between turns."""
