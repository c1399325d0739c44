# SPDX-License-Identifier: MIT
"""The hypervisor's own page table, as QEMU reads it on a hart that runs no guest."""
import json
import re
import socket
import subprocess

import pytest

import boot_loader
from cairn_machine import HYPERVISOR
from outcome import archive, ended, small_guest
from test_harts import tree  # noqa: F401 (a fixture)

PAGE = 4096
MIB = 1 << 20
REGION = re.compile(r"^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) (\S+)\r?$", re.M)
BARE, SV39, SV48, SV57 = 0, 8, 9, 10


@pytest.fixture
def inspected(machine, tmp_path):
    """Starts two harts and a guest on the one that booted; returns the other one's satp.MODE and what
    it may do, as (first, end, "rw-")."""
    def start(**options):
        path = tmp_path / "qmp"
        on_boot_hart = archive(tmp_path, "kernel = kernel\nmemory = 16M\naffinity = 0\n")
        m = machine(on_boot_hart, smp=2, **{
            **options, "options": ["-qmp", f"unix:{path},server=on,wait=off",
                                   *options.get("options", [])]})
        m.expect("Hello from a guest")
        idle = 1 - int(re.search(r"2 of 2 harts run; hart (\d) booted", m.log)[1])
        satp = re.search(r"^ satp +([0-9a-f]{16})", ask(path, idle, "info registers"), re.M)
        rows = [(int(row[0], 16), int(row[1], 16), int(row[2], 16), row[3])
                for row in REGION.findall(ask(path, idle, "info mem"))]
        assert all(virtual == physical for virtual, physical, _, _ in rows)
        assert all(flags.endswith("ad") and "u" not in flags for _, _, _, flags in rows)
        return m, int(satp[1], 16) >> 60, joined((first, first + size, flags[:3])
                                                 for first, _, size, flags in rows)
    return start


def ask(path, hart, command):
    """What QEMU's monitor says about `hart`."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw") as stream:
        connection.connect(str(path))
        stream.readline()
        for request in ({"execute": "qmp_capabilities"},
                        {"execute": "human-monitor-command",
                         "arguments": {"command-line": command, "cpu-index": hart}}):
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            answer = {}
            while "return" not in answer:
                answer = json.loads(stream.readline())
        return answer["return"]


def joined(rows):
    """Neighbours of the same permissions as one."""
    result = []
    for first, end, flags in rows:
        if result and result[-1][1:] == (first, flags):
            result[-1] = (result[-1][0], end, flags)
        else:
            result.append((first, end, flags))
    return result


def symbols():
    """The linker script's, by name."""
    text = subprocess.run(["llvm-nm-19", HYPERVISOR], check=True, text=True,
                          capture_output=True).stdout
    return {name: int(value, 16) for value, name in re.findall(r"^(\w+) \w (__\w+)$", text, re.M)}


def upwards(address):
    return (address + PAGE - 1) // PAGE * PAGE


def guard_pages(rows, low, high):
    """The pages in [low, high) that are not mapped: nothing else there."""
    rows = [row for row in rows if row[0] < high and row[1] > low]
    assert all(flags == "rw-" for _, _, flags in rows)
    return [(end, following[0] - end) for (_, end, _), following in zip(rows, rows[1:])]


def test_who_may_do_what(inspected):
    m, mode, rows = inspected()
    assert mode == SV39
    at = symbols()
    code = (at["__text_start"], upwards(at["__text_end"]), "r-x")
    assert [row for row in rows if "x" in row[2]] == [code]
    assert (code[1], at["__tls_start"], "r--") in rows
    # Below RAM: test device and clock, PLIC, UART and virtio. The firmware's 512 KiB are nobody's.
    assert rows[:4] == [(0x10_0000, 0x10_2000, "rw-"), (0xc00_0000, 0xc60_0000, "rw-"),
                        (0x1000_0000, 0x1000_9000, "rw-"), (0x8008_0000, 0x8020_0000, "rw-")]
    assert rows[-1][1] == 0x1_0000_0000
    # The archive and the device tree.
    read_only = [first for first, _, flags in rows if flags == "r--"]
    assert len(read_only) == 3 and read_only[2] == 0xbfe0_0000
    assert not [flags for _, _, flags in rows if flags not in ("rw-", "r--", "r-x")]
    # Of the boot hart in the image, and of the other one in the heap.
    stacks = guard_pages(rows, at["__tls_start"], at["__heap_end"])
    own, other = stacks[:2], stacks[2:]
    assert own == [(at["__trap_stack_bottom"] - PAGE, PAGE), (at["__stack_bottom"] - PAGE, PAGE)]
    assert [size for _, size in other] == [PAGE, PAGE]
    assert other[1][0] - other[0][0] == PAGE + (16 << 10)
    m.send("q")
    assert m.wait_exit() == 0


def test_interrupts_between_harts(inspected):
    """The registers of an SSWI are a device in use."""
    _, _, rows = inspected(board="virt,aclint=on")
    assert (0x2f0_0000, 0x2f0_1000, "rw-") in rows


@pytest.mark.parametrize("memory", ["4G", "8G"])
def test_large_memory(inspected, memory):
    _, mode, rows = inspected(memory=memory)
    assert mode == SV39 and rows[-1][1:] == (0x8000_0000 + (int(memory[:-1]) << 30), "rw-")


@pytest.mark.parametrize("base, mode", [(255 << 30, SV39), (1 << 38, SV48), (1 << 39, SV48),
                                        (1 << 47, SV57), (1 << 55, SV57)])
def test_memory_far_away(inspected, tree, tmp_path, base, mode):
    """The mode is as wide as the machine's RAM needs; what lies so far away is not used otherwise."""
    # QEMU 7.2 has Sv57 and says Sv48.
    cpus = [(f"/cpus/cpu@{hart}", "mmu-type", "riscv,sv57") for hart in (0, 1)]
    blob = with_memory(tree(2, *cpus), base)
    m, found, rows = inspected(options=["-dtb", blob])
    assert found == mode and rows[-1] == (base, base + (1 << 30), "rw-")
    assert "MiB of the machine's memory lie too far from the rest, and stay unused" in m.log


def with_memory(blob, base):
    node = f"/memory@{base:x}"
    subprocess.run(["fdtput", "-c", blob, node], check=True)
    subprocess.run(["fdtput", "-t", "s", blob, node, "device_type", "memory"], check=True)
    subprocess.run(["fdtput", "-t", "x", blob, node, "reg", f"{base >> 32:x}",
                    f"{base & 0xffff_ffff:x}", "0", f"{1 << 30:x}"], check=True)
    return blob


# --- without --------------------------------------------------------------------------------------

WITHOUT = "cairn: the hypervisor has no page table of its own: hart 0 "


@pytest.mark.parametrize("base, mmu_type, said", [
    (1 << 40, "riscv,sv39", "has no mode that reaches up to 0x10040000000"),
    (1 << 48, "riscv,sv48", "has no mode that reaches up to 0x1000040000000"),
    (1 << 57, "riscv,sv57", "has no mode that reaches up to 0x200000040000000"),
])
def test_memory_out_of_reach(machine, tree, tmp_path, base, mmu_type, said):
    blob = with_memory(tree(1, ("/cpus/cpu@0", "mmu-type", mmu_type)), base)
    m = machine(small_guest(tmp_path, "hazards", "unknown-sbi-call"), options=["-dtb", blob])
    lines = ended(m)
    assert WITHOUT + said in m.lines() and lines[-1] == "vm guest: powered off"


def test_mmu_that_is_not_there(machine, tree, tmp_path):
    """A device tree that says Sv57, and a hart whose satp stays 0."""
    m = machine(cpu="rv64,mmu=off", options=["-dtb", tree(1)])
    ended(m, status=1)
    assert WITHOUT + "says that it has Sv39, and does not" in m.lines()
    m = machine(cpu="rv64,mmu=off")
    ended(m, status=1)
    assert WITHOUT + "has no mode that reaches up to 0x100000000" in m.lines()


def test_tree_without_mmu_type(machine, tmp_path):
    """Tried, and found to be there."""
    source = boot_loader.machine_tree(tmp_path)
    edited = re.sub(r".*mmu-type.*\n", "", source)
    assert edited != source
    m = machine(append="crash=null", **boot_loader.options(tmp_path, boot_loader.compile_tree(edited)))
    assert m.wait_exit() == 1
    assert "cairn: no VM archive" in m.log and WITHOUT not in m.log
