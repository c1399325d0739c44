# SPDX-License-Identifier: MIT
"""Packed queues of guests' virtio devices: Debian's own driver takes them where vm.conf has them offered, for a disk and
a network, and data arrives as it was sent."""
import hashlib
import random

from cairn_machine import ROOT, write_archive
from test_networks import CONF, FRONT, PROMPT, SERVE, initrd_with

PACKED = "packed-rings = yes\nnet = switch:lan\n"
RING_PACKED = 34
# Of each virtio device, whether its driver has accepted it.
FEATURES = f"for d in /sys/bus/virtio/devices/*; do cut -c{RING_PACKED + 1} $d/features; done"


def test_debian_takes_packed_rings(machine, debian, tmp_path):
    image = random.Random(1).randbytes(4 << 20)
    rc = (ROOT / "tools/guest/rc").read_text() + SERVE
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "front/vm.conf": CONF + FRONT + PACKED + "cpus = 2\ndisk = disk.img,overlay\n", "front/Image": debian["kernel"],
        "front/initrd": initrd_with(debian), "front/disk.img": image,
        "server/vm.conf": CONF + PACKED, "server/Image": debian["kernel"],
        "server/initrd": initrd_with(debian, rc=rc)}), smp=2)
    m.expect(PROMPT)

    def says(command):
        return m.command_output(command, PROMPT)
    says("/etc/disks; /etc/net; ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up")
    assert says(FEATURES).split() == ["1", "1"]
    assert hashlib.sha256(image).hexdigest() in says("sha256sum </dev/vda")
    says("dd if=/dev/vda of=/tmp/half bs=64k count=32 2>/dev/null")
    says("dd if=/tmp/half of=/dev/vda bs=4k seek=512 2>/dev/null; sync")
    says("echo 3 >/proc/sys/vm/drop_caches")
    assert hashlib.sha256(image[:2 << 20] * 2).hexdigest() in says("sha256sum </dev/vda")
    says("until wget -q -O /dev/null http://10.0.0.2/ready; do sleep 1; done 2>/dev/null")
    says("wget -q -O /tmp/data http://10.0.0.2/data")
    digest = says("sha256sum </tmp/data")
    assert digest == says("wget -q -O - http://10.0.0.2/data.sum")
    says("httpd -h /tmp")
    assert says("until wget -q -O - http://10.0.0.2/back.sum; do sleep 1; done 2>/dev/null") == digest
    m.send_line("poweroff -f")
    m.expect("vm front: powered off")
