# SPDX-License-Identifier: MIT
"""Archives and options that are wrong: one sentence that says what and where, and a clean end."""
import pytest

from cairn_machine import guest_image, write_archive

CONF = "kernel = kernel\n"


def demo_with(conf, **more):
    return {"guest/vm.conf": conf, "guest/kernel": guest_image("demo"), **more}


def oversized_kernel():
    """The demo guest, whose header claims to need 1 GiB (image_size, at offset 16)."""
    image = bytearray(guest_image("demo").read_bytes())
    image[16:24] = (1 << 30).to_bytes(8, "little")
    return bytes(image)


def end_of(m):
    """The last line of a machine that has stopped with a failing status, and without a panic."""
    assert m.wait_exit() != 0
    assert "panic" not in m.log.lower() and "backtrace" not in m.log.lower()
    return "\n".join(m.lines()[2:])


@pytest.mark.parametrize("conf, sentence", [
    ("kernel = kernel\ncolour = red\n", r"guest/vm.conf:2: .*colour"),
    ("kernel = kernel\ncpus = many\n", r"guest/vm.conf:2: .*cpus.*many"),
    ("kernel = kernel\nmemory = 12Q\n", r"guest/vm.conf:2: .*memory.*12Q"),
    ("kernel = missing\n", r"guest/vm.conf:1: .*kernel.*missing"),
    ("kernel = kernel\ninitrd = gone\n", r"guest/vm.conf:2: .*initrd.*gone"),
    ("cpus = 1\n", r"guest/vm.conf.*kernel"),
    ("kernel = kernel\nmemory = 64G\n", r"guest.*(64 ?GiB|64G|65536 MiB)"),
])
def test_wrong_vm_conf(machine, tmp_path, conf, sentence):
    m = machine(write_archive(tmp_path / "a", demo_with(conf)))
    m.expect(sentence)
    end_of(m)


@pytest.mark.parametrize("kernel, sentence", [
    pytest.param(b"#!/bin/sh\n" * 100, r"guest/vm.conf:1: kernel: .*not a RISC-V Linux Image",
                 id="no-image"),
    pytest.param(b"MZ", r"guest/vm.conf:1: kernel: .*not a RISC-V Linux Image",
                 id="two-bytes"),
    pytest.param(b"", r"guest/vm.conf:1: kernel: .*is empty",
                 id="empty"),
    pytest.param(oversized_kernel, r"guest/vm.conf:1: kernel: .*1 GiB and does not fit",
                 id="oversized"),
])
def test_wrong_kernel(machine, tmp_path, kernel, sentence):
    content = kernel() if callable(kernel) else kernel
    m = machine(write_archive(tmp_path / "a", {"guest/vm.conf": CONF, "guest/kernel": content}))
    m.expect(sentence)
    end_of(m)


def test_initrd_that_does_not_fit(machine, tmp_path):
    entries = demo_with("kernel = kernel\ninitrd = initrd\nmemory = 16M\n")
    entries["guest/initrd"] = bytes(20 << 20)
    m = machine(write_archive(tmp_path / "a", entries))
    m.expect(r"guest/vm.conf:2: initrd: .*20 MiB and does not fit")
    end_of(m)


@pytest.mark.parametrize("length", [0, 1, 109, 110, 300, 10_000])
def test_truncated_archive(machine, tmp_path, length):
    path = write_archive(tmp_path / "a", demo_with(CONF))
    path.write_bytes(path.read_bytes()[:length])
    m = machine(path)
    m.expect("cairn: .*archive")
    end_of(m)


def test_corrupt_archive(machine, tmp_path):
    path = write_archive(tmp_path / "a", demo_with(CONF))
    path.write_bytes(b"\xff" * len(path.read_bytes()))
    m = machine(path)
    m.expect("cairn: .*archive")
    end_of(m)


def test_no_archive(machine):
    m = machine()
    m.expect("cairn: no VM archive")
    end_of(m)


@pytest.mark.parametrize("option, sentence", [
    ("heap=lots", "cairn: .*heap=lots"),
    ("heap=4K", "cairn: .*heap"),
    ("gstage=sv32x4", "cairn: .*gstage=sv32x4"),
    ("bogus", "cairn: .*bogus"),
])
def test_wrong_boot_option(machine, tmp_path, option, sentence):
    m = machine(write_archive(tmp_path / "a", demo_with(CONF)), append=option)
    m.expect(sentence)
    assert m.wait_exit() != 0
