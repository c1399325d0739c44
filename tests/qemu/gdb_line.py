# SPDX-License-Identifier: MIT
"""gdb-multiarch at a VM: lends it a machine's console, in batch, by a socket that is passed on."""
import os
import select
import signal
import socket
import subprocess

from cairn_machine import TIMEOUT

STOPPED = b"\x03" # what gdb sends for Ctrl-C


def lend_line(m, name):
    """Gives the console to gdb; the monitor has it, and its prompt is there."""
    m.send(f"gdb {name}\r")
    m.expect("comes back without")
    m.expect("\n")


class Gdb:
    """One run of gdb-multiarch over the console of machine `m`."""

    def __init__(self, m, commands, symbols=None):
        self.console = m.process.child_fd
        self.said = b""     # by gdb to Cairn
        self.answered = b"" # by Cairn
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            arguments = ["gdb-multiarch", "-nx", "-batch", "-ex", "set remotetimeout 60",
                         "-ex", "set architecture riscv:rv64",
                         "-ex", f"target remote 127.0.0.1:{port}"]
            for command in commands:
                arguments += ["-ex", command]
            if symbols:
                arguments.append(str(symbols))
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            server.settimeout(TIMEOUT)
            self.wire, _ = server.accept()

    def pass_on(self, until=None, heard=None):
        """Carries bytes both ways until gdb has gone, has said what `until` holds, or has heard `heard`."""
        while (until is None or until not in self.said) and (heard is None or heard not in self.answered):
            ready, _, _ = select.select([self.console, self.wire], [], [], TIMEOUT)
            assert ready, f"nothing was said for {TIMEOUT} s; gdb's last words: {self.said[-200:]}"
            if self.wire in ready:
                try:
                    piece = self.wire.recv(4096)
                except ConnectionResetError:
                    return
                if not piece:
                    return
                self.said += piece
                os.write(self.console, piece)
            if self.console in ready:
                piece = os.read(self.console, 4096)
                self.answered += piece
                try:
                    self.wire.sendall(piece)
                except (BrokenPipeError, ConnectionResetError): # gdb has gone meanwhile
                    return

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def output(self):
        """What gdb printed, once it has gone."""
        self.pass_on()
        try:
            return self.process.communicate(timeout=TIMEOUT)[0]
        finally:
            self.close()

    def close(self):
        self.wire.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def debug(m, commands, symbols=None):
    """All of one run: what gdb printed."""
    return Gdb(m, commands, symbols).output()
