# SPDX-License-Identifier: Apache-2.0
"""lithe, ONNX Runtime, LiteRT and ExecuTorch on the same networks: alternating short runs of a process each.

    pip install numpy onnxruntime ai-edge-litert executorch
    python peers.py DIR --rounds-program BUILD/bench/bench_rounds

DIR holds NAME.lithe with NAME.onnx, NAME.tflite or NAME.pte beside it (networks/make.py and quantize.py, lithe convert).
NAME_int8.lithe and NAME_f16.lithe run beside NAME.lithe too. --write puts the p50 of f32 and of int8 networks into the sections
latency_f32 and latency_int8 of README.md; --overhead-program adds the session's time over a hand-written loop's to those of f32.
"""

import argparse
import importlib.metadata
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
COSINE = 0.9  # between outputs in int8 of engines that rounded each in their own way
REST = 0.02  # seconds, for worker threads that still spin
PEERS = {
    "ONNX Runtime": ("onnxruntime", ".onnx"),
    "LiteRT": ("ai_edge_litert", ".tflite"),
    "ExecuTorch": ("executorch", ".pte"),
}
HERE = Path(__file__).resolve().parent
OWN_F32 = "lithe f32"
REDUCED = ("_int8", "_f16")


def in_f32(path):
    """NAME.lithe of NAME_int8.lithe or NAME_f16.lithe; else the path itself."""
    for suffix in REDUCED:
        if path.stem.endswith(suffix):
            return path.with_stem(path.stem.removesuffix(suffix))
    return path


def input_of(path):
    """Random numbers in the shape of the input that NAME.onnx, NAME.tflite or NAME.pte declares."""
    path = path if available(path) else in_f32(path)
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
    if peer == "ExecuTorch":
        return make_executorch_runner(file, threads, data)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=threads)  # with its XNNPACK delegate
    interpreter.allocate_tensors()
    (declared,) = interpreter.get_input_details()
    if data is None:
        return declared["shape"]
    interpreter.set_tensor(declared["index"], stored(data, declared).reshape(declared["shape"]))
    output = interpreter.get_output_details()[0]
    return interpreter.invoke, lambda: real(interpreter.get_tensor(output["index"]), output)


def stored(data, details):
    """LiteRT's int8 networks take and give int8."""
    scale, zero_point = details["quantization"]
    if details["dtype"] != np.int8:
        return data
    return np.clip(np.round(data / scale) + zero_point, -128, 127).astype(np.int8)


def real(data, details):
    scale, zero_point = details["quantization"]
    return (data.astype(np.float32) - zero_point) * scale if details["dtype"] == np.int8 else data


def make_executorch_runner(file, threads, data):
    import torch
    from executorch.extension.pybindings import portable_lib

    portable_lib._unsafe_reset_threadpool(threads)
    module = portable_lib._load_for_executorch(str(file))
    if data is None:
        return module.method_meta("forward").input_tensor_meta(0).sizes()
    inputs = [torch.from_numpy(data.reshape(module.method_meta("forward").input_tensor_meta(0).sizes()))]
    return lambda: module.forward(inputs), lambda: module.forward(inputs)[0].numpy()


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
    if in_f32(path) != path and in_f32(path).exists():
        workers[OWN_F32] = Worker([program, in_f32(path), "--threads", str(threads), "--input", data])
    for peer, suffix in available(path):
        workers[peer] = Worker([*command, peer, path.with_suffix(suffix), str(threads), data])
    expected = workers["lithe"].outputs
    for peer, worker in workers.items():
        check(path.stem, peer, worker.outputs, expected)
    return workers


def check(network, peer, outputs, expected):
    if in_f32(Path(network)) == Path(network):
        error = np.abs(outputs - expected).max() / np.abs(expected).max()
        if not error < TOLERANCE:
            raise SystemExit(f"{network}: {peer} and lithe differ by {error:.2g} of the largest output")
    else:
        cosine = np.dot(outputs, expected) / np.linalg.norm(outputs) / np.linalg.norm(expected)
        if not cosine > COSINE:
            raise SystemExit(f"{network}: the cosine of {peer}'s and lithe's outputs is {cosine:.3g}")


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
    return {
        "network": path.stem,
        "threads": threads,
        "engines": figures,
        "ratio": ratio(figures, PEERS),
        "ratio_to_f32": ratio(figures, [OWN_F32]),
        "overhead": overhead(path, threads, options),
    }


def ratio(figures, others):
    """lithe's figures over the best of the others that ran, or None."""
    there = [figures[n] for n in others if n in figures]
    return {k: figures["lithe"][k] / min(f[k] for f in there) for k in ("p50_ms", "min_ms")} if there else None


def overhead(path, threads, options):
    """p50 of the session over that of a loop over the same XNNPACK operators, or None where bench_overhead knows no such loop."""
    if options.overhead_program is None or in_f32(path) != path:
        return None
    command = [options.overhead_program, path, "--threads", str(threads), "--rounds", str(options.rounds), "--json"]
    said = subprocess.run(command, capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{said.stderr}")
    return json.loads(said.stdout)["ratio"]


def row(result):
    def cell(figure, digits):
        return f"{figure['p50_ms']:.{digits}f} ({figure['min_ms']:.{digits}f})" if figure else "-"

    cells = [result["network"], str(result["threads"])]
    cells += [cell(result["engines"].get(engine), 2) for engine in ["lithe", OWN_F32, *PEERS]]
    cells += [cell(result["ratio"], 3), cell(result["ratio_to_f32"], 3)]
    return table_line(cells)


def table_line(cells):
    return "| " + " | ".join(cells) + " |"


def version(peer):
    """" 1.32" of an installed peer's 1.32.0."""
    modules = {"ai_edge_litert": "ai-edge-litert"}
    module = PEERS[peer][0]
    number = importlib.metadata.version(modules.get(module, module))
    return " " + ".".join(number.split(".")[:2])


def page_table(results, ratios):
    """What README.md shows: p50 alone, columns without a figure left out. ratios: (title, function of a result) each."""
    engines = [e for e in ["lithe", OWN_F32, *PEERS] if any(e in r["engines"] for r in results)]
    titles = [f"{e}{version(e) if e in PEERS else ''}, ms" for e in engines]
    ratios = [(title, of) for title, of in ratios if any(of(r) for r in results)]
    lines = [
        table_line(["network", "threads", *titles, *(title for title, _ in ratios)]),
        "|---|" + "--:|" * (1 + len(engines) + len(ratios)),
    ]
    for result in results:
        times = [result["engines"].get(e) for e in engines]
        cells = [f"{t['p50_ms']:#.3g}".rstrip(".") if t else "-" for t in times]
        cells += [f"{of(result):.3f}" if of(result) else "-" for _, of in ratios]
        lines.append(table_line([result["network"], str(result["threads"]), *cells]))
    return "\n".join(lines) + "\n"


def write(results):
    def p50(key):
        return lambda result: result[key] and result[key]["p50_ms"]

    def put(section, which, ratios):
        chosen = [r for r in results if which(r["network"])]
        if chosen:
            command = [sys.executable, HERE.parent / "tools/section.py", HERE / "README.md", section]
            subprocess.run(command, input=page_table(chosen, ratios), text=True, check=True)

    best = ("lithe / best", p50("ratio"))
    put("latency_f32", lambda n: not n.endswith(REDUCED), [best, ("session / loop", lambda r: r["overhead"])])
    put("latency_int8", lambda n: n.endswith("_int8"), [best, ("lithe / its f32", p50("ratio_to_f32"))])


def main():
    if sys.argv[1:2] == ["--serve"]:
        peer, file, threads, data = sys.argv[2:]
        return serve(peer, file, int(threads), data)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds-program", type=Path, required=True, help="bench_rounds of lithe's build")
    parser.add_argument("--overhead-program", type=Path, help="bench_overhead of lithe's build")
    parser.add_argument("--networks", nargs="*", help="names; all NAME.lithe by default")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each engine in a round")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--write", action="store_true", help="write the tables of README.md, too")
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
        if not available(file) and not in_f32(file).exists():
            parser.error(f"{file.stem}: nothing to compare with")
    engines = [f"{e}, ms" for e in ["lithe", OWN_F32, *PEERS]]
    header = ["network", "threads", *engines, "lithe / best", "lithe / its f32"]
    if not options.json:
        print("p50 (least)\n")
        print(table_line(header))
        print("|---|" + "--:|" * (len(header) - 1))
    results = []
    for file in files:
        for threads in options.threads:
            results.append(measure(file, threads, options))
            if not options.json:
                print(row(results[-1]), flush=True)
    if options.json:
        print(json.dumps(results))
    if options.write:
        write(results)


if __name__ == "__main__":
    main()
