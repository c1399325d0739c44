# SPDX-License-Identifier: MIT
"""The monitor's answers become a picture of the machine, and answers that are not whole a sentence."""
import json
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import ROOT

TOOL = ROOT / "tools/draw_machine.py"
LIST = [{"kind": "vm", "front": True, "name": "a", "cpus": 2, "memory": 8 << 20, "state": "running"},
        {"kind": "vm", "front": False, "name": "b<", "cpus": 1, "memory": 16 << 20, "state": "off"}]
TOP = [{"kind": "hart-load", "number": 0, "busy": 75.0, "idle": 25.0},
       {"kind": "load", "vm": "a", "cpu": None, "run": 75.0, "steal": 5.0, "idle": 120.0},
       {"kind": "load", "vm": "a", "cpu": 0, "run": 50.0, "steal": 5.0, "idle": 45.0},
       {"kind": "load", "vm": "a", "cpu": 1, "run": 25.0, "steal": 0.0, "idle": 75.0}]
FRAMES = [{"kind": "frames", "total": 64 << 20, "free": 48 << 20, "largest_free": 48 << 20}]
INFO = [{"kind": "configuration", "name": "a"},
        {"kind": "memory", "present": 2 << 20, "mode": "Sv39x4", "vmid": 1, "own": 40960, "quota": 1 << 20},
        {"kind": "memory-piece", "guest": "0x80000000", "host": "0x87000000", "size": 8 << 20},
        {"kind": "configuration", "name": "b<"}]


def draw(tmp_path, records, around=""):
    """A console's log, with what a terminal is told and other lines between."""
    log = "".join(f"\x1b[K{json.dumps(each, separators=(',', ':'))}\r\n{around}" for each in records)
    output = tmp_path / "machine.svg"
    drawn = subprocess.run([sys.executable, TOOL, "-", "-o", output], input=log, capture_output=True, text=True)
    return drawn, output


def test_the_whole_machine(tmp_path):
    drawn, output = draw(tmp_path, [*LIST, *TOP, *FRAMES, *INFO], "vm a: a line\r\n")
    assert drawn.returncode == 0, drawn.stderr
    picture = xml.etree.ElementTree.parse(output).getroot()
    words = [each.text for each in picture.findall(".//{*}text")]
    assert "2 VMs on 1 hart" in words and "b<" in words and "off" in words
    assert "2 MiB of 8 MiB" in words and "40 KiB of 1 MiB" in words
    hints = [each.text for each in picture.findall(".//{*}title")]
    assert "a.0: runs 50.0 %, waits for a hart 5.0 %" in hints
    assert "a: 8 MiB at 0x87000000" in hints
    assert "page tables and the like: 8 MiB" in hints # 64 - 48 - 8


def test_one_vcpu_has_its_vms_load(tmp_path):
    load = {"kind": "load", "vm": "b<", "cpu": None, "run": 20.0, "steal": 3.0, "idle": 77.0}
    _, output = draw(tmp_path, [*LIST, *TOP, load, *FRAMES, *INFO])
    hints = [each.text for each in xml.etree.ElementTree.parse(output).getroot().findall(".//{*}title")]
    assert "b<.0: runs 20.0 %, waits for a hart 3.0 %" in hints
    assert "b<: 20.0 % of a hart" in hints


@pytest.mark.parametrize("records, sentence", [
    ([], "are not whole"),
    ([*LIST, *TOP], "are not whole"),
    ([*TOP, *FRAMES], "no answer of list with a VM"),
    ([*LIST, *FRAMES], "or of top with a hart"),
    ([*LIST, *TOP, *FRAMES, *INFO[1:]], "are not whole"),
])
def test_answers_that_are_not_whole(tmp_path, records, sentence):
    drawn, output = draw(tmp_path, records)
    assert drawn.returncode == 1 and not output.exists()
    assert sentence in drawn.stderr and "Traceback" not in drawn.stderr


def test_a_folder_without_vms(tmp_path):
    drawn = subprocess.run([sys.executable, TOOL, "--bundle", tmp_path], capture_output=True, text=True)
    assert drawn.returncode == 1
    assert "no folder in it has a vm.conf" in drawn.stderr
