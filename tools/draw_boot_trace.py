#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws why Debian leaves its guest while it boots: boots it under Cairn with a trace of its exits, up to
the shell's prompt, dumps the trace, and writes docs/boot_trace.svg and docs/boot_trace_flame.svg.

The functions of Debian's kernel are named by its own /proc/kallsyms, which its console tells.
Time counts instructions (tools/measured_machine.py). --keep FILE keeps the console's log and FILE.map
the symbols, for tools/exit_trace.py.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot_time
import exit_log
import exit_trace
import measured_machine
import pack_bundle
from machine_console import ESCAPE, GUEST_PROMPT, MONITOR_PROMPT, Console
from measured_machine import HYPERVISOR, QEMU, ROOT

INITRD = ROOT / ".cache/guest/initramfs.cpio.gz"
CONF = """kernel = Image
initrd = initramfs.cpio.gz
append = console=ttyS0 quiet
memory = 512M
trace = 8192
"""
ERASE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def machine(folder):
    guest = folder / "vms/debian"
    guest.mkdir(parents=True)
    (guest / "vm.conf").write_text(CONF)
    (guest / "Image").symlink_to(boot_time.KERNEL)
    (guest / "initramfs.cpio.gz").symlink_to(INITRD)
    archive = folder / "vms.cpio"
    pack_bundle.write_archive(pack_bundle.parse(
        ["--bundle", str(folder / "vms"), "--output", str(archive)]))
    return [QEMU, "-M", "virt", "-cpu", "rv64", "-m", "2G", "-bios", "default", "-display", "none",
            "-monitor", "none", "-serial", "stdio", "-icount", "shift=0,sleep=off", "-seed", "1",
            "-rtc", "base=2025-01-01,clock=vm", "-kernel", str(HYPERVISOR), "-initrd", str(archive)]


def boot(folder):
    """The console's log with the dump, and the kernel's symbols as a System.map."""
    console = Console(machine(folder))
    try:
        console.ask("", GUEST_PROMPT)
        console.ask(ESCAPE, MONITOR_PROMPT)
        dump = console.ask("trace debian dump --json\r", MONITOR_PROMPT)
        console.ask("trace debian off\r", MONITOR_PROMPT)
        console.ask(ESCAPE + "\n", GUEST_PROMPT)
        said = console.ask("grep -i ' [tw] ' /proc/kallsyms | grep -v '\\['\n", GUEST_PROMPT)
    finally:
        console.end()
    lines = [ERASE.sub("", line).strip() for line in said.split("\n")]
    return dump, "\n".join(line for line in lines if re.match(r"[0-9a-f]{16} [tTwW] \S+$", line)) + "\n"


def draw(log, symbols):
    version = boot_time.kernel_version()
    exit_trace.main([str(log), "--symbols", str(symbols), "--by", "exits",
                     "--title", f"Debian's Linux {version} boots to its shell, under Cairn",
                     "--timeline", str(ROOT / "docs/boot_trace.svg"),
                     "--flame", str(ROOT / "docs/boot_trace_flame.svg")])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keeps the console's log")
    options = parser.parse_args()
    measured_machine.build("hypervisor")
    subprocess.run([ROOT / "tools/fetch_debian.sh"], stdin=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log, symbols = options.keep or folder / "log", folder / "System.map"
        if options.keep:
            symbols = options.keep.with_name(options.keep.name + ".map")
        dump, names = boot(folder)
        log.write_text(dump)
        symbols.write_text(names)
        draw(log, symbols)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, exit_log.LogError, subprocess.SubprocessError) as error:
        sys.exit(f"draw_boot_trace.py: {error}")
