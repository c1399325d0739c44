#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Nothing in the tree names the machine it was written on: no home folders, no private hosts."""
import re

import tree

SUFFIXES = ("", ".hpp", ".cpp", ".S", ".py", ".sh", ".md", ".txt", ".json", ".ld", ".cmake", ".dts")
PATTERNS = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:home|Users|work|root)/[\w.]"),
    "an address of one network": re.compile(
        r"(?<![\d.])(?:192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)\.\d+\.\d+"),
}


def main():
    violations = []
    for name in tree.files(*SUFFIXES):
        for number, line in enumerate(tree.lines(name), 1):
            for what, pattern in PATTERNS.items():
                if pattern.search(line):
                    violations.append(f"{name}:{number}: {what}: {line.strip()[:80]}")
    tree.finish(violations, "names")


if __name__ == "__main__":
    main()
