# SPDX-License-Identifier: MIT
"""Measures this project's allocators on the target: tests/guests/heap.cpp on the bare machine, for
harts with and without Zbb; and how large their code is.
"""
import os
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kernel_size
import measured_machine
from measured_machine import ROOT

# Presets by the name of the hart.
MACHINES = {"rv64imac": "target", "with Zbb": "target-zbb"}
# Of an allocator that does nothing (tests/bench/measured_allocator.hpp): per pair, and per call.
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
    """Raw counts: {(allocator, sizes): instructions per step}."""
    return {(name, sizes): int(count) / int(steps)
            for name, sizes, steps, count in re.findall(r"^churn (\S+) (\S+) (\d+) (\d+)$", log,
                                                        re.M)}


def worsts(log):
    """{kind: {allocator: (dearest allocate, dearest free)}} in raw counts. Kinds: churn and fill,
    without alignment; and aligned, of both."""
    found = {kind: defaultdict(lambda: (0, 0)) for kind in ("churn", "fill", "aligned")}
    for name, kind, trace, *counts in re.findall(
            r"^worst (\S+) (\w+)-(\S+) (\d+) (\d+)$", log, re.M):
        lines = found["aligned" if trace == "pages" else kind]
        lines[name] = tuple(map(max, lines[name], map(int, counts)))
    return found


def loops(log):
    """Instructions of the allocator per round: {loop: figure}."""
    raw = {name: (base, int(count))
           for name, base, count in re.findall(r"^loop (\S+) (\S+) (\d+)$", log, re.M)}
    # The calls of a loop that calls nothing else count too; what is inlined has none.
    return {name: (count - raw[base][1]) / ROUNDS_OF_LOOP
                  + (INSTRUCTIONS_OF_NULL_CALL if base == "call" else 0)
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
            pairs[name][sizes] = (count - raw["null", sizes]) * 2 + INSTRUCTIONS_OF_NULL
    worst = worsts(log)
    null = worst["churn"]["null"]
    dearest = {kind: {name: tuple(value - base + INSTRUCTIONS_OF_NULL_CALL
                                  for value, base in zip(calls, null))
                      for name, calls in lines.items() if name != "null"}
               for kind, lines in worst.items()}
    return dict(pairs), dearest, loops(log)


# --- how large it is -----------------------------------------------------------------------------

HEAP = "lib/cairn/heap"
# By the file's name; what is not named here is a policy, an adapter or a wrapper that a program may
# use beside the default heap.
DEFAULT_HEAP = ["bump_arena", "layout", "size_bins", "page_heap", "tlsf_arena", "tlsf_store",
                "slab_store", "heap_core", "heap_core_apart", "heap_cache", "heap_cache_slow", "heap_cache_places",
                "heap_cache_control",
                "heap_nothing", "heap_statistics", "heap_fault", "global_heap", "new"]
IN_PUBLIC_HEADERS = [*DEFAULT_HEAP, "bump_allocator"] # not in HEAP, but of it
SYMBOL = re.compile(r"^\S+ (\S+) [TtWw] (.*)$")


def _object_sizes(preset):
    """Code of the default heap's objects by file."""
    sizes, seen = {}, set()
    tool = kernel_size.tool("llvm-nm")
    for name in DEFAULT_HEAP:
        source = next((ROOT / HEAP).rglob(f"{name}.cpp"), None)
        if not source: # the object may be of another time
            continue
        for path in (ROOT / "build" / preset / "lib").rglob(f"{source.relative_to(ROOT / 'lib')}.obj"):
            text = kernel_size.output(tool, "-S", "-C", "--no-llvm-bc", "--defined-only", path)
            symbols = {match[2]: int(match[1], 16)
                       for match in map(SYMBOL.match, text.splitlines())
                       if match and match[2] not in seen}
            seen |= symbols.keys()
            sizes[name] = sum(symbols.values())
    return sizes


def code_sizes(preset="target"):
    """{file: (bytes in its object, bytes that the hypervisor is linked with)} of the default heap.

    What a header defines counts as the file's of the same name, or as new.cpp's."""
    objects, linked = _object_sizes(preset), defaultdict(int)
    for path, size in kernel_size.functions():
        name = Path(path).stem
        if path.endswith(".cpp") and name not in objects:
            continue # a wrapper's, or the containers'
        if path.startswith(f"{HEAP}/") or name in IN_PUBLIC_HEADERS:
            linked[name if name in objects else "new"] += size
    return {name: (size, linked[name]) for name, size in objects.items()}
