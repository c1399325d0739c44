#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the disk from which UEFI firmware starts Cairn: an EFI system partition, which is a FAT volume.
Needs mtools, and no root.

    make_volume.py --output esp.img --image cairn.efi [--archive vms.cpio] [--file PATH=FILE]...

The image becomes \\EFI\\BOOT\\BOOTRISCV64.EFI, where firmware looks for what to start from a removable
disk (UEFI Specification 2.10, section 3.5.1.1), the archive \\EFI\\cairn\\vms.cpio, where Cairn looks.
"""
import argparse
import os
import struct
import subprocess
import sys
from pathlib import Path

IMAGE = "EFI/BOOT/BOOTRISCV64.EFI"
ARCHIVE = "EFI/cairn/vms.cpio"
MIB = 1024 * 1024
SPARE = 4 * MIB  # the file system's own tables, and folders
SMALLEST = 40 * MIB  # below this it would be no FAT32
SECTOR = 512
PARTITION = 2048  # its first sector: a MiB, as everybody aligns
EFI_SYSTEM = 0xEF  # type of a partition (UEFI Specification 2.10, section 5.2.2)
FAR = b"\xfe\xff\xff"  # cylinder, head and sector: see the sector numbers instead
# mtools would refuse a disk whose size is no multiple of a track.
ENVIRONMENT = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}


def folders_of(paths):
    """Every folder that `paths` need, outer ones first."""
    found = []
    for path in paths:
        for parent in reversed(Path(path).parents[:-1]):
            if str(parent) not in found:
                found.append(str(parent))
    return found


def mtool(*command):
    subprocess.run([str(word) for word in command], check=True, env=ENVIRONMENT,
                   stdin=subprocess.DEVNULL, capture_output=True, text=True)


def partition_table(sectors):
    """The disk's first sector: one partition of `sectors`."""
    entry = struct.pack("<B3sB3sII", 0x80, FAR, EFI_SYSTEM, FAR, PARTITION, sectors)
    return bytes(446) + entry.ljust(64, b"\0") + b"\x55\xaa"


def volume_of(disk):
    """How mtools is told where on the disk the volume is."""
    return f"{disk}@@{PARTITION * SECTOR}"


def write_volume(output, files):
    """Writes a disk with {path on its volume: file}; it appears under its name when it is complete."""
    needed = sum(Path(file).stat().st_size for file in files.values()) * 101 // 100 + SPARE
    mebibytes = (max(needed, SMALLEST) + MIB - 1) // MIB
    partial = Path(f"{output}.partial")
    with partial.open("wb") as stream:
        stream.write(partition_table(mebibytes * MIB // SECTOR))
        stream.truncate(PARTITION * SECTOR + mebibytes * MIB)
    volume = volume_of(partial)
    # 32 heads with 64 sectors of 512 bytes: a cylinder is a MiB.
    mtool("mformat", "-i", volume, "-F", "-t", mebibytes, "-h", 32, "-n", 64, "-c", 1, "-H", PARTITION,
          "-v", "CAIRN", "-N", "0ca1e4f1", "::")
    for folder in folders_of(files):
        mtool("mmd", "-i", volume, f"::/{folder}")
    for path, file in files.items():
        mtool("mcopy", "-i", volume, file, f"::/{path}")
    partial.replace(output)


def placed_file(text):
    path, separator, file = text.partition("=")
    if not (path and separator and file):
        raise argparse.ArgumentTypeError(f"'{text}' is not PATH=FILE")
    return path, file


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True, help="cairn.efi")
    parser.add_argument("--archive", type=Path, help="of VMs; without it the volume has none")
    parser.add_argument("--file", type=placed_file, action="append", default=[],
                        metavar="PATH=FILE", help="one more file")
    arguments = parser.parse_args()
    files = {IMAGE: arguments.image, **dict(arguments.file)}
    if arguments.archive:
        files[ARCHIVE] = arguments.archive
    try:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_volume(arguments.output, files)
    except subprocess.CalledProcessError as error:
        sys.exit(f"make_volume.py: {error.cmd[0]}: {error.stderr.strip()}")
    except OSError as error:
        sys.exit(f"make_volume.py: {error}")


if __name__ == "__main__":
    main()
