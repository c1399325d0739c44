#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every CSR of kernel/arch/isa/csr.hpp: its number against LLVM's (each name is assembled), and that
something beside the unit tests uses it. The kernel's assembly names CSRs and their bits."""
import re
import subprocess
import sys

from facts import rows
from tree import files, finish, lines

HEADER = "kernel/arch/isa/csr.hpp"


def assembled(llvm_mc, names):
    """{name: number}, by the encoding of `csrr a0, name`; names that LLVM refuses are left out."""
    run = subprocess.run(
        [llvm_mc, "-triple=riscv64", "-mattr=+f,+smaia,+ssaia,+sstc,+h", "-show-encoding"],
        input="".join(f"csrr a0, {name}\n" for name in names),
        capture_output=True, text=True, check=False)
    refused = {int(line) - 1 for line in re.findall(r"<stdin>:(\d+):\d+: error", run.stderr)}
    encodings = re.findall(r"encoding: \[(.*?)\]", run.stdout)
    known = [name for line, name in enumerate(names) if line not in refused]
    if len(encodings) != len(known):
        raise SystemExit(f"{llvm_mc}: {len(encodings)} encodings for {len(known)} CSRs\n{run.stderr}")
    words = (int.from_bytes(bytes(int(byte, 16) for byte in encoding.split(",")), "little")
             for encoding in encodings)
    return {name: word >> 20 for name, word in zip(known, words)}


def used():
    """The CSRs that the kernel or a guest names: Csr::name in C++, name in assembly."""
    found = set()
    for below in ("kernel", "tests/guests"):
        for name in files(".hpp", ".cpp", ".S", below=below):
            if "_test" in name.stem:
                continue
            pattern, comment = (r"\w+", "#") if name.suffix == ".S" else (r"Csr::(\w+)", "//")
            for line in lines(name):
                found.update(re.findall(pattern, line.split(comment)[0]))
    return found


def naked(below="kernel/arch"):
    """Instructions of the assembly that say a CSR, or what is written there, by a number."""
    for name in files(".S", below=below):
        for number, line in enumerate(lines(name), 1):
            if re.match(r"\s*(\w+:)?\s*csr\w+\s.*\b\d", line.split("#")[0]):
                yield f"{name}:{number}: a number: {line.strip()}"


def main(llvm_mc):
    ours = rows(HEADER, "CAIRN_CSRS")
    theirs = assembled(llvm_mc, list(ours))
    violations = [f"{HEADER}: nobody uses {name}" for name in sorted(ours.keys() - used())]
    for name, number in ours.items():
        if name not in theirs:
            violations.append(f"{HEADER}: LLVM knows no CSR {name}")
        elif theirs[name] != number:
            violations.append(f"{HEADER}: {name} is {number:#x}, LLVM says {theirs[name]:#x}")
    violations += naked()
    print(f"{len(ours)} CSRs compared with {llvm_mc}")
    finish(violations, "CSR numbers")


main(sys.argv[1])
