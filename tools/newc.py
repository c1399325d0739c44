# SPDX-License-Identifier: MIT
"""Writes cpio archives of the `newc` kind (magic 070701), without root and without cpio(1).

An entry: a 110-byte header of 8-digit hexadecimal fields, the NUL-terminated name padded to 4
bytes, the data padded to 4 bytes. The archive ends with an entry named TRAILER!!!.
All times are 0, so that the same input gives the same archive.
"""
import stat


class Writer:
    def __init__(self, stream):
        self.stream = stream
        self.inode = 0

    def directory(self, name, mode=0o755):
        self._entry(name, stat.S_IFDIR | mode, links=2)

    def file(self, name, data, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def finish(self):
        self._entry("TRAILER!!!", 0)

    def _entry(self, name, mode, data=b"", links=1, device=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        fields = [self.inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(encoded), 0]
        self._padded(b"070701" + b"".join(b"%08x" % field for field in fields) + encoded)
        self._padded(data)

    def _padded(self, data):
        self.stream.write(data)
        self.stream.write(b"\0" * (-len(data) % 4))
