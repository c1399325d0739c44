# SPDX-License-Identifier: MIT
"""The table of the slowest tests, from CTest's own lines."""
import slowest_tests

LOG = """
        Start   1: qemu.debian
  1/214 Test #191: tsan.heap.bump_allocator_threads ....   Passed    0.50 sec
  2/214 Test   #3: qemu.debian .........................***Failed   30.00 sec
  3/214 Test  #12: container.vector ....................   Passed    9.50 sec
"""


def test_times_of_all_results_count():
    assert slowest_tests.times(LOG) == {
        "tsan.heap.bump_allocator_threads": 0.5, "qemu.debian": 30, "container.vector": 9.5}


def test_the_slowest_of_several_runs_counts():
    again = LOG + "  4/214 Test  #12: container.vector ....   Passed    1.00 sec\n"
    assert slowest_tests.times(again)["container.vector"] == 9.5


def test_slowest_first_and_sums_by_kind():
    lines = slowest_tests.report(slowest_tests.times(LOG), 2).splitlines()
    assert lines[2:4] == ["| qemu.debian | 30.0 | 75.0% |", "| container.vector | 9.5 | 23.8% |"]
    assert "| unit | 9.5 | 23.8% |" in lines and "| tsan | 0.5 | 1.2% |" in lines
    assert lines[-1] == "all: 40 s, one after another"


def test_a_log_is_wanted(run, tmp_path):
    status, _, errors = run("tools/slowest_tests.py", tmp_path / "ctest.log")
    assert status == 1 and "run ./tests/run.sh first" in errors
