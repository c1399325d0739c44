# SPDX-License-Identifier: MIT
"""A guest that does whatever a guest can, by a seed (tests/guests/hostile.cpp): Cairn answers, and
the guest comes to its end. CAIRN_HOSTILE_ACTIONS says how many actions all harts do together,
instead of 20000, and CAIRN_HOSTILE_SEED which ones; a failure names both."""
import os
import re

import pytest

from cairn_machine import guest_image
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
