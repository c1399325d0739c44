#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the heap beside others and writes its tables and plots: one command, no options needed.

Installs what is missing (valgrind, and the allocators to compare with), builds, and rewrites the
heap's part of docs/performance.md and docs/heap_*.svg. Takes a few minutes, and says what it does.
"""
import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import document
import heap_host
import heap_report
import heap_target
from measured_machine import ROOT

DOCUMENT = ROOT / "docs/performance.md"
SCRIPTS = ROOT / "tools"


class Progress:
    """A line for each thing that is done, with the time since the start."""

    def __init__(self):
        self.start = time.monotonic()

    def __call__(self, words):
        print(f"[{time.monotonic() - self.start:5.0f} s] {words}", file=sys.stderr, flush=True)


def install(only):
    """What is missing. Others are there to compare with, unless certain ones are asked for."""
    lists = ["run", "emulate", "test", *([] if only else ["measure"])]
    entries = " ".join(f'"${{packages_to_{name}[@]}}"' for name in lists)
    script = (f'. "{SCRIPTS}/common.sh"; . "{SCRIPTS}/packages.sh"; '
              f'require_packages "to measure the heap" {entries}')
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True)


def build(progress, preset, *targets):
    progress(f"building {', '.join(targets)} ({preset})")
    folder = ROOT / "build" / preset
    commands = [] if (folder / "build.ninja").exists() else [["cmake", "--preset", preset]]
    commands.append(["cmake", "--build", folder, "--target", *targets])
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"building failed:\n{done.stdout[-4000:]}")


def target_exists(preset, name):
    """Whether the build knows the target; what is not there yet is not measured."""
    text = subprocess.run(["cmake", "--build", ROOT / "build" / preset, "--target", "help"],
                          text=True, capture_output=True, check=True).stdout
    return re.search(rf"^{name}:", text, re.M) is not None


def measure_host(progress, options, results):
    build(progress, "release", "heap_malloc")
    if target_exists("release", "cairn_malloc"):
        build(progress, "release", "cairn_malloc")
    cases = heap_host.malloc_cases(options.only)
    heap_host.check_preloads(cases)
    results["host"] = heap_host.pairs(progress, cases, options.steps)
    results["time"] = heap_host.times(progress, cases, options.steps, options.rounds)
    results["threads"] = heap_host.threads(progress, cases, options.steps, options.rounds)
    results["peak"] = heap_host.peaks(progress, cases)


def measure_direct(progress, options, results):
    build(progress, "release", "heap_direct")
    cases = heap_host.direct_cases(options.only)
    results["direct"] = heap_host.pairs(progress, cases, options.steps)
    # The break frees nothing, so what it fills says nothing.
    results["fill"] = heap_host.fills(progress,
                                      [case for case in cases if "bump" not in case.name])


def measure_target(progress, options, results):
    for key in ("target", "worst", "loops"):
        results[key] = {}
    for machine in options.machines:
        build(progress, heap_target.MACHINES[machine], "guest_heap")
        names = [name for name in heap_target.allocators(machine)
                 if not options.only or name in options.only]
        found = heap_target.measure(progress, machine, options.steps // 2, names)
        for key, value in zip(("target", "worst", "loops"), found):
            results[key][machine] = value
    build(progress, "target", "hypervisor")
    results["size"] = heap_target.code_sizes()


PARTS = {"host": measure_host, "direct": measure_direct, "target": measure_target}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=DOCUMENT,
                        help="the document to rewrite; plots go beside it")
    parser.add_argument("--print", action="store_true", help="print the tables, write nothing")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS),
                        help="what to measure; the rest of the document stays as it is")
    parser.add_argument("--only", nargs="+", metavar="ALLOCATOR", help="these allocators")
    parser.add_argument("--machines", nargs="+", choices=heap_target.MACHINES,
                        default=list(heap_target.MACHINES), help="of the target")
    parser.add_argument("--steps", type=int, default=200_000, help="calls per measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of paired runs for times")
    return parser.parse_args()


def main():
    options, progress, results = parse(), Progress(), {}
    install(options.only)
    for part in options.parts:
        PARTS[part](progress, options, results)
    tables = heap_report.parts(results)
    if options.print:
        print("\n\n".join(tables.values()))
        return
    document.rewrite(options.output, tables)
    for name, picture in heap_report.plots(results).items():
        (options.output.parent / name).write_text(picture)
    progress(f"wrote {options.output}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_heap.py: {error}")
