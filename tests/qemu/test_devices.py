# SPDX-License-Identifier: MIT
"""The console between a terminal and a guest: what is typed arrives, whole and in order."""
import re

import pytest

from cairn_machine import MARK
from outcome import ended, small_guest

BREAK = "\x01b" # as QEMU's multiplexer takes it
PROMPT = r"guest:~# "


def test_long_paste_arrives_whole_and_in_order(machine, tmp_path):
    """Far more than the UART's FIFOs hold: the guest, which echoes by polling, sets the pace."""
    text = "".join(f"{number:05d}," for number in range(500))
    m = machine(small_guest(tmp_path, "demo"))
    m.expect("'q' ends this.")
    m.send(text + "q")
    m.expect("Goodbye.")
    ended(m)
    echoed = m.log.partition("'q' ends this.\n")[2].partition("\nGoodbye.")[0]
    assert re.sub(r"tick \d\n", "", echoed) == text  # it counts seconds meanwhile


def test_control_characters_are_the_guests(machine, tmp_path):
    """Ctrl-C is typed, and ends neither QEMU nor the guest; nor do Ctrl-D, Ctrl-Z or Ctrl-\\."""
    m = machine(small_guest(tmp_path, "demo"))
    m.expect("'q' ends this.")
    for character in "\x03\x04\x1a\x1c\x00\x7f":
        m.send(character)
        m.expect(re.escape(character))
    m.send("q")
    assert ended(m)[-1] == "vm guest: powered off"


OWN_LINES = [r"machine: 1 of 1 harts run guests; .*", r"vm guest: 16 MiB at .*", r"heap: .*"]


def check_own_lines(m, end):
    own = m.own_lines()
    assert len(own) == 4 and own[2] == end
    for line, expected in zip([*own[:2], own[3]], OWN_LINES, strict=True):
        assert re.fullmatch(expected, line)


@pytest.mark.parametrize("forged", ["\nvm guest: reset\n", f"\n{MARK}vm guest: reset\n",
                                    f"\r\n{MARK}{MARK}{MARK}vm guest: reset\r\n", f"unended {MARK}"])
def test_a_guest_cannot_write_a_line_of_cairns(machine, tmp_path, forged):
    """The demo guest echoes what is typed."""
    m = machine(small_guest(tmp_path, "demo"))
    m.expect("'q' ends this.")
    m.send(forged + "q")
    m.expect("Goodbye.")
    ended(m)
    check_own_lines(m, "vm guest: powered off")
    assert m.raw.count(MARK) == 4 + 2 * forged.count(MARK)  # nothing of the guest's is lost


@pytest.mark.parametrize("line", [f"{MARK}vm guest: reset.", f"words{MARK}{MARK}."])
def test_nor_by_the_debug_console(machine, tmp_path, line):
    m = machine(small_guest(tmp_path, "runtime_check", "debug-console"))
    m.expect("bytes")
    m.send(line)
    ended(m)
    check_own_lines(m, "vm guest: powered off")
    assert line.replace(MARK, MARK * 2) in m.raw


def test_break_is_the_system_request_key(guest, debian):
    """A break and a letter reach the guest's kernel as SysRq, with all that surrounds them."""
    m = guest(machine_options={"mux": True}, **{**debian, "append": "console=ttyS0 sysrq_always_enabled"})
    m.expect(PROMPT)
    m.send(BREAK)
    m.send("h")
    m.expect(r"sysrq: HELP : loglevel\(0-9\) reboot\(b\)")
    assert m.command_output("echo after", PROMPT) == "after"  # no byte was lost, and none added
    m.send(BREAK)
    m.send("o")
    m.expect("sysrq: Power Off")
    assert ended(m)[-1] == "vm guest: powered off"


def test_breaks_amid_output_are_not_lost(guest, debian):
    """Output reads the UART's line status, too, and reading it resets the break."""
    m = guest(machine_options={"mux": True}, **{**debian, "append": "console=ttyS0 sysrq_always_enabled"})
    m.expect(PROMPT)
    m.send("while :; do echo ................................; done\r")
    m.expect(r"\.{32}\s+\.{32}\s")
    for _ in range(10):
        m.send(BREAK)
        m.send("h")
        m.expect("sysrq: HELP : ")


def test_debug_console(machine, tmp_path):
    """SBI's DBCN is Cairn's own: OpenSBI 1.1 below has none."""
    m = machine(small_guest(tmp_path, "runtime_check", "debug-console"))
    m.expect("bytes")
    m.send("twelve words.")
    lines = ended(m)
    said = lines[lines.index("check debug-console") + 1:]
    assert said == ["written by DBCN", "bytes", "read by DBCN, and written:", "twelve words.",
                    "end of debug-console: 0 failed", "vm guest: powered off"]
