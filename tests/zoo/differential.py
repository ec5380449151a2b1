#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random small ONNX models against ONNX Runtime and ONNX's reference: converted with the check, run, and compared.

usage: differential.py LITHE [--seeds A..B] [--families NAME...] [--keep DIR] [--jobs N] [--list]
needs: pip install numpy onnx onnxruntime

A variant is a family (families/) and a seed: attributes, shapes, types and opsets at random, half with open axes and run at two
shapes, some with NaN, infinities and denormal numbers, some with axes of size 0. The first witness is ONNX Runtime without
optimizations; where it refuses the model or lithe differs from it, ONNX's reference is the second, and lithe is right where it
agrees with one of them. A variant that neither witness runs does not count. Each file runs twice: on the kernels that lithe
chooses, and on others that the seed chooses. Prints a line for each variant that is wrong or refused and a table of the families;
`known_differences.py` tells which of these ONNX's specification decides for lithe. --keep writes wrong ones as
DIR/FAMILY_SEED/{model.onnx,input_N.npy,output_N.npy}, which `lithe convert` and `lithe test` read. Exit code 1: something is wrong
or refused that is not known. It takes about a quarter of an hour on two cores for the default 80 seeds of every family.
"""

import argparse
import collections
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from known_differences import known_difference
from variant import build, load_families

KERNELS = ([], ["--kernels", "portable"], ["--kernels", "xnnpack"], ["--cpu-mask", "avx512"], ["--cpu-mask", "avx512,avx2"],
           ["--threads", "2"])
SECONDS = 60
RIGHT, REFERENCE_ALONE, KNOWN, UNWITNESSED = "right", "right, ONNX Runtime differs", "known", "no witness"
DIFFERS, REFUSED, CRASHED, BROKEN = "differs", "refused", "crashed", "generator fails"
WRONG = (DIFFERS, REFUSED, CRASHED, BROKEN)


@dataclass
class Result:
    family: str
    seed: int
    verdict: str
    text: str = ""
    is_open: bool = False
    operators: list = field(default_factory=list)


class Refused(Exception):
    """What lithe says."""


class Crashed(Exception):
    """A signal, or no answer."""


def lithe(command, *arguments):
    try:
        done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Crashed(f"{arguments[0]}: no answer in {SECONDS} s") from None
    if done.returncode < 0 or done.returncode > 4:
        raise Crashed(f"{arguments[0]}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    if done.returncode:
        raise Refused(f"{arguments[0]}: {done.stderr.strip()}")
    return done


def by_runtime(model, feeds):
    """The outputs for each of the feeds; the reason as a text where ONNX Runtime refuses."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [session.run(None, feed) for feed in feeds]
    except Exception as reason:  # its exceptions have no common type
        return str(reason)


def by_reference(model, feeds):
    """The same for ONNX's reference."""
    try:
        with np.errstate(all="ignore"):
            evaluator = ReferenceEvaluator(model)
            return [[np.asarray(a) for a in evaluator.run(None, feed)] for feed in feeds]
    except Exception as reason:  # whatever its NumPy code raises
        return f"{type(reason).__name__}: {reason}"


def difference(ours, theirs, tolerance):
    """What is wrong with an array, or nothing."""
    if ours.shape != theirs.shape:
        return f"shape {list(ours.shape)} instead of {list(theirs.shape)}"
    if ours.dtype != theirs.dtype:
        return f"{ours.dtype} instead of {theirs.dtype}"
    if ours.dtype.kind in "iub":
        if ours.dtype.kind == "b":
            wrong = ours != theirs
        else:
            wrong = np.abs(ours.astype(object) - theirs.astype(object)) > tolerance.steps if tolerance.steps else ours != theirs
        wrong = np.asarray(wrong, bool)
    else:
        with np.errstate(all="ignore"):
            a, b = ours.astype(np.float64), theirs.astype(np.float64)
            finite = np.isfinite(b)
            largest = np.max(np.abs(b), where=finite, initial=0)
            near = np.abs(a - b) <= tolerance.relative * np.abs(b) + tolerance.scaled * largest + tolerance.absolute
            wrong = ~((a == b) | (np.isnan(a) & np.isnan(b)) | (finite & near))
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} differ, first {ours[at]!r} instead of {theirs[at]!r} at {list(at)}"


def compare(results, witness, names, tolerance):
    """What is wrong with the results of all feeds against a witness's, or nothing."""
    for n, (ours, theirs) in enumerate(zip(results, witness)):
        for name, a, b in zip(names, ours, theirs):
            if text := difference(a, np.asarray(b), tolerance):
                return f"shape {n}, output {name}: {text}"
    return ""


def run(command, file, feeds, names, folder, kernels):
    """lithe's outputs for each of the feeds."""
    results = []
    for n, feed in enumerate(feeds):
        out = folder / f"out{n}"
        shutil.rmtree(out, ignore_errors=True)
        inputs = []
        for i, (name, array) in enumerate(feed.items()):
            np.save(folder / f"input{n}_{i}.npy", np.ascontiguousarray(array).reshape(array.shape))
            inputs += ["-i", f"{name}={folder / f'input{n}_{i}.npy'}"]
        lithe(command, "run", file, *inputs, "-o", out, *kernels)
        results.append([np.load(out / f"{name}.npy") for name in names])
    return results


def keep(folder, built, outputs):
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(built.model, folder / "model.onnx")
    for n, feed in enumerate(built.feeds):
        case = folder if n == 0 else folder / f"shape_{n}"
        case.mkdir(exist_ok=True)
        for i, array in enumerate(feed.values()):
            np.save(case / f"input_{i}.npy", np.ascontiguousarray(array).reshape(array.shape))
        for i, array in enumerate(outputs[n] if outputs else []):
            np.save(case / f"output_{i}.npy", array)


class Judge:
    """Converts and runs a variant, and asks the witnesses."""

    def __init__(self, command, built, folder, seed):
        self.command, self.built, self.folder = command, built, folder
        self.names = [o.name for o in built.model.graph.output]
        self.kernels = ([], KERNELS[seed % len(KERNELS)])
        self.runtime = by_runtime(built.model, built.feeds)
        self.reference = None

    def witness(self):
        """What is kept as right: ONNX Runtime's outputs, else the reference's."""
        return self.runtime if not isinstance(self.runtime, str) else self.second()

    def second(self):
        if self.reference is None:
            self.reference = by_reference(self.built.model, self.built.feeds)
        return self.reference

    def verdict(self):
        if isinstance(self.witness(), str):
            return UNWITNESSED, f"ONNX Runtime: {self.runtime[:160]}; reference: {self.second()[:160]}"
        file = self.folder / "m.lithe"
        verdict, text = RIGHT, ""
        try:
            onnx.save(self.built.model, self.folder / "m.onnx")
            lithe(self.command, "convert", self.folder / "m.onnx", "-o", file)
            for kernels in self.kernels:
                results = run(self.command, file, self.built.feeds, self.names, self.folder, kernels)
                this, reason = self.judge(results)
                if this == DIFFERS:
                    return this, " ".join(kernels + [reason])
                if this != RIGHT:
                    verdict, text = this, reason
        except Refused as reason:
            return REFUSED, str(reason)
        except Crashed as reason:
            return CRASHED, str(reason)
        return verdict, text

    def judge(self, results):
        wrong = ""
        if not isinstance(self.runtime, str):
            wrong = compare(results, self.runtime, self.names, self.built.tolerance)
            if not wrong:
                return RIGHT, ""
        if isinstance(self.second(), str):
            return DIFFERS, f"{wrong} (ONNX Runtime; the reference fails: {self.second()[:80]})"
        also = compare(results, self.second(), self.names, self.built.tolerance)
        if not also:
            return (REFERENCE_ALONE, wrong) if wrong else (RIGHT, "")
        return DIFFERS, f"{wrong} (ONNX Runtime); {also} (reference)" if wrong else f"{also} (reference)"


def examine(task):
    """The result of one variant."""
    command, name, seed, kept = task
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        built = build(name, seed)
    except Exception as reason:  # a fault of the family's own
        return Result(name, seed, BROKEN, f"{type(reason).__name__}: {reason}")
    with tempfile.TemporaryDirectory(prefix="differential") as folder:
        judge = Judge(command, built, Path(folder), seed)
        verdict, text = judge.verdict()
        if verdict in (DIFFERS, REFUSED):
            paragraph = known_difference(name, text, built.model)
            verdict, text = (KNOWN, paragraph) if paragraph else (verdict, text)
        if kept and verdict in WRONG:
            keep(Path(kept) / f"{name}_{seed}", built, judge.witness())
    return Result(name, seed, verdict, " ".join(text.split()), built.is_open, built.operators)


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].split("\n")[0].removeprefix("usage: "))
    parser.add_argument("lithe", metavar="LITHE")
    parser.add_argument("--seeds", default="0..79")
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--keep")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verdicts", nargs="*", default=[], help="print variants of these verdicts too: " + UNWITNESSED + ", ...")
    return parser.parse_args()


def main():
    o = arguments()
    first, last = (int(n) for n in o.seeds.split(".."))
    families = load_families()
    chosen = [f for f in families if not o.families or f in o.families]
    if unknown := set(o.families) - set(families):
        sys.exit(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(families)}")
    tasks = [(o.lithe, f, seed, o.keep) for f in chosen for seed in range(first, last + 1)]
    counts = collections.defaultdict(collections.Counter)
    operators, reasons, opened = set(), collections.Counter(), 0
    begin = time.monotonic()
    with multiprocessing.Pool(o.jobs, maxtasksperchild=200) as pool:
        for r in pool.imap(examine, tasks):
            counts[r.family][r.verdict] += 1
            if r.verdict != UNWITNESSED:
                operators.update(r.operators)
                opened += r.is_open
            if r.verdict == KNOWN:
                reasons[r.text] += 1
            if r.verdict in WRONG or r.verdict in o.verdicts:
                print(f"{r.family} {r.seed}: {r.verdict}: {r.text[:700]}", flush=True)
    verdicts = (RIGHT, REFERENCE_ALONE, KNOWN, *WRONG, UNWITNESSED)
    for name, c in counts.items():
        print(f"{name}: " + ", ".join(f"{c[v]} {v}" for v in verdicts if c[v]))
    for reason, n in reasons.most_common():
        print(f"known, {n} times: {reason}")
    total = sum(counts.values(), collections.Counter())
    counted = total.total() - total[UNWITNESSED] - total[BROKEN]
    print(f"{counted} variants of {len(counts)} families and {len(operators)} operators, {opened} with open axes: "
          + ", ".join(f"{total[v]} {v}" for v in verdicts if total[v]) + f"; {time.monotonic() - begin:.0f} s")
    return 1 if any(total[v] for v in WRONG) else 0


if __name__ == "__main__":
    sys.exit(main())
