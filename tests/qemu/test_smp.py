# SPDX-License-Identifier: MIT
"""Debian as a guest of several CPUs: all of them at work, taken away and given back, power-off and
reset from any of them."""
import re

import pytest

from cairn_machine import DEBIAN_INITRD, DEBIAN_KERNEL, guest_image
from outcome import CRASHES

PROMPT = r"guest:~# "
COUNTS = pytest.mark.parametrize("cpus", [2, 4])
# What a kernel says of CPUs, interrupts or calls that do not do what they should.
WARNINGS = ["WARNING:", "BUG:", "rcu_sched", "rcu: INFO", "soft lockup", "failed to come online",
            "failed to start", "unexpected", "Oops"]

# What it may say on a host that has much else to do. Linux asks the SBI once whether a CPU has stopped,
# when that CPU has said that it is about to (arch/riscv/kernel/cpu-hotplug.c): it may not be there yet.
HARMLESS = ["hrtimer: interrupt took", "isn't stopped; status 0", "may not have stopped"]


@pytest.fixture
def start(guest, debian):
    def run(cpus, **options):
        machine_options = {"smp": cpus, **options}
        m = guest(machine_options=machine_options, cpus=cpus, **debian)
        m.expect(PROMPT)
        return m
    return run


def check_log(m):
    for text in [*CRASHES, *WARNINGS]:
        assert text not in m.log


def check_messages(m):
    """What the kernel has to say at level `warning` and above."""
    messages = m.command_output("dmesg -r | grep '^<[0-4]>'", PROMPT).split("\n")
    assert [line for line in messages if line and not any(words in line for words in HARMLESS)] == []


def on_cpu(m, cpu, command):
    return m.command_output(f"taskset {1 << cpu:x} {command}", PROMPT)


def cpu_info(m):
    """/proc/cpuinfo: a dictionary for each CPU."""
    text = m.command_output("cat /proc/cpuinfo", PROMPT)
    return [dict(re.split(r"\s*: ", line, maxsplit=1) for line in cpu.strip().split("\n"))
            for cpu in text.strip().split("\n\n")]


def extensions(isa):
    letters, *names = isa.removeprefix("rv64").split("_")
    return {*letters, *names}


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_all_cpus_work(start, cpus):
    m = start(cpus)
    assert m.command_output("nproc", PROMPT) == str(cpus)
    info = cpu_info(m)
    assert [cpu["processor"] for cpu in info] == [str(cpu) for cpu in range(cpus)]
    assert [cpu["hart"] for cpu in info] == [str(hart) for hart in range(cpus)]
    for cpu in range(cpus):
        assert on_cpu(m, cpu, "echo works") == "works"
    check_messages(m)
    m.send_line("poweroff")
    m.expect("reboot: Power down")
    assert m.wait_exit() == 0
    check_log(m)


def test_cpus_are_the_machines(start, machine):
    """/proc/cpuinfo says what it says on the bare machine, but for the extensions that guests do not have."""
    m = start(2)
    bare = machine(kernel=DEBIAN_KERNEL, smp=2, memory="512M", append="console=ttyS0",
                   options=["-initrd", DEBIAN_INITRD])
    bare.expect(PROMPT)
    for cpu, original in zip(cpu_info(m), cpu_info(bare), strict=True):
        for key in ("isa", "hart isa"):
            missing = extensions(original.pop(key)) - extensions(cpu.pop(key))
            assert missing == {"h"}
        del cpu["hart"], original["hart"]  # which is the first may be any on the bare machine
        assert cpu == original  # mmu, mvendorid, marchid, mimpid, and whatever else there is


@COUNTS
def test_hotplug(start, cpus):
    m = start(cpus)
    for cpu in range(1, cpus):
        m.command_output(f"echo 0 > /sys/devices/system/cpu/cpu{cpu}/online", PROMPT)
        assert m.command_output("nproc", PROMPT) == str(cpus - cpu)
    for cpu in range(1, cpus):
        m.command_output(f"echo 1 > /sys/devices/system/cpu/cpu{cpu}/online", PROMPT)
        assert m.command_output("nproc", PROMPT) == str(1 + cpu)
        assert on_cpu(m, cpu, "echo works") == "works"
    for _ in range(10):
        m.command_output("echo 0 > /sys/devices/system/cpu/cpu1/online", PROMPT)
        m.command_output("echo 1 > /sys/devices/system/cpu/cpu1/online", PROMPT)
    assert m.command_output("nproc", PROMPT) == str(cpus)
    m.command_output("echo 0 > /sys/devices/system/cpu/cpu0/online", PROMPT)  # where the VM began
    assert m.command_output("cat /sys/devices/system/cpu/online", PROMPT).startswith("1")
    m.command_output("echo 1 > /sys/devices/system/cpu/cpu0/online", PROMPT)
    assert m.command_output("nproc", PROMPT) == str(cpus)
    check_messages(m)
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    check_log(m)


@COUNTS
def test_reboot_from_another_cpu(start, cpus):
    m = start(cpus)
    m.send_line(f"taskset {1 << (cpus - 1):x} reboot -f")
    m.expect("vm guest: reset")
    m.expect(PROMPT)
    assert m.command_output("nproc", PROMPT) == str(cpus)
    m.send_line(f"taskset {1 << (cpus - 1):x} poweroff -f")
    assert m.wait_exit() == 0
    check_log(m)


def test_without_sstc(start):
    m = start(2, cpu="rv64,sstc=false")
    assert m.command_output("nproc", PROMPT) == "2"
    assert on_cpu(m, 1, "sleep 1 && echo woke") == "woke"
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    check_log(m)


def test_power_off_while_all_are_busy(start):
    m = start(4)
    for cpu in range(4):
        m.send_line(f"taskset {1 << cpu:x} sh -c 'while :; do :; done' &")
        m.expect(PROMPT)
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    check_log(m)


def test_more_cpus_than_harts(guest):
    m = guest(guest_image("demo"), {"smp": 2}, cpus=3)
    m.expect("Type something")
    m.send("q")
    assert m.wait_exit() == 0
