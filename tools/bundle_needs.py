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

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
DEFAULT_MEMORY = 256 << 20 # of vm.conf


def keys_of(text):
    """{key: value} of the lines of a vm.conf, as far as they are `key = value`."""
    lines = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def number_of(value, units):
    """A number with a unit of `units`; None where it is none."""
    match = re.fullmatch(r"(\d+)([A-Z]?)", value, re.ASCII)
    return int(match[1]) * units[match[2]] if match and match[2] in units else None


def needs_of(configs):
    """(harts, MiB) for the texts of vm.conf files."""
    vms = [keys_of(text) for text in configs]
    cpus = [number_of(keys.get("cpus", ""), {"": 1}) or 1 for keys in vms]
    memory = sum(number_of(keys.get("memory", ""), UNITS) or DEFAULT_MEMORY for keys in vms)
    return max(min(2, sum(cpus)), *cpus, 1), memory + (1 << 20) - 1 >> 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    texts = [path.read_text(errors="replace") for path in sorted(folder.glob("*/vm.conf"))]
    harts, mebibytes = needs_of(texts)
    print(harts, mebibytes)


if __name__ == "__main__":
    main()
