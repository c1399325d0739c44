# SPDX-License-Identifier: MIT
"""VMs that hang, and VMs that only look so, under a watchdog of vm.conf."""
import time

import pytest

from cairn_machine import guest_image, write_archive
from monitor_session import command, to_monitor
from outcome import ended
from test_core import SYMBOLS, empty_disk, gdb
from test_host_disks import drives

# Raw binaries. A timer that is due, sie.STIE, and for ever in VS-mode with sstatus.SIE off:
#     li a7, 0x54494d45; li a6, 0; rdtime a0; ecall; li t0, 0x20; csrw sie, t0; j .
DEAF = bytes.fromhex("b7584954 9b8858d4 0148 732510c0 73000000 93020002 73904210 01a0".replace(" ", ""))
HANGS = "vm guest: stopped: it hangs: for 1 s no vCPU has taken an interrupt that it waits for"


def run(machine, tmp_path, kernel, conf="", **options):
    entries = {"guest/vm.conf": f"kernel = kernel\nmemory = 16M\nwatchdog = 1s\n{conf}", "guest/kernel": kernel}
    return machine(write_archive(tmp_path / "vms.cpio", entries), **options)


@pytest.mark.parametrize("cpu", ["rv64", "rv64,sstc=false"])
def test_a_vm_that_hangs_is_stopped(machine, tmp_path, cpu):
    assert HANGS in ended(run(machine, tmp_path, DEAF, cpu=cpu), status=1)


def test_it_is_dumped(machine, tmp_path):
    """pc is at the loop."""
    disk = empty_disk(tmp_path / "core.img")
    lines = ended(run(machine, tmp_path, DEAF, "on-crash = dump\ncore = host:0\n", options=drives(disk)), status=1)
    assert lines.index(HANGS) < next(n for n, line in enumerate(lines) if line.startswith("vm guest: dumped to host:0"))
    said = gdb(disk, str(SYMBOLS).format("demo"), "p/x $pc", "x/hx $pc")
    assert f"= 0x{0x8020_0000 + len(DEAF) - 2:x}" in said and "0xa001" in said


def test_one_that_stood_still_is_watched_again(machine, tmp_path):
    """A look falls into the pause, and nothing else has it looked at again."""
    conf = "kernel = kernel\nmemory = 16M\n"
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "guest/vm.conf": conf + "autostart = no\nwatchdog = 10s\n", "guest/kernel": DEAF,
        "front/vm.conf": conf, "front/kernel": guest_image("demo")}))
    m.expect("tick 1")
    to_monitor(m)
    command(m, "start guest", "cairn> ")
    while command(m, "info guest --json", r'"state":"(\w+)"')[1] != "running":  # it is being loaded
        m.expect("cairn> ")
    m.expect("cairn> ")
    command(m, "pause guest", "cairn> ")
    time.sleep(4)  # a look each 2.5 s
    command(m, "list", "guest +1 +16 MiB +paused")
    command(m, "resume guest", "cairn> ")
    m.expect("vm guest: stopped: it hangs: for 10 s")


def test_others_are_left_alone(machine, tmp_path):
    """One that spins without a timer, one that sleeps and wakes, and one that waits for a key; who is beside them ends."""
    spin = b"\x01\xa0"
    def vm(kernel, watched, append=""):
        return {"kernel": kernel, "conf": f"kernel = kernel\nmemory = 16M\nappend = {append}\n" + watched}
    vms = {"spins": vm(spin, "watchdog = 1s\n"), "types": vm(guest_image("demo"), "watchdog = 1s\n"),
           "wakes": vm(guest_image("sleepers"), "watchdog = 1s\n", "3000"),
           "guest": vm(DEAF, "watchdog = 2s\n")}
    entries = {}
    for name, each in vms.items():
        entries |= {f"{name}/vm.conf": each["conf"], f"{name}/kernel": each["kernel"]}
    m = machine(write_archive(tmp_path / "vms.cpio", entries), smp=2)
    m.expect("vm guest: stopped: it hangs: for 2 s")
    to_monitor(m)
    command(m, "list", "spins +1 +16 MiB +running")
    m.expect("types +1 +16 MiB +running")
    command(m, "quit", "turned off")
    m.wait_exit()
    assert m.log.count("it hangs") == 1
