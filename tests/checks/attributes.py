#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Attributes that shape code for a count (noinline, always_inline, cold) are there for a figure: a file
that has any says in a comment which.

    // Shaped for: "MMIO read, UART"; "SBI probe_extension".
    // Shaped for: kernel text.
    // Shaped for: no figure, since a crash has to stay one.

What is quoted stands in docs/performance.md, kernel text is the limit of tools/kernel_size.py.
"""
import re

import tree

DOCUMENT = "docs/performance.md"
ATTRIBUTE = re.compile(r"\[\[[^]]*\b(noinline|always_inline|cold|hot|flatten)\b")
COMMENT = re.compile(r"//.*")
REASON = re.compile(r"//.*\bShaped for: (.*?)\.$", re.M | re.S)
FIGURE = re.compile(r'"([^"]+)"|kernel text|no figure, \w.*')


def reasons(text):
    """What the file's comment says, an entry each; None without a comment."""
    match = REASON.search(text)
    return match and [word.strip() for word in re.sub(r"\s*\n\s*///?\s*", " ", match[1]).split(";")]


def check(name, text, figures):
    """What is wrong with the file, if anything."""
    shaped = ATTRIBUTE.search(COMMENT.sub("", text))
    said = reasons(text)
    if not shaped:
        return "says what it is shaped for, and has no such attribute" if said else ""
    if not said:
        return f"has {shaped[1]}, and no comment `Shaped for:` names the figure that it holds"
    for reason in said:
        match = FIGURE.fullmatch(reason)
        if not match:
            return f"'{reason}' is no figure in quotes, no `kernel text` and no `no figure, ...`"
        if match[1] and match[1] not in figures:
            return f"{DOCUMENT} does not say '{match[1]}'"
    return ""


def main():
    figures = (tree.ROOT / DOCUMENT).read_text()
    violations, count = [], 0
    for folder in ("kernel", "lib"):
        for name in tree.files(".hpp", ".cpp", below=folder):
            if tree.is_test(name):
                continue
            text = (tree.ROOT / name).read_text()
            count += bool(ATTRIBUTE.search(COMMENT.sub("", text)))
            if wrong := check(name, text, figures):
                violations.append(f"{name}: {wrong}")
    print(f"{count} files shape code by attributes")
    tree.finish(violations, "attributes")


if __name__ == "__main__":
    main()
