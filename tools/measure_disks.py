#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures a guest's disks, in instructions and exits a request, and writes the tables in docs/performance.md.

The guest is Debian's kernel, whose disk is an image in the archive or the machine's own, and the
same on the bare machine. tests/guests/disk_rounds.cpp asks, and a plugin of QEMU's counts by address
(tools/count_instructions.cpp), since the time that a machine's disk takes is no number of instructions. How
often a guest's timer interrupts it while it waits is the host's affair: the least of three runs counts."""
import argparse
import gzip
import io
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import document
import instruction_counts
import measured_machine
import newc
from boot_time import KERNEL
from measured_machine import GUESTS, ROOT

DOCUMENT = ROOT / "docs/performance.md"
PROGRAM = GUESTS / "disk_rounds.elf"
DISK_BYTES = 16 << 20
ROUNDS = 512
RUNS = 3
# What is aimed at, from memory and from the machine's disk, and what others take (docs/performance.md says which).
AIMS = {"4 KiB, 1 at once": (16_000, 16_000, "38,000", "134,000"),
        "4 KiB, 16 at once": (8_700, 8_700, "11,900", "17,000"),
        "64 KiB, 1 at once": (52_000, 36_000, "111,000", "193,000"),
        "64 KiB, 16 at once": (46_000, 30_000, "89,600", "76,600")}
FIGURES = [f"{operation} {size} KiB, {at_once} at once" for size in (4, 64) for operation in ("read", "write")
           for at_once in (1, 16)]
# Where a guest's exits begin: one for each, whichever of them is in use.
EXITS = ("guest_exit", "renewing_guest_exit", "sharing_guest_exit", "watched_guest_exit")
# What tests/guests/disk_requests.cpp says, and what it is.
POLLED = {"flush": "flush", "read-4": "read 4 KiB", "write-4": "write 4 KiB", "read-64": "read 64 KiB",
          "write-64": "write 64 KiB"}
# What a boot leaves for later is over before.
START = "/etc/disks\nsleep 5\necho /dev/vda {} | /disk_rounds\npoweroff -f\n"


def initrd():
    """Debian's initramfs and its drivers, with a start of its own."""
    stream = io.BytesIO()
    more = newc.Writer(stream)
    more.file("etc/rc", ((ROOT / "tools/guest/rc").read_text() + START.format(ROUNDS)).encode(), mode=0o755)
    more.file("disk_rounds", PROGRAM.read_bytes(), mode=0o755)
    more.finish()
    guest = ROOT / ".cache/guest"
    return b"".join((guest / name).read_bytes() for name in ("initramfs.cpio.gz", "modules.cpio.gz")) + \
        gzip.compress(stream.getvalue(), mtime=0)


def drive(file):
    return ["-drive", f"if=none,id=d0,format=raw,file={file}", "-device", "virtio-blk-device,drive=d0"]


def program_mark():
    addresses, names = instruction_counts.symbols(PROGRAM)
    return addresses[names.index("disk_mark")]


def requests(run):
    """The same of several runs: of each figure that which took least."""
    runs = [requests_of_one(run) for _ in range(RUNS)]
    return {figure: min((found[figure] for found in runs), key=lambda taken: sum(taken[0].values()))
            for figure in FIGURES}


def requests_of_one(run):
    """{figure: (Counter by name, exits) of a request} of a machine that `run` starts."""
    marks = instruction_counts.count_at_program(program_mark(), run, EXITS)
    if len(marks) != 2 * len(FIGURES):
        raise RuntimeError(f"the guest has come to {len(marks)} marks, and not {2 * len(FIGURES)}")
    return {figure: (Counter({name: count / ROUNDS for name, count in counts.items()}), exits / ROUNDS)
            for figure, (counts, exits) in zip(FIGURES, marks[1::2])}


def measure(folder):
    """{where: what `requests` says}: bare, from memory, from the machine's disk."""
    image = folder / "disk.img"
    image.write_bytes(bytes(DISK_BYTES))
    (folder / "initrd").write_bytes(initrd())
    append = "console=ttyS0 quiet"
    files = {"initrd": folder / "initrd"}
    usual = {"memory": "256M", "initrd": "initrd", "append": append}

    def bare(plugin):
        return measured_machine.run_bare(KERNEL, initrd=folder / "initrd", append=append, memory="256M",
                                         qemu=[*drive(image), *plugin])

    def memory(plugin):
        return measured_machine.run_vms({"guest": (KERNEL, {
            **usual, "disk": "disk.img,overlay", "files": {**files, "disk.img": image}})}, qemu=plugin)

    def machine(plugin):
        return measured_machine.run_vms({"guest": (KERNEL, {**usual, "disk": "host:0", "files": files})},
                                        qemu=[*drive(image), *plugin])
    return {"bare": requests(bare), "memory": requests(memory), "machine": requests(machine)}


def polled(folder):
    """{figure: instructions of a request} of a driver that polls, whose disk is an image in memory."""
    image = folder / "small.img"
    image.write_bytes(bytes(2048 * 512))
    log = measured_machine.run_vms({"guest": (GUESTS / "disk_requests.img", {
        "memory": "16M", "disk": "disk.img,overlay", "files": {"disk.img": image}})})
    found = {name: int(value) for name, value in re.findall(r"^figure (\S+) (\d+)$", log, re.M)}
    if set(found) != set(POLLED):
        raise RuntimeError(f"the guest has not measured everything:\n{log[-2000:]}")
    return found


def polled_table(found):
    return document.table(["one request, a driver that polls, image in memory", "instructions"],
                          [[title, f"{found[name]:,}"] for name, title in POLLED.items()])


def own(counts):
    """Cairn's own part, without the firmware's."""
    others = (instruction_counts.GUEST, instruction_counts.FIRMWARE)
    return sum(count for name, count in counts.items() if name not in others)


def table(found):
    rows = []
    for figure in FIGURES:
        *aims, xvisor, kvm = AIMS[figure.split(" ", 1)[1]]
        row = [figure, f"{sum(found['bare'][figure][0].values()):,.0f}"]
        for where, aim in zip(("memory", "machine"), aims):
            counts, exits = found[where][figure]
            total = sum(counts.values())
            row += [f"**{total:,.0f}**", "met" if total <= aim else f"{total / aim:.1f} x {aim:,}", f"{own(counts):,.0f}",
                    f"{exits:.1f}"]
        reads = figure.startswith("read")
        rows.append([*row, xvisor if reads else "", kvm if reads else ""])
    of_one = ["Cairn's own", "exits"]
    return document.table(["a request", "bare", "image in memory", "aim", *of_one, "the machine's disk", "aim", *of_one,
                           "Xvisor", "KVM"], rows)


def profile(found):
    for where in "memory", "machine":
        for figure in FIGURES:
            print(f"{where}, {figure}:")
            for name, count in found[where][figure][0].most_common(80):
                print(f"  {count:10.1f} {name[:100]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    parser.add_argument("--profile", action="store_true", help="print what each function takes, too")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "disk_rounds", "guest_disk_requests")
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
        alone = polled_table(polled(Path(folder)))
    if options.profile:
        profile(found)
    if options.print or options.profile:
        print(table(found), alone, sep="\n")
    else:
        document.rewrite(DOCUMENT, {"disks": table(found), "polled disks": alone})


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_disks.py: {error}")
