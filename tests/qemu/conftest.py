# SPDX-License-Identifier: MIT
"""Fixtures of the QEMU tests: `machine` starts machines and ends them; a failure shows the log."""
import subprocess

import pytest

import cairn_machine
from cairn_machine import Machine


@pytest.fixture
def machine(request):
    """Starts a Machine with the given arguments; all are ended when the test is over."""
    started = request.node.machines = []

    def start(*arguments, **named):
        started.append(Machine(*arguments, **named))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def guest(machine, tmp_path):
    """Starts a machine with one VM: guest(kernel, initrd=..., machine={"smp": 4})."""
    def start(kernel, machine_options=None, **options):
        archive = cairn_machine.write_guest(tmp_path / "vms.cpio", kernel, **options)
        return machine(archive, **(machine_options or {}))

    return start


@pytest.fixture(scope="session")
def debian():
    """Debian's kernel and initramfs, fetched if they are not there yet."""
    fetch = subprocess.run([cairn_machine.ROOT / "tools/fetch_debian.sh"], text=True,
                           stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert fetch.returncode == 0, f"no Debian guest to test with:\n{fetch.stderr}"
    return {"kernel": cairn_machine.DEBIAN_KERNEL, "initrd": cairn_machine.DEBIAN_INITRD,
            "append": "console=ttyS0"}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for number, each in enumerate(getattr(item, "machines", [])):
            report.sections.append((f"machine {number}", " ".join(each.command)))
            report.sections.append((f"serial console of machine {number}", each.log))
