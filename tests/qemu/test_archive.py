# SPDX-License-Identifier: MIT
"""Archives that cpio(1), cp and cat make, as people do by hand."""
import subprocess

import pytest

from cairn_machine import guest_image
from outcome import ended

CONF = "kernel = .//kernel\nmemory = 16M\nappend = {}\n"


@pytest.fixture
def shell(tmp_path):
    """Runs commands in a folder with a VM `one`; `pack NAME PATH ...` archives folders of it."""
    one = tmp_path / "one"
    one.mkdir()
    (one / "vm.conf").write_text(CONF.format("ebreak"))
    (one / "kernel").write_bytes(guest_image("hazards").read_bytes())

    def run(commands):
        pack = 'pack() { find "${@:2}" | cpio --quiet -o -H newc > "$1"; }'
        subprocess.run(["bash", "-euc", f"{pack}; {commands}"], cwd=tmp_path, check=True)
        return tmp_path / "vms.cpio"
    return run


def started(machine, path):
    """What Cairn and the guest say; whether the guest succeeds does not matter here."""
    return ended(machine(path), status=(0, 1))


def test_hard_links(machine, shell):
    """`cp -al` makes a VM of another one's files: vm.conf and kernel have their data elsewhere."""
    lines = started(machine, shell("cp -al one two; pack vms.cpio two one"))
    for name in ("one", "two"):
        assert any(line.startswith(f"vm {name}: ") for line in lines)


@pytest.mark.parametrize("between", ["", "head -c 388 /dev/zero"])
def test_an_archive_behind_another_one_replaces_files(machine, shell, tmp_path, between):
    first = started(machine, shell("pack vms.cpio one"))
    (tmp_path / "kernel").write_bytes(guest_image("runtime_check").read_bytes())
    (tmp_path / "vm.conf").write_text(CONF.format("constructors"))
    path = shell(f"pack 1.cpio one; cp kernel vm.conf one; pack 2.cpio ./one/vm.conf one//kernel;"
                 f"{{ cat 1.cpio; {between or ':'}; cat 2.cpio; }} > vms.cpio")
    second = started(machine, path)
    assert "constructed: abc" not in first
    assert "constructed: abc" in second
