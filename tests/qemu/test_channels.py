# SPDX-License-Identifier: MIT
"""Channels of a running machine: its monitor driven by tools/cairnctl, VMs' consoles by their sockets,
beside the UART; and what is hostile, slow, or leaves amid an answer at the monitor's socket."""
import json
import re
import subprocess
import time

import jsonschema
import pytest

from cairn_machine import ROOT, guest_image
from channels import socket_of
from channels_session import LIMIT, Channels, greeted, read_until
from monitor_session import PROMPT, command, of_kind, records, to_monitor

VALIDATOR = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/monitor.schema.json").read_text()))
SYMBOLS = ROOT / "build/target/tests/guests/guest_demo.elf"
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
LAST = re.compile(r"Type something; 'q' ends this.\r?\n")


@pytest.fixture
def channels():
    each = Channels()
    yield each
    each.close()


@pytest.fixture(params=[[], MODERN], ids=["legacy", "modern"])
def two(request, machine, channels):
    m = channels.start(machine, ["a", "b"], options=request.param, smp=2)
    m.expect("Type something")
    return m


@pytest.fixture
def pair(machine, channels):
    """The same on one hart, legacy."""
    m = channels.start(machine, ["a", "b"])
    m.expect("Type something")
    return m


def quit_by(channels, m):
    assert channels.cairnctl("quit")[0] == 0
    assert m.wait_exit() == 0


def states(channels):
    lines = channels.done("list", "--json").splitlines()
    return {each["name"]: each["state"] for each in map(json.loads, lines)}


def test_cairnctl_drives_a_machine(two, channels):
    assert states(channels) == {"a": "running", "b": "running"}
    lines = channels.done("list").splitlines()
    assert lines[0].split() == ["front", "name", "cpus", "memory", "state"]
    assert lines[2].split() == ["false", "b", "1", "8", "MiB", "running"]
    channels.done("pause", "a", "b")
    assert states(channels) == {"a": "paused", "b": "paused"}
    channels.done("resume", "a", "b", "--wait")
    channels.done("stop", "b", "--wait")
    assert states(channels) == {"a": "running", "b": "off"}
    channels.done("start", "b", "--wait")
    channels.done("reset", "b")
    assert "ran_ms" in channels.done("stats")
    assert [each["vm"] for each in map(json.loads, channels.done("stats", "--json", "a").splitlines())] == ["a"]
    assert "0x0000000010000000" not in channels.done("info", "a")
    assert '"device":"UART"' in channels.done("info", "--json", "a")
    assert channels.done("monitor", "mem", "a", "0x80200000", 16).count("\n") == 2
    assert channels.done("mem", "a", "0x80200000", 16).count("\n") == 2
    assert "vsatp" in channels.done("regs", "a.0")
    assert "Booting hypervisor..." in channels.done("log")
    quit_by(channels, two)


def test_quit_brings_nobody_to_the_front(two, channels):
    """What a VM behind has kept stays there."""
    channels.done("quit")
    assert two.wait_exit() == 0
    assert "console of b" not in two.log and "I am b" not in two.log
    assert sorted(re.findall(r"vm (\w): turned off", two.log)) == ["a", "b"]


def test_states_that_are_ensured(pair, channels):
    assert channels.done("ensure", "b", "running") == "unchanged\n"
    for state in ("off", "running", "paused", "off", "paused", "running"):
        assert channels.done("ensure", "b", state) == "changed\n"
        assert channels.done("ensure", "b", state) == "unchanged\n"
        channels.done("wait", "b", state)
        assert states(channels)["b"] == state
    quit_by(channels, pair)


def test_what_is_refused_has_a_status_and_a_sentence(pair, channels):
    for arguments, sentence in [
            (["stop", "nobody"], "nobody: there is no VM of that name"),
            (["start", "a"], "a: it is running already"),
            (["balloon", "a", "8M"], "a: it has no balloon: its vm.conf needs balloon = yes"),
            (["dump", "a"], "a: name one of the machine's disks, for example host:0; its vm.conf has no core"),
            (["ensure", "nobody", "off"], "nobody: there is no VM of that name"),
            (["monitor", "lits"], "'lits' is not a command; did you mean 'list'?"),
            (["monitor", "stop"], "write: stop VM"),
            (["monitor", "gdb", "a"], "a: gdb has no place here: use its own channel, or the serial line"),
            (["monitor", "list\nquit"], "a command is one line, of at most 256 bytes")]:
        assert channels.cairnctl(*arguments) == (1, "", f"cairnctl: {sentence}\n")
    status, output, errors = channels.cairnctl("info", "--json", "nobody")
    assert (status, json.loads(output)["kind"]) == (1, "error") and errors
    status, _, errors = channels.cairnctl("wait", "a", "off", timeout=1)
    assert (status, errors) == (4, "cairnctl: a: it is running after 1 s, and not off\n")
    status, _, errors = channels.cairnctl("console", "nobody")
    assert status == 3 and "there is no socket" in errors
    assert states(channels) == {"a": "running", "b": "running"}
    quit_by(channels, pair)
    status, _, errors = channels.cairnctl("list")
    assert status == 3 and ("there is no socket" in errors or "nobody listens" in errors)


def test_consoles_by_their_sockets_beside_the_uart(two, channels):
    b = channels.open("b")
    assert b"I am b" in read_until(b, b"ends this.\r\n")  # printed before anybody came
    a = channels.open("a")
    read_until(a, b"ends this.\r\n")
    b.sendall(b"to b")
    read_until(b, b"to b")
    a.sendall(b"by port")
    read_until(a, b"by port")
    two.expect("by port")  # the UART shows the same, for a is in front
    two.send("by uart")
    read_until(a, b"by uart")
    assert "to b" not in two.log
    to_monitor(two)
    command(two, "console b", "to b")  # behind it was kept for the UART, too
    b.sendall(b"both")
    read_until(b, b"both")
    two.expect("both")
    a.sendall(b"behind")
    read_until(a, b"behind")
    b.sendall(b"q")
    read_until(b, b"Goodbye.\r\n")
    two.expect("vm b: powered off")
    two.expect("console of a: ")
    a.sendall(b"q")
    read_until(a, b"Goodbye.\r\n")
    assert two.wait_exit() == 0


def test_who_comes_later_gets_what_was_printed_since(pair, channels):
    a = channels.open("a")
    read_until(a, b"ends this.\r\n")
    a.close()
    pair.send("alone")
    pair.expect("alone")
    a = channels.open("a")
    assert b"Type something" not in read_until(a, b"alone")
    a.close()
    assert re.search("again", channels.done("console", "--send", "ag\\x61in", "--until", "a+gain", "a"))
    status, _, errors = channels.cairnctl("console", "--until", "never this", "b", timeout=1)
    assert status == 4 and "no 'never this' within 1 s" in errors
    assert "typed in" in channels.done("console", "a", text="typed in", timeout=2)
    quit_by(channels, pair)


def test_a_console_that_nobody_reads_keeps_nobody(pair, channels):
    """Who has its socket open and does not read it: the guest, its UART and all others go on."""
    m = pair
    slow = channels.open("a")
    text = "x" * 500
    for _ in range(60):
        m.send(text)
    m.send("done")
    m.expect("done", timeout=LIMIT)
    assert states(channels) == {"a": "running", "b": "running"}
    assert read_until(slow, b"done").endswith(b"done")
    quit_by(channels, m)


def test_ports_come_to_vms_that_are_made_later(machine, channels):
    m = channels.start(machine, ["a", "b"], smp=2)
    m.expect("Type something")
    channels.done("stop", "b", "--wait")
    channels.done("destroy", "b")
    assert channels.cairnctl("stop", "b")[0] == 1
    channels.done("create", "b", "a")
    channels.done("start", "b", "--wait")
    assert "I am a" in channels.done("console", "--until", LAST.pattern, "b")
    quit_by(channels, m)


def test_two_front_ends_at_once(two, channels):
    """Each has a command that waits, and neither waits for the other."""
    to_monitor(two)
    two.send("top 60\r")
    end = channels.open()
    greeted(end)
    end.sendall(b"top 60\nlist\n")
    with pytest.raises(TimeoutError):
        end.settimeout(1)
        end.recv(1)
    end.close()
    for _ in range(5):  # long before either would have been through
        assert '"mode"' in channels.done("monitor", "--json", "regs", "a.0")
    two.send("\x03")
    two.expect("top: cancelled")
    two.expect(PROMPT)
    assert of_kind(records(two, "regs b.0"), "vcpu-state")
    quit_by(channels, two)


def test_samples_of_two_front_ends(two, channels):
    """Both look at vCPUs that run, again and again."""
    to_monitor(two)
    end = channels.open()
    greeted(end)
    for _ in range(25):
        end.sendall(b"regs a.0\nbt b.0\n")
        assert of_kind(records(two, "regs b.0"), "vcpu-state")
        answer = read_until(end, b'{"kind":"end","command":"bt","ok":true}\n')
        assert answer.count(b'"kind":"end"') == 2
    end.close()
    quit_by(channels, two)


def answers(end, count):
    """The next answers, checked by the schema."""
    lines, ends, seen, valid = [], 0, b"", set()
    while ends < count:
        seen += end.recv(65536)
        *whole, seen = seen.split(b"\n")
        for line in whole:
            record = json.loads(line)
            if line not in valid:
                VALIDATOR.validate(record)
                valid.add(line)
            lines.append(record)
            ends += record["kind"] == "end"
    assert seen == b""
    return lines


def test_garbage_and_half_lines(pair, channels):
    end = channels.open()
    VALIDATOR.validate(json.loads(greeted(end)))
    garbage = bytes(byte for byte in range(256) if byte != 10)
    end.sendall(garbage + b"\n" + b"\0\n" + b"--json\n\r\n\n" + b"\xff" * 256 + b"\n")
    errors = [each for each in answers(end, 3) if each["kind"] == "error"]
    assert len(errors) == 3 and errors[1]["message"] == "'\\u{0}' is not a command; 'help' lists them"
    end.sendall(b"li")
    time.sleep(0.3)
    end.sendall(b"st\r\nlist --json x y z\n")
    found = answers(end, 2)
    assert [each["kind"] for each in found] == ["vm", "vm", "end", "error", "end"]
    end.sendall(b"x" * 5_000_000 + b"\nlist\n")
    found = answers(end, 2)
    assert found[0] == {"kind": "error", "subject": "", "message": "a line has at most 256 bytes"}
    assert [each["kind"] for each in found[1:]] == ["end", "vm", "vm", "end"]
    end.sendall(b"list\n" * 500)
    assert len(answers(end, 500)) == 1500
    end.close()
    quit_by(channels, pair)


def test_who_leaves_amid_an_answer_leaves_nothing_behind(pair, channels):
    for text in (b"log\n" * 200, b"top 60\n", b"destroy ", b"stop a", b"x" * 1000, b"tree a\n" * 50 + b"stop "):
        end = channels.open()
        greeted(end)
        end.sendall(text)
        end.close()
        end = channels.open()
        greeted(end)
        end.sendall(b"a\nlist\n")  # would end what was begun
        found = answers(end, 2)
        assert found[0]["message"] == "'a' is not a command; 'help' lists them"
        assert [each["state"] for each in of_kind(found, "vm")] == ["running", "running"]
        end.close()
    quit_by(channels, pair)


def test_who_does_not_read_answers_keeps_nobody(pair, channels):
    """Its answers wait, and its commands; guests and the console's monitor go on."""
    end = channels.open()
    greeted(end)
    end.sendall(b"log\ntree a\ninfo a\n" * 100)
    pair.send("on and on")
    pair.expect("on and on")
    to_monitor(pair)
    assert len(of_kind(records(pair, "list"), "vm")) == 2
    answers(end, 300)
    end.close()
    quit_by(channels, pair)


def test_ports_beyond_a_device(machine, channels):
    """31 VMs and the monitor need two devices, for QEMU's says no more at once."""
    names = [f"v{number}" for number in range(31)]
    m = channels.start(machine, names, smp=2)
    m.expect("Type something")
    assert len(states(channels)) == 31
    for name in ("v0", "v28", "v29", "v30"):
        assert f"I am {name}" in channels.done("console", "--until", LAST.pattern, name)
    quit_by(channels, m)


def test_ports_that_are_nobodys(machine, channels):
    """A port of a name that Cairn does not know, one without a name, and a console without ports."""
    options = ["-device", "virtio-serial-device,id=other,max_ports=4", "-chardev", "null,id=n1",
               "-chardev", "null,id=n2", "-device", "virtserialport,bus=other.0,chardev=n1,name=org.example.0",
               "-device", "virtserialport,bus=other.0,chardev=n2", "-chardev", "null,id=n3",
               "-device", "virtconsole,bus=other.0,chardev=n3"]
    m = channels.start(machine, ["a"], options=options)
    m.expect("Type something")
    assert states(channels) == {"a": "running"}
    m.send("x")
    m.expect("x")
    quit_by(channels, m)


def test_no_heap_for_ports(machine, channels):
    """Then there are none, and a sentence says so."""
    m = channels.start(machine, [f"v{number}" for number in range(20)], append="heap=512K")
    m.expect(r"device virtio_mmio\S* at 0x\w+ is left alone: the heap has no room for its ports")


def debugger(channels, vm, *commands):
    """gdb-multiarch at a VM's own socket."""
    arguments = ["gdb-multiarch", "-nx", "-batch", "-ex", "set architecture riscv:rv64", "-ex",
                 f"target remote {socket_of(channels.folder, vm, 'gdb')}"]
    for each in commands:
        arguments += ["-ex", each]
    return subprocess.Popen([*arguments, SYMBOLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def test_gdb_has_a_channel_for_each_vm(two, channels):
    """Two debuggers at two VMs at once, beside the monitor; each stops its own."""
    said = {}
    for vm in "ab":
        said[vm] = debugger(channels, vm, "info threads", "break cairn::guest::uart_has_input", "continue", "bt 2",
                            "delete", "detach")
    for vm in "ab":
        output, _ = said[vm].communicate(timeout=LIMIT)
        assert "Thread 1 (vCPU 0: started" in output and re.search(r"Breakpoint 1\.?\d*, cairn::guest::uart_has_input", output)
        assert "#1 " in output and "detached" in output
    assert states(channels) == {"a": "running", "b": "running"}
    two.send("x")
    two.expect("x")
    quit_by(channels, two)


def test_a_debugger_that_vanishes_and_one_too_many(pair, channels):
    first = channels.open("a", "gdb")
    first.sendall(b"$?#3f")
    assert read_until(first, b"#d7").startswith(b"+$T05thread:1;")
    to_monitor(pair)
    command(pair, "gdb a", "a: another debugger has it")
    pair.expect(PROMPT)
    command(pair, "dump a host:0", "a: gdb has it")
    pair.expect(PROMPT)
    assert states(channels)["a"] == "paused"
    first.sendall(b"nonsense $half a packet")
    first.close()
    deadline = time.monotonic() + LIMIT
    while states(channels)["a"] != "running":
        assert time.monotonic() < deadline
    channels.done("stop", "--wait", "a")
    nobody = channels.open("a", "gdb")
    nobody.sendall(b"$?#3f")  # nothing answers for a VM that is off
    channels.done("start", "--wait", "a")
    nobody.sendall(b"$?#3f")
    assert read_until(nobody, b"#d7").startswith(b"+$T05thread:1;")
    nobody.sendall(b"+$D#44")
    assert read_until(nobody, b"#9a").endswith(b"$OK#9a")
    nobody.close()
    quit_by(channels, pair)
