#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""clang-format leaves every C++ file as it is, and every source file starts as style asks."""
import subprocess

import tree

SPDX = "SPDX-License-Identifier: MIT"


def unformatted():
    names = [str(name) for name in tree.files(".hpp", ".cpp")]
    result = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *names], cwd=tree.ROOT,
                            text=True, capture_output=True, check=False)
    return [line for line in result.stderr.splitlines() if "error:" in line]


def first_lines(name):
    start = tree.lines(name)[:3]
    if not any(SPDX in line for line in start[:2]):
        yield f"{name}:1: the first line says // {SPDX}"
    if name.suffix == ".hpp" and "#pragma once" not in tree.lines(name):
        yield f"{name}:1: no #pragma once"


def whitespace(name):
    for number, line in enumerate(tree.lines(name), 1):
        if line != line.rstrip():
            yield f"{name}:{number}: blanks at the end of the line"


def main():
    violations = unformatted()
    for name in tree.files(".hpp", ".cpp", ".S", ".py", ".sh"):
        violations += [*first_lines(name), *whitespace(name)]
    tree.finish(violations, "format")


if __name__ == "__main__":
    main()
