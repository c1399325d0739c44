# SPDX-License-Identifier: MIT
"""The console between a terminal and a guest: what is typed arrives, whole and in order."""
import re

from outcome import ended, small_guest


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


def test_debug_console(machine, tmp_path):
    """SBI's DBCN is Cairn's own: OpenSBI 1.1 below has none."""
    m = machine(small_guest(tmp_path, "runtime_check", "debug-console"))
    m.expect("bytes")
    m.send("twelve words.")
    lines = ended(m)
    said = lines[lines.index("check debug-console") + 1:]
    assert said == ["written by DBCN", "bytes", "read by DBCN: twelve words.",
                    "end of debug-console: 0 failed", "vm guest: powered off"]
