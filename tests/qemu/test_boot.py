# SPDX-License-Identifier: MIT
"""The first lines of a boot, and machines that Cairn cannot run on."""
import re

import pytest

from cairn_machine import guest_image, write_guest
from outcome import small_guest

FIRST_LINES = ["Booting hypervisor...", "v = ['a', 'b', 'c']"]


@pytest.mark.parametrize("smp", [1, 4])
def test_first_two_lines(machine, smp):
    m = machine(smp=smp)
    m.expect(r"v = .*\n")
    assert m.lines()[:2] == FIRST_LINES


def test_heap_figures(machine, tmp_path):
    """Before the guests and after them, when nothing of theirs is left."""
    m = machine(small_guest(tmp_path, "runtime_check", "memory"))
    assert m.wait_exit() == 0
    figures = [line for line in m.lines() if line.startswith("heap: ")]
    assert len(figures) == 2
    for line in figures:
        assert re.match(r"heap: \S+ [KM]iB of 100 MiB taken: 0 bytes live, .* 0 failures$", line)
    assert m.lines().index(figures[1]) == len(m.lines()) - 1


def test_without_hypervisor_extension(machine, tmp_path):
    archive = write_guest(tmp_path / "vms.cpio", guest_image("demo"))
    m = machine(archive, cpu="rv64,h=false")
    m.expect(r"(?i)(hypervisor|H) extension")
    assert m.wait_exit() != 0


def test_too_little_memory(machine):
    m = machine(memory="64M")
    m.expect(r"(?i)memory|RAM")
    assert m.wait_exit() != 0


def test_exits_are_counted_on_demand(machine, tmp_path):
    """The guest's figures loop makes 100 of each kind, in assembly's ways too."""
    guest = small_guest(tmp_path, "exits", "100 set-timer")
    log = machine(guest)
    log.expect("exits: end")
    assert log.wait_exit() == 0
    assert " exits: SBI" not in log.log
    counted = machine(guest, append="exits=count")
    counted.expect("exits: end")
    assert counted.wait_exit() == 0
    counts = {words: int(count)
              for count, words in re.findall(r"^vm guest: (\d+) exits: (.*)$", counted.log, re.M)}
    assert 100 <= counts["SBI timer (TIME): set timer"] <= 110
    assert counts["SBI system reset (SRST): system reset"] == 1
    assert counts["store to UART"] > 10
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
