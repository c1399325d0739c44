#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Packs the archive of VMs that Cairn reads: a folder per VM, with vm.conf and the files it names.

Either from a folder that already looks like that (--bundle), or one VM from options named like
QEMU's own. What the files hold is not looked at: the hypervisor does that, and says so.
"""
import argparse
import collections
import hashlib
import os
import sys
from pathlib import Path

import newc

PAGE = 4096


def bundle_files(folder, prefix=""):
    """(name in the archive, path) of everything below folder, parents first, in a fixed order.
    Symbolic links are followed, those to folders too: several VMs may be one folder."""
    for path in sorted(folder.iterdir()):
        yield prefix + path.name, path
        if path.is_dir():
            yield from bundle_files(path, f"{prefix}{path.name}/")


def pack_file(archive, name, path, links=1):
    """Kernels and initrds are copied into guests, which is quickest where words are aligned, and a
    page serves whoever maps them."""
    data = path.read_bytes()
    return archive.file(name, data, links=links, **({"align": PAGE} if len(data) >= PAGE else {}))


def digest_of(path):
    """None for what is too small to be worth sharing."""
    data = path.read_bytes()
    return hashlib.sha256(data).digest() if len(data) >= PAGE else None


def pack_bundle(archive, folder):
    """Files of the same bytes lie in the archive once, whatever VMs they belong to: the further ones
    are hard links to the first."""
    files = list(bundle_files(folder))
    digests = {name: digest_of(path) for name, path in files if not path.is_dir()}
    links = collections.Counter(digests.values())
    inodes = {}
    for name, path in files:
        digest = digests.get(name)
        if path.is_dir():
            archive.directory(name)
        elif digest is None:
            pack_file(archive, name, path)
        elif digest in inodes:
            archive.hard_link(name, inodes[digest], links[digest])
        else:
            inodes[digest] = pack_file(archive, name, path, links[digest])


def vm_conf(options):
    lines = [
        ("cpus", options.cpus),
        ("memory", options.memory),
        ("kernel", "kernel"),
        ("initrd", "initrd" if options.initrd else None),
        ("append", options.append),
        *(("disk", disk) for disk in options.disk),
        ("net", options.net),
        ("virtio-console", "yes" if options.virtio_console else None),
    ]
    return "".join(f"{key} = {value}\n" for key, value in lines if value)


def pack_one_vm(archive, options):
    archive.directory(options.name)
    archive.file(f"{options.name}/vm.conf", vm_conf(options).encode())
    pack_file(archive, f"{options.name}/kernel", options.kernel)
    if options.initrd:
        pack_file(archive, f"{options.name}/initrd", options.initrd)
    if options.base:
        pack_file(archive, f"{options.name}/disk.img", options.base)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, help="a folder per VM, each with a vm.conf")
    parser.add_argument("--name", default="guest", help="name of the one VM (default: guest)")
    parser.add_argument("--kernel", type=Path)
    parser.add_argument("--initrd", type=Path)
    parser.add_argument("--append")
    parser.add_argument("--cpus")
    parser.add_argument("--memory")
    parser.add_argument("--disk", action="append", default=[], help="as in vm.conf: host:0[,ro]")
    parser.add_argument("--base", type=Path, help="an image that a --disk names as disk.img")
    parser.add_argument("--net", help="what it is connected to: uplink")
    parser.add_argument("--virtio-console", action="store_true", help="a virtio console beside its UART")
    options = parser.parse_args(arguments)
    if bool(options.bundle) == bool(options.kernel):
        parser.error("give either --bundle or --kernel")
    return options


def write_archive(options):
    options.output.parent.mkdir(parents=True, exist_ok=True)
    partial = options.output.with_suffix(".partial")
    with partial.open("wb") as stream:
        archive = newc.Writer(stream)
        if options.bundle:
            pack_bundle(archive, options.bundle)
        else:
            pack_one_vm(archive, options)
        archive.finish()
    os.replace(partial, options.output)


if __name__ == "__main__":
    try:
        write_archive(parse(sys.argv[1:]))
    except OSError as error:
        sys.exit(f"pack_bundle.py: {error.filename}: {error.strerror}")
