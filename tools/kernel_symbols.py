#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes an ELF file of a running kernel's symbols, for gdb: breakpoints by name, and names in backtraces.

The symbols are a copy of the guest's /proc/kallsyms, as root sees it, or a System.map. The file has no code:
gdb reads that from the guest. See docs/debugging.md.
"""
import argparse
import struct
import sys
from pathlib import Path

import guest_symbols

EM_RISCV, ET_EXEC, EV_CURRENT = 243, 2, 1
FLAGS = 0x5 # RVC, and doubles in FP registers
SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE = 2, 3, 8, 2, 4, 1
STB_GLOBAL, STT_FUNC, STT_OBJECT = 1, 2, 1
HEADER, SECTION, SYMBOL = 64, 64, 24


class Strings:
    def __init__(self):
        self.data, self.places = bytearray(1), {}

    def place(self, text):
        if text not in self.places:
            self.places[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self.places[text]


def span(symbols):
    """(address, bytes) of what they name."""
    addresses = [address for address, _ in symbols]
    return min(addresses, default=0), max(addresses, default=0) - min(addresses, default=0) + 4096


def elf_of(code, data):
    """The file, for (address, name) of functions and of data. They lie in one section: of a kernel's own there may be
    several that overlap. It has no entry, where gdb would end each backtrace."""
    names = Strings()
    start, length = span(code + data)
    entries = [bytes(SYMBOL)]
    for kind, symbols in ((STT_FUNC, code), (STT_OBJECT, data)):
        for address, name in symbols:
            entries.append(struct.pack("<IBBHQQ", names.place(name), STB_GLOBAL << 4 | kind, 0, 1, address, 0))
    symbols, strings = b"".join(entries), bytes(names.data)
    titles = Strings()
    at = HEADER
    sections = [bytes(SECTION)]

    def section(title, kind, flags, address, size, **more):
        sections.append(struct.pack("<IIQQQQIIQQ", titles.place(title), kind, flags, address, at, size,
                                    more.get("link", 0), more.get("info", 0), more.get("align", 1),
                                    more.get("each", 0)))

    section(".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE, start, length, align=2)
    section(".symtab", SHT_SYMTAB, 0, 0, len(symbols), link=3, info=1, align=8, each=SYMBOL)
    at += len(symbols)
    section(".strtab", SHT_STRTAB, 0, 0, len(strings))
    at += len(strings)
    titles.place(".shstrtab")
    section(".shstrtab", SHT_STRTAB, 0, 0, len(titles.data))
    at += len(titles.data)
    table = -(-at // 8) * 8
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", ET_EXEC, EM_RISCV, EV_CURRENT, 0, 0, table, FLAGS, HEADER, 0, 0, SECTION, len(sections),
        len(sections) - 1)
    body = header + symbols + strings + bytes(titles.data)
    return body + bytes(table - len(body)) + b"".join(sections)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symbols", type=Path, help="a copy of /proc/kallsyms, or a System.map; - is standard input")
    parser.add_argument("-o", "--output", type=Path, default=Path("kernel.elf"), help="default: kernel.elf")
    options = parser.parse_args()
    text = sys.stdin.read() if str(options.symbols) == "-" else options.symbols.read_text(errors="replace")
    code, data = guest_symbols.of_map(text, "tTwW"), guest_symbols.of_map(text, "dDbBrRvV")
    if not any(address for address, _ in code):
        raise guest_symbols.SymbolError("it has no addresses of functions; /proc/kallsyms shows them to root alone")
    options.output.write_bytes(elf_of(code, data))
    print(f"{options.output}: {len(code)} functions, {len(data)} variables")


if __name__ == "__main__":
    try:
        main()
    except (OSError, guest_symbols.SymbolError) as error:
        sys.exit(f"kernel_symbols.py: {error}")
