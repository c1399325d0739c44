# SPDX-License-Identifier: MIT
"""What tools/exit_trace.py makes of a console log: the exits in it, their functions, and pictures."""
import json
import struct
import xml.etree.ElementTree as ElementTree

import pytest

import exit_log
import exit_trace
import guest_symbols
import trace_pictures

RECORD = {"kind": "exit", "vm": "a", "cpu": 0, "number": 7, "time_us": 1000.5, "took_us": 2.5,
          "instructions": 149, "mode": "VS", "pc": "0xffffffff80001004", "cause": "store to UART",
          "address": "0x10000000", "value": "0x41", "left": False}
MAP = ("ffffffff80000000 T _start\nffffffff80001000 t console_write\r\n"
       "ffffffff80002000 D data\nffffffff80003000 W last\n")


def record(**changes):
    return json.dumps({**RECORD, **changes}, separators=(",", ":"))


def log_of(*records):
    """As a console shows it: marks, carriage returns, a prompt, and other lines."""
    lines = ["OpenSBI", "\x10cairn> trace a dump --json", *("\x10" + line for line in records),
             '\x10{"kind":"end","command":"trace","ok":true}', "a guest's line"]
    return "\r\n".join(lines) + "\r\n"


def some():
    return [record(number=n, time_us=1000 + 10.0 * n, **more) for n, more in enumerate([
        {}, {"cause": "SBI timer (TIME): set timer", "address": None, "pc": "0xffffffff80000010"},
        {}, {"mode": "VU", "pc": "0x10040"}, {"cpu": 1, "instructions": None, "value": None}])]


def test_exits_of_a_log_in_order():
    exits = exit_log.exits_of(log_of(*reversed(some())))
    assert [each.number for each in exits] == [0, 1, 2, 3, 4]
    assert exits[0] == exit_log.Exit("a", 0, 0, 1000.0, 2.5, 149, False, 0xffffffff80001004,
                                     "store to UART", 0x10000000, 0x41, False)
    assert exits[3].user and exits[4].instructions == 0 and exits[4].value is None


def test_a_dump_alone_is_a_log_and_twice_is_once():
    assert len(exit_log.exits_of("\n".join(some() + some()))) == 5


def test_a_guest_cannot_tell_of_exits():
    forged = record(number=99)
    log = log_of(*some()) + forged + "\r\n\x10\x10" + forged + "\r\n"
    assert max(each.number for each in exit_log.exits_of(log)) == 4


def test_exits_that_are_missing_are_counted():
    exits = exit_log.exits_of(log_of(record(number=3, time_us=1), record(number=7, time_us=2),
                                     record(cpu=1, number=90, time_us=3)))
    assert exit_log.lost_between(exits) == 3


def test_a_dump_for_people_and_a_death():
    log = ("\x10  vm                     CPU  on     entries       exits      kept        lost\r\n"
           "\x10  a.b                      1  yes         64         336        64         272\r\n"
           "\x10  CPU      exit        time us   took us  instr.  pc                  cause\r\n"
           "\x10    1       331       616958.2      12.5    1701  0x0000000080200510  load from UART at "
           "0x10000005: 0x60, user mode\r\n"
           "\x10-- more: space, Enter, or q --\r\x1b[K    1       332       616958.3       0.1       -  "
           "0x0000000080200514  SBI timer (TIME): set timer: 0x1\r\n"
           "\x10vm c: exit 41 of CPU 0 at 2.0000001 s, pc 0x80200100: store to nothing at 0x4000 "
           "(3.4 us, 7 instructions)\r\n")
    first, second, death = exit_log.exits_of(log)
    assert first == exit_log.Exit("a.b", 1, 331, 616958.2, 12.5, 1701, True, 0x80200510,
                                  "load from UART", 0x10000005, 0x60)
    assert second == exit_log.Exit("a.b", 1, 332, 616958.3, 0.1, 0, False, 0x80200514,
                                   "SBI timer (TIME): set timer", None, 1)
    assert death == exit_log.Exit("c", 0, 41, 2000000.1, 3.4, 7, False, 0x80200100,
                                  "store to nothing", 0x4000, None)


@pytest.mark.parametrize("line, sentence", [
    (record()[:-9], "line 3: the exit is no JSON: "),
    (record(pc="80"), "line 3: 'pc' of the exit is '80', which is no address"),
    (record(number="1"), "line 3: 'number' of the exit is '1'"),
    (record(cpu=True), "line 3: 'cpu' of the exit is True"),
    (record(mode="M"), "line 3: 'mode' of the exit is 'M', neither VS nor VU"),
    ('{"kind":"exit","vm":"a"}', "line 3: the exit has no 'cpu'"),
])
def test_a_line_that_is_no_exit(run, tmp_path, line, sentence):
    log = tmp_path / "log"
    log.write_text(log_of(line))
    status, output, errors = run("tools/exit_trace.py", log)
    assert status == 1 and output == ""
    assert errors.startswith(f"exit_trace.py: {log}: {sentence}")


def test_a_log_without_exits_and_one_that_is_not_there(run, tmp_path):
    log = tmp_path / "log"
    log.write_text("Booting hypervisor...\n")
    status, _, errors = run("tools/exit_trace.py", log)
    assert status == 1 and "there is no exit in it; the monitor's 'trace VM dump" in errors
    status, _, errors = run("tools/exit_trace.py", tmp_path / "none")
    assert status == 1 and errors.endswith("none: No such file or directory\n")
    log.write_text(log_of(*some()))
    status, _, errors = run("tools/exit_trace.py", log, "--vm", "b")
    assert status == 1 and errors == f"exit_trace.py: {log}: there is no exit of VM 'b' in it\n"


def test_functions_by_a_map(tmp_path):
    path = tmp_path / "System.map"
    path.write_text(MAP)
    symbols = guest_symbols.read(path)
    assert symbols.name(0xffffffff80000000) == "_start"
    assert symbols.name(0xffffffff80001004) == "console_write"
    assert symbols.name(0xffffffff80002008) == "console_write"
    assert symbols.name(0xffffffff80103000) == "last"
    assert symbols.name(0xffffffff80103001) == "0xffffffff80103001"
    assert symbols.name(0x1000) == "0x1000"


@pytest.mark.parametrize("text, sentence", [
    ("ffffffff80000000 T a\nnonsense\n", "line 2: 'nonsense' is no line of a System.map"),
    ("0000000000000000 T a\n", "it has no addresses of functions; /proc/kallsyms"),
    ("", "it has no addresses of functions"),
    ("\x7fELF\x01\x01", "it is no ELF file of 64 bits"),
    ("\x7fELF\x02\x01", "the ELF file is cut off"),
])
def test_files_without_symbols(run, tmp_path, text, sentence):
    path, log = tmp_path / "symbols", tmp_path / "log"
    path.write_text(text)
    log.write_text(log_of(*some()))
    status, output, errors = run("tools/exit_trace.py", log, "--symbols", path)
    assert status == 1 and output == ""
    assert errors.startswith(f"exit_trace.py: {path}: {sentence}")


def elf_with(names):
    """An ELF file of two sections, .symtab and its strings, with functions by address."""
    strings, table = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, address in names.items():
        table += struct.pack("<IBBHQQ", len(strings), 0x12, 0, 1, address, 16)
        strings += name.encode() + b"\0"
    header = b"\x7fELF\x02\x01" + bytes(0x28 - 6) + struct.pack("<Q", 0x40)
    header += bytes(0x3a - len(header)) + struct.pack("<HH", 64, 2) + bytes(2)
    offset = 0x40 + 2 * 64
    sections = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, offset, len(table), 1, 0, 8, 24)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, offset + len(table), len(strings), 0, 0, 1, 0)
    return header + sections + table + strings


def test_functions_by_an_elf_file(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_with({"second": 0x2000, "first": 0x1000, "$x": 0x1800}))
    symbols = guest_symbols.read(path)
    assert [symbols.name(at) for at in (0x1000, 0x1ffc, 0x2000)] == ["first", "first", "second"]


def test_all_that_is_written(run, tmp_path):
    log, symbols = tmp_path / "log", tmp_path / "System.map"
    log.write_text(log_of(*some()))
    symbols.write_text(MAP)
    names = {kind: tmp_path / kind for kind in ("perfetto", "folded", "flame", "timeline")}
    status, output, errors = run("tools/exit_trace.py", log, "--symbols", symbols,
                                 *(word for kind, path in names.items()
                                   for word in (f"--{kind}", path)))
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == "5 exits of a.0, a.1 in 40.0 us"
    assert lines[2].split(maxsplit=3) == ["4", "111.8", "2.5", "store to UART"]
    assert names["folded"].read_text() == (
        "a;SBI timer (TIME): set timer;_start 2500\n"
        "a;store to UART;console_write 7500\na;store to UART;user programs 2500\n")
    events = json.loads(names["perfetto"].read_text())["traceEvents"]
    assert [each["args"]["name"] for each in events if each["ph"] == "M"] == ["a", "CPU 0", "CPU 1"]
    slices = [each for each in events if each["ph"] == "X"]
    assert [each["ts"] for each in slices] == [1000.0, 1010.0, 1020.0, 1030.0, 1040.0]
    assert slices[1] == {
        "ph": "X", "cat": "exit", "name": "SBI timer (TIME): set timer", "pid": 1, "tid": 0,
        "ts": 1010.0, "dur": 2.5,
        "args": {"pc": "0xffffffff80000010", "function": "_start", "exit": 1, "mode": "VS",
                 "value": "0x41", "instructions": 149}}
    for picture in ("flame", "timeline"):
        assert ElementTree.parse(names[picture]).getroot().tag.endswith("svg")


def rectangles(text):
    """(x, width, hint) of each that has a hint."""
    space = "{http://www.w3.org/2000/svg}"
    for each in ElementTree.fromstring(text).iter(f"{space}rect"):
        hint = each.find(f"{space}title")
        if hint is not None:
            yield float(each.get("x")), float(each.get("width")), hint.text


def test_a_flame_is_as_wide_as_its_weight():
    stacks = {("a", "b <&>", "f"): 30, ("a", "b <&>", "g"): 10, ("a", "c", "f"): 60}
    found = {hint: (x, width) for x, width, hint in rectangles(
        trace_pictures.flame_graph("title", stacks, "exits"))}
    assert found.keys() == {"all: 100 exits, 100.0 %", "a: 100 exits, 100.0 %",
                            "b <&>: 40 exits, 40.0 %", "c: 60 exits, 60.0 %",
                            "f: 30 exits, 30.0 %", "g: 10 exits, 10.0 %", "f: 60 exits, 60.0 %"}
    whole = trace_pictures.WIDTH - 2 * trace_pictures.MARGIN
    assert found["c: 60 exits, 60.0 %"] == (trace_pictures.MARGIN + 0.4 * whole, 0.6 * whole - 0.5)


def test_a_timeline_has_a_lane_for_each_cause():
    exits = exit_log.exits_of(log_of(*some()))
    picture = trace_pictures.timeline("title", exits)
    assert "store to UART: 4 exits, at most 1 in" in picture
    assert "SBI timer (TIME): set timer: 1 exits" in picture
    many = [exit_log.Exit("a", 0, n, float(n), 0.0, 1, False, 0, f"cause {n}") for n in range(20)]
    assert "others: 8 exits" in trace_pictures.timeline("title", many)


def test_what_a_flame_weighs(run, tmp_path):
    log, folded = tmp_path / "log", tmp_path / "folded"
    log.write_text(log_of(record(), record(number=8, instructions=1)))
    for by, total in (("instructions", 150), ("time", 5000), ("exits", 2)):
        assert run("tools/exit_trace.py", log, "--by", by, "--folded", folded)[0] == 0
        assert folded.read_text() == f"a;store to UART;0xffffffff80001004 {total}\n"
    log.write_text(log_of(record(instructions=None)))
    status, _, errors = run("tools/exit_trace.py", log, "--by", "instructions", "--folded", folded)
    assert status == 1 and errors.endswith("the exits have no instructions to weigh; write --by exits\n")
    assert exit_trace.WEIGHTS.keys() == {"instructions", "time", "exits"}
