#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may include whom: lib <- arch <- host <- vm <- exit <- sched <- manager <- main,
lib <- dev <- vm, lib <- bundle <- manager, and host <- uefi: nothing includes the door of cairn.efi.

Also: includes are root-relative and exist, those of lib are <cairn/...> ("cairn/..." inside lib) and
name public headers outside lib, a file's own header comes first, assembly lives in kernel/arch only,
and lib/ and kernel/ use no header that needs a hosted library or the heap.
"""
import re
from pathlib import Path

import tree

ALL = ["lib", "kernel/arch", "kernel/host", "kernel/dev", "kernel/vm", "kernel/exit", "kernel/sched",
       "kernel/bundle", "kernel/manager"]
MAY_INCLUDE = {
    "lib": ["lib"],
    "kernel/arch": ["lib", "kernel/arch"],
    "kernel/host": ["lib", "kernel/arch", "kernel/host"],
    # Of the ISA's layer, devices see addresses and the maps of the registers that they emulate.
    "kernel/dev": ["lib", "kernel/dev", "kernel/arch/address.hpp", "kernel/arch/mac_address.hpp",
                   "kernel/arch/devices/plic_registers.hpp", "kernel/arch/devices/uart16550_registers.hpp",
                   "kernel/arch/devices/uart16550_character.hpp", "kernel/arch/devices/virtio_mmio_registers.hpp",
                   "kernel/arch/devices/virtio_device.hpp", "kernel/arch/devices/virtio_ring.hpp",
                   "kernel/arch/devices/virtio_packed_ring.hpp",
                   "kernel/arch/devices/virtio_balloon_requests.hpp",
                   "kernel/arch/devices/virtio_block_requests.hpp", "kernel/arch/devices/virtio_net_packets.hpp",
                   "kernel/arch/devices/virtio_console_ports.hpp", "kernel/arch/devices/goldfish_rtc_registers.hpp"],
    "kernel/bundle": ["lib", "kernel/bundle", "kernel/arch/address.hpp", "kernel/arch/mac_address.hpp"],
    "kernel/vm": ALL[:5],
    "kernel/uefi": ["lib", "kernel/arch", "kernel/host", "kernel/uefi"],
    "kernel/exit": ALL[:6],
    "kernel/sched": ALL[:7],
    "kernel/manager": ALL,
    "kernel": ALL, # main.cpp
}
# Tests may also use the test support; they keep to the layers otherwise.
TESTS = ["tests/unit", "tests/fuzz"]

HOSTED = set("""deque fstream future iomanip iostream istream list map memory_resource mutex
    ostream queue regex set sstream stack string thread unordered_map unordered_set vector format""".split())
# What hosted programs alone use: their side of the platform interface, and of the standard library.
HOST_SIDE = re.compile(r"lib/cairn/(hosted/.*|malloc/.*|host_\w+\.hpp)")
# Who may look into lib's rooms: those who test or measure what is inside, and the frame pool, which is
# a page heap over the machine's memory.
LOOKS_INSIDE = {
    "kernel/host/memory/frame_pool.hpp": ["heap/store/page_heap.hpp"],
    "tests/bench/direct_allocators.cpp": ["heap/general/heap_cache.hpp"],
    "tests/bench/locked_arena.hpp": ["heap/store/tlsf_arena.hpp"],
    "tests/fuzz/heap_fuzz.cpp": ["heap/general/heap_test_support.hpp", "heap/store/slot_depot.hpp"],
    "tests/unit/heap_map_program.cpp": ["heap/general/heap_test_support.hpp"],
    "tests/unit/vm_heap.hpp": ["heap/hart_cache.hpp"],
}

# An empty one holds no instruction: it tells the compiler what not to assume.
ASSEMBLY = re.compile(r"\b(?:asm|__asm|__asm__)\b\s*(?:volatile|goto|\((?!\"\"))")
# The state of a guest is written where a vCPU's state is loaded, and where one that is loaded changes.
GUEST_STATE = re.compile(r"\bcsr_(?:write|set|clear|swap|fetch_set|fetch_clear)<Csr::"
                         r"(vs\w+|hvip|henvcfg|senvcfg|scounteren|htimedelta|hedeleg|hideleg|hstatus)>")
GUEST_STATE_HERE = ("kernel/arch/guest/guest_state.cpp", "kernel/vm/vcpu/vcpu.cpp", "kernel/vm/vcpu/vcpu_interrupts.cpp",
                    # They try out what the hart takes, before there is a guest.
                    "kernel/manager/host_resources.cpp", "kernel/host/cpu/hart_trials.cpp")
COMMENT = re.compile(r"//.*")


def layer_of(name):
    parts = name.parts
    if parts[0] == "kernel":
        return "kernel" if len(parts) == 2 else "/".join(parts[:2])
    return parts[0]


def is_test(name):
    return re.search(r"_test(_|$)", name.stem) or name.parts[0] == "tests"


def may_include(name, included):
    allowed = MAY_INCLUDE[layer_of(name)] + (TESTS if is_test(name) else [])
    return any(included == each or included.startswith(each + "/") for each in allowed)


def check_library_include(name, kind, included):
    """What is wrong with an include of lib's, if anything. `included` is relative to lib/."""
    inside = name.parts[0] == "lib"
    if (kind == '"') != inside:
        yield f'write "{included}" inside lib/, and <{included}> outside'
    elif not (tree.ROOT / tree.LIBRARY / included).is_file():
        yield f"<{included}> is no header of lib/"
    elif not inside and included.count("/") > 1 and \
            included.removeprefix("cairn/") not in LOOKS_INSIDE.get(str(name), []):
        yield f"<{included}> is not public: outside lib/, include headers of {tree.PUBLIC}/ itself"


def check_include(name, number, kind, included):
    where = f"{name}:{number}:"
    if included.startswith("cairn/"):
        yield from (f"{where} {wrong}" for wrong in check_library_include(name, kind, included))
    elif kind == "<":
        if included in HOSTED and not is_test(name) and not HOST_SIDE.fullmatch(str(name)):
            yield f"{where} <{included}> is not freestanding"
    elif not (tree.ROOT / included).is_file():
        yield f'{where} "{included}" is no path from the root of the tree'
    elif not may_include(name, included):
        yield f'{where} {layer_of(name)} may not include "{included}"'


def check_own_header(name, quoted):
    own = [path for path in (name.with_suffix(".hpp"), Path(tree.PUBLIC, f"{name.stem}.hpp"))
           if (tree.ROOT / path).is_file() and (path.parent == name.parent or name.parts[0] == "lib")]
    if name.suffix == ".cpp" and own and quoted[:1] != [str(own[0])]:
        yield f'{name}:1: its own header "{own[0]}" comes first'


def check_file(name):
    quoted = []
    for number, line in enumerate(tree.lines(name), 1):
        match = tree.INCLUDE.match(line)
        if match:
            quoted += [tree.included_path(match[2])] if match[1] == '"' else []
            yield from check_include(name, number, *match.groups())
        if ASSEMBLY.search(COMMENT.sub("", line)) and layer_of(name) != "kernel/arch":
            yield f"{name}:{number}: assembly belongs into kernel/arch"
        if (match := GUEST_STATE.search(line)) and str(name) not in GUEST_STATE_HERE and not is_test(name):
            yield f"{name}:{number}: {match[1]} is a guest's: ask its Vcpu"
    yield from check_own_header(name, quoted)


def main():
    violations = []
    for name in tree.files(".hpp", ".cpp", below="tests"):
        for number, line in enumerate(tree.lines(name), 1):
            if (match := tree.INCLUDE.match(line)) and match[2].startswith("cairn/"):
                violations += check_include(name, number, *match.groups())
    for below in ("lib", "kernel"):
        for name in tree.files(".hpp", ".cpp", ".S", below=below):
            violations += check_file(name)
            if name.suffix == ".S" and layer_of(name) != "kernel/arch":
                violations.append(f"{name}:1: assembly belongs into kernel/arch")
    tree.finish(violations, "layering")


if __name__ == "__main__":
    main()
