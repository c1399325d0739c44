#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the Debian mirror that this machine's own apt sources name (both of apt's formats).

A source counts if its suite is a plain Debian release with component `main`. Other archives copy
that shape for their own packages, but sign with a key of their own, or live elsewhere.
"""
import argparse
import re
import sys
from pathlib import Path

RELEASES = {"stable", "testing", "unstable", "oldstable", "sid", "buster", "bullseye", "bookworm",
            "trixie", "forky", "duke"}


def deb822_sources(text):
    """Sources in the newer format: stanzas of `Field: value`, continued by indentation."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        joined = re.sub(r"\n[ \t]+", " ", stanza)
        fields = dict(re.findall(r"(?m)^([\w-]+):[ \t]*(.*)$", joined))
        fields = {name.lower(): value.strip() for name, value in fields.items()}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled") == "no":
            continue
        for uri in fields.get("uris", "").split():
            yield (uri, fields.get("suites", "").split(), fields.get("components", "").split(),
                   fields.get("signed-by", ""))


def one_line_sources(text):
    """Sources in the older format: deb [options] uri suite component..."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if match:
            signed = re.search(r"signed-by=(\S+)", match[1] or "")
            yield match[2], [match[3]], match[4].split(), signed[1] if signed else ""


def is_debian(source):
    uri, suites, components, signed_by = source
    own_key = signed_by and "debian-archive" not in signed_by
    return (bool(RELEASES & set(suites)) and "main" in components and not own_key
            and "ubuntu" not in uri and "security" not in uri)


def find_mirror(apt):
    listed = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for path in listed:
        parse = {".sources": deb822_sources, ".list": one_line_sources}.get(path.suffix)
        if not parse or not path.is_file():
            continue
        for source in parse(path.read_text(errors="replace")):
            if is_debian(source):
                return source[0]
    return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default="/etc/apt", help="of apt's configuration")
    mirror = find_mirror(parser.parse_args().folder)
    if not mirror:
        sys.exit("debian_mirror.py: no Debian mirror among this machine's apt sources")
    print(mirror)
