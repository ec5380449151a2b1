#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bytes of examples/firmware in f32 and int8, as the programs print them in the emulator: section "bytes" of its README.

usage: figures.py F32.elf INT8.elf EMULATOR...    compares, or with LITHE_WRITE_FIGURES=1 in the environment writes
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "flash: engine, kernels, math": "flash: engine, kernels, math library",
    "flash: model": "flash: model",
    "flash: start-up and semihosting": "flash: start-up and semihosting of the board",
    "RAM: arena": "RAM: arena",
    "RAM: other variables": "RAM: other variables",
    "RAM: deepest stack": "RAM: deepest stack",
}


def bytes_of(program, emulator):
    """{row: bytes} of what the firmware prints."""
    ran = subprocess.run([*emulator, program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    said = ran.stdout  # QEMU's semihosting writes to standard error
    found = {row: int(number) for row, number in re.findall(r"^(.*) (\d+) bytes$", said, re.MULTILINE)}
    missing = [row for row in ROWS if row not in found]
    if missing:
        sys.exit(f"{program} does not say {missing}, but:\n{said}")
    return found


def main(f32, int8, *emulator):
    columns = [bytes_of(program, emulator) for program in (f32, int8)]
    table = "| Cortex-M4, digits network, -Os, bytes | f32 | int8 |\n|---|--:|--:|\n"
    for row, text in ROWS.items():
        table += f"| {text} | " + " | ".join(f"{column[row]:,}" for column in columns) + " |\n"
    how = [] if os.environ.get("LITHE_WRITE_FIGURES") else ["--check", "LITHE_WRITE_FIGURES=1 ctest --preset cortex-m4 -R firmware.figures"]
    command = [sys.executable, ROOT / "tools/section.py", *how, ROOT / "examples/firmware/README.md", "bytes"]
    return subprocess.run(command, input=table, text=True).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
