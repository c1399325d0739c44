#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a table of one partition to a disk image, which reaches from 1 MiB to the image's end, or says whether it has one.

    partition_disk.py [--check] IMAGE

The table is that of an MBR (UEFI Specification 2.10, section 5.2): a Linux partition with the mark of one to boot from,
which boot loaders look for. What lies behind the first sector stays. Where there is such a table, the partition has a new
end; where there are others in it, nothing is written. The status of --check is 1 where there is no such partition.
"""
import argparse
import os
import struct
import sys
from pathlib import Path

SECTOR = 512
FIRST = (1 << 20) // SECTOR
MOST = 0xffff_ffff  # sectors, as a record counts them
ACTIVE, LINUX = 0x80, 0x83
RECORD = struct.Struct("<B3sB3sII")
RECORDS_AT, SIGNATURE_AT = 446, 510
BEYOND = b"\xfe\xff\xff"  # cylinder, head and sector of what those cannot address


def record(sectors):
    return RECORD.pack(ACTIVE, BEYOND, LINUX, BEYOND, FIRST, sectors)


def is_partitioned(sector):
    """Whether the first record of a first sector is one of these, of any length."""
    fields = RECORD.unpack_from(sector.ljust(SECTOR, b"\0"), RECORDS_AT)
    return sector[SIGNATURE_AT:] == b"\x55\xaa" and (fields[2], fields[4]) == (LINUX, FIRST)


def write(stream):
    sectors = stream.seek(0, os.SEEK_END) // SECTOR - FIRST
    if sectors < 1:
        raise SystemExit(f"partition_disk.py: {stream.name} has no room for a partition behind its first MiB")
    stream.seek(RECORDS_AT + RECORD.size)
    if any(others := stream.read(SIGNATURE_AT - RECORDS_AT - RECORD.size)):
        raise SystemExit(f"partition_disk.py: {stream.name} has other partitions, which this one would lie over")
    stream.seek(RECORDS_AT)
    stream.write(record(min(sectors, MOST)) + others + b"\x55\xaa")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("image", type=Path)
    options = parser.parse_args()
    with options.image.open("rb" if options.check else "r+b") as stream:
        if options.check:
            sys.exit(not is_partitioned(stream.read(SECTOR)))
        write(stream)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"partition_disk.py: {error}")
