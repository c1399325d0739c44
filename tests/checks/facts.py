# SPDX-License-Identifier: MIT
"""Reads the tables of constants out of kernel/arch's headers, as the compiler would see them."""
import re

from tree import ROOT

ROW = re.compile(r"X\(\s*(\w+),\s*(-?\w+),\s*\"((?:[^\"\\]|\\.)*)\"\s*\)", re.S)


def text(header):
    return (ROOT / header).read_text()


def rows(header, macro):
    """The rows X(name, number, title) of `#define macro(X)` as {name: number}."""
    start = re.search(rf"#define {macro}\(X\)", text(header))
    body = []
    for line in text(header)[start.end():].split("\n"):
        body.append(line.rstrip("\\"))
        if not line.endswith("\\"):
            break
    body = "\n".join(body)
    found = ROW.findall(body)
    if not found or len(found) != body.count("X("):
        raise SystemExit(f"{header}: cannot read the rows of {macro}")
    numbers = {name: int(number, 0) for name, number, _ in found}
    if len(numbers) != len(found):
        raise SystemExit(f"{header}: {macro} has two rows of one name")
    return numbers


def fields(header):
    """The fields `using NAME = Field<hi, lo>` or `Bit<n>` of structs, {"Struct.NAME": mask}."""
    masks = {}
    struct = None
    for line in text(header).splitlines():
        if opened := re.match(r"struct (\w+) \{", line):
            struct = opened[1]
        elif found := re.match(r"\s+using (\w+) = (?:Field<(\d+), (\d+).*>|Bit<(\d+)>);", line):
            name, high, low, single = found.groups()
            high, low = (int(single), int(single)) if single else (int(high), int(low))
            masks[f"{struct}.{name}"] = ((1 << (high - low + 1)) - 1) << low
    return masks
