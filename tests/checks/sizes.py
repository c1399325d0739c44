#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sizes by which the tree stays readable: fails above the hard limits and the folders' budgets, lists
above the soft limits. `sizes.py --folders` prints what the budgets are compared with."""
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
    "kernel/arch": (8, 150, 10),
    "kernel/arch/devices": (14, 1010, 5),
    "kernel/arch/firmware": (11, 600, 5),
    "kernel/arch/guest": (16, 1250, 10),
    "kernel/arch/isa": (27, 1950, 10),
    "kernel/arch/start": (13, 450, 5),
    "kernel/bundle": (23, 2030, 26),
    "kernel/dev": (34, 1850, 20),
    "kernel/dev/net": (11, 960, 20),
    "kernel/dev/virtio": (43, 4150, 32),
    "kernel/dev/virtio/queue": (16, 960, 18),
    "kernel/exit": (25, 1420, 116),
    "kernel/exit/sbi": (32, 1100, 108),
    "kernel/host/boot": (20, 1400, 44),
    "kernel/host/cpu": (18, 850, 65),
    "kernel/host/disks": (12, 975, 30),
    "kernel/host/drivers": (24, 1450, 35),
    "kernel/host/memory": (25, 1660, 60),
    "kernel/host/reports": (12, 450, 40),
    "kernel/host/virtio": (26, 2200, 56),
    "kernel/manager": (32, 3025, 257),
    "kernel/manager/commands": (39, 3050, 245),
    "kernel/manager/console": (10, 645, 60),
    "kernel/manager/cores": (9, 760, 190),
    "kernel/manager/gdb": (19, 1720, 230),
    "kernel/manager/monitor": (19, 1295, 253),
    "kernel/sched": (25, 1500, 117),
    "kernel/uefi": (30, 2000, 40),
    "kernel/vm": (24, 1330, 134),
    "kernel/vm/virtio": (29, 1535, 139),
    "kernel/vm/exits": (18, 650, 107),
    "kernel/vm/memory": (29, 2050, 64),
    "kernel/vm/vcpu": (33, 1800, 109),
    "lib": (1, 60, 1),
    "lib/cairn": (50, 6190, 25),
    "lib/cairn/base": (18, 650, 6),
    "lib/cairn/binary": (15, 1400, 10),
    "lib/cairn/container": (18, 450, 12),
    "lib/cairn/container/map": (15, 850, 15),
    "lib/cairn/container/string": (12, 700, 18),
    "lib/cairn/container/vector": (18, 950, 18),
    "lib/cairn/heap": (25, 1000, 34),
    "lib/cairn/heap/general": (26, 2375, 31),
    "lib/cairn/heap/store": (20, 2500, 20),
    "lib/cairn/heap/wrapper": (29, 1150, 16),
    "lib/cairn/hosted": (14, 300, 5),
    "lib/cairn/malloc": (20, 1600, 42),
    "lib/cairn/text": (20, 1400, 12),
}
SUFFIXES = (".hpp", ".cpp", ".S", ".h", ".ld")

# A block that is no function body: clang-format puts its { at the end of such a line.
NO_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|template|constexpr std::array"
                         r"|static_assert|TEST_CASE|TEMPLATE_TEST_CASE)\b|=\s*\{$|=$")


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


def folders():
    """{folder: (files, lines, headers)} of lib and kernel, as in BUDGETS."""
    found = {}
    for name in tree.files(*SUFFIXES):
        if name.parts[0] not in ("lib", "kernel"):
            continue
        files, lines, headers = found.get(str(name.parent), (0, 0, 0))
        if not tree.is_test(name):
            lines += len(tree.lines(name))
            headers = max(headers, len(tree.headers_reached(name)))
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
            print(f"{folder:26} {sizes[0]:4} files {sizes[1]:6} lines {sizes[2]:4} headers reached")
        return
    violations = list(beyond_budget())
    for name in tree.files(".hpp", ".cpp", ".S", ".py", ".sh", ".ld", ".cmake"):
        count = len(tree.lines(name))
        if count > FILE_HARD:
            violations.append(f"{name}: {count} lines, more than {FILE_HARD}")
        elif count > FILE_SOFT:
            print(f"(note) {name}: {count} lines, more than {FILE_SOFT}")
        if name.suffix in (".hpp", ".cpp") and not tree.is_test(name):
            for long in long_functions(name):
                print(f"(note) {long}")
    tree.finish(violations, "sizes")


if __name__ == "__main__":
    main()
