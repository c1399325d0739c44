# SPDX-License-Identifier: MIT
"""Cores of guests on the machine's disks, as gdb-multiarch reads them."""
import re
import struct
import subprocess

import pytest

from cairn_machine import GUESTS, ROOT, guest_image, write_archive
from channels_session import CAIRNCTL, LIMIT, Channels
from monitor_session import PROMPT, command, of_kind, records, to_monitor
from outcome import ended
from test_host_disks import drives

SYMBOLS = ROOT / "build/target/tests/guests/guest_{}.elf"
DISK_BYTES = 32 << 20


def empty_disk(path, size=DISK_BYTES):
    """What is on it is no core: a dump has to overwrite that."""
    path.write_bytes(b"\xa5" * 4096)
    with path.open("r+b") as stream:
        stream.truncate(size)
    return path


def archive(path, guest="demo", conf="", name="guest"):
    return write_archive(path, {f"{name}/vm.conf": f"kernel = kernel\nmemory = 16M\n{conf}",
                                f"{name}/kernel": guest_image(guest)})


def gdb(core, symbols, *commands, osabi="auto"):
    """What gdb says of a core, in batch. It knows of CSRs where it does not take it for one of Linux's."""
    arguments = ["gdb-multiarch", "-nx", "-batch", "-iex", f"set osabi {osabi}", "-ex", "set architecture riscv:rv64", symbols,
                 "-c", core]
    for each in commands:
        arguments += ["-ex", each]
    done = subprocess.run(list(map(str, arguments)), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    print(done.stdout)
    return done.stdout


def program_headers(core):
    """The ELF header's claims, and each PT_LOAD as (address, offset, stored, size)."""
    raw = core.read_bytes()
    assert raw[:7] == b"\x7fELF\x02\x01\x01"
    kind, machine = struct.unpack_from("<HH", raw, 16)
    assert (kind, machine) == (4, 243)
    begin, = struct.unpack_from("<Q", raw, 32)
    size, count = struct.unpack_from("<HH", raw, 54)
    assert size == 56
    rows = [struct.unpack_from("<IIQQQQQQ", raw, begin + n * size) for n in range(count)]
    assert rows[0][0] == 4 and all(row[0] == 1 for row in rows[1:])
    return [(row[4], row[2], row[5], row[6]) for row in rows[1:]], raw


def test_dump_of_a_running_guest(machine, tmp_path):
    """It stands still meanwhile, and goes on; its registers, frames and memory are in the core."""
    disk = empty_disk(tmp_path / "core.img")
    m = machine(archive(tmp_path / "vms.cpio", conf="cpus = 2\ncore = host:0\n"), smp=2, options=drives(disk))
    m.expect("Type something")
    to_monitor(m)
    dump, = of_kind(records(m, "dump guest"), "dump")
    assert dump["vm"] == "guest" and dump["vmcoreinfo"] is False
    command(m, "list", r"guest +2 +16 MiB +running")
    m.expect(PROMPT)
    m.send("\x1d") # the guest echoes what is typed
    m.send("x")
    m.expect("x")
    to_monitor(m)
    command(m, "quit", "turned off")
    assert m.wait_exit() == 0

    loads, raw = program_headers(disk)
    assert len(loads) == dump["segments"]
    assert sum(size for *_, size in loads) == 16 << 20
    assert loads[0][0] == 0x8000_0000
    for before, after in zip(loads, loads[1:]):
        assert before[0] + before[3] == after[0]
    assert sum(stored for _, _, stored, _ in loads) < 4 << 20 # zeros are left out
    kernel = guest_image("demo").read_bytes()
    address, offset, stored, _ = next(each for each in loads if each[0] <= 0x8020_0000 < each[0] + each[3])
    at = offset + 0x8020_0000 - address
    assert raw[at:at + 64] == kernel[:64] and stored > 0x1000

    said = gdb(disk, str(SYMBOLS).format("demo"), "info threads", "bt", "info registers pc sp",
               "p cairn::guest::interrupt_handler", "x/8xb 0x80200000", "x/2xg 0x80f00000")
    assert "warning" not in said.lower()
    assert re.search(r"\* 1 .*cairn::", said)
    assert re.search(r"#\d+ .*cairn::guest::run", said)
    assert re.search(r"pc +0x802\w+\s+0x\w+ <cairn::(guest::)?\w+", said)
    assert "cairn::guest::(anonymous namespace)::on_interrupt" in said
    first = " *".join(f"\t0x{byte:02x}" for byte in kernel[:8])
    assert re.search(first, said)
    assert re.search(r"0x80f00000:\s+0x0{16}\s+0x0{16}", said) # never touched
    said = gdb(disk, str(SYMBOLS).format("demo"), "info registers satp sie", osabi="none")
    assert re.search(r"satp +0x0\b", said) and re.search(r"sie +0x20\b", said)


@pytest.mark.parametrize("policy, follows", [("dump", None), ("dump-restart", "starts again: on-crash = dump-restart")])
def test_a_guest_that_says_that_it_failed(machine, tmp_path, policy, follows):
    """SRST with reason 1; another VM goes on."""
    disk = empty_disk(tmp_path / "core.img")
    entries = {"guest/vm.conf": f"kernel = kernel\nmemory = 16M\nappend = fail\non-crash = {policy}\ncore = host:0\n",
               "guest/kernel": guest_image("hazards"),
               "other/vm.conf": "kernel = kernel\nmemory = 16M\nappend = 50\n", "other/kernel": guest_image("sleepers")}
    m = machine(write_archive(tmp_path / "vms.cpio", entries), options=drives(disk))
    lines = ended(m, status=1)
    begin = lines.index("vm guest: powered off, and says that it failed")
    dumped, = [line for line in lines[begin:] if line.startswith("vm guest: dumped to host:0: ")][:1]
    assert dumped.endswith("no VMCOREINFO note is in its memory")
    assert "vm other: powered off" in lines
    assert (f"vm guest: {follows}" in lines) == (follows is not None)
    said = gdb(disk, str(SYMBOLS).format("hazards"), "bt", "info registers a7 a6")
    assert "SIGABRT" in said
    assert re.search(r"a7 +0x53525354", said) and re.search(r"a6 +0x0\b", said)
    assert re.search(r"#\d+ .*cairn::guest::run", said)


def test_an_unexpected_end(machine, tmp_path):
    """What Cairn stops a guest for is a crash, too: its trap handler is nowhere."""
    disk = empty_disk(tmp_path / "core.img")
    m = machine(archive(tmp_path / "vms.cpio", "hazards", "append = jump-without-handler\non-crash = dump\ncore = host:0\n"),
                options=drives(disk))
    lines = ended(m, status=1)
    assert any(line.startswith("vm guest: stopped: its trap handler") for line in lines)
    assert any(line.startswith("vm guest: dumped to host:0: ") for line in lines)
    said = gdb(disk, str(SYMBOLS).format("hazards"), "info registers pc scause sepc", osabi="none")
    assert re.search(r"scause +0x1\b", said)


@pytest.mark.parametrize("size, mode, argument, says", [
    (1 << 20, "", "", "the disk is too small for what the VM has of its RAM"),
    (DISK_BYTES, ",ro", "", "the disk is read-only"),
    (DISK_BYTES, "", " host:1", "a VM has that disk, or another core is written to it"),
    (DISK_BYTES, "", " host:2", "this machine has no such disk"),
    (DISK_BYTES, "", " host:0/1", "that disk has no such partition, or its table cannot be read"),
    (DISK_BYTES, "", " disk", "write host:0 for the machine's first disk"),
])
def test_a_disk_that_cannot_be(machine, tmp_path, size, mode, argument, says):
    """It stays as it is, and so does the guest."""
    disks = [empty_disk(tmp_path / "a.img", size), empty_disk(tmp_path / "b.img")]
    before = [disk.read_bytes() for disk in disks]
    m = machine(archive(tmp_path / "vms.cpio", conf="core = host:0\ndisk = host:1\n"),
                options=drives(f"{disks[0]}{mode}", disks[1]))
    m.expect("Type something")
    to_monitor(m)
    command(m, f"dump guest{argument}", re.escape(says))
    command(m, "list", r"guest +1 +16 MiB +running")
    command(m, "quit", "turned off")
    assert m.wait_exit() == 0
    assert [disk.read_bytes() for disk in disks] == before


@pytest.mark.parametrize("conf, mode, says", [
    ("core = host:3\n", "", "host:3: this machine has no such disk"),
    ("core = host:0\n", ",ro", "host:0: the disk is read-only"),
    ("core = host:0\ndisk = host:0\n", "", "host:0: a VM has that disk, or another core is written to it"),
    ("core = host:0\n", "", None),
])
def test_what_would_be_in_the_way_of_a_core_is_told_at_once(machine, tmp_path, conf, mode, says):
    m = machine(archive(tmp_path / "vms.cpio", conf=f"on-crash = dump\n{conf}"),
                options=drives(f"{empty_disk(tmp_path / 'a.img')}{mode}"))
    m.expect("Type something")
    m.send("q")
    assert m.wait_exit() == 0
    told = [line for line in m.log.split("\n") if "would not be dumped" in line]
    assert told == ([f"vm guest: would not be dumped to {says}"] if says else [])


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_reset_amid_a_dump_leaves_the_vm_as_it_was_before(machine, tmp_path, state):
    """The dump holds it, which is no pause. The disk takes a few KiB a second."""
    channels = Channels()
    slow = ["-drive", f"if=none,id=slow,format=raw,file={empty_disk(tmp_path / 'a.img')},throttling.bps-write=16384",
            "-device", "virtio-blk-device,drive=slow"]
    m = channels.start(machine, ["guest"], archive(tmp_path / "vms.cpio"), options=slow)
    m.expect("Type something")
    channels.done("ensure", "guest", state)
    dump = subprocess.Popen([CAIRNCTL, "--dir", channels.folder, "dump", "guest", "host:0"], text=True,
                            stderr=subprocess.PIPE)
    m.send("\x1d")
    m.expect(PROMPT)
    while (now := records(m, "list")[0]["state"]) == state:
        pass
    assert now == "dumping"
    command(m, "reset guest", "vm guest: reset")
    assert dump.communicate(timeout=LIMIT)[1] == "cairnctl: guest: it was given up\n" and dump.returncode == 1
    channels.done("wait", "guest", state)
    m.send("console guest\r")
    if state == "paused":
        channels.done("resume", "guest")
    m.expect("Type something")
    channels.done("quit")
    assert m.wait_exit() == 0
    channels.close()


def test_debian(guest, debian, tmp_path):
    """Linux's own note about itself is found, and named in the core."""
    disk = empty_disk(tmp_path / "core.img", 512 << 20)
    m = guest(**debian, machine_options={"options": drives(disk)})
    m.expect("guest:~# ")
    to_monitor(m)
    dump, = of_kind(records(m, "dump guest host:0"), "dump")
    assert dump["vmcoreinfo"] is True
    m.send("\x1d")
    m.send_line("")
    assert m.command_output("uname -s", "guest:~# ") == "Linux"
    m.send_line("poweroff -f")
    assert m.wait_exit() == 0
    notes = subprocess.run(["readelf", "-n", str(disk)], text=True, capture_output=True).stdout
    assert "VMCOREINFO" in notes
    assert re.search(rb"OSRELEASE=\d+\.\d+", disk.read_bytes()[-(1 << 29):])
