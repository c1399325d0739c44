#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sizes by which the tree stays readable: fails above the hard limits and the folders' budgets, lists
above the soft limits. `sizes.py --folders` prints what the budgets are compared with."""
import functools
import re
import sys

import tree

FILE_SOFT, FILE_HARD = 300, 500
FUNCTION_SOFT = 40

# What a folder may grow to without a thought: its files; the lines of them that are no unit tests; and
# the headers of this tree that one of those reaches by its includes. Who raises a number says why
# in the commit; who makes a folder smaller lowers its numbers.
BUDGETS = {
    "kernel": (5, 200, 80),
    "kernel/arch": (56, 4000, 10),
    "kernel/dev": (25, 1500, 15),
    "kernel/exit": (50, 2000, 65),
    "kernel/host": (75, 4500, 60),
    "kernel/manager": (15, 1000, 120),
    "kernel/uefi": (30, 2000, 35),
    "kernel/vm": (65, 4500, 60),
    "lib": (50, 3500, 15),
    "lib/container": (50, 4500, 40),
    "lib/fdt": (15, 1500, 10),
    "lib/heap": (120, 8500, 30),
    "lib/malloc": (10, 1000, 30),
}
SUFFIXES = (".hpp", ".cpp", ".S", ".h", ".ld")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')

# A block that is no function body: clang-format puts its { at the end of such a line.
NO_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|template|constexpr std::array"
                         r"|static_assert|TEST_CASE|TEMPLATE_TEST_CASE)\b|=\s*\{$|=$")


def is_test(name):
    return re.search(r"_test(_|$)", name.stem)


def long_functions(name):
    """Functions of more than FUNCTION_SOFT lines, going by the indentation of their braces."""
    begin = {}
    for number, line in enumerate(tree.lines(name), 1):
        indentation = len(line) - len(line.lstrip())
        if indentation > 4:
            continue
        if line.endswith("{"):
            begin[indentation] = None if NO_FUNCTION.search(line) else number
        elif line.strip() in ("}", "};") and begin.get(indentation):
            length = number - begin.pop(indentation) + 1
            if length > FUNCTION_SOFT:
                yield f"{name}:{number - length + 1}: a function of {length} lines"


@functools.cache
def includes(name):
    found = [match[1] for match in map(INCLUDE.match, tree.lines(name)) if match]
    return [each for each in found if (tree.ROOT / each).is_file()]


def headers_reached(name):
    reached, waiting = set(), [str(name)]
    while waiting:
        new = set(includes(waiting.pop())) - reached
        reached |= new
        waiting += new
    return len(reached)


def folders():
    """{folder: (files, lines, headers)} of lib and kernel, as in BUDGETS."""
    found = {}
    for name in tree.files(*SUFFIXES):
        if name.parts[0] not in ("lib", "kernel"):
            continue
        files, lines, headers = found.get(str(name.parent), (0, 0, 0))
        if not is_test(name):
            lines += len(tree.lines(name))
            headers = max(headers, headers_reached(name))
        found[str(name.parent)] = (files + 1, lines, headers)
    return found


def beyond_budget():
    for folder, sizes in folders().items():
        if folder not in BUDGETS:
            yield f"{folder}: a folder without a budget in tests/checks/sizes.py"
            continue
        for what, size, budget in zip(("files", "lines", "headers reached"), sizes, BUDGETS[folder]):
            if size > budget:
                yield f"{folder}: {size} {what}, more than its {budget}"


def main():
    if sys.argv[1:] == ["--folders"]:
        for folder, sizes in folders().items():
            print(f"{folder:16} {sizes[0]:4} files {sizes[1]:6} lines {sizes[2]:4} headers reached")
        return
    violations = list(beyond_budget())
    for name in tree.files(".hpp", ".cpp", ".S", ".py", ".sh", ".ld", ".cmake"):
        count = len(tree.lines(name))
        if count > FILE_HARD:
            violations.append(f"{name}: {count} lines, more than {FILE_HARD}")
        elif count > FILE_SOFT:
            print(f"(note) {name}: {count} lines, more than {FILE_SOFT}")
        if name.suffix in (".hpp", ".cpp") and not is_test(name):
            for long in long_functions(name):
                print(f"(note) {long}")
    tree.finish(violations, "sizes")


if __name__ == "__main__":
    main()
