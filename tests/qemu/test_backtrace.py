# SPDX-License-Identifier: MIT
"""The monitor's `bt`: the calls of a guest of ours and of Debian's kernel, and their names by
tools/guest_names.py."""
import subprocess
import sys

import pytest

from cairn_machine import ROOT
from monitor_session import command, demo_vms, of_kind, records, to_monitor

sys.path.insert(0, str(ROOT / "tools"))
import guest_names # noqa: E402
import guest_symbols # noqa: E402

SYMBOLS = ROOT / "build/target/tests/guests/guest_demo.elf"


def names(objects, symbols):
    return [guest_names.place(symbols, int(each["address"], 16), each["source"]).split("+")[0]
            for each in of_kind(objects, "frame")]


def test_a_guest_of_ours(machine, tmp_path):
    """It polls in its `run`, which its first instructions have called; what those have not, is 0."""
    m = machine(demo_vms(tmp_path / "vms.cpio", "a", a={"cpus": "2"}))
    m.expect("Type something")
    to_monitor(m)
    command(m, "pause a", "cairn> ")
    objects = records(m, "bt a.0")
    assert objects[-1] == {"kind": "end", "command": "bt", "ok": True}
    end = of_kind(objects, "frames-end")[0]
    assert (end["frame_pointer"], end["reason"]) == ("0x0", "it is 0: nobody has called this")
    found = names(objects, guest_symbols.read(SYMBOLS))
    assert sum("5guest3run" in name for name in found) >= 1 and found[-1] == "start"
    registers = {each["name"]: each["value"] for each in of_kind(records(m, "regs a.0"), "register")}
    assert objects[0] == {"kind": "frame", "number": 0, "address": registers["pc"], "source": "pc"}
    command(m, "bt a.0", rf"#0   {int(registers['pc'], 16):#018x}  pc\r*\n.*#1   0x\w{{16}}  (ra|stack)")
    shown = m.process.before + m.process.after
    named = subprocess.run([ROOT / "tools/guest_names.py", SYMBOLS], input=shown, text=True,
                           check=True, capture_output=True).stdout
    assert named.startswith("#0 ") and named.count("\n") >= 2
    # One that was never started has no stack.
    objects = records(m, "bt a.1")
    assert [each["source"] for each in of_kind(objects, "frame")] == ["pc"]
    command(m, "quit", "vm a: turned off")
    assert m.wait_exit() == 0


@pytest.mark.parametrize("vcpu", [0, 1])
def test_debian(guest, debian, vcpu):
    """An idle kernel: its idle loop, which its first code or the hart's start has called, by the names
    that it has for itself."""
    m = guest(cpus=2, machine_options={"smp": 2}, **debian)
    m.expect("guest:~# ")
    text = m.command_output("grep -E ' (do_idle|cpu_startup_entry|rest_init|smp_callin|arch_cpu_idle)$' "
                            "/proc/kallsyms", "guest:~# ")
    map_file = "\n".join(line for line in text.replace("\r", "").splitlines() if line[:8] == "ffffffff")
    assert map_file.count("\n") >= 3
    to_monitor(m)
    for _ in range(20): # it may be at something else just now
        objects = records(m, f"bt guest.{vcpu}")
        symbols = guest_symbols.Symbols(guest_symbols.of_map(map_file))
        found = names(objects, symbols)
        if "do_idle" in found:
            break
    assert "do_idle" in found and "cpu_startup_entry" in found
    assert of_kind(objects, "frames-end")[0]["reason"] != ""
    command(m, "quit", "vm guest: turned off")
    assert m.wait_exit() == 0
