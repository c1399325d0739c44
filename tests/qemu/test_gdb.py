# SPDX-License-Identifier: MIT
"""gdb at a guest over the machine's console, by the monitor's command `gdb`."""
import re

import pytest

from cairn_machine import ROOT
from gdb_line import Gdb, debug, lend_line
from monitor_session import ESCAPE, PROMPT, command, demo_vms, to_monitor

SYMBOLS = ROOT / "build/target/tests/guests/guest_demo.elf"
IMAGE = ROOT / "build/target/guests/demo.img"


@pytest.fixture(params=[1, 2], ids=["one-hart", "two-harts"])
def demo(request, machine, tmp_path):
    """At the prompt, beside a guest of two vCPUs, the second of which is stopped."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab", a={"cpus": 2}), smp=request.param)
    m.expect("Type something")
    to_monitor(m)
    return m


def back_at_prompt(m):
    """What the monitor says at the end may have gone to gdb; a prompt of our own has not."""
    m.send("\r")
    m.expect(PROMPT)


def test_attach_look_detach_and_again(demo):
    for _ in range(2):
        lend_line(demo, "a")
        said = debug(demo, ["info threads", "info registers pc satp priv fcsr ft0", "monitor threads",
                            "x/8xb 0x80200000", "thread 2", "info registers pc", "detach"], SYMBOLS)
        assert re.search(r"\* 1 +Thread 1 \(vCPU 0: started, VS", said)
        assert re.search(r"  2 +Thread 2 \(vCPU 1: stopped", said)
        # It may still be on its way to the console, in cairn::platform_write.
        assert re.search(r"pc +0x802\w+\s+0x\w+ <cairn::(guest::)?\w+", said)
        assert re.search(r"satp +0x0", said) and re.search(r"priv +0x1", said)
        first = " *".join(f"\t0x{byte:02x}" for byte in IMAGE.read_bytes()[:8])
        assert re.search(first, said)
        assert "vCPU 1: stopped" in said and "detached" in said
        back_at_prompt(demo)
    command(demo, "list", r"a +2 +8 MiB +running")
    demo.expect(PROMPT)
    command(demo, "quit", "vm [ab]: turned off")
    assert demo.wait_exit() == 0


def test_interrupt_and_write(demo):
    """Ctrl-C stops the guest where it is; what is written is there, and is read back."""
    lend_line(demo, "a")
    gdb = Gdb(demo, ["continue", "set $t6 = 0x1234567812345678", "p/x $t6", "set $ft3 = 2.5",
                     "p $ft3", "set {long}($sp - 256) = 0x1122334455667788",
                     "x/gx $sp - 256", "monitor physical on", "x/gx $sp - 256", "x/gx 0x1000",
                     "detach"], SYMBOLS)
    gdb.pass_on(until=b"$vCont;c")
    gdb.interrupt()
    said = gdb.output()
    assert b"\x03" in gdb.said
    assert "SIGINT" in said
    assert "= 0x1234567812345678" in said and "2.5" in said
    assert len(re.findall("0x1122334455667788", said)) == 2
    assert "Cannot access memory at address 0x1000" in said
    back_at_prompt(demo)
    command(demo, "quit", "vm [ab]: turned off")
    assert demo.wait_exit() == 0


def test_vector_registers(machine, tmp_path):
    """As the guest left them, and as gdb sets them; where the guest has no V, there are none."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "a", kernel="watch_check"), cpu="rv64,v=true,vlen=256")
    m.expect("Type something")
    to_monitor(m)
    lend_line(m, "a")
    said = debug(m, ["p $vlenb", "p $v0.l", "break clear_by_vector", "set var watch_order = 'v'", "continue",
                     "set $v0.l[1] = 0x55", "finish", "p $v0.l", "p $vl", "delete", "detach"],
                 ROOT / "build/target/tests/guests/guest_watch_check.elf")
    assert re.search(r"\$1 = 32", said), said
    assert re.search(r"\$2 = \{0, 0, 0, 0\}", said)
    assert re.search(r"\$3 = \{7, (85|\d+), ", said) and re.search(r"\$4 = 1", said)
    back_at_prompt(m)
    command(m, "quit", "vm a: turned off")
    assert m.wait_exit() == 0


def test_what_it_cannot_do_it_says(demo):
    """A breakpoint of the hart's is refused, and gdb has not written one into the guest's memory."""
    lend_line(demo, "a")
    gdb = Gdb(demo, ["hbreak *0x80200000", "continue", "delete", "x/2xb 0x80200000", "detach"], SYMBOLS)
    said = gdb.output()
    assert "Cannot insert hardware breakpoint" in said
    assert b"$Z1,80200000" in gdb.said and b"$M" not in gdb.said and b"$X" not in gdb.said
    image = IMAGE.read_bytes()
    assert re.search(rf"0x{image[0]:02x}\s+0x{image[1]:02x}", said)
    back_at_prompt(demo)
    command(demo, "quit", "vm [ab]: turned off")
    assert demo.wait_exit() == 0


def test_a_guest_that_ends(demo):
    """gdb hears of it, and the prompt is back."""
    lend_line(demo, "a")
    said = debug(demo, ["set $a0 = 0", "set $pc = (long)&cairn::guest::power_off", "continue"], SYMBOLS)
    assert "exited normally" in said
    back_at_prompt(demo)
    command(demo, "quit", "vm b: turned off")
    assert demo.wait_exit() == 0


def test_nonsense_and_a_way_out(demo):
    """Whoever finds the line taken can have it back; the guest goes on."""
    lend_line(demo, "a")
    demo.send("help\r\x01\x02}}}##$$$half a packet$g#00")
    demo.expect("-")
    demo.send("$" + "a" * 5000 + "#00")
    demo.expect("-")
    demo.send("$qC#b4")
    demo.expect(r"\+\$QC1#")
    demo.send(ESCAPE)
    demo.expect("gdb: cancelled")
    to_monitor(demo)
    command(demo, "list", r"a +2 +8 MiB +running")
    demo.expect(PROMPT)
    command(demo, "gdb nobody", "there is no VM")
    demo.expect(PROMPT)
    command(demo, "quit", "vm [ab]: turned off")
    assert demo.wait_exit() == 0


def test_debian(guest, debian):
    """A kernel of two vCPUs, by its own page tables."""
    m = guest(cpus=2, machine_options={"smp": 2}, **debian)
    m.expect("guest:~# ")
    to_monitor(m)
    lend_line(m, "guest")
    said = debug(m, ["info threads", "p/x (unsigned long) $satp >> 60", "p $pc < 0", "x/i $pc", "thread 2", "x/i $pc",
                     "monitor physical on", "x/2xb 0x80200000", "detach"])
    assert len(re.findall(r"vCPU \d: (started|suspended)", said)) == 2
    assert re.search(r"= 0x[89a]\b", said)
    assert len(re.findall(r"=> 0x\w+:\t\w+", said)) >= 2
    assert re.search(r"0x4d\s+0x5a", said) # MZ
    back_at_prompt(m)
    m.send(ESCAPE)
    m.send_line("")
    assert m.command_output("uname -s", "guest:~# ") == "Linux"
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
