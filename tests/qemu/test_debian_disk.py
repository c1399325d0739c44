# SPDX-License-Identifier: MIT
"""A whole Debian from a disk, as `./run.sh debian` starts it. On demand, for making the disk takes minutes:

    CAIRN_DEBIAN_DISK=1 /usr/bin/python3 -m pytest tests/qemu/test_debian_disk.py
"""
import os
import re
import subprocess

import pytest

from cairn_machine import ROOT, U_BOOT, write_archive
from outcome import ended
from test_host_disks import drives

pytestmark = pytest.mark.skipif(not os.environ.get("CAIRN_DEBIAN_DISK"), reason="takes minutes: CAIRN_DEBIAN_DISK=1")

LONG = 900
PROMPT = r"root@debian:~# "
CONF = "kernel = kernel\nmemory = 1G\ncpus = 2\ndisk = host:0\n"
BESIDE = "initrd = initrd\nvirtio-console = yes\nappend = root=/dev/vda1 rw {} net.ifnames=0 no4lvl\n"
VIRTIO, UART = "earlycon=sbi console=hvc0", "console=ttyS0"


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A new disk, with kernel and initial RAM disk beside it."""
    path = tmp_path_factory.mktemp("debian") / "disk.img"
    subprocess.run([ROOT / "run.sh", "debian", "--image", path, "--print"], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return path


def begun(machine, disk, console=VIRTIO):
    return started(machine, disk, {"guest/vm.conf": CONF + BESIDE.format(console),
                                   "guest/kernel": disk.with_name("disk.img.kernel"),
                                   "guest/initrd": disk.with_name("disk.img.initrd")})


def boot(machine, disk):
    m = begun(machine, disk)
    log_in(m)
    return m


def started(machine, disk, files):
    return machine(write_archive(disk.with_name("vms.cpio"), files), smp=2, memory="3G", options=drives(disk))


def log_in(m):
    m.expect(r"debian login: ", LONG)
    m.send_line("root")
    m.expect(PROMPT, LONG)
    m.command_output("dmesg -n 1; bind 'set enable-bracketed-paste off'", PROMPT)


def test_what_is_written_is_there_after_a_reboot(machine, disk):
    m = boot(machine, disk)
    assert m.command_output("systemctl --failed --no-legend --plain", PROMPT) == ""
    assert m.command_output("dpkg --audit; dpkg-query -W -f='${db:Status-Status}\\n' | sort -u", PROMPT) == "installed"
    m.send_line("dd if=/dev/urandom of=/var/tmp/data bs=1M count=256 2>/dev/null; sha256sum /var/tmp/data")
    digest = m.expect(r"\n([0-9a-f]{64}) ", LONG)[1]
    m.expect(PROMPT)
    m.send_line("reboot")
    log_in(m)
    m.send_line("sha256sum /var/tmp/data")
    assert m.expect(r"\n([0-9a-f]{64}) ", LONG)[1] == digest
    m.expect(PROMPT)
    m.send_line("poweroff")
    assert ended(m, timeout=LONG)[-1] == "vm guest: powered off"
    subprocess.run(["/usr/sbin/e2fsck", "-fn", f"{disk}?offset={1 << 20}"], check=True, capture_output=True)


@pytest.mark.parametrize("console, terminal", [(VIRTIO, "hvc0"), (UART, "ttyS0")])
def test_the_console_has_all_from_the_first_message_on(machine, disk, console, terminal):
    """Kernel, initial RAM disk, systemd and login, once each; the keys go to what runs there."""
    m = begun(machine, disk, console)
    m.expect(r"\n\[    0\.000000\] Linux version [^\r\n]*\r\r\n\[    0\.000000\] ", LONG) # the second return is the terminal's
    m.expect(rf"console \[{terminal}\] enabled", LONG)
    m.expect(r"Begin: Mounting root file system", LONG)
    m.expect(rf"Debian GNU/Linux 13 debian {terminal}\r+\n", LONG)
    log_in(m)
    assert m.command_output("tty; cat /sys/class/tty/console/active", PROMPT).split() == [f"/dev/{terminal}", terminal]
    m.send_line("echo it beg''ins; sleep 1000")
    m.expect("it begins")
    m.send("\x03")
    m.expect(PROMPT)
    m.send_line("poweroff")
    assert ended(m, timeout=LONG)[-1] == "vm guest: powered off"


def test_u_boot_starts_what_is_on_the_disk(machine, disk):
    """Debian's own kernel and initial RAM disk, at a reboot too, with nothing given beside the disk."""
    m = started(machine, disk, {"guest/vm.conf": CONF, "guest/kernel": U_BOOT})
    for then in ("reboot", "poweroff"):
        m.expect(r"Retrieving file: /boot/vmlinux-", LONG)
        log_in(m)
        assert m.command_output("findmnt -no SOURCE /", PROMPT) == "/dev/vda1"
        assert m.command_output("systemctl --failed --no-legend --plain", PROMPT) == ""
        m.send_line(then)
    assert ended(m, timeout=LONG)[-1] == "vm guest: powered off"


def test_nobody_logs_in_by_ssh_without_the_key(machine, disk):
    """The console asks for no password; sshd does not take the empty one."""
    m = boot(machine, disk)
    settings = m.command_output("sshd -T | grep -E '^(permitrootlogin|permitemptypasswords)'", PROMPT)
    assert set(settings.splitlines()) == {"permitrootlogin without-password", "permitemptypasswords no"}
    assert re.search(r"ssh-ed25519 \S+ cairn", m.command_output("cat .ssh/authorized_keys", PROMPT))
    m.send_line("poweroff")
    assert ended(m, timeout=LONG)[-1] == "vm guest: powered off"
