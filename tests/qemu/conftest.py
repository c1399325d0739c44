# SPDX-License-Identifier: MIT
"""Fixtures of the QEMU tests: `machine` starts machines and ends them. A failure shows the log, and before
and behind all logs what failed and the console's last lines: where a log is cut, these are still there."""
import subprocess

import pytest

import cairn_machine
from cairn_machine import Machine

LAST = 12 # lines of a console

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
        machines = list(enumerate(getattr(item, "machines", [])))
        brief = [f"last lines of machine {number}:\n" + last_lines(each) for number, each in machines]
        report.brief = "\n".join([f"{item.nodeid}:", failure_of(report), *brief])
        report.sections.append(("in brief", report.brief))
        for number, each in machines:
            report.sections.append((f"machine {number}", " ".join(each.command)))
            report.sections.append((f"serial console of machine {number}", each.log))


def failure_of(report):
    """What the assertion or exception says, and the lines that led there."""
    if not hasattr(report.longrepr, "reprcrash"):
        return str(report.longrepr)
    places = [each.reprfileloc for each in report.longrepr.reprtraceback.reprentries]
    way = " ".join(f"{place.path.rpartition('/')[2]}:{place.lineno}" for place in places if place)
    return f"{way}: {report.longrepr.reprcrash.message}"


def last_lines(m):
    return "\n".join([line for line in m.log.split("\n") if line.strip()][-LAST:])


def pytest_terminal_summary(terminalreporter):
    """All failures once more, behind the whole logs."""
    for report in terminalreporter.getreports("failed"):
        if hasattr(report, "brief"):
            terminalreporter.section("failed, in brief")
            terminalreporter.write_line(report.brief)
