#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the initial RAM disk of the second stage from an unpacked Debian: drivers, busybox, and a few lines of /init.

    debian_initrd.py --root FOLDER --output initrd
"""
import argparse
import gzip
import os
from pathlib import Path

import make_modules
import newc

SECOND_STAGE = "/usr/lib/cairn/second-stage"
INIT = f"""#!/bin/busybox sh
# Loads the disk's drivers, and leaves for the root file system on it.
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {" ".join(make_modules.SCRIPTS["disks"])}; do
    /bin/busybox insmod /lib/modules/$module.ko
done
if /bin/busybox mount -t ext4 /dev/vda1 /new; then
    if [ ! -x /new{SECOND_STAGE} ]; then
        /bin/busybox umount /new
        echo 'second stage: complete'
        /bin/busybox poweroff -f
    fi
    /bin/busybox mount -o move /dev /new/dev
    exec /bin/busybox switch_root /new {SECOND_STAGE}
fi
echo 'second stage: failed: /dev/vda1 could not be mounted'
/bin/busybox poweroff -f
"""


def write(stream, busybox, modules):
    archive = newc.Writer(stream)
    for name in ("bin", "dev", "lib", "lib/modules", "new"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox, mode=0o755)
    for name, content in modules.items():
        archive.file(f"lib/modules/{name}.ko", content)
    archive.file("init", INIT.encode(), mode=0o755)
    archive.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    partial = options.output.with_suffix(".partial")
    with gzip.GzipFile(partial, "wb", compresslevel=6, mtime=0) as stream:
        write(stream, (options.root / "usr/bin/busybox").read_bytes(), make_modules.modules_below(options.root))
    os.replace(partial, options.output)


if __name__ == "__main__":
    main()
