# SPDX-License-Identifier: MIT
"""Makes tools/ importable, and runs the tree's scripts."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture
def run():
    """run(script, argument...) -> (exit status, stdout, stderr); the script is root-relative."""
    def run_script(script, *arguments):
        done = subprocess.run([ROOT / script, *map(str, arguments)], text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, cwd="/")
        return done.returncode, done.stdout, done.stderr

    return run_script
