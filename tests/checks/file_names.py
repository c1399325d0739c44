#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""No two files of one name with different meanings: a name of a C++ or assembly file, suffixes aside,
stands in one folder. A public header of lib lies apart from the .cpp in its room (lib/cairn/cpio.hpp,
lib/cairn/binary/cpio.cpp); tests/fakes stands in for the files of the same path.
"""
import re
from collections import defaultdict
from pathlib import Path

import tree

SUFFIXES = (".hpp", ".cpp", ".S", ".h")
TEST = re.compile(r"_test$")
PUBLIC = Path(tree.PUBLIC)


def main():
    folders = defaultdict(set)
    for name in tree.files(*SUFFIXES):
        if name.parts[:2] == ("tests", "fakes"):
            continue
        stem = TEST.sub("", name.stem)
        folders[stem].add(name.parent)
    violations = []
    for stem, found in sorted(folders.items()):
        if any(PUBLIC in folder.parents for folder in found):
            found.discard(PUBLIC)
        if len(found) > 1:
            violations.append(f"{stem}: a name in {', '.join(map(str, sorted(found)))}")
    tree.finish(violations, "file names")


if __name__ == "__main__":
    main()
