# SPDX-License-Identifier: MIT
"""Packages unpacked into a folder as dpkg would: dpkg itself, on this machine, reads what was written."""
import hashlib
import subprocess

import pytest

import debian_root

CONTROL = """Package: {name}
Version: 1:2-3
Architecture: {architecture}
Multi-Arch: {multi}
Maintainer: Nobody <nobody@example.org>
Description: a package
 of more than one line.
"""


@pytest.fixture
def package(tmp_path):
    """package(name, {path: text}, {control file: text}) -> the .deb."""
    def build(name, files, control=None, architecture="riscv64", multi="foreign", links=()):
        folder = tmp_path / "source" / name
        (folder / "DEBIAN").mkdir(parents=True)
        (folder / "DEBIAN/control").write_text(CONTROL.format(name=name, architecture=architecture, multi=multi))
        for path, text in (control or {}).items():
            (folder / "DEBIAN" / path).write_text(text)
            (folder / "DEBIAN" / path).chmod(0o755 if text.startswith("#!") else 0o644)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        for path, target in links:
            (folder / path).symlink_to(target)
        deb = tmp_path / f"{name}_2-3_{architecture}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder, deb], check=True, capture_output=True)
        return deb

    return build


@pytest.fixture
def unpacked(run, package, tmp_path):
    """The folder with a library, and base-files, whose links the library's files go below."""
    library = package("libtest", {"lib/libtest.so": "code", "etc/test.conf": "x = 1\n"},
                      {"conffiles": "/etc/test.conf\n", "preinst": "#!/bin/sh\ntouch /tmp/never-run\n",
                       "triggers": "interest-noawait /usr/lib/test\ninterest named\nactivate-noawait ldconfig\n"},
                      multi="same")
    base = package("base-files", {"usr/lib/os-release": "ID=debian\n"}, links=[("lib", "usr/lib")])
    status, output, errors = run("tools/debian_root.py", "--output", tmp_path / "root", library, base)
    assert (status, errors) == (0, "")
    assert output == "1 2 base-files\n2 2 libtest\n" # whatever order they are named in
    return tmp_path / "root"


def query(root, *arguments):
    return subprocess.run(["dpkg-query", f"--admindir={root}/var/lib/dpkg", *arguments], check=True, text=True,
                          capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def test_dpkg_knows_the_packages_as_unpacked(unpacked):
    assert query(unpacked, "-W", "-f=${Package} ${Version} ${Status}\n") == (
        "base-files 1:2-3 install ok unpacked\nlibtest 1:2-3 install ok unpacked\n")
    assert "of more than one line." in query(unpacked, "-s", "libtest:riscv64")


def test_dpkg_knows_their_files(unpacked):
    listed = query(unpacked, "-L", "libtest:riscv64").split()
    assert listed == ["/.", "/etc", "/etc/test.conf", "/lib", "/lib/libtest.so"]


def test_files_go_below_links(unpacked):
    assert (unpacked / "lib").is_symlink()
    assert (unpacked / "usr/lib/libtest.so").read_text() == "code"


def test_dpkg_knows_what_a_conffile_was(unpacked):
    digest = hashlib.md5(b"x = 1\n").hexdigest()
    assert query(unpacked, "-W", "-f=${Conffiles}", "libtest:riscv64").strip() == f"/etc/test.conf {digest}"


def test_triggers_are_registered(unpacked):
    triggers = unpacked / "var/lib/dpkg/triggers"
    assert (triggers / "File").read_text() == "/usr/lib/test libtest:riscv64/noawait\n"
    assert (triggers / "named").read_text() == "libtest:riscv64\n"
    assert not (triggers / "ldconfig").exists()


def test_scripts_are_kept_to_be_run_later(unpacked):
    script = unpacked / "var/lib/dpkg/info/libtest:riscv64.preinst"
    assert script.stat().st_mode & 0o777 == 0o755


def test_a_damaged_package(run, package, tmp_path):
    deb = package("broken", {"etc/x": "x"})
    deb.write_bytes(deb.read_bytes()[:200])
    status, _, errors = run("tools/debian_root.py", "--output", tmp_path / "root", deb)
    assert status == 1
    assert "broken_2-3_riscv64.deb" in errors


def test_interests():
    text = "# interest no\ninterest-await a # why\ninterest b\nactivate c\ninterest-noawait d\n\n"
    assert list(debian_root.interests(text)) == [("a", True), ("b", True), ("d", False)]
