# SPDX-License-Identifier: MIT
"""All harts of a guest storm each other with IPIs, remote fences, timers, suspensions, stops and
starts: no wake-up is lost, and no hart that a fence named sees an old translation or instruction
(tests/guests/smp_stress.cpp). CAIRN_STRESS_SECONDS says how long, instead of 5."""
import os
import re

import pytest

from cairn_machine import guest_image
from outcome import CRASHES

SECONDS = int(os.environ.get("CAIRN_STRESS_SECONDS", "5"))
PATIENCE = 240 + SECONDS


def check_storm(m, cpus):
    status = m.wait_exit(PATIENCE)
    assert "stress: failed" not in m.log
    assert "stress: end" in m.log and status == 0
    figures = re.search(rf"stress: {cpus} harts: (\d+) IPIs, (\d+) remote fences, (\d+) looks, "
                        r"(\d+) timers, (\d+) sleeps, \d+ stops", m.log)
    print(figures[0])
    assert all(int(figure) > 0 for figure in figures.groups())


# An SSWI interrupts harts by a store, instead of by the firmware.
@pytest.mark.parametrize("cpus, options", [(2, {}), (4, {}), (8, {}), (4, {"board": "virt,aclint=on"}),
                                           (4, {"cpu": "rv64,sstc=false"})],
                         ids=["2", "4", "8", "4-sswi", "4-no-sstc"])
def test_storm(guest, cpus, options):
    m = guest(guest_image("smp_stress"), {"smp": cpus, **options}, cpus=cpus, memory="16M",
              append=str(SECONDS))
    check_storm(m, cpus)
    assert not any(crash in m.log for crash in CRASHES)
    assert "its register of the SSWI" not in m.log  # it is used where it is there


def test_storm_on_opensbi(machine):
    """The guest is right where Cairn is not. OpenSBI 1.1 and 1.6 lose remote fences of harts that stop."""
    m = machine(kernel=guest_image("smp_stress"), smp=4, memory="64M",
                append=f"{SECONDS} without=stops")
    check_storm(m, 4)
