# SPDX-License-Identifier: MIT
"""A boot loader of a few instructions between firmware and Cairn, to hand over what none would.

QEMU puts the firmware's next program, this one, wherever an ELF file says; Cairn itself and the
device tree are loaded beside it, and Cairn gets the a1 that the test wants.
"""
import struct
import subprocess

from cairn_machine import HYPERVISOR, QEMU

LOADER_AT = 0x9000_0000
TREE_AT = 0x9010_0000
CAIRN_AT = 0x8020_0000


def load_pc_relative(register, offset):
    """ld REGISTER, OFFSET(t1)"""
    return offset << 20 | 6 << 15 | 3 << 12 | register << 7 | 0x03


def write_program(path, code):
    """An ELF file of `code` at LOADER_AT."""
    header = struct.pack("<16s2HI3QI6H", b"\x7fELF\2\1\1", 2, 243, 1, LOADER_AT, 64, 0, 0, 64, 56, 1,
                         0, 0, 0)
    segment = struct.pack("<2I6Q", 1, 5, 0x1000, LOADER_AT, LOADER_AT, len(code), len(code), 0x1000)
    path.write_bytes((header + segment).ljust(0x1000, b"\0") + code)
    return path


def jump_with(a1):
    """Jumps to Cairn with `a1`; a0, the hart, is left as the firmware set it."""
    return struct.pack("<4I2Q", 0x0000_0317,  # auipc t1, 0
                       load_pc_relative(11, 16), load_pc_relative(5, 24),
                       0x0002_8067,  # jr t0
                       a1, CAIRN_AT)


def start_next_hart():
    """Has the hart behind this one, of four, start Cairn (SBI HSM), and stops this one."""
    return struct.pack("<10I2Q",
                       0x0005_8613,  # mv a2, a1: the device tree
                       0x0015_0513,  # addi a0, a0, 1
                       0x0035_7513,  # andi a0, a0, 3
                       0x0000_0317,  # auipc t1, 0
                       load_pc_relative(11, 28), load_pc_relative(17, 36),
                       0x0000_0813, 0x0000_0073,  # li a6, 0: hart_start; ecall
                       0x0010_0813, 0x0000_0073,  # li a6, 1: hart_stop; ecall
                       CAIRN_AT, 0x48534D)


def machine_tree(folder, memory="512M"):
    """The source of the device tree that QEMU makes."""
    blob = folder / "virt.dtb"
    subprocess.run([QEMU, "-M", f"virt,dumpdtb={blob}", "-m", memory, "-display", "none"],
                   check=True, capture_output=True)
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob], check=True, text=True,
                          capture_output=True).stdout


def compile_tree(source):
    """The source of a device tree as a blob; nodes under labels that are gone are forgiven."""
    return subprocess.run(["dtc", "-q", "-f", "-I", "dts", "-O", "dtb"], input=source.encode(),
                          check=True, capture_output=True).stdout


CAIRN_BESIDE = ["-device", f"loader,file={HYPERVISOR}"]


def options(folder, tree, a1=TREE_AT):
    """Machine's arguments for Cairn with `tree`, bytes, at TREE_AT and told to be at `a1`."""
    (folder / "tree.dtb").write_bytes(tree)
    return {"memory": "512M", "kernel": write_program(folder / "loader.elf", jump_with(a1)),
            "options": CAIRN_BESIDE +
                       ["-device", f"loader,file={folder / 'tree.dtb'},addr={TREE_AT:#x}"]}


def on_the_next_hart(folder):
    """Machine's arguments for Cairn on another hart than the firmware has chosen."""
    return {"kernel": write_program(folder / "loader.elf", start_next_hart()),
            "options": CAIRN_BESIDE}
