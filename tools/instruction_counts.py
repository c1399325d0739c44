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


def _name(place, base, addresses, names):
    """A place as the plugin writes it: an offset in the code, or a word."""
    if not place.isdigit():
        return place
    return names[bisect.bisect_right(addresses, base + int(place)) - 1]


def parse(text, base, addresses, names):
    """{phase: Counter by name} of what the plugin has written."""
    if not text.endswith("end\n"):
        raise RuntimeError("the guest did not come to the instruction that ends the count")
    counts = {phase: Counter() for phase in PHASES}
    for line in text.splitlines()[:-1]:
        phase, place, count = line.split()
        counts[phase][_name(place, base, addresses, names)] += int(count)
    return counts


def parse_marks(text, base, addresses, names):
    """[(name of a mark, Counter by name of what came before it)] of what the plugin has written."""
    marks = []
    for line in text.splitlines():
        match line.split():
            case ["mark", place]:
                marks.append((_name(place, base, addresses, names), Counter()))
            case ["mark", place, number]:
                marks[-1][1][_name(place, base, addresses, names)] += int(number)
    return marks


def _run(end, run, marks=(), more=()):
    """What the plugin writes of a machine that `run` starts with the arguments of QEMU it is given."""
    base, size = text_section(HYPERVISOR)
    addresses, names = symbols(HYPERVISOR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "counts"
        words = [*more, *[f"mark={addresses[names.index(mark)] - base}" for mark in marks]]
        log = run(["-plugin", ",".join([f"{build_plugin(folder)},text={base},size={size},end={end}",
                                        f"out={out}", *words])])
        text = out.read_text() if out.exists() else ""
        if not text:
            raise RuntimeError(f"QEMU's plugin has written nothing:\n{log[-2000:]}")
        return text, base, addresses, names


def count(end, kernel, **options):
    """{phase: Counter by name}; `end`: the guest's instruction before which the count ends. The
    options are those of run_on_cairn."""
    return parse(*_run(end, lambda qemu: measured_machine.run_on_cairn(kernel, qemu=qemu,
                                                                       **options)))


def count_vms(end, vms, **options):
    """The same of several VMs; the options are those of run_vms."""
    return parse(*_run(end, lambda qemu: measured_machine.run_vms(vms, qemu=qemu, **options)))


NOWHERE = 1 # an address that no instruction has


def count_at_program(address, run, entries):
    """[(Counter of what came since the mark before, how often Cairn's labels `entries` were executed)] for each
    time that a guest's program came to `address`, which no other program has; `run` as _run's."""
    text, base, addresses, names = _run(NOWHERE, run, more=[f"program={address}"])
    places = {str(addresses[names.index(entry)] - base) for entry in entries}
    taken = []
    for line in text.splitlines():
        match line.split():
            case ["mark", _]:
                taken.append(0)
            case ["mark", place, number] if place in places:
                taken[-1] += int(number)
    return [(counts, times) for (_, counts), times in zip(parse_marks(text, base, addresses, names), taken)]


def count_between(marks, vms, **options):
    """[(mark, Counter of what came since the mark before)] for each time that one of Cairn's
    functions `marks` was entered, until the machine turned off."""
    return parse_marks(*_run(NOWHERE, lambda qemu: measured_machine.run_vms(vms, qemu=qemu, **options),
                             marks))
