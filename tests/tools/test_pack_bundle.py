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


def test_links_are_followed_those_of_folders_too(run, tmp_path):
    (tmp_path / "vms/one").mkdir(parents=True)
    (tmp_path / "kernel").write_bytes(b"k" * 5000)
    (tmp_path / "vms/one/vm.conf").write_text("kernel = k\n")
    (tmp_path / "vms/one/k").symlink_to("../../kernel")
    (tmp_path / "vms/two").symlink_to("one")
    status, _, _ = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--bundle",
                       tmp_path / "vms")
    assert status == 0
    packed = (tmp_path / "a.cpio").read_bytes()
    assert all(name in packed for name in (b"one/k\0", b"two/k\0", b"two/vm.conf\0"))
    assert packed.count(b"k" * 5000) == 1


def test_a_link_to_nothing_is_named(run, tmp_path):
    (tmp_path / "vms/one").mkdir(parents=True)
    (tmp_path / "vms/one/k").symlink_to("nowhere")
    status, _, errors = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--bundle",
                            tmp_path / "vms")
    assert status != 0 and "one/k: No such file or directory" in errors


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


def test_same_bytes_lie_in_the_archive_once(run, tmp_path):
    """As hard links, which cpio(1) understands too; small files are not worth it."""
    image = bytes(range(256)) * 64
    for name in ("a", "b", "c"):
        (tmp_path / "vms" / name).mkdir(parents=True)
        (tmp_path / "vms" / name / "vm.conf").write_text("kernel = Image\n")
        (tmp_path / "vms" / name / "Image").write_bytes(image)
    (tmp_path / "vms/c/other").write_bytes(image[::-1])
    status, _, _ = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--bundle",
                       tmp_path / "vms")
    assert status == 0
    packed = (tmp_path / "a.cpio").read_bytes()
    assert packed.count(image) == 1 and packed.count(b"kernel = Image\n") == 3
    assert unpack(tmp_path / "a.cpio", tmp_path / "out") == {
        **{f"{name}/vm.conf": b"kernel = Image\n" for name in "abc"},
        **{f"{name}/Image": image for name in "abc"}, "c/other": image[::-1]}
    assert (tmp_path / "out/a/Image").stat().st_ino == (tmp_path / "out/c/Image").stat().st_ino


def test_same_input_same_archive(run, tmp_path):
    (tmp_path / "k").write_bytes(b"kernel")
    for name in ("a", "b"):
        run("tools/pack_bundle.py", "--output", tmp_path / name, "--kernel", tmp_path / "k")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def offset_of(archive, name):
    """Where cpio's own rules put the data of the file `name`, the last of its name."""
    data, at, found = archive.read_bytes(), 0, None
    while True:
        size, name_size = (int(data[at + place:at + place + 8], 16) for place in (54, 94))
        entry = data[at + 110:at + 110 + name_size].split(b"\0")[0]
        start = at + 110 + name_size + -(at + 110 + name_size) % 4
        assert name_size <= 4096
        if entry == b"TRAILER!!!":
            return found
        if entry == name.encode():
            found = start
        at = start + size + -size % 4


@pytest.mark.parametrize("align", [8, 64, 4096])
def test_aligned_data_after_everything(tmp_path, align):
    """Whatever stands before: every remainder of 4 in a page, those with too many NULs too."""
    for before in range(0, 4096, 4 if align == 4096 else 28):
        archive = tmp_path / "a.cpio"
        with archive.open("wb") as stream:
            writer = newc.Writer(stream)
            writer.file("before", b"x" * before)
            writer.file("vm/kernel", b"kernel", align=align)
            writer.finish()
        assert offset_of(archive, "vm/kernel") % align == 0


def test_aligned_archive_is_unpacked_by_cpio(tmp_path):
    for before in (0, 1700, 3836, 3840, 3844, 3848):
        archive = tmp_path / f"{before}.cpio"
        with archive.open("wb") as stream:
            writer = newc.Writer(stream)
            writer.directory("vm")
            writer.file("vm/before", b"x" * before)
            writer.file("vm/kernel", b"kernel", align=4096)
            writer.file("vm/initrd", b"initrd", align=4096)
            writer.finish()
        assert unpack(archive, tmp_path / str(before)) == {
            "vm/before": b"x" * before, "vm/kernel": b"kernel", "vm/initrd": b"initrd"}
        names = subprocess.run(["cpio", "-t", "--quiet"], stdin=archive.open("rb"), check=True,
                               capture_output=True, text=True).stdout.split()
        assert sorted(set(names)) == ["vm", "vm/before", "vm/initrd", "vm/kernel"]


@pytest.mark.parametrize("form", ["options", "bundle"])
def test_kernel_and_initrd_are_aligned(run, tmp_path, form):
    folder = tmp_path / "vms/guest"
    folder.mkdir(parents=True)
    (folder / "vm.conf").write_text("kernel = kernel\n")
    (folder / "kernel").write_bytes(b"k" * 5001)
    (folder / "initrd").write_bytes(b"i" * 4099)
    source = (["--bundle", tmp_path / "vms"] if form == "bundle" else
              ["--kernel", folder / "kernel", "--initrd", folder / "initrd"])
    for append in ("a", "ab", "abc", "abcd", "abcde"):
        options = source if form == "bundle" else [*source, "--append", append]
        status, _, _ = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", *options)
        assert status == 0
        for name in ("kernel", "initrd"):
            assert offset_of(tmp_path / "a.cpio", f"guest/{name}") % 4096 == 0


def test_missing_file_is_named(run, tmp_path):
    status, _, errors = run("tools/pack_bundle.py", "--output", tmp_path / "a.cpio", "--kernel",
                            tmp_path / "nothing")
    assert status != 0
    assert "nothing: No such file" in errors
