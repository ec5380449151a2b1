# SPDX-License-Identifier: Apache-2.0
"""What forests.py and recurrent.py share: a model in lithe and in ONNX Runtime, in short runs that alternate.

Each run gets another input. ONNX Runtime's time includes Python's call of about 4 us, which a model of one Neg measures.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from peers import REST, Worker

TURN = 0.02  # seconds
WARM_UP = 5  # runs


class Peer:
    """ONNX Runtime, with what Worker has of lithe. inputs: one input of the model each."""

    def __init__(self, model, inputs, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        name = self.session.get_inputs()[0].name
        self.feeds = [{name: x} for x in inputs]
        self.outputs = np.concatenate([y.ravel() for y in self.session.run(None, self.feeds[0])])
        self.next = 0
        self.times = []

    def run(self, runs):
        for _ in range(runs):
            feed = self.feeds[self.next % len(self.feeds)]
            self.next += 1
            begin = time.perf_counter()
            self.session.run(None, feed)
            self.times.append((time.perf_counter() - begin) * 1e3)


def negation(shape):
    """The smallest model: what a call costs."""
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "g", ends[:1], ends[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


def parser(description):
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lithe", type=Path, required=True, help="the command")
    p.add_argument("--rounds-program", type=Path, required=True, help="bench_rounds of lithe's build")
    p.add_argument("--rounds", type=int, default=40)
    return p


def measure(model, inputs, options, tolerance, runs=None, threads=1):
    """Median microseconds of a run, in lithe and in ONNX Runtime.

    tolerance: of the largest output. runs: of each engine in a round; None: what takes about TURN seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        onnx_file, file, data = (Path(folder) / name for name in ("m.onnx", "m.lithe", "inputs"))
        inputs.tofile(data)
        onnx.save(model, onnx_file)
        subprocess.run([options.lithe, "convert", onnx_file, "-o", file], check=True, capture_output=True)
        own = Worker([options.rounds_program, file, "--input", data, "--threads", str(threads)])
        peer = Peer(model, inputs, threads)
        error = np.abs(own.outputs - peer.outputs).max() / np.abs(peer.outputs).max()
        if not error < tolerance:
            raise SystemExit(f"lithe and ONNX Runtime differ by {error:.2g} of the largest output")
        for engine in (own, peer):
            engine.run(WARM_UP)
        runs = runs or max(1, int(TURN * 1e3 / max(own.times[-1], peer.times[-1])))
        for _ in range(options.rounds):
            for engine in (own, peer):
                engine.run(runs)
                if threads > 1:
                    time.sleep(REST)
        own.close()
    return statistics.median(own.times) * 1e3, statistics.median(peer.times) * 1e3
