#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Error and memory of trained networks, and their answers in int8, as the tests print them: two sections of README.md beside this.

usage: models.py BUILD    BUILD/ is of preset dev; LITHE_SHARED_DIR had the models when it was configured
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = r"AreWithinTheErrorMeasure/(mnist|kws|ic_|ultraface_rfb)|AgreeWithTheInterposer|Accuracy\."
NAMES = {
    "digits": "digits (examples/digits)",
    "mnist_cnn": "mnist_cnn",
    "kws_ds_cnn_fp32": "keyword spotting, DS-CNN",
    "kws_ds_cnn_int8": "keyword spotting, DS-CNN, int8",
    "ic_resnet8_fp32": "ResNet-8",
    "ic_resnet8_int8": "ResNet-8, int8",
    "ultraface_rfb320": "UltraFace RFB-320",
}
DATA = {"Digits": "digits (examples/digits)", "Mnist": "mnist_cnn", "KeywordSpotting": "keyword spotting, DS-CNN"}


def lines_of(build):
    """(test, line) of all that the tests print."""
    said = subprocess.run(["ctest", "--test-dir", build, "-V", "-R", TESTS], capture_output=True, text=True)
    if said.returncode:
        sys.exit(f"the tests fail:\n{said.stdout}")
    test = ""
    for line in said.stdout.splitlines():
        if start := re.match(r" +Start +\d+: (.*)", line):
            test = start[1]
        elif text := re.match(r"\d+: (.*)", line):
            yield test, text[1]


def table(header, rows):
    head = f"| {' | '.join(header)} |\n|---|{'--:|' * (len(header) - 1)}\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write(section, text):
    subprocess.run([sys.executable, HERE.parent / "tools/section.py", HERE / "README.md", section], input=text, text=True, check=True)


def main(build):
    errors, bills, answers = defaultdict(float), {}, []
    for test, line in lines_of(build):
        if error := re.match(r"(\w+), .*: largest error (\S+)", line):
            errors[error[1]] = max(errors[error[1]], float(error[2]))
        elif bill := re.match(r"(\w+): billed (\d+), seen (\d+)", line):
            bills[bill[1]] = [f"{int(bytes_):,}" for bytes_ in bill.group(2, 3)]
        elif right := re.match(r" *minmax +(\d+) of (\d+) right, (-?\d+) lost, (\d+) differ", line):
            int8, total, lost, differing = map(int, right.groups())
            answers.append([DATA[test.rsplit(".", 1)[1]], *map(str, (total, int8 + lost, int8, differing))])
    memory = [[text, f"{errors[name]:.1e}" if name in errors else "", *bills.get(name, ["", ""])] for name, text in NAMES.items()]
    write("models", table(["network", "error", "billed bytes", "counted bytes"], memory))
    write("int8_answers", table(["network", "samples", "right in f32", "right in int8", "other answer than f32"], answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
