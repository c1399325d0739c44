# SPDX-License-Identifier: MIT
"""Disks with partition tables for the machine, written sector by sector (UEFI Specification 2.10, section 5)."""
import struct
import zlib

SECTOR = 512
RECORDS_AT = 446
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRIES, ENTRY = 128, struct.Struct("<16s16sQQQ72s")
TYPE = bytes(range(16)) # some type; no 16 zeroes, which an unused entry has


def mbr(records):
    """The first sector; `records`: (type, first sector, sectors) by number from 0."""
    sector = bytearray(SECTOR)
    for number, (kind, first, sectors) in records.items():
        struct.pack_into("<4xB3xII", sector, RECORDS_AT + number * 16, kind, first, sectors)
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def _copy(block, other, table_at, table, sectors):
    header = HEADER.pack(b"EFI PART", 0x10000, HEADER.size, 0, 0, block, other, 34, sectors - 34, TYPE, table_at,
                         ENTRIES, ENTRY.size, zlib.crc32(table))
    return (header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]).ljust(SECTOR, b"\0")


def put_gpt(disk, partitions):
    """Writes both copies onto `disk`, a bytearray; `partitions`: (first sector, sectors) by number from 1."""
    sectors = len(disk) // SECTOR
    table = bytearray(ENTRIES * ENTRY.size)
    for number, (first, count) in partitions.items():
        ENTRY.pack_into(table, (number - 1) * ENTRY.size, TYPE, TYPE, first, first + count - 1, 0, b"")
    disk[:SECTOR] = mbr({0: (0xee, 1, 0xffffffff)})
    disk[SECTOR:2 * SECTOR] = _copy(1, sectors - 1, 2, table, sectors)
    disk[2 * SECTOR:34 * SECTOR] = table
    disk[-33 * SECTOR:-SECTOR] = table
    disk[-SECTOR:] = _copy(sectors - 1, 1, sectors - 33, table, sectors)
