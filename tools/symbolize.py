#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Resolves the backtraces in a console log: `backtrace:`, then lines like `  #0 0x0000000080201234`.

Usage: symbolize.py KERNEL.elf CONSOLE.log
"""
import re
import subprocess
import sys
from pathlib import Path

FRAME = re.compile(r"^\s*#(\d+)\s+0x([0-9a-fA-F]+)")


def backtraces(text):
    """Lists of (frame number, address), one list per `backtrace:`."""
    current = None
    for line in text.splitlines():
        frame = FRAME.match(line)
        if "backtrace:" in line:
            current = []
        elif current is not None and frame:
            current.append((int(frame[1]), int(frame[2], 16)))
        elif current is not None:
            if current:
                yield current
            current = None
    if current:
        yield current


def call_site(number, address):
    """A return address may belong to the next line or function; the call before it does not."""
    return address if number == 0 else address - 1


def symbols(kernel, addresses):
    command = ["llvm-symbolizer-19", f"--obj={kernel}", "--output-style=GNU", "--basenames",
               "--functions=linkage", "--demangle", "--pretty-print", "--no-inlines"]
    output = subprocess.run(command + [hex(address) for address in addresses], text=True,
                            capture_output=True, check=True).stdout
    return output.splitlines()


def main(kernel, log):
    text = Path(log).read_text(errors="replace").replace("\r", "")
    for frames in backtraces(text):
        print("backtrace with symbols:")
        found = symbols(kernel, [call_site(*frame) for frame in frames])
        for (number, address), symbol in zip(frames, found):
            print(f"  #{number} {address:#018x} {symbol}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[-1])
    main(sys.argv[1], sys.argv[2])
