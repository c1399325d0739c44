#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what a machine for the VMs of a folder needs: its harts, and the MiB of all VMs.

A hart for each vCPU of the VM that has most, and two where there are several vCPUs: VMs share harts.
Memory is counted for templates too, which may be started later. A vm.conf that is wrong is Cairn's
to explain; here its values count as not set.
"""
import argparse
import re
from pathlib import Path

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
DEFAULT_MEMORY = 256 << 20 # of vm.conf
MOST_CPUS = 32


def keys_of(text):
    """{key: value} of the lines of a vm.conf, as far as they are `key = value`."""
    lines = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def number_of(value, units):
    """A number with a unit of `units`, as Cairn reads it: 512M, 0x200 MiB; None where it is none."""
    match = re.fullmatch(r"(0x[0-9a-f]+|\d+) *(?:([KMGT])(?:IB)?)?", value, re.ASCII | re.IGNORECASE)
    if not match or (unit := (match[2] or "").upper()) not in units:
        return None
    return int(match[1], 16 if match[1][:2].lower() == "0x" else 10) * units[unit]


def memory_of(keys):
    return number_of(keys.get("memory", ""), UNITS) or DEFAULT_MEMORY


def needs_of(configs):
    """(harts, MiB) for the texts of vm.conf files."""
    vms = [keys_of(text) for text in configs]
    cpus = [number_of(keys.get("cpus", ""), {"": 1}) or 1 for keys in vms]
    cpus = [each if each <= MOST_CPUS else 1 for each in cpus]
    memory = sum(map(memory_of, vms))
    return max(min(2, sum(cpus)), *cpus, 1), memory + (1 << 20) - 1 >> 20


def largest_of(configs):
    """Where in {name of a vm.conf: its text} most memory is asked for, and how much."""
    name, text = max(configs.items(), key=lambda each: memory_of(keys_of(each[1])))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "memory" in keys_of(line)]
    place = f"{name}:{lines[-1]}" if lines else name
    return f"{place}: memory = {keys_of(text).get('memory', f'{DEFAULT_MEMORY >> 20}M')}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", action="store_true", help="print instead which VM has most memory")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    configs = {f"{path.parent.name}/vm.conf": path.read_text(errors="replace")
               for path in sorted(options.folder.glob("*/vm.conf"))}
    if options.largest:
        print(largest_of(configs))
    else:
        print(*needs_of(configs.values()))


if __name__ == "__main__":
    main()
