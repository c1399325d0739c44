#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether what the documents lead to is there: links to files and to headings, files and folders by their
names from the root, every document from the README, every decision from the list of them, every
folder of lib/ and kernel/ in docs/architecture.md, and every fuzzer in docs/testing.md.
"""
import re

import tree

LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.*)$", re.M)
PATH = re.compile(r"`((?:kernel|lib|tests|tools|docs|examples)/[\w./-]*)`")
EXAMPLE = re.compile(r"\bx(_\w+)?\.\w+$") # what is to be written, as in tests/fuzz/x_fuzz.cpp
README, DECISIONS = "README.md", "docs/adr/README.md"
ARCHITECTURE, TESTING = "docs/architecture.md", "docs/testing.md"


def text(name):
    return (tree.ROOT / name).read_text()


def anchor(heading):
    """What GitHub makes of a heading, without the links in it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(name):
    return {anchor(heading) for heading in HEADING.findall(re.sub(r"^```.*?^```$", "", text(name), flags=re.M | re.S))}


def target(name, link):
    """What a link of a document leads to, from the root: a path, and a heading or nothing."""
    path, _, heading = link.partition("#")
    where = (tree.ROOT / name).parent / path if path else tree.ROOT / name
    return where.resolve().relative_to(tree.ROOT), heading


def links(name):
    return [link for link in LINK.findall(text(name)) if not re.match(r"\w+:", link)]


def check_document(name):
    for link in links(name):
        path, heading = target(name, link)
        if not (tree.ROOT / path).exists():
            yield f"{name}: {link}: there is no such file"
        elif heading and heading not in anchors(path):
            yield f"{name}: {link}: {path} has no such heading"
    for path in PATH.findall(text(name)):
        if not (tree.ROOT / path).exists() and not EXAMPLE.search(path) and \
                not list(tree.ROOT.glob(f"{path}.*")):
            yield f"{name}: {path}: there is no such file"


def led_to(name):
    return {str(target(name, link)[0]) for link in links(name)}


def main():
    documents = [str(name) for name in tree.files(".md")]
    violations = [wrong for name in documents for wrong in check_document(name)]
    decisions = [name for name in documents if name.startswith("docs/adr/0")]
    violations += [f"{README} does not lead to {name}" for name in documents
                   if name not in (README, *decisions) and name not in led_to(README)]
    violations += [f"{DECISIONS} does not lead to {name}" for name in decisions
                   if name not in led_to(DECISIONS)]
    folders = {str(name.parent) for below in ("lib", "kernel")
               for name in tree.files(".hpp", ".cpp", ".S", below=below)}
    violations += [f"{ARCHITECTURE} does not name {folder}/" for folder in sorted(folders)
                   if f"`{folder}/`" not in text(ARCHITECTURE)]
    violations += [f"{TESTING} does not name {name.stem}" for name in tree.files(".cpp", below="tests/fuzz")
                   if f"`{name.stem}`" not in text(TESTING)]
    tree.finish(violations, "links")


if __name__ == "__main__":
    main()
