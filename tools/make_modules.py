#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes an initramfs with modules of Debian's kernel, to be put behind another one: Linux unpacks both.

    dpkg-deb --fsys-tarfile linux-image-*.deb | make_modules.py --output modules.cpio.gz
    cat initramfs.cpio.gz modules.cpio.gz >initrd

It holds /lib/modules/NAME.ko, and the scripts that load them: /etc/disks, /etc/net, /etc/rng,
/etc/balloon and /etc/console.
"""
import argparse
import gzip
import lzma
import os
import sys
import tarfile
from pathlib import Path

import newc

# What each script loads, each module after those that it needs. Disks come with the file system of most;
# what a console needs further is built into Debian's kernel.
SCRIPTS = {
    "disks": ["virtio_mmio", "virtio_blk", "crc16", "crc32c_generic", "mbcache", "jbd2", "ext4"],
    "net": ["virtio_mmio", "failover", "net_failover", "virtio_net"],
    "rng": ["virtio_mmio", "virtio-rng"],
    "balloon": ["virtio_mmio", "virtio_balloon"],
    "console": ["virtio_mmio"],
}
MODULES = list(dict.fromkeys(name for names in SCRIPTS.values() for name in names))


def chosen(files):
    """{module: bytes} of MODULES among pairs of a path and what reads it; a missing one is an error."""
    found = {}
    for path, read in files:
        name, dot, suffix = Path(path).name.partition(".ko")
        if dot and name in MODULES:
            found[name] = lzma.decompress(read()) if suffix == ".xz" else read()
    missing = [name for name in MODULES if name not in found]
    if missing:
        raise SystemExit(f"{Path(sys.argv[0]).name}: Debian's kernel has no module {', '.join(missing)}")
    return {name: found[name] for name in MODULES}


def read_modules(stream):
    """Those in the package's tar file."""
    with tarfile.open(fileobj=stream, mode="r|") as package:
        return chosen((entry.name, package.extractfile(entry).read) for entry in package if entry.isfile())


def modules_below(folder):
    """Those in an unpacked system."""
    return chosen((path, path.read_bytes) for path in folder.glob("usr/lib/modules/**/*.ko*"))


def write_archive(stream, modules):
    archive = newc.Writer(stream)
    for name in ("etc", "lib", "lib/modules"):
        archive.directory(name)
    for name in MODULES:
        archive.file(f"lib/modules/{name}.ko", modules[name])
    for script, names in SCRIPTS.items():
        lines = [f"#!/bin/busybox sh\n# Loads the drivers of {script}; those that are there stay.\n"]
        lines += [f"grep -q '^{name.replace('-', '_')} ' /proc/modules || insmod /lib/modules/{name}.ko || exit\n"
                  for name in names]
        archive.file(f"etc/{script}", "".join(lines).encode(), mode=0o755)
    archive.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--names", action="store_true", help="print what it holds, read and write nothing")
    options = parser.parse_args()
    if options.names:
        print(SCRIPTS)
        return
    output = options.output or parser.error("--output is missing")
    partial = output.with_suffix(".partial")
    modules = read_modules(sys.stdin.buffer)
    with gzip.GzipFile(partial, "wb", compresslevel=6, mtime=0) as stream:
        write_archive(stream, modules)
    os.replace(partial, output)


if __name__ == "__main__":
    main()
