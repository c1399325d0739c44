#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""clang-tidy, with the checks of .clang-tidy, over files that the host builds.

Usage: tidy.py CLANG-TIDY BUILD-FOLDER [--all | FILE...]

Without files: those of CHOSEN, which get their bytes from guests, archives and device trees; with
--all every file of lib and kernel. A file that passed is not looked at again before it, a header
that it reaches, its command or the checks have changed: BUILD-FOLDER/tidy remembers that.
"""
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

CHOSEN = ("kernel/arch", "kernel/dev", "kernel/exit", "kernel/vm", "kernel/bundle", "lib/cairn/binary")


def commands(build):
    """{file: its compile command}: one for each file of lib and kernel that is no test."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        name = Path(entry["file"]).relative_to(tree.ROOT)
        if name.parts[0] in ("lib", "kernel") and not tree.is_test(name):
            found[str(name)] = entry
    return found


def chosen(known, arguments):
    if arguments == ["--all"]:
        return sorted(known)
    wanted = arguments or CHOSEN
    return sorted(name for name in known
                  if any(name == each or name.startswith(each + "/") for each in wanted))


class Tidy:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        version = subprocess.run([program, "--version"], capture_output=True, check=True).stdout
        self.common = version + (tree.ROOT / ".clang-tidy").read_bytes()

    def digest(self, name, command):
        """Of everything that the verdict about a file depends on."""
        digest = hashlib.sha256(self.common + command.encode())
        for reached in [name, *sorted(tree.headers_reached(name))]:
            fake = tree.ROOT / "tests/fakes" / reached # the host's, in place of some headers
            digest.update((fake if fake.is_file() else tree.ROOT / reached).read_bytes())
        return digest.hexdigest()

    def check(self, name, command):
        """(whether the file was looked at, its findings)"""
        digest, passed = self.digest(name, command), self.folder / name.replace("/", "_")
        if passed.is_file() and passed.read_text() == digest:
            return False, []
        done = subprocess.run([self.program, "--quiet", "-p", self.folder, name], cwd=tree.ROOT,
                              text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found = [line.removeprefix(f"{tree.ROOT}/") for line in done.stdout.splitlines()
                 if ": error: " in line]
        if done.returncode != 0 and not found:
            found = [f"{name}: {done.stdout}{done.stderr}"]
        if not found:
            passed.write_text(digest)
        return True, found


def main(program, build, *arguments):
    known = commands(Path(build))
    names = chosen(known, list(arguments))
    folder = Path(build) / "tidy"
    folder.mkdir(exist_ok=True)
    # One command for each file: clang-tidy would look at a file once for each that it finds.
    (folder / "compile_commands.json").write_text(json.dumps(list(known.values())))
    tidy = Tidy(program, folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda name: tidy.check(name, known[name]["command"]), names))
    print(f"{len(names)} files, {sum(looked for looked, _ in results)} of them new or changed")
    violations = sorted({line for _, found in results for line in found})
    tree.finish(violations if names else ["no files"], "clang-tidy")


if __name__ == "__main__":
    main(*sys.argv[1:])
