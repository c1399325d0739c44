#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names the functions in what the monitor's `bt` has shown of a guest, in a console log or on standard input.

It was shown to people or with --json. The functions are named from a System.map, a copy of the guest's /proc/kallsyms, or an ELF file with
symbols (vmlinux). See docs/monitor.md.
"""
import argparse
import json
import re
import sys
from pathlib import Path

import guest_symbols

SHOWN = re.compile(r"^\s*#(\d+)\s+0x([0-9a-f]{1,16})\s+(pc|ra|stack)\s*$")
MARK = "\x10" # begins Cairn's own lines


class FrameError(ValueError):
    """What is read holds no frame of a guest."""


def frames(text):
    """(number, address, source) of each frame in `text`."""
    for line in text.replace("\r", "").replace(MARK, "").splitlines():
        if shown := SHOWN.match(line):
            yield int(shown[1]), int(shown[2], 16), shown[3]
        elif line.startswith('{"kind":"frame",'):
            try:
                record = json.loads(line)
                yield record["number"], int(record["address"], 16), record["source"]
            except (ValueError, KeyError, TypeError) as error:
                raise FrameError(f"'{line[:60]}' is no frame as the monitor writes it") from error


def place(symbols, address, source):
    """function+offset. A return address may be the next function's first; the call before it is not."""
    name, start = symbols.find(address if source == "pc" else address - 1)
    return "?" if name is None else f"{name}+{address - start:#x}"


def named(text, symbols):
    """The lines of `text`'s backtraces, each with its function."""
    lines = []
    for number, address, source in frames(text):
        if number == 0 and lines:
            lines.append("")
        note = " (ra: its caller, unless it has called since)" if source == "ra" else ""
        lines.append(f"#{number:<3} {address:#018x}  {place(symbols, address, source)}{note}")
    if not lines:
        raise FrameError("there is no frame of a guest in it, as 'bt VM.CPU' shows them")
    return lines


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("symbols", type=Path, help="a System.map, a copy of /proc/kallsyms, or an ELF file")
    parser.add_argument("log", nargs="?", type=Path, help="a console log; standard input if not said")
    options = parser.parse_args(arguments)
    symbols = guest_symbols.read(options.symbols)
    text = options.log.read_text(errors="replace") if options.log else sys.stdin.read()
    print("\n".join(named(text, symbols)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (FrameError, guest_symbols.SymbolError) as error:
        sys.exit(f"guest_names.py: {error}")
    except OSError as error:
        sys.exit(f"guest_names.py: {error.filename}: {error.strerror}")
