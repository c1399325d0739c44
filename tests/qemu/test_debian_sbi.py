# SPDX-License-Identifier: MIT
"""What Linux makes of the SBI: performance counters by its PMU driver, and suspend to RAM."""
import time

import pytest

import newc
from cairn_machine import GUESTS
from outcome import CRASHES

PROMPT = r"guest:~# "
PORT = "/sys/devices/platform/soc/10000000.serial"
REPETITIONS = 100 # of perf_check.cpp
SPUN = 2_000_000 # instructions that its loop executes at least


@pytest.fixture(name="start")
def started_debian(guest, debian, tmp_path):
    """Debian with perf_check: a second archive behind the initramfs."""
    initrd = tmp_path / "initrd"
    with initrd.open("wb") as stream:
        stream.write(debian["initrd"].read_bytes())
        stream.write(bytes(-stream.tell() % 4))
        archive = newc.Writer(stream)
        archive.file("bin/perf_check", (GUESTS / "perf_check.elf").read_bytes(), mode=0o755)
        archive.finish()

    def run(cpus, **options):
        m = guest(machine_options={"smp": cpus, **options}, cpus=cpus,
                  **{**debian, "initrd": initrd, "append": "console=ttyS0 no_console_suspend"})
        m.expect(PROMPT)
        return m

    return run


def finish(m):
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    for crash in [*CRASHES, "WARNING:", "BUG:", "Oops"]:
        assert crash not in m.log


def counted(m):
    lines = m.command_output("perf_check", PROMPT).splitlines()
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}


def test_counters(start):
    m = start(2)
    assert "16 firmware and" in m.command_output("dmesg | grep pmu-sbi:", PROMPT)
    for _ in range(2):
        counts = counted(m)
        assert counts["cycles"] > 0 < counts["instructions"]
        assert counts["IPIs sent"] > 0
        assert counts["fences sent"] >= REPETITIONS
    finish(m)


def test_counted_instructions(start):
    """Under -icount, without which QEMU's counters are the host's clock, whatever was executed."""
    m = start(1, icount=True)
    for _ in range(2):
        counts = counted(m)
        assert counts["cycles"] >= SPUN <= counts["instructions"]
    m.send_line("reboot -f")
    m.expect("vm guest: reset")
    m.expect(PROMPT)
    assert counted(m)["instructions"] >= SPUN
    finish(m)


def test_timers_without_sstc(start):
    m = start(2, cpu="rv64,sstc=false")
    assert counted(m)["set timer"] >= REPETITIONS // 2
    finish(m)


@pytest.mark.parametrize("cpus", [1, 4])
def test_suspend_to_ram(start, cpus):
    m = start(cpus)
    m.send_line(f"cd {PORT}/*/*/tty/ttyS0/power")
    m.expect("power# ")
    m.command_output("echo enabled > wakeup; dmesg -n 8; cd", PROMPT) # the way there is watched
    for _ in range(2):
        m.send_line("echo mem > /sys/power/state")
        m.expect(r"PM: suspend entry \(deep\)")
        m.expect("CPU3: off" if cpus == 4 else "OOM killer disabled")
        time.sleep(2) # it sleeps by then; typed too early, the key would end the way there instead
        assert "PM: suspend exit" not in m.process.before
        m.send("\n")
        m.expect("PM: suspend exit")
        m.expect(PROMPT)
        m.expect(PROMPT) # of the key
        assert m.command_output("nproc", PROMPT) == str(cpus)
    finish(m)
