# SPDX-License-Identifier: MIT
"""What tests of channels share: a machine with a socket for the monitor and one for each VM."""
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import channels
from cairn_machine import ROOT
from monitor_session import demo_vms

CAIRNCTL = ROOT / "tools/cairnctl"
LIMIT = 120 # seconds; cairnctl gives up before


class Channels:
    """The folder of a machine's sockets; close to the root, for paths of sockets are short."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="cairn-")
        self.folder = Path(self.temporary.name)

    def start(self, machine, vms, archive=None, options=(), **named):
        """A machine of those VMs of the demo guest, or of an archive."""
        archive = archive or demo_vms(self.folder / "vms.cpio", vms)
        return machine(archive, options=[*options, *channels.options(self.folder, vms)], **named)

    def cairnctl(self, *arguments, text="", timeout=LIMIT // 2):
        """(status, output, errors)"""
        done = subprocess.run([CAIRNCTL, "--dir", self.folder, "--timeout", str(timeout), *map(str, arguments)],
                              input=text, text=True, capture_output=True, timeout=LIMIT, check=False)
        return done.returncode, done.stdout, done.stderr

    def done(self, *arguments, **named):
        """The output of what has to work."""
        status, output, errors = self.cairnctl(*arguments, **named)
        assert (status, errors) == (0, ""), (arguments, status, output, errors)
        return output

    def open(self, vm=None, kind="vm"):
        """A socket of its own, once the machine serves it."""
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(LIMIT)
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                end.connect(str(channels.socket_of(self.folder, vm, kind)))
                return end
            except BlockingIOError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def close(self):
        self.temporary.cleanup()


def read_until(end, text):
    """What comes until it ends with `text`."""
    seen = b""
    while not seen.endswith(text):
        more = end.recv(4096)
        assert more, f"the end after {seen[-200:]!r}, before {text!r}"
        seen += more
    return seen


def greeted(end):
    """Behind the greeting; what may come before it is somebody else's."""
    return read_until(end, b'{"kind":"hello","protocol":1}\n')
