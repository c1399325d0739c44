# SPDX-License-Identifier: MIT
"""The guest's real-time clock: its date is the host's, and its alarm comes."""
import re
import time

import pytest

from outcome import ended, small_guest

PROMPT = r"guest:~# "
DAY = 86400
RTC, INTERRUPT = 0x101000, 11
PLIC_PENDING = 0xc001000
TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, ALARM_STATUS = 0, 4, 8, 12, 16, 24


def date_of(m):
    """Seconds since 1970 by the guest's own clock, as Linux has taken it from its RTC."""
    return int(m.command_output("date +%s", PROMPT))


def test_debians_date_is_the_hosts(guest, debian):
    before = time.time()
    m = guest(**debian)
    m.expect(PROMPT)
    assert before - 2 <= date_of(m) <= time.time() + 2
    assert "goldfish" in m.command_output("cat /sys/class/rtc/rtc0/name", PROMPT)
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"


def test_a_guest_sets_its_clock(guest, debian):
    """What it sets outlives its reboot, and is no other's."""
    m = guest(**debian)
    m.expect(PROMPT)
    m.command_output(f"date -s @$(($(date +%s) + {DAY})) >/dev/null; hwclock -u -w", PROMPT)
    m.send_line("reboot -f")
    m.expect(PROMPT)
    assert abs(date_of(m) - DAY - time.time()) < 60
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"


@pytest.mark.parametrize("cpus, smp", [(1, 1), (2, 2)])
def test_an_alarm_comes_without_the_guest(guest, debian, cpus, smp):
    """The driver is sent away and the registers are used by hand: nobody asks the clock meanwhile."""
    m = guest(machine_options={"smp": smp}, cpus=cpus, **debian)
    m.expect(PROMPT)

    def word(offset, value=""):
        answer = m.command_output(f"devmem {RTC + offset:#x} 32 {value}", PROMPT)
        return int(answer, 16) if answer else None
    m.command_output("dmesg -n 1; echo 101000.rtc >/sys/bus/platform/drivers/goldfish_rtc/unbind", PROMPT)
    low = word(TIME_LOW)
    alarm = (word(TIME_HIGH) << 32 | low) + 3_000_000_000
    word(IRQ_ENABLED, 1)
    word(ALARM_HIGH, alarm >> 32)
    word(ALARM_LOW, alarm & 0xffffffff)
    assert m.command_output(f"devmem {PLIC_PENDING:#x} 32", PROMPT) == "0x00000000"
    assert word(ALARM_STATUS) == 1
    m.command_output("sleep 4", PROMPT)
    assert m.command_output(f"devmem {PLIC_PENDING:#x} 32", PROMPT) == f"{1 << INTERRUPT:#010x}"
    assert word(ALARM_STATUS) == 0
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"


def test_a_machine_without_a_clock_counts_from_its_start(machine, tmp_path):
    """QEMU's spike has none."""
    m = machine(small_guest(tmp_path, "demo"), board="spike", memory="1G")
    m.expect("the machine has no clock: guests' clocks count from its start")
    m.expect("Hello from a guest of Cairn.")
    assert len(re.findall("has no clock", m.log)) == 1
