# SPDX-License-Identifier: MIT
"""Archives of VMs that are wrong: the whole sentence, with file, line and key, and a clean end."""
import gzip
import re

import pytest

from cairn_machine import DEBIAN_KERNEL, HYPERVISOR, U_BOOT, guest_image, write_archive
from outcome import archive, ended

NO_ARCHIVE = ("cairn: no VM archive: give the boot loader one as its initrd "
              "(tools/pack_bundle.py makes it)")
ENDS_EARLY = "the archive ends in the middle of an entry"
NO_ENTRY = "no entry of an uncompressed cpio archive in newc format starts here"
COMPRESSED = "a compressed archive starts here; decompress it first"
GARBAGE = "neither zeroes nor another archive in newc format follow the archive's trailer"
KEYS = "cpus, memory, kernel, initrd, append, autostart, affinity, weight, on-power-off, on-crash, core, watchdog, console, halt, trace, disk, net, " \
       "rng, balloon, virtio-console, port, packed-rings"


def sentence(machine, path, **options):
    """The one line that Cairn says about the archive at `path`."""
    lines = ended(machine(path, **options), status=1)
    assert len(lines) == 1, lines
    return lines[0]


# --- the archive itself ---------------------------------------------------------------------------

def test_no_archive(machine):
    assert sentence(machine, None) == NO_ARCHIVE


def test_empty_archive(machine, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert sentence(machine, tmp_path / "empty") == NO_ARCHIVE


HEADER = 110  # bytes of an entry's header


def flip(data, at, content):
    return data[:at] + content + data[at + len(content):]


@pytest.mark.parametrize("damage, said", [
    pytest.param(lambda data: data[:1], f"byte 0: {ENDS_EARLY}", id="1-byte"),
    pytest.param(lambda data: data[:HEADER - 1], f"byte 0: {ENDS_EARLY}", id="half-a-header"),
    pytest.param(lambda data: data[:HEADER + 3], f"byte 0: {ENDS_EARLY}", id="half-a-name"),
    pytest.param(lambda data: data[:1000], f"byte 272: {ENDS_EARLY}", id="half-a-file"),
    pytest.param(lambda data: data[:data.rindex(b"070701")],
                 "byte {end}: the archive ends without its trailer", id="no-trailer"),
    pytest.param(lambda data: flip(data, 20, b"zz"), "byte 0: an archive entry's header has a "
                 "character that is no hexadecimal digit", id="bad-digit"),
    pytest.param(lambda data: data.replace(b"vm.conf\0", b"vm.confX"), "byte 116: an archive "
                 "entry's name does not end where its header says", id="open-name"),
    pytest.param(lambda data: flip(data, 116, b"070702"), f"byte 116: {NO_ENTRY}", id="bad-magic"),
    pytest.param(lambda data: flip(data, 116 + 54, b"ffffffff"), f"byte 116: {ENDS_EARLY}",
                 id="huge-file"),
    pytest.param(lambda data: flip(data, 116 + 94, b"ffffffff"), "byte 116: an archive entry's "
                 "name is longer than 4095 bytes", id="huge-name"),
    pytest.param(lambda data: bytes(i * 7 + 3 & 255 for i in range(5000)), f"byte 0: {NO_ENTRY}",
                 id="garbage"),
    pytest.param(gzip.compress, f"byte 0: {COMPRESSED}", id="gzip"),
    pytest.param(lambda data: data + bytes(388) + gzip.compress(data),
                 f"byte {{before+388}}: {COMPRESSED}", id="gzip-behind"),
    pytest.param(lambda data: data + bytes(3) + b"garbage", f"byte {{before+3}}: {GARBAGE}",
                 id="garbage-behind"),
    pytest.param(lambda data: data + data[:1000], f"byte {{before+272}}: {ENDS_EARLY}",
                 id="half-behind"),
])
def test_damaged_archive(machine, tmp_path, damage, said):
    path = archive(tmp_path)
    good = path.read_bytes()
    damaged = damage(good)
    path.write_bytes(damaged)
    said = re.sub(r"\{before\+(\d+)\}", lambda found: str(len(good) + int(found[1])), said)
    assert sentence(machine, path) == f"cairn: archive, {said.format(end=len(damaged))}"


@pytest.mark.parametrize("entries, said", [
    ({}, "the archive has no VM: none of its 0 files is a vm.conf in a folder"),
    ({"guest/kernel": b"k"}, "the archive has no VM: none of its 1 file is a vm.conf in a folder"),
    ({"vm.conf": b""}, "vm.conf: is not where a VM's is; put it into a folder at the top of the "
     "archive, as NAME/vm.conf"),
    ({"bad name/vm.conf": b""}, "'bad name/vm.conf': the folder's name cannot be a VM's; use up to "
     "32 letters, digits, '-', '_' and '.', with no '.' first"),
])
def test_archive_without_vm(machine, tmp_path, entries, said):
    assert sentence(machine, write_archive(tmp_path / "a", entries)) == f"cairn: {said}"


# --- vm.conf --------------------------------------------------------------------------------------

K = "kernel = kernel\n"


@pytest.mark.parametrize("conf, said", [
    (K + "memroy = 64M\n", f":2: 'memroy' is not a key; did you mean 'memory'? The keys are: {KEYS}"),
    (K + "colour = red\n", f":2: 'colour' is not a key; the keys are: {KEYS}"),
    (K + "memory = 12Q\n", ":2: memory: '12Q' is not a size; write a number with K, M or G, for "
     "example 512M"),
    (K + "memory = 65M\n", ":2: memory: '65M' is not a multiple of 2 MiB; write for example 512M"),
    (K + "memory = 4M\n", ":2: memory: '4M' is 4 MiB, too little; a VM has at least 8 MiB"),
    (K + "memory = 512\n", ":2: memory: '512' is 512 bytes, too little; a VM has at least 8 MiB "
     "(for MiB write 512M)"),
    (K + "cpus = two\n", ":2: cpus: 'two' is not a number; write one in decimal, for example 1"),
    (K + "cpus = 33\n", ":2: cpus: '33' is out of range; write a number from 1 to 32"),
    (K + "cpus = 0\n", ":2: cpus: '0' is out of range; write a number from 1 to 32"),
    (K + "affinity = 1-\n", ":2: affinity: '1-' is no list of harts; write numbers and ranges, for "
     "example 0,2-3"),
    (K + "affinity = 1\n", ":2: affinity: no hart of this list runs guests; this machine has one, "
     "number 0"),
    (K + "weight = 0\n", ":2: weight: '0' is out of range; write a number from 1 to 10000"),
    (K + "on-crash = restrat\n", ":2: on-crash: 'restrat' is not one of its values; did you mean 'restart'? "
     "They are: stop, restart, dump, dump-restart"),
    (K + "on-crash = dump\n", ":2: on-crash: 'dump' writes to one of the machine's disks; name it, for example "
     "core = host:0"),
    (K + "watchdog = 30\n", ":2: watchdog: '30' is no time; write 1s to 3600s, for example 30s"),
    (K + "core = disk.img\n", ":2: core: 'disk.img' is no disk of the machine's; write host:0 for its first, host:0/1 for a partition of that"),
    (K + "console = behind\n", ":2: console: 'behind' is not one of its values; they are: kept, "
     "front"),
    (K + "halt = nevr\n", ":2: halt: 'nevr' is not one of its values; did you mean 'never'? They "
     "are: last-vm, never"),
    (K + "# both\nmemory = 64M\n\nmemory = 64M\n",
     ":5: memory: is already set on line 3; keep one of the two"),
    (K + "disk = d.img\n", ":2: disk: 'd.img' is not in the archive; the folder has: kernel"),
    (K + "disk = kernel,overlai\n", ":2: disk: 'overlai' is not one of its values; did you mean "
     "'overlay'? They are: ro, overlay, overlay=host:N"),
    (K + "memory\n", ":2: 'memory' has no '='; write key = value, for example memory = 512M"),
    (K + "memory =\n", ":2: memory: has no value; write one behind the '=', or remove the line"),
    (K + "append = a\x01\n", ":2: column 11 has the byte 0x01, which is no text"),
    (K + f"append = {'x' * 2048}\n", ":2: append: has 2048 bytes; at most 2047 fit"),
    ("memory = 64M\n", ": kernel: is not set; name the file to start, for example kernel = Image"),
    ("", ": kernel: is not set; name the file to start, for example kernel = Image"),
    ("kernel = Image\n",
     ":1: kernel: 'Image' is not in the archive; the folder has: kernel"),
    (K + "initrd = gone.gz\n",
     ":2: initrd: 'gone.gz' is not in the archive; the folder has: kernel"),
    ("kernel = ../kernel\n",
     ":1: kernel: '../kernel' leads out of the VM's folder; name a file inside it"),
])
def test_wrong_vm_conf(machine, tmp_path, conf, said):
    assert sentence(machine, archive(tmp_path, conf)) == f"cairn: guest/vm.conf{said}"


@pytest.mark.parametrize("asked, machine_memory", [("64G", "512M"), ("1G", "1G")])
def test_more_memory_than_the_machine_has(machine, tmp_path, asked, machine_memory):
    line = sentence(machine, archive(tmp_path, f"{K}memory = {asked}\n"), memory=machine_memory)
    mebibytes = int(asked[:-1]) * 1024
    assert line.startswith("cairn: guest/vm.conf:2: memory: "
                           f"{mebibytes} MiB are more than the machine can give: ")
    assert line.endswith(" MiB in one piece")


# --- the files that it names ----------------------------------------------------------------------

def guest_with(offset, content):
    """The hazards guest with another field in its header."""
    return flip(guest_image("hazards").read_bytes(), offset, content)


J_SELF = b"\x01\xa0"  # j . (as c.j): the shortest raw binary that runs for ever


def debian_cut():
    if not DEBIAN_KERNEL.exists():
        pytest.skip("Debian's kernel is not fetched")
    return DEBIAN_KERNEL.read_bytes()[:5 << 20]


@pytest.mark.parametrize("kernel, said", [
    pytest.param(lambda: b"#!/bin/sh\n" * 20,
                 "is text, not a kernel", id="text"),
    pytest.param(lambda: b"hello", "is text, not a kernel", id="short-text"),
    pytest.param(lambda: bytes(5000), "is neither a RISC-V Linux Image, for its header has no magic "
                 "number RSC\\x05, nor a raw binary, for it does not start with an instruction",
                 id="zeroes"),
    pytest.param(lambda: b"", "is empty", id="empty"),
    pytest.param(lambda: gzip.compress(guest_image("demo").read_bytes()),
                 "is gzip-compressed; decompress it first (gzip -d)", id="gzip"),
    pytest.param(lambda: HYPERVISOR.read_bytes()[:8192], "is an ELF file (a vmlinux?); give the "
                 "RISC-V Linux Image, in a kernel tree arch/riscv/boot/Image, or a raw binary "
                 "(objcopy -O binary)", id="elf"),
    pytest.param(lambda: b"MZ" + bytes(200), "is an EFI program (or a kernel for another "
                 "architecture), not a RISC-V Linux Image", id="efi"),
    pytest.param(lambda: guest_with(0, b"")[:60], "has only 60 bytes; the header of a RISC-V Linux "
                 "Image alone has 64 bytes", id="half-a-header"),
    pytest.param(debian_cut, "is truncated: it has 5242880 bytes, and its section table needs "
                 "{sections}; copy it again", id="debian-cut"),
    pytest.param(lambda: guest_with(16, (100 << 20).to_bytes(8, "little")), "takes 100 MiB and does "
                 "not fit the VM's memory of 64 MiB; write memory = 104M or more", id="large"),
    pytest.param(lambda: J_SELF + bytes((61 << 20) - 2), "takes 61 MiB and does not fit the VM's "
                 "memory of 64 MiB; write memory = 66M or more", id="large-raw"),
    pytest.param(lambda: guest_with(16, b"\xff" * 8), "takes 17179869184 GiB and does not fit the "
                 "VM's memory of 64 MiB", id="absurd"),
    pytest.param(lambda: guest_with(24, b"\1"), "is a big-endian kernel; only little-endian ones "
                 "can run", id="big-endian"),
    pytest.param(lambda: guest_with(8, b"\1"), "wants to be loaded at the offset 0x200001, which is "
                 "no multiple of 4 KiB", id="unaligned"),
])
def test_wrong_kernel(machine, tmp_path, kernel, said):
    content = kernel()
    expected = f"cairn: guest/vm.conf:2: kernel: 'kernel' {said}"
    line = sentence(machine, archive(tmp_path, "memory = 64M\n" + K, kernel=content))
    before, _, after = expected.partition("{sections}")
    assert line.startswith(before) and line.endswith(after)
    assert "{sections}" in expected or line == expected


def test_kernel_that_ends_behind_its_header(machine, tmp_path):
    """Without a section table nobody can tell; its first instruction is then an illegal one."""
    m = machine(archive(tmp_path, kernel=guest_image("hazards").read_bytes()[:64]))
    assert ended(m, status=1)[-1] == ("vm guest: stopped: its trap handler at 0x0 is not in RAM, "
                                      "so it can only fault")


@pytest.mark.parametrize("size", [2, 5000, 100_000])
def test_raw_binary_that_is_cut_off(machine, tmp_path, size):
    """No header tells its length: it starts, as the log says, and what is missing are zeroes."""
    if not U_BOOT.exists():
        pytest.skip("U-Boot is not installed")
    lines = ended(machine(archive(tmp_path, kernel=U_BOOT.read_bytes()[:size])), status=1)
    length = f"{size} bytes" if size < 1024 else f"{size / 1024:.1f} KiB"
    assert lines[1] == (f"vm guest: its kernel 'kernel' has no header: a raw binary of {length}, "
                        "started at 0x80200000")
    assert lines[-1] == ("vm guest: stopped: its trap handler at 0x0 is not in RAM, so it can only "
                         "fault")


def test_initrd_that_does_not_fit(machine, tmp_path):
    path = archive(tmp_path, K + "memory = 64M\ninitrd = initrd\n", initrd=bytes(63 << 20))
    assert sentence(machine, path) == (
        "cairn: guest/vm.conf:3: initrd: 'initrd' takes 63 MiB and does not fit the VM's memory of "
        "64 MiB beside the kernel; write memory = 70M or more")


def test_archive_where_no_vm_starts_by_itself(machine, tmp_path):
    path = archive(tmp_path, K + "memory = 16M\nautostart = no\n")
    assert sentence(machine, path) == ("cairn: no VM is started: autostart is off in the vm.conf of "
                                       "each")
