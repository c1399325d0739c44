# SPDX-License-Identifier: MIT
"""A heap's map becomes a picture, and a broken map a sentence."""
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import ROOT

TOOL = ROOT / "tools/draw_heap_map.py"
HEAD = "cairn-heap-map 1\nwindow 0x10000 1048576 test\n"


def draw(*options, text=""):
    return subprocess.run([sys.executable, TOOL, *options], input=text, capture_output=True, text=True)


def test_example_is_whole():
    drawn = draw("--example")
    assert drawn.returncode == 0, drawn.stderr
    rectangles = xml.etree.ElementTree.fromstring(drawn.stdout).findall("{*}rect")
    assert len(rectangles) > 500


def test_things_lie_where_they_are():
    picture = draw("-", text=HEAD + "run 0x10000 262144\nfree 0x50000 4096\n").stdout
    rectangles = xml.etree.ElementTree.fromstring(picture).findall("{*}rect")[-2:]
    assert [float(each.get("width")) for each in rectangles] == [1024, 16]
    assert float(rectangles[1].get("y")) > float(rectangles[0].get("y"))


@pytest.mark.parametrize("text, sentence", [
    ("", "line 1: 'cairn-heap-map 1' expected"),
    ("cairn-heap-map 1\nrun 0x0 1\n", "no line 'window'"),
    (HEAD + "run here 12\n", "line 3: a kind, an address and a size expected: 'run here 12'"),
])
def test_broken_maps(text, sentence):
    drawn = draw("-", text=text)
    assert drawn.returncode == 1
    assert sentence in drawn.stderr
