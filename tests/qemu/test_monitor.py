# SPDX-License-Identifier: MIT
"""The monitor behind Ctrl-], with two VMs on one hart: what it shows and rules, and whose console is in
front. What one VM prints behind comes out when it is brought to the front."""
import pytest

from cairn_machine import guest_image, write_archive

ESCAPE = "\x1d"
PROMPT = r"cairn> "


@pytest.fixture
def two(machine, tmp_path):
    entries = {}
    for name in ("a", "b"):
        entries[f"{name}/vm.conf"] = f"kernel = kernel\nmemory = 8M\nappend = I am {name}\n"
        entries[f"{name}/kernel"] = guest_image("demo")
    m = machine(write_archive(tmp_path / "vms.cpio", entries))
    m.expect("arguments: 'I am a'")
    m.expect("Type something")
    return m


def command(m, line, answer):
    """Types a line at the prompt, and waits for what it says."""
    m.send(line + "\r")
    return m.expect(answer)


def to_monitor(m):
    m.send(ESCAPE)
    m.expect("monitor: ")
    m.expect(PROMPT)


def test_consoles_change_places(two):
    to_monitor(two)
    command(two, "list", r"\* a +1 +8 MiB +running")
    two.expect(r"  b +1 +8 MiB +running")
    command(two, "console b", "arguments: 'I am b'")
    two.expect("Type something")
    two.send("q")
    two.expect("vm b: powered off")
    two.expect("console of a: ")
    two.send("q")
    two.expect("vm a: powered off")
    assert two.wait_exit() == 0


def test_typed_twice_the_escape_reaches_the_guest(two):
    two.send(ESCAPE)
    two.expect(PROMPT)
    two.send(ESCAPE + "x")
    two.expect("x")
    to_monitor(two)
    command(two, "quit", "vm a: turned off")
    assert two.wait_exit() == 0


def test_vms_are_ruled(two):
    to_monitor(two)
    command(two, "pause a", PROMPT)
    command(two, "list", r"a +1 +8 MiB +paused")
    command(two, "resume a", PROMPT)
    command(two, "list", r"a +1 +8 MiB +running")
    command(two, "reset a", "vm a: reset")
    command(two, "stop a", "vm a: turned off")
    command(two, "list", r"a +1 +8 MiB +off")
    command(two, "pause a", "a: it is off")
    command(two, "start a", "vm a: 8 MiB at")
    command(two, "start a", "a: it is running already")
    command(two, "stop a", "vm a: turned off")
    command(two, "stop b", "vm b: turned off")
    command(two, "frames", r"iB free")  # the machine stays on for whoever rules it
    command(two, "quit", "all VMs are turned off")
    assert two.wait_exit() == 0


def test_figures_and_mistakes(two):
    to_monitor(two)
    command(two, "info b", r"append I am b")
    two.expect(r"0x0010000000 UART +interrupt 10")
    command(two, "stats", r"a +0 +\d+ +\d+ +\d+")
    command(two, "harts", r"hart 0: (a|b)\.0|hart 0: idle")
    command(two, "heap", r"bytes live|KiB live")
    command(two, "lst", "'lst' is not a command; did you mean 'list'")
    command(two, "stop", "write: stop VM")
    command(two, "stop nobody", "nobody: there is no VM of that name")
    command(two, "help", "these lines")
    two.send("li\t\r")
    two.expect(r"\* a")
    command(two, "quit", "vm b: turned off")
    assert two.wait_exit() == 0
