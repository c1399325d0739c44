#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what many VMs cost, and writes the table "Many VMs" of docs/performance.md and vm_costs.svg beside it.

One command, no options needed. Figures are instructions, not seconds.
Guests of this repository say what they have done (tests/guests/turns.cpp, ping_pong.cpp, exits.cpp);
what Cairn itself executes for a VM's life is counted by address (tools/instruction_counts.py).
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import boot_time
import document
import instruction_counts
import measured_machine
import svg
from measured_machine import GUESTS, ROOT, TICKS_PER_SECOND

DOCUMENT = ROOT / "docs/performance.md"
VECTOR = "rv64,v=true,vlen=128,vext_spec=v1.0"
SSWI = "virt,aclint=on"
ROUNDS = 10_000
BEGIN, END = 200, 1200 # ms in which the spinners work
PER_MS = 1_000_000 # instructions
# wfi, c.j -4; a call of SRST that powers off: the shortest raw binaries
SLEEP = bytes.fromhex("73005010 f5bf")
POWER_OFF = b"".join(word.to_bytes(4, "little") for word in (
    0x535258B7, 0x35488893, 0x00000813, 0x00000513, 0x00000593, 0x00000073)) # a7 "SRST", 0, 0, 0


def asleep(name, **keys):
    """A VM that sleeps for longer than anything here lasts, then powers off; -icount passes over it."""
    return (GUESTS / "turns.img", {"memory": "8M", "append": f"{name} 600000 600000", **keys})


def ping_pong(what="", machine=SSWI):
    """Instructions of a round trip between two vCPUs on one hart."""
    vms = {"pair": (GUESTS / "ping_pong.img",
                    {"cpus": 2, "memory": "8M", "append": f"{ROUNDS} {what}".strip()})}
    log = measured_machine.run_vms(vms, cpu=VECTOR, machine=(machine, 1))
    return float(re.search(r"^figure ping-pong (\S+)$", log, re.M)[1])


def wake_up(machine, watched):
    """From the IPI of a hart to the next instruction of a vCPU that sleeps on another. `watched`:
    another VM's vCPU sleeps on each of the two, so that none is a vCPU's own."""
    vms = {"pair": (GUESTS / "ping_pong.img", {"cpus": 2, "memory": "8M", "append": str(ROUNDS)})}
    if watched:
        vms |= {f"asleep{hart}": asleep(hart, affinity=hart) for hart in (0, 1)}
    log = measured_machine.run_vms(vms, machine=(machine, 2))
    return float(re.search(r"^figure ping-pong (\S+)$", log, re.M)[1]) / 2


def turns(vms_count, options=None):
    """Instructions from a turn's last to the next one's first; the part of the hart that guests have;
    the longest wait in ticks: of `vms_count` VMs that spin on one hart; `options` are Cairn's own."""
    vms = {f"vm{n}": (GUESTS / "turns.img", {"memory": "8M", "append":
           f"vm{n} {BEGIN} {END} {END + 50 * (n + 1)}"}) for n in range(vms_count)}
    log = measured_machine.run_vms(vms, options=options)
    said = re.findall(r"^turns: (\S+) did (\d+) in (\d+) turns, waited (\d+) at most$", log, re.M)
    if sorted(name for name, *_ in said) != sorted(vms):
        raise RuntimeError(f"not every VM has said what it did:\n{log[-2000:]}")
    work = sum(int(done) for _, done, *_ in said)
    switches = sum(int(turns) for *_, turns, _ in said)
    whole = (END - BEGIN) * PER_MS
    return (whole - work) / switches, work / whole, max(int(wait) for *_, wait in said)


def total(counts):
    """Cairn's own, but for zeroing of guests' RAM and what its log says."""
    zeroing = sum(n for name, n in counts.items() if boot_time.ZEROING.match(name))
    said = sum(n for name, n in counts.items() if SAYING.search(name))
    others = counts.get(instruction_counts.FIRMWARE, 0) + counts.get(instruction_counts.GUEST, 0)
    return sum(counts.values()) - zeroing - said - others


# Functions of the console and of formatting.
SAYING = re.compile(r"UartDriver|platform_write|write_bytes|vformat|BufferedWriter|announce|OwnLine")
BUILD, LOADED = "cairn::VmTable::start(cairn::ManagedVm&)", "cairn::ManagedVm::load_again()"
WAKE = "cairn::Scheduler::wake(cairn::Task&, unsigned long, unsigned long)"
ENTER = "enter_guest"
LEFT = "cairn::VmTable::all_have_left(cairn::Vm&)"
ENDED = "cairn::VmTable::one_has_ended(cairn::ManagedVm const&)"


def lives(vms_count=8):
    """(create, load, start, end) of a VM of 8 MiB in instructions, the medians of `vms_count`."""
    vms = {f"vm{n}": (POWER_OFF, {"memory": "8M"}) for n in range(vms_count)}
    marks = instruction_counts.count_between([BUILD, LOADED, WAKE, ENTER, LEFT, ENDED], vms)
    pairs = [((before, after), counts) for (before, _), (after, counts) in zip(marks, marks[1:])]

    def median(*pair):
        found = [total(counts) for names, counts in pairs if names == pair]
        if not found:
            raise RuntimeError(f"no VM went from {pair[0]} to {pair[1]}")
        return statistics.median(found)

    # All are loaded between the last one's building and the first one's waking, and on.
    loading = sum(total(counts) for (_, after), counts in pairs if after == WAKE)
    return (median(BUILD, LOADED), loading / vms_count, median(WAKE, ENTER), median(LEFT, ENDED))


def memory_of(vms):
    """Bytes of the heap and of frames that Cairn has for `vms`, which sleep, RAM included."""
    log = measured_machine.run_vms(
        {name: (SLEEP, keys) for name, keys in vms.items()},
        typed="\x1dheap --json\rframes --json\rquit\r")
    records = [json.loads(line) for line in re.findall(r'^\x10?(\{"kind".*\})$', log, re.M)]
    heap = next(record for record in records if record["kind"] == "heap")
    frames = next(record for record in records if record["kind"] == "frames")
    return heap["live"] - frames["free"]


def memory():
    """Bytes of a VM of 8 MiB, its RAM apart, and of each further vCPU."""
    def of(vms_count, cpus=1):
        return memory_of({f"vm{n}": {"memory": "8M", "cpus": cpus} for n in range(vms_count)})
    one = (of(6) - of(2)) / 4 - (8 << 20)
    return one, (of(4, 5) - of(4)) / 16


def debian():
    """Instructions of Debian's boot to /init beside 7 VMs that sleep, over alone: with what Cairn and the
    firmware have more, and with all. The guest's own differ with the least shift of its interrupts."""
    with tempfile.TemporaryDirectory() as folder:
        kernel, initrd = boot_time.prepare(Path(folder))
        guest = (kernel, {"memory": "512M", "initrd": "initrd", "append": "console=ttyS0",
                          "files": {"initrd": initrd}})
        idle = {f"idle{n}": asleep(n) for n in range(7)}
        alone, beside = (instruction_counts.count_vms(boot_time.INIT_ENTRY, vms)
                         for vms in ({"debian": guest}, {"debian": guest} | idle))
    whole, all_beside = (sum(sum(counts[phase].values()) for phase in ("start", "guest"))
                         for counts in (alone, beside))
    more = [sum(sum(counts[phase].values()) - counts[phase][instruction_counts.GUEST]
                for phase in ("start", "guest")) for counts in (alone, beside)]
    return 1 + (more[1] - more[0]) / whole, all_beside / whole


def measure(with_debian):
    """Rows of the table: figure, Cairn's, aim, whether smaller is better, best peer."""
    plain = ping_pong()
    four, eight = turns(4), turns(8)
    long_four, long_eight = turns(4, "turn=10"), turns(8, "turn=10")
    build, load, start, end = lives()
    vm_memory, vcpu_memory = memory()
    slice_ticks = TICKS_PER_SECOND // 200
    rows = [
        ("two vCPUs on one hart, IPI and `wfi`, a round trip (2 switches); with an SSWI", plain,
         2000, "Xvisor 10,582; KVM 15,966"),
        ("- without an SSWI", ping_pong(machine="virt"), None, ""),
        ("- more where each has changed an FP register", ping_pong("fp") - plain, 260, ""),
        ("- more where each has changed a vector register (128 bits)", ping_pong("vector") - plain,
         260, ""),
        ("a turn's end and the switch to another, 4 VMs spinning on one hart", four[0], 900,
         "Xvisor 5,200; KVM 9,100"),
        ("- 8 VMs", eight[0], 900, ""),
        ("an IPI from another hart to the next instruction of a vCPU that sleeps, both harts; with "
         "an SSWI", wake_up(SSWI, False), 600, ""),
        ("- without an SSWI", wake_up("virt", False), 1500, ""),
        ("- where others sleep on both harts, with an SSWI", wake_up(SSWI, True), 600, ""),
        ("- the same without an SSWI", wake_up("virt", True), 1500, ""),
        ("a VM is created: objects, devices, table", build, None, ""),
        ("- its guest is loaded, its device tree written (RAM's zeroing apart)", load, None, ""),
        ("- both", build + load, 100_000, "KVM 183,000 without devices; Xvisor 1,080,000"),
        ("its start: from there to the guest's first instruction", start, 1500,
         "Xvisor 4,000; KVM 51,700"),
        ("its end: from the last vCPU's leaving until nothing is left", end, 40_000,
         "Xvisor 231,000; KVM 541,600"),
        ("bytes of a VM of one vCPU, its RAM apart", vm_memory, 64 << 10,
         "KVM 54 KiB and 43 MB of VMM"),
        ("bytes of each further vCPU", vcpu_memory, 4 << 10, ""),
    ]
    ratios = [("the guests' part of a hart, 4 VMs spinning, turns of 10 ms (`turn=10`)", long_four[1], 0.9998,
               "Xvisor 99.936 %"),
              ("- 8 VMs", long_eight[1], 0.9998, ""),
              ("the guests' part, turns of 5 ms as usual, 4 VMs", four[1], None, ""),
              ("- 8 VMs", eight[1], None, "")]
    waits = [("longest wait of 8 VMs that spin on one hart, in turns of 5 ms",
              eight[2] / slice_ticks, 7.1, "")]
    boots = []
    if with_debian:
        added, whole = debian()
        boots = [("Debian's boot beside 7 VMs that sleep, their making included, over alone: by what Cairn and "
                  "the firmware have more", added, 1.01, ""),
                 ("- by all instructions, the guest's own included", whole, 1.01, "")]
    return rows, ratios, waits + boots


def table(rows, ratios, smaller):
    def line(title, value, shown, aim, shown_aim, is_met, peer):
        verdict = "" if aim is None else "met" if is_met else "**missed**"
        return [title, f"**{shown}**", shown_aim, verdict, peer]

    lines = [line(title, value, f"{value:,.0f}", aim, "" if aim is None else f"{aim:,}",
                  aim is not None and value <= aim, peer) for title, value, aim, peer in rows]
    lines += [line(title, value, f"{value:.3%}".replace("%", " %"), aim,
                   "" if aim is None else f"{aim:.2%}".replace("%", " %"), aim is not None and value >= aim, peer)
              for title, value, aim, peer in ratios]
    lines += [line(title, value, f"{value:.3f}", aim, aim, value <= aim, peer)
              for title, value, aim, peer in smaller]
    return document.table(["figure", "Cairn", "aim", "", "others"], lines)


# Of the table, what others have a figure for: a group's name, what its row begins with, theirs.
COMPARED = [("round trip of 2 vCPUs", "two vCPUs on one hart", 10_582, 15_966),
            ("end of a turn, switch", "a turn's end", 5_200, 9_100),
            ("create, with a tree", "- both", 1_080_000, 183_000),
            ("start", "its start", 4_000, 51_700),
            ("end", "its end", 231_000, 541_600)]


def picture(rows):
    """A bar chart of the figures that others have, too; theirs were measured earlier."""
    ours = [next(row for row in rows if row[0].startswith(begin)) for _, begin, *_ in COMPARED]
    return svg.bar_chart("Instructions, beside others (less is better)", [name for name, *_ in COMPARED],
                         {"Cairn": [value for _, value, *_ in ours],
                          "Xvisor": [xvisor for *_, xvisor, _ in COMPARED],
                          "KVM, Linux 6.12": [kvm for *_, kvm in COMPARED]},
                         logarithmic=True, aims=[aim for _, _, aim, _ in ours])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=DOCUMENT, help="the document to rewrite")
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    parser.add_argument("--no-boot", action="store_true", help="leave Debian's boot out")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "guest_ping_pong", "guest_turns", "boot_init")
    rows, ratios, smaller = measure(not options.no_boot)
    text = table(rows, ratios, smaller)
    if options.print:
        print(text)
    else:
        document.rewrite(options.output, {"many vms": text})
        options.output.with_name("vm_costs.svg").write_text(picture(rows))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_vms.py: {error}")
