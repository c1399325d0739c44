# SPDX-License-Identifier: MIT
"""Overlays that a disk of the machine's keeps: what a guest has flushed outlives its VM and the machine,
however that ends; and an overlay is never put over another image, nor over anything else."""
import hashlib
import re
import subprocess

import pytest

from cairn_machine import ROOT, guest_image, write_archive
from outcome import archive, ended
from test_disks import FAILURE, checks_of, image
from test_host_disks import CONF, PROMPT, WRITES, drives

AREA = 128 << 10  # header and bitmap
LINE = "kernel = kernel\nmemory = 16M\ndisk = disk.img,overlay=host:0\n"


@pytest.fixture
def debian_on_an_image(machine, debian, tmp_path):
    """Starts Debian with an ext4 file system in the archive, and a disk that keeps what it writes."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files/hello").write_text("from the archive\n")
    base, disk = tmp_path / "base.img", tmp_path / "kept.img"
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-J", "size=4", "-d", tmp_path / "files", base, "24M"], check=True)
    disk.touch()
    with disk.open("r+b") as stream:
        stream.truncate(AREA + base.stat().st_size)

    def start(smp=1, conf=""):
        modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
        m = machine(write_archive(tmp_path / "vms.cpio", {
            "guest/vm.conf": CONF + f"cpus = {smp}\ndisk = base.img,overlay=host:0\n{conf}",
            "guest/Image": debian["kernel"], "guest/base.img": base,
            "guest/initrd": debian["initrd"].read_bytes() + modules}), smp=smp, options=drives(disk))
        m.expect(PROMPT)
        m.command_output("dmesg -n 1; /etc/disks; mkdir /mnt", PROMPT)
        return m
    return start, base, disk


def test_what_is_written_is_there_at_the_next_start(debian_on_an_image):
    start, base, disk = debian_on_an_image
    m = start()
    assert m.command_output("sha256sum </dev/vda", PROMPT).split()[0] == hashlib.sha256(base.read_bytes()).hexdigest()
    assert m.command_output("cat /sys/block/vda/serial", PROMPT) == "base.img"
    assert m.command_output("mount /dev/vda /mnt && cat /mnt/hello", PROMPT) == "from the archive"
    m.command_output("dd if=/dev/urandom of=/mnt/data bs=64k count=64 2>/dev/null; rm /mnt/hello; sync", PROMPT)
    digest = m.command_output("sha256sum </mnt/data", PROMPT)
    m.stop()  # SIGKILL
    m = start(smp=2)
    m.command_output("mount /dev/vda /mnt", PROMPT)
    assert m.command_output("sha256sum </mnt/data", PROMPT) == digest
    assert m.command_output("ls /mnt", PROMPT).split() == ["data", "lost+found"]
    m.command_output("echo more >/mnt/more; umount /mnt", PROMPT)
    whole = m.command_output("sha256sum </dev/vda", PROMPT)
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"
    assert disk.read_bytes()[:8] == b"CairnOvl"
    m = start()
    assert m.command_output("sha256sum </dev/vda", PROMPT) == whole
    m.send_line("reboot -f")
    m.expect(PROMPT)
    m.command_output("dmesg -n 1; /etc/disks", PROMPT)
    assert m.command_output("sha256sum </dev/vda", PROMPT) == whole


def test_what_was_flushed_outlives_the_machine(debian_on_an_image):
    """QEMU is killed amid writes, twice: the journal mends the file system, and what the guest has
    synchronized is there."""
    start, _, _ = debian_on_an_image
    for files in 10, 50:
        m = start()
        m.command_output("mount /dev/vda /mnt", PROMPT)
        m.send_line(WRITES)
        for _ in range(files):
            m.expect(r"\nkept \d+ [0-9a-f]{64}\r")
        m.stop()
        kept = re.findall(r"^kept (\d+) ([0-9a-f]{64})$", m.log, re.MULTILINE)
        in_flight = str((int(kept[-1][0]) + 1) % 40)
        expected = {name: digest for name, digest in kept if name != in_flight}
        m = start()
        m.command_output("mount /dev/vda /mnt", PROMPT)
        sums = m.command_output("sha256sum /mnt/[0-9]*", PROMPT)
        found = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  /mnt/(\d+)$", sums, re.MULTILINE)}
        assert {name: found.get(name) for name in expected} == expected
        m.stop()


def kept_disk(path, bytes_in_front=b"", size=AREA + (1 << 20)):
    path.write_bytes(bytes_in_front.ljust(size, b"\0"))
    return path


@pytest.mark.parametrize("smp, cpus", [(1, 1), (4, 2)])
def test_the_device_keeps_the_rules(machine, tmp_path, smp, cpus):
    """Those of disks in memory; the bitmap on the disk is of what the guest has written."""
    m = machine(archive(tmp_path, LINE + f"disk = disk.img,ro\ncpus = {cpus}\n", kernel=guest_image("disk_check"),
                        **{"disk.img": image()}), smp=smp, options=drives(kept_disk(tmp_path / "kept.img")))
    checks_of(m, timeout=240)
    ended(m)
    assert FAILURE.findall(m.log) == []


OF_OTHERS = "something else is on that disk; an overlay begins on zeroes"


@pytest.mark.parametrize("disk, said", [
    ({"bytes_in_front": b"\0" * 1080 + b"\x53\xef"}, OF_OTHERS),
    ({"bytes_in_front": b"\0" * 510 + b"\x55\xaa"}, OF_OTHERS),
    ({"size": AREA + (1 << 20) - 512},
     "the disk is too small for an overlay of disk.img, which takes 1179648 bytes"),
])
def test_a_disk_that_will_not_do_stays_as_it_is(machine, tmp_path, disk, said):
    kept = kept_disk(tmp_path / "kept.img", **disk)
    before = kept.read_bytes()
    m = machine(archive(tmp_path, LINE, **{"disk.img": image()}), options=drives(kept))
    assert f"cairn: guest/vm.conf:3: disk: host:0: {said}" in ended(m, status=1)
    assert kept.read_bytes() == before


def test_one_that_is_read_only_or_not_there(machine, tmp_path):
    kept = kept_disk(tmp_path / "kept.img")
    m = machine(archive(tmp_path, LINE, **{"disk.img": image()}), options=drives(f"{kept},ro"))
    assert "cairn: guest/vm.conf:3: disk: host:0: the disk is read-only" in ended(m, status=1)
    m = machine(archive(tmp_path, LINE, **{"disk.img": image()}))
    assert ("cairn: guest/vm.conf:3: disk: host:0: this machine has no such disk: it has 0, counted from host:0"
            in ended(m, status=1))


def runs(m):
    m.expect("Type something")
    m.send("q")
    ended(m)


def test_an_overlay_goes_with_its_image_alone(machine, tmp_path):
    """It is begun by the first run; then the image is another one, in one byte or in its size; and then the
    first one again, for two disks at once."""
    kept = kept_disk(tmp_path / "kept.img")
    runs(machine(archive(tmp_path, LINE, **{"disk.img": image()}), options=drives(kept)))
    begun = kept.read_bytes()
    assert begun[:8] == b"CairnOvl"
    other = bytearray(image())
    other[777_777] ^= 1
    for changed in bytes(other), image(2047):
        m = machine(archive(tmp_path, LINE, **{"disk.img": changed}), options=drives(kept))
        lines = ended(m, status=1)
        assert ("cairn: guest/vm.conf:3: disk: host:0: the overlay on that disk is of another image") in lines
    assert kept.read_bytes() == begun
    m = machine(archive(tmp_path, LINE + "disk = disk.img,overlay=host:0\n", **{"disk.img": image()}),
                options=drives(kept))
    assert "cairn: guest/vm.conf:4: disk: host:0: a VM has it already, or a part of it" in ended(m, status=1)
    runs(machine(archive(tmp_path, LINE, **{"disk.img": image()}), options=drives(kept)))
