#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU seconds and peak memory of compiling a unit that names one, ten or all operators.

The least of the rounds counts: on a busy machine CPU time is too long, never too short.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

FLAGS = ["-O0", "-O2", "-O2 -g0 -fno-exceptions -fno-rtti -Wall -Wextra -Werror"]


def measure(command):
    """CPU seconds, and MB at the peak, of one run of a compiler and what it starts."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("failed: " + shlex.join(command))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flags", action="append", help="a row of the table; default: " + ", ".join(FLAGS))
    parser.add_argument("compiler", nargs=argparse.REMAINDER, help="COMPILER -ILITHE/include -I...")
    arguments = parser.parse_args()
    if not arguments.compiler:
        parser.error("name a compiler and its include folders")
    unit = pathlib.Path(__file__).with_name("unit.cpp")
    print(f"{'operators':>9} {'CPU s':>6} {'MB':>5}  flags")
    with tempfile.TemporaryDirectory() as folder:
        for flags in arguments.flags or FLAGS:
            for operators in (1, 10, 0):
                command = [*arguments.compiler, "-std=c++20", *shlex.split(flags), f"-DOPERATORS={operators}", "-c",
                           str(unit), "-o", os.path.join(folder, "unit.o")]
                runs = [measure(command) for _ in range(arguments.rounds)]
                seconds, megabytes = min(run[0] for run in runs), max(run[1] for run in runs)
                print(f"{operators or 'all':>9} {seconds:6.2f} {megabytes:5.0f}  {flags}", flush=True)


if __name__ == "__main__":
    main()
