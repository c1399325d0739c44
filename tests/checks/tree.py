# SPDX-License-Identifier: MIT
"""What the checks share: the files of the tree, and how violations are reported."""
import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
LIBRARY = "lib/" # what <cairn/...> is relative to
PUBLIC = "lib/cairn" # of lib, the headers that users include lie there, and the rest in rooms below
GENERATED = {"build", ".cache", ".git", "__pycache__", ".pytest_cache"}


def files(*suffixes, below=""):
    """Source files by suffix, root-relative and sorted; works in a copy without git too."""
    found = []
    for path in (ROOT / below).rglob("*"):
        name = path.relative_to(ROOT)
        if GENERATED.isdisjoint(name.parts) and path.is_file() and path.suffix in suffixes:
            found.append(name)
    return sorted(found)


def lines(name):
    return (ROOT / name).read_text(errors="replace").splitlines()


def is_test(name):
    return re.search(r"_test(_|$)", name.stem)


def included_path(included):
    """Where a header of this tree lies that an #include names."""
    return LIBRARY + included if included.startswith("cairn/") else included


@functools.cache
def includes(name):
    """The headers of this tree that a file names."""
    found = [included_path(match[2]) for match in map(INCLUDE.match, lines(name)) if match]
    return [each for each in found if (ROOT / each).is_file()]


def headers_reached(name):
    """The headers of this tree that a file includes, and those that they include."""
    reached, waiting = set(), [str(name)]
    while waiting:
        new = set(includes(waiting.pop())) - reached
        reached |= new
        waiting += new
    return reached


def finish(violations, what):
    """Prints every violation and ends the check."""
    for violation in violations:
        print(violation)
    print(f"{what}: {len(violations) or 'no'} violation{'' if len(violations) == 1 else 's'}")
    sys.exit(1 if violations else 0)
