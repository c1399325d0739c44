# SPDX-License-Identifier: MIT
"""gdb-multiarch's breakpoints and steps in a guest that sums up its own code, and in Debian's kernel: they
stop it, they are stepped over, and the guest finds its code as it was."""
import re
import subprocess

import pytest

from cairn_machine import ROOT
from gdb_line import Gdb, debug, lend_line
from monitor_session import ESCAPE, PROMPT, demo_vms, to_monitor

SYMBOLS = ROOT / "build/target/tests/guests/guest_text_check.elf"


@pytest.fixture
def text(machine, tmp_path):
    """The guest, with the monitor at its prompt."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "a", kernel="text_check"), smp=2, cpu="rv64,v=true")
    m.expect("Type something")
    to_monitor(m)
    return m


def to_guest(m):
    m.send("\r")
    m.expect(PROMPT)
    m.send(ESCAPE)


def ask(m, letter, answer):
    m.send(letter)
    return m.expect(answer)


def end(m):
    ask(m, "s", r"(\d+) rounds, the text is the same")
    m.send("q")
    m.expect("vm a: powered off")
    assert m.wait_exit() == 0


def test_break_step_and_go_on(text):
    lend_line(text, "a")
    said = debug(text, ["break text_round", "continue", "p text_rounds", "continue", "continue", "p text_rounds",
                        "x/2xh &text_round", "stepi", "stepi", "bt", "finish", "delete", "break text_sum",
                        "continue", "bt", "stepi 40", "p $pc", "delete", "detach"], SYMBOLS)
    assert len(re.findall(r"Breakpoint 1, text_round", said)) == 3, said
    assert len(re.findall(r"Breakpoint 2, text_sum", said)) == 1, said
    first, later = (int(each) for each in re.findall(r"\$[12] = (\d+)", said))
    assert later == first + 2 # each is met once
    image = (ROOT / "build/target/guests/text_check.img").read_bytes()
    address, *halves = re.search(r"(0x\w+) <text_round\S*>:\s+0x(\w+)\s+0x(\w+)", said).groups()
    offset = int(address, 16) - 0x80200000
    assert [int(half, 16).to_bytes(2, "little") for half in halves] == [
        image[offset:offset + 2], image[offset + 2:offset + 4]]
    assert "cairn::guest::run" in said # where finish ends, and who called
    to_guest(text)
    end(text)


def test_the_guest_sees_nothing(text):
    """It runs with a breakpoint that it never meets in the loop that sums up the code around it: each of
    its loads is carried out by Cairn."""
    lend_line(text, "a")
    gdb = Gdb(text, ["break text_atomic", "break text_round if text_rounds % 3 == 0", "continue", "continue",
                     "p text_rounds % 3", "x/2xh &text_sum", "delete", "detach"], SYMBOLS)
    said = gdb.output()
    assert len(re.findall("Breakpoint 2, text_round", said)) == 2, said
    assert "$1 = 0" in said
    assert b"$Z0," in gdb.said and b"$M" not in gdb.said
    to_guest(text)
    ask(text, "e", "ebreak: met")
    end(text)


def test_its_own_ebreak_is_its_own(text):
    """Also while there are breakpoints."""
    text.send(ESCAPE)
    text.send("e")
    text.expect("ebreak: met")
    text.send(ESCAPE)
    text.expect(PROMPT)
    lend_line(text, "a")
    gdb = Gdb(text, ["break text_atomic", "continue"], SYMBOLS)
    gdb.pass_on(until=b"$vCont;c")
    gdb.close()
    text.send(ESCAPE)
    text.expect("gdb: cancelled") # and the guest has the console
    ask(text, "e", "ebreak: met")
    end(text)


def test_where_there_can_be_none(text):
    lend_line(text, "a")
    said = debug(text, ["break *0x1000", "continue", "delete", "detach"], SYMBOLS)
    assert "Cannot insert breakpoint" in said
    to_guest(text)
    end(text)


def test_an_atomic_access_to_its_own_page(text):
    """It is carried out, and the breakpoints stay."""
    lend_line(text, "a")
    said = debug(text, ["break *text_round", "continue", "set $caller = $ra", "set $ra = $pc",
                        "set $pc = (long)&text_atomic", "continue", "set $ra = $caller", "continue", "delete",
                        "detach"], SYMBOLS)
    assert len(re.findall("Breakpoint 1, text_round", said)) == 3, said
    assert b"can have no breakpoints" not in said.encode()
    to_guest(text)
    end(text)


def test_a_vector_access_to_its_own_page(text):
    """It ends the page's breakpoints, which the log and gdb say, and the guest goes on."""
    lend_line(text, "a")
    gdb = Gdb(text, ["break text_round", "continue", "set $pc = (long)&text_vector", "continue", "continue",
                     "delete", "detach"], SYMBOLS)
    gdb.pass_on(heard=b"can have no breakpoints")
    gdb.interrupt()
    said = gdb.output()
    assert "SIGINT" in said and "Cannot insert breakpoint" in said
    to_guest(text)
    end(text)


def test_debian(guest, debian, tmp_path):
    """A system call of a program, on two vCPUs, by the kernel's tables and its own names."""
    m = guest(cpus=2, machine_options={"smp": 2}, **debian)
    m.expect("guest:~# ")
    found = m.command_output("grep -E ' (__do_sys_newuname|__riscv_sys_newuname|do_trap_ecall_u)$' /proc/kallsyms", "guest:~# ")
    kernel = tmp_path / "kernel.elf"
    subprocess.run([ROOT / "tools/kernel_symbols.py", "-", "-o", kernel], input=found, text=True, check=True)
    m.command_output("while sleep 0.1; do uname > /dev/null; done &", "guest:~# ")
    to_monitor(m)
    lend_line(m, "guest")
    said = debug(m, ["break *__do_sys_newuname", "continue", "bt 3", "p $priv", "stepi", "stepi", "p $pc",
                     "continue", "delete", "detach"], kernel)
    assert len(re.findall(r"Breakpoint 1, 0x\w+ in __do_sys_newuname", said)) == 2, said
    assert re.search(r"#1 +0x\w+ in (__riscv_sys_newuname|do_trap_ecall_u)", said) and "<__do_sys_newuname+" in said
    m.send("\r")
    m.expect(PROMPT)
    m.send(ESCAPE)
    m.send_line("")
    m.expect("guest:~# ")
    assert m.command_output("uname -s", "guest:~# ") == "Linux"
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
