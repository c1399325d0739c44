# SPDX-License-Identifier: MIT
"""Cairn as a UEFI application of EDK2, which runs it with paging on; Debian 13 has it."""
import pytest

from cairn_machine import qemu_version, write_guest
from outcome import small_guest
from test_boot import FIRST_LINES
from test_debian import PROMPT
from uefi_machine import EDK2, FIRST_LINE, IMAGE, disk, edk2, own_lines, without_addresses

pytestmark = [
    pytest.mark.skipif(not EDK2.is_dir(), reason="no qemu-efi-riscv64, which Debian 13 has"),
    pytest.mark.skipif(qemu_version() < (8, 1), reason="QEMU before 8.1 starts no EDK2 in its flash"),
]


@pytest.fixture
def from_volume(machine, tmp_path):
    """Starts EDK2, which finds Cairn on a volume: from_volume(archive)."""
    def run(path=None, acpi=False, **options):
        board = edk2(tmp_path, acpi)
        return machine(kernel=None, board=board["board"],
                       options=board["options"] + disk(tmp_path, path), **options)
    return run


@pytest.fixture
def by_kernel(machine, tmp_path):
    """Starts EDK2, which is given Cairn by QEMU's -kernel, -initrd and -append."""
    def run(path=None, **options):
        return machine(path, kernel=IMAGE, **edk2(tmp_path), **options)
    return run


@pytest.fixture
def checking_guest(tmp_path):
    return small_guest(tmp_path, "runtime_check", "memory")


def test_debian(from_volume, debian, tmp_path):
    m = from_volume(write_guest(tmp_path / "vms.cpio", **debian))
    m.expect(FIRST_LINE)
    m.expect(PROMPT)
    assert own_lines(m)[:2] == FIRST_LINES
    assert m.command_output("uname -a", PROMPT).startswith("Linux guest 6.")
    m.send_line("poweroff")
    assert m.wait_exit() == 0


@pytest.mark.parametrize("smp", [1, 4])
def test_same_log(from_volume, machine, checking_guest, smp):
    logs = []
    for start in (machine, from_volume):
        m = start(checking_guest, smp=smp)
        assert m.wait_exit() == 0
        logs.append(without_addresses(own_lines(m)))
    assert logs[0] == logs[1]


def test_archive_as_initrd(by_kernel, checking_guest):
    """QEMU's -initrd is offered by LINUX_EFI_INITRD_MEDIA, its -append is the load options."""
    m = by_kernel(checking_guest, append="heap=3M")
    assert m.wait_exit() == 0
    assert own_lines(m)[:2] == FIRST_LINES
    assert " of 3 MiB taken: " in own_lines(m)[2]


def check_refused(m, words):
    """EDK2's console breaks lines at 80 letters; its shell comes next."""
    m.expect("Shell> ")
    assert FIRST_LINE not in m.log
    assert words in m.log.replace("\n", "")


def test_missing_archive(from_volume):
    check_refused(from_volume(), r"cairn: the VM archive \EFI\cairn\vms.cpio: EFI_NOT_FOUND")


def test_heap_larger_than_memory(by_kernel, checking_guest):
    check_refused(by_kernel(checking_guest, append="heap=4G"),
                  "cairn: a heap of 4294967296 bytes: EFI_OUT_OF_RESOURCES")


def test_without_device_tree(from_volume, checking_guest):
    check_refused(from_volume(checking_guest, acpi=True),
                  "cairn: a device tree among the firmware's tables (QEMU: -machine acpi=off): "
                  "EFI_NOT_FOUND")
