# SPDX-License-Identifier: MIT
"""libcairn_malloc.so, and the hardened one, under programs that were written to be hard on it."""
import os
import signal

import pytest
from conftest import FIGURES, IS_HARDENED, run, run_preloaded

FAMILY = os.environ["CAIRN_MALLOC_family"]
THREADS = os.environ["CAIRN_MALLOC_threads"]
MISUSE = os.environ["CAIRN_MALLOC_misuse"]
EDGES = os.environ["CAIRN_MALLOC_edges"]


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
    ("-v unlimited", "1T"), ("-v unlimited", "nonsense"), ("-v unlimited", "1"), ("-v 400000", ""),
    ("-v 100000", "64G"), ("-d 250000", ""), ("-d 150000", ""), ("-d 20000", ""), ("-d 8000", "")])
def test_windows(limit, window):
    script = f"ulimit {limit}; exec perl -e 'print join q( ), map {{ $_ x 3 }} 1 .. 5'"
    status, output, errors = run_preloaded("sh", "-c", script, CAIRN_MALLOC_WINDOW=window,
                                           CAIRN_MALLOC_STATS="1")
    assert (status, output) == (0, "111 222 333 444 555")
    assert FIGURES.fullmatch(errors.strip())["program"] == "perl"


@pytest.mark.parametrize("name", ["halve", "shrink_bit_by_bit", "halve_untouched", "keep_dumps_small",
                                  "start_thread_beside_many_blocks", "align_to_much",
                                  "fork_with_early_handlers", "fork_in_handler"])
def test_edges(name):
    assert run_preloaded(EDGES, name) == (0, "", "")


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
    "resize_in_place_after_free": ("double free", [8, SLOTS, 1000, BLOCKS, 60_000, 200_000, RUNS]),
    "resize_inside": ("invalid pointer", [SLOTS, 1000, BLOCKS, 60_000, 200_000, RUNS]),
}
TRAPS = {"read_nothing": "zero-size block", "write_nothing": "zero-size block",
         "write_far_behind": "stray access", "write_far_before": "stray access"}
# What the hardened library sees besides.
HARDENED = {
    "write_one_behind": ("overflow", [8, 13, SLOTS, 1000, BLOCKS, 100_001, RUNS]),
    "write_one_before": ("underflow", [8, SLOTS, 1000, BLOCKS, RUNS]),
    "write_one_behind_and_keep": ("overflow", [8, SLOTS, 1000, BLOCKS]),
    "write_last_byte_after_free": ("use after free", [8, SLOTS, 1000, BLOCKS, RUNS]),
    "read_long_after_free": ("use after free", [100_000, RUNS]),
    "read_behind": ("overflow", [100_000, RUNS]),
    "free_inside_after_free": ("invalid pointer", [100_000, 300_000]),
    "free_behind": ("invalid pointer", [100_000, 300_000]),
    "free_what_is_new": ("wrong function", [8, BLOCKS]),
    "delete_what_is_malloced": ("wrong function", [8, BLOCKS]),
    "delete_what_is_an_array": ("wrong function", [8, BLOCKS]),
    "delete_one_byte_less": ("wrong size", [8, 1000, RUNS]),
}


@pytest.mark.parametrize("name, kind, size", [
    (name, kind, size) for name, (kind, sizes) in MISUSES.items() for size in sizes])
def test_misuse_ends_with_a_sentence(name, kind, size):
    status, output, errors = run_preloaded(MISUSE, name, str(size))
    assert (status, output) == (-signal.SIGABRT, "")
    first, *_, last = errors.splitlines()
    assert first.startswith(f"heap 'malloc': {kind}: the block at 0x")
    assert last == "handled" or name == "write_behind"  # whose damage is still there


@pytest.mark.parametrize("name", list(TRAPS))
@pytest.mark.parametrize("size", [8, 1000, BLOCKS])
def test_misuse_ends_where_no_memory_is(name, size):
    status, output, errors = run_preloaded(MISUSE, name, str(size))
    if IS_HARDENED:
        assert (status, output) == (-signal.SIGABRT, "")
        assert errors.startswith(f"heap 'malloc': {TRAPS[name]}: 0x") and errors.endswith("\nhandled\n")
    else:
        assert (status, output, errors) == (-signal.SIGSEGV, "", "")


@pytest.mark.parametrize("name, kind, size", [
    (name, kind, size) for name, (kind, sizes) in HARDENED.items() for size in sizes])
@pytest.mark.skipif(not IS_HARDENED, reason="seen by the hardened library alone")
def test_hardened_sees_more(name, kind, size):
    status, output, errors = run_preloaded(MISUSE, name, str(size))
    assert (status, output) == (-signal.SIGABRT, "")
    first, *_, last = errors.splitlines()
    assert first.startswith(f"heap 'malloc': {kind}: ") and " block at 0x" in first
    assert last == "handled"


@pytest.mark.parametrize("name, kind", [("write_behind_until_the_end", "overflow"),
                                        ("write_after_free_until_the_end", "use after free")])
@pytest.mark.parametrize("size", [8, SLOTS, 1000, BLOCKS])
@pytest.mark.skipif(not IS_HARDENED, reason="seen by the hardened library alone")
def test_hardened_looks_at_the_end(name, kind, size):
    status, output, errors = run_preloaded(MISUSE, name, str(size))
    assert (status, output) == (-signal.SIGABRT, "nobody noticed\n")
    assert errors.startswith(f"heap 'malloc': {kind}: the block at 0x")


@pytest.mark.parametrize("size", [8, SLOTS, 1000, BLOCKS, 100_000])
@pytest.mark.skipif(not IS_HARDENED, reason="the other one does not")
def test_hardened_memory_is_zero(size):
    assert run_preloaded(MISUSE, "look_for_secrets", str(size)) == (
        0, "0 bytes of somebody else\n", "")


def test_map(tmp_path):
    status, _, errors = run_preloaded("perl", "-e", "my @list = map { 'x' x $_ } 1 .. 2000",
                                      CAIRN_MALLOC_MAP=str(tmp_path / "map"))
    assert (status, errors) == (0, "")
    [path] = tmp_path.iterdir()
    first, window, *lines = path.read_text().splitlines()
    assert first == "cairn-heap-map 1" and window.startswith("window 0x") and window.endswith(" malloc")
    assert {line.split()[0] for line in lines} >= {"internal", "slab", "chunk", "block", "untaken"}
