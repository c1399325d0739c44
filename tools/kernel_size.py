#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says how large the kernel is, and which layer its code belongs to.

A function belongs to the folder of the file that its debug information names; what is inlined
counts where it went. Functions of libc++ and assembly, which have no such file or size, are a row
of their own.
"""
import re
import shutil
import subprocess
from collections import Counter

from measured_machine import HYPERVISOR, ROOT, build

LIMIT = 120 * 1024
LAYERS = ["lib", "kernel/arch", "kernel/host", "kernel/dev", "kernel/vm", "kernel/exit",
          "kernel/manager", "kernel"]
OTHER = "libc++, assembly, padding"
SYMBOL = re.compile(r"\S+ (\S+) [TtWw] \S+(?:\s+(.*):\d+)?")


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


def layer_of(path):
    # The build maps the tree's own path away, and the tool puts the build's folder in its place.
    folder = path.removeprefix(f"{ROOT}/").removeprefix("build/target/").rpartition("/")[0]
    return folder if folder in LAYERS else OTHER


def code_by_layer():
    sizes, seen = Counter(), set()
    for line in output(tool("llvm-nm"), "-S", "-l", "--defined-only", HYPERVISOR).splitlines():
        symbol = SYMBOL.fullmatch(line)
        address = line.split(" ", 1)[0]
        if not symbol or address in seen: # constructors have two names
            continue
        seen.add(address)
        sizes[layer_of(symbol[2] or "")] += int(symbol[1], 16)
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
    build("hypervisor")
    print(table())
