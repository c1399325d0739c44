#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the documents quote, programs print and files say, and the numbers that the documents take
from the code. Usage: quotes.py FOLDER-OF-PROGRAMS

A quotation is a block below a comment that says where it is from:

    <!-- printed by: classic_trace first -->      <!-- from: lib/cairn/classic_heap.hpp -->
    ```text                                       ```cpp

Of what is printed, a line [...] stands for lines that are left out. A file's lines stand there as
they are quoted, but for their indentation.

Numbers stand in one comment of a document, a row each: words of the document with one number among
them, a file, and a piece of the file with # where it has the number:

    <!-- numbers of the code:
    at least 8 MiB | kernel/bundle/vm_config.hpp | min_memory = #;
    -->
"""
import re
import subprocess
import sys
from pathlib import Path

import tree

QUOTATION = re.compile(r"^<!-- (printed by|from): (\S+)(.*?) -->\n```\w+\n(.*?)^```$", re.M | re.S)
GAP = "[...]\n"

NUMBERS = re.compile(r"^<!-- numbers of the code:\n(.*?)^-->$", re.M | re.S)
NUMBER = re.compile(r"\b(0x[\da-f_]+|\d[\d,]*(?! [KM]iB)\b|\d+ [KM]iB|(?:two|three|four|eight)\b)", re.I)
WORDS = {"two": 2, "three": 3, "four": 4, "eight": 8}
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}


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


def number_in(words):
    """The one number among `words`: 46,080 or 0x8020_0000 or 8 MiB or eight."""
    text, = NUMBER.findall(words)
    digits, _, unit = text.replace(",", "").partition(" ")
    return WORDS.get(text.lower()) or int(digits, 0) * UNITS.get(unit, 1)


def number_at(source, piece):
    """What stands for the # of `piece` in the file: an expression of integers."""
    before, after = map(re.escape, piece.split("#"))
    (found,) = re.findall(f"{before}([^;\n]*?){after}", (tree.ROOT / source).read_text())
    plain = re.sub(r"std::\w+\{(\w+)\}", r"\1", found.replace("'", "").replace("\\x", "0x"))
    plain = re.sub(r"\b(0x[\da-f]+|\d+)u?l{0,2}\b", r"\1", plain, flags=re.I)
    plain = re.sub(r"\b(\d+)M\b", r"(\1 << 20)", plain) # a linker script's
    if not re.fullmatch(r"[\da-fx\s*+<()]+", plain):
        raise ValueError(found)
    return eval(plain)  # pylint: disable=eval-used


def check_number(text, row):
    """What is wrong with a row of numbers, if anything. `text`: the document without its comments."""
    words, source, piece = (part.strip() for part in row.split("|", 2))
    if " ".join(words.split()) not in text:
        return f"the document does not say: {words}"
    try:
        said, is_so = number_in(words), number_at(source, piece)
    except (OSError, ValueError) as error:
        return f"no number to compare: {row} ({error})"
    return "" if said == is_so else f"{words}: {source} says {is_so}"


def check_numbers(text):
    """One sentence for each row of a document's numbers; empty where it holds."""
    plain = " ".join(re.sub(r"<!--.*?-->", "", text, flags=re.S).split())
    return [check_number(plain, row) for rows in NUMBERS.findall(text) for row in rows.splitlines()]


def main():
    folder = Path(sys.argv[1])
    violations, count, numbers = [], 0, 0
    for name in tree.files(".md"):
        text = (tree.ROOT / name).read_text()
        rows = check_numbers(text)
        numbers += len(rows)
        violations += [f"{name}: {wrong}" for wrong in rows if wrong]
        found = list(QUOTATION.finditer(text))
        count += len(found)
        if len(found) != len(re.findall("<!-- (?:printed by|from):", text)):
            violations.append(f"{name}: a comment without the block that it announces")
        for match in found:
            wrong = check(*match.groups(), folder)
            if wrong:
                violations.append(f"{name}:{text[:match.start()].count(chr(10)) + 1}: {wrong}")
    if count == 0 or numbers == 0:
        violations.append(f"{count} quotations and {numbers} numbers found")
    tree.finish(violations, "quotes")


if __name__ == "__main__":
    main()
