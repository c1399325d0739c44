# SPDX-License-Identifier: MIT
"""A kernel's symbols become an ELF file that gdb and binutils read, and what is none a sentence."""
import subprocess
import sys

from conftest import ROOT

TOOL = ROOT / "tools/kernel_symbols.py"
MAP = """ffffffff80000000 T _start
ffffffff80002000 t a_function
ffffffff80003000 D a_variable\r
ffffffff80004000 T last\t[module]
ffffffff80001000 A absolute
"""


def make(tmp_path, text):
    output = tmp_path / "kernel.elf"
    made = subprocess.run([sys.executable, TOOL, "-", "-o", output], input=text, capture_output=True, text=True)
    return made, output


def test_gdb_knows_the_names(tmp_path):
    made, output = make(tmp_path, MAP)
    assert made.returncode == 0 and "3 functions, 1 variables" in made.stdout, made.stderr
    said = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-ex", "info address a_function", "-ex",
                           "info symbol 0xffffffff80002010", "-ex", "p &a_variable", "-ex", "show architecture",
                           output], capture_output=True, text=True, check=True).stdout
    assert '"a_function" is at 0xffffffff80002000' in said
    assert "a_function + 16 in section .text" in said
    assert "0xffffffff80003000 <a_variable>" in said and "riscv:rv64" in said


def test_what_holds_none(tmp_path):
    for text, sentence in [("0000000000000000 T a\n", "to root alone"), ("", "to root alone"), ("hello", "line 1")]:
        made, output = make(tmp_path, text)
        assert made.returncode == 1 and sentence in made.stderr
        assert not output.exists()
