# SPDX-License-Identifier: MIT
"""Further ports of guests' virtio consoles: bytes between Debian's /dev/vport0p1 and a socket, both ways, and
who is slow, leaves, or comes again."""
import hashlib
import random
import time

import pytest

from cairn_machine import DEBIAN_INITRD, ROOT, write_archive
from channels_session import LIMIT, Channels
from outcome import ended

PROMPT = r"guest:~# "
CONF = """kernel = Image
initrd = initrd
memory = 256M
cpus = 2
port = agent
port = org.example.other.0
append = console=hvc0
"""
AGENT, OTHER = "agent@guest", "org.example.other.0@guest"
SIZE = 2_000_000 # more than sockets and queues hold
DATA = random.Random(48).randbytes(100_000)


@pytest.fixture
def channels():
    each = Channels()
    yield each
    each.close()


@pytest.fixture
def start(machine, debian, channels):
    """Debian with two ports, at those of the machine's."""
    def begin(ports=(AGENT, OTHER)):
        modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
        entries = {"guest/vm.conf": CONF, "guest/Image": debian["kernel"],
                   "guest/initrd": DEBIAN_INITRD.read_bytes() + modules}
        archive = write_archive(channels.folder / "vms.cpio", entries)
        m = channels.start(machine, ["guest", *ports], archive=archive, smp=2)
        m.expect(PROMPT)
        return m
    return begin


def says(m, command):
    return m.command_output(command, PROMPT)


def receive(end, count):
    data = b""
    while len(data) < count:
        more = end.recv(65536)
        assert more, f"the end after {len(data)} bytes"
        data += more
    return data


def test_bytes_go_both_ways(start, channels):
    m = start()
    assert says(m, "cat /sys/class/virtio-ports/vport0p*/name").split() == ["console", "agent", "org.example.other.0"]
    sums = hashlib.sha256(DATA).hexdigest()
    with channels.open(AGENT, "port") as end:
        # From the host. Nobody reads it yet, so it waits there; then all of it comes.
        end.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 10 * len(DATA):
                sent += end.send(DATA[sent % len(DATA):])
        end.settimeout(LIMIT)
        m.send_line(f"head -c {len(DATA)} </dev/vport0p1 | sha256sum")
        m.expect(f"{sums}  -")
        m.expect(PROMPT)
        # And back, to who does not read at first: the guest waits, its shell does not.
        says(m, f"dd if=/dev/urandom of=/out bs=1000 count={SIZE // 1000} 2>/dev/null")
        says(m, "cat /out >/dev/vport0p2 &")
        with channels.open(OTHER, "port") as other:
            got = receive(other, 1000)
            time.sleep(2)
            assert says(m, "echo goes on").startswith("goes on")
            got += receive(other, SIZE - len(got))
        assert says(m, "sha256sum </out").split()[0] == hashlib.sha256(got).hexdigest()
    m.send_line("poweroff -f")
    ended(m)


def test_open_and_closed_are_told_both_ways(start, channels):
    """To Debian, whose reader ends with what was sent last; and by QEMU's own events to whoever runs the machine."""
    m = start()
    assert says(m, "cat /dev/vport0p1") == ""  # nobody is there
    for words in ("one", "two"):
        m.send_line("until cat /dev/vport0p1 | grep .; do usleep 20000; done")
        with channels.open(AGENT, "port") as end:
            end.sendall(b"begin\n")
            m.expect(r"begin\r*\n")
            end.sendall(words.encode() + b"\n")
        m.expect(rf"{words}\r*\n")  # and the reader ends
        m.expect(PROMPT)
    # A guest that starts again, while somebody has the port.
    with channels.open(AGENT, "port") as end:
        m.send_line("cat /dev/vport0p1 &")
        m.expect(PROMPT)
        end.sendall(b"before\n")
        m.expect("before\r*\n")
        m.send_line("reboot -f")
        m.expect("'poweroff' ends it")
        m.expect(PROMPT)
        end.sendall(b"after\n")
        assert says(m, "head -n 1 /dev/vport0p1") == "after"
        says(m, "echo answer >/dev/vport0p1")
        assert receive(end, 7) == b"answer\n"
    m.send_line("poweroff -f")
    ended(m)


def test_a_machine_without_such_channels(start):
    """The ports are there, and closed."""
    m = start(ports=())
    assert says(m, "cat /sys/class/virtio-ports/vport0p2/name") == "org.example.other.0"
    assert says(m, "cat /dev/vport0p1 /dev/vport0p2") == ""
    m.send_line("poweroff -f")
    ended(m)
