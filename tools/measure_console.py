#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures in instructions what a guest's character costs by each way to the console; its table is in docs/performance.md.

tests/guests/console_cost.cpp prints 16,384 characters by
the UART, by SBI DBCN and by its virtio console, so many at a time."""
import argparse
import re
import subprocess
import sys

import document
import measured_machine
from measured_machine import GUESTS, ROOT

DOCUMENT = ROOT / "docs/performance.md"
WAYS = ["uart", "dbcn", "virtio"]
SIZES = [16, 80, 256, 4096]
AIM = 25.0 # of lines, by a way that takes them whole
AIMED_AT = 80


def measure():
    """{(way, size): instructions a character}"""
    log = measured_machine.run_vms({"guest": (GUESTS / "console_cost.img",
                                              {"memory": "16M", "virtio-console": "yes"})})
    found = {(way, int(size)): float(value)
             for way, size, value in re.findall(r"^figure (\w+) (\d+) (\S+)$", log, re.M)}
    if "console_cost: ends" not in log or len(found) != len(WAYS) * len(SIZES):
        raise RuntimeError(f"the guest has not measured all:\n{log[-2000:]}")
    return found


def table(found):
    rows = []
    for size in SIZES:
        aimed = size >= AIMED_AT
        met = all(found[way, size] <= AIM for way in WAYS[1:])
        rows.append([f"{size:,} characters at a time", *(f"**{found[way, size]:.1f}**" for way in WAYS),
                     f"{AIM:.0f}" if aimed else "-", "" if not aimed else "met" if met else "missed"])
    return document.table(["instructions a character", "UART", "SBI DBCN", "virtio-console", "aim of the last two", ""],
                          rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "guest_console_cost")
    text = table(measure())
    if options.print:
        print(text)
    else:
        document.rewrite(DOCUMENT, {"console": text})


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_console.py: {error}")
