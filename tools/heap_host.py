# SPDX-License-Identifier: MIT
"""Measures allocators on the host: the C library's, those that LD_PRELOAD puts in its place, and
this project's, each in processes of its own (tests/bench/host_driver.cpp).

Instructions come from callgrind, which runs the program on a processor of its own making: the same
figures however busy the host is. Times are paired: every round runs each allocator once, and what
counts is the ratio to glibc in the same round.
"""
import os
import re
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from measured_machine import ROOT

BUILD = ROOT / "build/release"
SIZES = ["lifo", "small", "medium", "wide", "pages"]
CALLS = ["lines", "news", "sized"] # of small sizes, by what they are asked for with
TRACES = ["small", "medium", "wide", "shift", "pages"]
LIFETIMES = ["lognormal-48", "lognormal-512", "loguniform"] # tests/bench/lifetimes.hpp
REFERENCE = "glibc" # what ratios are to
# Of an allocator that does nothing (tests/bench/measured_allocator.hpp): call, mov, ret; call, ret.
INSTRUCTIONS_OF_NULL = 5
LIBRARIES = {"tcmalloc": "libtcmalloc_minimal.so.4", "jemalloc": "libjemalloc.so.2",
             "mimalloc": "libmimalloc.so.[0-9]*"}
OURS = "libcairn_malloc.so"


@dataclass(frozen=True)
class Case:
    """An allocator: what it is called, and how the program is started that calls it."""
    name: str
    program: str
    allocator: str
    preload: Path | None = None

    def command(self, mode, *arguments):
        return [BUILD / "bench" / self.program, mode, self.allocator, *map(str, arguments)]

    def environment(self):
        return os.environ | ({"LD_PRELOAD": str(self.preload)} if self.preload else {})


def run(case, mode, *arguments, prefix=(), timeout=600):
    done = subprocess.run([*prefix, *case.command(mode, *arguments)], env=case.environment(),
                          text=True, capture_output=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        words = " ".join(map(str, arguments))
        raise RuntimeError(f"{case.name}, {mode} {words}: status {done.returncode}\n"
                           f"{done.stdout[-500:]}{done.stderr[-1500:]}")
    return done


def figures(case, *arguments, **options):
    found = re.findall(r"^figure (\S+) (\S+)$", run(case, *arguments, **options).stdout, re.M)
    return {name: float(value) for name, value in found}


def library(pattern):
    """The file that the dynamic linker would take, or None."""
    found = [path for folder in ("/usr/lib", "/lib") for path in Path(folder).glob(f"*/{pattern}")]
    return min(found, key=lambda path: len(path.name), default=None)


def malloc_cases(only):
    """glibc first, then what stands in for it; ours, where it is built. `only`: names, or none."""
    cases = [Case(REFERENCE, "heap_malloc", "malloc")]
    for name, pattern in LIBRARIES.items():
        if only and name not in only:
            continue
        path = library(pattern)
        if path is None:
            raise RuntimeError(f"no {pattern} below /usr/lib: {name} is not installed")
        cases.append(Case(name, "heap_malloc", "malloc", path))
    cases += [Case("Cairn", "heap_malloc", "malloc", path) for path in sorted(BUILD.rglob(OURS))
              if not only or "Cairn" in only]
    return cases


def direct_cases(only):
    """This project's, called without malloc; the program knows which there are."""
    names = run(Case("", "heap_direct", "null"), "list").stdout.split()
    return [Case(name, "heap_direct", name) for name in names
            if name != "null" and (not only or name in only)]


def check_preloads(cases):
    """A library that was not taken would be measured as glibc."""
    for case in cases:
        if case.preload is None:
            continue
        file = run(case, "file").stdout.split()[-1]
        if Path(file).resolve() != case.preload.resolve():
            raise RuntimeError(f"{case.name}: malloc is in {file}, not in {case.preload}")


def counted(case, sizes, steps):
    """Instructions inside measured_churn, per step."""
    prefix = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
              "--toggle-collect=measured_churn"]
    done = run(case, "churn", sizes, steps, prefix=prefix)
    found = re.search(r"Collected : (\d+)", done.stderr)
    taken = re.search(r"^figure steps (\d+)", done.stdout, re.M)
    if taken and int(taken[1]) == 0: # it has no such calls
        return None
    if not found or not taken or int(found[1]) < int(taken[1]):
        raise RuntimeError(f"callgrind counted nothing:\n{done.stderr[-1500:]}")
    return int(found[1]) / int(taken[1])


def in_parallel(progress, what, function, cases, columns):
    """{case's name: {column: function(case, column)}}, one at a time for each processor."""
    results = {case.name: {} for case in cases}

    def one(job):
        case, column = job
        value = function(case, column)
        progress(f"{what}: {case.name}, {column}")
        return case, column, value

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, column, value in pool.map(one, [(c, w) for c in cases for w in columns]):
            results[case.name][column] = value
    return results


def pairs(progress, cases, steps):
    """Instructions per pair of malloc and free, call and return included."""
    program = cases[0].program
    null = Case("no allocator", program, "null")
    raw = in_parallel(progress, "instructions", lambda case, sizes: counted(case, sizes, steps),
                      [null, *cases], [*SIZES, *CALLS])
    loop = raw.pop(null.name)
    return {name: {sizes: (value - loop[sizes]) * 2 + INSTRUCTIONS_OF_NULL
                   for sizes, value in line.items() if value is not None}
            for name, line in raw.items()}


def paired(progress, what, mode, cases, columns, steps, rounds):
    """{column: {case's name: [figures of each round]}}; a round runs every case once."""
    measured = {column: {case.name: [] for case in cases} for column in columns}
    for column, lines in measured.items():
        for _ in range(rounds):
            for case in cases:
                lines[case.name].append(figures(case, mode, column, steps))
        progress(f"{what}: {column}, {rounds} rounds")
    return measured


def times(progress, cases, steps, rounds):
    """{case's name: {sizes: time over glibc's}}, the median of the rounds' ratios."""
    ratios = {case.name: {} for case in cases}
    for sizes, lines in paired(progress, "time", "time", cases, SIZES, steps, rounds).items():
        reference = [found["nanoseconds"] for found in lines[cases[0].name]]
        for name, line in lines.items():
            ratios[name][sizes] = statistics.median(
                found["nanoseconds"] / other for found, other in zip(line, reference))
    return ratios


def threads(progress, cases, steps, rounds):
    """{case's name: {sizes: best time of two threads over best time of one}}."""
    ratios = {case.name: {} for case in cases}
    columns = ["small", "medium"]
    for sizes, lines in paired(progress, "threads", "threads", cases, columns, steps,
                               rounds).items():
        for name, line in lines.items():
            best = {kind: min(found[kind] for found in line) for kind in line[0]}
            ratios[name][sizes] = best["two-threads"] / best["one-thread"]
    return ratios


def fills(progress, cases):
    """Percent of a region that live when the first request fails."""
    def one(case, trace):
        found = figures(case, "fill", trace)
        return found["live"] * 100 / found["region"]
    return in_parallel(progress, "filled region", one, cases, [*TRACES, *LIFETIMES])


def peaks(progress, cases):
    """Bytes by which the process grew over bytes that live."""
    def one(case, trace):
        found = figures(case, "peak", trace)
        return found["grown"] / found["live"]
    return in_parallel(progress, "peak memory", one, cases, TRACES)
