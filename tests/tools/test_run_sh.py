# SPDX-License-Identifier: MIT
"""The options of ./run.sh: what is wrong with them is said before anything is done."""
import os
import shlex

import pytest


@pytest.mark.parametrize("arguments, sentence", [
    (["--bogus"], "unknown option '--bogus'."),
    (["guest.img"], "unknown option 'guest.img'."),
    (["--cpus"], "--cpus wants a value."),
    (["--cpus", "many"], "--cpus wants a number from 1, and got 'many'."),
    (["--smp", "0"], "--smp wants a number from 1, and got '0'."),
    (["--memory", "12Q"], "--memory wants a size, and got '12Q'."),
    (["--machine-memory=lots"], "--machine-memory wants a size, and got 'lots'."),
    (["--kernel", "/nowhere/Image"], "--kernel: cannot read '/nowhere/Image'."),
    (["--bundle", "/nowhere"], "--bundle: '/nowhere' is no folder."),
    (["--bundle", "/dev"], "--bundle: no folder in '/dev' has a vm.conf."),
    (["--demo", "--bundle", "/dev"], "--kernel, --bundle and --demo each choose the guest."),
])
def test_wrong_options(run, arguments, sentence):
    status, output, errors = run("run.sh", *arguments)
    assert (status, output) == (2, "")
    first, hint = errors.splitlines()
    assert first == f"run.sh: {sentence}"
    assert hint.startswith("  ") and hint.strip()


def test_help_names_every_option(run):
    status, output, _ = run("run.sh", "--help")
    assert status == 0
    for option in ["--kernel", "--initrd", "--append", "--cpus", "--memory", "--bundle", "--demo",
                   "--smp", "--machine-memory", "--cpu", "--gdb", "--timeout", "--build-only",
                   "--print", "--mirror", "--help", "-- "]:
        assert option in output


def test_print_shows_a_command_that_works(run):
    status, output, _ = run("run.sh", "--demo", "--cpus", 2, "--cpu", "rv64,sstc=false", "--memory",
                            "3G", "--print", "--", "-d", "guest_errors", "-name", "two words")
    assert status == 0
    command = shlex.split(output)
    assert command[0] == "qemu-system-riscv64"
    named = dict(zip(command, command[1:]))
    assert (named["-smp"], named["-cpu"], named["-m"]) == ("2", "rv64,sstc=false", "4096M")
    assert command[-4:] == ["-d", "guest_errors", "-name", "two words"]
    assert os.path.isfile(named["-kernel"]) and os.path.isfile(named["-initrd"])
