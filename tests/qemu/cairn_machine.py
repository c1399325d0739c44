# SPDX-License-Identifier: MIT
"""Runs Cairn in QEMU and talks to its serial console.

A Machine owns one QEMU process and ends it, by pid, in stop(). Everything the console said since
power-on is in `log`, and is printed by conftest.py if the test fails. Timeouts are in seconds of
wall time and generous: a test decides by what is said, never by how fast.
"""
import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import newc  # noqa: E402 (from tools/)
import pack_bundle  # noqa: E402

HYPERVISOR = ROOT / "build/target/hypervisor.elf"
GUESTS = ROOT / "build/target/guests"
DEBIAN_KERNEL = ROOT / ".cache/guest/Image"
DEBIAN_INITRD = ROOT / ".cache/guest/initramfs.cpio.gz"
U_BOOT = Path("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin")
QEMU = "qemu-system-riscv64"
TIMEOUT = 120
MARK = "\x10" # of Cairn's own lines (docs/adr/0016)

# What OpenSBI prints: its banner, and lines like `Boot HART MEDELEG         : 0x0000000000f0b509`.
FIRMWARE_LINE = re.compile(r"^(OpenSBI|\s*[_/|\\(]|[A-Z][\w* ]*\s*:\s)")


def qemu_version():
    """(major, minor) of the QEMU that the tests run."""
    text = subprocess.run([QEMU, "--version"], text=True, capture_output=True, check=True).stdout
    return tuple(int(part) for part in re.search(r"version (\d+)\.(\d+)", text).groups())


# What has to change between harts under -icount. Before 8.1 the emulator runs one of several harts for as
# long as it likes; since then each for its part of the time to the next timer, whosever that is.
FAIR_TO_HARTS = (8, 1)


def brief_sleeps(ms):
    """Arguments of tests/guests/latency.cpp: a timer every 50 us, for at least so long."""
    return f"{ms * 20} 50 50"


def guest_image(name):
    """A guest built from tests/guests."""
    return GUESTS / f"{name}.img"


def write_archive(path, entries):
    """Writes an archive of {name: bytes, str or Path}; names with a folder bring their folder."""
    folders = set()
    with path.open("wb") as stream:
        archive = newc.Writer(stream)
        for name, content in entries.items():
            folder = name.rpartition("/")[0]
            if folder and folder not in folders:
                folders.add(folder)
                archive.directory(folder)
            archive.file(name, _bytes_of(content))
        archive.finish()
    return path


def _bytes_of(content):
    if isinstance(content, Path):
        return content.read_bytes()
    return content.encode() if isinstance(content, str) else content


def write_guest(path, kernel, initrd=None, append=None, cpus=1, memory="512M"):
    """Writes an archive of one VM, just as run.sh does."""
    options = ["--output", path, "--kernel", kernel, "--cpus", cpus, "--memory", memory]
    if initrd:
        options += ["--initrd", initrd]
    if append:
        options += ["--append", append]
    pack_bundle.write_archive(pack_bundle.parse([str(option) for option in options]))
    return path


class Machine:
    def __init__(self, archive=None, *, cpu="rv64", smp=1, memory="2G", icount=False, shift=0,
                 append=None, kernel=HYPERVISOR, board="virt", mux=False, options=()):
        self.log_stream = io.StringIO()
        self.command = [QEMU, "-M", board, "-cpu", cpu, "-smp", str(smp), "-m", memory,
                        "-bios", "default", "-nographic", "-monitor", "none",
                        "-chardev", "stdio,id=console,signal=off" + (",mux=on" if mux else ""),
                        "-serial", "chardev:console"]
        if kernel:
            self.command += ["-kernel", str(kernel)]
        if archive:
            self.command += ["-initrd", str(archive)]
        if append:
            self.command += ["-append", append]
        if icount: # an instruction is 2^shift ns; sleep=off, or idling would follow the host
            self.command += ["-icount", f"shift={shift},sleep=off"]
        self.command += [str(option) for option in options]
        self.process = pexpect.spawn(self.command[0], self.command[1:], encoding="utf-8",
                                     codec_errors="replace", timeout=TIMEOUT, maxread=65536,
                                     cwd=str(ROOT))
        self.process.logfile_read = self.log_stream
        self.process.delaybeforesend = None
        self.commands = 0  # command_output's

    @property
    def raw(self):
        """What the console said, byte for byte but for carriage returns."""
        return self.log_stream.getvalue().replace("\r", "")

    @property
    def log(self):
        """What the console said, as a terminal shows it: without the marks of Cairn's own lines."""
        return self.raw.replace(MARK, "")

    def own_lines(self):
        """Cairn's own lines since it shares the console with guests: nobody else can write them."""
        return re.findall(rf"^{MARK}(?!{MARK})(.*)$", self.raw, re.MULTILINE)

    def lines(self):
        """What came after the firmware's last line, without empty lines."""
        lines = [line for line in self.log.split("\n") if line.strip()]
        firmware = [index for index, line in enumerate(lines) if FIRMWARE_LINE.match(line)]
        booting = lines.index("Booting hypervisor...") if "Booting hypervisor..." in lines else None
        last = max((index for index in firmware if booting is None or index < booting), default=-1)
        return lines[last + 1:]

    def expect(self, pattern, timeout=TIMEOUT):
        """Waits for a regular expression (or the first of a list) and returns its match."""
        index = self.process.expect(
            (pattern if isinstance(pattern, list) else [pattern]) + [pexpect.EOF, pexpect.TIMEOUT],
            timeout=timeout)
        if self.process.match in (pexpect.EOF, pexpect.TIMEOUT):
            what = "the machine stopped" if self.process.match is pexpect.EOF else f"{timeout} s"
            raise AssertionError(f"waited for {pattern!r} on the console until {what}")
        self.index = index
        return self.process.match

    def send(self, text):
        self.process.send(text)

    def send_line(self, text):
        self.process.send(text + "\n")

    def command_output(self, command, prompt):
        """Types a command at a shell's prompt, and returns what it printed. Its output stands between two
        marks that the typed line does not have: a terminal echoes that as often as it likes."""
        self.commands += 1
        number = self.commands
        after = "" if command.endswith("&") else ";"
        self.send_line(f"echo '<''{number}>'; {command}{after} echo '<''/{number}>'")
        self.expect(rf"<{number}>\r*\n")
        self.expect(rf"</{number}>\r*\n")
        output = self.process.before.replace("\r", "").strip()
        self.expect(prompt)
        return output

    def wait_exit(self, timeout=TIMEOUT):
        """Waits until QEMU has ended by itself, and returns its exit status."""
        self.expect_end(timeout)
        self.process.close()
        assert self.process.signalstatus is None, f"QEMU died of signal {self.process.signalstatus}"
        return self.process.exitstatus

    def expect_end(self, timeout):
        if self.process.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=timeout):
            raise AssertionError(f"the machine was still running after {timeout} s")

    def stop(self):
        """Ends QEMU if it still runs. On a busy host it takes longer to go than pexpect waits."""
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()
        self.process.close(force=True)
