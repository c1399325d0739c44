#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a guest's memory: what it has touched, what it still shares with the archive, what it has written of that.

Runs ./run.sh (or the VMs of a folder), asks the monitor for `mem VM map` after some seconds, and turns the
machine off. With a console log in their place it draws what the monitor has said there, with --json. Without
either it draws docs/guest_memory.svg.
"""
import argparse
import itertools
import sys
import time
from pathlib import Path

import svg
from machine_console import ESCAPE, GUEST_PROMPT, MONITOR_PROMPT, Console
from machine_picture import records_of
from measured_machine import ROOT

COLOURS = {".": "#eaeef2", "#": "#bf8700", "s": "#9ac7f0", "w": "#0969da", "b": "#d8b9ff"}
NAMES = {".": "not touched", "#": "its own", "s": "shared with the archive", "w": "its own since it was written to",
         "b": "given back"}
CELL, GAP = 14, 1
LEFT, TOP = 110, 72


def ask(folder, name, after):
    command = [ROOT / "run.sh", *(["--bundle", str(folder)] if folder else [])]
    console = Console(command)
    try:
        console.ask("", "Booting hypervisor" if folder else GUEST_PROMPT)
        time.sleep(after)
        console.ask(ESCAPE, MONITOR_PROMPT)
        said = console.ask(f"mem {name} map --json\r", MONITOR_PROMPT)
        console.ask("quit\r", "turned off")
        console.process.wait(timeout=60)
    finally:
        console.end()
    return said


def map_of(records):
    """(address of the first byte, bytes of a letter, letters in a line, all letters)."""
    lines = [each for each in records if each["kind"] == "memory-map"]
    if not lines:
        reasons = [each["message"] for each in records if each["kind"] == "error"]
        raise ValueError(f"no answer of mem VM map: {'; '.join(reasons) or 'nothing of it was said'}")
    first, letter = int(lines[0]["address"], 16), lines[0]["letter"]
    letters, at = "", first
    for line in lines:
        if line["letter"] != letter or int(line["address"], 16) != at:
            raise ValueError(f"the line at {line['address']} does not go on where the one before it ended")
        letters += line["letters"]
        at += len(line["letters"]) * letter
    return first, letter, len(lines[0]["letters"]), letters


def size(count):
    return f"{count / (1 << 20):g} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


def runs(line):
    """(where it starts, how many, which) of letters that are the same side by side."""
    start = 0
    for kind, same in itertools.groupby(line):
        count = len(list(same))
        yield start, count, kind
        start += count


def draw(title, first, letter, columns, letters):
    rows = -(-len(letters) // columns)
    picture = svg.Picture(LEFT + columns * CELL + 20, TOP + rows * CELL + 16, title)
    picture.text(20, 24, f"{title}: {size(len(letters) * letter)}, {size(letter)} a square", size=15)
    x = 20
    for kind, name in NAMES.items():
        words = f"{name}: {size(letters.count(kind) * letter)}"
        picture.rectangle(x, 38, 12, 12, COLOURS[kind])
        picture.text(x + 17, 48, words)
        x += 40 + 6.6 * len(words)
    for row in range(rows):
        line, at, y = letters[row * columns:(row + 1) * columns], first + row * columns * letter, TOP + row * CELL
        picture.text(LEFT - 8, y + 11, f"{at:#x}", "end", 11, font_family="monospace")
        for start, count, kind in runs(line):
            picture.rectangle(LEFT + start * CELL, y, count * CELL - GAP, CELL - GAP, COLOURS[kind],
                              f"{at + start * letter:#x}: {size(count * letter)} {NAMES[kind]}")
    return str(picture)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?", type=Path, help="a console log; - is standard input")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="a folder with a folder per VM")
    parser.add_argument("--vm", default="guest", help="whose memory (default: guest, which is run.sh's)")
    parser.add_argument("--after", type=float, default=0, metavar="SECONDS",
                        help="after its prompt, or with --bundle after the start (default: 0)")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/guest_memory.svg", help="the picture")
    options = parser.parse_args()
    if options.log and options.bundle:
        parser.error("a log and --bundle exclude each other")
    return options


def main():
    options = parse()
    if options.log:
        said = sys.stdin.read() if str(options.log) == "-" else options.log.read_text(errors="replace")
    else:
        said = ask(options.bundle, options.vm, options.after)
    options.output.write_text(draw(f"The memory of {options.vm}", *map_of(records_of(said))))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"draw_memory.py: {error}")
