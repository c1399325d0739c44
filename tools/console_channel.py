# SPDX-License-Identifier: MIT
"""A VM's console by its channel: shown on a terminal, or driven by a script."""
import contextlib
import os
import re
import select
import signal
import sys
import termios
import threading
import time
import tty

from cairn_channel import Connection, Failure, Monitor, TimedOut
from channels import socket_of

ESCAPE = b"\x1d" # Ctrl-], as on the machine's own console
ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt\\])")
KEPT = 1 << 16 # of what is searched for a pattern, and of what waits to be sent


def bytes_of(text):
    """`text` with its \\r, \\n, \\t, \\\\ and \\xNN replaced."""
    plain = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
    return ESCAPED.sub(lambda found: plain.get(found[1]) or bytes([int(found[1][1:], 16)]), os.fsencode(text))


def write_out(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def show_until(connection, pattern, timeout):
    """Shows what comes until it matches."""
    seen = b""
    while not pattern.search(seen):
        try:
            more = connection.receive()
        except TimedOut:
            raise TimedOut(f"no {pattern.pattern.decode()!r} within {timeout:g} s on '{connection.path}'") from None
        if not more:
            connection.fail(f"the machine has ended, and '{connection.path}' has shown no {pattern.pattern.decode()!r}")
        write_out(more)
        seen = (seen + more)[-KEPT:]


@contextlib.contextmanager
def raw_terminal():
    """Every key of a terminal is the guest's, but for Ctrl-]."""
    if not sys.stdin.isatty():
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    print("Ctrl-] ends it.", file=sys.stderr)
    try:
        tty.setraw(sys.stdin)
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print(file=sys.stderr)


class SizeTeller:
    """Tells the guest how large the terminal is, at once and when that changes, by the machine's monitor, for
    which nobody here waits. Where it cannot be told, as by a VM without a virtio console, it stays as it is."""
    PATIENCE = 5 # seconds, for whoever else is at the monitor

    def __init__(self, options):
        self.options, self.turn, self.waits = options, threading.Lock(), False

    def tell(self):
        with self.turn, contextlib.suppress(Failure, OSError):
            self.waits = False
            columns, rows = os.get_terminal_size(sys.stdin.fileno())
            with Monitor(self.options.dir, self.PATIENCE) as monitor:
                monitor.ask(f"size {self.options.vm} {columns}x{rows}")

    def begin(self, *_):
        if not self.waits: # else what waits for its turn tells this, too
            self.waits = True
            threading.Thread(target=self.tell, daemon=True).start()

    @contextlib.contextmanager
    def following(self):
        before = signal.signal(signal.SIGWINCH, self.begin)
        try:
            self.begin()
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


def typed(is_terminal):
    """What has been typed, and whether more may come."""
    data = os.read(sys.stdin.fileno(), 4096)
    if is_terminal and ESCAPE in data:
        return data.partition(ESCAPE)[0], None
    return data, bool(data)


def talk(connection, teller):
    """Bytes both ways, until Ctrl-], the deadline or the machine's end. A guest that does not read what
    is typed keeps nobody from seeing what it prints."""
    connection.socket.setblocking(False)
    waiting, listens = b"", True
    with raw_terminal() as is_terminal, teller.following() if is_terminal else contextlib.nullcontext():
        while True:
            left = None if connection.deadline is None else connection.deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            readers = [connection.socket] + [sys.stdin] * (listens and len(waiting) < KEPT)
            ready, writable, _ = select.select(readers, [connection.socket] * bool(waiting), [], left)
            if connection.socket in ready:
                with contextlib.suppress(BlockingIOError):
                    data = connection.socket.recv(65536)
                    if not data:
                        connection.fail(f"the machine has ended, or has closed '{connection.path}'")
                    write_out(data)
            if sys.stdin in ready:
                more, listens = typed(is_terminal)
                waiting += more
                if listens is None:
                    return
            if writable:
                with contextlib.suppress(BlockingIOError):
                    waiting = waiting[connection.socket.send(waiting):]


def console(options):
    with Connection(socket_of(options.dir, options.vm), options.timeout, options.patient) as connection:
        if options.send is not None:
            connection.send(bytes_of(options.send))
        if options.until is None:
            talk(connection, SizeTeller(options))
        else:
            show_until(connection, options.until, options.timeout)
