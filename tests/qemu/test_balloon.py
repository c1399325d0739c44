# SPDX-License-Identifier: MIT
"""Memory that a guest gives back by its balloon: another VM starts with it, and the guest has it again
when that one has ended. What the guest has kept stays as it is."""
import time

import pytest

from cairn_machine import ROOT, write_archive
from monitor_session import PROMPT as MONITOR, command, demo_vms, of_kind, records, to_monitor
from outcome import CRASHES

SHELL = r"guest:~# "
PATIENCE = 240
MIB = 1 << 20
CONF = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\n"


def debian_archive(debian, path, **vms):
    """Debians by name, each with these lines behind the usual ones in its vm.conf."""
    modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
    files = {"Image": debian["kernel"], "initrd": debian["initrd"].read_bytes() + modules}
    return write_archive(path, {f"{vm}/{name}": content for vm, conf in vms.items()
                                for name, content in {"vm.conf": CONF + conf, **files}.items()})


def says(m, text):
    return m.command_output(text, SHELL)


def fill(m, mib):
    """Writes zeros to /t/z. While Linux reports free memory, up to 32 pieces of 4 MiB at once, its programs cannot
    have those, and it ends some where the rest is too little: there is to be enough whenever the two meet."""
    assert int(says(m, "free -m | awk '/Mem/ { print $4 }'")) > 32 * 4 + mib + 32
    says(m, f"mkdir /t; mount -t tmpfs -o size=90% t /t; dd if=/dev/zero of=/t/z bs=64k count={16 * mib}")


def balloon(m):
    found, = of_kind(records(m, "balloon guest"), "balloon")
    return found


def wait_for(m, holds):
    """Asks for the balloon's figures until they are as wished; the last ones."""
    for _ in range(400):
        figures = balloon(m)
        if holds(figures):
            return figures
        m.send("top 1 --json\r") # a second of the machine's time
        m.expect(r'\{"kind":"end",[^\n]*\n')
        m.expect(MONITOR)
    raise AssertionError(f"the balloon stays as it is: {figures}")


def back_to(m, vm):
    command(m, f"console {vm}", f"console of {vm}: ")
    m.send("\n")
    m.expect(SHELL)


def free_frames(m):
    found, = of_kind(records(m, "frames"), "frames")
    return found["free"]


@pytest.mark.parametrize("smp, cpus", [(1, 1), (2, 2)])
def test_another_vm_starts_with_what_a_guest_gives_back(machine, debian, tmp_path, smp, cpus):
    """700 MiB are there for two VMs of 512 and 320 MiB. The first keeps 160, and has all again later."""
    m = machine(debian_archive(debian, tmp_path / "vms.cpio",
                               guest=f"memory = 512M\ncpus = {cpus}\nballoon = yes\nhalt = never\n",
                               other="memory = 320M\nautostart = no\n"), smp=smp, memory="900M")
    m.expect(SHELL, PATIENCE)
    says(m, "dmesg -n 1; sh /etc/balloon")
    says(m, "dd if=/dev/urandom of=/tmp/kept bs=64k count=128 2>/dev/null")
    digest = says(m, "sha256sum </tmp/kept")
    to_monitor(m)
    before = free_frames(m)
    command(m, "start other", r"memory: 320 MiB are more than the machine can give")
    command(m, "balloon guest 160M", MONITOR)
    figures = wait_for(m, lambda all: all["inside"] == 352 * MIB)
    assert figures["target"] == 160 * MIB and figures["memory"] == 512 * MIB and not figures["waits"]
    assert figures["given_back"] >= 320 * MIB # but for pieces of 2 MiB that are not whole
    said = wait_for(m, lambda all: all["total"] < 160 * MIB) # its own statistics, with its kernel left out
    assert said["available"] < said["total"] and said["free"] < said["total"]
    assert free_frames(m) >= before + figures["given_back"] - 4 * MIB
    assert of_kind(records(m, "list"), "vm")[0]["memory"] == 512 * MIB - figures["given_back"]
    assert of_kind(records(m, "info guest"), "memory")[0]["given_back"] == figures["given_back"]

    command(m, "start other", "vm other: 320 MiB at ")
    command(m, "console other", "console of other: ")
    m.expect(SHELL, PATIENCE)
    says(m, "mkdir /t; mount -t tmpfs -o size=90% t /t; dd if=/dev/urandom of=/t/a bs=64k count=16")
    says(m, "for n in $(seq 50); do cat /t/a; done >/t/z") # most of what it has
    to_monitor(m)
    back_to(m, "guest")
    assert says(m, "sha256sum </tmp/kept") == digest

    to_monitor(m)
    command(m, "balloon guest 512M", "balloon: its guest waits for memory that it gave back: the machine has none free")
    assert wait_for(m, lambda all: all["waits"])["inside"] > 100 * MIB
    back_to(m, "guest") # it is not the worse for that
    assert says(m, "sha256sum </tmp/kept") == digest
    to_monitor(m)
    command(m, "stop other", "vm other: turned off")
    assert wait_for(m, lambda all: all["inside"] == 0)["given_back"] == 0
    back_to(m, "guest")
    assert says(m, "sha256sum </tmp/kept") == digest
    fill(m, 200)
    assert says(m, "tr -d '\\0' </t/z | wc -c") == "0"
    assert says(m, "sha256sum </tmp/kept") == digest
    m.send_line("poweroff -f")
    m.expect("vm guest: powered off")
    m.expect(MONITOR)
    m.send("quit\r")
    assert m.wait_exit() == 0
    assert not any(crash in m.log for crash in CRASHES)
    assert "bytes of frames are free" not in m.log # which Cairn says where some are lost


def present(m):
    return of_kind(records(m, "info guest"), "memory")[0]["present"]


def test_free_memory_is_reported_and_a_reset_has_all_again_or_none(machine, debian, tmp_path):
    """Room for one VM of 384 MiB and not quite another. What the guest frees is not present any more. Reset
    with its memory in others' hands it stays off, with a sentence, and they do not notice."""
    m = machine(debian_archive(debian, tmp_path / "vms.cpio", guest="memory = 384M\nballoon = yes\nhalt = never\n",
                               other="memory = 384M\nautostart = no\n"), memory="728M")
    m.expect(SHELL, PATIENCE)
    says(m, "dmesg -n 1; sh /etc/balloon")
    fill(m, 70)
    to_monitor(m)
    before = present(m)
    back_to(m, "guest")
    says(m, "rm /t/z")
    to_monitor(m)
    deadline = time.monotonic() + PATIENCE # Linux reports a part of what is free each 2 s
    while present(m) >= before - 50 * MIB:
        assert time.monotonic() < deadline
        time.sleep(1)

    command(m, "balloon guest 96M", MONITOR)
    wait_for(m, lambda all: all["inside"] == 288 * MIB)
    command(m, "reset guest", "vm guest: reset")
    back_to(m, "guest")
    assert int(says(m, "free -m | awk '/Mem/ { print $2 }'")) > 288
    to_monitor(m)
    figures = balloon(m)
    assert figures["given_back"] == figures["inside"] == 0 and figures["target"] == 96 * MIB
    back_to(m, "guest")
    says(m, "dmesg -n 1; sh /etc/balloon") # it is still to keep no more
    to_monitor(m)
    wait_for(m, lambda all: all["given_back"] > 260 * MIB)

    command(m, "start other", "vm other: 384 MiB at ")
    command(m, "reset guest", "cairn: guest/vm.conf:4: memory: 384 MiB are more than the machine can give")
    command(m, "list", r"guest +1 +384 MiB +off")
    command(m, "console other", "console of other: ")
    m.expect(SHELL, PATIENCE)
    m.send_line("poweroff -f")
    m.expect("vm other: powered off")
    command(m, "start guest", "vm guest: 384 MiB at ")
    m.send("quit\r")
    assert m.wait_exit() == 1 # one could not go on
    assert not any(crash in m.log for crash in CRASHES)
    assert "bytes of frames are free" not in m.log


def test_without_a_balloon_there_is_nothing_to_ask(machine, tmp_path):
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab", a={"balloon": "yes"}))
    m.expect("Type something")
    to_monitor(m)
    command(m, "balloon b", "it has no balloon: its vm.conf needs balloon = yes")
    command(m, "balloon a 4M", "4M: write a size from 8M to all of its memory")
    command(m, "balloon a 9M", "write a size from 8M to all of its memory")
    command(m, "balloon c", "there is no VM of that name")
    command(m, "balloon a 8M", MONITOR)
    command(m, "balloon a", r"given back +0 bytes")
    m.send("quit\r")
    assert m.wait_exit() == 0
