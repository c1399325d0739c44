# SPDX-License-Identifier: MIT
"""The monitor's answers to programs: each command's --json, held against docs/monitor.schema.json, and
against what is known of the VMs."""
import json

import jsonschema
import pytest

from cairn_machine import ROOT, guest_image
from test_host_disks import drives
from monitor_session import command, demo_vms, of_kind, records, to_monitor

SCHEMA = json.loads((ROOT / "docs/monitor.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SHOWS = { # what each command shows, of the VMs below
    "help": {"command"},
    "list": {"vm"},
    "info a": {"configuration", "memory", "memory-piece", "device"},
    "balloon a": {"balloon"},
    "size a": {"size"},
    "net a": {"interface", "traffic"},
    "net": {"interface", "traffic"},
    "tree a": {"property"},
    "stats": {"vcpu"},
    "dump a host:0": {"dump"},
    "trace a": {"trace"},
    "trace a dump": {"trace", "exit"},
    "stats a": {"vcpu", "exit-cause"},
    "top": {"hart-load", "load"},
    "regs a.0": {"vcpu-state", "register"},
    "bt a.0": {"frame", "frames-end"},
    "mem a 0x80200000 40": {"bytes"},
    "mem a.0 0x80200000 40": {"bytes"},
    "mem a map": {"memory-map"},
    "harts": {"hart"},
    "heap": {"heap", "heap-owner"},
    "heap map": {"heap-map"},
    "frames": {"frames"},
    "log": {"log-line"},
    "doctor": {"ability"},
    "set": {"setting"},
}
DOES = ["trace a.0 off", "balloon a 8M", "size a 80x24", "pause a", "resume a", "set colour on", "set colour off", "create c a", "start c", "reset c",
        "stop b", "destroy b"]


@pytest.fixture
def monitor(machine, tmp_path):
    disk = tmp_path / "core.img"
    disk.write_bytes(bytes(16 << 20))
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab", a={"balloon": "yes", "net": "switch:lan", "virtio-console": "yes"}, b={"cpus": "2"}), smp=2, options=drives(disk))
    m.expect("Type something")
    to_monitor(m)
    return m


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"kind": "register", "name": "pc", "value": 12})
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"kind": "end", "command": "list", "ok": True, "more": 1})


def checked(m, line, ok=True):
    """The records of a command but for the last, all by the schema."""
    objects = records(m, line)
    for each in objects:
        VALIDATOR.validate(each)
    assert objects[-1] == {"kind": "end", "command": line.split()[0], "ok": ok}
    return objects[:-1]


def test_every_command_by_the_schema(monitor):
    shown = set()
    for line, kinds in SHOWS.items():
        if line == "trace a dump":
            assert checked(monitor, "trace a on 64") == []
            while checked(monitor, "trace a")[0]["kept"] < 64:
                pass
        objects = checked(monitor, line)
        assert {each["kind"] for each in objects} == kinds, line
        shown |= kinds
    for line in DOES:
        if line == "destroy b":
            while not any(vm["name"] == "b" and vm["state"] == "off"
                          for vm in checked(monitor, "list")):
                pass
        assert checked(monitor, line) == [], line
    errors = checked(monitor, "pause nobody", ok=False)
    assert errors == [{"kind": "error", "subject": "nobody",
                       "message": "there is no VM of that name"}]
    assert of_kind(checked(monitor, "nonsense", ok=False), "error")
    elsewhere = {"loss", "learned"} # test_networks.py
    assert shown | elsewhere | {"error", "end", "log-lost", "hello"} == SCHEMA["$defs"].keys() - {"address", "mac"}
    tried = {line.split()[0] for line in [*SHOWS, *DOES]} | {"console", "gdb", "quit"}
    assert {each["name"] for each in checked(monitor, "help")} == tried
    command(monitor, "console a --json", r'\{"kind":"end","command":"console","ok":true\}')
    to_monitor(monitor)
    command(monitor, "quit --json", r'\{"kind":"end","command":"quit","ok":true\}')
    assert monitor.wait_exit() == 0


def test_they_say_what_is(monitor):
    vms = checked(monitor, "list")
    assert vms == [
        {"kind": "vm", "front": True, "name": "a", "cpus": 1, "memory": 8 << 20, "state": "running"},
        {"kind": "vm", "front": False, "name": "b", "cpus": 2, "memory": 8 << 20,
         "state": "running"}]
    info = of_kind(checked(monitor, "info b"), "configuration")[0]
    assert (info["append"], info["initrd"], info["affinity"]) == ("I am b", None, "0x" + 16 * "f")
    uart = [each for each in checked(monitor, "info b") if each.get("device") == "UART"]
    assert uart == [{"kind": "device", "address": "0x10000000", "size": 256, "interrupt": 10,
                     "device": "UART"}]
    tree = checked(monitor, "tree b")
    assert {"kind": "property", "node": "chosen", "property": "bootargs", "value": '"I am b"'} in tree
    assert sum(each["property"] == "mmu-type" for each in tree) == 2
    owners = of_kind(checked(monitor, "heap"), "heap-owner")
    assert [each["owner"] for each in owners] == ["a", "b"]
    assert all(0 < each["live"] <= each["peak"] <= each["limit"] for each in owners)
    assert not any(each["leaks"] for each in owners)
    lines = [each["text"] for each in checked(monitor, "log")]
    assert lines[:2] == ["Booting hypervisor...", "v = ['a', 'b', 'c']"]


def test_memory_is_what_the_kernel_is(monitor):
    image = guest_image("demo").read_bytes()
    lines = checked(monitor, f"mem a 0x80200000 {len(image[:4096])}")
    # From 0x40 on: code, which nobody writes.
    found = b"".join(bytes.fromhex(each["hex"]) for each in lines)
    assert len(found) == 4096 and found[0x40:0x400] == image[0x40:0x400]
    assert [each["address"] for each in lines[:2]] == ["0x80200000", "0x80200010"]


def test_registers_of_a_vcpu_that_runs(monitor):
    """The demo polls its UART: its pc lies in its code, its stack in its memory, and both move."""
    entry = 0x80200000
    size = len(guest_image("demo").read_bytes())
    seen = set()
    for _ in range(20):
        objects = checked(monitor, "regs a.0")
        assert objects[0] == {"kind": "vcpu-state", "mode": "VS", "state": "started", "waits": False}
        registers = {each["name"]: int(each["value"], 16) for each in of_kind(objects, "register")}
        assert entry <= registers["pc"] < entry + size
        assert 0x80000000 < registers["sp"] < 0x80800000
        assert registers["hideleg"] == 0x444
        seen.add((registers["pc"], registers["vstimecmp"]))
    assert len(seen) > 1
    code = of_kind(checked(monitor, f"mem a {registers['pc']:#x} 4"), "bytes")[0]["hex"]
    image = guest_image("demo").read_bytes()
    offset = registers["pc"] - entry
    assert bytes.fromhex(code) == image[offset:offset + 4]
    stopped = checked(monitor, "regs b.1")
    assert stopped[0]["state"] == "stopped"


def test_a_paused_vcpu_stands_still(monitor):
    command(monitor, "pause a", "cairn> ")
    first = checked(monitor, "regs a.0")
    assert checked(monitor, "regs a.0") == first
    assert of_kind(first, "vcpu-state")[0]["state"] == "started"
    load = [each for each in checked(monitor, "top") if each.get("vm") == "a"]
    assert [each["run"] for each in load] == [0.0]
    assert [each["idle"] for each in load] == [100.0]


def test_loads_add_up(machine, tmp_path):
    """Three VMs spin on one hart: by weight each has its part, and waits for the rest."""
    keys = {"a": {"weight": "200"}}
    m = machine(demo_vms(tmp_path / "vms.cpio", "abc", **keys))
    m.expect("Type something")
    to_monitor(m)
    objects = checked(m, "top 2")
    hart = of_kind(objects, "hart-load")
    assert [each["number"] for each in hart] == [0]
    loads = {each["vm"]: each for each in of_kind(objects, "load")}
    assert loads.keys() == {"a", "b", "c"}
    for load in loads.values():
        assert abs(load["run"] + load["steal"] + load["idle"] - 100) < 0.2
    total = sum(load["run"] for load in loads.values())
    assert total == pytest.approx(hart[0]["busy"], abs=0.5)
    assert loads["a"]["run"] / total == pytest.approx(0.5, abs=0.1)
