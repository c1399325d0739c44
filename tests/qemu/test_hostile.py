# SPDX-License-Identifier: MIT
"""A guest that does whatever a guest can, by a seed (tests/guests/hostile.cpp): Cairn answers, and
the guest comes to its end. CAIRN_HOSTILE_ACTIONS says how many actions all harts do together,
instead of 20000, and CAIRN_HOSTILE_SEED which ones; a failure names both."""
import os
import re

import pytest

from cairn_machine import FAIR_TO_HARTS, brief_sleeps, guest_image, qemu_version, write_archive
from monitor_session import command, of_kind, records, to_monitor
from outcome import CRASHES

ACTIONS = int(os.environ.get("CAIRN_HOSTILE_ACTIONS", "20000"))
SEED = int(os.environ.get("CAIRN_HOSTILE_SEED", "1"))
PATIENCE = 240 + ACTIONS // 50
ROUNDS = "abcdef"
STEPS = 12_000_000 # of tests/guests/compute.cpp: 72 ms alone
HALF_STEPS = 3 * STEPS # long enough that it does not matter whose turn is the first


def check_no_crash(m, what):
    for crash in CRASHES:
        assert crash not in m.log, what
    assert "unexpected trap" not in m.log, what


def check_survived(m, what):
    check_no_crash(m, what)
    assert "hostile: failed" not in m.log, what
    assert "heap: it is damaged" not in m.log, what
    heap = re.findall(r"^heap: .*$", m.log.replace("\r", ""), re.MULTILINE)[-1]
    assert "taken: 0 bytes live" in heap and heap.endswith(" 0 failures"), f"{what}: {heap}"


@pytest.mark.parametrize("cpus, options", [(1, {}), (2, {}), (4, {}), (2, {"cpu": "rv64,sstc=false"}),
                                           (2, {"cpu": "rv64,v=true,vext_spec=v1.0"})],
                         ids=["1", "2", "4", "2-no-sstc", "2-vector"])
def test_hostile(guest, cpus, options):
    what = f"CAIRN_HOSTILE_SEED={SEED} CAIRN_HOSTILE_ACTIONS={ACTIONS}"
    each = ACTIONS // cpus
    m = guest(guest_image("hostile"), {"smp": cpus, **options}, cpus=cpus, memory="16M",
              append=f"{SEED} {each}")
    status = m.wait_exit(PATIENCE)
    check_survived(m, what)
    done = re.search(rf"hostile: seed {SEED}, {cpus} harts: {each * cpus} actions, (\d+) traps", m.log)
    assert done and int(done[1]) > each and "hostile: end" in m.log and status == 0, what


def test_hostile_reboots(guest):
    """The boot hart resets the guest while the others act; each time it is loaded anew."""
    what = f"CAIRN_HOSTILE_SEED={SEED} CAIRN_HOSTILE_ACTIONS={ACTIONS}"
    each = ACTIONS // (2 * len(ROUNDS))
    m = guest(guest_image("hostile"), {"smp": 2}, cpus=2, memory="16M",
              append=f"{SEED} {each} reboots")
    for letter in ROUNDS + "q":
        m.expect("hostile: which round", PATIENCE)
        m.send(letter)
    assert m.wait_exit(PATIENCE) == 0, what
    check_survived(m, what)
    # By Cairn's own lines: the other hart may print into the guest's.
    assert m.own_lines().count("vm guest: reset") == len(ROUNDS), what
    assert "hostile: end" in m.log, what


@pytest.mark.parametrize("harts", [1, 2])
@pytest.mark.parametrize("neighbour", ["memory", "fp", "suspend"])
def test_a_neighbour_computes_what_it_would_alone(machine, tmp_path, harts, neighbour):
    """tests/guests/runtime_check.cpp knows its results, and fails where one differs."""
    what = f"CAIRN_HOSTILE_SEED={SEED} CAIRN_HOSTILE_ACTIONS={ACTIONS}"
    each = ACTIONS // 4
    vms = {"hostile": ("hostile", 2, f"{SEED} {each}"), "neighbour": ("runtime_check", 1, neighbour)}
    m = machine(write_archive(tmp_path / "vms.cpio", {
        f"{name}/{file}": content for name, (kernel, cpus, append) in vms.items() for file, content in (
            ("vm.conf", f"kernel = kernel\nmemory = 16M\ncpus = {cpus}\nappend = {append}\n"),
            ("kernel", guest_image(kernel)))}), smp=harts)
    status = m.wait_exit(PATIENCE)
    check_survived(m, what)
    ends = {name: line for name, line in re.findall(r"^vm (\w+): (.*)$", "\n".join(m.own_lines()), re.MULTILINE)}
    assert ends == {"hostile": "powered off", "neighbour": "powered off"} and status == 0, what


def vms_archive(path, vms):
    """Of {name: (kernel, {key of vm.conf: value})}."""
    entries = {}
    for name, (kernel, keys) in vms.items():
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        entries[f"{name}/vm.conf"] = f"kernel = kernel\n{lines}"
        entries[f"{name}/kernel"] = guest_image(kernel)
    return write_archive(path, entries)


def test_roots_of_nonsense(machine, tmp_path):
    """Harts with page tables from which there is no way back: each VM ends, and a neighbour goes on."""
    what = f"CAIRN_HOSTILE_SEED={SEED}"
    lost = {f"lost{n}": ("hostile", {"memory": "8M", "cpus": 2, "append": f"{100 * SEED + n} 1 root"})
            for n in range(16)}
    good = {"good": ("runtime_check", {"memory": "16M", "append": "memory"})}
    m = machine(vms_archive(tmp_path / "vms.cpio", lost | good), smp=2)
    m.wait_exit(PATIENCE)
    check_survived(m, what)
    ends = dict(re.findall(r"^vm (\w+): (powered off|stopped: .*)$", "\n".join(m.own_lines()), re.MULTILINE))
    assert ends.keys() == lost.keys() | good.keys() and ends["good"] == "powered off", what


def computed(m, steps=STEPS):
    """Ticks that the guest took; its result is known."""
    found = m.expect(r"compute: 0x([0-9a-f]+) in (\d+) ticks", PATIENCE)
    x, factor, term, left = 1, 0x5851F42D4C957F2D, 0x14057B7EF767814F, steps
    while left: # the step of 2^n steps, where bit n is set
        if left & 1:
            x = (x * factor + term) % 2**64
        factor, term, left = factor * factor % 2**64, (factor + 1) * term % 2**64, left >> 1
    assert int(found[1], 16) == x
    return int(found[2])


@pytest.mark.parametrize("cpus, weight, other", [
    (1, 100, ("hostile", f"{SEED} 1000000000")), (2, 200, ("hostile", f"{SEED} 1000000000")),
    (1, 100, ("hazards", "reset")), (2, 200, ("ping_pong", "1000000000")), (2, 200, ("sleepers", "1000000000")),
    (4, 400, ("smp_stress", "1000000")), (1, 100, ("flood", "uart 1000000000"))],
    ids=["1", "2", "resets", "ipis", "timers", "storms", "output"])
def test_a_neighbour_has_its_half(machine, guest, tmp_path, cpus, weight, other):
    """By instructions: with a hostile VM of as much weight on its hart it computes for hardly more than
    twice as long as alone, and the walker finds nothing in Cairn's heap afterwards."""
    alone = guest(guest_image("compute"), {"icount": True}, memory="8M", append=str(HALF_STEPS))
    ticks_alone = computed(alone, HALF_STEPS)
    vms = {"good": ("compute", {"memory": "8M", "append": HALF_STEPS, "weight": weight, "console": "front"}),
           "hostile": (other[0], {"memory": "16M", "cpus": cpus, "halt": "never", "append": other[1]})}
    m = machine(vms_archive(tmp_path / "vms.cpio", vms), icount=True)
    ticks = computed(m, HALF_STEPS)
    print(f"{ticks_alone} ticks alone, {ticks} beside the hostile guest: {ticks / ticks_alone:.3f} times as long")
    m.expect("vm good: powered off", PATIENCE)
    to_monitor(m)
    heap, = of_kind(records(m, "heap"), "heap")
    assert heap["sound"]
    command(m, "quit", "all VMs are turned off")
    m.wait_exit(PATIENCE)
    check_survived(m, f"CAIRN_HOSTILE_SEED={SEED}")
    assert ticks < 2 * 1.1 * ticks_alone


@pytest.fixture
def beside(machine, tmp_path):
    """beside(kernel, cpus, append): ticks that a guest takes on hart 1, where the vCPUs of another VM of as
    much weight may run on harts 0 and 1. A third has a timer all the time, so that the emulator changes
    between harts."""
    def run(kernel, cpus, append, harts="0-1"):
        vms = {"good": ("compute", {"memory": "8M", "append": STEPS, "weight": 100 * cpus, "affinity": 1,
                                    "console": "front"}),
               "timers": ("latency", {"memory": "8M", "append": brief_sleeps(1000), "affinity": 2}),
               "other": (kernel, {"memory": "16M", "cpus": cpus, "affinity": harts, "append": append})}
        m = machine(vms_archive(tmp_path / "vms.cpio", vms), smp=3, icount=True)
        ticks = computed(m)
        m.stop()
        check_no_crash(m, f"CAIRN_HOSTILE_SEED={SEED}")
        return ticks
    return run


@pytest.mark.skipif(qemu_version() < FAIR_TO_HARTS, reason="this emulator runs one hart for long under -icount")
@pytest.mark.parametrize("kernel, cpus, append", [
    ("hostile", 2, f"{SEED} 1000000000"), ("ping_pong", 2, "1000000000"), ("sleepers", 2, "1000000000"),
    ("smp_stress", 4, "1000000"), ("flood", 1, "uart 1000000000"), ("flood", 1, "dbcn 1000000000")],
    ids=["hostile", "ipis", "timers", "storms", "output", "calls"])
def test_a_neighbour_has_its_hart(beside, kernel, cpus, append):
    """Half of two harts is its due, and it may run on one of them. Beside who spins on the other hart, half
    of the emulator's time is its own."""
    quiet = beside("turns", 1, "spin 0 1000000", harts=0)
    ticks = beside(kernel, cpus, append)
    print(f"{quiet} ticks beside one that spins on the other hart, {ticks} beside this: {ticks / quiet:.3f}")
    assert ticks < 1.1 * quiet
