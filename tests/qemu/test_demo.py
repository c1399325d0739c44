# SPDX-License-Identifier: MIT
"""The tiny guest of ./run.sh --demo."""
from cairn_machine import guest_image

from test_boot import FIRST_LINES


def test_demo_runs_and_powers_off(guest):
    m = guest(guest_image("demo"))
    assert m.wait_exit() == 0
    assert m.lines()[:2] == FIRST_LINES
    assert len(m.lines()) > 2
