# SPDX-License-Identifier: MIT
"""The table of what Cairn adds to a boot, from counts by function."""
import pytest

import boot_time
import instruction_counts

SYMBOLS = ([0x1000, 0x1010, 0x1020], ["_start", "memset", "cairn::memory::copy(void*)"])
COUNTS = """reset firmware 60
reset guest 6
start firmware 5
start guest 0
start 0 1
start 14 2
start 16 40
guest firmware 10
guest guest 1000
guest 0 100
guest 2 100
guest 16 8
guest 32 7
end
"""


def test_a_place_counts_for_the_function_that_it_lies_in():
    counts = instruction_counts.parse(COUNTS, 0x1000, *SYMBOLS)
    assert counts["start"] == {"firmware": 5, "guest": 0, "_start": 3, "memset": 40}
    assert counts["guest"]["_start"] == 200


def test_counts_without_an_end_are_refused():
    with pytest.raises(RuntimeError):
        instruction_counts.parse(COUNTS.removesuffix("end\n"), 0x1000, *SYMBOLS)


def test_marks_have_what_came_before_them():
    text = "mark 16\nmark firmware 3\nmark 0 7\nmark 2 1\nmark 32\nmark 16 5\nstart 0 9\nend\n"
    assert instruction_counts.parse_marks(text, 0x1000, *SYMBOLS) == [
        ("memset", {"firmware": 3, "_start": 8}), ("cairn::memory::copy(void*)", {"memset": 5})]


def test_all_of_cairn_is_zeroing_copying_or_else():
    column = boot_time.column(instruction_counts.parse(COUNTS, 0x1000, *SYMBOLS))
    values = {words: value for (words, _), value in zip(boot_time.ROWS, column, strict=True)}
    assert column[:6] == [66, 43, 40, 0, 3, 66 + 43 + 5]
    assert column[6:10] == [215, 8, 7, 200]
    assert values["**Cairn's whole part**"] == 258 and values["- of it what is no zeroing"] == 210
    assert values["all, over guest and firmware"] == (1000 + 15 + 258) / (1000 + 15)


@pytest.mark.parametrize("name, zeroes", [("memset", True), ("cairn::memory::set(void*, int)", True),
                                          ("cairn::zero_pages(void*)", True),
                                          ("cairn::FramePool::scrub(cairn::Frame)", True),
                                          ("cairn::non_zero(int)", False), ("memsetter", False)])
def test_what_zeroes_is_told_by_its_name(name, zeroes):
    assert (boot_time.parts({name: 1})[0] == 1) is zeroes


def test_zeroing_under_another_name_is_no_result():
    counts = instruction_counts.parse(COUNTS, 0x1000, SYMBOLS[0], ["_start", "clear", "copy"])
    with pytest.raises(RuntimeError, match="other names"):
        boot_time.column(counts)


def test_newer_versions_of_qemu_take_another_number():
    assert [instruction_counts.plugin_version(v) for v in ("7.2.22", "8.2.0", "9.0.1", "10.0.13")] == \
        [1, 1, 2, 2]
