# SPDX-License-Identifier: MIT
"""The monitor's map of a guest's memory becomes a picture, and answers that are none a sentence."""
import json
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import ROOT

TOOL = ROOT / "tools/draw_memory.py"
MAP = [{"kind": "memory-map", "address": "0x80000000", "letter": 131072, "letters": "#" + "s" * 62 + "w"},
       {"kind": "memory-map", "address": "0x80800000", "letter": 131072, "letters": "...."}]
ERROR = {"kind": "error", "subject": "b", "message": "it is off"}


def draw(tmp_path, records):
    log = "".join(f"cairn> \x1b[K{json.dumps(each, separators=(',', ':'))}\r\n" for each in records)
    output = tmp_path / "memory.svg"
    drawn = subprocess.run([sys.executable, TOOL, "-", "--vm", "b<", "-o", output], input=log, capture_output=True,
                           text=True)
    return drawn, output


def test_what_is_the_same_is_one(tmp_path):
    drawn, output = draw(tmp_path, MAP)
    assert drawn.returncode == 0, drawn.stderr
    picture = xml.etree.ElementTree.parse(output).getroot()
    hints = [each.text for each in picture.findall(".//{*}rect/{*}title")]
    assert hints == ["0x80000000: 128 KiB its own", "0x80020000: 7.75 MiB shared with the archive",
                     "0x807e0000: 128 KiB its own since it was written to", "0x80800000: 512 KiB not touched"]
    words = [each.text for each in picture.findall(".//{*}text")]
    assert "The memory of b<: 8.5 MiB, 128 KiB a square" in words
    assert "shared with the archive: 7.75 MiB" in words and "0x80800000" in words


@pytest.mark.parametrize("records, sentence", [
    ([], "nothing of it was said"),
    ([ERROR], "it is off"),
    ([MAP[1], MAP[0]], "0x80000000 does not go on"),
])
def test_no_map(tmp_path, records, sentence):
    drawn, output = draw(tmp_path, records)
    assert drawn.returncode == 1 and sentence in drawn.stderr
    assert not output.exists()
