# SPDX-License-Identifier: MIT
"""Several VMs at once, on fewer harts than they have vCPUs. What counts is what Cairn itself says of
each VM, and the machine's status: guests share the console, and may write into each other's lines."""
import os
import re
from pathlib import Path

import pytest

from cairn_machine import FAIR_TO_HARTS, brief_sleeps, guest_image, pack_bundle, qemu_version, write_archive
from monitor_session import PROMPT, command, of_kind, records, to_monitor
from outcome import CRASHES

PATIENCE = 240
ROUNDS = int(os.environ.get("CAIRN_LIFE_ROUNDS", "1000"))
STRESS_SECONDS = int(os.environ.get("CAIRN_STRESS_SECONDS", "5"))
SPIN = b"\x01\xa0"  # j . (as c.j): the shortest raw binary that runs for ever

# a call of SRST that powers off
POWER_OFF = b"".join(word.to_bytes(4, "little") for word in (
    0x535258B7, 0x35488893, 0x00000813, 0x00000513, 0x00000593, 0x00000073))

# the same for a cold reboot
RESET = POWER_OFF.replace((0x00000513).to_bytes(4, "little"), (0x00100513).to_bytes(4, "little"))
# a load from where nothing is, for ever: lui a0, 0x30000; la t0, 1f; csrw stvec, t0; 1: nop; lb a1, 0(a0)
FAULTS = b"".join(word.to_bytes(4, "little") for word in (
    0x30000537, 0x00000297, 0x00C28293, 0x10529073, 0x00000013, 0x00050583))


def vm(kernel, append="", **keys):
    """A VM: its kernel (a guest's name, a path or bytes), command line, and further keys of its vm.conf."""
    keys = {"memory": "8M", "append": append, **keys}
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    content = kernel if isinstance(kernel, (bytes, Path)) else guest_image(kernel)
    return {"vm.conf": f"kernel = kernel\n{lines}", "kernel": content}


@pytest.fixture
def run(machine, tmp_path):
    """run({name: vm(...)}, harts=2) starts a machine."""
    def start(vms, harts, **options):
        entries = {f"{name}/{file}": content for name, files in vms.items()
                   for file, content in files.items()}
        return machine(write_archive(tmp_path / "vms.cpio", entries), smp=harts, **options)
    return start


def finish(m, status=0):
    """Cairn's lines about VMs, {name: [lines]}, when the machine has ended with `status`."""
    actual = m.wait_exit(PATIENCE)
    assert not any(crash in m.log for crash in CRASHES)
    assert actual == status
    said = {}
    for name, line in re.findall(r"^vm ([^:]+): (.*)$", "\n".join(m.own_lines()), re.MULTILINE):
        said.setdefault(name, []).append(line)
    return said


def ends(said):
    """The last line about each VM."""
    return {name: lines[-1] for name, lines in said.items()}


@pytest.mark.parametrize("harts", [1, 2])
def test_two_run_to_their_ends(run, harts):
    said = finish(run({"a": vm("sleepers", "50"), "b": vm("sleepers", "50", cpus=2)}, harts))
    assert ends(said) == {"a": "powered off", "b": "powered off"}


@pytest.mark.parametrize("harts", [1, 2])
def test_one_that_fails_is_its_own_business(run, harts):
    vms = {"bad": vm("hazards", "fail"), "good": vm("sleepers", "50", cpus=2),
           "killed": vm("hazards", "jump-without-handler")}
    said = ends(finish(run(vms, harts), status=1))
    assert said["good"] == "powered off"
    assert said["bad"] == "powered off, and says that it failed"
    assert said["killed"].startswith("stopped: ")


@pytest.mark.parametrize("harts", [1, 2])
def test_who_spins_for_ever_starves_nobody(run, harts):
    """As many spinners as harts, and one that sleeps and computes beside them."""
    vms = {f"spin{number}": vm(SPIN) for number in range(harts)}
    m = run({**vms, "good": vm("sleepers", "50", cpus=2)}, harts)
    m.expect("vm good: powered off", PATIENCE)


@pytest.mark.parametrize("weight, least, most", [(100, 35, 65), (300, 60, 90)])
def test_a_guest_is_told_what_another_has_of_its_hart(run, weight, least, most):
    """Time is shared by `time`, so that what a busy host takes is nobody's part."""
    m = run({"other": vm(SPIN, weight=weight), "told": vm("steal_check", "500", console="front")}, harts=1)
    told = m.expect(r"steal: (\d+) % of 500 ms, (\w+)\s", PATIENCE)
    assert told[2] == "running"
    assert least <= int(told[1]) <= most


def test_nothing_is_stolen_from_who_has_a_hart_alone(run):
    said = run({"told": vm("steal_check", "50")}, harts=1)
    assert int(said.expect(r"steal: (\d+) % of 50 ms, running\s", PATIENCE)[1]) <= 5


def test_sixty_four(run):
    said = finish(run({f"vm{number}": vm("sleepers", "3") for number in range(64)}, 2))
    assert ends(said) == {f"vm{number}": "powered off" for number in range(64)}


@pytest.mark.parametrize("harts", [1, 2])
def test_more_vcpus_than_harts_storm_each_other(run, harts):
    """Fences and interrupts to vCPUs that lie in no hart (tests/guests/smp_stress.cpp)."""
    m = run({"storm": vm("smp_stress", STRESS_SECONDS, cpus=4, memory="16M")}, harts)
    assert ends(finish(m)) == {"storm": "powered off"}
    assert "stress: failed" not in m.log and "stress: end" in m.log


def test_one_starts_again_while_the_other_runs(run):
    """It fails at once, five times too often; its neighbour does not notice."""
    vms = {"again": vm("hazards", "fail", **{"on-crash": "restart"}),
           "once": vm("sleepers", "50", **{"on-crash": "restart"})}
    said = finish(run(vms, 2), status=1)
    assert said["once"][-1] == "powered off"
    assert said["again"].count("starts again: on-crash = restart") == 5
    assert said["again"].count("powered off, and says that it failed") == 6
    assert said["again"][-1] == "stays off: it has ended 6 times, each within 10 s of its start"


def test_one_resets_for_ever_while_the_other_runs(run):
    m = run({"again": vm("hazards", "reset"), "once": vm("sleepers", "50")}, 2)
    m.expect("vm once: powered off", PATIENCE)
    m.expect("vm again: reset", PATIENCE)


def test_a_template_is_not_started(run):
    said = finish(run({"on": vm("sleepers", "3"), "off": vm("sleepers", "3", autostart="no")}, 1))
    assert ends(said) == {"on": "powered off"}


def test_one_stays_where_it_may_run(run):
    """Both may only use hart 1: a spinner there leaves hart 0 to whoever may use it."""
    vms = {"spin": vm(SPIN, affinity="1"), "good": vm("sleepers", "50", affinity="1-63", weight=300),
           "nowhere": vm("sleepers", "3", affinity="2")}
    m = run(vms, 2)
    m.expect("cairn: nowhere/vm.conf:4: affinity: no hart of this list runs guests; this machine has "
             "2, numbers 0 to 1")
    m.expect("vm good: powered off", PATIENCE)
    to_monitor(m)
    first, second = of_kind(records(m, "harts"), "hart")
    assert first["busy_ms"] == 0 and second["busy_ms"] > 0


@pytest.mark.parametrize("harts", [1, 2])
def test_an_image_that_is_shared_is_written_to(machine, tmp_path, harts):
    """Two VMs are shown one kernel, and write to all of its pages, code too. Each finds its own, and
    after a reset the image as it was packed."""
    image = guest_image("own_image").read_bytes()
    for name, append in (("again", "again"), ("once", "")):
        folder = tmp_path / "bundle" / name
        folder.mkdir(parents=True)
        (folder / "kernel").write_bytes(image)
        (folder / "vm.conf").write_text(f"kernel = kernel\nmemory = 16M\ncpus = 2\n"
                                        f"append = {append}\n")
    archive = tmp_path / "vms.cpio"
    pack_bundle.write_archive(pack_bundle.parse(["--output", str(archive), "--bundle",
                                                 str(tmp_path / "bundle")]))
    assert archive.stat().st_size < 2 * len(image)
    m = machine(archive, smp=harts)
    resets, ended = 0, False
    while resets < 3 or not ended:
        m.expect(r"vm (\w+: (reset|powered off[^\r]*|stopped[^\r]*))\r", PATIENCE)
        said = m.process.match[1]
        assert said in ("again: reset", "once: powered off")
        resets += said == "again: reset"
        ended = ended or said == "once: powered off"


def test_all_memory_comes_back(run):
    """What the VMs had of the heap and of the frames, after resets, restarts and deaths."""
    vms = {"fails": vm("hazards", "fail", **{"on-crash": "restart"}),
           "killed": vm("hazards", "jump-without-handler"), "good": vm("sleepers", "20", cpus=4)}
    m = run(vms, 2)
    finish(m, status=1)
    assert "0 bytes live" in m.own_lines()[-1]
    assert "bytes of frames are free" not in m.log # which Cairn says where they differ


def test_the_machine_stays_on_where_a_vm_says_so(run):
    """The monitor comes when the last has ended; all can be started again."""
    m = run({"once": vm("sleepers", "3"), "keeps": vm("sleepers", "3", halt="never")}, 1)
    m.expect("vm (once|keeps): powered off")
    m.expect("vm (once|keeps): powered off")
    m.expect("monitor: ")
    command(m, "list", r"once +1 +8 MiB +off")
    command(m, "start once", "vm once: powered off")
    command(m, "quit", "all VMs are turned off")
    assert m.wait_exit() == 0


def test_it_begins_with_the_monitor_where_nothing_is_started(run):
    m = run({"off": vm("sleepers", "3", autostart="no", halt="never")}, 2)
    m.expect("no VM is started: autostart is off")
    m.expect("monitor: ")
    command(m, "start off", "vm off: powered off")
    command(m, "quit", "all VMs are turned off")
    assert m.wait_exit() == 0


def test_one_asks_for_the_console(run):
    """The demo guest prints whatever it is told: those behind are not heard."""
    keys = {"halt": "never", "autostart": "yes"}
    vms = {name: vm("demo", f"I am {name}", **keys) for name in ("a", "b", "c")}
    vms["b"]["vm.conf"] += "console = front\n"
    m = run(vms, 2)
    m.expect("arguments: 'I am b'")
    m.expect("tick 3")
    assert "I am a" not in m.log and "I am c" not in m.log


def test_another_has_the_console_of_one_that_cannot_be_started(run):
    m = run({"a": vm("demo", "I am a", memory="8G", console="front"), "b": vm("demo", "I am b")}, 2)
    m.expect("memory: 8192 MiB are more than the machine can give|memory: 8 GiB are more than the machine can give")
    m.expect("console of b: Ctrl-")
    m.expect("arguments: 'I am b'")
    m.send("q")
    assert ends(finish(m, status=1))["b"] == "powered off"


def test_one_that_runs_has_the_console_rather_than_one_that_is_paused(run):
    m = run({name: vm("demo", f"I am {name}") for name in ("a", "b", "c")}, 2)
    m.expect("arguments: 'I am a'")
    to_monitor(m)
    for name in "bc": # none is being loaded any more
        command(m, f"console {name}", f"arguments: 'I am {name}'")
        to_monitor(m)
    command(m, "pause b", PROMPT)
    command(m, "console a", "console of a: Ctrl-")
    m.send("q")
    m.expect("console of c: Ctrl-")
    m.send("q")
    m.expect("console of b: Ctrl-")
    to_monitor(m)
    command(m, "resume b", PROMPT)
    command(m, "console b", "console of b: Ctrl-")
    m.send("q")
    assert set(ends(finish(m)).values()) == {"powered off"}


def work_done(m):
    """{name: (work, turns, longest wait in ticks)} of VMs of tests/guests/turns.cpp."""
    m.wait_exit(PATIENCE)
    found = re.findall(r"^turns: (\S+) did (\d+) in (\d+) turns, waited (\d+) at most$", m.log, re.MULTILINE)
    return {name: tuple(map(int, numbers)) for name, *numbers in found}


@pytest.mark.parametrize("weights", [(100, 100), (200, 100), (100, 100, 100, 100), (50, 100, 150)], ids=str)
def test_parts_of_a_hart_are_by_weight(run, weights):
    """By instructions: time is what the machine has executed, however busy the host is."""
    begin, end = 200, 800
    done = work_done(run({f"vm{n}": vm("turns", f"vm{n} {begin} {end} {end + 50 * (n + 1)}", weight=weight)
                          for n, weight in enumerate(weights)}, 1, icount=True))
    assert len(done) == len(weights)
    for n, weight in enumerate(weights):
        part = done[f"vm{n}"][0] / sum(work for work, *_ in done.values())
        assert part == pytest.approx(weight / sum(weights), rel=0.05), done


def test_a_turn_is_as_long_as_the_boot_option_says(run):
    turn, tick_ms = 50, 10_000
    done = work_done(run({f"vm{n}": vm("turns", f"vm{n} 100 700 {750 + 50 * n}") for n in range(2)}, 1,
                         icount=True, append=f"turn={turn}"))
    assert len(done) == 2
    assert all(0.95 * turn * tick_ms < wait < 1.05 * turn * tick_ms for *_, wait in done.values()), done


def test_equals_wait_for_a_turn_of_each_other(run):
    begin, end, turn, tick_ms = 200, 500, 5, 10_000
    done = work_done(run({f"vm{n}": vm("turns", f"vm{n} {begin} {end} {end + 50 * (n + 1)}") for n in range(4)},
                         1, icount=True))
    assert len(done) == 4
    assert max(wait for *_, wait in done.values()) < 3.2 * turn * tick_ms, done


@pytest.mark.skipif(qemu_version() < FAIR_TO_HARTS, reason="this emulator runs one hart for long under -icount")
def test_equals_on_two_harts_wait_for_a_turn_of_each_other(run):
    """8 that spin. A third hart, with a timer all the time, has the emulator change between harts."""
    begin, end, turn, tick_ms = 200, 500, 5, 10_000
    vms = {f"vm{n}": vm("turns", f"vm{n} {begin} {end} {end + 50 * (n + 1)}", affinity="0-1") for n in range(8)}
    done = work_done(run(vms | {"timers": vm("latency", brief_sleeps(end), affinity=2)}, 3, icount=True))
    assert len(done) == 8
    assert max(wait for *_, wait in done.values()) < 3.02 * turn * tick_ms, done


@pytest.mark.parametrize("weights", [(100, 100), (200, 100)], ids=str)
def test_parts_over_ten_seconds(run, weights):
    """Of virtual time, in which an instruction takes 16 ns, so that it is over soon."""
    begin, end = 200, 10_200
    done = work_done(run({f"vm{n}": vm("turns", f"vm{n} {begin} {end} {end + 50 * (n + 1)}", weight=weight)
                          for n, weight in enumerate(weights)}, 1, icount=True, shift=4))
    assert len(done) == len(weights)
    first, second = (done[name][0] for name in ("vm0", "vm1"))
    assert first / second == pytest.approx(weights[0] / weights[1], rel=0.05), done


def test_a_paused_guest_sees_no_time_pass(run):
    """It is paused for 2 seconds of its machine's time, amid 1.5 of its own. The spinner is there since
    QEMU 7.2 takes no input under -icount while the machine is idle."""
    m = run({"a": vm("turns", "a 0 +1500", autostart="no"), "spin": vm(SPIN, halt="never")}, 1, icount=True)
    m.expect("vm spin: ", PATIENCE)
    to_monitor(m)
    m.send("start a\rtop 1\rpause a\rtop 2\rlist\rresume a\r")
    m.expect(r"a +1 +8 MiB +paused", PATIENCE)
    m.expect("vm a: powered off", PATIENCE)
    command(m, "console a", "turns: a did .* at most")
    to_monitor(m)
    command(m, "quit", "all VMs are turned off")
    (_, _, longest_wait), = work_done(m).values()
    assert longest_wait < 10_000_000 # ticks of a second


@pytest.mark.parametrize("what", ["", "fp", "vector"])
def test_two_vcpus_on_one_hart_wake_each_other(run, what):
    m = run({"pair": vm("ping_pong", f"2000 {what}", cpus=2)}, 1, cpu="rv64,v=true,vext_spec=v1.0")
    assert ends(finish(m)) == {"pair": "powered off"}
    assert "figure ping-pong" in m.log


def test_a_hundred_resets(run):
    m = run({"again": vm("hazards", "reset"), "keeps": vm("sleepers", "3", halt="never")}, 2)
    for _ in range(100):
        m.expect("vm again: reset", PATIENCE)
    to_monitor(m)
    command(m, "quit", "all VMs are turned off")
    finish(m)
    assert "0 bytes live" in m.own_lines()[-1]
    assert "bytes of frames are free" not in m.log


def test_lives_leave_nothing(run):
    """A VM is made, runs to its end and is forgotten, 1,000 times (or CAIRN_LIFE_ROUNDS)."""
    def what_is_there():
        heap, = of_kind(records(m, "heap"), "heap")
        frames, = of_kind(records(m, "frames"), "frames")
        return heap["live"], frames["free"]

    m = run({"tiny": vm(POWER_OFF, autostart="no", halt="never")}, 2)
    m.expect(PROMPT, PATIENCE)
    live = "create x tiny\rstart x\r"
    m.send(live)
    m.expect("vm x: powered off", PATIENCE)
    command(m, "destroy x", PROMPT)
    before = what_is_there()
    m.send(live)
    for _ in range(ROUNDS - 1):
        m.expect("vm x: powered off", PATIENCE)
        m.send("destroy x\r" + live)
    m.expect("vm x: powered off", PATIENCE)
    command(m, "destroy x", PROMPT)
    assert what_is_there() == before
    command(m, "quit", "all VMs are turned off")
    assert m.wait_exit() == 0


def debian_vm(debian, **keys):
    return vm(debian["kernel"], debian["append"], memory="256M", initrd="initrd", **keys) | {"initrd": debian["initrd"]}


SHELL = r"guest:~# "


def test_two_debians_and_eight_tiny_ones(run, debian):
    """On two harts: both come to their shells, all CPUs work, and each of the others to its end."""
    debians = {f"debian{n}": debian_vm(debian, cpus=2) for n in range(2)}
    tiny = {f"tiny{n}": vm("sleepers", "200") for n in range(8)}
    m = run(debians | tiny, 2)
    for _ in debians:
        m.send("\n")
        m.expect(SHELL, PATIENCE)
        assert m.command_output("nproc", SHELL) == "2"
        assert m.command_output("taskset 2 echo works", SHELL) == "works"
        m.send_line("poweroff -f")
        m.expect(r"vm debian\d: powered off", PATIENCE)
    said = finish(m)
    assert ends(said) == {name: "powered off" for name in debians | tiny}


LOAD = ("while :; do for i in 1 2 3 4 5 6 7 8; do (echo $i | cat | tr 1 2 >/dev/null) & done; wait; "
        "dd if=/dev/zero of=/tmp/x bs=64k count=64 2>/dev/null; cat /tmp/x /tmp/x | md5sum >/dev/null; rm /tmp/x; done &")


def test_timers_come_in_time_beside_a_debian_at_work(run, debian):
    """Forks, pipes, files and memory in one VM, timers in another, on one hart. Who sleeps for its timer
    waits for the end of the other's turn at most, and for a piece of the host's work. By virtual time."""
    turn, work, tick_ms = 5, 0.5, 10_000
    m = run({"debian": debian_vm(debian), "probe": vm("latency", "60 3000 13000", autostart="no")}, 1, icount=True)
    m.expect(SHELL, PATIENCE)
    m.send_line(LOAD)
    m.expect(SHELL, PATIENCE)
    to_monitor(m)
    m.send("start probe\r")
    m.expect("vm probe: powered off", PATIENCE)
    command(m, "console probe", r"latency: 60 sleeps, late by (\d+) ticks on average, by (\d+) at most")
    late = int(m.process.match[2])
    print(m.process.match[0])
    to_monitor(m)
    load = next(each for each in of_kind(records(m, "top 1"), "load") if each["vm"] == "debian")
    assert load["run"] > 95 # per cent: it has had work all the time
    command(m, "quit", "all VMs are turned off")
    finish(m)
    assert late < (turn + work) * tick_ms


def test_one_that_resets_itself_for_ever_does_not_flood_the_log(run):
    """As long as its neighbour computes: 3 s of the machine's clock."""
    m = run({"resets": vm(RESET), "work": vm("turns", "work 100 3100", console="front")}, 1, icount=True)
    m.expect("vm work: powered off", PATIENCE)
    to_monitor(m)
    command(m, "quit", "vm resets: turned off")
    said = finish(m)["resets"]
    lines = m.own_lines()
    lines = lines[:lines.index("vm work: powered off")]
    assert 128 <= lines.count("vm resets: reset") <= 128 + 4 # and one for each second
    assert any(re.fullmatch(r"\d+ lines not shown: it has reset itself so often", line) for line in said)
    assert said[-1] == "turned off"


def test_one_that_faults_for_ever_does_not_flood_the_log(run):
    """The same number of faults before its neighbour's end on any host, since instructions are the clock."""
    m = run({"faults": vm(FAULTS), "once": vm("turns", "work 100 400", console="front")}, 1, icount=True)
    m.expect("vm once: powered off", PATIENCE)
    to_monitor(m)
    command(m, "quit", "vm faults: turned off")
    said = finish(m)["faults"]
    assert len([line for line in said if line.startswith("load")]) == 16
    assert re.fullmatch(r"\d+ more lines about its faults not shown", said[-2]) and said[-1] == "turned off"
