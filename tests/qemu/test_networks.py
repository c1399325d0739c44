# SPDX-License-Identifier: MIT
"""Networks between VMs: Debian's own driver at both ends of a switch of Cairn's."""
import gzip
import hashlib
import io
import os
import urllib.request
from pathlib import Path

import pytest

from cairn_machine import ROOT, newc, write_archive
from monitor_session import command, demo_vms, of_kind, records, to_monitor
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


def pings(says, count, size, address):
    """How many of `count` pings were answered. Each is waited for by itself: behind the last of several, busybox
    waits for a second or two, in which a busy machine may do nothing."""
    # What is first asked for a neighbour's address may be given up meanwhile.
    says(f"until ping -c 1 -W 5 {address}; do :; done")
    return int(says(f"for n in $(seq {count}); do ping -c 1 -W 99 -s {size} {address}; done | grep -c ' 1 packets r'"))


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
    says("dmesg -n 1; /etc/net; ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up")
    says("until wget -q -O /dev/null http://10.0.0.2/ready; do sleep 1; done 2>/dev/null")
    assert pings(says, 10, 1400, "10.0.0.2") == 10
    says("wget -q -O /tmp/data http://10.0.0.2/data")
    digest = says("sha256sum </tmp/data")
    assert digest == says("wget -q -O - http://10.0.0.2/data.sum")
    says("httpd -h /tmp")
    assert says("until wget -q -O - http://10.0.0.2/back.sum; do sleep 1; done 2>/dev/null") == digest
    assert says("cat /sys/class/net/eth0/statistics/tx_dropped") == "0"
    sent = int(says("cat /sys/class/net/eth0/statistics/tx_packets"))
    to_monitor(m)
    for name in ("front", "server"):
        command(m, f"pause {name}", "cairn> ")
    found = nets(m)
    front, server = found["front", 0], found["server", 0]
    assert front["sent"] + front["lost"] >= sent > 0
    assert front["sent_bytes"] > 4 << 20
    for one, two in [(front, server), (server, front)]:
        assert one["sent"] == two["received"] and one["sent_bytes"] == two["received_bytes"]
        assert one["lost"] == two["missed"] + one.get(("sent", "nobody"), 0)
    command(m, "resume front", "cairn> ")
    command(m, "console front", "console of front")
    m.send_line("poweroff -f")
    m.expect("vm front: powered off")


def nets(m):
    """What `net` says of each interface: {(vm, number): {column: value}}, with losses as (side, reason)."""
    found = {}
    for each in records(m, "net"):
        if each["kind"] in ("interface", "traffic"):
            found.setdefault((each["vm"], each["number"]), {"learned": []}).update(each)
        elif each["kind"] == "loss":
            found[each["vm"], each["number"]][each["side"], each["reason"]] = each["frames"]
        elif each["kind"] == "learned":
            found[each["vm"], each["number"]]["learned"].append(each["learned"])
    return found


def test_what_became_of_frames(machine, debian, tmp_path):
    """Beside a guest without a driver: what Debian has sent is lost, and counted, all of it."""
    files = {f"{name}/{key}": value for name in ("front", "deaf") for key, value in {
        "Image": debian["kernel"], "initrd": initrd_with(debian)}.items()}
    m = machine(write_archive(tmp_path / "vms.cpio", files | {
        "front/vm.conf": CONF + FRONT + "net = switch:lan,mac=52:54:00:00:00:01,rate=1M\nnet = switch:other\n",
        "deaf/vm.conf": CONF + "net = switch:lan,isolated\n"}))
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("dmesg -n 1; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; sh /etc/net")
    says("ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up")
    says("ping -c 2 -W 1 10.0.0.2")
    says("ifconfig eth0 down; ifconfig eth0 hw ether 52:54:00:00:00:77; ifconfig eth0 up")
    says("ping -c 1 -W 1 10.0.0.3")
    sent = int(says("cat /sys/class/net/eth0/statistics/tx_packets"))
    assert sent >= 3
    to_monitor(m)
    command(m, "pause front", "cairn> ")
    found = nets(m)
    front, deaf, other = found["front", 0], found["deaf", 0], found["front", 1]
    assert (front["network"], front["address"], front["rate"], front["isolated"]) == (
        "switch:lan", "52:54:00:00:00:01", 1 << 20, False)
    assert (deaf["rate"], deaf["isolated"], other["network"], other["sent"]) == (None, True, "switch:other", 0)
    assert front["learned"] == ["52:54:00:00:00:77"]
    assert front["sent"] == front["received"] == deaf["received"] == 0
    assert front["lost"] == front["sent", "refused"] >= sent
    assert deaf["missed"] == deaf["missed", "refused"] == front["lost"]
    command(m, "net", r"front +0  52:54:00:00:00:77")
    command(m, "net nobody", "there is no VM of that name")
    command(m, "stop deaf", "vm deaf: turned off")
    command(m, "net deaf", "it is off")


def test_a_guest_gets_what_it_asks_for(machine, debian, tmp_path):
    """From one interface to the other: each step sends another number of frames to who may want them. Linux tells
    the device what it wants when its command is over: while the shell sleeps."""
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "front/Image": debian["kernel"], "front/initrd": initrd_with(debian),
        "front/vm.conf": CONF + "net = switch:lan\nnet = switch:lan\n"}))
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("dmesg -n 1; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; sh /etc/net")
    says("ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up; ifconfig eth1 up")
    says("route add -net 224.0.0.0 netmask 240.0.0.0 eth0; arp -s 10.0.0.9 52:54:00:00:00:99")
    says("sleep 1; ping -c 1 -W 1 224.0.0.99")
    says("ifconfig eth1 allmulti; sleep 1; ping -c 2 -i 0.1 -W 1 224.0.0.99")
    says("ifconfig eth1 -allmulti promisc; sleep 1; ping -c 4 -i 0.1 -W 1 10.0.0.9")
    says("ifconfig eth1 -promisc; sleep 1; ping -c 8 -i 0.1 -W 1 10.0.0.9")
    says("ifconfig eth1 down; ifconfig eth1 hw ether 52:54:00:00:00:99; ifconfig eth1 up")
    says("sleep 1; ping -c 16 -i 0.1 -W 1 10.0.0.9")
    assert says("cat /sys/class/net/eth1/statistics/rx_packets") == "22"
    to_monitor(m)
    found = nets(m)
    sender, receiver = found["front", 0], found["front", 1]
    assert (receiver["received"], receiver["unwanted"], receiver["missed"]) == (22, 9, 0)
    assert (sender["sent"], sender["lost"], sender["sent", "nobody"]) == (22, 9, 9)


def test_a_vm_without_an_interface(machine, tmp_path):
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab", a={"net": "switch:lan"}))
    m.expect("Type something")
    to_monitor(m)
    command(m, "net a", r"a +0  switch:lan +[0-9a-f:]{17}  no +no +- +0")
    command(m, "net b", "it has no network interface")


def listening_port(pid):
    """The port of 127.0.0.1 that the process listens at. It was chosen when it was bound, so nobody else has it."""
    sockets = {f"socket:[{fields[9]}]": int(fields[1].rpartition(":")[2], 16)
               for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
               if fields[3] == "0A" and fields[1].startswith("0100007F:")} # it listens
    port, = [sockets[link] for link in map(os.readlink, Path(f"/proc/{pid}/fd").iterdir()) if link in sockets]
    return port


@pytest.mark.parametrize("options", [[], ["-global", "virtio-mmio.force-legacy=false"]], ids=["legacy", "modern"])
def test_a_guest_at_the_uplink(machine, debian, tmp_path, options):
    """Out by ping, in by a port that QEMU forwards, and again when its interface was down."""
    vms = write_archive(tmp_path / "vms.cpio", {
        "front/vm.conf": CONF + "net = uplink\n", "front/Image": debian["kernel"], "front/initrd": initrd_with(debian)})
    m = machine(vms, options=[
        *options, "-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:0-:80", "-device", "virtio-net-device,netdev=n"])
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("dmesg -n 1; /etc/net; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up")
    assert pings(says, 3, 1400, "10.0.2.2") == 3
    says("mkdir -p /srv; dd if=/dev/urandom of=/srv/data bs=64k count=32 2>/dev/null; httpd -h /srv")
    digest = says("sha256sum </srv/data").split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{listening_port(m.process.pid)}/data", timeout=120) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == digest
    says("ifconfig eth0 down; ifconfig eth0 up")
    assert pings(says, 3, 56, "10.0.2.2") == 3
    to_monitor(m)
    command(m, "pause front", "cairn> ")
    found = nets(m)
    guest, outside = found["front", 0], found[None, None]
    assert outside["network"] == "uplink" and outside["sent"] > 6 and outside["lost"] == guest["missed"]
    assert (guest["sent"], guest["received_bytes"]) == (outside["received"], outside["sent_bytes"])
    command(m, "resume front", "cairn> ")
    command(m, "console front", "console of front")
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
