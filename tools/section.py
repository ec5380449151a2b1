#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps what a program measured in a page: the lines between <!-- begin NAME --> and <!-- end NAME -->.

usage: PROGRAM | section.py [--check HOW] FILE.md NAME

Writes standard input there. With --check it compares instead: exit code 1, and a line that says HOW to write it, when the page says
something else.
"""

import argparse
import sys
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="HOW")
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    options = parser.parse_args()
    page, text = options.file.read_text(), sys.stdin.read().strip()
    begin, end = f"<!-- begin {options.name} -->\n", f"<!-- end {options.name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        sys.exit(f"{options.file} has no section {options.name}: lines '{begin.strip()}' and '{end.strip()}'")
    if not text:
        sys.exit(f"{options.name}: nothing was measured")
    before, rest = page.split(begin)
    now = f"{before}{begin}{text}\n{end}{rest.split(end)[1]}"
    if options.check is None:
        options.file.write_text(now)
    elif now != page:
        sys.exit(f"{options.file}: section {options.name} is stale. To write it: {options.check}\nIt says\n"
                 f"{rest.split(end)[0]}\nand what was measured now is\n{text}")


if __name__ == "__main__":
    main()
