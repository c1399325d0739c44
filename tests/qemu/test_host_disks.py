# SPDX-License-Identifier: MIT
"""Disks of the machine's that are guests': Cairn drives them, modern or legacy, and what a guest writes
is in the file when the machine has ended."""
import hashlib
import re
import subprocess
import time

import pytest

from cairn_machine import ROOT, guest_image, write_archive
from monitor_session import command, of_kind, records, to_monitor
from outcome import archive, ended
from test_disks import FAILURE, checks_of, image

PROMPT = r"guest:~# "
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
CONF = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 256M\n"


def drives(*files, modern=False):
    """QEMU's options for disks; one that ends in `,ro` cannot be written to."""
    options = [*MODERN] if modern else []
    for number, file in enumerate(files):
        path, _, mode = str(file).partition(",")
        options += ["-drive", f"if=none,format=raw,file={path},id=d{number}" + (",readonly=on" if mode else ""),
                    "-device", f"virtio-blk-device,drive=d{number}"]
    return options


@pytest.fixture
def debian_archive(debian, tmp_path):
    def write(conf):
        modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
        return write_archive(tmp_path / "vms.cpio", {
            "guest/vm.conf": CONF + conf, "guest/Image": debian["kernel"],
            "guest/initrd": debian["initrd"].read_bytes() + modules})
    return write


@pytest.mark.parametrize("modern, smp, cpus", [(False, 1, 1), (True, 2, 2)])
def test_what_debian_writes_is_in_the_file(machine, debian_archive, tmp_path, modern, smp, cpus):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/hello").write_text("from the host\n")
    disk = tmp_path / "disk.img"
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-d", tmp_path / "files", disk, "24M"], check=True)
    m = machine(debian_archive(f"cpus = {cpus}\ndisk = host:0\n"), smp=smp, options=drives(disk, modern=modern))
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("dmesg -n 1; /etc/disks; mkdir /mnt")
    assert says("ls /sys/block/vda/mq").split() == [str(queue) for queue in range(cpus)]
    assert says("sha256sum </dev/vda").split()[0] == hashlib.sha256(disk.read_bytes()).hexdigest()
    assert says("mount /dev/vda /mnt && cat /mnt/hello") == "from the host"
    says("dd if=/dev/urandom of=/mnt/data bs=64k count=128 2>/dev/null; sync")
    digest = says("sha256sum </mnt/data").split()[0]
    says("umount /mnt")
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"
    subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], check=True, capture_output=True)
    dumped = subprocess.run(["/usr/sbin/debugfs", "-R", "cat data", disk], check=True, capture_output=True)
    assert hashlib.sha256(dumped.stdout).hexdigest() == digest


def test_a_disk_that_is_read_only_stays_as_it_is(machine, debian_archive, tmp_path):
    """By vm.conf, or by QEMU."""
    disks = [tmp_path / "a.img", tmp_path / "b.img"]
    for disk in disks:
        disk.write_bytes(image())
    m = machine(debian_archive("disk = host:1\ndisk = host:0,ro\n"), options=drives(disks[0], f"{disks[1]},ro"))
    m.expect(PROMPT)
    m.command_output("dmesg -n 1; /etc/disks", PROMPT)
    assert m.command_output("cat /sys/block/vd?/ro /sys/block/vd?/serial", PROMPT).split() == [
        "1", "1", "host:1host:0"]  # ids have no line ends
    m.command_output("dd if=/dev/zero of=/dev/vda bs=512 count=1; dd if=/dev/zero of=/dev/vdb bs=512 count=1",
                     PROMPT)
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"
    assert all(disk.read_bytes() == image() for disk in disks)


def test_an_error_of_the_disk_reaches_the_guest(machine, debian_archive, tmp_path):
    """QEMU's blkdebug fails every read of sector 100."""
    (tmp_path / "disk.img").write_bytes(image())
    (tmp_path / "errors").write_text('[inject-error]\nevent = "read_aio"\nsector = "100"\nerrno = "5"\n')
    options = ["-drive", f"if=none,id=d0,format=raw,file=blkdebug:{tmp_path}/errors:{tmp_path}/disk.img",
               "-device", "virtio-blk-device,drive=d0"]
    m = machine(debian_archive("disk = host:0\n"), options=options)
    m.expect(PROMPT)
    m.command_output("dmesg -n 1; /etc/disks", PROMPT)
    read = "dd if=/dev/vda of=/dev/null bs=512 count=1 skip={} 2>/dev/null && echo good || echo bad"
    for sector, becomes in (1000, "good"), (100, "bad"), (1500, "good"):
        answer = m.command_output(read.format(sector), PROMPT)
        assert answer.splitlines()[-1] == becomes
    m.send_line("poweroff -f")
    assert "vm guest: disk host:0: the machine's disk reports an error" in ended(m)


def test_a_slow_disk_holds_nobody(machine, debian_archive, tmp_path):
    """It takes seconds for each request, and the VM ends when those are over that it has asked for. Meanwhile
    the hart is there for the monitor."""
    (tmp_path / "disk.img").write_bytes(bytes(8 << 20))
    options = ["-drive", f"if=none,id=d0,format=raw,file={tmp_path}/disk.img,throttling.bps-total=16384",
               "-device", "virtio-blk-device,drive=d0"]
    m = machine(debian_archive("disk = host:0\nhalt = never\n"), options=options)
    m.expect(PROMPT)
    m.command_output("dmesg -n 1; /etc/disks", PROMPT)
    m.command_output("for n in 9 19 29; do dd if=/dev/vda bs=128k skip=$n count=1 >/dev/null 2>&1 & done", PROMPT)
    m.command_output("until grep '[1-9]  *0$' /sys/block/vda/inflight; do :; done", PROMPT)
    to_monitor(m)
    command(m, "stop guest", "vm guest: turned off")
    command(m, "list", r"guest .* ending")
    command(m, "pause guest", "guest: it is ending: a disk is still at its memory")
    while of_kind(records(m, "list"), "vm")[0]["state"] != "off":
        time.sleep(0.2)
    command(m, "start guest", "cairn> ")
    command(m, "console guest", PROMPT)
    m.command_output("dmesg -n 1; /etc/disks", PROMPT)
    assert m.command_output("dd if=/dev/vda bs=512 count=1 2>&- | wc -c", PROMPT) == "512"


# Each file is whole on the disk when its line comes; 24 MiB hold 40 of them.
WRITES = ("n=0; while :; do n=$((n + 1)); f=$((n % 40)); dd if=/dev/urandom of=/mnt/$f bs=64k count=4 2>/dev/null; "
          "d=$(sha256sum </mnt/$f); sync; echo kept $f ${d%% *}; done")


def contents(disk, name):
    return subprocess.run(["/usr/sbin/debugfs", "-R", f"cat {name}", disk], check=True, capture_output=True).stdout


@pytest.mark.parametrize("on, files", [("cairn", 25), ("cairn", 90), ("qemu", 25)])
def test_what_was_flushed_outlives_the_machine(machine, debian, debian_archive, tmp_path, on, files):
    """QEMU is killed amid writes, as by a power cut of the machine's: the journal mends the file system, and
    what the guest has synchronized is there. On bare QEMU it is the same."""
    disk = tmp_path / "disk.img"
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-J", "size=4", disk, "24M"], check=True)
    if on == "cairn":
        m = machine(debian_archive("disk = host:0\n"), options=drives(disk))
    else:
        modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
        (tmp_path / "initrd").write_bytes(debian["initrd"].read_bytes() + modules)
        m = machine(tmp_path / "initrd", kernel=debian["kernel"], append=debian["append"], options=drives(disk))
    m.expect(PROMPT)
    m.command_output("dmesg -n 1; /etc/disks; mkdir /mnt; mount /dev/vda /mnt", PROMPT)
    m.send_line(WRITES)
    for _ in range(files):
        m.expect(r"\nkept \d+ [0-9a-f]{64}\r")
    m.stop()
    kept = re.findall(r"^kept (\d+) ([0-9a-f]{64})$", m.log, re.MULTILINE)
    repaired = subprocess.run(["/usr/sbin/e2fsck", "-p", disk], check=False, capture_output=True)
    assert repaired.returncode <= 1, repaired.stdout # 4 and more: somebody would have to choose what to lose
    subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], check=True, capture_output=True)
    in_flight = str((int(kept[-1][0]) + 1) % 40)
    expected = {name: digest for name, digest in kept if name != in_flight}
    assert len(expected) >= min(files, 39)
    assert {name: hashlib.sha256(contents(disk, name)).hexdigest() for name in expected} == expected


@pytest.mark.parametrize("lines, count, said", [
    ("disk = host:0\n", 0, "guest/vm.conf:3: disk: host:0: this machine has no such disk: it has 0, counted from host:0"),
    ("disk = host:0\ndisk = host:3\n", 1,
     "guest/vm.conf:4: disk: host:3: this machine has no such disk: it has 1, counted from host:0"),
    ("disk = host:0\ndisk = host:0\n", 1, "guest/vm.conf:4: disk: host:0: a VM has it already, or a part of it"),
])
def test_a_disk_that_is_not_there(machine, tmp_path, lines, count, said):
    (tmp_path / "disk.img").write_bytes(image())
    path = archive(tmp_path, "kernel = kernel\nmemory = 16M\n" + lines)
    m = machine(path, options=drives(*[tmp_path / "disk.img"] * count))
    assert f"cairn: {said}" in ended(m, status=1)


def test_the_device_keeps_the_rules(machine, tmp_path):
    """Those of disks in memory."""
    for name in ("a.img", "b.img"):
        (tmp_path / name).write_bytes(image())
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\ndisk = host:0\ndisk = host:1,ro\n",
                        kernel=guest_image("disk_check")),
                options=drives(tmp_path / "a.img", tmp_path / "b.img"))
    checks_of(m, timeout=240)
    assert FAILURE.findall(m.log) == []
