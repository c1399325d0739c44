#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Unpacks Debian packages of any architecture into a folder, as dpkg would, without running any of their programs.

    debian_root.py --output FOLDER PACKAGE.deb...

What dpkg keeps of each is written too (dpkg(1), dpkg-query(1), deb-triggers(5)): afterwards all packages are in the
state `unpacked`, and `dpkg --configure -a`, run inside, does the rest. Their preinst scripts are left to whoever runs
that. Owners are kept if this runs as root, or below fakeroot.
"""
import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def fields_of(control):
    """{field: value} of a control file's stanza; continuation lines belong to the value."""
    return dict(re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", control, re.MULTILINE))


def info_name(fields):
    """What dpkg calls the package in the names of its files: with the architecture where several can be there."""
    name = fields["Package"]
    return f"{name}:{fields['Architecture']}" if fields.get("Multi-Arch") == "same" else name


def conffiles_field(root, names):
    """The status file's field: each with its MD5 digest, as dpkg keeps it."""
    lines = []
    for name in names:
        path = root / name.lstrip("/")
        if not name.startswith("/") or not path.is_file(): # "remove-on-upgrade /etc/..."
            continue
        lines.append(f"\n {name} {hashlib.md5(path.read_bytes()).hexdigest()}")
    return "Conffiles:" + "".join(lines) + "\n" if lines else ""


def status_stanza(control, conffiles):
    first, _, rest = control.strip("\n").partition("\n")
    return f"{first}\nStatus: install ok unpacked\n{rest}\n{conffiles}\n"


def interests(text):
    """(trigger, whether the package waits for it) of each interest in a `triggers` file."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) == 2 and words[0] in ("interest", "interest-await", "interest-noawait"):
            yield words[1], words[0] != "interest-noawait"


def register_triggers(folder, package, text):
    for trigger, awaited in interests(text):
        who = package + ("" if awaited else "/noawait")
        if trigger.startswith("/"):
            with (folder / "File").open("a") as stream:
                stream.write(f"{trigger} {who}\n")
        else:
            with (folder / trigger).open("a") as stream:
                stream.write(f"{who}\n")


def list_of_files(names):
    """What dpkg keeps in a `.list`: absolute, without slashes at the end, and `/.` for the root."""
    paths = (name.removeprefix(".").rstrip("/") for name in names)
    return "".join(f"{path or '/.'}\n" for path in paths)


class Root:
    def __init__(self, folder):
        self.folder = folder
        self.dpkg = folder / "var/lib/dpkg"
        self.status = []

    def unpack_files(self, deb):
        """Every file to its place; a folder that is a link stays one, as /bin is. Returns the names."""
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as package:
            tar = subprocess.run(["tar", "-xpv", "--numeric-owner", "--keep-directory-symlink",
                                  "--quoting-style=literal", "-C", self.folder],
                                 stdin=package.stdout, stdout=subprocess.PIPE, text=True, check=True)
            package.stdout.close()
        if package.returncode:
            raise SystemExit(f"debian_root.py: {deb}: dpkg-deb ended with status {package.returncode}")
        return tar.stdout.splitlines()

    def keep_information(self, deb, names):
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["dpkg-deb", "--control", deb, scratch], check=True)
            files = {path.name: path for path in Path(scratch).iterdir()}
            control = files.pop("control").read_text()
            package = info_name(fields_of(control))
            conffiles = files["conffiles"].read_text().splitlines() if "conffiles" in files else []
            self.status.append(status_stanza(control, conffiles_field(self.folder, conffiles)))
            if "triggers" in files:
                register_triggers(self.dpkg / "triggers", package, files["triggers"].read_text())
            for name, path in files.items():
                kept = self.dpkg / "info" / f"{package}.{name}"
                kept.write_bytes(path.read_bytes())
                kept.chmod(path.stat().st_mode & 0o777)
        (self.dpkg / "info" / f"{package}.list").write_text(list_of_files(names))

    def add(self, deb):
        names = self.unpack_files(deb)
        for name in ("info", "triggers", "updates"):
            (self.dpkg / name).mkdir(parents=True, exist_ok=True)
        self.keep_information(deb, names)

    def finish(self):
        (self.dpkg / "info/format").write_text("1\n")
        (self.dpkg / "available").write_text("")
        (self.dpkg / "status").write_text("".join(self.status))


def base_files_first(debs):
    """base-files has the links of the merged /usr, below which others unpack."""
    return sorted(debs, key=lambda deb: not deb.name.startswith("base-files_"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="a folder that is empty, or not there yet")
    parser.add_argument("packages", type=Path, nargs="+")
    options = parser.parse_args()
    os.umask(0o022)
    options.output.mkdir(parents=True, exist_ok=True)
    options.output.chmod(0o755)
    root = Root(options.output)
    debs = base_files_first(options.packages)
    for number, deb in enumerate(debs, 1):
        print(f"{number} {len(debs)} {deb.name.partition('_')[0]}", flush=True)
        root.add(deb)
    root.finish()


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"debian_root.py: {error}")
