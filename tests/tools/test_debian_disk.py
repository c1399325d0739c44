# SPDX-License-Identifier: MIT
"""What `run.sh debian` does with a disk that is there: checked, grown, its kernel taken out. With a small one in
the place of Debian's."""
import shutil
import subprocess

import pytest

from conftest import ROOT

E2FSCK = "/usr/sbin/e2fsck"


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
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-d", files, base, "8M"], check=True)
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


def debugfs(disk, request):
    subprocess.run(["/usr/sbin/debugfs", "-w", "-R", request, disk], check=True, capture_output=True)


def test_a_new_disk_and_its_kernel(tree, make):
    assert make() == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "kernel"
    assert (tree / "my disk.img.initrd").read_text() == "initrd"
    assert (tree / "my disk.img").read_bytes() == (tree / ".cache/debian/base.img").read_bytes()


def test_what_is_on_the_disk_stays(tree, make):
    make()
    debugfs(tree / "my disk.img", "rm /boot/vmlinux-1")
    (tree / "new").write_text("newer kernel")
    subprocess.run(["/usr/sbin/debugfs", "-w", "-R", "write new /boot/vmlinux-1", "my disk.img"], check=True,
                   capture_output=True, cwd=tree)
    assert make() == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "newer kernel"
    assert make("--fresh") == (0, "")
    assert (tree / "my disk.img.kernel").read_text() == "kernel"


def test_a_disk_grows(tree, make):
    assert make("--disk-size=16M")[0] == 0
    assert (tree / "my disk.img").stat().st_size == 16 << 20
    subprocess.run([E2FSCK, "-fn", tree / "my disk.img"], check=True, capture_output=True)
    status, said = make("--disk-size=12M")
    assert status == 2
    assert said.startswith(f"debian_disk.sh: --disk-size: {tree}/my disk.img has 16 MiB, and a disk cannot shrink.\n")


def test_a_disk_without_a_kernel(tree, make):
    make()
    debugfs(tree / "my disk.img", "rm /vmlinuz")
    status, said = make()
    assert status == 2
    assert said.startswith(f"debian_disk.sh: {tree}/my disk.img: /vmlinuz leads to no file there.\n")


def test_a_damaged_disk(tree, make):
    make()
    with (tree / "my disk.img").open("r+b") as stream:
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
