# SPDX-License-Identifier: Apache-2.0
"""lithe, ONNX Runtime and LiteRT on the same networks: alternating short runs of a process each.

    pip install numpy onnxruntime ai-edge-litert
    python peers.py DIR --rounds-program BUILD/bench/bench_rounds

DIR holds NAME.lithe with NAME.onnx or NAME.tflite beside it (networks/make.py, lithe convert).
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TOLERANCE = 1e-3
REST = 0.02  # seconds, for worker threads that still spin
PEERS = {"ONNX Runtime": ("onnxruntime", ".onnx"), "LiteRT": ("ai_edge_litert", ".tflite")}


def input_of(path):
    """A file of random numbers as the input that NAME.onnx or NAME.tflite declares."""
    shape = next(make_runner(peer, path.with_suffix(suffix), 1, None) for peer, suffix in available(path))
    return np.random.default_rng(1).standard_normal(shape, dtype=np.float32)


def available(path):
    """(peer, suffix) of what is installed and has a file."""
    return [
        (peer, suffix)
        for peer, (module, suffix) in PEERS.items()
        if importlib.util.find_spec(module) and path.with_suffix(suffix).exists()
    ]


def make_runner(peer, file, threads, data):
    """(run, output) of a loaded network; without data its input's shape."""
    if peer == "ONNX Runtime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        (declared,) = session.get_inputs()
        if data is None:
            return declared.shape
        feed = {declared.name: data.reshape(declared.shape)}
        return lambda: session.run(None, feed), lambda: session.run(None, feed)[0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=threads)  # with its XNNPACK delegate
    interpreter.allocate_tensors()
    (declared,) = interpreter.get_input_details()
    if data is None:
        return declared["shape"]
    interpreter.set_tensor(declared["index"], data.reshape(declared["shape"]))
    output = interpreter.get_output_details()[0]["index"]
    return interpreter.invoke, lambda: interpreter.get_tensor(output)


def serve(peer, file, threads, data):
    """A peer's side: what bench_rounds does for lithe."""
    run, output = make_runner(peer, file, threads, np.fromfile(data, np.float32))
    run()
    print(*(f"{x:.9g}" for x in output().ravel()), flush=True)
    for line in sys.stdin:
        run()
        times = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            run()
            times.append((time.perf_counter() - begin) * 1e3)
        print(*times, flush=True)


class Worker:
    """A process that answers a number of runs with their times."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.outputs = self.read()
        self.times = []

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self.process.args))} failed:\n{self.process.stderr.read()}")
        return np.array(line.split(), np.float64)

    def run(self, runs):
        self.process.stdin.write(f"{runs}\n")
        self.process.stdin.flush()
        self.times.extend(self.read())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(path, threads, program, data):
    command = [sys.executable, __file__, "--serve"]
    workers = {"lithe": Worker([program, path, "--threads", str(threads), "--input", data])}
    for peer, suffix in available(path):
        workers[peer] = Worker([*command, peer, path.with_suffix(suffix), str(threads), data])
    expected = workers["lithe"].outputs
    for peer, worker in workers.items():
        error = np.abs(worker.outputs - expected).max() / np.abs(expected).max()
        if not error < TOLERANCE:
            raise SystemExit(f"{path.stem}: {peer} and lithe differ by {error:.2g} of the largest output")
    return workers


def measure(path, threads, options):
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "input"
        input_of(path).tofile(data)
        workers = start(path, threads, options.rounds_program, data)
        names = list(workers)
        for turn in range(options.rounds):
            for i in range(len(names)):
                workers[names[(turn + i) % len(names)]].run(options.runs)
                time.sleep(REST)
        for worker in workers.values():
            worker.close()
    figures = {n: {"p50_ms": statistics.median(w.times), "min_ms": min(w.times)} for n, w in workers.items()}
    peers = [figures[n] for n in names if n != "lithe"]
    ratio = {k: figures["lithe"][k] / min(p[k] for p in peers) for k in ("p50_ms", "min_ms")}
    return {"network": path.stem, "threads": threads, "engines": figures, "ratio": ratio}


def row(result):
    cells = [result["network"], str(result["threads"])]
    for engine in ["lithe", *PEERS]:
        f = result["engines"].get(engine)
        cells.append(f"{f['p50_ms']:.2f} ({f['min_ms']:.2f})" if f else "-")
    cells.append(f"{result['ratio']['p50_ms']:.3f} ({result['ratio']['min_ms']:.3f})")
    return "| " + " | ".join(cells) + " |"


def main():
    if sys.argv[1:2] == ["--serve"]:
        peer, file, threads, data = sys.argv[2:]
        return serve(peer, file, int(threads), data)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds-program", type=Path, required=True, help="bench_rounds of lithe's build")
    parser.add_argument("--networks", nargs="*", help="names; all NAME.lithe by default")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each engine in a round")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    for peer, (module, _) in PEERS.items():
        if not importlib.util.find_spec(module):
            print(f"{peer}: not installed", file=sys.stderr)
    files = sorted(options.directory.glob("*.lithe"))
    if options.networks:
        files = [options.directory / f"{name}.lithe" for name in options.networks]
    files = [f.resolve() for f in files]
    if not files or not all(f.exists() for f in files):
        parser.error(f"{options.directory} does not hold the networks: lithe convert NAME.onnx -o NAME.lithe")
    for file in files:
        if not available(file):
            parser.error(f"{file.stem}: nothing to compare with")
    header = ["network", "threads", *(f"{e}, ms" for e in ["lithe", *PEERS]), "lithe / best"]
    if not options.json:
        print("p50 (least)\n")
        print("| " + " | ".join(header) + " |")
        print("|---|" + "--:|" * (len(header) - 1))
    results = []
    for file in files:
        for threads in options.threads:
            results.append(measure(file, threads, options))
            if not options.json:
                print(row(results[-1]), flush=True)
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
