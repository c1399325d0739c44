# SPDX-License-Identifier: MIT
"""Running commands with and without libcairn_malloc.so, or the hardened one, as their malloc."""
import os
import re
import shutil
import signal
import subprocess

import pytest

LIBRARY = os.environ["CAIRN_MALLOC_LIBRARY"]
IS_HARDENED = LIBRARY.endswith("_hardened.so")
FIGURES = re.compile(r"cairn malloc: (?P<program>.*)\[\d+\]: .* live, .* cached, .* free .*, "
                     r"peak (?P<peak>.*), (?P<failures>\d+) failures")
# The same for every run, and nothing of the user's own.
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", "TZ": "UTC",
    "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PERL_HASH_SEED": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def run(command, folder=None, **variables):
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT | variables, start_new_session=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(timeout=100)
        except subprocess.TimeoutExpired: # a heap that hangs does so in children as well
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def run_preloaded(*command, **variables):
    """(exit status, stdout, stderr) of a command that runs on the library."""
    done = run(command, LD_PRELOAD=LIBRARY, **variables)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def snapshot(folder, ignored):
    """Every file below, with its contents; `ignored` are those that tell the time."""
    return {name: path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
            and not re.fullmatch(ignored, name := str(path.relative_to(folder)))}


class Bench:
    """Runs the same commands in the same fresh folder, with the library and without."""

    def __init__(self, folder):
        self.folder = folder / "work"
        self.figures = folder / "figures"

    def run(self, commands, files, ignored, **variables):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for name, text in files.items():
            (self.folder / name).write_text(text)
        done = [run(command, self.folder, **variables) for command in commands]
        for each in done:
            assert each.returncode == 0, each
        return [(each.stdout, each.stderr) for each in done], snapshot(self.folder, ignored)

    def compare(self, *commands, files=None, ignored="", users):
        """`users` are the programs that must have used the library."""
        said, kept = self.run(commands, files or {}, ignored)
        said_with, kept_with = self.run(commands, files or {}, ignored, LD_PRELOAD=LIBRARY,
                                        CAIRN_MALLOC_STATS=str(self.figures), CAIRN_MALLOC_CHECK="1")
        assert said_with == said
        assert kept_with.keys() == kept.keys()
        assert [name for name, data in kept.items() if kept_with[name] != data] == []
        lines = self.figures.read_text().splitlines()
        matches = list(map(FIGURES.fullmatch, lines))
        assert all(matches), lines
        used = {match["program"] for match in matches if match["peak"] != "0 bytes"}
        assert set(users) <= used, lines
        assert {match["failures"] for match in matches} == {"0"}, lines


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
