# SPDX-License-Identifier: MIT
"""Networks between VMs: Debian's own driver at both ends of a switch of Cairn's."""
import gzip
import hashlib
import io
import socket
import urllib.request

import pytest

from cairn_machine import ROOT, newc, write_archive
from outcome import archive, ended

PROMPT = r"guest:~# "
CONF = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 256M\n"
FRONT = "console = front\n"
# What the other side does once its usual start is over.
SERVE = """
/etc/net
ifconfig eth0 10.0.0.2 netmask 255.255.255.0 up
mkdir -p /srv
dd if=/dev/urandom of=/srv/data bs=64k count=64 2>/dev/null
httpd -h /srv
sha256sum </srv/data >/srv/data.sum
touch /srv/ready
until wget -q -O /srv/back http://10.0.0.1/data; do sleep 1; done
sha256sum </srv/back >/srv/sum
mv /srv/sum /srv/back.sum
"""


def initrd_with(debian, **files):
    """Debian's initramfs with its drivers, and `files` of /etc in place of those there."""
    stream = io.BytesIO()
    more = newc.Writer(stream)
    for name, content in files.items():
        more.file(f"etc/{name}", content.encode(), mode=0o755)
    more.finish()
    modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
    return debian["initrd"].read_bytes() + modules + gzip.compress(stream.getvalue())


@pytest.fixture
def two_debians(debian, tmp_path):
    """An archive of `front`, whose shell is on the console, and `server`, with what each has beside."""
    def write(front, server):
        rc = (ROOT / "tools/guest/rc").read_text() + SERVE
        return write_archive(tmp_path / "vms.cpio", {
            "front/vm.conf": CONF + FRONT + front, "front/Image": debian["kernel"],
            "front/initrd": initrd_with(debian),
            "server/vm.conf": CONF + server, "server/Image": debian["kernel"],
            "server/initrd": initrd_with(debian, rc=rc)})
    return write


@pytest.mark.parametrize("smp, cpus", [(1, 1), (2, 2)])
def test_two_guests_talk_over_a_switch(machine, two_debians, smp, cpus):
    both = f"cpus = {cpus}\nnet = switch:lan\n"
    m = machine(two_debians(both, both), smp=smp)
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("/etc/net; ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up")
    says("until wget -q -O /dev/null http://10.0.0.2/ready; do sleep 1; done 2>/dev/null")
    assert "10 packets received" in says("ping -c 10 -i 0.1 -s 1400 10.0.0.2")
    says("wget -q -O /tmp/data http://10.0.0.2/data")
    digest = says("sha256sum </tmp/data")
    assert digest == says("wget -q -O - http://10.0.0.2/data.sum")
    says("httpd -h /tmp")
    assert says("until wget -q -O - http://10.0.0.2/back.sum; do sleep 1; done 2>/dev/null") == digest
    assert says("cat /sys/class/net/eth0/statistics/tx_dropped") == "0"
    m.send_line("poweroff -f")
    m.expect("vm front: powered off")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("options", [[], ["-global", "virtio-mmio.force-legacy=false"]], ids=["legacy", "modern"])
def test_a_guest_at_the_uplink(machine, debian, tmp_path, options):
    """Out by ping, in by a port that QEMU forwards, and again when its interface was down."""
    port = free_port()
    vms = write_archive(tmp_path / "vms.cpio", {
        "front/vm.conf": CONF + "net = uplink\n", "front/Image": debian["kernel"], "front/initrd": initrd_with(debian)})
    m = machine(vms, options=[
        *options, "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:80", "-device", "virtio-net-device,netdev=n"])
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("/etc/net; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up")
    assert "3 packets received" in says("ping -c 3 -s 1400 10.0.2.2")
    says("mkdir -p /srv; dd if=/dev/urandom of=/srv/data bs=64k count=32 2>/dev/null; httpd -h /srv")
    digest = says("sha256sum </srv/data").split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/data", timeout=120) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == digest
    says("ifconfig eth0 down; ifconfig eth0 up")
    assert "3 packets received" in says("ping -c 3 10.0.2.2")
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm front: powered off"


@pytest.mark.parametrize("conf, sentence", [
    ("net = uplink\n", "guest/vm.conf:3: net: uplink: this machine has no network device"),
    ("net = lan\n", "guest/vm.conf:3: net: 'lan' is nothing to connect to; write switch:NAME, of letters, digits, - "
                    "and _, or uplink for the machine's own network"),
    ("net = switch:a,rate=9\n", "guest/vm.conf:3: net: '9' is no rate; write bytes a second, 1K at least, as in "
                                "rate=10M"),
    ("net = switch:a,mac=52:54:00:12:34:56\nnet = switch:a,mac=52:54:00:12:34:56\n",
     "guest/vm.conf:4: net: switch:a: another interface there has its address, or it has 64 already"),
    ("net = switch:a\n" * 8 + "rng = yes\n",
     "guest/vm.conf: its disks, network interfaces, rng, virtio-console and balloon are 9, and a VM has 8 virtio slots")])
def test_networks_that_are_refused(machine, tmp_path, conf, sentence):
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\n" + conf))
    assert f"cairn: {sentence}" in ended(m, status=1)
