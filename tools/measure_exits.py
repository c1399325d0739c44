#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures Cairn and writes the tables of docs/performance.md: one command, no options needed.

Exits: tests/guests/exits.cpp runs on the bare machine and on Cairn, with and without Sstc. Boot:
tools/boot_time.py. Why Debian exits: tools/exit_causes.py. Size: tools/kernel_size.py. Figures are
instructions, not seconds.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot_time
import document
import exit_causes
import kernel_size
import measured_machine
import svg
from measured_machine import GUESTS, ROOT

DOCUMENT = ROOT / "docs/performance.md"
# -cpu; -M and -smp; the guest's arguments: all figures, or one.
WITH = ("rv64", ("virt", 1), None)
WITHOUT = ("rv64,sstc=false", ("virt", 1), None)
PAIR = ("rv64", ("virt", 2), "10000 pair")
PAIR_WITH_SSWI = ("rv64", ("virt,aclint=on", 2), "10000 pair")
# The third hart ends the turns of the two that are measured (tests/guests/exits.cpp).
TRIO = ("rv64", ("virt", 3), "1 fence-cross")
TRIO_WITH_SSWI = ("rv64", ("virt,aclint=on", 3), "1 fence-cross")
AS_BARE = "below bare"

# Figure of the guest, machine, words, aim, and what others took: Bao, Xvisor, KVM 6.12
# (a store that user space emulates, or one that ioeventfd takes in the kernel).
ROWS = [
    ("sbi-base", WITH, "SBI get_spec_version", 60, "239", "736", "929"),
    ("set-timer", WITH, "SBI set_timer", 60, "239", "757", "992"),
    ("probe", WITH, "SBI probe_extension", 180, "245", "741-835", "967-1135"),
    ("hart-status", WITH, "SBI hart_get_status", 180, "245", "741-835", "967-1135"),
    ("unknown-extension", WITH, "SBI, unknown extension", 180, "245", "741-835", "967-1135"),
    ("remote-fence", WITH, "SBI remote fence to itself", 180, "1312-1375", "2082-2141",
     "1887-1904"),
    ("fence-code", WITH, "the same, of instructions", 180, "", "", ""),
    ("fence-size-0", WITH, "the same, of everything by size 0", 180, "", "", ""),
    ("fence-page", WITH, "the same, of a page", 180, "", "", ""),
    ("fence-16-pages", WITH, "the same, of 16 pages", 180, "", "", ""),
    ("fence-asid", WITH, "the same, of a page of an address space", 180, "", "", ""),
    ("fence-cross", TRIO_WITH_SSWI,
     "SBI remote fence to another hart that sleeps, both harts; with an SSWI", 400, "", "", ""),
    ("fence-cross-code", TRIO_WITH_SSWI, "the same, of instructions", 400, "", "", ""),
    ("fence-cross-page", TRIO_WITH_SSWI, "the same, of a page", 400, "", "", ""),
    ("fence-cross", TRIO, "the same of everything, without an SSWI (about 800 are the firmware's)",
     1212, "", "", ""),
    ("ipi-taken", WITH, "SBI IPI to itself, interrupt taken", 100, "1897", "2459", "1508"),
    ("ipi-cross", PAIR_WITH_SSWI, "SBI IPI to another hart that sleeps, taken there; with an SSWI",
     AS_BARE, "", "", ""),
    ("ipi-cross", PAIR, "the same without an SSWI (about 800 are the firmware's)", 870, "", "", ""),
    ("plic-read", WITH, "MMIO read, PLIC", 200, "292", "1007-1125", "3250"),
    ("plic-read-compressed", WITH, "MMIO read, PLIC, by a 2-byte instruction", 200, "292",
     "1007-1125", "3250"),
    ("plic-write", WITH, "MMIO write, PLIC", 200, "292", "1007-1125", "3250 / 1365"),
    ("collision", WITH, "MMIO reads by two instructions whose places collide, both", 460, "", "", ""),
    ("plic-claim-nothing", WITH, "PLIC claim, nothing pends", 200, "", "", ""),
    ("plic-complete-nothing", WITH, "PLIC complete, nothing was claimed", 200, "", "", ""),
    ("plic-claim-complete", WITH, "PLIC claim and complete, both, of a source that stays asserted",
     400, "", "", ""),
    ("page-start-read", WITH, "MMIO read, PLIC, first register of a page", None, "292", "1007-1125",
     "3250"),
    ("page-start-write", WITH, "MMIO write, PLIC, first register of a page", None, "292",
     "1007-1125", "3250 / 1365"),
    ("uart-read", WITH, "MMIO read, UART", 200, "292", "1007-1125", "3250"),
    ("uart-write", WITH, "MMIO write, UART", 200, "292", "1007-1125", "3250 / 1365"),
    ("uart-output", WITH, "MMIO write, UART, a character to the console", 200, "", "", ""),
    ("plic-read", PAIR, "VM of 2 vCPUs: MMIO read, PLIC", None, "", "", ""),
    ("plic-write", PAIR, "VM of 2 vCPUs: MMIO write, PLIC", None, "", "", ""),
    ("uart-read", PAIR, "VM of 2 vCPUs: MMIO read, UART", None, "", "", ""),
    ("uart-write", PAIR, "VM of 2 vCPUs: MMIO write, UART", None, "", "", ""),
    ("uart-output", PAIR, "VM of 2 vCPUs: MMIO write, UART, a character to the console", None, "",
     "", ""),
    ("illegal-csr", WITH, "unknown CSR, exception taken", 445, "stops", "435", "1280"),
    ("first-touch", WITH, "first touch of a page, over the second, its zeroing included", 561, "0", "7.6", "4087-9462"),
    ("wfi", WITH, "wfi, deadline to the next instruction", 4, "4", "1191-3507", "631-6691"),
    ("dbcn-64", WITH, "DBCN write of 64 bytes", 1500, "-", "26358", "22508"),
    ("timer-taken", WITH, "SBI set_timer, interrupt taken", None, "", "", ""),
    ("set-timer", WITHOUT, "without Sstc: SBI set_timer", 420, "", "912", "1660"),
    ("timer-taken", WITHOUT, "without Sstc: SBI set_timer, interrupt taken", 800, "", "5524",
     "14695"),
    ("wfi", WITHOUT, "without Sstc: wfi, deadline to the next instruction", None, "", "", ""),
]
PLOTTED = {"sbi-base": "get version", "set-timer": "set timer", "probe": "probe",
           "remote-fence": "fence to self", "ipi-taken": "IPI to self", "plic-read": "MMIO read",
           "plic-write": "MMIO write"}
# What the guest calls the longest exits: `longest NAME N`.
LONGEST = {
    "event-info-8": "PMU event_get_info, 8 entries (a longer table takes several exits)",
    "dbcn-4096": "DBCN console_write of 4096 bytes (writes 128)",
    "config-matching": "PMU counter_config_matching, all counters, cleared and started",
    "start-all": "PMU counter_start of all counters",
    "stop-all": "PMU counter_stop of all counters, reset",
    "fence-16-pages": "RFNC remote_sfence_vma of 16 pages, to itself",
    "plic-enable": "MMIO write, PLIC's enable bits of 32 sources",
    "nowhere": "load from nowhere, complained of in the log",
}
LONGEST_AIM = 60_000
CALIBRATION = 12.0 # ten nops and the two instructions of the loop


def figures(log):
    found = {name: float(value) for name, value in re.findall(r"^figure (\S+) (\S+)$", log, re.M)}
    if "exits: end" not in log or abs(found.get("calibration", CALIBRATION) - CALIBRATION) > 0.1:
        raise RuntimeError(f"the guest did not end, or counts wrongly:\n{log[-2000:]}")
    return found


def measure_exits():
    """({(machine, figure): (bare, Cairn)}, the longest exits, a log of the bare machine)."""
    results, longest, log = {}, {}, ""
    for where in (WITH, WITHOUT, PAIR, PAIR_WITH_SSWI, TRIO, TRIO_WITH_SSWI):
        cpu, machine, arguments = where
        options = {"cpu": cpu, "machine": machine, "append": arguments}
        log = measured_machine.run_bare(GUESTS / "exits.img", **options)
        bare = figures(log)
        on_cairn = measured_machine.run_on_cairn(GUESTS / "exits.img", **options)
        for name, value in figures(on_cairn).items():
            results[where, name] = (bare.get(name), value)
        if where == WITH:
            longest = dict(re.findall(r"^longest (\S+) (\d+)$", on_cairn, re.M))
    return results, longest, log


def longest_table(longest):
    rows = sorted(((int(longest[name]), title) for name, title in LONGEST.items()), reverse=True)
    return document.table(
        ["exit", "instructions", f"aim: {LONGEST_AIM:,}"],
        [[title, f"{value:,}", "met" if value <= LONGEST_AIM else "**missed**"]
         for value, title in rows])


def words(value):
    return "-" if value is None else f"{value:.1f}".removesuffix(".0")


def exits_table(results):
    lines = ["| operation | bare | Cairn | aim | | Bao | Xvisor | KVM |",
             "|---|--:|--:|--:|---|--:|--:|--:|"]
    for name, where, title, aim, *others in ROWS:
        bare, cairn = results[where, name]
        aim = bare if aim is AS_BARE else aim
        verdict = "" if aim is None else "met" if cairn <= aim else f"{cairn / aim:.1f} x"
        cells = [title, words(bare), f"**{words(cairn)}**", words(aim), verdict, *others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def costs_plot(results):
    """What the columns of the table show, for some of its rows."""
    rows = [row for row in ROWS if row[1] is WITH and row[0] in PLOTTED]
    others = ["Bao", "Xvisor", "KVM"]
    series = {"bare": [results[row[1], row[0]][0] for row in rows],
              "Cairn": [results[row[1], row[0]][1] for row in rows]}
    for place, name in enumerate(others, 4):
        series[name] = [float(number[0]) if (number := re.match(r"[\d.]+", row[place])) else None
                        for row in rows]
    shown = {name: [value if value and value >= 1 else None for value in values]
             for name, values in series.items()}
    return svg.bar_chart("Instructions to leave the guest and come back (logarithmic)",
                         [PLOTTED[row[0]] for row in rows], shown, logarithmic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=DOCUMENT, help="the document to rewrite")
    parser.add_argument("--print", action="store_true", help="print the tables, write nothing")
    parser.add_argument("--no-boot", action="store_true", help="leave Debian's boot out")
    options = parser.parse_args()
    measured_machine.build("hypervisor", "guest_exits", "boot_init")
    results, longest, log = measure_exits()
    parts = {"versions": f"Measured with QEMU {measured_machine.qemu_version()}, "
                         f"OpenSBI {measured_machine.opensbi_version(log)} "
                         f"and Debian's Linux {boot_time.kernel_version()}.",
             "exits": exits_table(results), "longest exits": longest_table(longest),
             "size": kernel_size.table()}
    plots = {"exit_costs.svg": costs_plot(results)}
    if not options.no_boot:
        parts["boot"] = boot_time.table()
        with tempfile.TemporaryDirectory() as folder:
            causes = exit_causes.measure(Path(folder))
        costs = {name: cairn for (where, name), (_, cairn) in results.items() if where == WITH}
        parts["exit causes"] = exit_causes.table(causes, costs)
        plots["exit_causes.svg"] = exit_causes.plot(causes)
    if options.print:
        print("\n\n".join(parts.values()))
        return
    document.rewrite(options.output, parts)
    for name, picture in plots.items():
        (options.output.parent / name).write_text(picture)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"measure_exits.py: {error}")
