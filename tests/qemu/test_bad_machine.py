# SPDX-License-Identifier: MIT
"""Machines and boot options that Cairn cannot run with: one clear sentence, and the end."""
import re

import pytest

import boot_loader
from cairn_machine import qemu_version
from outcome import ended, small_guest

HAZARD = "unknown-sbi-call"  # a guest that ends by itself


@pytest.fixture
def started(machine, tmp_path):
    """Starts a machine with an archive that is right."""
    return lambda **options: machine(small_guest(tmp_path, "hazards", HAZARD), **options)


def check_guest_ran(m):
    lines = ended(m)
    assert f"survived {HAZARD}" in lines and lines[-1] == "vm guest: powered off"
    return lines


# --- the hart -------------------------------------------------------------------------------------

def test_without_hypervisor_extension(started):
    lines = ended(started(cpu="rv64,h=false"), status=1)
    assert len(lines) == 1
    assert re.fullmatch(r"cairn: hart 0 has no H extension, so it cannot run guests "
                        r"\('rv64imafdc_\w+'\)", lines[0])


@pytest.mark.skipif(qemu_version() < (8, 0), reason="QEMU before 8.0 has no Sv39-only rv64 with H")
def test_sv39_only(started):
    assert ", Sv39x4: " in check_guest_ran(started(cpu="rv64,sv48=off"))[0]


def test_any_hart_may_boot(started, tmp_path):
    """Firmware draws lots, and hart 0 mostly wins: here it hands over to the next hart."""
    options = {"smp": 4, **boot_loader.on_the_next_hart(tmp_path)}
    m = started(**options)
    check_guest_ran(m)
    assert "so input is off" not in m.log
    m = started(cpu="rv64,h=false", **options)
    sentence = ended(m, status=1)[-1]
    hart = (int(re.search(r"Boot HART ID\s*: (\d+)", m.log)[1]) + 1) % 4
    assert sentence.startswith(f"cairn: hart {hart} has no H extension")


# --- memory ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [16, 32, 64, 96])  # QEMU itself refuses 4 MiB and less
def test_too_little_memory_for_the_hypervisor(started, size):
    lines = ended(started(memory=f"{size}M"), status=1)
    assert len(lines) == 1
    assert re.fullmatch(r"cairn: too little RAM: image, stack and heap need \d+ MiB up to "
                        rf"0x[0-9a-f]+, and the machine has {size} MiB", lines[0])


@pytest.mark.parametrize("size", [128, 192])
def test_too_little_memory_for_the_archive(started, size):
    lines = ended(started(memory=f"{size}M"), status=1)
    assert len(lines) == 1
    assert re.fullmatch(r"cairn: the boot loader put the VM archive at 0x[0-9a-f]+, inside the "
                        r"hypervisor's own memory \(0x80200000 to 0x[0-9a-f]+\): the machine's "
                        rf"{size} MiB of RAM are too few", lines[0])


def test_enough_memory(started):
    check_guest_ran(started(memory="256M"))


# --- boot options ---------------------------------------------------------------------------------

OPTIONS = "heap=SIZE, quota=SIZE, gstage=MODE, exits=count or crash=HOW"
CRASHES = ("crash=trap, panic, smash, overflow, overflow-elsewhere, null, write-code, write-constant "
           "or execute-data")
MODES = "gstage=sv39x4, gstage=sv48x4 or gstage=sv57x4"


@pytest.mark.parametrize("word, expected", [
    ("verbose", OPTIONS),
    ("HEAP=1M", OPTIONS),
    ("heap=lots", "a size such as heap=16M"),
    ("heap=0", "a size such as heap=16M"),
    ("heap=", "a size such as heap=16M"),
    ("quota=0", "a size such as quota=256K"),
    ("gstage=sv32x4", MODES),
    ("gstage=bare", MODES),
    ("crash=softly", CRASHES),
    ("gstage=sv39x4", "gstage= only once"),
])
def test_wrong_boot_option(started, word, expected):
    lines = ended(started(append=f"gstage=sv39x4 {word} heap=8M"), status=1)
    assert lines == [f"cairn: boot option '{word}': expected {expected}"]


@pytest.mark.parametrize("size, sentence", [
    ("1G", "cairn: boot option heap=1073741824: not between 4096 and the 104857600 bytes "
     "that are reserved"),
    ("4095", "cairn: boot option heap=4095: not between 4096 and the 104857600 bytes that are reserved"),
    ("4K", "cairn: the heap is too small for the hypervisor's page table"),
    ("40K", "cairn: the heap is too small for three letters"),
    ("52K", "cairn: vm guest: the heap has no room for it"),
])
def test_unfit_heap(started, size, sentence):
    m = started(append=f"heap={size}")
    assert ended(m, status=1) == [sentence]
    # Ten pages are enough for the page table; three more for three letters: the descriptors, and a
    # chunk of blocks.
    assert ("v = ['a', 'b', 'c']" in m.lines()) == (size == "52K")


@pytest.mark.parametrize("size", ["15K", "16K", "20K"])  # the table's root, the table below, the VM
def test_quota_too_small_for_the_vm(started, size):
    sentence = (f"cairn: vm guest: {int(size[:-1]) * 1024} bytes of the hypervisor's own memory are "
                "too few for it: the boot option quota=SIZE gives it more")
    assert ended(started(append=f"quota={size}"), status=1)[-1] == sentence


def test_small_quota(started):
    check_guest_ran(started(append="quota=96K"))


def test_small_heap(started):
    check_guest_ran(started(append="heap=1M"))


@pytest.mark.parametrize("mode", ["sv39x4", "sv48x4", "sv57x4"])
def test_every_stage2_mode(started, mode):
    lines = check_guest_ran(started(append=f"gstage={mode}"))
    assert re.search(rf", {mode.capitalize()}: 0 leaves of 1 GiB, 8 of 2 MiB, 0 of 4 KiB$", lines[0])


# --- the device tree ------------------------------------------------------------------------------

UNUSABLE = "cairn: no usable device tree: "


def sentence_about(machine, folder, tree, **options):
    """What Cairn says about a device tree that the firmware has not seen."""
    m = machine(**boot_loader.options(folder, tree, **options))
    # Whoever has no device tree knows no device to fail by, and OpenSBI 1.1 ends with status 0
    # whatever reason it is told.
    lines = ended(m, status=(0, 1))
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="module")
def tree_source(tmp_path_factory):
    return boot_loader.machine_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def tree(tree_source):
    return boot_loader.compile_tree(tree_source)


def without_node(source, name):
    node = re.search(rf"^(\t+){re.escape(name)} \{{\n.*?^\1\}};\n", source, re.MULTILINE | re.DOTALL)
    return source[:node.start()] + source[node.end():]


def test_tree_that_is_right(machine, tmp_path, tree):
    m = machine(**boot_loader.options(tmp_path, tree))
    assert ended(m, status=1)[0].startswith("cairn: no VM archive")


@pytest.mark.parametrize("a1", [0, boot_loader.TREE_AT + 4])
def test_no_tree(machine, tmp_path, tree, a1):
    assert sentence_about(machine, tmp_path, tree, a1=a1) == (
        f"{UNUSABLE}the boot loader left {a1:#x} in a1")


@pytest.mark.parametrize("damage", [
    pytest.param(lambda tree: b"\xff" * 4096, id="garbage"),
    pytest.param(lambda tree: bytes(len(tree)), id="zeros"),
    pytest.param(lambda tree: tree[:4] + b"\x7f\0\0\0" + tree[8:], id="2-gigabytes"),
])
def test_garbage_instead_of_a_tree(machine, tmp_path, tree, damage):
    assert sentence_about(machine, tmp_path, damage(tree)) == (
        f"{UNUSABLE}there is none at {boot_loader.TREE_AT:#x}, where the boot loader says")


@pytest.mark.parametrize("size", [b"\0\0\0\x50", b"\0\0\x03\xe8"])
def test_tree_that_is_longer_than_it_says(machine, tmp_path, tree, size):
    assert sentence_about(machine, tmp_path, tree[:4] + size + tree[8:]) == (
        f"{UNUSABLE}a block of the device tree lies outside it")


def test_truncated_tree(machine, tmp_path, tree):
    assert sentence_about(machine, tmp_path, tree[:len(tree) // 2]).startswith(UNUSABLE)


@pytest.mark.parametrize("edit, said", [
    pytest.param(lambda source: without_node(source, "memory@80000000"),
                 "the device tree describes no memory", id="no-memory"),
    pytest.param(lambda source: without_node(source, "cpus"), "the device tree has no /cpus",
                 id="no-cpus"),
    pytest.param(lambda source: re.sub(r".*timebase-frequency.*\n", "", source),
                 "the device tree has no usable timebase-frequency, at node cpus",
                 id="no-timebase"),
    pytest.param(lambda source: re.sub(r"(memory@80000000 \{[^}]*reg = <)[^>]*>",
                                       r"\g<1>0x00 0x80000000 0x00>", source),
                 "a memory node has a malformed reg, at node memory@80000000", id="memory-reg"),
    pytest.param(lambda source: source.replace("chosen {",
                                               "chosen {\nlinux,initrd-start = <0x90000000>;"),
                 "linux,initrd-start and linux,initrd-end in /chosen make no range, at node chosen",
                 id="half-an-initrd"),
])
def test_tree_without_what_is_needed(machine, tmp_path, tree_source, edit, said):
    edited = edit(tree_source)
    assert edited != tree_source
    assert sentence_about(machine, tmp_path, boot_loader.compile_tree(edited)) == UNUSABLE + said


@pytest.mark.parametrize("edit, said", [
    pytest.param(lambda source: source.replace(
        "chosen {", "reserved-memory {\n#address-cells = <2>;\n#size-cells = <2>;\nranges;\n"
        "carve-out@84000000 {\nreg = <0x00 0x84000000 0x00 0x100000>;\n};\n};\nchosen {", 1),
                 "the machine reserves 0x84000000 to 0x84100000, inside the hypervisor's own memory",
                 id="reserved"),
    pytest.param(lambda source: source.replace(
        "chosen {", "chosen {\nlinux,initrd-start = <0x70000000>;\n"
        "linux,initrd-end = <0x70001000>;", 1),
                 "the VM archive at 0x70000000 does not lie in RAM", id="archive"),
])
def test_memory_that_is_not_for_us(machine, tmp_path, tree_source, edit, said):
    tree = boot_loader.compile_tree(edit(tree_source))
    assert sentence_about(machine, tmp_path, tree) == "cairn: " + said


def test_memory_that_is_elsewhere(machine, tmp_path, tree_source):
    edited = re.sub(r"(memory@80000000 \{[^}]*reg = <)[^>]*>",
                    r"\g<1>0x01 0x00 0x00 0x20000000>", tree_source)
    assert sentence_about(machine, tmp_path, boot_loader.compile_tree(edited)).startswith(
        "cairn: too little RAM: image, stack and heap need ")


@pytest.mark.parametrize("node, said", [
    ("serial@10000000",
     "console: the firmware's; the machine has no 16550 that I know, so input is off"),
    ("plic@c000000", "console: no interrupt of the 16550 reaches hart 0, so input is off"),
])
def test_tree_without_console_device(machine, tmp_path, tree_source, node, said):
    tree = boot_loader.compile_tree(without_node(tree_source, node))
    lines = ended(machine(**boot_loader.options(tmp_path, tree)), status=1)
    assert lines[0] == said
