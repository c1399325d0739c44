#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what Debian takes from its disk to `login:` beside bare QEMU, and writes the table and the picture in docs/performance.md.

Debian 13 of `./run.sh debian` starts on OpenSBI alone and under Cairn at the same time, from one disk that neither
changes, several times. What counts is the CPU time of the two QEMUs: a guest that sleeps takes none. Some minutes; use
a machine that does nothing else."""
import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import document
import live_machine
import measured_machine
import svg
from measured_machine import ROOT

DOCUMENT = ROOT / "docs/performance.md"
PICTURE = "debian_login.svg"
DISK = ROOT / ".cache/debian/disk.img"
PAIRS = 3
AIM = 1.05
# As ./run.sh debian has it. OpenSBI of Debian 12 has no console that Linux uses: until hvc0 is there, bare QEMU says nothing.
APPEND = "root=/dev/vda1 rw earlycon=sbi console=hvc0 net.ifnames=0 no4lvl"
UART = ["-serial", "stdio"]
VIRTIO_CONSOLE = ["-serial", "none", "-chardev", "stdio,id=c0", "-device", "virtio-serial-device", "-device", "virtconsole,chardev=c0"]
TIMEOUT = 900 # seconds to login: on a busy host


def command(kernel, ramdisk, memory, console, append=None):
    """The disk is a file that QEMU does not change: what is written is in another one that ends with it."""
    return [measured_machine.QEMU, "-M", "virt,aclint=on", "-cpu", "rv64", "-smp", "1", "-m", memory, "-bios", "default",
            "-display", "none", "-monitor", "none", *console, "-kernel", kernel, "-initrd", ramdisk,
            *(["-append", append] if append else []),
            "-drive", f"if=none,id=d0,format=raw,snapshot=on,file={DISK}", "-device", "virtio-blk-device,drive=d0",
            "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0", "-device", "virtio-rng-device"]


def machines(folder):
    """{where: command} of the two that are compared."""
    kernel, initrd = (Path(f"{DISK}.{what}") for what in ("kernel", "initrd"))
    measured_machine.write_vms(folder / "vms.cpio", {"guest": (kernel, {
        "memory": "1G", "initrd": "initrd", "append": APPEND, "disk": "host:0", "net": "uplink", "rng": "yes",
        "virtio-console": "yes", "console": "front", "files": {"initrd": initrd}})})
    return {"bare": command(kernel, initrd, "1G", VIRTIO_CONSOLE, APPEND),
            "cairn": command(measured_machine.HYPERVISOR, folder / "vms.cpio", "2G", UART)}


def measure_pair(commands):
    """{where: (seconds, CPU seconds)} to `login:`."""
    running, pair = {}, {}
    try:
        for where, words in commands.items():
            running[where] = live_machine.LiveMachine(words)
        begin = {where: machine.now()[0] for where, machine in running.items()}
        for where in sorted(running): # bare first, which is the faster one: its end is not seen late
            running[where].wait_for_text("login: ", TIMEOUT)
            clock, cpu = running[where].now()
            pair[where] = (clock - begin[where], cpu)
    finally:
        for machine in running.values():
            machine.end()
    return pair


def ratios(pairs, which):
    """Of each pair, what Cairn takes over bare; `which`: 0 by the clock, 1 of CPU time."""
    return sorted(pair["cairn"][which] / pair["bare"][which] for pair in pairs)


def seconds(pairs, where, which):
    return statistics.median(pair[where][which] for pair in pairs)


def table(pairs):
    rows = []
    for which, title in (1, "CPU time of QEMU"), (0, "the clock's"):
        found = ratios(pairs, which)
        middle = statistics.median(found)
        judged = [AIM, "met" if middle <= AIM else "**missed**"] if which else ["-", ""]
        rows.append([title, *(f"{seconds(pairs, where, which):.1f}" for where in ("bare", "cairn")),
                     f"**{middle:.2f} ({found[0]:.2f} to {found[-1]:.2f})**", *judged])
    return document.table(["seconds to `login:`", "bare QEMU", "Cairn", "ratio", "aim", ""], rows)


def picture(pairs):
    taken = {where: [seconds(pairs, where, 1), seconds(pairs, where, 0)] for where in ("bare", "cairn")}
    return svg.bar_chart("Seconds to login: (less is better; the aim is dashed)", ["CPU time of QEMU", "the clock's"],
                         {"bare QEMU": taken["bare"], "Cairn": taken["cairn"]}, aims=[AIM * taken["bare"][0], None])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"so many (default: {PAIRS})")
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    options = parser.parse_args()
    measured_machine.build("hypervisor")
    subprocess.run([ROOT / "tools/debian_disk.sh", DISK], stdin=subprocess.DEVNULL, check=True)
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        commands = machines(Path(folder))
        for number in range(options.pairs):
            pairs.append(measure_pair(commands))
            print(f"pair {number + 1} of {options.pairs}: {pairs[-1]}", file=sys.stderr)
    if options.print:
        print(table(pairs))
        return
    document.rewrite(DOCUMENT, {"debian": table(pairs)})
    DOCUMENT.with_name(PICTURE).write_text(picture(pairs))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_debian.py: {error}")
