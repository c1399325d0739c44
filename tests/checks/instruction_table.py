#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The instruction decoders against LLVM's disassembler.

Compared are all 16-bit encodings, and of the 32-bit ones every opcode, funct3 and funct7 with a few
registers, and every funct12 of SYSTEM and MISC-MEM. An encoding that LLVM does not know must be
refused by the decoder, and the other way round.

Usage: instruction_table.py DUMP_PROGRAM LLVM_OBJDUMP LLVM_OBJCOPY
"""
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import finish

EXTENSIONS = ("+m,+a,+f,+d,+c,+zcb,+zfh,+zabha,+experimental-zacas,+h,+svinval,+zawrs,+zicbom,"
              "+zicboz,+zicsr,+zifencei")
SYSTEM, MISC_MEM = 0x73, 0x0f

WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8}
LOAD = re.compile(r"(c\.)?l([bhwd])(u?)(sp)?$")
STORE = re.compile(r"(c\.)?s([bhwd])(sp)?$")
FP = re.compile(r"(c\.)?f([ls])([hwd])(sp)?$")
ATOMIC = re.compile(r"(amo\w+|lr|sc)\.([bhwd])(\.aq|\.rl|\.aqrl)?$")
NAMED = re.compile(r"(ecall|ebreak|c\.ebreak|c\.unimp|sret|mret|unimp|wfi|wrs\..*|[sh]fence\..*|"
                   r"[sh]inval\..*|hlvx?\..*|hsv\..*|csrr.*|fence\.i|cbo\..*)$")


def compressed():
    return [bits for bits in range(1 << 16) if bits & 3 != 3]


def wide():
    """32-bit encodings; the registers are chosen to tell rd, rs1 and rs2 apart."""
    registers = ((0, 0, 0), (1, 2, 3), (31, 30, 0), (10, 0, 29))
    for opcode, funct3, funct7, (rd, rs1, rs2) in itertools.product(
            range(3, 128, 4), range(8), range(128), registers):
        if opcode & 0x1c != 0x1c:
            yield funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
    for opcode, funct3, funct12, (rd, rs1) in itertools.product(
            (SYSTEM, MISC_MEM), range(8), range(4096), ((0, 0), (5, 0), (0, 6), (5, 6))):
        yield funct12 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def disassembled(objdump, objcopy, instructions, length):
    """What LLVM prints for each instruction: (mnemonic, first operand, all operands)."""
    with tempfile.TemporaryDirectory() as folder:
        binary, elf = Path(folder, "bytes"), Path(folder, "elf")
        binary.write_bytes(b"".join(bits.to_bytes(length, "little") for bits in instructions))
        subprocess.run([objcopy, "-I", "binary", "-O", "elf64-littleriscv", "--rename-section",
                        ".data=.text,alloc,load,readonly,code", binary, elf], check=True)
        text = subprocess.run([objdump, "-d", "--no-show-raw-insn", "--triple=riscv64", "-M",
                               "no-aliases,numeric", f"--mattr={EXTENSIONS}", elf],
                              capture_output=True, text=True, check=True).stdout
    found = {int(at, 16) // length: (mnemonic, first, first + others)
             for at, mnemonic, first, others in
             re.findall(r"^ *([0-9a-f]+):\s+(\S+)[ \t]*([^,\s]*)(.*)", text, re.M)}
    if len(found) != len(instructions):
        raise SystemExit(f"{objdump}: {len(found)} lines for {len(instructions)} instructions")
    return [found[index] for index in range(len(instructions))]


def address(operands):
    """"BASE OFFSET" of `OFFSET(xBASE)` or `(xBASE)`."""
    match = re.search(r"(-?(?:0x)?[0-9a-f]+)?\(x(\d+)\)", operands)
    return f"{match[2]} {int(match[1] or '0', 0)}" if match else None


def expected(mnemonic, operand, operands, length):
    """The line that instruction_dump prints, from LLVM's words."""
    access = access_of(mnemonic, operand, length)
    if access:
        return f"{access} {address(operands)}"
    return mnemonic if NAMED.match(mnemonic) else "-"


def access_of(mnemonic, operand, length):
    register = int(operand[1:]) if re.fullmatch(r"[xf]\d+", operand) else None
    if match := LOAD.match(mnemonic):
        sign = 0 if match[3] else 1
        return f"load {WIDTHS[match[2]]} {sign} {register} {length}"
    if match := STORE.match(mnemonic):
        return f"store {WIDTHS[match[2]]} 0 {register} {length}"
    if match := FP.match(mnemonic):
        kind = "fp_load" if match[2] == "l" else "fp_store"
        return f"{kind} {WIDTHS[match[3]]} 0 {register} {length}"
    if match := ATOMIC.match(mnemonic):
        kind = match[1] if match[1] in ("lr", "sc") else "amo"
        return f"{kind} {WIDTHS[match[2]]} {0 if kind == 'sc' else 1} {register} {length}"
    return None


def compare(dump, objdump, objcopy, instructions, length):
    """The violations, and how many of the encodings the decoders know."""
    ours = subprocess.run([dump], input="".join(f"{bits:x}\n" for bits in instructions),
                          capture_output=True, text=True, check=True).stdout.splitlines()
    theirs = disassembled(objdump, objcopy, instructions, length)
    if len(ours) != len(instructions):
        raise SystemExit(f"{dump}: {len(ours)} lines for {len(instructions)} instructions")
    violations = []
    for bits, our, (mnemonic, operand, operands) in zip(instructions, ours, theirs):
        their = expected(mnemonic, operand, operands, length)
        if our != their:
            violations.append(f"{bits:#0{2 + 2 * length}x}: decoded as '{our}', "
                              f"LLVM: '{mnemonic} {operands}' ('{their}')")
    print(f"{len(instructions)} encodings of {length} bytes compared, "
          f"{sum(our != '-' for our in ours)} of them decoded or named")
    return violations


def main(*tools):
    violations = compare(*tools, compressed(), 2)
    violations += compare(*tools, sorted(set(wide())), 4)
    if len(violations) > 200:
        print(f"{len(violations)} differences; the first 200:")
    finish(violations[:200], "instruction decoders")


main(*sys.argv[1:])
