# SPDX-License-Identifier: MIT
"""The machine that run.sh starts for a folder of VMs, and the folders in examples/."""
import os
import re

import pytest

import bundle_needs

ROOT = bundle_needs.Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").iterdir())


@pytest.mark.parametrize("configs, needs", [
    (["kernel = a"], (1, 256)),
    (["cpus = 4\nmemory = 1G", "memory=64M"], (4, 1088)),
    (["memory = 8M"] * 32, (2, 256)),
    (["# cpus = 8\ncpus = 3"], (3, 256)),
    (["cpus = many\nmemory = lots"], (1, 256)), # Cairn says what is wrong
    (["memory = 1536K", "memory = 8388608"], (2, 10)),
    (["memory = 4 GiB", "memory=0x40 mib", "memory = 64m"], (2, 4224)), # all that Cairn takes
    (["cpus = 4M\nmemory = 4GB"], (1, 256)),
    (["cpus = 1000", "cpus = 32"], (32, 512)), # QEMU has no machine for the first
])
def test_needs(configs, needs):
    assert bundle_needs.needs_of(configs) == needs


def test_the_command_line(run, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/vm.conf").write_text("cpus = 2\n")
    (tmp_path / "b").symlink_to("a")
    assert run("tools/bundle_needs.py", tmp_path)[:2] == (0, "2 512\n")


def test_who_has_most_memory(run, tmp_path):
    for name, text in [("a", "memory = 1G\n"), ("b", "# memory = 9T\ncpus = 2\n memory = 2 GiB \n"), ("c", "")]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "vm.conf").write_text(text)
    assert run("tools/bundle_needs.py", "--largest", tmp_path)[:2] == (0, "b/vm.conf:3: memory = 2 GiB\n")
    assert bundle_needs.largest_of({"c/vm.conf": ""}) == "c/vm.conf: memory = 256M"


@pytest.mark.parametrize("folder", EXAMPLES, ids=[folder.name for folder in EXAMPLES])
def test_examples_hold_links_to_what_run_sh_brings(folder):
    """Nothing but a vm.conf is a file of its own; every file that it names is there, as a link."""
    for vm in folder.iterdir():
        files = {path.name for path in vm.iterdir()}
        keys = bundle_needs.keys_of((vm / "vm.conf").read_text())
        assert files == {"vm.conf"} | {keys[key] for key in ("kernel", "initrd") if key in keys}
        for name in files - {"vm.conf"}:
            target = os.readlink(vm.resolve() / name)
            assert re.search(r"(^|/)(\.cache/guest|build/target/guests|u-boot/[^/]+)/[^/]+$", target)


def test_every_example_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for folder in EXAMPLES:
        assert f"./run.sh --bundle examples/{folder.name} " in readme
