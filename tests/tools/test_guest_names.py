# SPDX-License-Identifier: MIT
"""What tools/guest_names.py makes of the backtraces of guests that the monitor has shown."""
import subprocess

import pytest
from conftest import ROOT

import guest_names
import guest_symbols

MAP = "ffffffff80001000 T first\nffffffff80001100 t second\nffffffff80001200 T last\n"
SHOWN = ("cairn> bt a.0\r\n"
         "\x10  #0   0xffffffff80001104  pc\r\n"
         "\x10  #1   0xffffffff80001090  ra\r\n"
         "\x10  #2   0xffffffff80001200  stack\r\n"
         "\x10  #3   0x0000000000001200  stack\r\n"
         "\x10  0x0000000000000000  it is 0: nobody has called this\r\n")
RECORDS = ('cairn> {"kind":"vm"}\n'
           '{"kind":"frame","number":0,"address":"0xffffffff80001000","source":"pc"}\n'
           '{"kind":"frame","number":1,"address":"0xffffffff80001100","source":"stack"}\n'
           '{"kind":"frames-end","frame_pointer":"0x0","reason":"it is 0"}\n')


@pytest.fixture
def symbols(tmp_path):
    file = tmp_path / "map"
    file.write_text(MAP)
    return guest_symbols.read(file)


def test_what_people_are_shown(symbols):
    assert [line.split() for line in guest_names.named(SHOWN, symbols)] == [
        ["#0", "0xffffffff80001104", "second+0x4"],
        ["#1", "0xffffffff80001090", "first+0x90", *"(ra: its caller, unless it has called since)".split()],
        ["#2", "0xffffffff80001200", "second+0x100"], # behind the last call of a function
        ["#3", "0x0000000000001200", "?"]]


def test_records(symbols):
    assert [line.split()[2] for line in guest_names.named(RECORDS, symbols)] == ["first+0x0", "first+0x100"]


def test_the_hypervisors_own_backtrace_is_none(symbols):
    with pytest.raises(guest_names.FrameError, match="no frame of a guest"):
        guest_names.named("backtrace:\n  #0 0x0000000080201234\n", symbols)


def test_a_damaged_record(symbols):
    with pytest.raises(guest_names.FrameError, match="no frame as the monitor"):
        guest_names.named('{"kind":"frame","number":0,"addr\n', symbols)


def test_as_a_command(run, tmp_path):
    (tmp_path / "map").write_text(MAP)
    (tmp_path / "log").write_text(SHOWN)
    status, output, _ = run("tools/guest_names.py", tmp_path / "map", tmp_path / "log")
    assert status == 0 and "second+0x4" in output
    status, _, error = run("tools/guest_names.py", tmp_path / "log", tmp_path / "log")
    assert status == 1 and "line 1: 'cairn> bt a.0' is no line of a System.map" in error
    status, _, error = run("tools/guest_names.py", tmp_path / "none")
    assert status == 1 and "No such file" in error
    pasted = subprocess.run([ROOT / "tools/guest_names.py", tmp_path / "map"], input=RECORDS, text=True,
                            check=True, capture_output=True).stdout
    assert "first+0x100" in pasted
