# SPDX-License-Identifier: MIT
"""What `run.sh debian` does with a disk that is there: checked, grown, its kernel taken out. With a small one in
the place of Debian's."""
import shutil
import struct
import subprocess

import debian_console
import partition_disk
import pytest

from conftest import ROOT

SBIN = "/usr/sbin"
E2FSCK = f"{SBIN}/e2fsck"
BEGIN = 1 << 20  # of the partition, in bytes
OFFSET = f"?offset={BEGIN}"


@pytest.fixture
def tree(tmp_path):
    """A tree of its own with the scripts, and a base that has a kernel and an initial RAM disk."""
    tree = tmp_path / "a tree"
    shutil.copytree(ROOT / "tools", tree / "tools")
    files = tmp_path / "files"
    (files / "boot").mkdir(parents=True)
    (files / "boot/vmlinux-1").write_text("kernel")
    (files / "boot/initrd.img-1").write_text("initrd")
    (files / "vmlinuz").symlink_to("boot/vmlinux-1")
    (files / "initrd.img").symlink_to("boot/initrd.img-1")
    base = tree / ".cache/debian/base.img"
    base.parent.mkdir(parents=True)
    with base.open("w+b") as stream:
        stream.truncate(16 << 20)
        partition_disk.write(stream)
    subprocess.run([f"{SBIN}/mke2fs", "-q", "-t", "ext4", "-J", "size=4", "-d", files, "-E", f"offset={BEGIN}", base,
                    "15M"], check=True)
    return tree


@pytest.fixture
def make(tree):
    """make(argument...) -> (status, what it said); the disk is `my disk.img` in the tree."""
    def call(*arguments):
        done = subprocess.run([tree / "tools/debian_disk.sh", *arguments, tree / "my disk.img"], text=True,
                              check=False, stdin=subprocess.DEVNULL, capture_output=True, cwd="/")
        assert done.stdout == ""
        return done.returncode, done.stderr

    return call


def debugfs(disk, *requests):
    subprocess.run([f"{SBIN}/debugfs", "-w", "-f", "-", f"{disk}{OFFSET}"], check=True, capture_output=True, text=True,
                   input="\n".join(requests) + "\n", cwd=disk.parent)


def entries(archive):
    """The names in an archive of the newc kind."""
    at = 0
    while not at or name != "TRAILER!!!":
        size, name_size = (int(archive[at + field:at + field + 8], 16) for field in (54, 94))
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        at += (110 + name_size + 3) // 4 * 4 + (size + 3) // 4 * 4
        yield name


def test_what_init_reads_of_a_virtio_console_is_a_shell_script():
    subprocess.run(["sh", "-n"], input=debian_console.SCRIPT, text=True, check=True)


def check_file_system(disk):
    subprocess.run([E2FSCK, "-fn", f"{disk}{OFFSET}"], check=True, capture_output=True)


def partition(disk):
    """(active, type, first sector, sectors) of the first record, and the signature."""
    sector = disk.read_bytes()[:512]
    active, kind, first, sectors = struct.unpack_from("<B3xB3xII", sector, 446)
    return (active, kind, first, sectors), sector[510:]


def test_a_new_disk_and_its_kernel(tree, make):
    assert make() == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "kernel"
    initrd = (tree / "my disk.img.initrd").read_bytes()
    assert initrd.endswith(b"initrd") and len(initrd) % 512 == len("initrd")
    assert list(entries(initrd)) == ["conf", "conf/conf.d", debian_console.FILE, "TRAILER!!!"]
    made, base = ((tree / name).read_bytes() for name in ("my disk.img", ".cache/debian/base.img"))
    behind_superblock = BEGIN + 2048  # e2fsck keeps the time there
    assert (made[:BEGIN], made[behind_superblock:]) == (base[:BEGIN], base[behind_superblock:])


def test_what_is_on_the_disk_stays(tree, make):
    make()
    (tree / "new").write_text("newer kernel")
    debugfs(tree / "my disk.img", "rm /boot/vmlinux-1", "write new /boot/vmlinux-1")
    assert make() == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "newer kernel"
    assert make("--fresh") == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "kernel"


def test_a_disk_grows(tree, make):
    """So that a copy of the superblock, in block group 3, is in what lies in the last MiB."""
    make()
    disk = tree / "my disk.img"
    assert partition(disk) == ((0x80, 0x83, 2048, 15 * 2048), b"\x55\xaa")
    blocks = 3 * 8192 + 1001  # of 1 KiB; a shorter group is none
    assert make(f"--disk-size={blocks + 1024}K")[0] == 0
    assert disk.stat().st_size == (blocks << 10) + BEGIN
    assert partition(disk) == ((0x80, 0x83, 2048, 2 * blocks), b"\x55\xaa")
    check_file_system(disk)
    said = subprocess.run([f"{SBIN}/dumpe2fs", "-h", "-o", f"superblock={3 * 8192 + 1}", "-o", "blocksize=1024",
                           f"{disk}{OFFSET}"], check=True, capture_output=True, text=True).stdout
    assert f"Block count:              {blocks}\n" in said
    status, said = make("--disk-size=24M")
    assert status == 2
    assert said.startswith(f"debian_disk.sh: --disk-size: {disk} has 25 MiB, and a disk cannot shrink.\n")


def test_no_room_for_a_partition(run, tmp_path):
    (tmp_path / "disk.img").write_bytes(bytes(BEGIN))
    status, _, said = run("tools/partition_disk.py", tmp_path / "disk.img")
    assert status == 1
    assert said == f"partition_disk.py: {tmp_path}/disk.img has no room for a partition behind its first MiB\n"
    assert run("tools/partition_disk.py", "--check", tmp_path / "disk.img") == (1, "", "")


def test_other_partitions_stay(tree, make):
    make()
    with (tree / "my disk.img").open("r+b") as stream:
        stream.seek(446 + 16)
        stream.write(bytes([0, 0, 0, 0, 0x82]))
    before = (tree / "my disk.img").read_bytes()
    status, said = make("--disk-size=32M")
    assert status == 1
    assert said == f"partition_disk.py: {tree}/my disk.img has other partitions, which this one would lie over\n"
    assert (tree / "my disk.img").read_bytes()[:512] == before[:512]


def test_what_the_journal_holds_is_written(tree, make):
    """A block of it, as after a QEMU that was killed."""
    make()
    disk = tree / "my disk.img"
    (tree / "block").write_bytes(b"\xa5" * 1024)
    debugfs(disk, "jo", "jw -b 14000 block", "jc")
    assert make() == (0, "")
    at = BEGIN + 14000 * 1024
    assert disk.read_bytes()[at:at + 1024] == b"\xa5" * 1024
    check_file_system(disk)


def test_a_disk_of_an_earlier_version(tree, make):
    """A file system without a partition. The disk stays as it is, and a base is made anew."""
    disk = tree / "my disk.img"
    subprocess.run([f"{SBIN}/mke2fs", "-q", "-t", "ext4", disk, "8M"], check=True)
    before = disk.read_bytes()
    status, said = make()
    assert status == 2
    assert said.startswith(f"debian_disk.sh: {disk} has no partition: an earlier version made it, and it stays as it is.\n")
    assert said.endswith("./run.sh debian --fresh\n")
    assert disk.read_bytes() == before
    shutil.copy(disk, tree / ".cache/debian/base.img")
    status, said = make("--fresh", "--mirror=http://localhost:1/debian")
    assert status == 2 and "could not fetch Debian's packages" in said
    assert disk.read_bytes() == before


def test_a_disk_without_a_kernel(tree, make):
    make()
    debugfs(tree / "my disk.img", "rm /vmlinuz")
    status, said = make()
    assert status == 2
    assert said.startswith(f"debian_disk.sh: {tree}/my disk.img: /vmlinuz leads to no file there.\n")


def test_a_damaged_disk(tree, make):
    make()
    with (tree / "my disk.img").open("r+b") as stream:
        stream.seek(BEGIN)
        stream.write(bytes(1 << 20))
    status, said = make()
    assert status == 2
    assert said.startswith(f"debian_disk.sh: the file system of {tree}/my disk.img is damaged. e2fsck says: ")
    assert said.splitlines()[-1].endswith("./run.sh debian --fresh")


def test_no_mirror(tree, make):
    """What cannot be fetched is said with the mirror's address."""
    (tree / ".cache/debian/base.img").unlink()
    status, said = make("--mirror=http://localhost:1/debian")
    assert status == 2
    assert "debian_disk.sh: could not fetch Debian's packages (trixie) from http://localhost:1/debian.\n" in said
