#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions of a pair of malloc and free, on glibc and on our libraries, for blocks of one size each.

    cmake --preset release && cmake --build --preset release --target cairn_malloc cairn_malloc_hardened
    tests/malloc/measure_pairs.py LIBRARY... [--sizes 64 4096 100000]

A program takes a block and frees it, again and again; callgrind counts it with ROUNDS rounds and with twice as many,
and the difference is divided. The loop is in it, and what the kernel does is not.
"""
import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

ROUNDS = 2000
PROGRAM = """
#include <stdlib.h>
int main(int argc, char** argv) {
    void* volatile block;
    const size_t size = argc == 3 ? atol(argv[1]) : 0;
    for (long n = argc == 3 ? atol(argv[2]) : 0; n != 0; --n) {
        block = malloc(size);
        free(block);
    }
}
"""


def count(program, library, size, rounds):
    environment = os.environ | ({"LD_PRELOAD": str(library)} if library else {})
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, str(size), str(rounds)],
                          env=environment, text=True, capture_output=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("libraries", type=Path, nargs="+", metavar="LIBRARY")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 4096, 100_000])
    options = parser.parse_args()
    print("| bytes |", " | ".join(f"{size:,}" for size in options.sizes), "|")
    print("|---|" + "--:|" * len(options.sizes))
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pairs"
        subprocess.run(["cc", "-O2", "-x", "c", "-", "-o", program], input=PROGRAM, text=True, check=True)
        for library in [None, *options.libraries]:
            pairs = [(count(program, library, size, 2 * ROUNDS) - count(program, library, size, ROUNDS)) / ROUNDS
                     for size in options.sizes]
            print(f"| {library.stem if library else 'glibc'} |", " | ".join(f"{pair:,.0f}" for pair in pairs), "|")


if __name__ == "__main__":
    main()
