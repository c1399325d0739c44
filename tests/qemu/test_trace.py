# SPDX-License-Identifier: MIT
"""Traces of exits: what a guest is known to do is what a trace of it says, in order; a trace takes
memory of its VM's while it is on; and a VM that dies leaves its last exits in the log."""
import re
import subprocess
import sys

from cairn_machine import ROOT, guest_image, write_archive
from monitor_session import command, demo_vms, of_kind, records, to_monitor
from outcome import archive, ended

BEGIN, END = "0x1111", "0x2222"
PROBE = "SBI base: probe extension"
UART, LSR, PRIORITY = "0x10000000", "0x10000005", "0xc000028"
NEVER = (1 << 64) - 1


def traced(folder, guest="trace_check", entries=8192, **more):
    lines = {"kernel": "kernel", "memory": "16M", "trace": entries, **more}
    conf = "".join(f"{key} = {value}\n" for key, value in lines.items())
    return archive(folder, conf, kernel=guest_image(guest))


def round_of_exits(number):
    """(cause, address, value) of each that tests/guests/trace_check.cpp makes in a round."""
    return [("SBI base: get specification version", None, None),
            ("SBI timer (TIME): set timer", None, f"{NEVER - number:#x}"),
            ("SBI inter-processor interrupt (sPI): send IPI", None, "0x1"),
            ("store to UART", UART, f"{ord('a') + number:#x}"),
            ("load from UART", LSR, "0x60"),
            ("store to PLIC", PRIORITY, f"{number + 1:#x}")]


def told(record):
    """What is known of it; the first argument of a call that has none is anything."""
    cause = record["cause"]
    return cause, record["address"], None if "get specification" in cause else record["value"]


def between_marks(exits):
    """Of the guest's own: the host's interrupts come when they do."""
    own = [each for each in exits if "interrupt" not in each["cause"].split(": ")[0]
           or each["cause"].startswith("SBI")]
    marks = [(each["cause"], each["value"]) for each in own]
    return own[marks.index((PROBE, BEGIN)) + 1:marks.index((PROBE, END))]


def check_tool(m, tmp_path, exits):
    """tools/exit_trace.py finds the same in the log, and the guest's functions."""
    log, folded, image = tmp_path / "log", tmp_path / "folded", tmp_path / "perfetto"
    log.write_text(m.log_stream.getvalue())
    done = subprocess.run(
        [sys.executable, ROOT / "tools/exit_trace.py", log, "--by", "exits", "--folded", folded,
         "--perfetto", image, "--symbols", ROOT / "build/target/tests/guests/guest_trace_check.elf"],
        text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{len(exits)} exits of guest.0 in ")
    assert "lost" not in done.stdout
    weights = dict(line.rsplit(" ", 1) for line in folded.read_text().splitlines())
    assert sum(map(int, weights.values())) == len(exits)
    stores = [name for name in weights if name.startswith("guest;store to PLIC;")]
    assert len(stores) == 1 and "run" in stores[0] and int(weights[stores[0]]) == 4


def test_a_trace_tells_what_the_guest_did(machine, tmp_path):
    m = machine(traced(tmp_path), icount=True)
    m.expect("trace_check: done")
    to_monitor(m)
    objects = records(m, "trace guest dump")
    state = of_kind(objects, "trace")
    assert [(each["vm"], each["cpu"], each["on"], each["entries"], each["lost"])
            for each in state] == [("guest", 0, True, 8192, 0)]
    exits = of_kind(objects, "exit")
    assert [each["number"] for each in exits] == list(range(state[0]["exits"]))
    times = [each["time_us"] for each in exits]
    assert times == sorted(times)
    assert [told(each) for each in between_marks(exits)] == [
        each for number in range(4) for each in round_of_exits(number)]
    assert all(0x80200000 <= int(each["pc"], 16) < 0x80300000 for each in exits)
    assert all(each["mode"] == "VS" and not each["left"] for each in between_marks(exits))
    assert all(10 < each["instructions"] < 1000 for each in between_marks(exits)[6:])
    text = "".join(chr(int(each["value"], 16)) for each in exits if each["cause"] == "store to UART")
    assert text.replace("\r", "").endswith("abcdtrace_check: done\n")
    counts = {each["cause"]: each["exits"] for each in of_kind(records(m, "stats guest"), "exit-cause")}
    for cause in ("SBI timer (TIME): set timer", "store to UART", "load from UART", PROBE):
        assert counts[cause] == sum(each["cause"] == cause for each in exits)
    check_tool(m, tmp_path, exits)


def test_the_last_of_a_trace(machine, tmp_path):
    """More exits than the ring has room for: the last are kept, and a dump may be of fewer."""
    m = machine(traced(tmp_path, entries=16), icount=True)
    m.expect("trace_check: done")
    to_monitor(m)
    everything = of_kind(records(m, "trace guest dump"), "exit")
    last = of_kind(records(m, "trace guest.0 dump 3"), "exit")
    assert 16 >= len(everything) >= 15 and len(last) == 3
    state = of_kind(records(m, "trace guest"), "trace")[0]
    assert state["exits"] > 60 and state["kept"] == 16 and state["lost"] == state["exits"] - 16
    assert everything[0]["number"] > 40


def live(m):
    return {each["owner"]: each["live"] for each in of_kind(records(m, "heap"), "heap-owner")}


def test_a_trace_takes_its_vms_memory_while_it_is_on(machine, tmp_path):
    m = machine(demo_vms(tmp_path / "vms.cpio", "ab", b={"cpus": "2"}))
    m.expect("Type something")
    to_monitor(m)
    before = live(m)
    command(m, "trace b.1 on 100", "cairn> ")
    counts = live(m)["b"] - before["b"] - 100 * 48 # stay until it ends; blocks are rounded up
    assert 0 < counts < 8192 and live(m)["a"] == before["a"]
    command(m, "trace b on 1000", "cairn> ")
    assert abs(live(m)["b"] - before["b"] - counts - 2000 * 48) < 4096
    assert [each["entries"] for each in of_kind(records(m, "trace b"), "trace")] == [1000, 1000]
    command(m, "trace b on 60000", "its quota has no room for so many")
    assert [each["on"] for each in of_kind(records(m, "trace b"), "trace")] == [False, False]
    assert abs(live(m)["b"] - before["b"] - counts) < 256
    command(m, "trace b on", "cairn> ")
    command(m, "stop b", "vm b: turned off")
    assert live(m)["b"] == 0
    command(m, "trace b on", "b: it is off")
    command(m, "trace a.1 on", "it has no vCPU of that number")
    command(m, "trace a on 65537", "a number from 1 to 65536")
    command(m, "trace a of", "write on, off or dump")
    command(m, "trace c dump", "there is no VM of that name")


def test_exits_go_the_short_way_again(machine, tmp_path):
    m = machine(demo_vms(tmp_path / "vms.cpio", "a"))
    m.expect("Type something")
    to_monitor(m)
    command(m, "trace a on 64", "cairn> ")
    while of_kind(records(m, "trace a"), "trace")[0]["exits"] == 0:
        pass # it polls its UART
    command(m, "trace a off", "cairn> ")
    command(m, "trace a.0 off", "cairn> ")
    count = sum(each["exits"] for each in of_kind(records(m, "stats a"), "exit-cause"))
    assert count > 0
    later = [sum(each["exits"] for each in of_kind(records(m, "stats a"), "exit-cause"))
             for _ in range(3)]
    assert len(set(later)) == 1 and later[0] - count <= 1


def test_a_vm_that_dies_leaves_its_last_exits(machine, tmp_path):
    m = machine(traced(tmp_path, "hazards", append="jump-without-handler"))
    lines = ended(m, status=1)
    stopped = next(n for n, line in enumerate(lines) if "so it can only fault" in line)
    assert lines[stopped + 1] == "vm guest: its last 16 exits:"
    exits = [re.fullmatch(r"vm guest: exit (\d+) of CPU 0 at (\d+\.\d{7}) s, pc (0x[0-9a-f]+): (.*) "
                          r"\(\d+\.\d us, \d+ instructions\)", line) for line in lines[stopped + 2:stopped + 18]]
    assert all(exits)
    numbers = [int(each[1]) for each in exits]
    assert numbers == list(range(numbers[0], numbers[0] + 16))
    own = [each[4] for each in exits if "interrupt" not in each[4]]
    assert [words.split(" at ")[0] for words in own[-2:]] == 2 * ["instruction guest-page fault"]
    said = re.findall(r"store to UART at 0x10000000: (0x[0-9a-f]+)", "\n".join(own))
    assert "hazard jump-without-handler\r\n".endswith("".join(chr(int(each, 16)) for each in said))
    assert len(said) >= 4
    assert not any("exit 0 of" in line for line in lines)


def test_a_vm_that_cannot_be_traced_is_not_started(machine, tmp_path):
    m = machine(traced(tmp_path, entries=65536))
    assert "bytes of the hypervisor's own memory are too few for it" in "\n".join(ended(m, 1))


def test_a_vm_that_powers_off_says_nothing_of_its_exits(machine, tmp_path):
    conf = "kernel = kernel\nmemory = 16M\ntrace = 64\nappend = 100 set-timer\n"
    m = machine(write_archive(tmp_path / "vms.cpio", {
        "guest/vm.conf": conf, "guest/kernel": guest_image("exits")}))
    assert not any("of CPU" in line for line in ended(m))
