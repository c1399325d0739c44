# SPDX-License-Identifier: MIT
"""Instructions are counted by who executes them (tools/instruction_counts.py): a guest whose loops are
known runs some of them more often, and that much more is counted."""
import pytest

from cairn_machine import ROOT, guest_image

import instruction_counts  # (from tools/)

ELF = ROOT / "build/target/tests/guests/guest_exits.elf"
ROUNDS = 4000
NOISE = 400 # of printing numbers, and of the timer


def counts(arguments):
    """(the guest's instructions, Cairn's in `fast_exception`, where calls are told apart)"""
    addresses, names = instruction_counts.symbols(ELF)
    end = addresses[names.index("cairn::guest::power_off(bool)")]
    found = instruction_counts.count(end, guest_image("exits"), append=arguments)["guest"]
    return found[instruction_counts.GUEST], found["fast_exception"]


# Ten nops and the loop; li, ecall and the loop.
@pytest.mark.parametrize("figure, of_guest, leaves", [("calibration", 12, False), ("sbi-base", 4, True)])
def test_each_instruction_is_counted_once(figure, of_guest, leaves):
    few, exits_of_few = counts(f"{ROUNDS} {figure}")
    many, exits_of_many = counts(f"{2 * ROUNDS} {figure}")
    assert abs(many - few - ROUNDS * of_guest) < NOISE
    assert (exits_of_many - exits_of_few >= ROUNDS) is leaves


def test_an_end_that_never_comes_is_no_result():
    with pytest.raises(RuntimeError, match="did not come"):
        instruction_counts.count(4, guest_image("exits"), append="1 calibration")
