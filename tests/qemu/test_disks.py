# SPDX-License-Identifier: MIT
"""Disks of guests, from the archive: the guest tests/guests/disk_check.cpp compares the device with its
specification; QEMU's own device, as a second opinion, fails exactly where DIFFERENCES says why."""
import hashlib
import re
import struct
import subprocess

import pytest

import pack_bundle
from cairn_machine import ROOT, TIMEOUT, guest_image, qemu_version, write_archive
from outcome import archive, ended

SECTORS = 2048
CONF = "kernel = kernel\nmemory = 16M\ndisk = disk.img,overlay\ndisk = disk.img,ro\n"
PROMPT = r"guest:~# "
# What QEMU 7.2's device does otherwise, and why Cairn's does not.
DIFFERENCES = {
    "no feature is offered beyond bit 63":
        "QEMU takes every DeviceFeaturesSel but 0 for the upper word; there are no such bits (section 4.2.2)",
    "FEATURES_OK is not set for a feature that is not offered":
        "QEMU leaves out what it does not offer, and says nothing; the driver is to see it (section 2.2.2)",
    "FEATURES_OK is not set without VERSION_1":
        "QEMU lets legacy drivers use the modern registers; Cairn's device has no other format (section 6.1)",
    "no buffer is used before DRIVER_OK":
        "QEMU begins when a queue is ready; the device MUST NOT consume buffers before (section 3.1.1)",
    "no interrupt comes before used_event":
        "QEMU's first interrupt after a reset comes in any case; it may, and costs an exit (section 2.7.7)",
    "DEVICE_NEEDS_RESET follows a buffer in no RAM":
        "QEMU reads and writes what is not there; Cairn takes it for the mistake that it is (section 2.1.2)",
    "a queue is reset by itself":
        "QEMU 7.2 offers RING_RESET on MMIO, and has no QueueReset (section 4.2.2)",
    "a request after it": "for the same reason",
}
FAILURE = re.compile(r"^failed: (.*)$", re.M)


def image(sectors=SECTORS):
    """Each sector holds its number, again and again."""
    return b"".join(struct.pack("<I", number) * 128 for number in range(sectors))


def checks_of(m, timeout=TIMEOUT):
    """(checks, failed) as the guest has counted them."""
    match = m.expect(r"disk_check: (\d+) checks, (\d+) failed\r*\n", timeout=timeout)
    return int(match[1]), int(match[2])


@pytest.mark.parametrize("smp, cpus", [(1, 1), (4, 1), (4, 2)])
def test_the_device_keeps_the_rules(machine, tmp_path, smp, cpus):
    m = machine(archive(tmp_path, CONF + f"cpus = {cpus}\n", kernel=guest_image("disk_check"),
                        **{"disk.img": image()}), smp=smp)
    checks, failed = checks_of(m)
    lines = ended(m)
    assert FAILURE.findall(m.log) == [] and failed == 0
    assert checks > 100
    assert lines[-1] == "vm guest: powered off"


def test_two_vms_on_one_image(machine, tmp_path):
    """Both write to their overlays of it, at the same time; neither sees the other's."""
    for name in ("a", "b"):
        folder = tmp_path / "vms" / name
        folder.mkdir(parents=True)
        (folder / "vm.conf").write_text(CONF)
        (folder / "kernel").write_bytes(guest_image("disk_check").read_bytes())
        (folder / "disk.img").write_bytes(image())
    packed = tmp_path / "vms.cpio"
    pack_bundle.write_archive(pack_bundle.parse(["--bundle", str(tmp_path / "vms"), "--output", str(packed)]))
    assert packed.stat().st_size < 2 * len(image())  # it is there once
    ended(machine(packed, smp=2))  # with success, so both have found nothing


def test_a_full_quota_is_an_error_of_the_disk(machine, tmp_path):
    m = machine(archive(tmp_path, CONF, kernel=guest_image("disk_check"), **{"disk.img": image()}),
                append="quota=256K")
    assert checks_of(m)[1] > 0
    lines = ended(m, status=1)
    assert "failed: half a disk is written" in lines
    assert ("vm guest: disk disk.img: a request fails for want of memory; the boot option "
            "quota=SIZE may give the VM more") in lines


@pytest.fixture
def debian_with_disks(machine, debian, tmp_path):
    """Debian with an ext4 file system on two disks: the first to be written to."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files/hello").write_text("from the archive\n")
    disk = tmp_path / "disk.img"
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-d", tmp_path / "files", disk, "24M"], check=True)
    modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
    entries = {"guest/vm.conf": "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 256M\n"
                                "cpus = 2\ndisk = disk.img,overlay\ndisk = disk.img\n",
               "guest/Image": debian["kernel"],
               "guest/initrd": debian["initrd"].read_bytes() + modules, "guest/disk.img": disk}
    return machine(write_archive(tmp_path / "vms.cpio", entries), smp=2), disk.read_bytes()


def test_debian_mounts_a_disk(debian_with_disks):
    m, disk = debian_with_disks
    digest = hashlib.sha256(disk).hexdigest()
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("dmesg -n 1; /etc/disks; mkdir /mnt")
    assert says("ls /sys/block/vda/mq").split() == ["0", "1"]  # a queue for each vCPU
    assert says("sha256sum </dev/vda").split()[0] == digest
    assert says("sha256sum </dev/vdb").split()[0] == digest
    assert says("cat /sys/block/vd?/ro /sys/block/vda/serial").split() == ["0", "1", "disk.img"]
    assert says("mount /dev/vda /mnt && cat /mnt/hello") == "from the archive"
    says("dd if=/dev/urandom of=/mnt/data bs=64k count=128 2>/dev/null")
    written = says("sha256sum </mnt/data")
    says("umount /mnt; echo 3 >/proc/sys/vm/drop_caches; mount /dev/vda /mnt")
    assert says("sha256sum </mnt/data") == written
    says("rm /mnt/data; fstrim /mnt; umount /mnt")
    assert says("sha256sum </dev/vda").split()[0] != digest
    assert says("sha256sum </dev/vdb").split()[0] == digest
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0


def test_qemus_device_is_a_second_opinion(machine, tmp_path):
    """For what it is known not to do the guest waits briefly."""
    for name in ("a.img", "b.img"):
        (tmp_path / name).write_bytes(image())
    drive = "if=none,format=raw,file.filename=" + str(tmp_path)
    m = machine(kernel=guest_image("disk_check"), append="qemu", options=[
        "-global", "virtio-mmio.force-legacy=false",
        "-drive", f"{drive}/a.img,id=a", "-device", "virtio-blk-device,drive=a,serial=disk",
        "-drive", f"{drive}/b.img,id=b,readonly=on", "-device", "virtio-blk-device,drive=b"])
    checks_of(m)
    failed = set(FAILURE.findall(m.log))
    assert failed <= set(DIFFERENCES)
    if qemu_version() < (8, 0):
        assert failed == set(DIFFERENCES)  # later ones may have fewer
