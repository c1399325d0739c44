# SPDX-License-Identifier: MIT
"""U-Boot as a guest that has devices: it reads disks, boots from one, and is on the network; and its tests of its own
UEFI have the results of a bare machine with the same devices."""
import random
import re
import shutil
import subprocess
import zlib

import pytest

from cairn_machine import U_BOOT, write_archive
import partition_disk  # from tools/, which that has made importable
from disk_image import SECTOR, put_gpt
from test_host_disks import drives
from u_boot_session import ask, power_off, said_by_cairn, stop_autoboot

DATA = random.Random(1).randbytes(1_500_001)
FIRST = 2048  # the sector that a partition begins at
MEBI = 1 << 20
ADDRESS = 0x8400_0000
CONF = "kernel = kernel\nmemory = 256M\n"


def put_files(disk, first, mebibytes, files):
    """Makes an ext4 of {name: bytes or Path} at that sector of an image."""
    tree = disk.with_name("files")
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", f"offset={first * SECTOR}", disk,
                    f"{mebibytes}M"], check=True)


@pytest.fixture
def disk(tmp_path):
    """An image with a GPT: zeroes in the first partition, and a file system in the second."""
    path = tmp_path / "disk.img"
    image = bytearray(12 * MEBI)
    put_gpt(image, {1: (FIRST, FIRST), 2: (2 * FIRST, 8 * MEBI // SECTOR)})
    path.write_bytes(image)
    put_files(path, 2 * FIRST, 8, {"hello.txt": b"hello\n", "a folder/data": DATA})
    return path


@pytest.fixture
def u_boot(machine, tmp_path):
    """Starts U-Boot with these lines of vm.conf, and files that they name."""
    def start(lines, options=(), *, icount=False, **files):
        path = write_archive(tmp_path / "vms.cpio", {"guest/vm.conf": CONF + lines, "guest/kernel": U_BOOT,
                                                     **{f"guest/{name}": file for name, file in files.items()}})
        return machine(path, options=options, icount=icount, shift=4)

    return start


def crc32_of(m, address, size):
    return int(ask(m, f"crc32 {address:x} {size:x}").rpartition("==>")[2], 16)


def load(m, command):
    """The check sum of what a command has loaded at ADDRESS."""
    assert f"{len(DATA)} bytes read" in ask(m, command)
    return crc32_of(m, ADDRESS, len(DATA))


def check_disk(m, disk):
    said = ask(m, "virtio info")
    assert said.startswith("Device 0: ") and f"({disk.stat().st_size // SECTOR} x 512)" in said
    assert "Device 1: " not in said
    numbers = re.findall(r"^ +(\d)\t0x(\w+)\t", ask(m, "part list virtio 0"), re.MULTILINE)
    assert [(number, int(first, 16)) for number, first in numbers] == [("1", FIRST), ("2", 2 * FIRST)]
    listed = ask(m, "ls virtio 0:2 /")
    assert re.search(r"\b6 +hello\.txt$", listed, re.MULTILINE) and "a folder" in listed
    assert load(m, f"load virtio 0:2 {ADDRESS:x} 'a folder/data'") == zlib.crc32(DATA)


@pytest.mark.parametrize("line", ["disk = disk.img\n", "disk = host:0\n"])
def test_files_on_a_disk(u_boot, disk, line):
    m = u_boot(line, drives(disk) if "host" in line else (), **{disk.name: disk})
    for attempt in range(2):  # what the first run has left of the device does not matter
        stop_autoboot(m)
        ask(m, "virtio scan")
        check_disk(m, disk)
        if attempt == 0:
            m.send_line("reset")
            m.expect("vm guest: reset")
    power_off(m)


@pytest.mark.parametrize("line", ["disk = disk.img,overlay\n", "disk = host:0\n"])
def test_sectors_are_written(u_boot, disk, line):
    """To a partition, and outlive a reset. 600 sectors are more than U-Boot and the device handle in one piece."""
    on_host = "host" in line
    m = u_boot(line, drives(disk) if on_host else (), **{disk.name: disk})
    stop_autoboot(m)
    ask(m, "virtio scan; virtio device 0")
    ask(m, f"mw.b {ADDRESS:x} a5 {600 * SECTOR:x}")
    assert "600 blocks written: OK" in ask(m, f"virtio write {ADDRESS:x} {FIRST:x} {600:x}")
    m.send_line("reset")
    m.expect("vm guest: reset")
    stop_autoboot(m)
    ask(m, "virtio scan; virtio device 0")
    assert "602 blocks read: OK" in ask(m, f"virtio read {ADDRESS:x} {FIRST - 1:x} {602:x}")
    expected = bytes(SECTOR) + b"\xa5" * 600 * SECTOR + bytes(SECTOR)
    assert crc32_of(m, ADDRESS, len(expected)) == zlib.crc32(expected)
    power_off(m)
    at = (FIRST - 1) * SECTOR
    assert (disk.read_bytes()[at:at + len(expected)] == expected) == on_host


def user_network(folder):
    """QEMU's, with a server for TFTP that has `data`."""
    return ["-netdev", f"user,id=net0,tftp={folder},bootfile=data", "-device", "virtio-net-device,netdev=net0"]


def test_network(u_boot, tmp_path):
    """DHCP gives the address that QEMU gives everybody; the gateway answers, and a file comes as it is."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served/data").write_bytes(DATA)
    m = u_boot("net = uplink\n", user_network(tmp_path / "served"))
    stop_autoboot(m)
    ask(m, "setenv autoload no")
    assert "DHCP client bound to address 10.0.2.15 " in ask(m, "dhcp")
    assert "host 10.0.2.2 is alive" in ask(m, "ping 10.0.2.2")
    ask(m, "setenv autoload")
    assert f"Bytes transferred = {len(DATA)} " in ask(m, f"dhcp {ADDRESS:x}")  # and what it names, by TFTP
    assert crc32_of(m, ADDRESS, len(DATA)) == zlib.crc32(DATA)
    assert "not found" in ask(m, f"tftpboot {ADDRESS:x} nothing")
    power_off(m)


def results_of_selftest(m):
    """[(what is done, test, result)]"""
    stop_autoboot(m)
    m.send_line("bootefi selftest")
    failures = int(m.expect(r"Summary: (\d+) failures").group(1))
    results = re.findall(r"(Setting up|Executing|Tearing down) '(.+)' (succeeded|failed)", m.log)
    assert sum(result == "failed" for *_, result in results) == failures
    return results


def test_efi_selftest(u_boot, machine, disk, tmp_path):
    """U-Boot's tests of its own UEFI count timer events, so time is that of the machine (-icount), not of a host that
    may be busy."""
    devices = [*user_network(tmp_path), "-device", "virtio-rng-device"]
    m = u_boot("disk = host:0\nnet = uplink\nrng = yes\n", [*drives(disk), *devices], icount=True)
    results = results_of_selftest(m)
    shutil.copy(disk, tmp_path / "another.img")
    bare = machine(kernel=U_BOOT, memory="256M", options=[*drives(tmp_path / "another.img"), *devices], icount=True,
                   shift=4)
    assert results == results_of_selftest(bare)
    assert len(results) > 70 and {result for *_, result in results} == {"succeeded"}
    m.expect("Press any key")
    m.send(" ")  # ResetSystem
    m.expect("vm guest: reset")
    stop_autoboot(m)
    power_off(m)


EXTLINUX = """timeout 1
default debian
label debian
    linux /boot/vmlinux
    initrd /boot/initrd.img
    append console=ttyS0 by=extlinux
"""


def test_debian_is_booted_from_a_disk(u_boot, debian, tmp_path):
    """Nobody presses a key: U-Boot finds what Debian's package u-boot-menu writes, on the partition that
    tools/partition_disk.py makes."""
    disk = tmp_path / "disk.img"
    with disk.open("w+b") as stream:
        stream.truncate(64 * MEBI)
        partition_disk.write(stream)
    put_files(disk, partition_disk.FIRST, 63, {
        "boot/extlinux/extlinux.conf": EXTLINUX.encode(), "boot/vmlinux": debian["kernel"],
        "boot/initrd.img": debian["initrd"]})
    m = u_boot("disk = host:0\n", drives(disk))
    m.expect("Starting kernel ...")
    m.expect("guest:~# ")
    assert "by=extlinux" in m.command_output("cat /proc/cmdline", "guest:~# ")
    m.send_line("poweroff")
    m.expect("reboot: Power down")
    assert m.wait_exit() == 0
    assert said_by_cairn(m)[-1] == "vm guest: powered off"
