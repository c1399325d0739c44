# SPDX-License-Identifier: MIT
"""The first lines of a boot, and machines that Cairn cannot run on."""
import pytest

from cairn_machine import guest_image, write_guest

FIRST_LINES = ["Booting hypervisor...", "v = ['a', 'b', 'c']"]


@pytest.mark.parametrize("smp", [1, 4])
def test_first_two_lines(machine, smp):
    m = machine(smp=smp)
    m.expect(r"v = .*\n")
    assert m.lines()[:2] == FIRST_LINES


def test_without_hypervisor_extension(machine, tmp_path):
    archive = write_guest(tmp_path / "vms.cpio", guest_image("demo"))
    m = machine(archive, cpu="rv64,h=false")
    m.expect(r"(?i)(hypervisor|H) extension")
    assert m.wait_exit() != 0


def test_too_little_memory(machine):
    m = machine(memory="64M")
    m.expect(r"(?i)memory|RAM")
    assert m.wait_exit() != 0
