# SPDX-License-Identifier: MIT
"""Pictures of a guest's exits: a flame graph and a timeline, as SVG that needs nothing else."""
import colorsys
import math
import re
import zlib

import svg

WIDTH, MARGIN = 1000, 10
ROW = 18 # pixels of a flame's height
LANE, LABEL = 34, 230 # of a timeline: a lane's height, and the room for its name
MOST_LANES = 12
LETTER = 6.3 # pixels of a letter of size 11


def _colour(name):
    """A warm one that is always the same for a name."""
    hash_value = zlib.crc32(name.encode())
    red, green, blue = colorsys.hls_to_rgb((hash_value % 60) / 360, 0.68 + hash_value % 7 / 60, 0.8)
    return f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"


class Frame:
    """A rectangle of a flame graph, with those above it."""

    def __init__(self, name):
        self.name, self.weight, self.above = name, 0, {}

    def add(self, stack, weight):
        self.weight += weight
        if stack:
            self.above.setdefault(stack[0], Frame(stack[0])).add(stack[1:], weight)

    def depth(self):
        return 1 + max((each.depth() for each in self.above.values()), default=0)


def _draw_flame(picture, frame, x, y, width, total, unit):
    hint = f"{frame.name}: {frame.weight:,.10g} {unit}, {100 * frame.weight / total:.1f} %"
    picture.rectangle(x, y, max(width - 0.5, 0.2), ROW - 1, _colour(frame.name), hint)
    room = int((width - 6) / LETTER)
    if room >= 3:
        name = _short(frame.name)
        shown = name if len(name) <= room else name[:room - 1] + "…"
        picture.text(x + 3, y + 13, shown, size=11)
    for each in sorted(frame.above.values(), key=lambda above: above.name):
        part = width * each.weight / frame.weight
        if part >= 0.3:
            _draw_flame(picture, each, x, y - ROW, part, total, unit)
        x += part


def flame_graph(title, stacks, unit):
    """`stacks`: {(frame, frame above it, ...): weight}."""
    root = Frame("all")
    for stack, weight in sorted(stacks.items()):
        root.add(stack, weight)
    height = 40 + ROW * root.depth()
    picture = svg.Picture(WIDTH, height, title)
    picture.text(WIDTH / 2, 22, title, "middle", 14)
    _draw_flame(picture, root, MARGIN, height - ROW - 6, WIDTH - 2 * MARGIN, root.weight or 1, unit)
    return str(picture)


def _lanes(exits):
    """[(name, exits)]: a lane for each of the most frequent causes, and one for the others."""
    by_cause = {}
    for each in exits:
        by_cause.setdefault(each.cause, []).append(each)
    frequent = sorted(by_cause, key=lambda cause: (-len(by_cause[cause]), cause))
    lanes = [(cause, by_cause[cause]) for cause in frequent[:MOST_LANES]]
    others = [each for cause in frequent[MOST_LANES:] for each in by_cause[cause]]
    return lanes + ([("others", others)] if others else [])


def _columns(values):
    """The outline of bars whose heights are `values`, each from 0 to 1, one pixel wide."""
    height = LANE - 10
    parts = [f"M0 {height}"]
    for value in values:
        parts.append(f"V{height * (1 - value):.1f}h1")
    return "".join([*parts, f"V{height}H0Z"])


def _scaled(counts):
    """Logarithmic, so that one exit is seen beside a thousand."""
    most = max(counts, default=0)
    return [math.log1p(count) / math.log1p(most) if most else 0 for count in counts]


def _ticks(picture, left, columns, first, span, bottom):
    step = 10 ** math.floor(math.log10(max(span, 1e-6)))
    step = next(s for s in (step, step / 2, step / 5) if span / s >= 4)
    for index in range(int(span / step) + 1):
        x = left + columns * index * step / span
        picture.line(x, 40, x, bottom)
        picture.text(x, bottom + 16, _time_word(index * step), "middle", 11)
    picture.text(MARGIN, bottom + 16, f"from {first / 1e6:.6f} s on", "start", 11)


def _short(cause):
    """An SBI call by its extension's short name, where it has one."""
    cause = re.sub(r"^SBI [^:]*\((\w+)\)", r"\1", cause)
    return cause if len(cause) < 38 else cause[:36] + "…"


def _time_word(microseconds):
    if not microseconds:
        return "0"
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.4g} s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.4g} ms"
    return f"{microseconds:.4g} µs"


def _bins(exits, first, span, columns):
    counts = [0] * columns
    for each in exits:
        counts[min(int((each.time - first) / span * columns), columns - 1)] += 1
    return counts


def timeline(title, exits):
    """When which exits were, a lane for each cause."""
    first = exits[0].time
    span = max(max(each.time + each.took for each in exits) - first, 1.0)
    lanes = _lanes(exits)
    columns = WIDTH - LABEL - 3 * MARGIN
    left, bottom = LABEL + MARGIN, 44 + LANE * len(lanes)
    picture = svg.Picture(WIDTH, bottom + 30, title)
    picture.text(WIDTH / 2, 22, title, "middle", 14)
    _ticks(picture, left, columns, first, span, bottom)
    for index, (name, members) in enumerate(lanes):
        y = 44 + LANE * index
        counts = _bins(members, first, span, columns)
        shown = _short(name)
        picture.text(LABEL, y + 13, shown, "end", 11)
        picture.text(LABEL, y + 26, f"{len(members):,}", "end", 10, "#57606a")
        picture.path(_columns(_scaled(counts)), (svg.COLOURS * 2)[index], left, y + 4,
                     f"{name}: {len(members):,} exits, at most {max(counts):,} in "
                     f"{_time_word(span / columns)}")
    return str(picture)
