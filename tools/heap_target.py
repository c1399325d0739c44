# SPDX-License-Identifier: MIT
"""Measures this project's allocators on the target: tests/guests/heap.cpp on the bare machine, for
harts with and without Zbb; and how large their code is.
"""
import os
import re
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import kernel_size
import measured_machine
from measured_machine import ROOT

# Presets by the name of the hart.
MACHINES = {"rv64imac": "target", "with Zbb": "target-zbb"}
# Of an allocator that does nothing (tests/bench/allocator.hpp): per pair, and per call.
INSTRUCTIONS_OF_NULL, INSTRUCTIONS_OF_NULL_CALL = 4, 2
ROUNDS_OF_LOOP = 10_000


def run(preset, steps, allocator):
    image = ROOT / "build" / preset / "guests/heap.img"
    log = measured_machine.run_bare(image, append=f"{steps} {allocator}", memory="1G")
    if "heap: end" not in log:
        raise RuntimeError(f"the guest did not end:\n{log[-2000:]}")
    return log


def allocators(machine):
    """The names of those that the guest has."""
    names = re.findall(r"^allocator (\S+)$", run(MACHINES[machine], 1, "list"), re.M)
    return [name for name in names if name != "null"]


def churns(log):
    """Raw counts: {(allocator, sizes): instructions}."""
    return {(name, sizes): int(count)
            for name, sizes, count in re.findall(r"^churn (\S+) (\S+) (\d+)$", log, re.M)}


def worsts(log):
    """{allocator: (dearest allocate, dearest free)} over all traces, in raw counts."""
    found = defaultdict(lambda: (0, 0))
    for name, allocate, free in re.findall(r"^worst (\S+) \S+ (\d+) (\d+)$", log, re.M):
        found[name] = max(found[name][0], int(allocate)), max(found[name][1], int(free))
    return dict(found)


def loops(log):
    """Instructions of the allocator per round: {loop: figure}."""
    raw = {name: (base, int(count))
           for name, base, count in re.findall(r"^loop (\S+) (\S+) (\d+)$", log, re.M)}
    return {name: (count - raw[base][1]) / ROUNDS_OF_LOOP
            for name, (base, count) in raw.items() if base != "-"}


def measure(progress, machine, steps, names):
    """(pairs {allocator: {sizes: figure}}, worst calls, loops) of one machine."""
    def one(allocator):
        log = run(MACHINES[machine], steps, allocator)
        progress(f"target {machine}: {allocator}")
        return log

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        log = "".join(pool.map(one, ["null", "loops", *names]))
    raw, pairs = churns(log), defaultdict(dict)
    for (name, sizes), count in raw.items():
        if name != "null":
            pairs[name][sizes] = (count - raw["null", sizes]) * 2 / steps + INSTRUCTIONS_OF_NULL
    worst = worsts(log)
    null = worst.pop("null")
    dearest = {name: tuple(value - base + INSTRUCTIONS_OF_NULL_CALL
                           for value, base in zip(calls, null)) for name, calls in worst.items()}
    return dict(pairs), dearest, loops(log)


# --- how large it is -----------------------------------------------------------------------------

# By the file's name; what is not named here is a policy, an adapter or a wrapper that a program may
# use beside the default heap.
DEFAULT_HEAP = ["bump_arena", "layout", "page_heap", "tlsf_arena", "slab", "heap_core",
                "heap_cache", "heap", "global_heap", "new"]
SYMBOL = re.compile(r"^\S+ (\S+) [TtWwVv] (.*)$")


def _symbols(preset, name):
    """Sizes of an object's functions by name, where there is such an object."""
    objects = [path for path in (ROOT / "build" / preset / "lib").rglob(f"heap/{name}.cpp.obj")]
    if not objects:
        return {}
    command = [kernel_size.tool("llvm-nm"), "-S", "-C", "--defined-only", objects[0]]
    text = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    return {match[2]: int(match[1], 16) for match in map(SYMBOL.match, text.splitlines()) if match}


def code_sizes(preset="target"):
    """{file: bytes of code} of the default heap, without what only unchecked heaps need."""
    sizes, seen = {}, set()
    for name in DEFAULT_HEAP:
        symbols = {symbol: size for symbol, size in _symbols(preset, name).items()
                   if symbol not in seen and "(cairn::Checks)0" not in symbol}
        seen |= symbols.keys()
        if symbols:
            sizes[name] = sum(symbols.values())
    return sizes
