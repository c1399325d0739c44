# SPDX-License-Identifier: MIT
"""All harts of a guest storm each other with IPIs, remote fences, timers, suspensions, stops and
starts: no wake-up is lost, and no stale translation is used (tests/guests/smp_stress.cpp)."""
import re

import pytest

from cairn_machine import guest_image
from outcome import CRASHES

SECONDS = 5


# Without and with a device that interrupts harts by a store; without Sstc.
@pytest.mark.parametrize("options", [{}, {"board": "virt,aclint=on"}, {"cpu": "rv64,sstc=false"}],
                         ids=["plain", "sswi", "no-sstc"])
@pytest.mark.parametrize("cpus", [2, 4])
def test_storm(guest, cpus, options):
    m = guest(guest_image("smp_stress"), {"smp": cpus, **options}, cpus=cpus, memory="16M",
              append=str(SECONDS))
    status = m.wait_exit()
    assert not any(crash in m.log for crash in CRASHES)
    assert "stress: failed" not in m.log
    assert "stress: end" in m.log and status == 0
    figures = re.search(rf"stress: {cpus} harts: (\d+) IPIs, (\d+) remote fences, (\d+) looks, "
                        r"(\d+) timers, (\d+) sleeps, \d+ stops", m.log)
    assert all(int(figure) > 0 for figure in figures.groups())
