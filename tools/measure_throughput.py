#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures how fast a guest's disk and network are beside bare QEMU, and writes the tables and pictures in docs/performance.md.

Debian's kernel runs on OpenSBI alone and under Cairn, with the same disk and network of QEMU's, at the same time.
tests/guests/streams.cpp moves so many MiB on one of them, then on the other, several times: each pair gives
a ratio. Time is the host's, so use a machine that does nothing else."""
import argparse
import gzip
import io
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import document
import live_machine
import measured_machine
import newc
import svg
from boot_time import KERNEL, kernel_version
from measured_machine import GUESTS, ROOT

DOCUMENT = ROOT / "docs/performance.md"
PAIRS = 7
DISK_MIB, NETWORK_MIB = 256, 64
# By part: {figure: title}, the aim of the ratio, and the picture.
PARTS = {"disks": ({"read": "sequential read, 1 MiB blocks", "write": "sequential write, 1 MiB blocks"}, 0.9,
                   "disk_throughput.svg"),
         "networks": ({"out": "TCP, guest to host", "in": "TCP, host to guest"}, 0.8, "network_throughput.svg")}
START = "/etc/disks\n/etc/net\nifconfig eth0 10.0.2.15 netmask 255.255.255.0 up\nsleep 3\nexec /streams\n"


def initrd():
    """Debian's initramfs and its drivers, with the program as its start."""
    stream = io.BytesIO()
    more = newc.Writer(stream)
    more.file("etc/rc", ((ROOT / "tools/guest/rc").read_text() + START).encode(), mode=0o755)
    more.file("streams", (GUESTS / "streams.elf").read_bytes(), mode=0o755)
    more.finish()
    guest = ROOT / ".cache/guest"
    return b"".join((guest / name).read_bytes() for name in ("initramfs.cpio.gz", "modules.cpio.gz")) + \
        gzip.compress(stream.getvalue(), mtime=0)


def command(kernel, ramdisk, disk, memory, append=None):
    return [measured_machine.QEMU, "-M", "virt,aclint=on", "-cpu", "rv64", "-smp", "1", "-m", memory, "-bios", "default",
            "-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel", kernel, "-initrd", ramdisk,
            *(["-append", append] if append else []),
            "-drive", f"if=none,id=d0,format=raw,file={disk}", "-device", "virtio-blk-device,drive=d0",
            "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0"]


def machines(folder):
    """{where: command} of the two that are compared."""
    append = "console=ttyS0 quiet"
    (folder / "initrd").write_bytes(initrd())
    measured_machine.write_vms(folder / "vms.cpio", {"guest": (KERNEL, {
        "memory": "512M", "initrd": "initrd", "append": append, "disk": "host:0", "net": "uplink", "console": "front",
        "files": {"initrd": folder / "initrd"}})})
    for where in "bare", "cairn":
        with (folder / f"{where}.img").open("wb") as disk: # with blocks: none is to be made while it is measured
            for _ in range(DISK_MIB):
                disk.write(bytes(1 << 20))
    return {"bare": command(KERNEL, folder / "initrd", folder / "bare.img", "512M", append),
            "cairn": command(measured_machine.HYPERVISOR, folder / "vms.cpio", folder / "cairn.img", "2G")}


class Peer:
    """The host's end of streams: it takes what comes from one connection after another, or sends."""

    def __init__(self, sends):
        self._sends = sends
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        room = bytearray(1 << 20)
        while True:
            connection, _ = self._listening.accept()
            with connection:
                if self._sends:
                    for _ in range(NETWORK_MIB):
                        connection.sendall(room)
                while connection.recv_into(room):
                    pass


def measure_one(machine, line):
    """(seconds, CPU seconds) of a stream."""
    machine.type_line(line)
    machine.wait_for("begin")
    begin = machine.now()
    machine.wait_for("end")
    return tuple(after - before for before, after in zip(begin, machine.now()))


def lines(part, peers):
    """{figure: what is typed} of a part."""
    if part == "disks":
        return {figure: f"{figure} {DISK_MIB}" for figure in PARTS[part][0]}
    return {figure: f"{figure} {NETWORK_MIB} {peers[figure].port}" for figure in PARTS[part][0]}


def measure(folder, parts, pairs):
    """{figure: [{where: (seconds, CPU seconds)}]}, a dictionary for each pair."""
    peers = {"out": Peer(False), "in": Peer(True)}
    typed = {figure: line for part in parts for figure, line in lines(part, peers).items()}
    found = {figure: [] for figure in typed}
    running = {}
    try:
        for where, words in machines(folder).items():
            running[where] = live_machine.LiveMachine(words)
            running[where].wait_for("ready")
        for number in range(-1, pairs): # the first warms up
            for figure, line in typed.items():
                order = sorted(running, reverse=number % 2 != 0)
                pair = {where: measure_one(running[where], line) for where in order}
                if number >= 0:
                    found[figure].append(pair)
    finally:
        for machine in running.values():
            machine.end()
    return found


def ratios(pairs, which):
    """Of each pair, how fast Cairn is over bare; `which`: 0 by the clock, 1 by CPU time."""
    return sorted(pair["bare"][which] / pair["cairn"][which] for pair in pairs)


def spread(values):
    return f"{statistics.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})"


def rate(pairs, where, mib):
    return mib / statistics.median(pair[where][0] for pair in pairs)


def mib_of(part):
    return DISK_MIB if part == "disks" else NETWORK_MIB


def table(found, part):
    titles, aim, _ = PARTS[part]
    rows = []
    for figure, title in titles.items():
        pairs = found[figure]
        by_clock, by_cpu = ratios(pairs, 0), ratios(pairs, 1)
        is_met = statistics.median(by_clock) >= aim
        rows.append([title, *(f"{rate(pairs, where, mib_of(part)):.0f}" for where in ("bare", "cairn")),
                     f"**{spread(by_clock)}**", aim, "met" if is_met else "**missed**", spread(by_cpu)])
    return document.table([f"MiB a second, Debian's Linux {kernel_version()}", "bare QEMU", "Cairn", "ratio", "aim", "",
                           "ratio by CPU time"], rows)


def picture(found, part):
    titles, aim, _ = PARTS[part]
    rates = {where: [rate(found[figure], where, mib_of(part)) for figure in titles] for where in ("bare", "cairn")}
    return svg.bar_chart("MiB a second (more is better; the aim is dashed)", list(titles.values()),
                         {"bare QEMU": rates["bare"], "Cairn": rates["cairn"]},
                         aims=[aim * value for value in rates["bare"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="measure these alone")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"so many of each (default: {PAIRS})")
    parser.add_argument("--print", action="store_true", help="print the tables, write nothing")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "streams")
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.parts, options.pairs)
    tables = {f"{part} throughput": table(found, part) for part in options.parts}
    if options.print:
        print(*tables.values(), sep="\n\n")
        return
    document.rewrite(DOCUMENT, tables)
    for part in options.parts:
        DOCUMENT.with_name(PARTS[part][2]).write_text(picture(found, part))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_throughput.py: {error}")
