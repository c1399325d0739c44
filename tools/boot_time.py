#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares Debian's boot on the bare machine and on Cairn: from the kernel's entry to /init.

The same Image runs on both, with a few instructions before its own first one
(tests/guests/boot_entry.S): they print the time and go on into the kernel. Its initramfs holds one
program, tests/guests/boot_init.S, which prints the time at which it was started. Under -icount the
difference is in instructions. Printing the first line is part of it: 28 calls of SBI's putchar.
"""
import re
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import measured_machine
import newc
from measured_machine import GUESTS, ROOT

KERNEL = ROOT / ".cache/guest/Image"
SETTINGS = [("console=ttyS0", "with its messages on the console"),
            ("console=ttyS0 quiet", "with `quiet`")]
SEEDS = range(1, 6) # of the machine's randomness: it moves a boot by several percent
NANOSECONDS_PER_TICK = 1_000_000_000 // measured_machine.TICKS_PER_SECOND


def jump_target(instruction):
    """The offset of a `jal x0` (The RISC-V Instruction Set Manual, J-type)."""
    if instruction & 0xfff != 0x06f:
        raise ValueError("the kernel's second instruction is no jump: not an Image with EFI stub")
    offset = (instruction >> 21 & 0x3ff) << 1 | (instruction >> 20 & 1) << 11
    offset |= (instruction >> 12 & 0xff) << 12 | (instruction >> 31) << 20
    return offset - (1 << 21) if offset >> 20 else offset


def jump_far(distance):
    """auipc t0 and jr with an offset in t0: two instructions, the size of code0 and code1."""
    high = (distance + 0x800) >> 12
    low = distance - (high << 12)
    return struct.pack("<II", (high & 0xfffff) << 12 | 5 << 7 | 0x17,
                       (low & 0xfff) << 20 | 5 << 15 | 0x67)


def with_entry(image, entry):
    """The image with `entry` behind it, which its header jumps to and which goes on into it."""
    if image[:2] != b"MZ": # c.li s4, -13: does nothing
        raise ValueError("the kernel is not an Image with EFI stub")
    kernel = 2 + jump_target(struct.unpack_from("<I", image, 2)[0])
    place = (len(image) + 7) & ~7
    word = place + len(entry) - 8
    stamped = image.ljust(place, b"\0") + entry[:-8] + struct.pack("<q", kernel - word)
    if len(stamped) > struct.unpack_from("<Q", image, 16)[0]:
        raise ValueError("no room behind the kernel inside its image_size")
    return jump_far(place) + stamped[8:]


def write_initramfs(path):
    with path.open("wb") as stream:
        archive = newc.Writer(stream)
        archive.directory("dev")
        archive.character_device("dev/console", 5, 1)
        archive.file("init", (GUESTS / "boot_init.elf").read_bytes(), mode=0o755)
        archive.finish()


def boot_instructions(log):
    stamps = {name: int(value, 16)
              for name, value in re.findall(r"boot-(entry|init) ([0-9a-f]{16})", log)}
    if len(stamps) != 2:
        raise RuntimeError(f"the kernel did not reach its /init:\n{log[-2000:]}")
    return (stamps["init"] - stamps["entry"]) * NANOSECONDS_PER_TICK


def prepare(folder):
    """Writes the kernel and the initramfs; returns their paths."""
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    kernel, initrd = folder / "Image", folder / "initramfs.cpio"
    kernel.write_bytes(with_entry(KERNEL.read_bytes(), (GUESTS / "boot_entry.bin").read_bytes()))
    write_initramfs(initrd)
    return kernel, initrd


def measure(folder):
    """(what, figures on bare, figures on Cairn), a figure per seed, in instructions."""
    kernel, initrd = prepare(folder)
    for append, words in SETTINGS:
        yield words, *([boot_instructions(run(kernel, initrd=initrd, append=append, seed=seed))
                        for seed in SEEDS]
                       for run in (measured_machine.run_bare, measured_machine.run_on_cairn))


def millions(figures):
    low, middle, high = (f"{value / 1e6:.1f}"
                         for value in (min(figures), statistics.median(figures), max(figures)))
    return f"{middle} ({low} to {high})"


def table():
    lines = [f"| Debian's kernel, entry to `/init`, {len(SEEDS)} seeds | bare, million instructions:"
             " median (range) | Cairn | ratio of medians | aim |", "|---|--:|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder:
        for words, bare, cairn in measure(Path(folder)):
            ratio = statistics.median(cairn) / statistics.median(bare)
            lines.append(f"| {words} | {millions(bare)} | {millions(cairn)} | {ratio:.3f} | 1.005 |")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        measured_machine.build("hypervisor", "boot_entry", "boot_init")
        print(table())
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"boot_time.py: {error}")
