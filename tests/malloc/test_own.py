# SPDX-License-Identifier: MIT
"""libcairn_malloc.so under programs that were written to be hard on it."""
import os
import signal

import pytest
from conftest import FIGURES, run, run_preloaded

FAMILY = os.environ["CAIRN_MALLOC_family"]
THREADS = os.environ["CAIRN_MALLOC_threads"]
MISUSE = os.environ["CAIRN_MALLOC_misuse"]


def test_expectations_hold_for_glibc():
    """But for what it does otherwise."""
    done = run([FAMILY, "glibc"])
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("window", ["", "4G"])
def test_family(window):
    result = run_preloaded(FAMILY, CAIRN_MALLOC_WINDOW=window)
    assert result == (0, "the malloc family: all as documented\n", "")


def test_threads_and_forks(bench):
    bench.compare([THREADS], users={"malloc_threads"})


@pytest.mark.parametrize("limit, window", [
    ("unlimited", "1T"), ("unlimited", "nonsense"), ("unlimited", "1"), ("400000", ""),
    ("100000", "64G")])
def test_windows(limit, window):
    script = f"ulimit -v {limit}; exec perl -e 'print join q( ), map {{ $_ x 3 }} 1 .. 5'"
    status, output, errors = run_preloaded("sh", "-c", script, CAIRN_MALLOC_WINDOW=window,
                                           CAIRN_MALLOC_STATS="1")
    assert (status, output) == (0, "111 222 333 444 555")
    assert FIGURES.fullmatch(errors.strip())["program"] == "perl"


def test_out_of_memory_is_an_error_not_an_end():
    script = "my $x = 'x' x 1e6; $x .= $x while 1"
    status, _, errors = run_preloaded("perl", "-e", script, CAIRN_MALLOC_WINDOW="64M")
    assert status == 1 and "Out of memory" in errors


SLOTS, BLOCKS, RUNS = 48, 50_000, 3_000_000
MISUSES = {
    "free_twice": ("double free", [SLOTS, 1000, BLOCKS, RUNS]),
    "free_from_stack": ("foreign pointer", [SLOTS]),
    "free_inside": ("invalid pointer", [SLOTS, 1000, BLOCKS, RUNS]),
    "free_never_handed_out": ("invalid pointer", [SLOTS, 16, 512]),
    "free_with_wrong_size": ("wrong size", [SLOTS, BLOCKS, RUNS]),
    "write_behind": ("overflow", [BLOCKS]),
    "write_after_free": ("use after free", [SLOTS, 1000]),
    "write_first_word_after_free": ("use after free", [8, SLOTS, 1000]),
    "free_nothing_twice": ("double free", [SLOTS]),
    "resize_after_free": ("double free", [SLOTS, 1000, BLOCKS, RUNS]),
}
TRAPS = ["read_nothing", "write_nothing", "write_far_behind", "write_far_before"]


@pytest.mark.parametrize("name, kind, size", [
    (name, kind, size) for name, (kind, sizes) in MISUSES.items() for size in sizes])
def test_misuse_ends_with_a_sentence(name, kind, size):
    status, output, errors = run_preloaded(MISUSE, name, str(size))
    assert (status, output) == (-signal.SIGABRT, "")
    first, *_, last = errors.splitlines()
    assert first.startswith(f"heap 'malloc': {kind}: the block at 0x")
    assert last == "handled" or name == "write_behind"  # whose damage is still there


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("size", [8, 1000, BLOCKS])
def test_misuse_ends_where_no_memory_is(name, size):
    assert run_preloaded(MISUSE, name, str(size)) == (-signal.SIGSEGV, "", "")


def test_map(tmp_path):
    status, _, errors = run_preloaded("perl", "-e", "my @list = map { 'x' x $_ } 1 .. 2000",
                                      CAIRN_MALLOC_MAP=str(tmp_path / "map"))
    assert (status, errors) == (0, "")
    [path] = tmp_path.iterdir()
    first, window, *lines = path.read_text().splitlines()
    assert first == "cairn-heap-map 1" and window.startswith("window 0x") and window.endswith(" malloc")
    assert {line.split()[0] for line in lines} >= {"internal", "slab", "chunk", "block", "untaken"}
