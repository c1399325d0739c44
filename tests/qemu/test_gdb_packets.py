# SPDX-License-Identifier: MIT
"""Packets that Debian's gdb does not send for RISC-V, where it steps by breakpoints of its own: by hand."""
from cairn_machine import write_archive
from channels_session import Channels
from gdb_line import lend_line
from monitor_session import PROMPT, command, of_kind, records, to_monitor

# 0: addi t0, t0, 1; 4: c.addi t1, 1; 6: j 0
LOOP = bytes.fromhex("93821200 0503 edbf".replace(" ", ""))
BASE = 0x8020_0000
NEXT = {0: 4, 4: 6, 6: 0}
T0, T1, PC = 5, 6, 0x20


def lend_line_once_loaded(m):
    while of_kind(records(m, "list"), "vm")[0]["state"] != "running":
        pass
    lend_line(m, "a")


def ask(m, body, answer):
    """Sends a packet; the match of its answer."""
    m.send(f"${body}#{sum(body.encode()) & 0xff:02x}")
    found = m.expect(r"\+\$" + answer + r"#[0-9a-f]{2}")
    if body != "D": # then the line is the monitor's again
        m.send("+")
    return found


def register(m, number):
    return int.from_bytes(bytes.fromhex(ask(m, f"p{number:x}", "([0-9a-f]{16})")[1]), "little")


def test_steps_by_their_packets(machine, tmp_path):
    """Each carries out one instruction, 4 bytes, 2 bytes or a jump, and no more."""
    m = machine(write_archive(tmp_path / "vms.cpio", {"a/vm.conf": "kernel = kernel\nmemory = 8M\ncpus = 2\n",
                                                      "a/kernel": LOOP}), smp=2)
    m.expect("raw binary")
    to_monitor(m)
    lend_line_once_loaded(m)
    ask(m, "?", "T05thread:1;")
    assert "vCont;c;C;s;S" in ask(m, "vCont?", "([^#]*)")[1]
    at, t0, t1 = register(m, PC) - BASE, register(m, T0), register(m, T1)
    for packet in ["s", "vCont;s:1", "vCont;s:1;c", "vCont;S05:1", "s", "s"] * 2:
        ask(m, packet, "T05thread:1;")
        t0, t1, at = t0 + (at == 0), t1 + (at == 4), NEXT[at]
        assert (register(m, PC) - BASE, register(m, T0), register(m, T1)) == (at, t0, t1), packet
    # Where there is a breakpoint it is met as such, and stays; no other is left behind.
    ask(m, f"Z0,{BASE + NEXT[at]:x},2", "OK")
    ask(m, "s", "T05thread:1;")
    at = NEXT[at]
    ask(m, f"z0,{BASE + at:x},2", "OK")
    memory = bytes.fromhex(ask(m, f"m{BASE:x},{len(LOOP):x}", "([0-9a-f]+)")[1])
    assert memory == LOOP
    for bad in ["s80200000", "vCont;s:9", "vCont;x", "vCont;s:"]:
        ask(m, bad, "E0[0-9]")
    assert register(m, PC) - BASE == at
    ask(m, "D", "OK")
    m.expect(PROMPT)
    command(m, "list", "a +2 +8 MiB +running")
    command(m, "quit", "turned off")
    assert m.wait_exit() == 0


def test_somebody_else_rules_the_vm_meanwhile(machine, tmp_path):
    """By the monitor's channel: what gdb asks for is answered by a VM that stands still."""
    channels = Channels()
    archive = write_archive(tmp_path / "vms.cpio", {"a/vm.conf": "kernel = kernel\nmemory = 8M\ncpus = 2\nhalt = never\n",
                                                    "a/kernel": LOOP})
    m = channels.start(machine, ["a"], archive, smp=2)
    m.expect("raw binary")
    to_monitor(m)
    lend_line_once_loaded(m)
    ask(m, "?", "T05thread:1;")
    ask(m, f"Z0,{BASE:x},2", "OK")
    for _ in range(10):
        channels.done("resume", "a")
        before = register(m, T0)
        assert register(m, T0) == before
        assert register(m, PC) - BASE in NEXT
    channels.done("reset", "a")
    channels.done("wait", "a", "paused")
    assert register(m, PC) - BASE in NEXT
    ask(m, "s", "T05thread:1;")
    channels.done("resume", "a")
    ask(m, "D", "OK")
    m.expect(PROMPT)
    lend_line(m, "a")
    ask(m, "?", "T05thread:1;")
    channels.done("stop", "a", "--wait")
    m.expect("the VM has ended")
    m.expect(PROMPT)
    command(m, "quit", "all VMs")
    assert m.wait_exit() == 0
    channels.close()
