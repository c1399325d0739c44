# SPDX-License-Identifier: MIT
"""Backtraces in a console log, and their symbols in the hypervisor that was built."""
import subprocess

from conftest import ROOT

import symbolize

LOG = """panic: why
backtrace:
  #0 0x0000000080201234
  #1 0x0000000080200010
and on
  #7 0x0000000080200010
"""


def test_frames_are_found():
    assert list(symbolize.backtraces(LOG)) == [[(0, 0x80201234), (1, 0x80200010)]]


def test_backtrace_at_the_end_of_the_log():
    assert list(symbolize.backtraces("backtrace:\n  #0 0x0000000080201234")) == [[(0, 0x80201234)]]


def test_log_without_backtrace():
    assert not list(symbolize.backtraces("Booting hypervisor...\n  #0 0x1\nbacktrace:\nnone\n"))


def test_symbols_of_the_hypervisor(run, tmp_path):
    elf = ROOT / "build/target/hypervisor.elf"
    names = subprocess.run(["llvm-nm-19", elf], text=True, capture_output=True, check=True).stdout
    start = next(line.split()[0] for line in names.splitlines() if line.endswith(" T _start"))
    log = tmp_path / "log"
    log.write_text(f"backtrace:\r\n  #0 0x{start}\r\n")
    status, output, _ = run("tools/symbolize.py", elf, log)
    assert status == 0
    assert "#0 0x" + start in output and "_start" in output
