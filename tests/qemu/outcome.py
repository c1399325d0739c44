# SPDX-License-Identifier: MIT
"""How a machine ended: status and sentences, and never by the hypervisor's own fault."""
from cairn_machine import guest_image, write_archive, write_guest

CRASHES = ("hypervisor trap", "hypervisor panic")
END = 60  # seconds that a loaded host may take for what takes half a second


def ended(m, status=0, timeout=END):
    """Waits for the end with `status` (or one of several); returns the lines behind the two of
    every boot, without the heap's figures."""
    actual = m.wait_exit(timeout)
    for crash in CRASHES:
        assert crash not in m.log
    expected = (status,) if isinstance(status, int) else status
    assert actual in expected, f"QEMU's status was {actual}"
    lines = without_figures(m.lines())
    assert lines[0] == "Booting hypervisor..."
    return lines[2:] if len(lines) > 1 and lines[1].startswith("v = ") else lines[1:]


def from_line(m, first):
    """The console's lines from `first` on, whatever came before."""
    lines = without_figures(line for line in m.log.split("\n") if line)
    assert first in lines
    return lines[lines.index(first):]


def without_figures(lines):
    return [line for line in lines if not line.startswith(("heap: ", "machine: "))]


def without_log(lines):
    """What the guest itself has said: no lines of Cairn's."""
    return [line for line in lines if not line.startswith(("vm guest: ", "cairn: "))]


def archive(folder, conf="kernel = kernel\nmemory = 16M\n", **files):
    """Writes an archive of the VM `guest`; its kernel is the demo guest unless given."""
    files = {"kernel": guest_image("demo"), **files}
    return write_archive(folder / "vms.cpio",
                         {"guest/vm.conf": conf, **{f"guest/{name}": content
                                                    for name, content in files.items()}})


def small_guest(folder, name, append=None):
    """Writes an archive of a guest from tests/guests in as little memory as they need."""
    return write_guest(folder / "vms.cpio", guest_image(name), append=append, memory="16M")
