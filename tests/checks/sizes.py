#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sizes by which the tree stays readable: fails above the hard limits, lists above the soft ones."""
import re

import tree

FILE_SOFT, FILE_HARD = 300, 500
FUNCTION_SOFT = 40
BUDGET = 12000 # lines of lib and kernel without their tests

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


def main():
    violations, total = [], 0
    for name in tree.files(".hpp", ".cpp", ".S", ".py", ".sh", ".ld", ".cmake"):
        count = len(tree.lines(name))
        if name.parts[0] in ("lib", "kernel") and not is_test(name):
            total += count
        if count > FILE_HARD:
            violations.append(f"{name}: {count} lines, more than {FILE_HARD}")
        elif count > FILE_SOFT:
            print(f"(note) {name}: {count} lines, more than {FILE_SOFT}")
        if name.suffix in (".hpp", ".cpp") and not is_test(name):
            for long in long_functions(name):
                print(f"(note) {long}")
    print(f"(note) lib and kernel: {total} lines; the budget to feel the size by is {BUDGET}")
    tree.finish(violations, "sizes")


if __name__ == "__main__":
    main()
