#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How a file is compiled, where not like all others, is said by its second line:

    // Compiled: small, for the target alone. It runs once per boot or per start of a guest.

CMake reads it (lib/compiled.cmake), so it has words that CMake looks for, and one of a few reasons.
Headers have none, and the CMakeLists.txt name no file to that end. lib/cairn/hosted/ is what hosted
programs alone have.
"""
import re

import tree

HOW = {"small", "for the target alone", "for hosted programs alone", "for Unix alone", "for Windows alone",
       "into cairn::new alone", "as a part of world_switch.S", "into hypervisor.elf alone", "into cairn.efi alone"}
WHY = {"It runs once per boot or per start of a guest", "Guests seldom ask for it",
       "Caches are refilled from it, seldom", "It runs once per boot, or for people to read",
       "It touches the machine's own devices and memory", "It touches the machine's own devices",
       "It runs for people", "It runs a few times a minute", "The firmware calls it there",
       "Hosts have a runtime of their own", "It calls the host's library", "It calls the host's system",
       "A program chooses who replaces its operators",
       "Branches between the two reach 4 KiB at most"}
HOSTED = {"for hosted programs alone", "for Unix alone", "for Windows alone"}
LINE = re.compile(r"(?://|#) Compiled: (.+?)\. (.+)\.")
NAMED = re.compile(r"\w[\w/]*\.cpp")
# What a program is made of by name, and memcpy, which must not become a call of memcpy.
NAMED_HERE = {"kernel/CMakeLists.txt": {"main.cpp"},
              "lib/CMakeLists.txt": {"cairn/heap/new.cpp", "cairn/heap/new_forms.cpp",
                                     "cairn/heap/hardened_new.cpp", "cairn/base/memory.cpp"}}


def marks(name):
    """(number, line) of the lines that say how the file is compiled."""
    return [(number, line) for number, line in enumerate(tree.lines(name), 1)
            if re.search(r"(//|#).*\bCompiled:", line)]


def check_line(number, line):
    """(what is wrong with the line if anything, what it says)"""
    match = LINE.fullmatch(line)
    if not match:
        return "write `Compiled: how, how. Why.`", set()
    how = match[1].split(", ")
    if unknown := set(how) - HOW:
        return f"'{min(unknown)}' is no word that CMake looks for", set()
    if match[2] not in WHY:
        return f"'{match[2]}' is none of the reasons in tests/checks/compiled.py", set(how)
    if number != 2:
        return "it is the file's second line", set(how)
    return "", set(how)


def check_file(name):
    found, hows = marks(name), set()
    if len(found) > 1 or (found and (name.suffix not in (".cpp", ".S") or tree.is_test(name))):
        yield f"{name}:{found[-1][0]}: one line in a .cpp or .S that is no test says how it is compiled"
        return
    for number, line in found:
        wrong, hows = check_line(number, line)
        if wrong:
            yield f"{name}:{number}: {wrong}"
    hosted = name.suffix == ".cpp" and str(name.parent) == "lib/cairn/hosted" and not tree.is_test(name)
    if hosted != bool(hows & HOSTED):
        yield f"{name}:1: in lib/cairn/hosted/ and nowhere else, files are compiled for some hosts alone"


def check_cmake(name):
    for number, line in enumerate(tree.lines(name), 1):
        for source in set(NAMED.findall(line.partition("# ")[0])) - NAMED_HERE[name]:
            yield f"{name}:{number}: {source} says itself how it is compiled"


def main():
    violations = []
    for below in ("lib", "kernel"):
        for name in tree.files(".hpp", ".cpp", ".S", ".h", below=below):
            violations += check_file(name)
    for name in NAMED_HERE:
        violations += check_cmake(name)
    tree.finish(violations, "compiled")


if __name__ == "__main__":
    main()
