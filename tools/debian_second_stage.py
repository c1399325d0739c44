#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the second stage of a Debian disk, a machine given as a command, and shows how far it is.

    debian_second_stage.py --log FILE COMMAND...

What the machine's console says goes to the log; from it come the lines shown. The status is 0 only if the second stage
says that it is complete, and the command ends with status 0.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

SETTING_UP = re.compile(r"Setting up ([^:\s]+)\S* \(.*\) \.\.\.$")
OWN = re.compile(r"(?:\[ *[\d.]+\] )?second stage: (.*)$") # tools/debian/usr/lib/cairn/second-stage
TO_CONFIGURE = re.compile(r", (\d+) packages to configure$")


class Progress:
    """What to show for each line of the console, and in the end how it went."""

    def __init__(self):
        self.packages = 0
        self.seen = 0
        self.complete = False
        self.failure = None

    def show(self, line):
        """The sentence for this line, or None."""
        if match := SETTING_UP.match(line):
            self.seen += 1
            return f"package {self.seen} of {max(self.packages, self.seen)}: {match[1]}"
        if not (match := OWN.match(line)):
            return None
        if count := TO_CONFIGURE.search(match[1]):
            self.packages = int(count[1])
        elif match[1] == "complete":
            self.complete = True
        elif match[1].startswith("failed: "):
            self.failure = match[1].removeprefix("failed: ")
        return match[1]

    def verdict(self, status):
        """None if all is done, or the sentence that says what is wrong."""
        if self.failure:
            return f"the second stage failed: {self.failure}"
        if status:
            return f"the machine of the second stage ended with status {status}"
        return None if self.complete else "the machine of the second stage ended before it was complete"


def shown(text, terminal):
    """A line that the next one overwrites, on a terminal."""
    return f"\r\x1b[K  {text[:100]}" if terminal else f"  {text}\n"


def watch(command, log, terminal):
    progress = Progress()
    with log.open("wb") as kept, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        for line in machine.stdout:
            kept.write(line)
            kept.flush()
            sentence = progress.show(line.decode(errors="replace").strip())
            if sentence:
                print(shown(sentence, terminal), end="", file=sys.stderr, flush=True)
    if terminal:
        print(file=sys.stderr)
    return progress.verdict(machine.returncode)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        wrong = watch(options.command, options.log, os.isatty(2))
    except KeyboardInterrupt:
        sys.exit("\ndebian_second_stage.py: interrupted; the next start goes on from here")
    if wrong:
        sys.exit(f"debian_second_stage.py: {wrong}; what it said: {options.log}")


if __name__ == "__main__":
    main()
