# SPDX-License-Identifier: MIT
"""Runs a guest on Cairn and counts instructions by who executes them: Cairn by function, firmware,
guest. A plugin of QEMU's counts them by address (tools/count_instructions.cpp), every one."""
import bisect
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import kernel_size
import measured_machine
from measured_machine import HYPERVISOR, ROOT

SOURCE = ROOT / "tools/count_instructions.cpp"
# Until Cairn's first instruction; until the guest's first; from there to the end.
PHASES = ["reset", "start", "guest"]
FIRMWARE, GUEST = "firmware", "guest" # what is no function of Cairn's; before the firmware, its loader


def plugin_version(qemu):
    """The number of the plugins' interface that QEMU of this version takes: 9.0 ended the first."""
    return 1 if int(qemu.split(".")[0]) < 9 else 2


def build_plugin(folder):
    plugin = folder / "count_instructions.so"
    compiler = next(filter(shutil.which, ["clang++-19", "clang++-20", "clang++", "c++"]), None)
    if compiler is None:
        raise RuntimeError("no compiler for the host's C++")
    version = plugin_version(measured_machine.qemu_version())
    subprocess.run([compiler, "-std=c++2b", "-O2", "-shared", "-fPIC", SOURCE, "-o", plugin,
                    f"-DCAIRN_PLUGIN_VERSION={version}"], check=True)
    return plugin


def text_section(elf):
    """(address, size) of the code."""
    listing = kernel_size.output(kernel_size.tool("llvm-size"), "-A", elf)
    size, address = re.search(r"^\.text\s+(\d+)\s+(\d+)", listing, re.M).groups()
    return int(address), int(size)


def symbols(elf):
    """(addresses in order, their names) of all functions and labels of the code."""
    listing = kernel_size.output(kernel_size.tool("llvm-nm"), "-C", "-n", "--defined-only", elf)
    found = re.findall(r"^(\S+) [TtWw] (.*)$", listing, re.M)
    return [int(address, 16) for address, _ in found], [name for _, name in found]


def parse(text, base, addresses, names):
    """{phase: Counter by name} of what the plugin has written."""
    if not text.endswith("end\n"):
        raise RuntimeError("the guest did not come to the instruction that ends the count")
    counts = {phase: Counter() for phase in PHASES}
    for line in text.splitlines()[:-1]:
        phase, place, count = line.split()
        if place.isdigit():
            place = names[bisect.bisect_right(addresses, base + int(place)) - 1]
        counts[phase][place] += int(count)
    return counts


def count(end, kernel, **options):
    """{phase: Counter by name}; `end`: the guest's instruction before which the count ends. The
    options are those of run_on_cairn."""
    base, size = text_section(HYPERVISOR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "counts"
        plugin = f"{build_plugin(folder)},text={base},size={size},end={end},out={out}"
        log = measured_machine.run_on_cairn(kernel, qemu=["-plugin", plugin], **options)
        if not out.exists():
            raise RuntimeError(f"QEMU's plugin has written nothing:\n{log[-2000:]}")
        return parse(out.read_text(), base, *symbols(HYPERVISOR))
