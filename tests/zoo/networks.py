#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks as PyTorch's two exporters write them: converted, run, and compared with ONNX Runtime.

usage: networks.py LITHE [NAME...]    LITHE is the command; names choose networks whose names contain one of them
needs: pip install torch==2.14.1 torchvision timm transformers onnxscript onnxruntime onnx scipy

The networks are those of torchvision, timm, transformers and our own. Each is exported by "script" (dynamo=False) and by "export"
(dynamo=True), one of them with open axes; opsets take turns. It is converted without --shape, runs at two shapes (with fixed axes:
on two inputs), and every output is compared. Prints a line for each export: the largest error relative to the output's largest
number, or why there is none. What PyTorch cannot export, or ONNX Runtime cannot run, is printed and does not count. Exports are
kept, so that a second run is quick. Exit code 1: lithe refused an export, or is off by more than 1e-4 and by more than 4 times what
ONNX Runtime's own optimizations move the answers. It takes some hours, and is no part of the test suite.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

import command
import exports
import sound
import text
import vision

NETWORKS = vision.NETWORKS | text.NETWORKS | sound.NETWORKS
TOLERANCE = 1e-4
ROUNDINGS = 4  # of ONNX Runtime's own that lithe may be off by
EXPORT_SECONDS, CONVERT_SECONDS, RUN_SECONDS = 400, 300, 60
SLOW = 20


def exported(name, exporter, place, folder, fresh):
    """What made.json says, from this run or an earlier one; its "refused" says why there is no model."""
    made = folder / "made.json"
    if fresh or not made.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        signal.alarm(EXPORT_SECONDS)
        try:
            exports.export(name, NETWORKS[name], exporter, place, folder)
        except BaseException as reason:  # exporters raise whatever they meet, SystemExit too
            traceback.print_exc()
            text = str(reason).strip().replace("\n", " ") or type(reason).__name__
            made.write_text(json.dumps({"refused": text[:200]}))
        signal.alarm(0)
    return json.loads(made.read_text())


def compare(lithe, made, folder):
    """The largest error, its kind ("right", "rounding", "differs"), the seconds that conversion took, and what is to be noted."""
    with tempfile.TemporaryDirectory() as place:
        start = time.monotonic()
        file, said = command.convert(lithe, folder / "model.onnx", place, CONVERT_SECONDS)
        seconds = time.monotonic() - start
        notes = list(made["notes"])
        if "not checked" in said:
            notes.append(said[said.index("not checked") :].split("\n")[0][:160])
        worst, kind = 0.0, "right"
        for case in range(made["cases"]):
            with np.load(folder / f"{case}.npz") as kept:
                inputs = {key[3:]: kept[key] for key in kept if key.startswith("in:")}
                answers = [kept[f"out:{i}"] for i in range(len(made["outputs"]))]
            ours = command.run(lithe, file, inputs, made["outputs"], place, RUN_SECONDS)
            off = max(map(command.error, ours, answers), default=0.0)
            worst = max(worst, off)
            if off > TOLERANCE:
                plain = exports.session(folder / "model.onnx", optimized=False).run(None, inputs)
                rounding = max(map(command.error, plain, answers))
                kind = "rounding" if kind != "differs" and off <= ROUNDINGS * rounding else "differs"
                notes.append(f"its own optimizations move ONNX Runtime by {rounding:.1e}")
        return worst, kind, seconds, notes


def task(options, name, exporter, place, answer):
    """Runs in a process of its own; `answer` gets the kind of result and the line's text."""
    folder = Path(options.keep) / name / exporter
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(folder.parent / f"{exporter}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    warnings.simplefilter("ignore")
    made = exported(name, exporter, place, folder, options.fresh)
    if "refused" in made:
        answer.send(("not exported", made["refused"]))
        return
    how = f"opset {made['opset']} {'open' if made['open'] else 'fixed'}"
    try:
        off, kind, seconds, notes = compare(options.lithe, made, folder)
        slow = f", converted in {seconds:.0f} s" if seconds > SLOW else ""
        answer.send((kind, f"{how}: {off:.1e}{slow}{''.join(', ' + n for n in notes)}{'' if kind == 'right' else '  ' + kind.upper()}"))
    except command.Refused as reason:
        answer.send(("refused", f"{how}: REFUSED: {str(reason)[:600]}"))


class Work:
    """A task in its process, and the time at which it is ended."""

    def __init__(self, options, job):
        self.name, self.exporter, place = job
        self.answer, other = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=task, args=(options, self.name, self.exporter, place, other))
        self.process.start()
        other.close()
        self.end = time.monotonic() + EXPORT_SECONDS + CONVERT_SECONDS + 3 * RUN_SECONDS

    def result(self):
        """Null while it runs."""
        if self.process.is_alive() and not self.answer.poll() and time.monotonic() < self.end:
            return None
        try:
            result = self.answer.recv() if self.answer.poll(1) else None
        except EOFError:
            result = None
        if self.process.is_alive():
            self.process.join(5)
            self.process.kill()
        self.process.join()
        return result or ("not exported", f"the process ended with {self.process.exitcode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lithe", help="the command")
    parser.add_argument("names", nargs="*", help="parts of the names of networks")
    parser.add_argument("--exporter", choices=list(exports.EXPORTERS), help="one of them alone")
    parser.add_argument("--once", action="store_true", help="each network by one exporter, in turns")
    parser.add_argument("--jobs", type=int, default=1, help="exports at work at a time")
    parser.add_argument("--keep", default=str(Path.home() / ".cache/lithe/zoo"), help="the folder that keeps exports")
    parser.add_argument("--fresh", action="store_true", help="export again")
    parser.add_argument("--list", action="store_true", help="print the names alone")
    options = parser.parse_intermixed_args()
    chosen = [(n, i) for i, n in enumerate(NETWORKS) if not options.names or any(part in n for part in options.names)]
    if options.list:
        print(*(name for name, _ in chosen), sep="\n")
        return 0
    waiting = [
        (name, exporter, place)
        for name, place in chosen
        for e, exporter in enumerate(exports.EXPORTERS)
        if options.exporter in (None, exporter) and not (options.once and place // 2 % 2 != e)
    ]
    import timm, torchvision, transformers  # noqa: E401, F401: once, before processes fork

    counts, networks, running = {}, {}, []
    while waiting or running:
        while waiting and len(running) < options.jobs:
            running.append(Work(options, waiting.pop(0)))
        time.sleep(0.05)
        for work in list(running):
            result = work.result()
            if result is None:
                continue
            running.remove(work)
            kind, line = result
            counts[kind] = counts.get(kind, 0) + 1
            if kind != "not exported":
                networks.setdefault(work.name, []).append(kind == "right")
            print(f"{work.name} {work.exporter} {'not exported: ' if kind == 'not exported' else ''}{line}", flush=True)
    total = sum(n for kind, n in counts.items() if kind != "not exported")
    right = counts.get("right", 0)
    print(
        f"{total} exports of {len(networks)} networks: {total - counts.get('refused', 0)} converted and run, "
        f"{right} right within {TOLERANCE} "
        f"({100 * right / max(total, 1):.1f} %), {counts.get('rounding', 0)} beyond it by no more than rounding moves ONNX Runtime; "
        f"{sum(map(all, networks.values()))} networks right in every export; "
        f"{counts.get('not exported', 0)} not exported by PyTorch"
    )
    return 0 if right + counts.get("rounding", 0) == total else 1


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    sys.exit(main())
