#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what Cairn adds to Debian's boot, from the firmware's hand-over to /init, in instructions.

Every instruction is counted, by who executes it (tools/instruction_counts.py). The initramfs holds
one program, tests/guests/boot_init.S, whose first instruction ends the count.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import document
import instruction_counts
import measured_machine
import newc
from instruction_counts import FIRMWARE, GUEST
from measured_machine import GUESTS, ROOT

KERNEL = ROOT / ".cache/guest/Image"
SETTINGS = [("console=ttyS0", "with its messages on the console"),
            ("console=ttyS0 quiet", "with `quiet`")]
INIT_ENTRY = 0x10000 # tests/guests/CMakeLists.txt
# Functions of Cairn's by what they do; those with other names are all else.
ZEROING = re.compile(r"^(memset$|cairn::memory::set\(|.*\b(zero\w*|scrub\w*)\()")
COPYING = re.compile(r"^(memcpy$|memmove$|cairn::memory::(copy|move)\()")
AIM_ENTRY, AIM_ALL, AIM_NOT_ZEROING, AIM_RATIO = 16, 24, 8, 1.005


def write_initramfs(path):
    with path.open("wb") as stream:
        archive = newc.Writer(stream)
        archive.directory("dev")
        archive.character_device("dev/console", 5, 1)
        archive.file("init", (GUESTS / "boot_init.elf").read_bytes(), mode=0o755)
        archive.finish()


def prepare(folder):
    """Writes the initramfs; returns the paths of Debian's kernel and of that."""
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    write_initramfs(folder / "initramfs.cpio")
    return KERNEL, folder / "initramfs.cpio"


def kernel_version():
    found = re.search(rb"Linux version (\S+) ", KERNEL.read_bytes())
    return found[1].decode() if found else "unknown"


def parts(counts):
    """(zeroing, copying, all else) of Cairn's instructions among `counts` by name."""
    zeroing = sum(n for name, n in counts.items() if ZEROING.match(name))
    copying = sum(n for name, n in counts.items() if COPYING.match(name))
    others = counts.get(FIRMWARE, 0) + counts.get(GUEST, 0)
    return zeroing, copying, sum(counts.values()) - others - zeroing - copying


def column(counts):
    """The figures of one boot, in instructions, in the order of ROWS."""
    start, later = parts(counts["start"]), parts(counts["guest"])
    if later[0] == 0: # the guest touches RAM, so somebody zeroes it
        raise RuntimeError("no function that zeroes was found: they have other names now")
    cairn = sum(start) + sum(later)
    firmware = counts["start"][FIRMWARE] + counts["guest"][FIRMWARE]
    guest = counts["guest"][GUEST]
    reset = sum(counts["reset"].values())
    return [reset, sum(start), *start, reset + sum(start) + counts["start"][FIRMWARE], sum(later), *later, cairn, cairn - start[0] - later[0], firmware, guest,
            (guest + firmware + cairn) / (guest + firmware)]


ROWS = [("the firmware, from reset to its hand-over", None),
        ("Cairn from there to the guest's first instruction", None), ("- zeroing", None),
        ("- copying", None), ("- all else", None),
        ("**reset to the guest's first instruction**", AIM_ENTRY),
        ("Cairn from there to `/init`", None), ("- zeroing what the guest touches", None),
        ("- copying", None), ("- exits and all else", None),
        ("**Cairn's whole part**", AIM_ALL), ("- of it what is no zeroing", AIM_NOT_ZEROING),
        ("the firmware, from the hand-over on", None), ("the guest", None), ("all, over guest and firmware", AIM_RATIO)]


def figure(value):
    return f"{value:.4f}" if isinstance(value, float) else f"{value / 1e6:.2f}"


def measure(folder):
    """A list of figures, as `column`, for each of SETTINGS."""
    kernel, initrd = prepare(folder)
    return [column(instruction_counts.count(INIT_ENTRY, kernel, initrd=initrd, append=append))
            for append, _ in SETTINGS]


def table():
    with tempfile.TemporaryDirectory() as folder:
        columns = measure(Path(folder))
    heads = [f"boot of Debian's Linux {kernel_version()}, million instructions",
             *(words for _, words in SETTINGS), "aim"]
    return document.table(heads, [[words, *map(figure, values), "" if aim is None else aim]
                                  for (words, aim), *values in zip(ROWS, *columns)])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    try:
        measured_machine.build("hypervisor", "boot_init")
        print(table())
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"boot_time.py: {error}")
