# SPDX-License-Identifier: MIT
"""Writes SVG: shapes, text, and a bar chart. Nothing but the standard library is needed."""
import math
from xml.sax.saxutils import escape, quoteattr

INK, GRID, PAPER = "#24292f", "#d8dee4", "#ffffff"
COLOURS = ["#0969da", "#8c959f", "#bf8700", "#1a7f37", "#8250df", "#cf222e", "#1b7c83", "#bc4c00"]


def _word(value):
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [f"<title>{escape(title)}</title>"]
        self.rectangle(0, 0, width, height, PAPER)

    def _element(self, name, content=None, **attributes):
        words = "".join(f" {key.replace('_', '-')}={quoteattr(_word(value))}"
                        for key, value in attributes.items())
        self.parts.append(f"<{name}{words}/>" if content is None else
                          f"<{name}{words}>{content}</{name}>")

    def rectangle(self, x, y, width, height, fill, hint=None):
        """`hint` is shown when the mouse rests on it."""
        content = None if hint is None else f"<title>{escape(hint)}</title>"
        self._element("rect", content, x=x, y=y, width=width, height=height, fill=fill)

    def path(self, outline, fill, x=0, y=0, hint=None):
        """`outline` in SVG's own words, moved by x and y."""
        content = None if hint is None else f"<title>{escape(hint)}</title>"
        self._element("path", content, d=outline, fill=fill, transform=f"translate({x} {y})")

    def line(self, x1, y1, x2, y2, colour=GRID, dashes=None):
        dashed = {} if dashes is None else {"stroke_dasharray": dashes}
        self._element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, **dashed)

    def text(self, x, y, words, anchor="start", size=12, colour=INK, **more):
        """`anchor`: start, middle or end of the words is at x."""
        self._element("text", escape(words), x=x, y=y, text_anchor=anchor, font_size=size,
                      fill=colour, **more)

    def __str__(self):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                f'width="{self.width}" height="{self.height}" font-family="sans-serif">')
        return "\n".join([head, *self.parts, "</svg>\n"])


class Scale:
    """Values to heights; logarithmic, or from zero."""

    def __init__(self, values, height, logarithmic):
        self.height, self.logarithmic = height, logarithmic
        self.top = max(values, default=1) * 1.05
        self.bottom = min(min(values, default=1), self.top / 10) * 0.8 if logarithmic else 0

    def __call__(self, value):
        if not self.logarithmic:
            return self.height * value / self.top
        span = math.log(self.top / self.bottom)
        return self.height * math.log(max(value, self.bottom) / self.bottom) / span

    def ticks(self):
        if self.logarithmic:
            exponents = range(math.floor(math.log10(self.bottom)), math.ceil(math.log10(self.top)))
            ticks = [digit * 10**exponent for exponent in exponents for digit in (1, 2, 5)]
        else:
            step = 10 ** math.floor(math.log10(self.top))
            step = next(s for s in (step, step / 2, step / 5) if self.top / s >= 4)
            ticks = [step * i for i in range(int(self.top / step) + 1)]
        return [tick for tick in ticks if self.bottom <= tick <= self.top]


def _legend(picture, names, y):
    x = 60
    for name, colour in zip(names, COLOURS * 3):
        picture.rectangle(x, y - 10, 12, 12, colour)
        picture.text(x + 17, y, name)
        x += 30 + 7.2 * len(name)
        if x > picture.width - 140:
            x, y = 60, y + 18


def bar_chart(title, groups, series, logarithmic=False, aims=None):
    """Groups of bars side by side. `groups`: names; `series`: {name: [value or None per group]};
    `aims`: a value per group, drawn as a dashed line across it."""
    width, height, left, top = 900, 300, 60, 50 + 18 * (1 + len(series) // 7)
    aims = aims or [None] * len(groups)
    picture = Picture(width, top + height + 40, title)
    picture.text(width / 2, 22, title, "middle", 15)
    _legend(picture, series, 46)
    values = [v for line in [*series.values(), aims] for v in line if v is not None]
    scale = Scale(values, height, logarithmic)
    base, room = top + height, (width - left - 20) / max(len(groups), 1)
    for tick in scale.ticks():
        picture.line(left, base - scale(tick), width - 20, base - scale(tick))
        picture.text(left - 6, base - scale(tick) + 4, f"{tick:g}", "end", 11)
    bar = room * 0.86 / max(len(series), 1)
    for index, group in enumerate(groups):
        start = left + room * (index + 0.07)
        picture.text(left + room * (index + 0.5), base + 18, group, "middle")
        for place, (name, line) in enumerate(series.items()):
            if line[index] is None:
                continue
            tall, x = scale(line[index]), start + bar * place
            picture.rectangle(x, base - tall, bar * 0.92, tall, (COLOURS * 3)[place],
                              f"{name}, {group}: {line[index]:.4g}")
            picture.text(x + bar * 0.46, base - tall - 3, f"{line[index]:.3g}" if line[index] < 1000
                         else f"{line[index]:.0f}", "middle", min(10, bar * 0.45))
        if aims[index] is not None:
            y = base - scale(aims[index])
            picture.line(start - 4, y, start + room * 0.86 + 4, y, "#cf222e", "5 3")
    picture.line(left, base, width - 20, base, INK)
    return str(picture)
