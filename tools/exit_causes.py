#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts why Debian leaves its guest while it boots and powers off, by the boot option exits=count.

The kernel and the initramfs are those of tools/boot_time.py: from the kernel's entry to /init, which
powers off at once.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import boot_time
import document
import measured_machine
import svg

ONE, FOUR = measured_machine.ONE_HART, ("virt,aclint=on", 4)
SETTINGS = [("console=ttyS0", ONE, "1 CPU"), ("console=ttyS0 quiet", ONE, "1 CPU, `quiet`"),
            ("console=ttyS0", FOUR, "4 CPUs")]
# What an exit costs, by the figure that measures it (tools/measure_exits.py).
FIGURES = {"store to UART": "uart-write", "load from UART": "uart-read",
           "store to PLIC": "plic-write", "load from PLIC": "plic-read",
           "SBI timer (TIME): set timer": "set-timer", "SBI base: probe extension": "probe",
           "SBI base: get specification version": "sbi-base",
           "SBI hart state management (HSM): hart get status": "hart-status"}
# Causes for the plot: the first name whose expression is found.
KINDS = [("UART", "UART"), ("PLIC", "PLIC"), ("TIME", r"\(TIME\)"), ("IPI", r"\(sPI\)"),
         ("fences", r"\(RFNC\)"), ("PMU", r"\(PMU\)"), ("other calls", "^SBI"),
         ("interrupts", "interrupt$"), ("other", "")]


def counts_of(log):
    """{words: exits}, in the order of the log."""
    found = re.findall(r"^\x10vm \S+: (\d+) exits: (.*)$", log, re.M)
    if not found:
        raise RuntimeError(f"the log counts no exits:\n{log[-2000:]}")
    return {words: int(count) for count, words in found}


def measure(folder):
    """A {words: exits} for each of SETTINGS."""
    kernel, initrd = boot_time.prepare(folder)
    return [counts_of(measured_machine.run_on_cairn(kernel, initrd=initrd, append=append,
                                                    machine=machine, options="exits=count",
                                                    icount=machine is ONE))
            for append, machine, _ in SETTINGS]


def table(columns, costs):
    """Rows by cause, most frequent first; `costs`: instructions by figure. Rare ones are summed."""
    heads = ["exits of Debian's boot", *(words for _, _, words in SETTINGS), "instructions each"]
    causes = sorted({cause for column in columns for cause in column},
                    key=lambda cause: -max(column.get(cause, 0) for column in columns))
    frequent = [cause for cause in causes if max(c.get(cause, 0) for c in columns) >= 10]
    rows = [[cause, *(f"{column.get(cause, 0):,}" for column in columns),
             f"{costs[FIGURES[cause]]:.0f}" if FIGURES.get(cause) in costs else "-"]
            for cause in frequent]
    rare = [sum(n for cause, n in column.items() if cause not in frequent) for column in columns]
    rows.append([f"{len(causes) - len(frequent)} rarer causes", *map(str, rare), "-"])
    rows.append(["**all**", *(f"**{sum(column.values()):,}**" for column in columns), "-"])
    return document.table(heads, rows)


def kind(cause):
    return next(name for name, expression in KINDS if re.search(expression, cause))


def plot(columns):
    names = [name for name, _ in KINDS]
    series = {}
    for column, (_, _, words) in zip(columns, SETTINGS):
        sums = dict.fromkeys(names, 0)
        for cause, count in column.items():
            sums[kind(cause)] += count
        series[words.replace("`", "")] = [sums[name] or None for name in names]
    return svg.bar_chart("Exits while Debian boots, from the kernel's entry to power-off (logarithmic)",
                         names, series, logarithmic=True)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    measured_machine.build("hypervisor", "boot_init")
    with tempfile.TemporaryDirectory() as folder:
        print(table(measure(Path(folder)), {}))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"exit_causes.py: {error}")
