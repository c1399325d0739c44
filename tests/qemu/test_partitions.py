# SPDX-License-Identifier: MIT
"""Partitions of the machine's disks as guests' disks: each guest has its own, and reaches nothing else."""
import hashlib
import subprocess

import pytest

from cairn_machine import ROOT, guest_image, write_archive
from disk_image import SECTOR, mbr, put_gpt
from outcome import archive, ended
from test_disks import FAILURE, checks_of, image
from test_host_disks import drives
from test_networks import initrd_with

CONF = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 256M\n"
# What a guest does with its disk before it powers itself off.
USE = """
/etc/disks
mkdir /mnt
mount /dev/vda /mnt
dd if=/dev/urandom of=/mnt/data bs=64k count=96 2>/dev/null
sha256sum </mnt/data >/mnt/sum
umount /mnt
poweroff -f
"""
# Where the partitions of a disk of 40 MiB are, in sectors.
PARTITIONS = {1: (2048, 32768), 2: (34816, 32768), 3: (67584, 4096)}
SECTORS = 81920


def patterned(sectors=SECTORS):
    return bytearray(b"".join(number.to_bytes(8, "little") * (SECTOR // 8) for number in range(sectors)))


def part(disk, number):
    first, count = PARTITIONS[number]
    return disk[first * SECTOR:(first + count) * SECTOR]


def contents(file, name):
    return subprocess.run(["/usr/sbin/debugfs", "-R", f"cat {name}", file], check=True, capture_output=True).stdout


@pytest.mark.parametrize("smp, modern", [(1, False), (2, True)])
def test_two_guests_have_a_partition_each(machine, debian, tmp_path, smp, modern):
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", tmp_path / "fs", "16M"], check=True)
    file_system = (tmp_path / "fs").read_bytes()
    before = patterned()
    for number in 1, 2:
        first, _ = PARTITIONS[number]
        before[first * SECTOR:first * SECTOR + len(file_system)] = file_system
    put_gpt(before, PARTITIONS)
    disk = tmp_path / "disk.img"
    disk.write_bytes(before)
    rc = (ROOT / "tools/guest/rc").read_text() + USE
    files = {"Image": debian["kernel"], "initrd": initrd_with(debian, rc=rc)}
    m = machine(write_archive(tmp_path / "vms.cpio", {
        f"{vm}/{name}": content for vm, number in (("a", 1), ("b", 2))
        for name, content in {"vm.conf": CONF + f"disk = host:0/{number}\n", **files}.items()}),
                smp=smp, options=drives(disk, modern=modern))
    lines = ended(m, timeout=300)
    assert {"vm a: powered off", "vm b: powered off"} <= set(lines)
    after = disk.read_bytes()
    for number in 1, 2:
        (tmp_path / "part").write_bytes(part(after, number))
        subprocess.run(["/usr/sbin/e2fsck", "-fn", tmp_path / "part"], check=True, capture_output=True)
        digest = hashlib.sha256(contents(tmp_path / "part", "data")).hexdigest()
        assert contents(tmp_path / "part", "sum").split()[0].decode() == digest
    ends = [0, *(first + count for first, count in PARTITIONS.values())]
    begins = [*(first for first, _ in PARTITIONS.values()), SECTORS]
    for end, begin in zip(ends, begins):
        assert after[end * SECTOR:begin * SECTOR] == before[end * SECTOR:begin * SECTOR]
    assert part(after, 3) == part(before, 3)


@pytest.mark.parametrize("table", ["gpt", "backup", "mbr"])
def test_the_device_keeps_the_rules_and_to_its_partition(machine, tmp_path, table):
    """The guest that breaks all of a disk's rules, beyond its end and elsewhere."""
    before = patterned(8192)
    if table == "mbr":
        before[:SECTOR] = mbr({2: (0x83, 2048, 2048)})
    else:
        put_gpt(before, {3: (2048, 2048)})
    if table == "backup":
        before[SECTOR + 40] ^= 1
    before[2048 * SECTOR:4096 * SECTOR] = image()
    disk = tmp_path / "disk.img"
    disk.write_bytes(before)
    (tmp_path / "fixed.img").write_bytes(image())
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\ndisk = host:0/3\ndisk = host:1,ro\n",
                        kernel=guest_image("disk_check")), options=drives(disk, f"{tmp_path}/fixed.img"))
    checks_of(m, timeout=240)
    assert FAILURE.findall(m.log) == []
    ended(m)
    after = disk.read_bytes()
    assert after[:2048 * SECTOR] == before[:2048 * SECTOR]
    assert after[4096 * SECTOR:] == before[4096 * SECTOR:]
    assert after != before


def damaged(disk):
    disk[SECTOR + 40] ^= 1
    disk[-SECTOR + 40] ^= 1


@pytest.mark.parametrize("lines, said, change", [
    ("disk = host:0/4\n", "host:0/4: the disk has no such partition", None),
    ("disk = host:0/129\n", "host:0/129: the disk has no such partition", None),
    ("disk = host:0/1\n", "host:0/1: the disk's GPT is damaged, and so is its backup", damaged),
    ("disk = host:0/1\n", "host:0/1: the disk has no partition table, neither GPT nor MBR",
     lambda disk: disk.__setitem__(510, 0)),
    ("disk = host:1/1\n", "host:1/1: this machine has no such disk: it has 1, counted from host:0", None),
    ("disk = host:0/2\ndisk = host:0/2\n", "host:0/2: a VM has it already, or a part of it", None),
    ("disk = host:0\ndisk = host:0/2\n", "host:0/2: a VM has it already, or a part of it", None),
    ("disk = host:0/2\ndisk = host:0/1\ndisk = host:0\n", "host:0: a VM has it already, or a part of it", None),
])
def test_a_partition_that_cannot_be_had(machine, tmp_path, lines, said, change):
    disk = patterned()
    put_gpt(disk, PARTITIONS)
    if change:
        change(disk)
    (tmp_path / "disk.img").write_bytes(disk)
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\n" + lines), options=drives(tmp_path / "disk.img"))
    number = 2 + lines.count("\n")
    assert f"cairn: guest/vm.conf:{number}: disk: {said}" in ended(m, status=1)


def test_what_a_guest_discards_the_host_has_again(machine, debian, tmp_path):
    """Blocks of the host's file: within the guest's partition, and nowhere else."""
    before = patterned()
    put_gpt(before, PARTITIONS)
    disk = tmp_path / "disk.img"
    disk.write_bytes(before)
    blocks = disk.stat().st_blocks
    rc = (ROOT / "tools/guest/rc").read_text() + "/etc/disks\nblkdiscard /dev/vda && echo discarded\npoweroff -f\n"
    options = drives(disk)
    options[1] += ",discard=unmap"
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "guest/vm.conf": CONF + "disk = host:0/2\n", "guest/Image": debian["kernel"],
        "guest/initrd": initrd_with(debian, rc=rc)}), options=options)
    assert "discarded" in ended(m, timeout=120)
    assert disk.stat().st_blocks <= blocks - PARTITIONS[2][1]
    after = disk.read_bytes()
    first, count = PARTITIONS[2]
    assert after[:first * SECTOR] == before[:first * SECTOR]
    assert not any(part(after, 2))
    assert after[(first + count) * SECTOR:] == before[(first + count) * SECTOR:]
