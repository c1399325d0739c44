# SPDX-License-Identifier: MIT
"""Runs QEMU so that time counts instructions, on the bare machine or under Cairn.

With `-icount shift=0,sleep=off` an instruction takes 1 ns of virtual time and idling is skipped,
however busy the host is. The clock of the day follows virtual time, and what is random in the
machine (/chosen/rng-seed) follows from a seed: the same seed gives the same run.
"""
import re
import subprocess
import tempfile
import threading
from pathlib import Path

import newc
import pack_bundle

ROOT = Path(__file__).resolve().parents[1]
HYPERVISOR = ROOT / "build/target/hypervisor.elf"
GUESTS = ROOT / "build/target/guests"
QEMU = "qemu-system-riscv64"
TICKS_PER_SECOND = 10_000_000 # of `time` on QEMU's `virt`
ONE_HART = ("virt", 1) # -M, -smp
TIMEOUT = 600 # seconds of wall time; a run takes a few, but the host may be busy


def build(*targets):
    if not (ROOT / "build/target/build.ninja").exists():
        subprocess.run(["cmake", "--preset", "target"], cwd=ROOT, check=True)
    subprocess.run(["cmake", "--build", "build/target", "--target", *targets], cwd=ROOT, check=True)


def _qemu(cpu, memory, seed, machine, arguments, icount=True, typed=None):
    board, harts = machine
    command = [QEMU, "-M", board, "-cpu", cpu, "-smp", str(harts), "-m", memory, "-bios", "default",
               "-display", "none", "-monitor", "none", "-serial", "stdio",
               *(["-icount", "shift=0,sleep=off"] if icount else []), "-seed", str(seed),
               "-rtc", "base=2025-01-01,clock=vm", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        too_late = threading.Timer(TIMEOUT, process.kill)
        too_late.start()
        log = bytearray()
        for line in process.stdout:
            log += line
            if typed and b"machine: " in line: # the console is there
                process.stdin.write(typed.encode())
                process.stdin.flush()
        too_late.cancel()
    text = log.decode(errors="replace").replace("\r", "")
    if process.returncode != 0:
        raise RuntimeError(f"QEMU ended with status {process.returncode} (it is killed after "
                           f"{TIMEOUT} s):\n{text[-2000:]}")
    return text


def write_vms(path, vms):
    """Writes an archive of `vms`: {name: (kernel, {key of vm.conf: value})}, where a kernel is a path or
    bytes; the key `files` holds further files of its folder."""
    with path.open("wb") as stream:
        archive = newc.Writer(stream)
        for name, (kernel, keys) in vms.items():
            archive.directory(name)
            files = {"kernel": kernel, **keys.get("files", {})}
            lines = "".join(f"{key} = {value}\n" for key, value in keys.items() if key != "files")
            archive.file(f"{name}/vm.conf", f"kernel = kernel\n{lines}".encode())
            for file, content in files.items():
                data = content if isinstance(content, bytes) else content.read_bytes()
                archive.file(f"{name}/{file}", data, align=pack_bundle.PAGE)
        archive.finish()


def run_vms(vms, cpu="rv64", memory="2G", seed=1, machine=ONE_HART, options=None, icount=True,
            qemu=(), typed=None):
    """What the console says while `vms`, as for `write_vms`, run on Cairn.
    `typed`: what is typed once Cairn has begun."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vms.cpio"
        write_vms(path, vms)
        arguments = ["-kernel", HYPERVISOR, "-initrd", path]
        arguments += ["-append", options] if options else []
        return _qemu(cpu, memory, seed, machine, [*arguments, *qemu], icount, typed)


def run_bare(kernel, cpu="rv64", initrd=None, append=None, memory="512M", seed=1,
             machine=ONE_HART, icount=True, qemu=()):
    """What the console says when `kernel` runs on OpenSBI alone; `qemu`: more arguments of QEMU."""
    arguments = ["-kernel", kernel]
    arguments += ["-initrd", initrd] if initrd else []
    arguments += ["-append", append] if append else []
    return _qemu(cpu, memory, seed, machine, [*arguments, *qemu], icount)


def run_on_cairn(kernel, cpu="rv64", initrd=None, append=None, memory="512M", seed=1,
                 machine=ONE_HART, options=None, icount=True, qemu=()):
    """What the console says when `kernel` runs as Cairn's only guest; `options` are Cairn's own,
    `qemu` more arguments of QEMU.

    Without `icount` harts run at once, and time is the host's."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "vms.cpio"
        words = ["--output", archive, "--kernel", kernel, "--cpus", machine[1], "--memory", memory]
        words += ["--initrd", initrd] if initrd else []
        words += ["--append", append] if append else []
        pack_bundle.write_archive(pack_bundle.parse([str(word) for word in words]))
        arguments = ["-kernel", HYPERVISOR, "-initrd", archive]
        arguments += ["-append", options] if options else []
        return _qemu(cpu, "2G", seed, machine, [*arguments, *qemu], icount)


def qemu_version():
    text = subprocess.run([QEMU, "--version"], text=True, capture_output=True, check=True).stdout
    return re.search(r"version (\S+)", text)[1]


def opensbi_version(bare_log):
    found = re.search(r"^OpenSBI v(\S+)", bare_log, re.M)
    return found[1] if found else "unknown"
