# SPDX-License-Identifier: MIT
"""The guest's entropy device: from the machine's own, from the firmware's seed, or not at all."""
import pytest

from cairn_machine import guest_image
from outcome import archive, ended

PROMPT = r"guest:~# "
RNG = ["-object", "rng-random,filename=/dev/urandom,id=r0", "-device", "virtio-rng-device,rng=r0"]
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
BY_DEVICE = "vm guest: its random bytes come from the machine's virtio-rng, by a generator"
BY_SEED = "vm guest: its random bytes come from a generator with the rng-seed of the machine's device tree"
DEVICE = 0x10008000  # the last slot


@pytest.fixture
def with_rng(machine, debian, tmp_path):
    def start(**options):
        conf = "kernel = Image\ninitrd = initrd\nappend = console=ttyS0\nmemory = 128M\nrng = yes\n"
        return machine(archive(tmp_path, conf, kernel="", Image=debian["kernel"], initrd=debian["initrd"]), **options)
    return start


@pytest.mark.parametrize("options, said", [(RNG, BY_DEVICE), (MODERN + RNG, BY_DEVICE), ([], BY_SEED)])
def test_debian_finds_the_device(with_rng, options, said):
    """Its driver is a module; the registers say what is there."""
    m = with_rng(options=options)
    m.expect(PROMPT)
    assert m.command_output(f"devmem {DEVICE + 8:#x} 32", PROMPT) == "0x00000004"
    m.send_line("poweroff -f")
    lines = ended(m)
    assert said in lines
    assert not any("is left alone" in line for line in lines)


def test_without_any_source_it_is_refused(machine, tmp_path):
    """QEMU's spike has neither a virtio slot nor a seed. Firmware cannot turn it off."""
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\nrng = yes\n", kernel=guest_image("demo")),
                board="spike", memory="1G")
    m.expect(r"cairn: guest/vm.conf:3: rng: this machine has nothing to make random bytes of: neither a "
             r"virtio-rng nor an rng-seed in its device tree")


def test_disks_leave_no_slot(machine, tmp_path):
    disks = "disk = disk.img\n" * 8
    m = machine(archive(tmp_path, "kernel = kernel\nmemory = 16M\nrng = yes\n" + disks,
                        kernel=guest_image("demo"), **{"disk.img": bytes(512)}))
    assert ("cairn: guest/vm.conf: its disks, network interfaces, rng, virtio-console and balloon are 9, and a VM has 8 "
            "virtio slots" in ended(m, status=1))
