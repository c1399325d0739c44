# SPDX-License-Identifier: MIT
"""Output that outruns the wire (docs/adr/0027). Nobody reads the machine's console for a while: what
the guests do meanwhile is told by the machine's clock, which QEMU's own monitor shows, so nothing
depends on how fast the host is."""
import re
import socket
import time

import pytest

from cairn_machine import guest_image, write_archive
from outcome import CRASHES

MTIME = 0x200BFF8 # of `virt`'s ACLINT
TICKS_PER_MS = 10_000
PATIENCE = 240

WORK_BEGINS, WORK_ENDS = 200, 500 # ms of `time`
LINES = 4000


class QemuMonitor:
    """QEMU's own, at a socket."""
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + PATIENCE
        while self.socket.connect_ex(str(path)) != 0:
            assert time.monotonic() < deadline, "QEMU does not open its monitor"
            time.sleep(0.05)
        self.socket.settimeout(PATIENCE)
        self.read()

    def read(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            text += self.socket.recv(4096)
        return text.decode()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\n")
        return self.read()

    def milliseconds(self):
        word = re.search(r": 0x([0-9a-f]{16})", self.ask(f"xp /1gx {MTIME:#x}"))[1]
        return int(word, 16) / TICKS_PER_MS

    def wait_until(self, milliseconds):
        deadline = time.monotonic() + PATIENCE
        while self.milliseconds() < milliseconds:
            assert time.monotonic() < deadline, "the machine's clock stands still"
            time.sleep(0.05)


@pytest.fixture
def unread(machine, tmp_path):
    """A machine and QEMU's monitor of it."""
    def start(*arguments, **named):
        path = tmp_path / "monitor"
        m = machine(*arguments, icount=True, options=["-monitor", f"unix:{path},server,nowait"], **named)
        return m, QemuMonitor(path)
    return start


def flood_beside_work(tmp_path, way):
    """VMs of one hart: `flood` in front, and `work`, which computes for a while and says how much."""
    return write_archive(tmp_path / "vms.cpio", {
        f"{name}/{file}": content for name, kernel, append, place in (
            ("flood", "flood", f"{way} {LINES}", "front"),
            ("work", "turns", f"work {WORK_BEGINS} {WORK_ENDS} 100000", "kept"))
        for file, content in (
            ("vm.conf", f"kernel = kernel\nmemory = 8M\nappend = {append}\nconsole = {place}\n"),
            ("kernel", guest_image(kernel)))})


@pytest.mark.parametrize("way", ["uart", "dbcn", "dbcn-byte", "blind"])
def test_a_flood_that_nobody_reads_takes_no_more_than_its_part_of_the_hart(unread, tmp_path, way):
    m, qemu = unread(flood_beside_work(tmp_path, way))
    m.expect("flood: begins")
    qemu.wait_until(WORK_ENDS + 100)
    assert m.wait_exit(PATIENCE) == 0
    assert not any(crash in m.log for crash in CRASHES)
    did, waited = re.search(r"turns: work did (\d+) in \d+ turns, waited (\d+) at most", m.log).groups()
    part = int(did) / ((WORK_ENDS - WORK_BEGINS) * 1_000_000) # an instruction takes a nanosecond
    assert 0.45 <= part <= 0.55
    assert int(waited) <= 11 * TICKS_PER_MS # two turns, and what ends one
    numbers = [int(number) for number in re.findall(rf"flood: line (\d+) of {LINES}$", m.log, re.MULTILINE)]
    if way == "blind":
        assert numbers and len(numbers) < LINES and "flood: end" in m.log
    else: # nothing is lost, and nothing overtakes
        assert numbers == list(range(1, LINES + 1))


def test_a_panic_behind_output_that_waits_comes_out_whole(unread):
    """Nobody reads until the wire is full, and Cairn has panicked."""
    m, qemu = unread(append="crash=amid-output")
    m.expect("Booting hypervisor")
    qemu.wait_until(qemu.milliseconds() + 300)
    assert m.wait_exit(PATIENCE) == 1
    lines = m.lines()
    panic = lines.index("hypervisor panic: crash=amid-output asked for this")
    assert lines[panic - 1] == "the wire is full: true"
    numbers = [int(n) for n in re.findall(r"^line (\d+), which", m.log, re.MULTILINE)]
    assert len(numbers) > 100 and numbers == list(range(1, len(numbers) + 1))
    assert lines[panic - 2].startswith(f"line {numbers[-1]}"[:len(lines[panic - 2])])
    assert "backtrace:" in lines[panic:]
