# SPDX-License-Identifier: MIT
"""A VM's console by its channel: shown on a terminal, or driven by a script."""
import contextlib
import os
import re
import select
import sys
import termios
import time
import tty

from cairn_channel import Connection, TimedOut
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


def typed(is_terminal):
    """What has been typed, and whether more may come."""
    data = os.read(sys.stdin.fileno(), 4096)
    if is_terminal and ESCAPE in data:
        return data.partition(ESCAPE)[0], None
    return data, bool(data)


def talk(connection):
    """Bytes both ways, until Ctrl-], the deadline or the machine's end. A guest that does not read what
    is typed keeps nobody from seeing what it prints."""
    connection.socket.setblocking(False)
    waiting, listens = b"", True
    with raw_terminal() as is_terminal:
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
            talk(connection)
        else:
            show_until(connection, options.until, options.timeout)
