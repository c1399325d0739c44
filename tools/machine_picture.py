# SPDX-License-Identifier: MIT
"""A picture of a machine with its VMs, from what its monitor says with --json: who has the harts'
time, each VM with its vCPUs, and whose the memory is."""
import json
import re
from dataclasses import dataclass, field

import svg

WIDTH, LEFT, RIGHT = 1000, 20, 980
ROW = 26
HEAD, TOP = 108, 142 # pixels above the VMs: their columns' heads, and the first row
STEAL, QUIET = "#ffb3ab", "#eaeef2"
COLOURS = [colour for colour in svg.COLOURS if colour != "#cf222e"] # red is for waiting
CPUS, MEMORY, OWN, STATE = 150, 520, 770, 900 # where columns begin
MIB = 1 << 20


class StateError(ValueError):
    """What the monitor has said does not describe a machine."""


@dataclass
class Vm:
    name: str
    cpus: int
    memory: int
    state: str
    loads: list = field(default_factory=list) # of each vCPU: (run, steal) in per cent of a hart
    present: int = 0 # bytes of RAM that it has touched
    own: int = 0 # bytes of the hypervisor's memory
    quota: int = 0
    pieces: list = field(default_factory=list) # of its RAM: (the machine's address, bytes)
    colour: str = QUIET

    @property
    def run(self):
        return sum(run for run, _ in self.loads)


@dataclass
class Machine:
    vms: list
    harts: list # busy in per cent of each
    total: int # bytes for guests
    free: int


def records_of(log):
    """The objects of the monitor's answers in a console log, whatever stands between them."""
    return [json.loads(line) for line in re.findall(r'(\{"kind":.*\})\r?$', log, re.MULTILINE)]


def machine_of(records):
    """From the answers of `list`, `top`, `frames`, and for each VM `info`, in any order; `info`'s
    further objects follow the one that names its VM."""
    try:
        vms = {each["name"]: Vm(each["name"], each["cpus"], each["memory"], each["state"])
               for each in records if each["kind"] == "vm"}
        loads = [each for each in records if each["kind"] == "load"]
        harts = {each["number"]: each["busy"] for each in records if each["kind"] == "hart-load"}
        frames = [each for each in records if each["kind"] == "frames"]
        named = None
        for each in records:
            if each["kind"] == "configuration":
                named = vms[each["name"]]
                named.pieces = []
            elif each["kind"] == "memory":
                named.present, named.own, named.quota = each["present"], each["own"], each["quota"]
            elif each["kind"] == "memory-piece":
                named.pieces.append((int(each["host"], 16), each["size"]))
        for vm in vms.values():
            of_cpu = {each["cpu"]: (each["run"], each["steal"]) for each in loads if each["vm"] == vm.name}
            # With one vCPU the sum is all that is said; it has no number.
            vm.loads = [of_cpu[cpu] for cpu in ([None] if vm.cpus == 1 else range(vm.cpus)) if cpu in of_cpu]
        for place, vm in enumerate(vms.values()):
            vm.colour = COLOURS[place % len(COLOURS)]
        machine = Machine([*vms.values()], [harts[number] for number in sorted(harts)],
                          frames[-1]["total"], frames[-1]["free"])
    except (KeyError, IndexError, AttributeError) as error:
        raise StateError(f"the answers of list, top, frames and info are not whole: {error!r}") from None
    if not machine.vms or not machine.harts:
        raise StateError("there is no answer of list with a VM, or of top with a hart")
    return machine


def size_of(count):
    return f"{count / MIB:.0f} MiB" if count >= MIB else f"{count / 1024:.0f} KiB"


def parts(picture, y, height, total, shares):
    """A bar of the whole width: (share, colour, hint) from left to right, the rest quiet."""
    picture.rectangle(LEFT, y, RIGHT - LEFT, height, QUIET)
    x, scale = LEFT, (RIGHT - LEFT) / max(total, sum(share for share, _, _ in shares), 1)
    for share, colour, hint in shares:
        if share > 0:
            picture.rectangle(x, y, max(share * scale - 0.5, 0.2), height, colour, hint)
        x += share * scale


def draw_harts(picture, machine):
    whole = 100 * len(machine.harts)
    picture.text(LEFT, 56, "The harts' time: they are busy for "
                 + ", ".join(f"{busy:.0f} %" for busy in machine.harts) + " of it", size=13)
    parts(picture, 64, 20, whole, [(vm.run, vm.colour, f"{vm.name}: {vm.run:.1f} % of a hart")
                                   for vm in machine.vms])


def draw_vm(picture, vm, y, largest):
    picture.rectangle(LEFT, y + 5, 12, 12, vm.colour)
    picture.text(LEFT + 20, y + 16, vm.name)
    for cpu in range(vm.cpus):
        run, steal = vm.loads[cpu] if cpu < len(vm.loads) else (0, 0)
        room = min(100, (MEMORY - CPUS - 20) / vm.cpus)
        x, scale = CPUS + cpu * room, (room - 6) / 100
        picture.rectangle(x, y + 3, room - 6, 16, QUIET,
                          f"{vm.name}.{cpu}: runs {run:.1f} %, waits for a hart {steal:.1f} %")
        picture.rectangle(x, y + 3, run * scale, 16, vm.colour)
        picture.rectangle(x + run * scale, y + 3, steal * scale, 16, STEAL)
    width = (OWN - MEMORY - 120) * vm.memory / largest
    picture.rectangle(MEMORY, y + 3, width, 16, QUIET, f"{size_of(vm.present)} of {size_of(vm.memory)} touched")
    picture.rectangle(MEMORY, y + 3, width * vm.present / vm.memory, 16, vm.colour)
    picture.text(MEMORY + width + 6, y + 16, f"{size_of(vm.present)} of {size_of(vm.memory)}", size=11)
    picture.text(OWN, y + 16, f"{size_of(vm.own)} of {size_of(vm.quota)}" if vm.quota else "-", size=11)
    picture.text(STATE, y + 16, vm.state, size=11)


def draw_memory(picture, machine, y):
    """How much is whose, and where in the machine's RAM it lies."""
    taken = [(sum(size for _, size in vm.pieces), vm) for vm in machine.vms]
    rest = machine.total - machine.free - sum(size for size, _ in taken)
    picture.text(LEFT, y, f"Memory for guests: {size_of(machine.free)} of {size_of(machine.total)} free; "
                 f"{size_of(max(rest, 0))} are their page tables and what frames are rounded up to", size=13)
    parts(picture, y + 8, 20, machine.total,
          [(size, vm.colour, f"{vm.name}: {size_of(size)}") for size, vm in taken]
          + [(max(rest, 0), svg.INK, f"page tables and the like: {size_of(max(rest, 0))}")])
    pieces = sorted((start, size, vm) for vm in machine.vms for start, size in vm.pieces)
    if not pieces:
        return
    bottom, end = pieces[0][0], max(start + size for start, size, _ in pieces)
    scale = (RIGHT - LEFT) / (end - bottom)
    picture.text(LEFT, y + 58, f"Where it lies: {bottom:#x} to {end:#x}", size=13)
    picture.rectangle(LEFT, y + 66, RIGHT - LEFT, 20, QUIET)
    for start, size, vm in pieces:
        picture.rectangle(LEFT + (start - bottom) * scale, y + 66, max(size * scale - 0.5, 0.2), 20, vm.colour,
                          f"{vm.name}: {size_of(size)} at {start:#x}")


def picture_of(machine, title):
    below = TOP + ROW * len(machine.vms)
    picture = svg.Picture(WIDTH, below + 130, title)
    picture.text(WIDTH / 2, 24, title, "middle", 15)
    draw_harts(picture, machine)
    for x, words in ((LEFT, "VM"), (CPUS, "vCPUs: runs, waits for a hart (pale red), sleeps"),
                     (MEMORY, "RAM touched"), (OWN, "Cairn's own for it"), (STATE, "state")):
        picture.text(x, HEAD + 18, words, size=11, colour="#57606a")
    picture.line(LEFT, HEAD + 26, RIGHT, HEAD + 26)
    largest = max(vm.memory for vm in machine.vms)
    for place, vm in enumerate(machine.vms):
        draw_vm(picture, vm, TOP + ROW * place, largest)
    draw_memory(picture, machine, below + 28)
    return str(picture)
