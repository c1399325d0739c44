# SPDX-License-Identifier: MIT
"""The options of ./run.sh: what is wrong with them is said before anything is done."""
import os
import shlex
from pathlib import Path

import pytest

U_BOOT = Path("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin")
CHOICE = "debian, --kernel, --bundle, --demo and --u-boot each choose the guest."


@pytest.mark.parametrize("arguments, sentence", [
    (["--bogus"], "unknown option '--bogus'."),
    (["guest.img"], "unknown option 'guest.img'."),
    (["--cpus"], "--cpus wants a value."),
    (["--cpus", "many"], "--cpus wants a number from 1, and got 'many'."),
    (["--smp", "0"], "--smp wants a number from 1, and got '0'."),
    (["--memory", "12Q"], "--memory wants a size, and got '12Q'."),
    (["--heap", "12Q"], "--heap wants a size, and got '12Q'."),
    (["--machine-memory=lots"], "--machine-memory wants a size, and got 'lots'."),
    (["--kernel", "/nowhere/Image"], "--kernel: cannot read '/nowhere/Image'."),
    (["--kernel", "/dev"], "--kernel: cannot read '/dev'."),
    (["--bundle", "/nowhere"], "--bundle: '/nowhere' is no folder."),
    (["--bundle", "/dev"], "--bundle: no folder in '/dev' has a vm.conf."),
    (["--disk", "/nowhere/disk.img"], "--disk: cannot read '/nowhere/disk.img'."),
    (["--disk", "/nowhere/disk.img,ro"], "--disk: cannot read '/nowhere/disk.img'."),
    (["--disk", "/dev/null"], "--disk: '/dev/null' is no disk: it has no whole sectors of 512 bytes."),
    (["--base", "/dev/null"], "--base: '/dev/null' is no image: it has no whole sectors of 512 bytes."),
    (["--persist", "kept.img"], "--persist: there is no image that it goes with."),
    (["--persist="], "--persist wants a file."),
    (["debian", "--base", "/bin/true"], "--base: '/bin/true' is no image: it has no whole sectors of 512 bytes."),
    (["debian", "--persist", "kept.img"],
     "--base and --persist are about the one guest; debian has a disk, and in a bundle vm.conf says it."),
    (["--channels="], "--channels wants a folder."),
    (["--forward", "22"], "--forward wants two ports from 1 to 65535, and got '22'."),
    (["--forward", "2222:"], "--forward wants two ports from 1 to 65535, and got '2222:'."),
    (["--forward", "0:22"], "--forward wants two ports from 1 to 65535, and got '0:22'."),
    (["--forward=2222:65536"], "--forward wants two ports from 1 to 65535, and got '2222:65536'."),
    (["--forward", "1:2:3"], "--forward wants two ports from 1 to 65535, and got '1:2:3'."),
    (["--tap", "no/interface"], "--tap wants an interface, and got 'no/interface'."),
    (["--tap", "tap0,script=x"], "--tap wants an interface, and got 'tap0,script=x'."),
    (["--tap", "tap0", "--forward", "1:2"], "--forward is about QEMU's user network, and --tap has another."),
    (["--kernel", "/dev/null", "--u-boot"], CHOICE),
    (["--demo", "--bundle", "/dev"], CHOICE),
    (["debian", "--demo"], CHOICE),
    (["--demo", "debian"], "unknown option 'debian'."),
    (["--fresh"], "--image, --disk-size and --fresh are about Debian's disk."),
    (["--image", "disk.img"], "--image, --disk-size and --fresh are about Debian's disk."),
    (["debian", "--disk-size", "lots"], "--disk-size wants a size, and got 'lots'."),
    (["debian", "--image", "/nowhere/disk.img"], "--image: there is no folder '/nowhere'."),
    (["debian", "--initrd", __file__], "--initrd: Debian has its own, on its disk."),
])
def test_wrong_options(run, arguments, sentence):
    status, output, errors = run("run.sh", *arguments)
    assert (status, output) == (2, "")
    first, hint = errors.splitlines()
    assert first == f"run.sh: {sentence}"
    assert hint.startswith("  ") and hint.strip()


def test_debian_has_one_of_seven_disks(run, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(512))
    status, output, errors = run("run.sh", "debian", *["--disk", tmp_path / "disk"] * 7)
    assert (status, output) == (2, "")
    assert errors.startswith("run.sh: --disk: a machine has at most 7, and Debian has one.\n  ")


@pytest.mark.parametrize("option", ["--kernel", "--initrd"])
def test_file_larger_than_the_guest(run, tmp_path, option):
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(5 << 30)
    status, output, errors = run("run.sh", option, tmp_path / "large")
    assert (status, output) == (2, "")
    assert errors == (f"run.sh: {option}: '{tmp_path}/large' has 5120 MiB, and the guest's memory is "
                      "512M.\n  As in: --memory 5184M\n")


def test_help_names_every_option(run):
    status, output, _ = run("run.sh", "--help")
    assert status == 0
    for option in ["--kernel", "--initrd", "--append", "--cpus", "--memory", "--bundle", "--demo",
                   "--u-boot", "debian", "--image", "--disk-size", "--fresh", "--smp", "--machine-memory", "--cpu", "--uefi", "--heap", "--gdb",
                   "--timeout", "--disk", "--base", "--persist", "--net", "--forward", "--tap", "--channels", "--build-only", "--print", "--mirror", "--help", "-- "]:
        assert option in output


def test_print_shows_a_command_that_works(run):
    status, output, _ = run("run.sh", "--demo", "--cpus", 2, "--cpu", "rv64,sstc=false", "--memory",
                            "3G", "--print", "--", "-d", "guest_errors", "-name", "two words")
    assert status == 0
    command = shlex.split(output)
    assert command[0] == "qemu-system-riscv64"
    named = dict(zip(command, command[1:]))
    assert (named["-smp"], named["-cpu"], named["-m"]) == ("2", "rv64,sstc=false", "4096M")
    assert command[-4:] == ["-d", "guest_errors", "-name", "two words"]
    assert os.path.isfile(named["-kernel"]) and os.path.isfile(named["-initrd"])


def test_files_that_the_machine_has_no_room_for(run):
    status, output, errors = run("run.sh", "--demo", "--machine-memory", "16M", "--print")
    assert (status, output) == (2, "")
    assert ("run.sh: --machine-memory: the guests' files have 1 MiB, for which a machine with 16M has no room.\n"
            "  As in: --machine-memory 1025M\n") in errors


@pytest.mark.parametrize("options, sentence, hint", [
    (["--demo", "--memory", "900000G"], "--memory: this computer has no room for a machine of 921601024M.",
     "As in: --memory 1G"),
    (["--demo", "--machine-memory=900000G"], "--machine-memory: this computer has no room for a machine of 900000G.",
     "As in: --machine-memory 1G"),
    (["--bundle"], "--bundle: its VMs have 921600064M of memory, and this computer has no room for a machine of 921601088M.",
     "Most has large/vm.conf:2: memory = 900000G. A smaller machine: --machine-memory 4G"),
])
def test_a_machine_that_the_computer_has_no_room_for(run, tmp_path, options, sentence, hint):
    for name, memory in [("large", "900000G"), ("small", "64M")]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "vm.conf").write_text(f"kernel = k\nmemory = {memory}\n")
    folder = [tmp_path] if options == ["--bundle"] else []
    status, output, errors = run("run.sh", *options, *folder)
    assert (status, output, errors) == (2, "", f"run.sh: {sentence}\n  {hint}\n")


def test_u_boot_is_packed_as_the_kernel(run):
    status, output, _ = run("run.sh", "--u-boot", "--memory", "64M", "--print")
    assert status == 0
    command = shlex.split(output)
    packed = Path(dict(zip(command, command[1:]))["-initrd"]).read_bytes()
    assert U_BOOT.read_bytes() in packed and b"memory = 64M\n" in packed


def test_disks_are_the_machines_and_the_guests(run, tmp_path):
    for name in ("a,1.img", "b.img"):
        (tmp_path / name).write_bytes(bytes(1024))
    status, output, _ = run("run.sh", "--demo", "--disk", tmp_path / "a,1.img", "--disk", f"{tmp_path}/b.img,ro",
                            "--print")
    assert status == 0
    command = shlex.split(output)
    assert [value for option, value in zip(command, command[1:]) if option == "-drive"] == [
        f"if=none,id=disk0,format=raw,discard=unmap,werror=report,file={tmp_path}/a,,1.img",
        f"if=none,id=disk1,format=raw,discard=unmap,werror=report,file={tmp_path}/b.img,readonly=on"]
    packed = Path(dict(zip(command, command[1:]))["-initrd"]).read_bytes()
    assert b"disk = host:0\ndisk = host:1,ro\n" in packed


@pytest.mark.parametrize("size, needed", [(512, (128 << 10) + 512), (31 << 24, (128 << 10) + (31 << 24)),
                                          (32 << 24, (256 << 10) + (32 << 24))])
def test_a_file_that_keeps_an_overlay_is_made(run, tmp_path, size, needed):
    """As large as Cairn wants it (kernel/dev/virtio/disk_overlay_test.cpp), and only if it is not there."""
    base, kept = tmp_path / "base.img", tmp_path / "kept.img"
    for path, length in (base, size), (tmp_path / "other.img", 512):
        with path.open("wb") as stream:
            stream.truncate(length)
    arguments = ("--demo", "--disk", tmp_path / "other.img", "--base", base, "--persist", kept, "--memory", "1G")
    status, output, _ = run("run.sh", *arguments, "--print")
    assert status == 0
    assert kept.stat().st_size == needed
    command = shlex.split(output)
    drives = [value for option, value in zip(command, command[1:]) if option == "-drive"]
    assert drives[0] == f"if=none,id=disk0,format=raw,discard=unmap,werror=report,file={kept}"
    named = dict(zip(command, command[1:]))
    archive = Path(named["-initrd"])
    assert archive.stat().st_size > size
    assert (named["-m"] != "2048M") == (size >= 512 << 20) # files beyond 512 MiB are counted
    with archive.open("rb") as stream:
        assert b"disk = disk.img,overlay=host:0\ndisk = host:1\n" in stream.read(4096)
    kept.write_bytes(b"something")
    assert run("run.sh", *arguments, "--print")[0] == 0
    assert kept.read_bytes() == b"something"


def test_without_such_a_file_memory_keeps_it(run, tmp_path):
    (tmp_path / "base.img").write_bytes(bytes(512))
    status, output, _ = run("run.sh", "--demo", "--base", tmp_path / "base.img", "--print")
    assert status == 0
    command = shlex.split(output)
    assert b"disk = disk.img,overlay\n" in Path(dict(zip(command, command[1:]))["-initrd"]).read_bytes()


@pytest.mark.parametrize("options, network", [
    (["--net"], "user,id=net0"),
    (["--forward", "2222:22", "--forward=8080:80"],
     "user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:8080-:80"),
])
def test_the_machines_network_is_the_guests(run, options, network):
    status, output, _ = run("run.sh", "--demo", *options, "--print")
    assert status == 0
    command = shlex.split(output)
    at = command.index("-netdev")
    assert command[at:at + 4] == ["-netdev", network, "-device", "virtio-net-device,netdev=net0"]
    packed = Path(dict(zip(command, command[1:]))["-initrd"]).read_bytes()
    assert b"net = uplink\n" in packed


def test_there_is_room_for_six_disks_beside_uefi_and_network(run, tmp_path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(512))
    status, _, errors = run("run.sh", "--net", "--uefi", *["--disk", disk] * 7)
    assert status == 2
    assert errors.splitlines()[0] == "run.sh: --uefi and --net leave room for 6 disks."


def test_print_with_uefi(run):
    status, output, _ = run("run.sh", "--demo", "--uefi", "--heap", "3M", "--print")
    assert status == 0
    command = shlex.split(output)
    named = dict(zip(command, command[1:]))
    assert named["-kernel"].endswith("/qemu-riscv64_smode/u-boot.bin")
    assert named["-append"] == "heap=3M"
    assert "-initrd" not in command
    volume = named["-drive"].partition("file=")[2]
    assert os.path.isfile(volume)
