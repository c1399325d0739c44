# SPDX-License-Identifier: MIT
"""An unmodified Debian kernel as a guest: to a shell, a command answered, poweroff and reboot."""
import pytest

from cairn_machine import qemu_version

PROMPT = r"guest:~# "
WITHOUT_SV48 = pytest.mark.skipif(qemu_version() < (8, 0),
                                  reason="QEMU before 8.0 cannot take Sv48 away from a hart")
MACHINES = [
    pytest.param({}, id="default"),
    pytest.param({"cpu": "rv64,sstc=false"}, id="no-sstc"),
    pytest.param({"smp": 4}, id="4-harts"),
    pytest.param({"cpu": "rv64,sv48=off"}, id="sv39", marks=WITHOUT_SV48),
]


@pytest.mark.parametrize("mode", ["Sv39x4", "Sv48x4", "Sv57x4"])
def test_every_stage2_mode(guest, debian, mode):
    m = guest(machine_options={"append": f"gstage={mode.lower()}"}, **debian)
    m.expect(f"vm guest: .* {mode}\r")
    m.expect(PROMPT)
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0


@pytest.mark.parametrize("options", MACHINES)
def test_shell_and_poweroff(guest, debian, options):
    m = guest(machine_options=options, **debian)
    m.expect(PROMPT)
    answer = m.command_output("uname -a", PROMPT)
    assert answer.startswith("Linux guest 6.") and "riscv64" in answer
    m.send_line("poweroff")
    m.expect("reboot: Power down")
    assert m.wait_exit() == 0


def test_forced_poweroff(guest, debian):
    m = guest(**debian)
    m.expect(PROMPT)
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0


def test_reboot(guest, debian):
    m = guest(**debian)
    m.expect(PROMPT)
    m.send_line("reboot")
    m.expect("reboot: Restarting system")
    m.expect(PROMPT)
    m.send_line("poweroff")
    assert m.wait_exit() == 0


def test_memory_is_what_was_asked_for(guest, debian):
    m = guest(memory="256M", **debian)
    m.expect(PROMPT)
    total = m.command_output("sed -n 's/MemTotal: *//p' /proc/meminfo", PROMPT)
    kibibytes = int(total.split()[0])
    assert 150 * 1024 < kibibytes <= 256 * 1024
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
