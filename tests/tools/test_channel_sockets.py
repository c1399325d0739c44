# SPDX-License-Identifier: MIT
"""run.sh --channels: where the sockets are to be, what is in their way, and QEMU's options."""
import os
import re
import socket
import tempfile
from pathlib import Path

import pytest

import channels

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="cairn-") as name:
        yield Path(name)


def test_options():
    found = list(channels.options(Path("/x,y"), ["a", "b"]))
    assert found[:2] == ["-device", "virtio-serial-device,id=channels0,max_ports=6"]
    assert "socket,id=channel0,path=/x,,y/monitor.sock,server=on,wait=off" in found
    assert "virtserialport,bus=channels0.0,chardev=channel2,name=cairn.vm.b" in found
    assert "virtserialport,bus=channels0.0,chardev=channel4,name=cairn.gdb.b" in found


def test_many_vms_have_several_devices():
    found = " ".join(channels.options(Path("/x"), [f"v{n}" for n in range(64)]))
    assert re.findall(r"virtio-serial-device,id=(\w+),max_ports=(\d+)", found) == [
        ("channels0", "31"), ("channels1", "31"), ("channels2", "6")]
    assert len(re.findall("virtserialport,bus=channels1.0", found)) == 30
    assert len(set(re.findall(r"chardev=(\w+)", found))) == 65


def test_ports_of_guests():
    found = list(channels.options(Path("/x"), ["a", "agent@a", "b", "org.x.0@b"]))
    assert found[1] == "virtio-serial-device,id=channels0,max_ports=8"
    assert "socket,id=channel4,path=/x/port.org.x.0@b.sock,server=on,wait=off" in found
    assert "virtserialport,bus=channels0.0,chardev=channel3,name=cairn.port.agent@a" in found
    crowd = channels.channels_of([f"v{n}" for n in range(10)] + [f"p@v{n}" for n in range(10)])
    assert ("port", "p@v9") in crowd and not [kind for kind, _ in crowd if kind == "gdb"]


def print_machine(run, *arguments):
    return run("run.sh", "--demo", "--print", *arguments)


def test_a_machine_with_channels(run, folder):
    status, output, _ = print_machine(run, "--channels", folder / "new", "--net")
    assert status == 0
    assert f"path={folder}/new/vm.guest.sock,server=on" in output
    assert (folder / "new").stat().st_mode & 0o777 == 0o700
    status, output, _ = run("run.sh", "--print", "--channels", folder, "--bundle", EXAMPLES / "many-tiny")
    assert status == 0 and output.count("virtio-serial-device") == 2 and "name=cairn.vm.vm32" in output


def test_a_bundle_with_ports(run, folder):
    (folder / "vms/web").mkdir(parents=True)
    (folder / "vms/web/vm.conf").write_text("kernel = kernel\nport = agent\n port=org.x.0 \r\nport = no/name\nprt = x\n")
    (folder / "vms/web/kernel").write_bytes(b"kernel")
    status, output, _ = run("run.sh", "--print", "--channels", folder / "new", "--bundle", folder / "vms")
    assert status == 0 and f"path={folder}/new/port.agent@web.sock,server=on" in output
    assert re.findall(r"name=cairn\.port\.(\S+)", output) == ["agent@web", "org.x.0@web"]


def test_what_is_left_of_a_machine_is_in_nobodys_way(run, folder):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "monitor.sock"))
    assert print_machine(run, "--channels", folder)[0] == 0


def refused(run, folder, sentence, *arguments):
    status, output, errors = print_machine(run, "--channels", folder, *arguments)
    assert (status, output) == (2, "")
    first, hint = errors.splitlines()[-2:]
    assert first == f"run.sh: --channels: {sentence}" and hint.startswith("  ")


def test_folders_that_cannot_be(run, folder):
    (folder / "file").write_text("")
    refused(run, folder / "file", f"'{folder}/file' is no folder.")
    refused(run, folder / "file/x", f"'{folder}/file' is no folder.")
    deep = folder / ("d" * 100)
    refused(run, deep, f"'{deep}/monitor.sock' is too long for a socket: {len(str(deep)) + 13} bytes, and at most 107.")
    if os.getuid() != 0: # who may write everywhere
        (folder / "mine").mkdir(mode=0o500)
        refused(run, folder / "mine", f"cannot write to the folder '{folder}/mine'.")


def test_sockets_that_are_taken(run, folder):
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(folder / "vm.guest.sock"))
        taken.listen(1)
        refused(run, folder, f"somebody listens at '{folder}/vm.guest.sock' already.")
    (folder / "vm.guest.sock").unlink()
    (folder / "vm.guest.sock").write_text("")
    refused(run, folder, f"'{folder}/vm.guest.sock' is there, and is no socket.")


def test_a_machine_has_eight_slots(run, folder):
    (folder / "disk").write_bytes(bytes(512))
    disks = ["--disk", folder / "disk"] * 7
    assert print_machine(run, "--channels", folder, *disks)[0] == 0
    refused(run, folder, "the machine has 8 slots, and this wants 9, for consoles, disks and networks.", "--net", *disks)
