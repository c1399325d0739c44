# SPDX-License-Identifier: MIT
"""The machine's network device, as Cairn finds it: modern or legacy, one of two, or one that makes no sense."""
import pytest

from outcome import ended, small_guest

HAZARD = "unknown-sbi-call"  # a guest that ends by itself
MODERN = ["-global", "virtio-mmio.force-legacy=false"]


def devices(*features):
    """QEMU's options for network devices with these properties."""
    options = []
    for number, feature in enumerate(features):
        options += ["-netdev", f"user,id=n{number}", "-device", f"virtio-net-device,netdev=n{number}{feature}"]
    return options


@pytest.mark.parametrize("options, said", [
    (devices(""), None),
    (MODERN + devices(",host_mtu=1400"), None),
    (devices("", ""), "virtio_mmio@10007000 at 0x10007000 is left alone: there is a network device already"),
    (devices(",host_mtu=60"), "virtio_mmio@10008000 at 0x10008000 is left alone: its configuration makes no sense"),
])
def test_device_is_driven_or_left_alone(machine, tmp_path, options, said):
    lines = ended(machine(small_guest(tmp_path, "hazards", HAZARD), options=options))
    assert [line for line in lines if "left alone" in line] == ([f"cairn: device {said}"] if said else [])
    assert lines[-1] == "vm guest: powered off"
