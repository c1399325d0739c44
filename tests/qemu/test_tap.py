# SPDX-License-Identifier: MIT
"""A guest at a tap interface of the host's, whose frames go out and come in with their check sums still to be
made, and uncut. Needs /dev/net/tun and the right to make an interface; elsewhere it is skipped, and says so."""
import hashlib
import http.server
import os
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest

from cairn_machine import ROOT, write_archive
from outcome import ended

PROMPT = r"guest:~# "
CONF = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 256M\n"
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
# Of a network that no other run has at the same time.
NETWORK = f"10.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
HOST, GUEST = f"{NETWORK}.1", f"{NETWORK}.2"
DATA = os.urandom(4 << 20)
ETHERNET = 1514 # bytes of a frame that is not to be cut
# Of the device as the guest's driver has it, by bit: CSUM, GUEST_CSUM, GUEST_TSO4 and 6, HOST_TSO4 and 6.
OFFLOADS = (0, 1, 7, 8, 11, 12)


@pytest.fixture
def tap():
    """A tap interface, with the host's address."""
    name = f"cairn{os.getpid()}"
    made = subprocess.run(["ip", "tuntap", "add", "dev", name, "mode", "tap", "vnet_hdr"], check=False,
                          stderr=subprocess.PIPE, text=True) if Path("/dev/net/tun").exists() else None
    if made is None or made.returncode != 0:
        pytest.skip(f"no tap interface can be made here: {made.stderr.strip() if made else 'there is no /dev/net/tun'}")
    try:
        subprocess.run(["ip", "address", "add", f"{HOST}/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def count(tap, what):
    return int(Path(f"/sys/class/net/{tap}/statistics/{what}").read_text())


class Serve(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("device, has_offloads", [
    ("", True),
    # What the machine's device has not, guests are not offered.
    (",csum=off,guest_csum=off,mrg_rxbuf=off", False),
])
def test_large_frames_go_out_and_come_in(machine, debian, tmp_path, tap, modern, device, has_offloads):
    modules = (ROOT / ".cache/guest/modules.cpio.gz").read_bytes()
    archive = write_archive(tmp_path / "vms.cpio", {
        "guest/vm.conf": CONF + "net = uplink\n", "guest/Image": debian["kernel"],
        "guest/initrd": debian["initrd"].read_bytes() + modules})
    m = machine(archive, options=[*(MODERN if modern else []), "-netdev", f"tap,id=n,ifname={tap},script=no,downscript=no",
                                  "-device", f"virtio-net-device,netdev=n{device}"])
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says(f"/etc/net; ifconfig eth0 {GUEST} netmask 255.255.255.0 up")
    features = says("cat /sys/class/net/eth0/device/features")
    assert {features[bit] for bit in OFFLOADS} == {"1" if has_offloads else "0"}

    with http.server.ThreadingHTTPServer((HOST, 0), Serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        before = count(tap, "tx_packets"), count(tap, "tx_bytes")
        says(f"wget -q -O /tmp/data http://{HOST}:{server.server_port}/data")
        packets, sent = count(tap, "tx_packets") - before[0], count(tap, "tx_bytes") - before[1]
        server.shutdown()
    assert says("sha256sum </tmp/data").split()[0] == hashlib.sha256(DATA).hexdigest()
    assert sent > len(DATA) and (sent > packets * ETHERNET) == has_offloads

    says("httpd -h /tmp")
    before = count(tap, "rx_packets"), count(tap, "rx_bytes")
    with urllib.request.urlopen(f"http://{GUEST}/data", timeout=120) as answer:
        assert answer.read() == DATA
    packets, received = count(tap, "rx_packets") - before[0], count(tap, "rx_bytes") - before[1]
    assert received > len(DATA) and (received > packets * ETHERNET) == has_offloads
    m.send_line("poweroff -f")
    assert ended(m)[-1] == "vm guest: powered off"
