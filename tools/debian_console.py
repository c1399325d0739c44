#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Has a Debian's initial RAM disk talk on a virtio console from its start on.

    debian_console.py INITRD

Puts an archive with one file in front of it, which /init of Debian's initramfs-tools sources: the driver of virtio on
MMIO is a module there, and until it is loaded Linux has nothing to open as /dev/console. So no disk has to be
made anew for that console; with another one, as ttyS0, the file does nothing.
"""
import argparse
import io
import os
import sys
from pathlib import Path

import newc

BLOCK = 512
FILE = "conf/conf.d/virtio-console"
SCRIPT = """# Sourced by /init. Without the console the kernel's messages are where it can be seen.
if grep -q console=hvc /proc/cmdline; then
    modprobe -q virtio_mmio
    for n in 1 2 3 4 5 6 7 8 9 10; do
        ! grep -q '^hvc' /proc/consoles || break
        sleep 0.2
    done
    if (: </dev/console >/dev/console) 2>/dev/null; then
        exec </dev/console >/dev/console 2>&1
    else
        exec >/dev/kmsg 2>&1
    fi
fi
"""


def archive():
    """Linux unpacks one archive behind the other, with zeroes between them."""
    stream = io.BytesIO()
    writer = newc.Writer(stream)
    folder, _, _ = FILE.rpartition("/")
    for name in (folder.partition("/")[0], folder):
        writer.directory(name)
    writer.file(FILE, SCRIPT.encode())
    writer.finish()
    return stream.getvalue() + bytes(-writer.size % BLOCK)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("initrd", type=Path)
    options = parser.parse_args()
    partial = options.initrd.with_name(options.initrd.name + ".partial")
    partial.write_bytes(archive() + options.initrd.read_bytes())
    os.replace(partial, options.initrd)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"debian_console.py: {error.filename}: {error.strerror}")
