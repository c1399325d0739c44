# SPDX-License-Identifier: MIT
"""Entropy devices, consoles and network interfaces of guests: the guest tests/guests/virtio_check.cpp compares them with
their specification; QEMU's own devices, as a second opinion, fail exactly where DIFFERENCES says why."""
import re

import pytest

from cairn_machine import guest_image, qemu_version
from outcome import archive, ended

CONF = "kernel = kernel\nmemory = 16M\nrng = yes\nvirtio-console = yes\nport = second.port\nnet = switch:lan\nnet = switch:lan\n" \
       "packed-rings = yes\n"
KINDS = ["rng", "console", "net"]
# What QEMU 7.2's devices do otherwise, which of them, and why Cairn's do not.
DIFFERENCES = {
    "no feature is offered beyond bit 63":
        (KINDS, "QEMU takes every DeviceFeaturesSel but 0 for the upper word; there are no such bits (section 4.2.2)"),
    "FEATURES_OK is not set for a feature that is not offered":
        (KINDS, "QEMU leaves out what it does not offer, and says nothing; the driver is to see it (section 2.2.2)"),
    "FEATURES_OK is not set without VERSION_1":
        (KINDS, "QEMU lets legacy drivers use the modern registers; Cairn's devices have no other format (section 6.1)"),
    "no buffer is used before DRIVER_OK":
        (["console"], "QEMU's console begins when a queue is ready; a device MUST NOT consume buffers before, as its "
                      "others do not (section 3.1.1)"),
    "a port is added once":
        (["console"], "QEMU adds its ports again for each DEVICE_READY; a device MUST NOT add one that exists "
                      "(section 5.3.6.2)"),
    "SIZE is offered":
        (["console"], "QEMU 7.2 knows no size, and offers none; it may (section 5.3.3)"),
    "its header says that it is one frame in one buffer":
        (["net"], "QEMU leaves num_buffers 0 without MRG_RXBUF; it MUST be 1 (section 5.1.6.4.1)"),
    "a filter begins with the device's own address":
        (["net"], "QEMU's takes all until the first command; the table MUST be empty on reset (section 5.1.6.5.2.1)"),
    "no interrupt comes before used_event":
        (KINDS, "QEMU's first interrupt after a reset comes in any case; it may, and costs an exit (section 2.7.7)"),
    "DEVICE_NEEDS_RESET follows a buffer in no RAM":
        (KINDS, "QEMU reads and writes what is not there; Cairn takes it for the mistake that it is (section 2.1.2)"),
    "DEVICE_NEEDS_RESET follows a table in a table":
        (KINDS, "QEMU takes the inner table for a buffer; a driver MUST NOT have one (section 2.7.5.3.1)"),
    "a queue is reset by itself":
        (KINDS, "QEMU 7.2 offers RING_RESET on MMIO, and has no QueueReset (section 4.2.2)"),
    "a buffer after it": (KINDS, "for the same reason"),
    "a chain has an entry for each descriptor, and the id of its last":
        (["packed"], "QEMU takes the id of the first; it is included in the last, and Linux writes it to all (section 2.8.6)"),
    "no interrupt comes before the event's place and lap":
        (["packed"], "QEMU interrupts after the end of each lap in any case; it may, and costs an exit (section 2.8.10)"),
    "a used descriptor says that something was written":
        (["packed"], "QEMU's never does; its flag WRITE specifies whether any data has been written (section 2.8.4)"),
}
FAILURE = re.compile(r"failed: (\w+: .*)$", re.M)


def checks_of(m):
    """(checks, failed) as the guest has counted them, when it has heard what it asks for."""
    m.expect("virtio_check: type")
    m.send("xyz")
    match = m.expect(r"virtio_check: (\d+) checks, (\d+) failed\r*\n")
    return int(match[1]), int(match[2])


@pytest.mark.parametrize("smp, cpus", [(1, 1), (4, 2)])
def test_the_devices_keep_the_rules(machine, tmp_path, smp, cpus):
    m = machine(archive(tmp_path, CONF + f"cpus = {cpus}\n", kernel=guest_image("virtio_check")), smp=smp)
    checks, failed = checks_of(m)
    lines = ended(m)
    assert FAILURE.findall(m.log) == [] and failed == 0
    assert checks > 200
    assert re.search(r"^packed: 1\d checks, 0 failed", m.log.replace("\r", ""), re.M)
    for said in ("by virtio", "in pieces", "by a port", "at once"):
        assert f"virtio_check: {said}" in lines
    assert "." * 2999 in lines
    assert lines[-1] == "vm guest: powered off"


def test_qemus_devices_are_a_second_opinion(machine):
    """For what they are known not to do the guest waits briefly. Both consoles share the terminal. A user network takes what the interfaces send while nobody else does."""
    m = machine(kernel=guest_image("virtio_check"), append="qemu", mux=True, options=[
        "-global", "virtio-mmio.force-legacy=false", "-global", "virtio-device.packed=on",
        "-object", "rng-random,filename=/dev/urandom,id=r0", "-device", "virtio-rng-device,rng=r0",
        "-device", "virtio-serial-device", "-device", "virtconsole,chardev=console,name=console",
        "-chardev", "null,id=nobody", "-device", "virtserialport,chardev=nobody,name=second.port",
        "-netdev", "user,id=user", "-netdev", "hubport,id=c,hubid=0,netdev=user",
        "-netdev", "hubport,id=a,hubid=0", "-device", "virtio-net-device,netdev=a",
        "-netdev", "hubport,id=b,hubid=0", "-device", "virtio-net-device,netdev=b"])
    checks_of(m)
    assert re.search(r"^packed: 1\d checks, ", m.log.replace("\r", ""), re.M)
    failed = set(FAILURE.findall(m.log))
    expected = {f"{kind}: {what}" for what, (kinds, _) in DIFFERENCES.items() for kind in kinds}
    assert failed <= expected
    if qemu_version() < (8, 0):
        assert failed == expected  # later ones may have fewer
