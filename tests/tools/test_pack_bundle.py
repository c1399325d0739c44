# SPDX-License-Identifier: MIT
"""The archives of tools/newc.py and tools/pack_bundle.py, read back by cpio(1)."""
import subprocess

import pytest

import newc


def unpack(archive, folder):
    folder.mkdir()
    subprocess.run(["cpio", "-idm", "--quiet"], stdin=archive.open("rb"), cwd=folder, check=True)
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", range(9))
def test_every_padding(tmp_path, size):
    archive = tmp_path / "a.cpio"
    with archive.open("wb") as stream:
        writer = newc.Writer(stream)
        for length in range(1, 6):
            writer.file("n" * length, b"d" * size)
        writer.finish()
    files = unpack(archive, tmp_path / "out")
    assert files == {"n" * length: b"d" * size for length in range(1, 6)}
    assert archive.stat().st_size % 4 == 0


def test_one_vm(run, tmp_path):
    (tmp_path / "k").write_bytes(b"kernel!")
    (tmp_path / "i").write_bytes(b"initrd")
    status, _, _ = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--kernel",
                       tmp_path / "k", "--initrd", tmp_path / "i", "--cpus", 2, "--memory", "64M",
                       "--append", "console=ttyS0 quiet")
    assert status == 0
    assert unpack(tmp_path / "a.cpio", tmp_path / "out") == {
        "guest/vm.conf": b"cpus = 2\nmemory = 64M\nkernel = kernel\ninitrd = initrd\n"
                         b"append = console=ttyS0 quiet\n",
        "guest/kernel": b"kernel!",
        "guest/initrd": b"initrd",
    }


def test_bundle_is_packed_as_it_is(run, tmp_path):
    for name, content in {"a/vm.conf": "x", "b/vm.conf": "", "b/sub/file": "yz"}.items():
        path = tmp_path / "vms" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    status, _, _ = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--bundle",
                       tmp_path / "vms")
    assert status == 0
    assert unpack(tmp_path / "a.cpio", tmp_path / "out") == {
        "a/vm.conf": b"x", "b/vm.conf": b"", "b/sub/file": b"yz"}


def test_same_input_same_archive(run, tmp_path):
    (tmp_path / "k").write_bytes(b"kernel")
    for name in ("a", "b"):
        run("tools/pack_bundle.py", "--output", tmp_path / name, "--kernel", tmp_path / "k")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_missing_file_is_named(run, tmp_path):
    status, _, errors = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--kernel",
                            tmp_path / "nothing")
    assert status != 0
    assert "nothing: No such file" in errors
