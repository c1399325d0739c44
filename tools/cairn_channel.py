# SPDX-License-Identifier: MIT
"""A client of a running machine's channels (docs/channels.md): commands for its monitor, bytes for its
VMs' consoles. Standard library alone.

    with Monitor("build/run/channels") as monitor:
        for record in monitor.ask("list"):
            print(record["name"], record["state"])

A machine serves one client of a socket at a time; others wait for their turn.
"""
import json
import re
import socket
import time

from channels import socket_of

PROTOCOL = 1 # the greeting's
LONGEST_LINE = 256 # bytes of a command
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,31}")
USUAL_TIMEOUT = 10 # seconds


class Failure(Exception):
    """A sentence for people; `status` is what a program should end with."""
    status = 1


class Refused(Failure):
    """The machine says that it cannot be; `records` is all that it has answered."""

    def __init__(self, sentence, records):
        super().__init__(sentence)
        self.records = records


class Unreachable(Failure):
    status = 3


class TimedOut(Failure):
    status = 4


class Connection:
    """A socket of the machine's, with one deadline for all that is done on it; none where it is None.
    One that is `patient` waits for the machine, too."""

    def __init__(self, path, timeout, patient=False):
        self.path, self.timeout, self.patient = path, timeout, patient
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connect()

    def connect(self):
        while True:
            self.wait_at_most()
            try:
                return self.socket.connect(str(self.path))
            except BlockingIOError: # many wait for their turn already
                time.sleep(0.02)
            except TimeoutError:
                self.time_is_over()
            except (FileNotFoundError, ConnectionRefusedError) as error:
                self.nobody_is_there(error)
            except OSError as error:
                self.fail(f"cannot connect to '{self.path}': {error.strerror or error}")

    def nobody_is_there(self, error):
        if self.patient:
            return time.sleep(0.1)
        if isinstance(error, FileNotFoundError):
            self.fail(f"there is no socket '{self.path}': was the machine started with "
                      f"./run.sh --channels '{self.path.parent}', and does it have that VM?")
        return self.fail(f"nobody listens at '{self.path}': the machine has ended")

    def fail(self, sentence):
        self.close()
        raise Unreachable(sentence)

    def time_is_over(self):
        self.close()
        raise TimedOut(f"no answer within {self.timeout:g} s at '{self.path}'; one program at a time is served there")

    def wait_at_most(self):
        """Has the next call end at the deadline."""
        if self.deadline is None:
            return self.socket.settimeout(None)
        left = self.deadline - time.monotonic()
        if left <= 0:
            self.time_is_over()
        return self.socket.settimeout(left)

    def left(self, most):
        """Of so many seconds, those before the deadline."""
        return most if self.deadline is None else max(0, min(most, self.deadline - time.monotonic()))

    def send(self, data):
        self.wait_at_most()
        try:
            self.socket.sendall(data)
        except TimeoutError:
            self.time_is_over()
        except OSError:
            self.fail(f"the machine has ended, or has closed '{self.path}'")

    def receive(self):
        """The next bytes; none at the end."""
        self.wait_at_most()
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            self.time_is_over()
        except OSError:
            return b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_hello(line):
    return line.startswith('{"kind":"hello",') and line.endswith("}")


class Monitor(Connection):
    """The monitor of the machine whose channels are in `folder`."""

    def __init__(self, folder, timeout=USUAL_TIMEOUT, patient=False):
        self.rest = b""
        super().__init__(socket_of(folder), timeout, patient)
        while not is_hello(line := self.line()): # what is before belongs to somebody who has left
            pass
        if self.parse(line).get("protocol") != PROTOCOL:
            self.fail(f"the monitor at '{self.path}' says {line}, and this program knows protocol {PROTOCOL}")

    def line(self):
        while b"\n" not in self.rest:
            more = self.receive()
            if not more:
                self.fail(f"the machine has ended, or has closed '{self.path}'")
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(errors="replace")

    def parse(self, line):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
            self.fail(f"what '{self.path}' answers is no monitor's: {line[:80]!r}")
        return record

    def records(self, command):
        """Each record of a command's answer but the last, as it comes. Refused where the command was."""
        if len(command.encode()) > LONGEST_LINE or re.search(r"[\r\n]", command):
            raise Failure(f"a command is one line, of at most {LONGEST_LINE} bytes")
        if not command.strip():
            raise Failure("an empty line is no command")
        self.send(command.encode() + b"\n")
        errors, seen = [], []
        while (record := self.parse(self.line()))["kind"] != "end":
            seen.append(record)
            if record["kind"] == "error":
                errors.append(": ".join(filter(None, (record["subject"], record["message"]))))
            yield record
        if not record["ok"]:
            raise Refused("; ".join(errors) or f"{command}: it was refused", seen)

    def ask(self, command):
        return list(self.records(command))

    def vms(self):
        """{name: record} of all VMs."""
        return {record["name"]: record for record in self.ask("list")}
