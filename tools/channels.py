#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sockets of a machine's channels in a folder, and QEMU's options that make them, one a line.

    DIR/monitor.sock     the monitor, for programs       port cairn.monitor
    DIR/vm.NAME.sock     the console of VM NAME           port cairn.vm.NAME
    DIR/port.PORT@NAME.sock    port PORT of VM NAME       port cairn.port.PORT@NAME
    DIR/gdb.NAME.sock    gdb's, at VM NAME                port cairn.gdb.NAME, where one device has all

QEMU's virtio console devices say what they have in one breath, of which the driver's queue keeps 32
sentences: more ports are on a second device. Port 0 of each is QEMU's own.
"""
import argparse
import errno
import os
import socket
import stat
import sys
from pathlib import Path

PORTS = 30 # of a device
LONGEST_PATH = 107 # bytes; unix(7)


class ChannelError(Exception):
    """A sentence, and what would help."""


def socket_of(folder, vm=None, kind="vm"):
    """The socket of VM `vm`, its console's or gdb's, of a port, PORT@VM, or the monitor's."""
    return Path(folder) / (f"{kind}.{vm}.sock" if vm else "monitor.sock")


def channels_of(names):
    """(kind, name) of each, of VMs and of PORT@NAME; one device has all of a machine with few VMs."""
    ports, vms = [name for name in names if "@" in name], [name for name in names if "@" not in name]
    gdb = [("gdb", vm) for vm in vms] if 1 + 2 * len(vms) + len(ports) <= PORTS else []
    return [("monitor", None), *(("vm", vm) for vm in vms), *(("port", port) for port in ports), *gdb]


def make_folder(folder):
    """Whoever can open the sockets has the machine: so a new folder is its owner's alone."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        what = folder if folder.exists() else folder.parent
        raise ChannelError(f"'{what}' is no folder.", "Name a folder, or none that is there yet.") from None
    except OSError as error:
        raise ChannelError(f"cannot make the folder '{folder}': {error.strerror}.", "Is the path right?") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ChannelError(f"cannot write to the folder '{folder}'.", "Whose is it?")


def check(path):
    """That `path` can be a socket now: what is left of a machine that has ended may be there."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ChannelError(f"'{path}' is too long for a socket: {len(os.fsencode(path))} bytes, and at most "
                           f"{LONGEST_PATH}.", "Take a folder with a shorter path.")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ChannelError(f"'{path}' is there, and is no socket.", "Remove it, or take another folder.")
    with socket.socket(socket.AF_UNIX) as other:
        other.setblocking(False)
        if other.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT):
            raise ChannelError(f"somebody listens at '{path}' already.", "Is another machine running with this folder?")


def options(folder, vms):
    """QEMU's options for the channels of VMs, and of ports, PORT@VM, in a folder."""
    channels = channels_of(vms)
    for first in range(0, len(channels), PORTS):
        ports, device = channels[first:first + PORTS], f"channels{first // PORTS}"
        yield from ("-device", f"virtio-serial-device,id={device},max_ports={len(ports) + 1}")
        for number, (kind, vm) in enumerate(ports, first):
            path = str(socket_of(folder, vm, kind)).replace(",", ",,")
            name = f"cairn.{kind}.{vm}" if vm else "cairn.monitor"
            yield from ("-chardev", f"socket,id=channel{number},path={path},server=on,wait=off",
                        "-device", f"virtserialport,bus={device}.0,chardev=channel{number},name={name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("vm", nargs="*", metavar="VM|PORT@VM")
    given = parser.parse_args()
    folder, vms = given.folder.absolute(), given.vm
    try:
        make_folder(folder)
        for kind, vm in channels_of(vms):
            check(socket_of(folder, vm, kind))
    except ChannelError as error:
        sentence, hint = error.args
        sys.exit(f"run.sh: --channels: {sentence}\n  {hint}")
    print("\n".join(options(folder, vms)))


if __name__ == "__main__":
    main()
