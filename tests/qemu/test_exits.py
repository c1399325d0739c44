# SPDX-License-Identifier: MIT
"""The guest that measures exits (tools/measure_exits.py) runs to its end. What it measures is not
looked at: speed is no test."""
import pytest

from cairn_machine import guest_image

FIGURES = ["calibration", "sbi-base", "set-timer", "probe", "hart-status", "unknown-extension",
           "remote-fence", "fence-code", "fence-size-0", "fence-page", "fence-16-pages", "fence-asid",
           "ipi-taken", "plic-read", "plic-read-compressed", "plic-write",
           "collision", "plic-claim-nothing", "plic-complete-nothing", "page-start-read", "page-start-write", "uart-read", "uart-write", "illegal-csr",
           "timer-taken", "uart-output", "plic-claim-complete", "dbcn-64", "first-touch", "wfi"]

LONGEST = ["event-info-8", "dbcn-4096", "config-matching", "start-all", "stop-all",
           "fence-16-pages", "plic-enable", "nowhere"]


@pytest.mark.parametrize("cpu, sstc", [("rv64", "yes"), ("rv64,sstc=false", "no")])
def test_every_kind_of_exit_comes_back(guest, cpu, sstc):
    m = guest(guest_image("exits"), {"cpu": cpu}, append="100")
    m.expect(f"exits: 100 rounds, Sstc {sstc}")
    for figure in FIGURES:
        m.expect(rf"figure {figure} \d+\.\d")
    for exit_name in LONGEST:
        m.expect(rf"longest {exit_name} \d+")
    m.expect("exits: end")
    assert m.wait_exit() == 0
