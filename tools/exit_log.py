# SPDX-License-Identifier: MIT
"""Reads traced exits out of a console log, wherever they stand between other lines: what the
monitor's `trace VM dump` has shown, to people or with --json, and what a VM's death has left in the
log (docs/tracing.md)."""
import json
import re
from dataclasses import dataclass

MARK = "\x10" # begins Cairn's own lines; a guest's is doubled
# A screen of the monitor's, the mark, and what erases a line of a terminal.
NOISE = re.compile(r"\x10|\x1b\[[0-9;]*[A-Za-z]|-- more: [^\r\n]*?--|\r")
ADDRESS = r"0x[0-9a-f]{1,16}"
DEATH = re.compile(rf"vm (\S+): exit (\d+) of CPU (\d+) at (\d+\.\d+) s, pc ({ADDRESS}): (.*) "
                   r"\((\d+\.\d) us, (\d+) instructions\)$")
TRACED = re.compile(r"  (\S+) +(\d+)  (?:yes|no ) +\d+ +\d+ +\d+ +\d+$")
SHOWN = re.compile(rf" +(\d+) +(\d+) +(\d+\.\d) +(\d+\.\d) +(\d+|-)  ({ADDRESS})  (\S.*)$")
WORDS = re.compile(rf"(.*?)(?: at ({ADDRESS}))?(?:: ({ADDRESS}))?(, user mode)?$")
MICROSECONDS = 1_000_000


class LogError(ValueError):
    """A line of the log that says to be an exit, and is none."""


@dataclass(frozen=True)
class Exit:
    vm: str
    cpu: int
    number: int
    time: float  # microseconds of the machine's clock, when the guest was left
    took: float  # microseconds until it went on
    instructions: int  # of the host's; 0 where nobody counts them
    user: bool
    pc: int
    cause: str
    address: int | None = None
    value: int | None = None
    left: bool = False


def _hexadecimal(text):
    return None if text is None else int(text, 16)


def _from_words(vm, cpu, number, time, took, instructions, pc, words):
    cause, address, value, user = WORDS.match(words).groups()
    return Exit(vm, int(cpu), int(number), time, float(took), int(instructions), bool(user), int(pc, 16),
                cause, _hexadecimal(address), _hexadecimal(value))


FIELDS = { # of a record with --json, and what it may be
    "vm": str, "cpu": int, "number": int, "time_us": (int, float), "took_us": (int, float),
    "instructions": (int, type(None)), "mode": str, "pc": str, "cause": str,
    "address": (str, type(None)), "value": (str, type(None)), "left": bool}


def _from_record(record):
    for name, kind in FIELDS.items():
        if name not in record:
            raise LogError(f"the exit has no '{name}'")
        if not isinstance(record[name], kind) or (kind is int and isinstance(record[name], bool)):
            raise LogError(f"'{name}' of the exit is {record[name]!r}")
    for name in ("pc", "address", "value"):
        if record[name] is not None and not re.fullmatch(ADDRESS, record[name]):
            raise LogError(f"'{name}' of the exit is {record[name]!r}, which is no address")
    if record["mode"] not in ("VS", "VU"):
        raise LogError(f"'mode' of the exit is {record['mode']!r}, neither VS nor VU")
    return Exit(record["vm"], record["cpu"], record["number"], record["time_us"],
                record["took_us"], record["instructions"] or 0, record["mode"] == "VU",
                int(record["pc"], 16), record["cause"], _hexadecimal(record["address"]),
                _hexadecimal(record["value"]), record["left"])


def _from_json(line):
    if not line.startswith('{"kind":"exit",'):
        return None
    try:
        return _from_record(json.loads(line))
    except json.JSONDecodeError as error:
        raise LogError(f"the exit is no JSON: {error.msg} at column {error.colno}") from error


def _from_death(line):
    found = DEATH.search(line)
    if found is None:
        return None
    vm, number, cpu, seconds, pc, words, took, instructions = found.groups()
    return _from_words(vm, cpu, number, round(float(seconds) * MICROSECONDS, 1), took, instructions,
                       pc, words)


def _own_lines(text):
    """(number, line) of what Cairn has said, where the log tells: a guest may say anything."""
    is_marked = MARK in text
    for number, line in enumerate(text.split("\n"), 1):
        line = line.lstrip("\r")
        if not is_marked or (line.startswith(MARK) and not line.startswith(MARK * 2)):
            yield number, NOISE.sub("", line)


def exits_of(text):
    """The exits in a log, from the first to the last; those that it holds twice are one."""
    found, vm = {}, None
    for number, line in _own_lines(text):
        try:
            each = _from_json(line) or _from_death(line)
        except LogError as error:
            raise LogError(f"line {number}: {error}") from None
        if traced := TRACED.match(line):
            vm = traced[1]
        elif vm is not None and each is None and (shown := SHOWN.match(line)):
            cpu, exit_number, time, took, instructions, pc, words = shown.groups()
            each = _from_words(vm, cpu, exit_number, float(time), took,
                               instructions.replace("-", "0"), pc, words)
        if each is not None:
            found.setdefault((each.vm, each.cpu, each.number, each.time), each)
    if not found:
        raise LogError("there is no exit in it; the monitor's 'trace VM dump --json' shows them")
    return sorted(found.values(), key=lambda exit: (exit.time, exit.vm, exit.cpu, exit.number))


def lost_between(exits):
    """How many exits are missing between those that there are, by their numbers."""
    last, lost = {}, 0
    for each in exits:
        place = (each.vm, each.cpu)
        if place in last and each.number > last[place] + 1:
            lost += each.number - last[place] - 1
        last[place] = each.number
    return lost
