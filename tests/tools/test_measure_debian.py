# SPDX-License-Identifier: MIT
"""What tools/measure_debian.py makes of its figures, and which machines it compares."""
from xml.etree import ElementTree

from conftest import ROOT

import document
import measure_debian

PAIRS = [{"bare": (10.0, 50.0), "cairn": (12.0, 52.0)}, {"bare": (10.0, 50.0), "cairn": (15.0, 60.0)},
         {"bare": (20.0, 40.0), "cairn": (20.0, 41.0)}]


def test_the_median_of_the_pairs_is_judged_by_cpu_time():
    _, _, cpu, clock = measure_debian.table(PAIRS).splitlines()
    assert cpu == "| CPU time of QEMU | 50.0 | 52.0 | **1.04 (1.02 to 1.20)** | 1.05 | met |"
    assert clock.startswith("| the clock's | 10.0 | 15.0 | **1.20 (1.00 to 1.50)** | - |")
    assert "| 1.20 (1.20 to 1.20)** | 1.05 | **missed** |" in measure_debian.table(PAIRS[1:2]).replace("**1.20", "1.20", 1)


def test_the_document_has_a_place_for_table_and_picture():
    text = (ROOT / "docs/performance.md").read_text()
    assert "new words" in document.replace_part(text, "debian", "new words")
    assert f"]({measure_debian.PICTURE})" in text
    ElementTree.fromstring(measure_debian.picture(PAIRS))


def test_both_machines_have_the_same_arguments_but_what_they_boot(tmp_path, monkeypatch):
    for what in "kernel", "initrd":
        (tmp_path / f"disk.img.{what}").write_bytes(b"x")
    monkeypatch.setattr(measure_debian, "DISK", tmp_path / "disk.img")
    words = measure_debian.machines(tmp_path)
    left_out = ["-append", measure_debian.APPEND, *measure_debian.UART, *measure_debian.VIRTIO_CONSOLE]
    options = [[str(word) for word in words[where] if word not in left_out] for where in ("bare", "cairn")]
    differ = [each for each in zip(*options, strict=True) if each[0] != each[1]]
    assert len(differ) == 3 # memory, kernel, initrd
    assert "snapshot=on" in " ".join(options[1])
