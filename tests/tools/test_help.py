# SPDX-License-Identifier: MIT
"""Each tool says what it does, and does nothing else, for --help; an option that it does not know is refused."""
import subprocess
import sys

import pytest

from conftest import ROOT

TOOLS = sorted(path.name for path in (ROOT / "tools").iterdir()
               if path.suffix in (".py", "") and path.is_file() and "__main__" in path.read_text())


def run(tool, folder, *arguments):
    return subprocess.run([sys.executable, ROOT / "tools" / tool, *arguments], cwd=folder, text=True,
                          capture_output=True, timeout=60, check=False)


def test_what_makes_a_disk_explains_itself(tmp_path):
    """And makes none called --help."""
    for option, status in (("--help", 0), ("--no-such-option", 2)):
        done = subprocess.run([ROOT / "tools/debian_disk.sh", option], cwd=tmp_path, text=True, capture_output=True,
                              timeout=60, check=False)
        assert done.returncode == status and "Usage: debian_disk.sh" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_explains_itself(tool, tmp_path):
    done = run(tool, tmp_path, "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: ")
    done = run(tool, tmp_path, "--no-such-option")
    assert done.returncode == 2 and "usage: " in done.stderr
    assert not list(tmp_path.iterdir())
