# SPDX-License-Identifier: MIT
"""The monitor behind Ctrl-], with two VMs: what it rules and shows to people, and whose console is in
front. What one VM prints behind comes out when it is brought to the front."""
import pexpect
import pytest

from cairn_machine import write_archive
from monitor_session import ESCAPE, PROMPT, command, demo_vms, of_kind, records, to_monitor


@pytest.fixture(params=[1, 2], ids=["one-hart", "two-harts"])
def two(request, machine, tmp_path):
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab"), smp=request.param)
    m.expect("arguments: 'I am a'")
    m.expect("Type something")
    return m


@pytest.fixture
def pair(machine, tmp_path):
    """The same on one hart."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab"))
    m.expect("arguments: 'I am a'")
    m.expect("Type something")
    return m


def quit_all(m):
    command(m, "quit", "vm [ab]: turned off")
    assert m.wait_exit() == 0


def test_consoles_change_places(two):
    to_monitor(two)
    command(two, "list", r"\* +a +1 +8 MiB +running")
    two.expect(r"  b +1 +8 MiB +running")
    command(two, "console b", "arguments: 'I am b'")
    two.expect("Type something")
    two.send("q")
    two.expect("vm b: powered off")
    two.expect("console of a: ")
    two.send("q")
    two.expect("vm a: powered off")
    assert two.wait_exit() == 0


def test_typed_twice_the_escape_reaches_the_guest(pair):
    pair.send(ESCAPE)
    pair.expect(PROMPT)
    pair.send(ESCAPE + "x")
    pair.expect(ESCAPE + "x")  # the guest echoes it
    to_monitor(pair)
    quit_all(pair)


def test_what_a_guest_prints_drives_nothing(pair):
    """The guest echoes what looks like keys of the monitor: it stays in front, and nothing is done."""
    pair.send(ESCAPE)
    pair.expect(PROMPT)
    pair.send(ESCAPE + "\rstop b\r\x1b[A\x1b[6n\x1b]2;title\x07|")
    pair.expect(r"\|")
    to_monitor(pair)
    pair.send("\x1b[24;80R\x1b]l\rquit\r\x1b\\") # a terminal's answers to questions of the guest's
    command(pair, "list", r"a +1 +8 MiB +running")
    pair.expect(r"b +1 +8 MiB +running")
    pair.expect(PROMPT)
    assert "turned off" not in pair.log
    quit_all(pair)


def test_what_is_printed_behind_stays_behind(pair):
    """The guests' ticks of the first seconds come while the monitor has the console."""
    to_monitor(pair)
    shown = len(pair.log)
    command(pair, "top 4", "run %")
    pair.expect(PROMPT)
    assert "tick" not in pair.log[shown:]
    command(pair, "console a", "tick 3")
    to_monitor(pair)
    quit_all(pair)


def test_what_is_typed_behind_the_change_to_a_guest_is_the_guests(two):
    to_monitor(two)
    command(two, "console b", "arguments: 'I am b'")
    to_monitor(two)
    two.send("console b\rall in one go\rq")
    two.expect("console of b: Ctrl-")
    two.expect("all in one go\r*\n\r*\nGoodbye.")
    two.expect("vm b: powered off")
    to_monitor(two)
    quit_all(two)


def test_what_a_guest_has_no_room_for_is_no_command(two):
    """1024 characters wait for a guest, which is paused."""
    to_monitor(two)
    command(two, "console b", "arguments: 'I am b'")
    to_monitor(two)
    command(two, "pause b", PROMPT)
    command(two, "console b", "console of b: Ctrl-")
    two.send("x" * 1000)
    to_monitor(two)
    two.send("top 1\rconsole b\r" + "y" * 100 + "\rstop a\r") # typed while `top` looks
    two.expect("console of b: Ctrl-")
    # b is full now, and nothing more is read. What was typed before it was would have run by then.
    assert two.process.expect_exact(["vm a: turned off", pexpect.TIMEOUT], timeout=3) == 1


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
    command(two, "frames", r"free +\S+ GiB")  # the machine stays on for whoever rules it
    command(two, "quit", "all VMs are turned off")
    assert two.wait_exit() == 0


def test_a_paused_vm_stays_paused_over_a_reset(two):
    to_monitor(two)
    command(two, "pause a", PROMPT)
    [before] = of_kind(records(two, "stats a"), "vcpu")
    command(two, "help reset", "One that is paused stays so.")
    command(two, "reset a", "vm a: reset")
    while (state := records(two, "list")[0]["state"]) in ("ending", "loading"):
        pass
    assert state == "paused"
    [after] = of_kind(records(two, "stats a"), "vcpu")
    assert after["ran_ms"] >= before["ran_ms"] and after["turns"] >= before["turns"] # of its whole run
    shown = len(two.log)
    command(two, "console a", "console of a")
    to_monitor(two)
    assert "I am a" not in two.log[shown:]
    command(two, "resume a", PROMPT)
    command(two, "console a", "arguments: 'I am a'")
    two.expect("Type something")
    to_monitor(two)
    command(two, "pause a", PROMPT)
    command(two, "stop a", "vm a: turned off")
    command(two, "start a", "vm a: 8 MiB at")
    command(two, "console a", "arguments: 'I am a'") # not paused any more
    to_monitor(two)
    quit_all(two)


def test_vms_are_made_and_forgotten(pair):
    to_monitor(pair)
    command(pair, "destroy b", "b: it is running: stop it first")
    command(pair, "stop b", "vm b: turned off")
    command(pair, "destroy b", PROMPT)
    command(pair, "start b", "b: there is no VM of that name")
    command(pair, "create b", PROMPT)
    command(pair, "start b", "vm b: 8 MiB at")
    command(pair, "create b", "b: there is a VM of that name already")
    command(pair, "create c nothing", "nothing: the archive has no folder of that name")
    command(pair, "create .c a", ".c: it cannot be a VM's name")
    command(pair, "create c a", PROMPT)
    command(pair, "list", r"c +1 +8 MiB +off")
    command(pair, "start c", "vm c: 8 MiB at")
    command(pair, "console c", "arguments: 'I am a'")
    pair.send("q")
    pair.expect("vm c: powered off")
    to_monitor(pair)
    for _ in range(20): # their memory comes back
        command(pair, "destroy c", PROMPT)
        command(pair, "create c a", PROMPT)
    command(pair, "destroy a", "a: it is running")
    quit_all(pair)
    assert "bytes of frames are free" not in pair.log
    assert "0 bytes live" in pair.own_lines()[-1]


def test_mistakes(pair):
    to_monitor(pair)
    command(pair, "lst", "'lst' is not a command; did you mean 'list'")
    command(pair, "xyzzy", "'xyzzy' is not a command; 'help' lists them")
    command(pair, "stop", "write: stop VM")
    command(pair, "stop a b", "write: stop VM")
    command(pair, "list a b c d e f g h i", r"write: list\r*\n")
    command(pair, "stop nobody", "nobody: there is no VM of that name")
    command(pair, "regs a", "a: this is no vCPU; write VM.NUMBER, as in web.0")
    command(pair, "regs a.1", "a.1: it has no vCPU of that number")
    command(pair, "bt a", "a: this is no vCPU; write VM.NUMBER, as in web.0")
    command(pair, "bt a.1", "a.1: it has no vCPU of that number")
    command(pair, "bt nobody.0", "nobody: there is no VM of that name")
    command(pair, "mem a here", "here: this is no address")
    command(pair, "mem a map 64", "map: this is no address") # it has no length
    command(pair, "mem a 0x80000000 0", "0: this is no length; write a number from 1 to 4096")
    command(pair, "mem a 0x80000000 4097", "4097: this is no length")
    for place in ("0x7fffffff 1", "0x807fffff 2", "0x80800000 1", "0xffffffffffffffff 2"):
        command(pair, f"mem a {place}", "not all of this is its memory, 0x80000000 to 0x807fffff")
    command(pair, "mem a 0x807fffff 1", r"0x00000000807fffff  00 ")
    command(pair, "top 0", "0: write a number of seconds from 1 to 60")
    command(pair, "set color on", "color: there is no such setting; there is: colour")
    command(pair, "help me", "me: there is no such command")
    quit_all(pair)


def test_lines_are_edited_and_come_back(pair):
    to_monitor(pair)
    pair.send("li\t\r")
    pair.expect(r"\* +a")
    pair.send("info \t")
    pair.expect("a b ")
    pair.send("b\r")
    pair.expect("append +I am b")
    pair.send("q")
    pair.expect(PROMPT)
    pair.send("\x1b[A\x1b[A\r")
    pair.expect(r"\* +a")
    pair.expect(PROMPT)
    pair.send("help re\t")
    pair.expect("reset resume regs")
    pair.send("g\t\r")
    pair.expect("regs +VM.CPU +a vCPU's registers by name")
    quit_all(pair)


def test_a_screen_at_a_time(pair):
    to_monitor(pair)
    command(pair, "help", r"-- more: space, Enter, or q --")
    assert "Ctrl-] changes between" not in pair.process.before
    assert "what Cairn itself has said" not in pair.process.before
    pair.send("\r")
    pair.expect("-- more: ")
    assert pair.process.before.count("\n") == 1  # one line more
    assert "what Cairn itself has said" not in pair.process.before
    pair.send(" ")
    pair.expect(r"Ctrl-\] changes between")
    pair.expect(PROMPT)
    command(pair, "help", "-- more: ")
    pair.send("q")
    pair.expect(PROMPT)
    quit_all(pair)


def test_colours_only_where_they_are_asked_for(pair):
    to_monitor(pair)
    command(pair, "list", r"a +1 +8 MiB +running")
    command(pair, "set", r"colour +off")
    command(pair, "set colour on", PROMPT)
    command(pair, "list", "a +1 +8 MiB +\x1b\\[32mrunning\x1b\\[0m")
    command(pair, "stop nobody", "\x1b\\[31mnobody: there is no VM of that name\x1b\\[0m")
    command(pair, "set colour off", PROMPT)
    command(pair, "list", r"a +1 +8 MiB +running")
    quit_all(pair)


def test_an_interval_ends_early(pair):
    to_monitor(pair)
    pair.send("top 60\r\x03")
    pair.expect("top: cancelled")
    pair.expect(PROMPT)
    quit_all(pair)


@pytest.mark.parametrize("line", ["top 60", "top"])
def test_who_looks_at_a_guest_meanwhile_has_left_the_command(two, line):
    """Ctrl-] twice, so quickly that no hart looks in between: to the guest, and back."""
    to_monitor(two)
    two.send(line + "\r")
    two.expect("\n")
    two.send(ESCAPE + ESCAPE)
    two.expect("top: cancelled")
    command(two, "list", r"a +1 +8 MiB +running")
    two.expect(PROMPT)
    quit_all(two)


def test_top_is_live(two):
    """It is drawn over itself each second, and what Cairn says meanwhile does not end it."""
    to_monitor(two)
    two.send("top\r")
    harts = two.command[two.command.index("-smp") + 1]
    for _ in range(2):
        two.expect(rf"\x1b\[Hharts {harts}, VMs 2 of 2 on, memory \S+ GiB of \S+ GiB free, \d+ s; q ends")
        two.expect(r"hart +busy % +idle %\x1b\[K\r*\n")
        two.expect(r"  [ab] +- +\d+\.\d +\d+\.\d +\d+\.\d\x1b\[K\r*\n")
        two.expect(r"\x1b\[J")
    two.send("stop b\r") # no key of these means anything
    two.expect(r"\x1b\[H")
    two.send("q")
    two.expect(PROMPT)
    assert "turned off" not in two.log
    command(two, "list", r"b +1 +8 MiB +running")
    two.expect(PROMPT)
    two.send("top\r")
    two.expect(r"q ends")
    two.send("\x03")
    two.expect(PROMPT)
    quit_all(two)


# csrw satp, Sv39 and the table below; then wfi for ever
PAGED = b"".join(word.to_bytes(4, "little") for word in (
    0x00800513, 0x03C51513, 0x000805B7, 0x20258593, 0x00B56533, 0x18051073, 0x10500073, 0xFFDFF06F))
LEAF = (0x80000000 >> 2) | 0xCF # V, R, W, X, A, D: the GiB from 0x80000000
TABLE = {2: LEAF, 511: LEAF}


def paged_kernel():
    """A raw binary whose third page is a page table: RAM at its own addresses, and at the highest."""
    table = b"".join(TABLE.get(index, 0).to_bytes(8, "little") for index in range(512))
    return PAGED.ljust(0x2000, b"\0") + table


def test_memory_by_virtual_address(machine, tmp_path):
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "v/vm.conf": "kernel = kernel\nmemory = 8M\n", "v/kernel": paged_kernel(),
        "v.0/vm.conf": "kernel = kernel\nmemory = 8M\nautostart = no\n", "v.0/kernel": paged_kernel(),
        "w/vm.conf": "kernel = kernel\nmemory = 8M\n", "w/kernel": paged_kernel()}))
    m.expect("vm w: its kernel")
    to_monitor(m)
    while {"kind": "register", "name": "vsatp", "value": "0x8000000000080202"} not in records(m, "regs w.0"):
        pass # it has not come so far
    command(m, "mem w.0 0xffffffffc0200000 16", "0xffffffffc0200000  13 05 80 00 13 15 c5 03 b7 05 08 00 93 85 25 20 ")
    command(m, "mem w 0x80200000 4", "0x0000000080200000  13 05 80 00 ")
    command(m, "mem w.0 0x40000000", "0x40000000: it is not mapped")
    command(m, "mem w.0 0x800000000000", "0x800000000000: it is no address of its vsatp's mode")
    command(m, "mem w.0 0x807ffff8 16", "0x80800000: what it is mapped to is no RAM")
    command(m, "mem w.1 0x80200000", "w.1: it has no vCPU of that number")
    command(m, "mem v.0 0x80200000", "v.0: it is off") # a VM's name comes first
    command(m, "quit", "vm w: turned off")
    assert m.wait_exit() == 0


def test_the_heaps_map(pair):
    to_monitor(pair)
    command(pair, "heap map", r"\. others' or not taken, - free, i the heap's own, s slab, b blocks, r run, c cached run")
    pair.expect(r"  0x0000000000000000 +4 KiB  [.\-isbrc]{64}\r*\n")
    pair.expect(PROMPT)
    command(pair, "heap maps", "maps: write heap, or heap map")
    pair.send("heap m\t\r")
    pair.expect(r"  0x0000000000000000 +4 KiB  ")
    pair.expect(PROMPT)
    quit_all(pair)


def test_the_log_is_kept(pair):
    to_monitor(pair)
    command(pair, "stop b", "vm b: turned off")
    command(pair, "log", r"Booting hypervisor\.\.\.")
    pair.expect(r"v = \['a', 'b', 'c'\]")
    pair.expect(r"machine: 1 of 1 harts run guests; ")
    pair.expect("vm b: turned off")
    quit_all(pair)
