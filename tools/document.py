# SPDX-License-Identifier: MIT
"""Parts of a document that a command rewrites, between two comments, and tables for them."""


def replace_part(text, name, content):
    """`text` with `content` between the lines `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise RuntimeError(f"the document has no lines '{begin}' and '{end}'")
    return f"{before}{begin}\n{content}\n{end}{after}"


def rewrite(path, parts):
    """Puts each of `parts` (content by name) in its place, or leaves the file as it was."""
    text = path.read_text()
    for name, content in parts.items():
        text = replace_part(text, name, content)
    path.write_text(text)


def table(heads, rows):
    """Of Markdown; the first column is words, the others are numbers."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
