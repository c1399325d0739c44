#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures a network between two guests on one hart, in instructions, and writes its table in docs/performance.md.

Debian's kernel is at both ends, and tests/guests/net_rounds.cpp, which has 500 rounds of a UDP packet of 64 bytes, and then a TCP stream of 16 MiB one way."""
import argparse
import gzip
import io
import re
import subprocess
import sys

import document
import measured_machine
import newc
from boot_time import KERNEL, kernel_version
from measured_machine import GUESTS, ROOT

DOCUMENT = ROOT / "docs/performance.md"
# What is measured, the line that says it, the aim, and what others take (docs/performance.md says which).
ROWS = [("UDP, there and back, 64 bytes", r"udp: (\d+) ns a round", 60_000, "48,800 (one guest, two network devices)",
         "160,000", "364,000"),
        ("TCP, one way, a KiB", r"tcp: (\d+) ns a KiB", 5_000, "11,000", "20,700", "6,675")]
START = "/etc/net\nifconfig eth0 10.0.0.{} netmask 255.255.255.0 up\n"
SERVE = "echo s | /net_rounds\npoweroff -f\n"
# The other's kernel answers before its program serves.
MEASURE = ("until ping -c 1 10.0.0.2; do sleep 1; done >/dev/null\nsleep 2\n"
           "echo m | /net_rounds\npoweroff -f\n")


def initrd(script):
    """Debian's initramfs and its drivers, with a start of its own."""
    stream = io.BytesIO()
    more = newc.Writer(stream)
    more.file("etc/rc", ((ROOT / "tools/guest/rc").read_text() + script).encode(), mode=0o755)
    more.file("net_rounds", (GUESTS / "net_rounds.elf").read_bytes(), mode=0o755)
    more.finish()
    guest = ROOT / ".cache/guest"
    return b"".join((guest / name).read_bytes() for name in ("initramfs.cpio.gz", "modules.cpio.gz")) + \
        gzip.compress(stream.getvalue(), mtime=0)


def measure():
    """The console's text of both guests at one switch."""
    usual = {"memory": "256M", "initrd": "initrd", "append": "console=ttyS0 quiet", "net": "switch:lan"}
    return measured_machine.run_vms({
        "server": (KERNEL, {**usual, "files": {"initrd": initrd(START.format(2) + SERVE)}}),
        "client": (KERNEL, {**usual, "console": "front", "files": {"initrd": initrd(START.format(1) + MEASURE)}})})


def table(text):
    rows = []
    for title, pattern, aim, bare, xvisor, kvm in ROWS:
        found = re.search(pattern, text)
        if found is None:
            raise RuntimeError(f"the guest has not said '{pattern}':\n{text[-2000:]}")
        value = int(found[1])
        rows.append([title, f"{value:,}", f"{aim:,}", "met" if value <= aim else "missed", bare, xvisor, kvm])
    return document.table([f"instructions, Debian's Linux {kernel_version()}", "Cairn", "aim", "", "bare", "Xvisor",
                           "KVM, vhost"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "net_rounds")
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    text = table(measure())
    if options.print:
        print(text)
    else:
        document.rewrite(DOCUMENT, {"networks": text})


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_networks.py: {error}")
