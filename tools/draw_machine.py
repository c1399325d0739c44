#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a machine with its VMs: who has the harts' time, and whose the memory is.

Runs the VMs of the folders (as ./run.sh --bundle does), asks the monitor after some seconds, and turns the
machine off. With a console log in their place it draws what the monitor has said there, with --json, to
`list`, `top`, `frames` and `info VM` for each. Without either it draws docs/machine.svg.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

import machine_picture
from machine_console import ESCAPE, MONITOR_PROMPT, Console
from measured_machine import ROOT

EXAMPLES = ROOT / "examples"


def gather(folders, place):
    """A folder with links to the VMs of all `folders`."""
    for folder in folders:
        vms = [path for path in sorted(folder.iterdir()) if (path / "vm.conf").exists()]
        if not vms:
            raise RuntimeError(f"{folder}: no folder in it has a vm.conf")
        for vm in vms:
            (place / vm.name).symlink_to(vm.resolve())
    return place


def ask(folders, after, seconds):
    """What the monitor says `after` seconds, of `seconds`."""
    with tempfile.TemporaryDirectory() as place:
        console = Console([ROOT / "run.sh", "--bundle", str(gather(folders, Path(place)))])
        try:
            console.ask("", "Booting hypervisor")
            time.sleep(after)
            console.ask(ESCAPE, MONITOR_PROMPT)
            answers = console.ask(f"top {seconds} --json\r", MONITOR_PROMPT)
            answers += console.ask("list --json\r", MONITOR_PROMPT)
            names = [each["name"] for each in machine_picture.records_of(answers) if each["kind"] == "vm"]
            for line in ["frames", *(f"info {name}" for name in names)]:
                answers += console.ask(f"{line} --json\r", MONITOR_PROMPT)
            console.ask("quit\r", "turned off")
            console.process.wait(timeout=60)
        finally:
            console.end()
    return answers


def counted(things, name):
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?", type=Path, help="a console log; - is standard input")
    parser.add_argument("--bundle", type=Path, action="append", metavar="DIR",
                        help="a folder with a folder per VM; may be given again")
    parser.add_argument("--after", type=float, default=4, metavar="SECONDS", help="after the start (default: 4)")
    parser.add_argument("--top", type=int, default=1, metavar="SECONDS", help="the interval shown (default: 1)")
    parser.add_argument("--title", help="above the picture")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/machine.svg", help="the picture")
    options = parser.parse_args()
    if options.log and options.bundle:
        parser.error("a log and --bundle exclude each other")
    return options


def main():
    options = parse()
    if options.log:
        said = sys.stdin.read() if str(options.log) == "-" else options.log.read_text(errors="replace")
    else:
        folders = options.bundle or [EXAMPLES / "two-debians", EXAMPLES / "many-tiny"]
        said = ask(folders, options.after, options.top)
    machine = machine_picture.machine_of(machine_picture.records_of(said))
    title = options.title or f"{counted(machine.vms, 'VM')} on {counted(machine.harts, 'hart')}"
    options.output.write_text(machine_picture.picture_of(machine, title))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"draw_machine.py: {error}")
