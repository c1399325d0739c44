#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The numbers of virtio in kernel/arch/devices/virtio_*.hpp against Linux's headers for programs, which
every C compiler of Debian brings along (linux-libc-dev). Without them the check says so and ends with
status 77, which ctest shows as skipped."""
import re
import sys
from pathlib import Path

from facts import rows, text
from tree import finish

OURS = "kernel/arch/devices/virtio_{}.hpp"
LINUX = Path("/usr/include/linux")
SKIPPED = 77
# Our table, our header's name, Linux's header, and how Linux writes a row's name.
TABLES = [
    ("CAIRN_VIRTIO_MMIO_REGISTERS", "mmio_registers", "virtio_mmio.h", "VIRTIO_MMIO_{}"),
    ("CAIRN_VIRTIO_MMIO_LEGACY_REGISTERS", "mmio_registers", "virtio_mmio.h", "VIRTIO_MMIO_{}"),
    ("CAIRN_VIRTIO_STATUS", "device", "virtio_config.h", "VIRTIO_CONFIG_S_{}"),
    ("CAIRN_VIRTIO_FEATURES", "device", "virtio_config.h", "VIRTIO_F_{}"),
    ("CAIRN_VIRTIO_RING_FLAGS", "ring", "virtio_ring.h", "VRING_{}"),
    ("CAIRN_VIRTIO_PACKED_RING", "packed_ring", "virtio_ring.h", "VRING_PACKED_{}"),
    ("CAIRN_VIRTIO_BLOCK_FEATURES", "block_requests", "virtio_blk.h", "VIRTIO_BLK_F_{}"),
    ("CAIRN_VIRTIO_BLOCK_REQUESTS", "block_requests", "virtio_blk.h", "VIRTIO_BLK_T_{}"),
    ("CAIRN_VIRTIO_BLOCK_STATUS", "block_requests", "virtio_blk.h", "VIRTIO_BLK_S_{}"),
    ("CAIRN_VIRTIO_BALLOON_FEATURES", "balloon_requests", "virtio_balloon.h", "VIRTIO_BALLOON_F_{}"),
    ("CAIRN_VIRTIO_BALLOON_STATS", "balloon_requests", "virtio_balloon.h", "VIRTIO_BALLOON_S_{}"),
    ("CAIRN_VIRTIO_NET_FEATURES", "net_packets", "virtio_net.h", "VIRTIO_NET_F_{}"),
    ("CAIRN_VIRTIO_NET_STATUS", "net_packets", "virtio_net.h", "VIRTIO_NET_S_{}"),
    ("CAIRN_VIRTIO_NET_HEADER_FLAGS", "net_packets", "virtio_net.h", "VIRTIO_NET_HDR_F_{}"),
    ("CAIRN_VIRTIO_NET_SEGMENTS", "net_packets", "virtio_net.h", "VIRTIO_NET_HDR_GSO_{}"),
    ("CAIRN_VIRTIO_NET_COMMANDS", "net_packets", "virtio_net.h", "VIRTIO_NET_CTRL_{}"),
    ("CAIRN_VIRTIO_NET_ANSWERS", "net_packets", "virtio_net.h", "VIRTIO_NET_{}"),
    ("CAIRN_VIRTIO_CONSOLE_FEATURES", "console_ports", "virtio_console.h", "VIRTIO_CONSOLE_F_{}"),
    ("CAIRN_VIRTIO_CONSOLE_EVENTS", "console_ports", "virtio_console.h", "VIRTIO_CONSOLE_{}"),
]
NAMES = {
    "VIRTIO_F_RING_INDIRECT_DESC": "VIRTIO_RING_F_INDIRECT_DESC", "VIRTIO_F_RING_EVENT_IDX": "VIRTIO_RING_F_EVENT_IDX",
    "VRING_DESC_NEXT": "VRING_DESC_F_NEXT", "VRING_DESC_WRITE": "VRING_DESC_F_WRITE",
    "VRING_DESC_INDIRECT": "VRING_DESC_F_INDIRECT", "VRING_USED_NO_NOTIFY": "VRING_USED_F_NO_NOTIFY",
    "VRING_AVAIL_NO_INTERRUPT": "VRING_AVAIL_F_NO_INTERRUPT",
}
# What Linux 6.1 does not name. Anything else without a counterpart fails the check.
WITHOUT = {"VIRTIO_MMIO_QUEUE_RESET"}


def constants(folder):
    """Every #define of the headers that is a plain number, {NAME: number}."""
    known = {}
    for header in sorted({header for _, _, header, _ in TABLES} | {"virtio_ids.h"}):
        text = re.sub(r"/\*.*?\*/", "", (folder / header).read_text(), flags=re.S)
        for name, value in re.findall(r"^ ?#define\s+(\w+)\s+(0[xX][\da-fA-F]+|\d+)\s*$", text, re.M):
            known[name] = int(value, 0)
    return known


def pairs():
    for table, ours, _, pattern in TABLES:
        for name, number in rows(OURS.format(ours), table).items():
            theirs = pattern.format(name.upper())
            yield f"{table} {name}", number, NAMES.get(theirs, theirs)
    for name, theirs in (("network", "VIRTIO_ID_NET"), ("block", "VIRTIO_ID_BLOCK"), ("console", "VIRTIO_ID_CONSOLE"),
                         ("entropy", "VIRTIO_ID_RNG"), ("balloon", "VIRTIO_ID_BALLOON")):
        device = re.search(rf"{name}_device_id = (\d+);", text(OURS.format("device")))
        yield f"{name}_device_id", int(device[1]), theirs


def main():
    if not (LINUX / "virtio_mmio.h").is_file():
        print(f"skipped: no second source: {LINUX} has no virtio headers (linux-libc-dev)")
        sys.exit(SKIPPED)
    known, violations, compared = constants(LINUX), [], 0
    for ours, number, theirs in pairs():
        if theirs not in known:
            if theirs not in WITHOUT:
                violations.append(f"{ours}: Linux has no {theirs}: give it another second source")
        elif known[theirs] != number:
            violations.append(f"{ours} is {number:#x}, Linux's {theirs} is {known[theirs]:#x}")
        else:
            compared += 1
    print(f"{compared} constants agree with {LINUX}")
    finish(violations, "constants of virtio")


main()
