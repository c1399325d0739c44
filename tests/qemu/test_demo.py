# SPDX-License-Identifier: MIT
"""The tiny guest of ./run.sh --demo."""
from cairn_machine import guest_image

from test_boot import FIRST_LINES


def test_demo_greets_echoes_and_powers_off(guest):
    m = guest(guest_image("demo"), append="a b  c")
    m.expect("Hello from a guest of Cairn.")
    m.expect("arguments: 'a b  c'")
    m.expect("Type something")
    assert m.lines()[:2] == FIRST_LINES
    m.send("x")
    m.expect("x")
    m.expect("tick 2")
    m.send("q")
    assert m.wait_exit() == 0
