#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows the exits of traced guests: reads a console log with a dump of the monitor's `trace` in it, says
which exits there were and what they took, and writes what other programs read and pictures.

The functions of the guest are named from --symbols: a System.map, a copy of the guest's
/proc/kallsyms, or an ELF file. See docs/tracing.md.
"""
import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import exit_log
import guest_symbols
import trace_pictures

WEIGHTS = { # what a flame graph's widths are
    "instructions": ("instructions of the host's", lambda exit: exit.instructions),
    "time": ("nanoseconds", lambda exit: round(exit.took * 1000)),
    "exits": ("exits", lambda exit: 1),
}


def function_of(exit, symbols):
    return "user programs" if exit.user else symbols.name(exit.pc)


def folded(exits, symbols, weight):
    """{(VM, cause, guest's function): weight}."""
    stacks = defaultdict(int)
    for each in exits:
        stacks[each.vm, each.cause, function_of(each, symbols)] += weight(each)
    return {stack: total for stack, total in stacks.items() if total}


def folded_text(stacks):
    """As the usual programs for flame graphs read it: frames between semicolons, and the weight."""
    lines = [f"{';'.join(frame.replace(';', ',') for frame in stack)} {weight}"
             for stack, weight in sorted(stacks.items())]
    return "\n".join(lines) + "\n"


def _arguments(exit, symbols):
    found = {"pc": f"{exit.pc:#x}", "function": function_of(exit, symbols), "exit": exit.number,
             "mode": "VU" if exit.user else "VS"}
    for name, value in (("address", exit.address), ("value", exit.value)):
        if value is not None:
            found[name] = f"{value:#x}"
    if exit.instructions:
        found["instructions"] = exit.instructions
    if exit.left:
        found["left"] = True
    return found


def chrome_trace(exits, symbols):
    """The JSON that Perfetto and Chrome show: a process for each VM, a thread for each vCPU."""
    vms = sorted({each.vm for each in exits})
    events = [{"ph": "M", "name": "process_name", "pid": vms.index(vm) + 1, "args": {"name": vm}}
              for vm in vms]
    events += [{"ph": "M", "name": "thread_name", "pid": vms.index(vm) + 1, "tid": cpu,
                "args": {"name": f"CPU {cpu}"}}
               for vm, cpu in sorted({(each.vm, each.cpu) for each in exits})]
    events += [{"ph": "X", "cat": "exit", "name": each.cause, "pid": vms.index(each.vm) + 1,
                "tid": each.cpu, "ts": each.time, "dur": each.took,
                "args": _arguments(each, symbols)} for each in exits]
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}, indent=None) + "\n"


def summary(exits):
    """Lines: what there is, then each cause, the most frequent first."""
    causes = defaultdict(list)
    for each in exits:
        causes[each.cause].append(each)
    span = exits[-1].time - exits[0].time
    names = sorted({f"{each.vm}.{each.cpu}" for each in exits})
    yield f"{len(exits):,} exits of {', '.join(names)} in {span:,.1f} us"
    if lost := exit_log.lost_between(exits):
        yield f"{lost:,} exits between them are lost"
    yield f"{'exits':>10} {'instr. each':>12} {'took us each':>13}  cause"
    for cause in sorted(causes, key=lambda name: (-len(causes[name]), name)):
        members = causes[cause]
        instructions = sum(each.instructions for each in members) / len(members)
        took = sum(each.took for each in members) / len(members)
        yield f"{len(members):>10,} {instructions:>12,.1f} {took:>13,.1f}  {cause}"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("log", type=Path, help="a console log, or a dump alone")
    parser.add_argument("--vm", help="of this VM alone")
    parser.add_argument("--symbols", type=Path,
                        help="a System.map, a copy of /proc/kallsyms, or an ELF file")
    parser.add_argument("--by", choices=WEIGHTS, help="what the flame graph and the folded stacks "
                        "weigh: time (if there is any, else exits), instructions or exits")
    parser.add_argument("--title", default="exits of the guest")
    for name, what in (("perfetto", "JSON for Perfetto or Chrome (ui.perfetto.dev)"),
                       ("folded", "folded stacks: VM, cause, function of the guest"),
                       ("flame", "a flame graph of these, SVG"), ("timeline", "when they were, SVG")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)
    return parser.parse_args(arguments)


def read_exits(options):
    exits = exit_log.exits_of(options.log.read_text(errors="replace"))
    exits = [each for each in exits if options.vm in (None, each.vm)]
    if not exits:
        raise exit_log.LogError(f"there is no exit of VM '{options.vm}' in it")
    return exits


def read_symbols(path):
    try:
        return guest_symbols.read(path) if path else guest_symbols.Symbols()
    except guest_symbols.SymbolError as error:
        raise guest_symbols.SymbolError(f"{path}: {error}") from error


def write(options, exits, symbols):
    by = options.by or ("time" if any(each.took for each in exits) else "exits")
    unit, weight = WEIGHTS[by]
    stacks = folded(exits, symbols, weight)
    if (options.flame or options.folded) and not stacks:
        raise exit_log.LogError(f"the exits have no {by} to weigh; write --by exits")
    if options.perfetto:
        options.perfetto.write_text(chrome_trace(exits, symbols))
    if options.folded:
        options.folded.write_text(folded_text(stacks))
    if options.flame:
        title = f"{options.title}: {unit}, by cause and function"
        options.flame.write_text(trace_pictures.flame_graph(title, stacks, unit))
    if options.timeline:
        options.timeline.write_text(trace_pictures.timeline(options.title, exits))


def main(arguments):
    options = parse(arguments)
    try:
        exits = read_exits(options)
    except exit_log.LogError as error:
        raise exit_log.LogError(f"{options.log}: {error}") from error
    write(options, exits, read_symbols(options.symbols))
    print("\n".join(summary(exits)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (exit_log.LogError, guest_symbols.SymbolError) as error:
        sys.exit(f"exit_trace.py: {error}")
    except OSError as error:
        sys.exit(f"exit_trace.py: {error.filename}: {error.strerror}")
