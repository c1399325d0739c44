#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes an initramfs of busybox and the files in tools/guest/, without root.

Device nodes are entries of the archive; the applets' links are made by busybox itself at boot.
"""
import argparse
import gzip
import os
from pathlib import Path

import newc

FOLDERS = ["bin", "dev", "etc", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "usr/bin",
           "usr/sbin"]
# Init needs a console before devtmpfs is there (Linux, Documentation/admin-guide/devices.txt).
DEVICES = [("dev/console", 5, 1), ("dev/null", 1, 3), ("dev/ttyS0", 4, 64)]


def write_initramfs(stream, busybox, files):
    archive = newc.Writer(stream)
    for name in FOLDERS:
        archive.directory(name)
    for name, major, minor in DEVICES:
        archive.character_device(name, major, minor)
    archive.file("bin/busybox", busybox.read_bytes(), mode=0o755)
    archive.symlink("init", "bin/busybox")
    for path in sorted(files.iterdir()):
        archive.file(f"etc/{path.name}", path.read_bytes(), mode=0o755)
    archive.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busybox", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True, help="folder copied to /etc")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    partial = options.output.with_suffix(".partial")
    with gzip.GzipFile(partial, "wb", compresslevel=6, mtime=0) as stream:
        write_initramfs(stream, options.busybox, options.files)
    os.replace(partial, options.output)


if __name__ == "__main__":
    main()
