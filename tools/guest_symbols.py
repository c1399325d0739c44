# SPDX-License-Identifier: MIT
"""Names of a guest's functions by address: from a System.map, a copy of /proc/kallsyms, or an ELF
file with symbols. Nothing but the standard library is needed."""
import bisect
import re
import struct

MAP_LINE = re.compile(r"([0-9a-f]{8,16}) ([A-Za-z]) (\S+)")
FARTHEST = 1 << 20 # behind the last symbol: a function is no longer than that
SHT_SYMTAB, STT_FUNC, STT_NOTYPE, SHN_UNDEF = 2, 2, 0, 0


class SymbolError(ValueError):
    """A file that holds no symbols, and why."""


def of_map(text, letters="tTwW"):
    """(address, name) of each symbol of those kinds, code's if not said; in the form of nm."""
    return list(_of_map(text.replace("\r", ""), letters))


def _of_map(text, letters):
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = MAP_LINE.match(line)
        if found is None:
            raise SymbolError(f"line {number}: '{line[:40]}' is no line of a System.map or kallsyms")
        if found[2] in letters:
            yield int(found[1], 16), found[3]


def _sections(data):
    """(type, offset, size, link) of each."""
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3a)
    for index in range(count):
        kind, _, _, offset, length, link = struct.unpack_from("<IQQQQI", data, table + size * index + 4)
        yield kind, offset, length, link


def _of_elf(data):
    if data[4:6] != b"\x02\x01":
        raise SymbolError("it is no ELF file of 64 bits, little-endian")
    try:
        sections = list(_sections(data))
        for kind, offset, length, link in sections:
            if kind != SHT_SYMTAB:
                continue
            for at in range(offset, offset + length, 24):
                name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
                start = sections[link][1] + name
                text = data[start:data.index(b"\0", start)].decode(errors="replace")
                if section != SHN_UNDEF and info & 15 in (STT_FUNC, STT_NOTYPE) and text \
                        and not text.startswith((".L", "$")):
                    yield value, text
    except (struct.error, IndexError, ValueError) as error:
        raise SymbolError("the ELF file is cut off") from error


class Symbols:
    def __init__(self, pairs=()):
        self.pairs = sorted(set(pairs))
        self.addresses = [address for address, _ in self.pairs]

    def find(self, address):
        """(name, start) of the function that `address` lies in; (None, None) where there is none."""
        index = bisect.bisect_right(self.addresses, address) - 1
        if index < 0 or address - self.addresses[index] > FARTHEST:
            return None, None
        start, name = self.pairs[index]
        return name, start

    def name(self, address):
        """Of the function that `address` lies in; the address where there is none."""
        return self.find(address)[0] or f"{address:#x}"


def read(path):
    data = path.read_bytes()
    symbols = Symbols(_of_elf(data) if data[:4] == b"\x7fELF" else
                      of_map(data.decode(errors="replace")))
    if not any(symbols.addresses):
        raise SymbolError("it has no addresses of functions; /proc/kallsyms shows them to root alone")
    return symbols
