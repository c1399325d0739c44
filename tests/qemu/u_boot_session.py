# SPDX-License-Identifier: MIT
"""U-Boot's prompt: Debian's S-mode image as a guest, and as what a bare machine starts."""
import re

from outcome import CRASHES

PROMPT = r"(?:^|\n)=> "


def stop_autoboot(m):
    m.expect("Hit any key to stop autoboot")
    m.send(" ")
    m.expect(PROMPT)


def ask(m, command):
    """Types a command at U-Boot's prompt, which echoes it once, and returns what it printed."""
    m.send_line(command)
    m.expect(re.escape(command) + r"\r*\n")
    m.expect(PROMPT)
    return m.process.before.replace("\r", "").strip()


def said_by_cairn(m):
    return [line for line in m.log.splitlines() if line.startswith(("vm guest: ", "cairn: "))]


def power_off(m):
    m.send_line("poweroff")
    assert m.wait_exit() == 0
    assert said_by_cairn(m)[-1] == "vm guest: powered off"
    assert not any(crash in m.log for crash in CRASHES)
