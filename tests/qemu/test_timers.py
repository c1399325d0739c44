# SPDX-License-Identifier: MIT
"""A guest's timer is never lost, whatever else happens when it fires: QEMU before 8.2 can lose its
interrupt, and Cairn renews it there (docs/adr/0018). CAIRN_SLEEPS says how often each hart of the
guest sleeps, instead of 10,000 times; it lost a timer within some hundred sleeps before."""
import os
import re

import pytest

from cairn_machine import guest_image, qemu_version
from outcome import CRASHES

SLEEPS = int(os.environ.get("CAIRN_SLEEPS", "10000"))
PATIENCE = 240 + SLEEPS / 100
LOSES_NO_TIMERS = (8, 2) # of QEMU, from here on


def sleep(guest, cpus, sleeps=SLEEPS, **options):
    m = guest(guest_image("sleepers"), {"smp": cpus, **options}, cpus=cpus, memory="16M",
              append=str(sleeps))
    status = m.wait_exit(PATIENCE)
    assert "timer is lost" not in m.log
    slept = [int(count) for count in re.findall(r"hart \d+ slept (\d+) times", m.log)]
    assert len(slept) == cpus and min(slept) >= sleeps
    assert status == 0
    assert not any(crash in m.log for crash in CRASHES)
    return m


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_no_timer_is_lost(guest, cpus):
    sleep(guest, cpus)


def test_machines_that_lose_none_are_left_alone(guest):
    """The host's timer ticks where it has to; and the tick does its work where exits are counted."""
    m = sleep(guest, 2, 1000, append="exits=count")
    assert ("exits: supervisor timer interrupt" in m.log) == (qemu_version() < LOSES_NO_TIMERS)
