#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says how large the kernel is, and which layer its code belongs to.

A function belongs to the folder of the file that its debug information names; what is inlined
counts where it went. Functions of libc++ and assembly, which have no such file or size, are a row
of their own.
"""
import argparse
import json
import re
import shutil
import subprocess
from collections import Counter

from measured_machine import HYPERVISOR, ROOT, build

LIMIT = 432 * 1024
LAYERS = ["lib", "kernel/arch", "kernel/host", "kernel/dev", "kernel/bundle", "kernel/vm",
          "kernel/exit", "kernel/sched", "kernel/manager", "kernel"]
OTHER = "libc++, assembly, padding"
SYMBOL = re.compile(r"(\S+) (\S+) [TtWw] \S+$")


def tool(name):
    for candidate in (f"{name}-19", f"{name}-20", f"{name}-21", name):
        if shutil.which(candidate):
            return candidate
    raise RuntimeError(f"{name} is not installed")


def output(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True, cwd=ROOT).stdout


def sections():
    """Sizes of the kernel's sections by name."""
    rows = re.findall(r"^(\.\S+)\s+(\d+)\s", output(tool("llvm-size"), "-A", HYPERVISOR), re.M)
    return {name: int(size) for name, size in rows}


def functions(elf=HYPERVISOR):
    """(root-relative file that it is defined in, or "", size) of every function of a program."""
    symbols = output(tool("llvm-nm"), "-S", "--defined-only", elf)
    matches = filter(None, map(SYMBOL.match, symbols.splitlines()))
    sizes = {int(match[1], 16): int(match[2], 16) for match in matches} # some have two names
    found = output(tool("llvm-symbolizer"), f"--obj={elf}", "--output-style=JSON", *map(hex, sizes))
    for entry in json.loads(found):
        frames = entry.get("Symbol") or [{}]
        path = frames[-1].get("StartFileName", "") # the last frame is the function itself
        # The build maps the tree's own path away, and the tool puts the build's folder in its place.
        # ccache with a base directory makes paths relative to that folder.
        path = re.sub(r"^(build/[^/]+/)?(\.\./\.\./)?", "", path.removeprefix(f"{ROOT}/"))
        yield path, sizes[int(entry["Address"], 16)]


def code_by_layer():
    sizes = Counter()
    for path, size in functions():
        parts = path.split("/")[:-1]
        folder = "/".join(parts[:1 if parts[:1] == ["lib"] else 2])
        sizes[folder if folder in LAYERS else OTHER] += size
    return sizes


def table():
    parts, layers = sections(), code_by_layer()
    code, constants = parts[".text"], parts.get(".rodata", 0)
    if not layers["lib"]:
        raise RuntimeError("the debug information of hypervisor.elf names no file of lib/")
    layers[OTHER] = code - sum(layers[layer] for layer in LAYERS)
    lines = ["| part | bytes |", "|---|--:|"]
    lines += [f"| code of {layer} | {layers[layer]:,} |" for layer in [*LAYERS, OTHER]]
    lines += [f"| code, all | {code:,} |", f"| constants | {constants:,} |",
              f"| **text** (code and constants; aim: {LIMIT:,}) | **{code + constants:,}** |",
              f"| data | {parts.get('.data', 0):,} |"]
    return "\n".join(lines)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    build("hypervisor")
    print(table())
