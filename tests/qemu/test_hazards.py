# SPDX-License-Identifier: MIT
"""Guests that do what no guest should: each gets what the architecture prescribes, or is stopped
with a sentence. The same guest on QEMU's bare `virt` machine gives a second opinion."""
import re

import pytest

from cairn_machine import guest_image
from outcome import ended, from_line, small_guest, without_figures, without_log

POWERED_OFF = "vm guest: powered off"
FAILED = "vm guest: powered off, and says that it failed"
NOWHERE = "0x18000000"


@pytest.fixture
def hazard(machine, tmp_path):
    """Starts the hazards guest on Cairn."""
    return lambda name: machine(small_guest(tmp_path, "hazards", name))


@pytest.fixture
def bare_hazard(machine):
    """Runs the hazards guest without Cairn; returns what it says."""
    def run(name, **options):
        m = machine(kernel=guest_image("hazards"), append=name, **options)
        m.wait_exit()
        return from_line(m, f"hazard {name}")
    return run


def said(m, name, status=0):
    """What the guest said between the first line of its own and Cairn's last one."""
    lines = ended(m, status)
    assert lines[-1] == (POWERED_OFF if status == 0 else FAILED)
    return without_log(lines[lines.index(f"hazard {name}"):])


def traps(*rows):
    """The guest's lines for (what, cause, scause, stval) in order, one exception each."""
    return [f"{what}: {cause} (scause {scause}, stval {stval}), {count} so far"
            for count, (what, cause, scause, stval) in enumerate(rows, 1)]


def test_jump_to_nowhere(hazard, bare_hazard):
    name = "jump-to-nowhere"
    expected = [f"hazard {name}",
                f"jump: instruction access fault (scause 1, stval {NOWHERE}), 1 so far",
                f"survived {name}"]
    m = hazard(name)
    assert said(m, name) == expected
    assert (f"vm guest: jump to {NOWHERE}, guest physical {NOWHERE}, where there is no RAM: "
            "access fault") in m.lines()
    assert bare_hazard(name) == expected


def test_jump_without_handler(hazard):
    lines = ended(hazard("jump-without-handler"), status=1)
    assert lines[-1] == ("vm guest: stopped: its trap handler at 0x0 is not in RAM, "
                         "so it can only fault")
    assert "not reached" not in lines


WIDTHS = [("byte", 1), ("half", 2), ("word", 4), ("double word", 8)]
LOAD, STORE = ("load access fault", 5), ("store/AMO access fault", 7)
TOUCHES = [(what, *fault, NOWHERE) for what, _ in WIDTHS for fault in (LOAD, STORE)]


def test_touch_nowhere(hazard, bare_hazard):
    name = "touch-nowhere"
    m = hazard(name)
    lines = said(m, name)
    expected = traps(*TOUCHES, ("AMO", *STORE, NOWHERE), ("AMO on a device", *STORE, "0x10000000"),
                     ("double word of a device", *LOAD, "0x10000000"))
    assert lines == [f"hazard {name}", *expected, f"survived {name}"]
    for access in ("load", "store"):
        for _, width in WIDTHS:
            assert f"vm guest: {access} of {width} bytes at {NOWHERE} (pc 0x" in m.log
    # QEMU itself takes an AMO's fault for a load's, and its UART answers any width, so that the
    # bare machine has a say on loads and stores alone.
    assert bare_hazard(name)[:len(TOUCHES) + 1] == [f"hazard {name}", *traps(*TOUCHES)]


def test_illegal_instruction(hazard, bare_hazard):
    name = "illegal-instruction"
    # `.word 0` is two compressed instructions that are defined to be illegal.
    expected = [f"hazard {name}",
                "illegal: illegal instruction (scause 2, stval 0x0), 2 so far",
                "unknown CSR: illegal instruction (scause 2, stval 0x5c0022f3), 3 so far",
                "machine CSR: illegal instruction (scause 2, stval 0x300022f3), 4 so far",
                f"survived {name}"]
    assert said(hazard(name), name) == expected
    assert bare_hazard(name) == expected


def test_hypervisor_instruction(hazard, bare_hazard):
    name = "hypervisor-instruction"
    here, there = said(hazard(name), name), bare_hazard(name, cpu="rv64,h=false")
    whats = ["hfence.gvma", "hlv.w", "write of hgatp", "read of vsatp"]
    assert len(here) == len(there) == len(whats) + 2
    # stval may be 0 or the instruction: QEMU 7.2 leaves it out for HLV below a hypervisor.
    for lines in (here, there):
        for count, (what, line) in enumerate(zip(whats, lines[1:]), 1):
            # OpenSBI 1.6 has its own say before it, on the same line.
            assert f"{what}: illegal instruction (scause 2, stval 0x" in line
            assert line.endswith(f"), {count} so far")
        assert lines[-1] == f"survived {name}"


def test_pull_code_away(hazard):
    # QEMU's hart still knows the translation by which it fetches the load; the hypervisor's HLVX
    # does not, and what it finds is for the guest. A bare machine has nothing to say on that.
    # QEMU 7.2 calls it an access fault, because the hypervisor's own satp is off.
    name, alias = "pull-code-away", 0xc0000000
    page_fault, access_fault = ("instruction page fault", 12), ("instruction access fault", 1)
    lines = said(hazard(name), name)
    assert lines in [[
        f"hazard {name}",
        *traps(("aligned", *fault, hex(alias + 0x200)), ("not aligned", *fault, hex(alias + 0x206)),
               ("second half", *fault, hex(alias + 0x1000))),
        f"survived {name}"] for fault in (page_fault, access_fault)]


def test_cross_into_devices(hazard):
    # A bare machine carries most of these out in pieces; the specification lets I/O refuse them.
    name, alias = "cross-into-devices", 0xc0000000
    second, crossing = hex(alias + 0x1000), alias + 0xffe
    plain = [("lw", LOAD), ("sw", STORE), ("ld", LOAD), ("sd", STORE), ("c.lw", LOAD),
             ("c.sd", STORE)]
    others = [("c.lwsp", LOAD), ("c.sdsp", STORE), ("fld", LOAD), ("fsw", STORE)]
    faults = traps(*((what, *fault, second) for what, fault in plain + others),
                   ("lw, known", *LOAD, second), ("sw, known", *STORE, second),
                   *((what, *fault, hex(crossing - 2 if what == "ld" else crossing))
                     for what, fault in plain),
                   ("sw to the test device", *STORE, second))
    assert said(hazard(name), name) == [
        f"hazard {name}", *faults[:10], "the threshold is 3", *faults[10:12], "the threshold is 5",
        *faults[12:], f"survived {name}"]


ENDLESS = r"vm guest: stopped: its trap handler at 0x[0-9a-f]+ "
NOT_IN_RAM = ENDLESS + "is not in RAM, so it can only fault"


@pytest.mark.parametrize("name, sentence", [
    ("lose-page-table", NOT_IN_RAM),
    ("lose-table-of-handler", NOT_IN_RAM),
    ("fault-in-handler", ENDLESS + r"begins with a trap \(load access fault\), so it gets no further")])
def test_handler_that_can_only_fault(hazard, name, sentence):
    lines = ended(hazard(name), status=1)
    assert re.fullmatch(sentence, lines[-1])
    assert "not reached" not in lines


def test_lose_table_of_data(hazard):
    # The walk's own reads fault, for an access that the guest's handler steps over.
    name, at = "lose-table-of-data", 0xc0000123
    assert said(hazard(name), name) == [
        f"hazard {name}",
        *traps(("load", *LOAD, hex(at)), ("store", *STORE, hex(at)),
               ("jump", "instruction access fault", 1, hex(at + 1))),
        f"survived {name}"]


def test_unknown_sbi_call(hazard, machine):
    name = "unknown-sbi-call"
    lines = said(hazard(name), name)
    assert lines == [f"hazard {name}",
                     "unknown extension: not supported",
                     "unknown function: not supported",
                     "unknown hart: invalid parameter",
                     "buffer outside RAM: invalid parameter",
                     "buffer of 2^64 - 1 bytes: invalid parameter",
                     "unknown reset type: invalid parameter",
                     f"survived {name}"]
    # OpenSBI 1.1 has no DBCN, and 1.6 hangs on a buffer outside RAM: the bare machine has a say on
    # the first three calls alone.
    bare = machine(kernel=guest_image("hazards"), append=name)
    for line in lines[:4]:
        bare.expect(line)


def test_power_off_in_the_middle(hazard):
    m = hazard("power-off-in-the-middle")
    ended(m)
    assert "the last line is cut shor\nthis one never en" in m.log
    assert without_figures(m.lines())[-1] == POWERED_OFF


def test_reset_starts_the_guest_afresh(hazard):
    m = hazard("reset")
    for _ in range(4):
        m.expect(r"hazard reset\s+hello again\s")
        m.expect(r"vm guest: reset\s")
    assert "not reached" not in m.log


def test_power_off_by_device(hazard, bare_hazard):
    name = "power-off-by-device"
    expected = [f"hazard {name}", "writing 0x5555 to the test device"]
    assert said(hazard(name), name) == expected
    assert bare_hazard(name)[:2] == expected  # QEMU 10 lets a few more instructions run


def test_failure_by_device(hazard):
    name = "fail-by-device"
    assert said(hazard(name), name, status=1) == [
        f"hazard {name}", "writing 0x3333 to the test device"]


def test_failure_by_sbi(hazard):
    assert said(hazard("fail"), "fail", status=1) == ["hazard fail"]
