# SPDX-License-Identifier: MIT
"""What tools/measure_throughput.py makes of its figures, and how it talks to a machine."""
import socket
import sys
from xml.etree import ElementTree

import pytest
from conftest import ROOT

import document
import live_machine
import measure_throughput


def pair(bare, cairn, cpu=1.0):
    return {"bare": (bare, cpu), "cairn": (cairn, 2 * cpu)}


FOUND = {"read": [pair(1, 1), pair(1, 1.25), pair(1, 4)], "write": [pair(2, 4)] * 3,
         "out": [pair(1, 1)], "in": [pair(1, 8)]}


def test_each_pair_has_a_ratio_and_the_median_is_judged(monkeypatch):
    monkeypatch.setattr(measure_throughput, "kernel_version", lambda: "6.12")
    _, _, read, write = measure_throughput.table(FOUND, "disks").splitlines()
    assert read == ("| sequential read, 1 MiB blocks | 256 | 205 | **0.80 (0.25 to 1.00)** | 0.9 | **missed** | "
                    "0.50 (0.50 to 0.50) |")
    assert write.startswith("| sequential write, 1 MiB blocks | 128 | 64 | **0.50 (0.50 to 0.50)** |")
    _, _, out, into = measure_throughput.table(FOUND, "networks").splitlines()
    assert "| 0.8 | met |" in out and "| 0.8 | **missed** |" in into


@pytest.mark.parametrize("part", measure_throughput.PARTS)
def test_the_document_has_a_place_for_table_and_picture(part):
    text = (ROOT / "docs/performance.md").read_text()
    assert "new words" in document.replace_part(text, f"{part} throughput", "new words")
    assert f"]({measure_throughput.PARTS[part][2]})" in text
    drawing = measure_throughput.picture(FOUND, part)
    ElementTree.fromstring(drawing)
    assert all(title in drawing for title in measure_throughput.PARTS[part][0].values())
    assert drawing.count("stroke-dasharray") == 2 # an aim for each figure


def test_both_machines_have_the_same_arguments_but_what_they_boot(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_throughput, "initrd", lambda: b"initrd")
    monkeypatch.setattr(measure_throughput, "DISK_MIB", 1)
    monkeypatch.setattr(measure_throughput, "KERNEL", b"kernel")
    words = measure_throughput.machines(tmp_path)
    differ = [each for each in zip(*([str(word) for word in words[where] if "-append" != word != "console=ttyS0 quiet"]
                                     for where in ("bare", "cairn"))) if each[0] != each[1]]
    assert len(differ) == 4 # memory, kernel, initrd, disk
    assert (tmp_path / "bare.img").stat().st_size == (tmp_path / "cairn.img").stat().st_size == 1 << 20


def test_cpu_time_is_found_behind_any_name():
    line = f"12 (a) b) R 1 1 1 0 -1 0 1 2 3 4 {3 * live_machine.TICKS} {live_machine.TICKS // 2} 0 0 20 0 1"
    assert live_machine.cpu_seconds(line) == 3.5


def test_a_machine_answers_line_by_line():
    echo = "import sys\nprint('\\nready\\r', flush=True)\nfor line in sys.stdin: print('begin\\r\\nend\\r', flush=True)"
    machine = live_machine.LiveMachine([sys.executable, "-c", echo])
    try:
        machine.wait_for("ready")
        for _ in range(3): # `end` of one is not that of the next
            clock, cpu = measure_throughput.measure_one(machine, "read 1")
            assert clock >= 0 and cpu >= 0
        machine._process.stdin.close()
        with pytest.raises(RuntimeError, match="'more' was not said, and the machine has ended"):
            machine.wait_for("more")
    finally:
        machine.end()


def test_the_host_takes_and_sends(monkeypatch):
    monkeypatch.setattr(measure_throughput, "NETWORK_MIB", 1)
    for sends, expected in (False, 0), (True, 1 << 20):
        peer = measure_throughput.Peer(sends)
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", peer.port)) as connection:
                connection.sendall(b"x")
                connection.shutdown(socket.SHUT_WR)
                received = sum(iter(lambda connection=connection: len(connection.recv(1 << 16)), 0))
            assert received == expected
