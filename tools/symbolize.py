#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Resolves the backtraces in a console log: `backtrace:`, then lines like `  #0 0x0000000080201234`.
A program that can lie anywhere (cairn-efi.elf) lies where the log says: `image at 0xfe6b2000`.
"""
import argparse
import re
import subprocess
from pathlib import Path

IMAGE = re.compile(r"^image at 0x([0-9a-f]+)$", re.MULTILINE)
FRAME = re.compile(r"^\s*#(\d+)\s+0x([0-9a-fA-F]+)")


def backtraces(text):
    """Lists of (frame number, address), one list per `backtrace:`."""
    current = None
    for line in text.splitlines():
        frame = FRAME.match(line)
        if "backtrace:" in line:
            current = []
        elif current is not None and frame:
            current.append((int(frame[1]), int(frame[2], 16)))
        elif current is not None:
            if current:
                yield current
            current = None
    if current:
        yield current


def call_site(number, address):
    """A return address may belong to the next line or function; the call before it does not."""
    return address if number == 0 else address - 1


def is_position_independent(kernel):
    et_dyn = 3
    with open(kernel, "rb") as stream:
        return int.from_bytes(stream.read(18)[16:], "little") == et_dyn


def base_of(kernel, text):
    """What to add to the addresses in `kernel`."""
    image = IMAGE.search(text)
    return int(image[1], 16) if image and is_position_independent(kernel) else 0


def symbols(kernel, addresses, base=0):
    command = ["llvm-symbolizer-19", f"--obj={kernel}", "--output-style=GNU", "--basenames",
               "--functions=linkage", "--demangle", "--pretty-print", "--no-inlines",
               f"--adjust-vma={base:#x}"]
    output = subprocess.run(command + [hex(address) for address in addresses], text=True,
                            capture_output=True, check=True).stdout
    return output.splitlines()


def main(kernel, log):
    text = Path(log).read_text(errors="replace").replace("\r", "")
    base = base_of(kernel, text)
    for frames in backtraces(text):
        print("backtrace with symbols:")
        found = symbols(kernel, [call_site(*frame) for frame in frames], base)
        for (number, address), symbol in zip(frames, found):
            print(f"  #{number} {address:#018x} {symbol}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernel", help="the ELF file that ran")
    parser.add_argument("log", help="of its console")
    given = parser.parse_args()
    main(given.kernel, given.log)
