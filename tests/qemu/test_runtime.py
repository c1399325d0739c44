# SPDX-License-Identifier: MIT
"""The freestanding runtime on the target, and devices behind every load and store: the guest
tests/guests/runtime_check.cpp on Cairn, and on the bare machine as a second opinion."""
import re

import pytest

from cairn_machine import guest_image
from outcome import ended, from_line, small_guest, without_log

BARE, CAIRN = "bare", "cairn"
BOTH = pytest.mark.parametrize("where", [CAIRN, BARE])


@pytest.fixture
def checked(machine, tmp_path):
    """Runs a check; returns what the guest printed between its first and its last line."""
    def run(name, where=CAIRN, **options):
        if where == BARE:
            m = machine(kernel=guest_image("runtime_check"), append=name, **options)
            assert m.wait_exit() == 0
        else:
            m = machine(small_guest(tmp_path, "runtime_check", name), **options)
            ended(m)
        lines = without_log(from_line(m, f"check {name}"))
        assert lines[-1] == f"end of {name}: 0 failed"
        return lines[1:-1]
    return run


@pytest.fixture
def panic(machine, tmp_path):
    """Runs a check that ends in the guest's panic; returns its sentence."""
    def run(name):
        m = machine(small_guest(tmp_path, "runtime_check", name))
        lines = ended(m, status=1)
        assert lines[-1] == "vm guest: powered off, and says that it failed"
        assert "not reached" not in m.log
        return lines[-2]
    return run


def test_static_constructors_run_once_and_in_order(checked):
    assert checked("constructors") == ["constructed: abc"]


def test_stack_protector(panic):
    sentence = panic("smash-stack")
    assert sentence.startswith("guest panic: stack protector: a function wrote beyond the end of "
                               "its frame's arrays (lib/cairn/base/runtime.cpp:")


def test_pure_virtual_call(panic):
    sentence = panic("pure-virtual")
    assert sentence.startswith("guest panic: a pure virtual function was called (during "
                               "construction or destruction?) (lib/cairn/base/runtime.cpp:")


@BOTH
def test_containers(checked, where):
    assert checked("containers", where) == [
        "hash_map: 500 found, 250 left; flat_map: 500 in order: true",
        "string: 0x2a of a machine word and more than inline, 43 characters",
        "static_vector: [0, 1, 2, 3]; ring_buffer: 4 from 3; intrusive_list: 2 before 1"]


def test_memory_functions(checked):
    assert checked("memory") == ["memcpy, memmove, memset, memcmp, strlen"]


def test_misaligned_memory_functions_cost_little(checked):
    """Instructions for 16 KiB by misalignment: memcpy, memcmp, memmove of what overlaps upwards."""
    rows = [list(map(int, line.split()))
            for line in checked("memory-costs", BARE, icount=True)]
    shifts, copied, compared, moved = zip(*rows)
    assert shifts == tuple(range(8))
    # In an archive data is aligned to 4, so 4 is what loading a kernel meets: four a word, two of each half.
    assert copied[4] < 9600
    assert copied[0] < 4700  # ld, sd, and a share of the loop for each of 2048 words
    # Load, two shifts, or, store: five instructions a word, where an aligned one takes two.
    assert max(copied) < 11300  # and the same share
    assert max(moved) <= 2.2 * moved[0]
    assert max(compared) <= 2 * compared[0]


def test_heap(checked):
    assert checked("heap") == ["window 65536"]


def test_heap_that_is_used_up(panic):
    sentence = panic("out-of-heap")
    assert sentence.startswith(
        "guest panic: operator new: out of memory: 65537 bytes with alignment 16 asked for; "
        "0 bytes live, ")


def test_vector_and_format(checked):
    lines = checked("vector-and-format")
    assert lines[:3] == ["[0, -7, -8, 1, 25, 36, 49, 64, 81] size 9", "[['x', 'y'], []]", "true"]
    # Python's format strings have the same grammar.
    assert lines[3:] == [
        f"{42:d}|{255:#x}|{5:#b}|{64:o}|{-42:08d}|{7:+d}",
        f"{'abc':>6}|{'abc':<6}|{'abc':^6}|{'abc':*^7}|{'abc':.2}",
        f"{1} {2} {1}|{{}}|true|{ord('z'):c}",
        f"{2 ** 64 - 1}|{-2 ** 63}|{0x80200000:#018x}",
    ]


@BOTH
def test_every_load_and_store_of_a_device(checked, where):
    assert checked("mmio", where) == [f"{what:<8} {value:#018x}" for what, value in [
        ("lw", 0xffffffff87654320), ("lwu", 0x87654320), ("c.lw", 0xffffffff87654320),
        ("c.sw", 0x0fedcba8), ("c.lw 4", 0x7bcdef01), ("lw -4", 0x7bcdef01),
        ("c.lwsp", 0x7bcdef01), ("c.swsp", 0x31415926),
        ("lb", 0xffffffffffffff80), ("lbu", 0x80), ("lb 7f", 0x7f), ("zero", 0),
        ("shown", 0xfffffffe), ("shown", 0x13579bd0), ("shown", 0)]]


def test_refused_widths(checked):
    word, uart = 0x101008, 0x10000000
    loads = [f"{what} of a word register: load access fault at {word:#x}"
             for what in ("lb", "lhu", "ld", "c.ld")]
    stores = [f"{what} to a word register: store/AMO access fault at {word:#x}"
              for what in ("sb", "sh", "sd", "c.sd")]
    assert checked("mmio-refused") == loads + stores + [
        f"lw of the UART: load access fault at {uart + 4:#x}",
        f"sh to the UART: store/AMO access fault at {uart + 6:#x}",
        f"{'lwu':<8} {0:#018x}"]


@BOTH
def test_empty_virtio_slots(checked, where):
    """Magic value, version 1, no device, vendor "QEMU"; then registers that read as 0, and parts."""
    assert checked("virtio-slots", where) == [
        *(f"{slot:#x}: 0x74726976 1 0 0x554d4551, 0 0 0, 0x76 0x6976 0x554d455100000000"
          for slot in range(0x10001000, 0x10009000, 0x1000)),
        "lw behind the last: load access fault at 0x10008200"]


@BOTH
@pytest.mark.parametrize("cpu, state", [("rv64", "FS 3, VS 0"), ("rv64,v=true", "FS 3, VS 3"),
                                        ("rv64,d=false,f=false", "FS 0, VS 0")])
def test_registers_that_are_open_at_entry(checked, cpu, state, where):
    """As firmware hands a hart over: Dirty (3) where the hart has such registers."""
    assert checked("entry", where, cpu=cpu) == [state]


def test_floating_point_state(checked):
    assert checked("fp") == ["f"]


def test_misaligned_accesses_left_to_cairn(machine, tmp_path):
    # OpenSBI 1.1 delegates none: it carries them out itself, and the guest cannot have them. Later
    # versions are asked to delegate them, so that it is Cairn that carries them out.
    m = machine(small_guest(tmp_path, "runtime_check", "misaligned"))
    lines = without_log(ended(m))
    version = tuple(map(int, re.search(r"OpenSBI v(\d+)\.(\d+)", m.log).groups()))
    delegated = "true" if version >= (1, 6) else "false"
    assert lines == ["check misaligned", "misaligned accesses by bytes; exceptions reach the guest: "
                     + delegated, "end of misaligned: 0 failed"]


def test_a_counter_that_is_given_back_runs_again(checked):
    assert checked("counters") == []


@pytest.mark.parametrize("bits", [128, 256])
def test_vector_state(checked, bits):
    assert checked("vector", cpu=f"rv64,v=true,vlen={bits}") == ["f", f"vlenb {bits // 8}"]


@pytest.mark.parametrize("name, cpu", [
    ("suspend", "rv64"), ("suspend", "rv64,sstc=false"), ("suspend-vector", "rv64,v=true,vlen=256")])
@BOTH
def test_what_a_suspended_hart_keeps(checked, name, cpu, where):
    """Cairn puts a vCPU that is suspended away and clears its hart."""
    assert checked(name, where, cpu=cpu) == ["suspended three times"]
