# SPDX-License-Identifier: MIT
"""Cairn as a UEFI application: U-Boot starts cairn.efi from a FAT volume."""
import re
import subprocess

import pytest

from cairn_machine import ROOT, guest_image, write_archive, write_guest
from outcome import archive, small_guest, without_figures
from test_boot import FIRST_LINES
from test_debian import PROMPT
from uefi_machine import (FIRST_LINE, U_BOOT_PROMPT, own_lines, stop_u_boot, u_boot,
                          without_addresses)


@pytest.fixture
def start(machine, tmp_path):
    """Starts U-Boot with a volume that holds Cairn: start(archive, append="heap=1M")."""
    def run(path=None, files=None, **options):
        return machine(**u_boot(tmp_path, path, files), **options)
    return run


def checking_guest(folder):
    """A guest that looks at all of its memory, says so and ends."""
    return small_guest(folder, "runtime_check", "memory")


def check_refused(m, sentence):
    """`sentence` instead of a boot, and the firmware goes on."""
    m.expect("\n" + re.escape(f"cairn: {sentence}") + "\r")
    m.expect(U_BOOT_PROMPT)
    assert m.command_output("echo still here", U_BOOT_PROMPT) == "still here"
    assert FIRST_LINE not in m.log


# --- the same as by the other door ----------------------------------------------------------------

def test_debian(start, debian, tmp_path):
    m = start(write_guest(tmp_path / "vms.cpio", **debian))
    m.expect(FIRST_LINE)
    m.expect(PROMPT)
    assert own_lines(m)[:2] == FIRST_LINES
    answer = m.command_output("uname -a", PROMPT)
    assert answer.startswith("Linux guest 6.") and "riscv64" in answer
    m.send_line("poweroff")
    m.expect("reboot: Power down")
    assert m.wait_exit() == 0


def test_same_log(start, machine, tmp_path):
    """All that Cairn and a guest say, but for addresses."""
    path = checking_guest(tmp_path)
    logs = []
    for m in (machine(path), start(path)):
        assert m.wait_exit() == 0
        logs.append(without_addresses(own_lines(m)))
    assert logs[0] == logs[1]
    assert logs[0][:2] == FIRST_LINES and len(logs[0]) > 4


KERNEL_LINE = re.compile(r"^\[ *\d+\.\d+\] ")


def kernel_log(m):
    """Linux's lines without times and without what is measured or drawn by lot."""
    m.expect(FIRST_LINE)
    m.expect(PROMPT)
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    lines = [KERNEL_LINE.sub("", line) for line in own_lines(m) if KERNEL_LINE.match(line)]
    return [re.sub(r"\d+", "N", line) for line in without_addresses(lines)]


def test_same_guest_log(start, machine, debian, tmp_path):
    path = write_guest(tmp_path / "vms.cpio", **debian)
    by_sbi, by_uefi = kernel_log(machine(path)), kernel_log(start(path))
    assert len(by_sbi) > 100
    assert sorted(by_sbi) == sorted(by_uefi) # some of Linux's threads race


def test_four_harts(start, tmp_path):
    m = start(checking_guest(tmp_path), smp=4)
    assert m.wait_exit() == 0
    assert own_lines(m)[:2] == FIRST_LINES


# --- the heap -------------------------------------------------------------------------------------

def heap_figures(m):
    return [line for line in own_lines(m) if line.startswith("heap: ")]


def test_heap_of_one_mebibyte(start, tmp_path):
    m = start(checking_guest(tmp_path), append="heap=1M")
    assert m.wait_exit() == 0
    assert own_lines(m)[:2] == FIRST_LINES
    assert all(" of 1 MiB taken: " in line for line in heap_figures(m))
    assert len(heap_figures(m)) == 2


def test_heap_of_half_pages(start, tmp_path):
    m = start(checking_guest(tmp_path), append="heap=2000000")
    assert m.wait_exit() == 0
    assert all(" of 1.9 MiB taken: " in line for line in heap_figures(m))


def test_what_does_not_fit_a_small_heap(start, tmp_path):
    m = start(checking_guest(tmp_path), append="heap=64K")
    assert m.wait_exit() == 1
    assert own_lines(m)[:2] == FIRST_LINES
    assert without_figures(own_lines(m))[-1] == "cairn: vm guest: the heap has no room for it"


def test_heap_larger_than_memory(start, tmp_path):
    m = start(checking_guest(tmp_path), append="heap=4G")
    check_refused(m, "a heap of 4294967296 bytes: EFI_OUT_OF_RESOURCES")


def test_large_heap(start, tmp_path):
    """Most of the memory: it is not the guest's."""
    m = start(checking_guest(tmp_path), append="heap=1536M")
    assert m.wait_exit() == 0
    assert all(" of 1.5 GiB taken: " in line for line in heap_figures(m))


def test_nothing_left_behind(start, tmp_path):
    """Refused starts give back what they took: the tenth heap of most of the memory still fits."""
    m = start(None)
    stop_u_boot(m)
    m.command_output("setenv bootargs heap=1536M", U_BOOT_PROMPT)
    m.command_output("load virtio 0:1 ${kernel_addr_r} EFI/BOOT/BOOTRISCV64.EFI", U_BOOT_PROMPT)
    for _ in range(10):
        said = m.command_output("bootefi ${kernel_addr_r}", U_BOOT_PROMPT)
        assert r"cairn: the VM archive \EFI\cairn\vms.cpio: EFI_NOT_FOUND" in said


# --- the archive ----------------------------------------------------------------------------------

def test_missing_archive(start):
    check_refused(start(None), r"the VM archive \EFI\cairn\vms.cpio: EFI_NOT_FOUND")


def test_empty_archive(start, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    check_refused(start(tmp_path / "empty"),
                  r"the VM archive \EFI\cairn\vms.cpio is empty: EFI_END_OF_FILE")


@pytest.mark.parametrize("damage", [
    pytest.param(lambda data: data[:1000], id="half-a-file"),
    pytest.param(lambda data: b"\xff" * len(data), id="garbage"),
    pytest.param(lambda data: data.replace(b"memory", b"memroy", 1), id="wrong-key"),
])
def test_corrupt_archive(start, machine, tmp_path, damage):
    """The sentence is the other door's."""
    path = archive(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    said = []
    for m in (machine(path), start(path)):
        assert m.wait_exit() == 1
        said.append(without_figures(own_lines(m))[-1])
        assert own_lines(m)[:2] == FIRST_LINES
    assert said[0] == said[1] and said[0].startswith("cairn: ")


def test_archive_by_load_options(start, tmp_path):
    """Load options, which count before the device tree's, name another archive."""
    other = write_archive(tmp_path / "other.cpio", {
        "second/vm.conf": "kernel = kernel\nmemory = 16M\n", "second/kernel": guest_image("demo")})
    m = start(checking_guest(tmp_path), files={"vm/other.cpio": other},
              append="heap=4G")
    stop_u_boot(m)
    m.command_output("setenv bootargs heap=2M archive=/vm/other.cpio", U_BOOT_PROMPT)
    m.send_line("run distro_bootcmd")
    m.expect("vm second: 16 MiB at ")
    assert " of 2 MiB taken: " in heap_figures(m)[0]


def test_disk(start):
    """U-Boot sees one partition, bootable and an EFI system partition (type ef)."""
    m = start(None)
    stop_u_boot(m)
    table = m.command_output("part list virtio 0", U_BOOT_PROMPT)
    rows = re.findall(r"^ +(\d+)\s+(\d+)\s+(\d+)\s+\S+\s+(\w+) (\w+)$", table, re.M)
    assert rows == [("1", "2048", "81920", "ef", "Boot")]


# --- where the image lies -------------------------------------------------------------------------

def crash_at(m, folder):
    """Where the image of a crash on purpose lay; its backtrace has names nevertheless."""
    assert m.wait_exit() == 1
    assert own_lines(m)[:2] == FIRST_LINES
    log = folder / "console.log"
    log.write_text(m.log)
    named = subprocess.run([ROOT / "tools/symbolize.py", ROOT / "build/target/cairn-efi.elf", log],
                           text=True, capture_output=True, check=True).stdout
    assert "load_from" in named and "kernel_main" in named
    return int(re.search(r"^image at (0x[0-9a-f]+)$", m.log, re.M)[1], 16)


def test_two_places(start, tmp_path):
    """Firmware loads the image high in memory: elsewhere in a smaller machine."""
    path = checking_guest(tmp_path)
    places = []
    for memory in ("512M", "1G"):
        m = start(path, memory=memory)
        assert m.wait_exit() == 0
        assert own_lines(m)[:2] == FIRST_LINES
        places.append(crash_at(start(path, memory=memory, append="crash=trap"), tmp_path))
    assert places[0] != places[1]
    assert all(place % 4096 == 0 for place in places)


def test_wrong_boot_option(start, tmp_path):
    m = start(checking_guest(tmp_path), append="verbose")
    check_refused(m, "boot option 'verbose': expected heap=SIZE, quota=SIZE, gstage=MODE, scrub=WHAT, turn=MS, "
                  "exits=count or crash=HOW; "
                  "or archive=PATH: EFI_INVALID_PARAMETER")


def test_without_hypervisor_extension(start, tmp_path):
    m = start(checking_guest(tmp_path), cpu="rv64,h=false")
    m.expect("(?i)H extension")
    assert m.wait_exit() == 1
