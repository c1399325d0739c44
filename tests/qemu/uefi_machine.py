# SPDX-License-Identifier: MIT
"""Machines that start Cairn by UEFI, from a FAT volume on a virtio disk or by QEMU's -kernel.

U-Boot is Debian's S-mode image, where a boot loader is. EDK2 is Debian 13's, in the flash.
"""
import re
import shutil
import sys
from pathlib import Path

from cairn_machine import ROOT, U_BOOT

sys.path.insert(0, str(ROOT / "tools"))
import make_volume  # noqa: E402 (from tools/)

IMAGE = ROOT / "build/target/cairn.efi"
EDK2 = Path("/usr/share/qemu-efi-riscv64")
U_BOOT_PROMPT = "=> "
FIRST_LINE = "Booting hypervisor..."
# Where the machine has put things: 0x8a200000, and how the heap's first pages lie to 16 KiB.
ADDRESS = re.compile(r"0x[0-9a-f]+|\(largest [^)]*\)")


def disk(folder, archive=None, files=None):
    """QEMU's options for a disk with Cairn, with the archive where it looks, and other files."""
    content = {make_volume.IMAGE: IMAGE, **(files or {})}
    if archive:
        content[make_volume.ARCHIVE] = archive
    volume = folder / "esp.img"
    make_volume.write_volume(volume, content)
    return ["-drive", f"if=none,id=esp,format=raw,file={volume}",
            "-device", "virtio-blk-device,drive=esp"]


def u_boot(folder, archive=None, files=None):
    """Machine's arguments for U-Boot, which finds Cairn on the volume by itself."""
    return {"kernel": U_BOOT, "options": disk(folder, archive, files)}


def edk2(folder, acpi=False):
    """Machine's board with EDK2, which shows either ACPI's tables or a device tree."""
    variables = folder / "variables.fd" # the firmware writes to them
    shutil.copy(EDK2 / "RISCV_VIRT_VARS.fd", variables)
    return {"board": f"virt,pflash0=code,pflash1=variables,acpi={'on' if acpi else 'off'}",
            "options": ["-blockdev", "node-name=code,driver=file,read-only=on,"
                        f"filename={EDK2 / 'RISCV_VIRT_CODE.fd'}",
                        "-blockdev", f"node-name=variables,driver=file,filename={variables}"]}


def stop_u_boot(m):
    """Waits for U-Boot's prompt instead."""
    m.expect("Hit any key to stop autoboot")
    m.send(" ")
    m.expect(U_BOOT_PROMPT)


def own_lines(m):
    """What Cairn and its guest have said."""
    lines = [line for line in m.log.split("\n") if line.strip()]
    return lines[lines.index(FIRST_LINE):]


def without_addresses(lines):
    return [ADDRESS.sub("ADDRESS", line) for line in lines]
