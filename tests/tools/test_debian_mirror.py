# SPDX-License-Identifier: MIT
"""Which of a machine's apt sources is its Debian mirror."""
import pytest

import debian_mirror

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEB822 = """# a comment
Types: deb
# another
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {keyring}

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
OTHERS = """deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] https://v.example/debian bookworm main
deb https://v.example/linux/debian bookworm stable
deb-src http://source.example/debian bookworm main
# deb http://old.example/debian bookworm main
"""


def find(tmp_path, **files):
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / "sources.list.d" / name.replace("_", ".")).write_text(text)
    return debian_mirror.find_mirror(tmp_path)


def test_deb822(tmp_path):
    text = DEB822.format(keyring=KEYRING)
    assert find(tmp_path, debian_sources=text) == "http://mirror.example/debian"


@pytest.mark.parametrize("line", [
    "deb http://m.example/debian/ trixie main contrib",
    f"deb [signed-by={KEYRING}] http://m.example/debian/ bookworm main # ours",
    "  deb  [arch=amd64]  http://m.example/debian/\tstable\tmain",
])
def test_one_line_format(tmp_path, line):
    assert find(tmp_path, a_list=OTHERS + line) == "http://m.example/debian/"


@pytest.mark.parametrize("text", [
    "", OTHERS, DEB822.format(keyring="/usr/share/keyrings/vendor.gpg"),
    "deb http://archive.example/ubuntu noble main",
])
def test_no_debian_mirror(tmp_path, text):
    assert find(tmp_path, a_list=text, b_sources=text) is None


def test_disabled_source(tmp_path):
    text = "Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\n"
    assert find(tmp_path, a_sources=text) is None


def test_list_of_mirrors_in_a_file(tmp_path):
    text = DEB822.format(keyring=KEYRING).replace("http://mirror.example/debian\n",
                                                  "mirror+file:///etc/apt/mirrors/debian.list\n")
    assert find(tmp_path, a_sources=text) == "mirror+file:///etc/apt/mirrors/debian.list"
