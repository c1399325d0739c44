# SPDX-License-Identifier: MIT
"""The virtio console of guests, beside their UART: Debian with its console there, and what a guest prints."""
import pytest

from cairn_machine import DEBIAN_INITRD, ROOT, guest_image, write_archive
from monitor_session import ESCAPE, PROMPT as MONITOR, command, to_monitor
from outcome import archive, ended

PROMPT = r"guest:~# "
CONF = "kernel = Image\ninitrd = initrd\nmemory = 256M\ncpus = 2\nvirtio-console = yes\nappend = "


@pytest.fixture
def debian_on(machine, debian, tmp_path):
    """Debian with its modules, and a command line."""
    def start(append):
        modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
        entries = {"guest/vm.conf": CONF + append + "\n", "guest/Image": debian["kernel"],
                   "guest/initrd": DEBIAN_INITRD.read_bytes() + modules}
        return machine(write_archive(tmp_path / "vms.cpio", entries), smp=2)
    return start


def test_debian_logs_in_on_hvc0(debian_on):
    m = debian_on("console=hvc0")
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    assert says("tty") == "/dev/hvc0"
    assert says("cat /proc/consoles").split()[0] == "hvc0"
    assert says("cat /sys/class/virtio-ports/vport0p0/name") == "console"
    m.send_line("sh -c 'echo begins; exec sleep 1000'")
    m.expect("begins\r*\n")
    m.send("\x03")  # a terminal has job control
    m.expect(PROMPT)
    # Far more than the console's room: what is ahead of the wire waits.
    lines = says("seq 100000 104999").split()
    assert lines == [str(number) for number in range(100000, 105000)]
    m.send_line("dmesg -n 8; echo '<1>from the kernel' >/dev/kmsg")
    m.expect(r"\] from the kernel")  # before the prompt, or after
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"


def test_a_terminal_is_as_large_as_the_monitor_says(debian_on):
    m = debian_on("console=hvc0")
    m.expect(PROMPT)

    def rule(*lines):
        to_monitor(m)
        for line, answer in lines:
            command(m, line, answer)
            m.expect(MONITOR)
        m.send(ESCAPE)
        m.send_line("")
        m.expect(PROMPT)
    assert m.command_output("stty size", PROMPT) == "stty: standard input"  # it is not known
    rule(("size guest", r"columns\s+-\s"), ("size guest 100x30", ""), ("size guest", r"columns\s+100\s+\x10?\s*rows\s+30\s"),
         ("size guest 0x30", "0x30: write columns and rows from 1 to 65535, as in 80x24"),
         ("size nobody 80x24", "nobody: there is no VM of that name"))
    assert m.command_output("stty size", PROMPT) == "30 100"
    rule(("size guest 200x60", ""))
    assert m.command_output("stty size", PROMPT) == "60 200"
    to_monitor(m)
    command(m, "size guest 132x43", MONITOR)
    m.send("reset guest\r" + ESCAPE)
    m.expect("'poweroff' ends it")  # another run has it from its start
    m.expect(PROMPT)
    assert m.command_output("stty size", PROMPT) == "43 132"
    m.send_line("poweroff -f")
    ended(m)


def test_what_is_typed_is_the_uarts_while_that_is_read(debian_on):
    """A shell on ttyS0; the driver of hvc0 comes later, and takes nothing from it."""
    m = debian_on("console=ttyS0")
    m.expect(PROMPT)
    assert m.command_output("tty", PROMPT) == "/dev/ttyS0"
    m.command_output("sh /etc/console", PROMPT)
    m.command_output("until [ -e /sys/class/virtio-ports/vport0p0 ]; do usleep 20000; done", PROMPT)
    m.send_line("echo on both >/dev/hvc0")
    m.expect(r"on both\r*\n")  # two devices: before the UART's next prompt, or after
    m.send_line("poweroff -f")
    ended(m)


def test_each_way_prints_and_costs_something(machine, tmp_path):
    """The guest of tools/measure_console.py. What it measures is not looked at: speed is no test."""
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\nvirtio-console = yes\n",
                        kernel=guest_image("console_cost")))
    for way in ("uart", "virtio"):
        for size in (16, 80, 256, 4096):
            m.expect(rf"figure {way} {size} \d+\.\d")
    m.expect("console_cost: ends")
    ended(m)
