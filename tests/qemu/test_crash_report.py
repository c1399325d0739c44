# SPDX-License-Identifier: MIT
"""The report of the hypervisor's own fault, asked for by the boot option crash=HOW."""
import re
import subprocess

import pytest

from cairn_machine import HYPERVISOR, ROOT, guest_image, write_archive
from outcome import small_guest
from test_boot import FIRST_LINES
from uefi_machine import u_boot

REGISTERS = ("ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
             "t3 t4 t5 t6").split()
FRAME = re.compile(r"^  #(\d+) 0x[0-9a-f]{16}$")


@pytest.fixture
def report(machine):
    """Crashes in the given way; returns the lines behind the first two."""
    def crash(how, **options):
        m = machine(append=f"crash={how}", **options)
        assert m.wait_exit() == 1
        return lines_of_report(m)
    return crash


def lines_of_report(m):
    """From its first line on; nothing but the log of a boot comes before."""
    lines = m.lines()
    start = next(at for at, line in enumerate(lines) if line.startswith("hypervisor "))
    booting = lines.index(FIRST_LINES[0])
    assert lines[booting:booting + 2] == FIRST_LINES
    assert all(line.startswith("cairn: ") for line in lines[booting + 2:start])
    return lines[start:]


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
    assert lines[0] == "hypervisor trap: load page fault (scause 0xd)"
    place = re.fullmatch(r"  pc (0x[0-9a-f]{16})  fault address 0x00fffffffffff008", lines[1])
    assert place
    assert lines[2] == "  access to what is not mapped or not to be written by hart 0"
    registers = re.findall(r"(\w+) (0x[0-9a-f]{16})", " ".join(lines[3:lines.index("backtrace:")]))
    assert [name for name, _ in registers] == REGISTERS
    assert backtrace_of(lines)[0] == f"  #0 {place[1]}"
    assert "0x00fffffffffff008" in dict(registers).values()
    check_backtrace(lines, tmp_path, ["load_from", "crash_deliberately", "kernel_main"])


def test_panic(report, tmp_path):
    lines = report("panic")
    assert lines[0] == "hypervisor panic: crash=panic asked for this"
    assert re.fullmatch(r"  at kernel/host/reports/deliberate_crash.cpp:\d+, .*crash_deliberately.*", lines[1])
    check_backtrace(lines, tmp_path, ["crash_deliberately", "kernel_main"])


def test_smashed_stack(report, tmp_path):
    lines = report("smash")
    assert lines[0] == ("hypervisor panic: stack protector: a function wrote beyond the end of its "
                        "frame's arrays")
    assert re.fullmatch(r"  at lib/cairn/base/runtime.cpp:\d+, .*__stack_chk_fail.*", lines[1])
    # What was written over is the frame's own chain, so that only its innermost end is known.
    assert any("overrun" in name or "__stack_chk_fail" in name
               for name in symbols(lines, tmp_path))


# --- what the page table refuses ------------------------------------------------------------------

FAULT = re.compile(r"  pc (0x[0-9a-f]{16})  fault address (0x[0-9a-f]{16})")


def check_overflow(lines, hart, size):
    """The first page below the stack of `hart` was hit; returns where the stack began."""
    assert lines[0] == "hypervisor trap: store/AMO page fault (scause 0xf)"
    said = re.fullmatch(rf"  stack overflow of hart {hart}: its {size} down to (0x[0-9a-f]+) are used up",
                        lines[2])
    assert said
    bottom = int(said[1], 0)
    assert bottom - 4096 <= int(FAULT.fullmatch(lines[1])[2], 0) < bottom
    return bottom


def test_stack_overflow(report, tmp_path):
    lines = report("overflow")
    check_overflow(lines, 0, "1 MiB")
    found = symbols(lines, tmp_path)
    assert len(found) > 20 and all("use_stack" in name for name in found)


def test_stack_overflow_of_another_hart(report, tmp_path):
    lines = report("overflow-elsewhere", smp=2)
    check_overflow(lines, "[01]", "64 KiB")
    found = symbols(lines, tmp_path)
    assert len(found) > 20 and all("use_stack" in name for name in found)


REFUSED = {
    "null": ("load page fault (scause 0xd)", "null pointer access", "load_from"),
    "write-code": ("store/AMO page fault (scause 0xf)", "write to code", "store_to"),
    "write-constant": ("store/AMO page fault (scause 0xf)", "write to constants", "store_to"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_refused_access(report, tmp_path, how):
    trap, what, function = REFUSED[how]
    lines = report(how)
    assert lines[0] == f"hypervisor trap: {trap}"
    assert lines[2] == f"  {what} by hart 0"
    check_backtrace(lines, tmp_path, [function, "crash_deliberately", "kernel_main"])


def test_code_on_the_heap(report, tmp_path):
    lines = report("execute-data")
    assert lines[0] == "hypervisor trap: instruction page fault (scause 0xc)"
    assert lines[2] == "  jump to what is no code by hart 0"
    pc, address = FAULT.fullmatch(lines[1]).groups()
    assert pc == address
    assert "execute_data" in symbols(lines, tmp_path)[1]


@pytest.mark.parametrize("how", ["overflow", "overflow-elsewhere", *REFUSED])
def test_the_same_by_uefi(machine, tmp_path, how):
    """Cairn lies elsewhere, its constants were written to when it was moved there."""
    m = machine(**u_boot(tmp_path, small_guest(tmp_path, "demo")), append=f"crash={how}", smp=2)
    assert m.wait_exit() == 1
    lines = lines_of_report(m)
    if how in REFUSED:
        trap, what, _ = REFUSED[how]
        assert lines[0] == f"hypervisor trap: {trap}"
        assert re.fullmatch(rf"  {what} by hart \d", lines[2])
    elif how == "overflow":
        check_overflow(lines, r"\d", "1 MiB")
    else:
        check_overflow(lines, r"\d", "64 KiB")


# --- while guests run -----------------------------------------------------------------------------

def break_function(path, name):
    """Writes an illegal instruction where the function begins, by QEMU's gdb server at a socket."""
    listing = subprocess.run(["llvm-nm-19", "-C", HYPERVISOR], text=True, capture_output=True, check=True).stdout
    address, = re.findall(rf"^([0-9a-f]+) t {re.escape(name)}$", listing, re.MULTILINE | re.IGNORECASE)
    symbolic = ["gdb-multiarch", "-nx", "-batch", "-ex", "set architecture riscv:rv64",
                "-ex", f"target remote {path}", "-ex", "maintenance packet Qqemu.PhyMemMode:1",
                "-ex", f"set {{int}}0x{address} = 0", "-ex", "detach"]
    said = subprocess.run(symbolic, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=True)
    assert "detached" in said.stdout, said.stdout + said.stderr


def test_a_guest_that_prints_meanwhile_is_not_heard_any_more(machine, tmp_path):
    """Hart 0 dies as it serves the console, while a guest on hart 1 prints without end."""
    flood = {"vm.conf": "kernel = kernel\nmemory = 16M\naffinity = 1\nappend = blind 100000000\n",
             "kernel": guest_image("flood")}
    path = tmp_path / "gdb"
    m = machine(write_archive(tmp_path / "vms.cpio", {f"flood/{file}": what for file, what in flood.items()}),
                smp=2, options=["-gdb", f"unix:{path},server=on,wait=off"])
    m.expect("flood: line 100 of")
    break_function(path, "cairn::ConsoleMultiplexer::interrupted()")
    m.send("x")
    assert m.wait_exit() == 1
    report = m.log[m.log.index("hypervisor trap: "):].strip().split("\n")
    assert report[0] == "hypervisor trap: illegal instruction (scause 0x2)"
    assert all(re.match(r"  pc 0x|  +\w+ +0x|image at 0x|backtrace:$|  #\d+ 0x", line) for line in report[1:]), report
    backtrace_of(report)
