# SPDX-License-Identifier: MIT
"""The disk for UEFI firmware: what mtools reads back from its volume."""
import subprocess

import pytest

import make_volume


@pytest.fixture
def volume(run, tmp_path):
    """Makes a volume of {option: bytes}; returns its path."""
    def make(**files):
        arguments = []
        for option, content in files.items():
            (tmp_path / option).write_bytes(content)
            arguments += [f"--{option}", tmp_path / option]
        (tmp_path / "more").write_bytes(b"more")
        status, _, errors = run("tools/make_volume.py", "--output", tmp_path / "esp.img", *arguments,
                                "--file", f"a/b c/more.txt={tmp_path / 'more'}")
        assert (status, errors) == (0, "")
        return tmp_path / "esp.img"
    return make


def read_back(path, name):
    return subprocess.run(["mtype", "-i", make_volume.volume_of(path), f"::/{name}"], check=True, capture_output=True).stdout


def test_files_are_where_firmware_and_cairn_look(volume):
    archive = bytes(range(256)) * 4096 * 50 # more than the smallest volume
    path = volume(image=b"MZ image", archive=archive)
    assert read_back(path, "EFI/BOOT/BOOTRISCV64.EFI") == b"MZ image"
    assert read_back(path, "EFI/cairn/vms.cpio") == archive
    assert read_back(path, "a/b c/more.txt") == b"more"


def test_volume_without_archive(volume):
    path = volume(image=b"MZ")
    listing = subprocess.run(["mdir", "-b", "-/", "-i", make_volume.volume_of(path), "::"], check=True, text=True,
                             capture_output=True).stdout
    assert "BOOTRISCV64.EFI" in listing and "vms.cpio" not in listing


def test_files_that_are_missing(run, tmp_path):
    status, _, errors = run("tools/make_volume.py", "--output", tmp_path / "esp.img", "--image",
                            tmp_path / "nothing")
    assert status == 1
    assert errors.startswith("make_volume.py: ") and "nothing" in errors
    assert not (tmp_path / "esp.img").exists()
