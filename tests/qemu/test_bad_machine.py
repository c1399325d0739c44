# SPDX-License-Identifier: MIT
"""Machines and boot options that Cairn cannot run with: one clear sentence, and the end."""
import re
import subprocess

import pytest

import boot_loader
from cairn_machine import QEMU, qemu_version
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

OPTIONS = "heap=SIZE, quota=SIZE, gstage=MODE, scrub=WHAT, turn=MS, exits=count or crash=HOW"
CRASHES = ("crash=trap, panic, smash, overflow, overflow-elsewhere, null, write-code, write-constant, "
           "execute-data or amid-output")
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


# The table's root, the table below, the vCPUs, the VM.
@pytest.mark.parametrize("size", ["15K", "16K", "20K", "32K"])
def test_quota_too_small_for_the_vm(started, size):
    sentence = (f"cairn: vm guest: {int(size[:-1]) * 1024} bytes of the hypervisor's own memory are "
                "too few for it: the boot option quota=SIZE gives it more")
    assert ended(started(append=f"quota={size}"), status=1)[-1] == sentence


def test_small_quota(started):
    check_guest_ran(started(append="quota=40K"))


def test_small_heap(started):
    check_guest_ran(started(append="heap=1M"))


@pytest.mark.parametrize("mode", ["sv39x4", "sv48x4", "sv57x4"])
def test_every_stage2_mode(started, mode):
    lines = check_guest_ran(started(append=f"gstage={mode}"))
    assert re.search(rf", {mode.capitalize()}$", lines[0])


# --- the device tree ------------------------------------------------------------------------------

UNUSABLE = "cairn: no usable device tree: "
# Whoever has no device tree knows no device to fail by, and OpenSBI 1.1 ends with status 0 whatever
# reason it is told.
NO_DEVICE = (0, 1)


def sentence_about(machine, folder, tree, status=1, **options):
    """What Cairn says about a device tree that the firmware has not seen."""
    m = machine(**boot_loader.options(folder, tree, **options))
    lines = ended(m, status=status)
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
    assert sentence_about(machine, tmp_path, tree, status=NO_DEVICE, a1=a1) == (
        f"{UNUSABLE}the boot loader left {a1:#x} in a1")


@pytest.mark.parametrize("a1", [0x2000, 0x60_0000_0000])
def test_tree_where_nothing_can_be_read(machine, tmp_path, tree, a1):
    said = sentence_about(machine, tmp_path, tree, status=NO_DEVICE, a1=a1)
    assert said in (f"{UNUSABLE}{a1:#x}, where the boot loader says, cannot be read",
                    f"{UNUSABLE}there is none at {a1:#x}, where the boot loader says")


@pytest.mark.parametrize("damage", [
    pytest.param(lambda tree: b"\xff" * 4096, id="garbage"),
    pytest.param(lambda tree: bytes(len(tree)), id="zeros"),
    pytest.param(lambda tree: tree[:4] + b"\x7f\0\0\0" + tree[8:], id="2-gigabytes"),
])
def test_garbage_instead_of_a_tree(machine, tmp_path, tree, damage):
    assert sentence_about(machine, tmp_path, damage(tree), status=NO_DEVICE) == (
        f"{UNUSABLE}there is none at {boot_loader.TREE_AT:#x}, where the boot loader says")


@pytest.mark.parametrize("size", [b"\0\0\0\x50", b"\0\0\x03\xe8"])
def test_tree_that_is_longer_than_it_says(machine, tmp_path, tree, size):
    assert sentence_about(machine, tmp_path, tree[:4] + size + tree[8:], status=NO_DEVICE) == (
        f"{UNUSABLE}a block of the device tree lies outside it")


def test_truncated_tree(machine, tmp_path, tree):
    said = sentence_about(machine, tmp_path, tree[:len(tree) // 2], status=NO_DEVICE)
    assert said.startswith(UNUSABLE)


@pytest.mark.parametrize("edit, said", [
    pytest.param(lambda source: without_node(source, "memory@80000000"),
                 "the device tree describes no memory", id="no-memory"),
    pytest.param(lambda source: without_node(source, "cpus"), "the device tree has no /cpus",
                 id="no-cpus"),
    pytest.param(lambda source: re.sub(r".*timebase-frequency.*\n", "", source),
                 "the device tree has no usable timebase-frequency, at node cpus",
                 id="no-timebase"),
    pytest.param(lambda source: re.sub(r"timebase-frequency = <[^>]*>", "timebase-frequency = <1>",
                                       source),
                 "the device tree has no usable timebase-frequency, at node cpus",
                 id="slow-timebase"),
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


# --- claims of the tree that the machine does not keep ----------------------------------------------

def read_tree(folder, board="virt", cpu="rv64", memory="512M", smp=1, options=()):
    """The source of the device tree of another machine."""
    blob = folder / "other.dtb"
    subprocess.run([QEMU, "-M", f"{board},dumpdtb={blob}", "-cpu", cpu, "-smp", str(smp), "-m", memory,
                    "-display", "none", *options], check=True, capture_output=True)
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob], check=True, text=True,
                          capture_output=True).stdout


def started_with_tree(started, folder, source, **options):
    """A machine with an archive whose firmware has been given another tree (QEMU fills in the rest)."""
    (folder / "edited.dtb").write_bytes(boot_loader.compile_tree(source))
    return started(options=["-dtb", folder / "edited.dtb"], **options)


@pytest.mark.parametrize("smp", [1, 4])
def test_spike_names_sstc_and_has_none(started, smp):
    """Firmware cannot turn this machine off, so the guest's own end is waited for."""
    m = started(board="spike", memory="1G", smp=smp)
    m.expect("cairn: hart [0-3]: its node in the device tree names sstc, which it has not: guests do "
             r"without\r*\n")
    m.expect(f"survived {HAZARD}")
    m.expect("vm guest: powered off")
    assert "runs no guests" not in m.log and "hypervisor trap" not in m.log


@pytest.mark.parametrize("claims, cpu, missing", [
    ("rv64imafdch_smstateen", "rv64", "smstateen"),
    ("rv64imafdcvh", "rv64,v=false", "v"),
    ("rv64imafdch", "rv64,f=false,d=false", "f, d"),
    ("rv64imafdch_sstc", "rv64,sstc=false", "sstc"),
    *([] if qemu_version() < (8, 0) else [
        ("rv64imafdch_zicboz", "rv64,zicboz=false", "zicboz"),
        ("rv64imafdch_zicbom", "rv64,zicbom=false", "zicbom")]),  # 7.2 cannot leave them out
])
def test_extension_that_is_not_there(started, tmp_path, claims, cpu, missing):
    source = read_tree(tmp_path, memory="2G")
    source = re.sub(r"riscv,isa = \"[^\"]*\"", f'riscv,isa = "{claims}"', source)
    source = re.sub(r"\triscv,isa-(base|extensions) = .*\n", "", source)
    source = re.sub(r"\triscv,cbo[mz]-block-size = .*\n", "", source)
    source = source.replace("riscv,isa = ", "riscv,cboz-block-size = <64>;\n"
                            "riscv,cbom-block-size = <64>;\nriscv,isa = ")
    m = started_with_tree(started, tmp_path, source, cpu=cpu)
    lines = check_guest_ran(m)
    assert (f"cairn: hart 0: its node in the device tree names {missing}, which it has not: guests do "
            "without") in lines


def test_list_of_extensions_before_the_string(started, tmp_path):
    source = read_tree(tmp_path, memory="2G")
    source = re.sub(r"\triscv,isa-(base|extensions) = .*\n", "", source)
    source = re.sub(r"riscv,isa = \"[^\"]*\";", 'riscv,isa = "rv64imafdc";\n'
                    'riscv,isa-base = "rv64i";\nriscv,isa-extensions = "i", "m", "a", "f", "d", "c", '
                    '"h", "sstc";', source)
    check_guest_ran(started_with_tree(started, tmp_path, source))


def test_isa_string_with_control_characters(started, tmp_path):
    source = read_tree(tmp_path, memory="2G")
    source = re.sub(r"\triscv,isa-(base|extensions) = .*\n", "", source)
    source = re.sub(r"riscv,isa = \"[^\"]*\"", r'riscv,isa = "rv64imafdc\\x1b[2Jh"', source)
    m = started_with_tree(started, tmp_path, source)
    assert r"its ISA string 'rv64imafdc\u{1b}[2Jh'" in ended(m, status=1)[-1]
    assert "\x1b[2J" not in m.log


def test_boot_option_with_control_characters(started):
    m = started(append="\x1b[2J")
    assert ended(m, status=1) == [rf"cairn: boot option '\u{{1b}}[2J': expected {OPTIONS}"]


@pytest.mark.parametrize("options", [
    ["-object", "memory-backend-ram,size=64M,id=a", "-object", "memory-backend-ram,size=960M,id=b",
     "-numa", "node,memdev=a", "-numa", "node,memdev=b"],
])
def test_neighbouring_memory_is_one_piece(started, options):
    check_guest_ran(started(memory="1G", smp=2, options=options))


def test_memory_that_is_named_twice(started, tmp_path):
    source = re.sub(r"(memory@80000000 \{[^}]*reg = <)[^>]*>",
                    r"\g<1>0x00 0x80000000 0x00 0x50000000 0x00 0xc0000000 0x00 0x40000000>",
                    read_tree(tmp_path, memory="2G"))
    m = started(**{**boot_loader.options(tmp_path, boot_loader.compile_tree(source)), "memory": "2G"})
    lines = ended(m, status=1)
    assert lines[0] == ("cairn: the device tree names some of the machine's memory twice: it counts "
                        "once")


def with_uart_at(source, address):
    return re.sub(r"(serial@10000000 \{[^}]*reg = <)[^>]*>", rf"\g<1>0x00 {address:#x} 0x00 0x100>",
                  source)


@pytest.mark.parametrize("address, said", [
    (0x2000_0000, None),
    (0x1000_1000, None),
    (0x4000_0000, None),
    (0x1800_0000, "its registers cannot be accessed"),
])
def test_uart_that_is_not_there(started, tmp_path, address, said):
    tree = boot_loader.compile_tree(with_uart_at(boot_loader.machine_tree(tmp_path), address))
    lines = ended(started(**boot_loader.options(tmp_path, tree)), status=1)  # no archive in this tree
    said = re.escape(said) if said else r"its scratch register does not keep what is written"
    pattern = f"console: the firmware's; serial@10000000 is no 16550 that works: {said}; so input is off"
    assert any(re.fullmatch(pattern, line) for line in lines)


@pytest.mark.parametrize("address, fault", [
    (0x8800_0000, "memory lies there"),
    (0x8020_0000, "memory lies there"),
    (0x8000_0000, "reserved memory lies there"),
    (0, "no device can lie there"),
])
def test_uart_where_something_else_is(started, tmp_path, address, fault):
    """The firmware would write to such a UART itself, so it has not seen this tree."""
    tree = boot_loader.compile_tree(with_uart_at(boot_loader.machine_tree(tmp_path), address).replace(
        "chosen {", "reserved-memory {\n#address-cells = <2>;\n#size-cells = <2>;\nranges;\n"
        "firmware@80000000 {\nreg = <0x00 0x80000000 0x00 0x80000>;\nno-map;\n};\n};\nchosen {", 1))
    lines = ended(started(**boot_loader.options(tmp_path, tree)), status=1)
    assert lines[0] == f"cairn: device serial@10000000 at {address:#x} is left alone: {fault}"


def with_plic(source, **values):
    """The tree with another `reg` or `ndev` of the PLIC."""
    node = re.search(r"plic@c000000 \{.*?\};", source, re.DOTALL)
    text = node[0]
    for name, value in values.items():
        name = "riscv,ndev" if name == "ndev" else name
        text = re.sub(rf"(\b{name} = <)[^>]*>", rf"\g<1>{value}>", text)
    return source.replace(node[0], text)


@pytest.mark.parametrize("values, said", [
    ({"ndev": "0xffffffff"}, "its riscv,ndev is above 1023"),
    ({"reg": "0x00 0xc000000 0x00 0x1000"}, "its registers do not reach as far as they must"),
    ({"reg": "0x00 0x00 0x00 0x600000"}, "no device can lie there"),
    ({"reg": "0x00 0x88000000 0x00 0x600000"}, "memory lies there"),
    ({"reg": "0x00 0xfe00000 0x00 0x600000"}, "another device lies there"),
])
def test_plic_that_cannot_be(started, tmp_path, values, said):
    tree = boot_loader.compile_tree(with_plic(boot_loader.machine_tree(tmp_path), **values))
    lines = ended(started(**boot_loader.options(tmp_path, tree)), status=1)
    assert re.fullmatch(rf"cairn: device plic@c000000 at 0x[0-9a-f]+ is left alone: {said}", lines[0])
    assert "console: no interrupt of the 16550 reaches hart 0, so input is off" in lines


def test_plic_that_is_not_there(started, tmp_path):
    tree = boot_loader.compile_tree(with_plic(boot_loader.machine_tree(tmp_path),
                                              reg="0x00 0x50000000 0x00 0x600000"))
    lines = ended(started(**boot_loader.options(tmp_path, tree)), status=1)
    assert "console: plic@c000000 is no PLIC that works, so input is off" in lines


@pytest.mark.parametrize("base", ["0x50000000", "0x10100000"], ids=["nothing there", "another device"])
def test_sswi_that_is_not_there(started, tmp_path, base):
    """The second base is QEMU's fw_cfg, whose data register takes stores and does nothing."""
    source = read_tree(tmp_path, board="virt,aclint=on", smp=2, memory="2G")
    assert source.count("reg = <0x00 0x2f00000") == 1
    m = started_with_tree(started, tmp_path, source.replace("reg = <0x00 0x2f00000", f"reg = <0x00 {base}"),
                          board="virt,aclint=on", smp=2)
    lines = check_guest_ran(m)
    said = sorted(line for line in lines if "SSWI" in line)
    assert said == [f"cairn: hart {hart}: a store to {int(base, 16) + 4 * hart:#x}, its register of the SSWI, "
                    "does not interrupt it: the firmware is asked" for hart in range(2)]
    assert any(line.startswith("cairn: 2 of 2 harts run") for line in lines)


def test_archive_in_the_firmware(machine, tmp_path, tree_source):
    source = tree_source.replace("chosen {", "chosen {\nlinux,initrd-start = <0x80000000>;\n"
                                 "linux,initrd-end = <0x80001000>;", 1)
    assert sentence_about(machine, tmp_path, boot_loader.compile_tree(source)) == (
        "cairn: the VM archive at 0x80000000 to 0x80001000 cannot be read: other memory lies there")
