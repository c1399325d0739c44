# SPDX-License-Identifier: MIT
"""The heap benchmark, with counts so small that its figures mean nothing: every number is there."""
import re
from xml.etree import ElementTree

import pytest
from conftest import ROOT

import document
import heap_report
import svg

NUMBER = r" [\d,]+(\.\d+)?( %)? "


def measure(run, *options):
    status, output, errors = run("tools/measure_heap.py", "--print", "--steps", 400, "--rounds", 1,
                                 *options)
    assert status == 0, errors
    return output


def row(output, name):
    found = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", output, re.M)
    assert found, f"no row of {name} in:\n{output}"
    return found[1].split("|")


def test_malloc_of_the_c_library(run):
    output = measure(run, "--parts", "host", "--only", "glibc")
    instructions, times, peaks = re.findall(r"^\| glibc \|.*$", output, re.M)
    assert len(re.findall(NUMBER, instructions)) == 8
    assert re.fullmatch(r"\| glibc \|( 1\.00 \|){5}( [\d.]+ \|){2}", times)
    assert re.fullmatch(r"\| glibc \|( \d\.\d\d \|){5}", peaks)


def test_the_break_on_the_target(run):
    output = measure(run, "--parts", "target", "--only", "bump-no-lock", "--machines", "rv64imac")
    cells = row(output, "bump, no lock (per hart), rv64imac")
    assert all(int(cell) > 4 for cell in cells[:6])
    assert all(cell.strip() == "-" for cell in cells[6:8]) # it has no operator new
    assert re.search(r"^\| \*\*the default heap\*\*( \| \*\*[\d,]+\*\*){2} \|$", output, re.M)


def test_the_document_has_a_place_for_every_table():
    text = (ROOT / "docs/performance.md").read_text()
    for name in ("aims", "host", "time", "peak", "fill", "target", "loops", "size"):
        assert "new words" in document.replace_part(text, f"heap {name}", "new words")


def test_a_missing_place_is_said():
    with pytest.raises(RuntimeError, match="<!-- nowhere -->"):
        document.replace_part("text", "nowhere", "words")


def test_aims_are_judged_by_what_is_shown():
    aim = heap_report.Aim("words", [14, 9], lambda results: [14.3, 9.6], "-")
    assert aim.row({}) == ["words", "14 / 10", "<= 14 / 9", "met / **missed**", "-"]
    least = heap_report.Aim("words", [92], lambda results: [None], "-", at_least=True)
    assert least.row({}) == ["words", "-", ">= 92", "not measured", "-"]


def test_nothing_measured_is_no_aim_met():
    table = heap_report.aims_table({})
    assert "met |" not in table and table.count("not measured") == len(heap_report.AIMS)


def test_bar_chart_is_well_formed():
    for logarithmic in (False, True):
        text = svg.bar_chart("a < b", ["x", "y"], {"one": [1, None], "two & three": [100, 2500]},
                             logarithmic, aims=[50, None])
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg") and "a < b" in text.replace("&lt;", "<")
