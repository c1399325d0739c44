#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the map of a heap (docs/heap-map.md) as SVG.

Memory runs from left to right and from top to bottom, ROW bytes in a line. Slabs are as dark as
they are full; blocks are shown inside their chunks.
"""
import argparse
import subprocess
import sys
from pathlib import Path

ROW = 256 * 1024
WIDTH = 1024  # of a row, in pixels
HEIGHT = 14
LEFT = 120
TOP = 64
COLOURS = {
    "untaken": "#f4f4f2", "internal": "#8a8f98", "slab": "#2f6fb0", "chunk": "#e9dfc7",
    "block": "#c2701e", "hole": "#f3ead6", "run": "#7a3f98", "cached": "#c9a6db",
    "free": "#dcebd8", "apart": "#9dbbd8",
}
TITLES = {
    "internal": "the heap's own", "slab": "slab (darker: fuller)", "apart": "slab taken apart",
    "block": "block", "hole": "free in a chunk", "run": "run of pages", "cached": "cached run", "free": "free pages",
    "untaken": "not taken yet",
}


class MapError(Exception):
    pass


def read_map(lines):
    """The window (address, bytes, name) and a list of (kind, address, bytes, details)."""
    lines = iter(enumerate(lines, 1))
    first = next(lines, (1, ""))[1].strip()
    if first != "cairn-heap-map 1":
        raise MapError(f"line 1: 'cairn-heap-map 1' expected, not '{first}'")
    window, items = None, []
    for number, line in lines:
        words = line.split()
        if not words:
            continue
        try:
            kind, address, size = words[0], int(words[1], 16), int(words[2])
        except (IndexError, ValueError):
            raise MapError(f"line {number}: a kind, an address and a size expected: "
                           f"'{line.strip()}'") from None
        if kind == "window":
            window = (address, size, " ".join(words[3:]))
        else:
            details = dict(word.split("=", 1) for word in words[3:] if "=" in word)
            items.append((kind, address, size, details))
    if window is None:
        raise MapError("no line 'window'")
    return window, items


def blend(colour, share):
    """`colour` on white, at `share`."""
    parts = [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - part) * share):02x}" for part in parts)


def colour_of(kind, details):
    if kind != "slab":
        return COLOURS[kind]
    live = int(details.get("live", 0)) / max(int(details.get("slots", 1)), 1)
    return blend(COLOURS["slab"], 0.25 + 0.75 * live)


def pieces(offset, size):
    """The parts of a range that lie in one row each: (row, x, width) in pixels."""
    while size > 0:
        row, start = divmod(offset, ROW)
        part = min(size, ROW - start)
        yield row, start * WIDTH / ROW, part * WIDTH / ROW
        offset, size = offset + part, size - part


def shown_bytes(window, items):
    """What to draw: up to the last thing that is not untaken."""
    ends = [address + size - window[0] for kind, address, size, _ in items if kind != "untaken"]
    used = max(ends, default=ROW)
    return min(-(-used // ROW) * ROW, -(-window[1] // ROW) * ROW)


def legend(out):
    x = LEFT
    for kind, title in TITLES.items():
        out.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[kind]}" '
                   'stroke="#999" stroke-width="0.5"/>')
        out.append(f'<text x="{x + 17}" y="44">{title}</text>')
        x += 30 + 7 * len(title)


def draw(window, items):
    shown = shown_bytes(window, items)
    rows = max(shown // ROW, 1)
    height = TOP + rows * (HEIGHT + 2) + 12
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
           f'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="14">Heap "{window[2]}": {window[1] / 2**20:.1f} MiB '
           f'from {window[0]:#x}, {ROW // 1024} KiB a line</text>']
    legend(out)
    for row in range(rows):
        y = TOP + row * (HEIGHT + 2)
        out.append(f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end" font-family="monospace" '
                   f'font-size="11">+{row * ROW:#09x}</text>')
    for kind, address, size, details in items:
        if kind not in COLOURS:
            continue
        size = min(size, shown - (address - window[0]))
        for row, x, width in pieces(address - window[0], size):
            y = TOP + row * (HEIGHT + 2)
            out.append(f'<rect x="{LEFT + x:.2f}" y="{y}" width="{width:.2f}" height="{HEIGHT}" '
                       f'fill="{colour_of(kind, details)}"/>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def example():
    program = Path(__file__).resolve().parent.parent / "build/host/tests/unit/heap_map_program"
    if not program.exists():
        sys.exit(f"{program} is missing: cmake --preset host && cmake --build --preset host "
                 "--target heap_map_program")
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    parser = argparse.ArgumentParser(description="Draw the map of a heap as SVG.")
    parser.add_argument("map", nargs="?", help="the text that HeapCore::dump wrote; - is standard input")
    parser.add_argument("-o", "--output", default="-", help="the picture; - is standard output")
    parser.add_argument("--example", action="store_true", help="draw the example of the documentation")
    options = parser.parse_args()
    if (options.map is None) != options.example:
        parser.error("one of MAP and --example is wanted")
    try:
        if options.example:
            lines = example()
        elif options.map == "-":
            lines = sys.stdin.read().splitlines()
        else:
            lines = Path(options.map).read_text(encoding="utf-8").splitlines()
        picture = draw(*read_map(lines))
        if options.output == "-":
            sys.stdout.write(picture)
        else:
            Path(options.output).write_text(picture, encoding="utf-8")
    except (MapError, OSError) as error:
        sys.exit(f"draw_heap_map: {options.map or 'the example'}: {error}")


if __name__ == "__main__":
    main()
