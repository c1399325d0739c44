#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the documents quote, programs print and files say. Usage: quotes.py FOLDER-OF-PROGRAMS

A quotation is a block below a comment that says where it is from:

    <!-- printed by: classic_trace first -->      <!-- from: lib/heap/classic_fit.hpp -->
    ```text                                       ```cpp

Of what is printed, a line [...] stands for lines that are left out. A file's lines stand there as
they are quoted, but for their indentation.
"""
import re
import subprocess
import sys
from pathlib import Path

import tree

QUOTATION = re.compile(r"^<!-- (printed by|from): (\S+)(.*?) -->\n```\w+\n(.*?)^```$", re.M | re.S)
GAP = "[...]\n"


def printed(program, arguments):
    done = subprocess.run([program, *arguments], text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return done.stdout


def agrees(quoted, output):
    """Whether `quoted`, whole lines, is `output` but for its gaps."""
    pieces = [re.escape(piece) for piece in quoted.split(GAP)]
    return re.fullmatch("(?:.*\n)*".join(pieces), output) is not None


def stripped(text):
    return "".join(line.strip() + "\n" for line in text.splitlines())


def check(kind, source, arguments, quoted, folder):
    """What is wrong with a quotation, if anything."""
    if kind == "from":
        return "" if stripped(quoted) in stripped((tree.ROOT / source).read_text()) else \
            f"{source} says something else"
    output = printed(folder / source, arguments.split())
    return "" if agrees(quoted, output) else f"{source}{arguments} prints\n{output}"


def main():
    folder = Path(sys.argv[1])
    violations, count = [], 0
    for name in tree.files(".md", below="docs"):
        text = (tree.ROOT / name).read_text()
        found = list(QUOTATION.finditer(text))
        count += len(found)
        if len(found) != len(re.findall("<!-- (?:printed by|from):", text)):
            violations.append(f"{name}: a comment without the block that it announces")
        for match in found:
            wrong = check(*match.groups(), folder)
            if wrong:
                violations.append(f"{name}:{text[:match.start()].count(chr(10)) + 1}: {wrong}")
    if count == 0:
        violations.append("no quotation found")
    tree.finish(violations, "quotes")


if __name__ == "__main__":
    main()
