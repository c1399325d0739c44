# SPDX-License-Identifier: MIT
"""The machine's harts: those that start, and those that are left out."""
import re
import subprocess

import pytest

from cairn_machine import QEMU
from outcome import small_guest


@pytest.fixture
def tree(tmp_path):
    """Writes the device tree of a machine of `harts`, and sets properties in it."""
    def write(harts, *settings):
        path = tmp_path / f"{harts}.dtb"
        subprocess.run([QEMU, "-M", f"virt,dumpdtb={path}", "-cpu", "rv64", "-smp", str(harts),
                        "-m", "2G", "-nographic"], check=True, capture_output=True)
        for node, name, value in settings:
            subprocess.run(["fdtput", "-t", "s", path, node, name, value], check=True)
        return path

    return write


def harts_of(m):
    """What the log says of harts, once a guest greets."""
    m.expect("Hello from a guest")
    return [line for line in m.lines() if re.match(r"cairn: .*hart", line)]


@pytest.mark.parametrize("count", [2, 4, 8])
def test_all_run(machine, tmp_path, count):
    lines = harts_of(machine(small_guest(tmp_path, "demo"), smp=count))
    assert len(lines) == 1
    assert re.fullmatch(rf"cairn: {count} of {count} harts run; hart \d booted", lines[0])


def test_hart_that_does_not_come_is_left_out(machine, tmp_path, tree):
    """The firmware starts harts that its tree names, and this machine does not have."""
    m = machine(small_guest(tmp_path, "demo"), smp=2, options=["-dtb", tree(4)])
    lines = harts_of(m)
    assert lines[:2] == [f"cairn: hart {hart} is left out: it did not start within 2 s"
                         for hart in (2, 3)]
    assert re.fullmatch(r"cairn: 2 of 4 harts run; hart \d booted", lines[2])


def test_ids_may_be_sparse(machine, tmp_path, tree):
    blob = tree(4, ("/cpus/cpu@0", "status", "disabled"), ("/cpus/cpu@2", "status", "disabled"))
    m = machine(small_guest(tmp_path, "demo"), smp=4, options=["-dtb", blob])
    (line,) = harts_of(m)
    assert re.fullmatch(r"cairn: 2 of 4 harts run; hart [13] booted", line)


def test_hart_without_room_is_left_out(machine):
    m = machine(smp=2, append="heap=128K")
    m.expect(r"cairn: hart \d is left out: the heap region has no room for its stacks")
    m.expect(r"cairn: 1 of 2 harts run; hart \d booted")


# --- harts that are not like the one that booted --------------------------------------------------

@pytest.mark.parametrize("settings", [
    pytest.param([("riscv,isa", "rv64imafdc_zicsr_sstc")], id="no-h"),
    pytest.param([("riscv,isa", "rv64imach_zicsr_sstc")], id="no-fp"),
    pytest.param([("riscv,isa", "rv64imafdch_zicsr")], id="no-sstc"),
    pytest.param([("mmu-type", "riscv,sv39")], id="narrower-mmu"),
])
def test_unlike_hart_runs_no_guests(machine, tmp_path, tree, settings):
    blob = tree(2, *(("/cpus/cpu@1", *setting) for setting in settings))
    archive = small_guest(tmp_path, "demo")
    for _ in range(20):  # firmware draws lots for the hart that boots, and hart 0 mostly wins
        m = machine(archive, smp=2, options=["-dtb", blob])
        m.expect(r"2 of 2 harts run; hart (\d) booted")
        if m.process.match[1] == "0":
            break
        m.stop()
    assert harts_of(m)[1:] == [
        "cairn: hart 1 runs no guests: it is not like hart 0, which booted"]
