# SPDX-License-Identifier: MIT
"""The second stage of a Debian disk as the host sees it: what is shown, and when it counts as complete."""
import pytest

from conftest import ROOT

CONSOLE = """OpenSBI v1.1
[    5.1] second stage: Debian 13.1, 3 packages to configure
Setting up libc6:riscv64 (2.41-12) ...
Setting up apt (3.0.4) ...
second stage: initial RAM disk of 6.12
"""
COMPLETE = "second stage: complete\n"


@pytest.fixture
def watch(run, tmp_path):
    def start(console, status=0):
        script = tmp_path / "machine"
        script.write_text(f"#!/bin/sh\ncat <<'EOF'\n{console}EOF\nexit {status}\n")
        script.chmod(0o755)
        log = tmp_path / "log"
        result = run("tools/debian_second_stage.py", "--log", log, script)
        assert log.read_text() == console
        return result[0], result[2].splitlines()

    return start


def test_progress(watch):
    status, shown = watch(CONSOLE + COMPLETE)
    assert status == 0
    assert shown == ["  Debian 13.1, 3 packages to configure", "  package 1 of 3: libc6", "  package 2 of 3: apt",
                     "  initial RAM disk of 6.12", "  complete"]


@pytest.mark.parametrize("console, status, wrong", [
    (CONSOLE, 0, "the machine of the second stage ended before it was complete"),
    (CONSOLE + COMPLETE, 3, "the machine of the second stage ended with status 3"),
    (CONSOLE + "second stage: failed: a preinst script\n", 0, "the second stage failed: a preinst script"),
    ("Setting up x (1) ...\nnot second stage: complete\n", 0, "the machine of the second stage ended before it was complete"),
])
def test_what_is_not_complete(watch, tmp_path, console, status, wrong):
    code, shown = watch(console, status)
    assert code == 1
    assert shown[-1] == f"debian_second_stage.py: {wrong}; what it said: {tmp_path}/log"


def test_the_guests_script_says_what_is_looked_for():
    script = (ROOT / "tools/debian/usr/lib/cairn/second-stage").read_text()
    assert 'say() { echo "second stage: $*"; }' in script
    assert "say 'complete'" in script and 'say "failed: $*"' in script and "packages to configure\"" in script
