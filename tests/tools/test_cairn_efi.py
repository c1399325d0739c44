# SPDX-License-Identifier: MIT
"""The headers of cairn.efi, as LLVM's and the GNU binutils' readers see them."""
import re
import subprocess

import pytest

from conftest import ROOT
from kernel_size import tool

IMAGE = ROOT / "build/target/cairn.efi"
ELF = ROOT / "build/target/cairn-efi.elf"
PAGE = 4096
EXECUTE, WRITE = 0x2000_0000, 0x8000_0000
MACHINE_AT, RISCV64, X86_64 = 0x44, 0x5064, 0x8664
NATIVE = "pei-riscv64-little"


def output(*command):
    return subprocess.run(list(map(str, command)), text=True, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def headers():
    return output(tool("llvm-readobj"), "--file-headers", IMAGE)


@pytest.fixture(scope="module")
def sections():
    """[(name, {field: number})] as llvm-readobj shows them."""
    text = output(tool("llvm-readobj"), "--sections", IMAGE)
    found = []
    for block in text.split("Section {")[1:]:
        fields = {name: int(value, 0) for name, value in
                  re.findall(r"^    (\w+): (0x[0-9A-F]+|\d+)$", block, re.M)}
        fields["Characteristics"] = int(re.search(r"Characteristics \[ \((0x\w+)\)", block)[1], 0)
        found.append((re.search(r"Name: (\S+)", block)[1], fields))
    return found


def number(headers, name):
    return int(re.search(rf"^ *{name}:[^0-9\n]*(0x[0-9A-F]+|\d+)", headers, re.M)[1], 0)


def test_it_is_an_efi_application_for_riscv64(headers):
    assert number(headers, "Machine") == RISCV64
    assert "Magic: 0x20B" in headers
    assert "IMAGE_SUBSYSTEM_EFI_APPLICATION (0xA)" in headers
    assert "IMAGE_DLL_CHARACTERISTICS_NX_COMPAT" in headers
    assert "IMAGE_FILE_EXECUTABLE_IMAGE" in headers
    assert "IMAGE_FILE_RELOCS_STRIPPED" not in headers # it may be loaded anywhere
    assert number(headers, "SectionAlignment") == PAGE
    assert number(headers, "BaseRelocationTableRVA") != 0


def test_sections(headers, sections):
    assert [name for name, _ in sections] == [".text", ".reloc", ".data"]
    end = number(headers, "SizeOfHeaders")
    for name, fields in sections:
        assert fields["VirtualAddress"] == end, f"{name} follows what is before it"
        assert fields["VirtualAddress"] == fields["PointerToRawData"]
        assert fields["RawDataSize"] % number(headers, "FileAlignment") == 0
        end = -(-(fields["VirtualAddress"] + fields["VirtualSize"]) // PAGE) * PAGE
    assert end == number(headers, "SizeOfImage")


def test_nothing_is_writable_and_executable(sections):
    flags = {name: fields["Characteristics"] & (EXECUTE | WRITE) for name, fields in sections}
    assert flags == {".text": EXECUTE, ".reloc": 0, ".data": WRITE}


def test_entry_is_code(headers, sections):
    text = dict(sections)[".text"]
    entry = number(headers, "AddressOfEntryPoint")
    assert text["VirtualAddress"] <= entry < text["VirtualAddress"] + text["VirtualSize"]
    symbols = output(tool("llvm-nm"), ELF)
    assert int(re.search(r"^(\w+) \w _efi_start$", symbols, re.M)[1], 16) == entry


def test_file_holds_every_section_and_no_heap(sections):
    data = dict(sections)[".data"]
    assert IMAGE.stat().st_size == data["PointerToRawData"] + data["RawDataSize"]
    assert IMAGE.stat().st_size < 544 * 1024
    assert data["VirtualSize"] < 4 * 1024 * 1024


def test_only_its_own_base_is_to_be_added():
    """efi_entry.S knows this one kind of relocation."""
    rows = output(tool("llvm-readobj"), "--relocations", "--expand-relocs", ELF)
    kinds = set(re.findall(r"Type: (\w+)", rows))
    assert kinds == {"R_RISCV_RELATIVE"}


def objdump():
    """An objdump and whether it knows PE for RISC-V, which binutils do since 2.41."""
    for name in ("riscv64-linux-gnu-objdump", "objdump"):
        try:
            formats = output(name, "-i")
        except FileNotFoundError:
            continue
        if NATIVE in formats:
            return name, True
        if "pei-x86-64" in formats:
            return name, False
    return pytest.skip("no objdump that reads PE")


def test_binutils_read_the_same(headers, sections, tmp_path):
    """Where objdump does not know the machine, it gets a copy that says x86: the rest is the same."""
    name, native = objdump()
    data = bytearray(IMAGE.read_bytes())
    assert int.from_bytes(data[MACHINE_AT:MACHINE_AT + 2], "little") == RISCV64
    if not native:
        data[MACHINE_AT:MACHINE_AT + 2] = X86_64.to_bytes(2, "little")
    copy = tmp_path / "copy.efi"
    copy.write_bytes(data)
    text = output(name, "-f", "-h", "-p", copy)
    assert f"file format {NATIVE if native else 'pei-x86-64'}" in text
    assert re.search(r"^Subsystem\s+0000000a", text, re.M)
    for field in ("AddressOfEntryPoint", "SectionAlignment", "SizeOfImage", "SizeOfHeaders"):
        assert int(re.search(rf"^{field}\s+(\w+)", text, re.M)[1], 16) == number(headers, field)
    rows = re.findall(r"^ +\d+ (\.\w+) +\w+  (\w+)  \w+  (\w+)  2", text, re.M)
    assert [(row[0], int(row[1], 16), int(row[2], 16)) for row in rows] == [
        (section, fields["VirtualAddress"], fields["PointerToRawData"])
        for section, fields in sections]
