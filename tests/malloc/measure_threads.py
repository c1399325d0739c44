#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the table of threads in docs/malloc.md: shapes of tests/bench/thread_driver.cpp on the C
library's malloc and on libcairn_malloc.so.

    cmake --preset release
    cmake --build --preset release --target cairn_malloc heap_threads heap_malloc
    tests/malloc/measure_threads.py build/release

In each round both run once; ratios are those of the same round, and what counts is the median.
"""
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 7
SECONDS = 0.5
SHAPES = {
    "handed over, 2 threads": ["handover", 2], "handed over, 8 threads": ["handover", 8],
    "server, 2 threads": ["server", 2], "server, 8 threads": ["server", 8],
    "each its own, 1 thread": ["local", 1], "each its own, 2 threads": ["local", 2],
}


def run(command, library):
    """(the figure that it prints last, page faults)"""
    environment = dict(os.environ, **({"LD_PRELOAD": str(library)} if library else {}))
    with subprocess.Popen([*map(str, command)], env=environment, stdout=subprocess.PIPE,
                          text=True) as process:
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    if status != 0:
        sys.exit(f"{command[0]} failed with status {status}")
    return float(re.findall(r"^figure \S+ (\S+)$", text, re.M)[-1]), usage.ru_minflt


def row(name, pairs, digits):
    medians = [statistics.median(each) for each in zip(*pairs)]
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    print("|", " | ".join([name, *(f"{each:,.{digits}f}" for each in medians), f"{ratio:.2f}"]), "|",
          flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve(strict=True)
    library = next(build.rglob("libcairn_malloc.so"))
    bench = build / "bench"
    print(f"| {os.cpu_count()} processors | {' '.join(platform.libc_ver())} | Cairn | ratio |\n"
          "|---|--:|--:|--:|")
    for name, shape in SHAPES.items():
        command = [bench / "heap_threads", *shape, SECONDS]
        row(f"{name}: calls of malloc a microsecond",
            [[run(command, each)[0] for each in (None, library)] for _ in range(ROUNDS)], 1)
    wide = [bench / "heap_malloc", "time", "malloc", "wide", 200_000]
    row("16 bytes to 64 KiB, 1 thread: page faults",
        [[run(wide, each)[1] for each in (None, library)] for _ in range(ROUNDS)], 0)
    shared = [run([bench / "heap_threads", "lines"], each)[0] for each in (None, library)]
    print(f"| live blocks on a line with another thread's | {shared[0]:.1f} % | {shared[1]:.1f} % | |")


if __name__ == "__main__":
    main()
