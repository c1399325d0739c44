# SPDX-License-Identifier: MIT
"""A machine in QEMU that somebody talks to by its console, and whose time is the host's: what it takes is
seen on the host's clock, and in the CPU time of QEMU."""
import os
import select
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 300 # seconds for one answer; it takes a few, but the host may be busy


def cpu_seconds(stat):
    """User and system time in a line of /proc/PID/stat; threads that have ended count."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class LiveMachine:
    def __init__(self, command):
        self.log = bytearray()
        self._seen = 0
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)

    def type_line(self, text):
        self._process.stdin.write(f"{text}\n".encode())
        self._process.stdin.flush()

    def wait_for(self, line):
        """Until the console says a line that is `line`, behind what was waited for before."""
        self.wait_for_text(f"\n{line}\r")

    def wait_for_text(self, text, timeout=TIMEOUT):
        """The same of any text."""
        wanted, end = text.encode(), time.monotonic() + timeout
        output = self._process.stdout.fileno()
        while (at := self.log.find(wanted, self._seen)) < 0:
            ready, _, _ = select.select([output], [], [], max(0, end - time.monotonic()))
            part = os.read(output, 65536) if ready else b""
            if not part:
                why = "the machine has ended" if ready else f"{timeout} s are over"
                raise RuntimeError(f"'{text.strip()}' was not said, and {why}:\n{self.log[-2000:].decode(errors='replace')}")
            self.log += part
        self._seen = at + len(wanted)

    def now(self):
        """(the host's clock, CPU time of QEMU), in seconds."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii", errors="replace") as stat:
            return time.monotonic(), cpu_seconds(stat.read())

    def end(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
