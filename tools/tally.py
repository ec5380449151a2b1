#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the tests in a JUnit file of ctest or GoogleTest; prints "PASSED FAILED SKIPPED".

usage: tally.py [-v] FILE.xml [FOLDER]    -v names the skipped tests, with their reasons, on stderr

A ctest test NAME whose program left FOLDER/NAME_test.xml (one start of an emulator for many tests) counts as the tests in there.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def reason(case):
    """What the test itself said: GTEST_SKIP's text follows a line that ends in "Skipped"."""
    skipped = case.find("skipped")
    said = case.findtext("system-out") or skipped.get("message", "") + (skipped.text or "")
    lines = [line.strip() for line in said.strip().splitlines()]
    after = [lines[i + 1] for i, line in enumerate(lines[:-1]) if line.endswith("Skipped")]
    return (after or lines[-1:] or [""])[0]


def ending(case):
    """passed, failed, skipped, or None for a test that is switched off. ctest calls skipped what it could not start, too."""
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed"
    if skipped is not None:
        by_ctest = case.get("result") is None
        return "failed" if by_ctest and not skipped.get("message", "").startswith("SKIP_") else "skipped"
    return "passed" if case.get("status") == "run" else None


def tests(file, folder=None):
    """(name, ending, reason) of each test that is not switched off."""
    for case in xml.parse(file).iter("testcase"):
        name = case.get("name") if case.get("result") is None else f"{case.get('classname')}.{case.get('name')}"
        inner = folder / f"{name}_test.xml" if folder else None
        own = ending(case)
        if inner and inner.exists():
            found = list(tests(inner))
            yield from found
            if own != "failed" or any(end == "failed" for _, end, _ in found):
                continue
        if own:
            yield name, own, reason(case) if own == "skipped" else ""


def main(arguments):
    verbose = arguments[:1] == ["-v"]
    file, *folder = arguments[verbose:]
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for name, end, why in tests(file, Path(folder[0]) if folder else None):
        counts[end] += 1
        if verbose and end == "skipped":
            print(f"skipped: {name}: {why}", file=sys.stderr)
    print(*counts.values())


if __name__ == "__main__":
    main(sys.argv[1:])
