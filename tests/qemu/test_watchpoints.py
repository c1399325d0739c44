# SPDX-License-Identifier: MIT
"""gdb-multiarch's watchpoints: they stop a guest at the access that meets them, and at no other of the same
page, all of which are carried out as the hart would; and a word of Debian's kernel is watched."""
import re

import pytest

from cairn_machine import ROOT
from gdb_line import debug, lend_line
from monitor_session import ESCAPE, PROMPT, demo_vms, to_monitor

SYMBOLS = ROOT / "build/target/tests/guests/guest_watch_check.elf"


@pytest.fixture(params=[1, 2], ids=["one-hart", "two-harts"])
def watch(request, machine, tmp_path):
    """The guest of two vCPUs, with its line lent to gdb."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "a", kernel="watch_check", a={"cpus": 2}), smp=request.param,
                cpu="rv64,v=true")
    m.expect("2 harts. Type something")
    to_monitor(m)
    lend_line(m, "a")
    return m


def orders(letters):
    """The guest does it, one thing after the other, and meets the watchpoint each time."""
    return [step for letter in letters for step in (f"set var watch_order = '{letter}'", "continue")]


def end(m):
    m.send("\r")
    m.expect(PROMPT)
    m.send(ESCAPE)
    m.send("s")
    m.expect(r"(\d+) rounds, all the same")
    assert int(m.process.match[1]) > 0
    m.send("q")
    m.expect("vm a: powered off")
    assert m.wait_exit() == 0


def test_who_writes(watch):
    """By a store, an AMO, an LR and SC, a misaligned store, and a vector's: the value before and behind. Reads
    do not count, nor what else is accessed in that page."""
    said = debug(watch, ["watch watch_pages.watched", *orders("wac"), "bt 3", *orders("mv"), "set var watch_order = 'r'",
                         "set var watch_rounds = 0", "break watch_round if watch_rounds == 3", "continue", "info watchpoints", "delete", "detach"], SYMBOLS)
    assert re.findall(r"Old value = (\d+)\s+New value = (\d+)", said) == [
        ("0", "1"), ("1", str(0x101)), (str(0x101), str(0x10101)),
        (str(0x10101), str(0x0304000000010101)), (str(0x0304000000010101), "7")], said
    assert "breakpoint already hit 5 times" in said
    assert "cairn::guest::" in said
    end(watch)


def test_who_reads(watch):
    """rwatch stops at loads alone, awatch at both; where there is an LR in that page, at that, too."""
    said = debug(watch, ["tbreak watch_round", "continue", "set var watch_reserves = 0",
                         "rwatch watch_pages.watched", *orders("r"), "delete", "awatch watch_pages.watched",
                         *orders("rw"), "continue", "delete", "set var watch_reserves = 1", "detach"], SYMBOLS)
    assert len(re.findall("read watchpoint 2", said)) >= 2, said
    assert len(re.findall(r"access \(read/write\) watchpoint 3", said)) >= 3, said
    assert re.search(r"Value = 0", said) and re.search(r"New value = 1", said)
    end(watch)


def test_where_there_can_be_none(watch):
    said = debug(watch, ["watch *(long *) 0x1000", "continue", "delete", "watch *(char (*)[100000]) 0x80300000",
                         "continue", "delete", "detach"], SYMBOLS)
    assert len(re.findall("Could not insert hardware watchpoint", said)) == 2, said
    end(watch)


def test_debian(guest, debian):
    """The kernel's count of ticks, on two vCPUs, in a page with much else."""
    m = guest(cpus=2, machine_options={"smp": 2}, **debian)
    m.expect("guest:~# ")
    found = m.command_output("grep ' jiffies_64$' /proc/kallsyms", "guest:~# ")
    address = re.search(r"[0-9a-f]{16}", found)[0]
    m.command_output("while sleep 0.1; do date > /dev/null; done &", "guest:~# ")
    to_monitor(m)
    lend_line(m, "guest")
    said = debug(m, [f"watch *(long *) 0x{address}", *["continue"] * 3, "info threads", "delete", "detach"])
    ticks = [(int(old), int(new)) for old, new in re.findall(r"Old value = (\d+)\s+New value = (\d+)", said)]
    assert len(ticks) == 3 and all(new > old for old, new in ticks), said
    assert all(later == new for (_, new), (later, _) in zip(ticks, ticks[1:]))
    m.send("\r")
    m.expect(PROMPT)
    m.send(ESCAPE)
    m.send_line("")
    m.expect("guest:~# ")
    assert m.command_output("uname -s", "guest:~# ") == "Linux"
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
