#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the time of a run of the tests went: the slowest of them, and the sums by kind.

Reads what ./tests/run.sh has written (build/all/ctest.log), or another log of CTest's output. Times
are of the wall: they mean something if nothing else ran, and only beside each other if something did.
"""
import argparse
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULT = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.*.*? +(\d+\.\d+) sec", re.M)


def times(log):
    """{test: seconds}; of a test that ran several times the longest."""
    found = {}
    for name, seconds in RESULT.findall(log):
        found[name] = max(found.get(name, 0), float(seconds))
    return found


def kind(name):
    """The first word of the name where it says the kind, else `unit`: container.vector."""
    word = name.partition(".")[0]
    return word if word in ("check", "fuzz", "gcc", "malloc", "package", "qemu", "tools", "tsan", "windows") \
        else "unit"


def table(head, rows):
    lines = [f"| {head} | seconds | share |", "|---|--:|--:|"]
    return "\n".join(lines + [f"| {name} | {seconds:.1f} | {share:.1%} |"
                              for name, seconds, share in rows])


def report(found, count):
    total = sum(found.values()) or 1
    kinds = Counter()
    for name, seconds in found.items():
        kinds[kind(name)] += seconds
    slowest = Counter(found).most_common(count)
    return "\n\n".join([
        table(f"the slowest of {len(found)}", [(name, s, s / total) for name, s in slowest]),
        table("kind", [(name, s, s / total) for name, s in kinds.most_common()]),
        f"all: {total:.0f} s, one after another"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("log", nargs="?", type=Path, default=ROOT / "build/all/ctest.log")
    parser.add_argument("--count", type=int, default=15, help="how many tests (15)")
    options = parser.parse_args()
    if not options.log.is_file():
        sys.exit(f"no {options.log}: run ./tests/run.sh first")
    found = times(options.log.read_text(errors="replace"))
    if not found:
        sys.exit(f"{options.log} names no test")
    print(report(found, options.count))


if __name__ == "__main__":
    main()
