# SPDX-License-Identifier: MIT
"""Writes cpio archives of the `newc` kind (magic 070701), without root and without cpio(1).

An entry: a 110-byte header of 8-digit hexadecimal fields, the NUL-terminated name padded to 4
bytes, the data padded to 4 bytes. The archive ends with an entry named TRAILER!!!.
All times are 0, so that the same input gives the same archive.

A file's data can be aligned further, for readers that copy it: the name field is then filled up with
more NULs. Of the legal ways this is the one that nobody sees: cpio(1), bsdtar, busybox and Linux read
the name as a C string (and Linux's own gen_init_cpio does the same), where an entry that only fills
space would be unpacked as a file. Linux skips entries whose name field has more than PATH_MAX bytes;
where a page's worth of NULs would pass that, the entry before gets some of them: one more entry of
the file's folder, which changes nothing for whoever unpacks it.
"""
import stat


PATH_MAX = 4096  # Linux, include/uapi/linux/limits.h: bytes of a name field
HEADER = 110
PADDING = 4


class Writer:
    def __init__(self, stream):
        self.stream = stream
        self.inode = 0
        self.size = 0

    def directory(self, name, mode=0o755):
        self._entry(name, stat.S_IFDIR | mode, links=2)

    def file(self, name, data, mode=0o644, align=PADDING, links=1):
        """`align` is a power of two from 4 to 4096. One of `links` names: returns the file's inode,
        and each further name is a `hard_link`."""
        filler = self._filler(name, align)
        if filler is None:
            self._entry(name.rpartition("/")[0] or ".", stat.S_IFDIR | 0o755, links=2,
                        filler=align // 2)
            filler = self._filler(name, align) or 0
        self._entry(name, stat.S_IFREG | mode, data, links=links, filler=filler)
        return self.inode

    def hard_link(self, name, inode, links, mode=0o644):
        """One more name of a file that is written already: an entry without data."""
        self._entry(name, stat.S_IFREG | mode, links=links, inode=inode)

    def symlink(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def finish(self):
        self._entry("TRAILER!!!", 0)

    def _filler(self, name, align):
        """How many NULs behind the name's own align the data; None if the field gets too long."""
        if align == PADDING:
            return 0
        used = HEADER + len(name.encode()) + 1
        filler = -(self.size + used) % align
        return filler if used - HEADER + filler <= PATH_MAX else None

    def _entry(self, name, mode, data=b"", links=1, device=(0, 0), filler=0,
               inode=None):
        if inode is None:
            self.inode += 1
            inode = self.inode
        encoded = name.encode() + b"\0" * (1 + filler)
        # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        fields = [inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(encoded), 0]
        self._padded(b"070701" + b"".join(b"%08x" % field for field in fields) + encoded)
        self._padded(data)

    def _padded(self, data):
        self.stream.write(data)
        self.stream.write(b"\0" * (-len(data) % PADDING))
        self.size += len(data) + -len(data) % PADDING
