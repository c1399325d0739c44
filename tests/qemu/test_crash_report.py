# SPDX-License-Identifier: MIT
"""The report of the hypervisor's own fault, asked for by the boot option crash=HOW."""
import re
import subprocess

import pytest

from cairn_machine import HYPERVISOR, ROOT
from test_boot import FIRST_LINES

REGISTERS = ("ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
             "t3 t4 t5 t6").split()
FRAME = re.compile(r"^  #(\d+) 0x[0-9a-f]{16}$")


@pytest.fixture
def report(machine):
    """Crashes in the given way; returns the lines behind the first two."""
    def crash(how):
        m = machine(append=f"crash={how}")
        assert m.wait_exit() == 1
        assert m.lines()[:2] == FIRST_LINES
        return m.lines()[2:]
    return crash


def symbols(lines, folder):
    """The functions of the backtrace, innermost first, as tools/symbolize.py names them."""
    log = folder / "console.log"
    log.write_text("\r\n".join(lines) + "\r\n")
    output = subprocess.run([ROOT / "tools/symbolize.py", HYPERVISOR, log], text=True,
                            capture_output=True, check=True).stdout
    return re.findall(r"^  #\d+ 0x[0-9a-f]{16} (.*)$", output, re.MULTILINE)


def backtrace_of(lines):
    """The lines behind `backtrace:`, which end the report, numbered from 0."""
    frames = lines[lines.index("backtrace:") + 1:]
    numbers = [int(FRAME.match(frame)[1]) for frame in frames]
    assert numbers == list(range(len(frames)))
    return frames


def check_backtrace(lines, folder, functions):
    """`functions` must be in the backtrace in this order, and the last one at its end."""
    found = symbols(lines, folder)
    assert len(found) == len(backtrace_of(lines))
    rest = iter(found)
    for function in functions:
        assert any(function in name for name in rest), f"{function} is not in {found}"
    assert functions[-1] in found[-1] or "_start" in found[-1]


def test_trap(report, tmp_path):
    lines = report("trap")
    assert lines[0] == "hypervisor trap: load access fault (scause 0x5)"
    place = re.fullmatch(r"  pc (0x[0-9a-f]{16})  fault address 0x00fffffffffff008", lines[1])
    assert place
    registers = re.findall(r"(\w+) (0x[0-9a-f]{16})", " ".join(lines[2:lines.index("backtrace:")]))
    assert [name for name, _ in registers] == REGISTERS
    assert backtrace_of(lines)[0] == f"  #0 {place[1]}"
    assert "0x00fffffffffff008" in dict(registers).values()
    check_backtrace(lines, tmp_path, ["load_from", "crash_deliberately", "kernel_main"])


def test_panic(report, tmp_path):
    lines = report("panic")
    assert lines[0] == "hypervisor panic: crash=panic asked for this"
    assert re.fullmatch(r"  at kernel/host/deliberate_crash.cpp:\d+, .*crash_deliberately.*", lines[1])
    check_backtrace(lines, tmp_path, ["crash_deliberately", "kernel_main"])


def test_smashed_stack(report, tmp_path):
    lines = report("smash")
    assert lines[0] == ("hypervisor panic: stack protector: a function wrote beyond the end of its "
                        "frame's arrays")
    assert re.fullmatch(r"  at lib/runtime.cpp:\d+, .*__stack_chk_fail.*", lines[1])
    # What was written over is the frame's own chain, so that only its innermost end is known.
    assert any("overrun" in name or "__stack_chk_fail" in name
               for name in symbols(lines, tmp_path))
