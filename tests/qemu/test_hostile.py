# SPDX-License-Identifier: MIT
"""A guest that does whatever a guest can, by a seed (tests/guests/hostile.cpp): Cairn answers, and
the guest comes to its end. CAIRN_HOSTILE_ACTIONS says how many actions all harts do together,
instead of 20000, and CAIRN_HOSTILE_SEED which ones; a failure names both."""
import os
import re

import pytest

from cairn_machine import guest_image, write_archive
from outcome import CRASHES

ACTIONS = int(os.environ.get("CAIRN_HOSTILE_ACTIONS", "20000"))
SEED = int(os.environ.get("CAIRN_HOSTILE_SEED", "1"))
PATIENCE = 240 + ACTIONS // 50
ROUNDS = "abcdef"


def check_survived(m, what):
    for crash in CRASHES:
        assert crash not in m.log, what
    assert "unexpected trap" not in m.log, what
    assert "hostile: failed" not in m.log, what
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
    assert m.log.count(f"hostile: {each} actions and a reset") == len(ROUNDS), what
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
