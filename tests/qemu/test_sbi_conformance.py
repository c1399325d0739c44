# SPDX-License-Identifier: MIT
"""The guest that compares the SBI with its specification (tests/guests/sbi_conformance.cpp): on Cairn no
check fails; on bare OpenSBI, the second opinion, exactly those of sbi_differences.py."""
import re

import pytest

import sbi_differences
from cairn_machine import ROOT, guest_image
from outcome import CRASHES

FAILURE = re.compile(r"^failed: (.*): (?:it is not so|0x[0-9a-f]+, expected .*|-?\d+ \(.*\), expected.*)$",
                     re.M)
# What console_write, console_write_byte and putchar must have brought to the console.
WRITTEN = {"DBCN": ["console_write wrote this", "console_write wrote the last bytes of RAM",
                    "console_write_byte wrote this"],
           "BASE": ["legacy putchar wrote this"]}


def talk(m, timeout=120):
    """Types what the guest asks for; returns its summary's figures, or None if it says no more."""
    asked = r"conformance: type (\w+)\r*\n"
    summary = r"conformance: (\d+) checks, (\d+) failed, extensions:([ \w]*)\r*\n"
    while True:
        match = m.expect([asked, summary], timeout)
        if m.index == 1:
            return int(match[1]), int(match[2]), match[3].split()
        m.send(match[1])


def failures(m):
    return set(FAILURE.findall(m.log))


def check_written(m, extensions):
    for extension in extensions:
        for text in WRITTEN.get(extension, []):
            assert text in m.log.split("\n")


# --- Cairn --------------------------------------------------------------------------------------

@pytest.fixture
def on_cairn(guest):
    def start(append, smp=4, cpu="rv64", cpus=None):
        return guest(guest_image("sbi_conformance"), {"smp": smp, "cpu": cpu}, cpus=cpus or smp,
                     memory="16M", append=append)
    return start


@pytest.mark.parametrize("smp, cpu, cpus", [(4, "rv64", 4), (4, "rv64,sstc=false", 4), (1, "rv64", 1), (2, "rv64", 2),
                                            (1, "rv64", 4), (2, "rv64", 4)])
def test_cairn(on_cairn, smp, cpu, cpus):
    m = on_cairn("end=shutdown", smp, cpu, cpus)
    checks, failed, extensions = talk(m)
    status = m.wait_exit()
    assert not any(crash in m.log for crash in CRASHES)
    assert "failed:" not in m.log and failed == 0
    assert checks > 300
    check_written(m, extensions)
    assert "vm guest: powered off" in m.log and status == 0


@pytest.mark.parametrize("how, says, status", [("failure", "vm guest: ", 1),
                                               ("legacy", "vm guest: powered off", 0)])
def test_cairn_ends(on_cairn, how, says, status):
    m = on_cairn(f"end={how}", smp=1)
    m.expect(f"conformance: end by {how}")
    m.expect(says)
    assert m.wait_exit() == status
    assert "failed:" not in m.log


@pytest.mark.parametrize("how", ["cold", "warm"])
def test_cairn_starts_again(on_cairn, how):
    m = on_cairn(f"end={how}", smp=1)
    m.expect(f"conformance: end by {how}")
    m.expect("vm guest: reset")
    m.expect(f"conformance: end by {how}")
    assert "failed:" not in m.log


# --- OpenSBI ------------------------------------------------------------------------------------

@pytest.fixture
def on_opensbi(machine):
    """Starts it; returns the machine and what is known of its firmware's version."""
    def start(append, options=()):
        m = machine(kernel=guest_image("sbi_conformance"), smp=4, memory="64M", append=append,
                    options=options)
        version = m.expect(r"OpenSBI v(\d+\.\d+)")[1]
        if version not in sbi_differences.VERSIONS:
            pytest.skip(f"nothing is known of OpenSBI {version}")
        return m, sbi_differences.VERSIONS[version]
    return start


def test_opensbi(on_opensbi):
    skip = ",".join(sbi_differences.RISKS)
    m, firmware = on_opensbi(f"end=shutdown skip={skip}")
    _, failed, extensions = talk(m)
    m.wait_exit()
    expected = {name for difference in firmware.differences for name in difference.names}
    found = failures(m)
    assert found - expected == set(), "differences that nobody has explained"
    assert expected - found == set(), "differences that are no more"
    assert extensions == firmware.extensions
    assert failed > 0
    check_written(m, extensions)


def test_opensbi_loses_harts(on_opensbi):
    others = ",".join(risk for risk in sbi_differences.RISKS if risk != "hsm-address")
    m, _ = on_opensbi(f"end=shutdown skip={others}")
    m.expect("failed: HSM hart_start: an address behind RAM: 0 ")


@pytest.mark.parametrize("risk", [risk for risk in sbi_differences.RISKS if risk != "hsm-address"])
def test_opensbi_does_not_come_back(on_opensbi, risk):
    others = ",".join(each for each in sbi_differences.RISKS if each != risk)
    m, firmware = on_opensbi(f"end=shutdown skip={others}")
    if risk.split("-")[0].upper() not in firmware.extensions or firmware.is_version_1:
        pytest.skip("this version does not have the function")
    with pytest.raises(AssertionError, match="until 20 s"):
        talk(m, 20)


def test_every_difference_is_in_the_document():
    text = (ROOT / "docs/sbi-conformance.md").read_text()
    for version, firmware in sbi_differences.VERSIONS.items():
        for difference in firmware.differences:
            assert f"| {version} | {difference.text} |" in text
    for risk, words in sbi_differences.RISKS.items():
        assert f"| `{risk}` | {words} |" in text
