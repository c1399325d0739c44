# SPDX-License-Identifier: MIT
"""A machine of QEMU's, driven by its serial console: what is typed, and what it says until then."""
import os
import re
import select
import subprocess
import time

ESCAPE = "\x1d" # to the monitor and back
GUEST_PROMPT, MONITOR_PROMPT = r"guest:~# (\x1b\[6n)?$", r"cairn> (\x1b\[K)?$"
LIMIT = 600 # seconds for each step


class Console:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.log, self.seen = "", 0

    def ask(self, text, pattern):
        """Types `text`; what came until the end of it all is `pattern`."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        deadline = time.monotonic() + LIMIT
        while not re.search(pattern, self.log[self.seen:][-4096:]):
            ready, _, _ = select.select([self.process.stdout], [], [], 1)
            more = os.read(self.process.stdout.fileno(), 1 << 16) if ready else None
            if more == b"" or time.monotonic() > deadline:
                raise RuntimeError(f"no {pattern!r} on the console:\n{self.log[-2000:]}")
            self.log += (more or b"").decode(errors="replace")
        said, self.seen = self.log[self.seen:], len(self.log)
        return said

    def end(self):
        self.process.kill()
        self.process.wait()
