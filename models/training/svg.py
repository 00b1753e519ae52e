"""Small SVG charts: lines with bands, and clouds of points. White ground, readable without colour."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 300, 52, 44, 28
# Okabe and Ito's colours, told apart by the colour-blind; dashes tell them apart without colour.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]
DASHES = ["", "6 3", "2 3", "8 3 2 3"]
MARKS = ["circle", "square", "triangle"]


@dataclass
class Line:
    """A curve with its interval: x, y, low and high, each [N]."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass
class Axes:
    """One chart. Ranges are (from, to); ticks are drawn where they are given."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_ticks: Sequence[float] = ()
    y_ticks: Sequence[float] = ()
    body: list[str] = field(default_factory=list)
    legend: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        low, high = self.x_range
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - 12), 1)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP), 1)

    def lines(self, curves: Sequence[Line]) -> None:
        """Bands first, so that no curve lies under another's interval."""
        for index, curve in enumerate(curves):
            edge = [(x, high) for x, high in zip(curve.x, curve.high)]
            edge += [(x, low) for x, low in reversed(list(zip(curve.x, curve.low)))]
            points = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in edge)
            self.body.append(f'<polygon points="{points}" fill="{COLOURS[index % 4]}" fill-opacity="0.18"/>')
        for index, curve in enumerate(curves):
            points = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in zip(curve.x, curve.y))
            stroke = f'stroke="{COLOURS[index % 4]}" stroke-width="1.8" stroke-dasharray="{DASHES[index % 4]}"'
            self.body.append(f'<polyline points="{points}" fill="none" {stroke}/>')
            row = HEIGHT - BOTTOM - 12 - 15 * (len(curves) - 1 - index)
            self.legend.append(f'<path d="M{WIDTH - 196} {row - 4}h26" fill="none" {stroke}/>')
            self.legend.append(f'<text x="{WIDTH - 164}" y="{row}">{escape(curve.name)}</text>')

    def cloud(self, name: str, index: int, points: Sequence[tuple[float, float]], labels: Sequence[str]) -> None:
        """Marked points, each with a small label in the colour of its cloud."""
        colour = COLOURS[index % 4]
        for (x, y), label in zip(points, labels):
            self.body.append(_mark(MARKS[index % 3], self.x(x), self.y(y), colour))
            self.body.append(
                f'<text x="{self.x(x) + 5}" y="{self.y(y) + 3}" font-size="9" fill="{colour}">{escape(label)}</text>'
            )
        row = TOP + 14 + 14 * index
        self.legend.append(_mark(MARKS[index % 3], LEFT + 12, row - 4, colour))
        self.legend.append(f'<text x="{LEFT + 20}" y="{row}">{escape(name)}</text>')

    def drawn(self) -> str:
        right, low = WIDTH - 12, HEIGHT - BOTTOM
        parts = [f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{low - TOP}" class="frame"/>']
        for tick in self.x_ticks:
            parts.append(f'<path d="M{self.x(tick)} {low}v4" class="tick"/>')
            parts.append(f'<text x="{self.x(tick)}" y="{low + 16}" class="middle">{tick:g}</text>')
        for tick in self.y_ticks:
            parts.append(f'<path d="M{LEFT} {self.y(tick)}H{right}" class="grid"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{self.y(tick) + 4}" class="end">{tick:g}</text>')
        parts += self.body + self.legend
        middle = (LEFT + right) / 2
        parts.append(f'<text x="{middle}" y="16" class="middle title">{escape(self.title)}</text>')
        parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" class="middle">{escape(self.x_label)}</text>')
        across = f'transform="translate(14 {(TOP + low) / 2}) rotate(-90)"'
        parts.append(f'<text {across} class="middle">{escape(self.y_label)}</text>')
        return "\n".join(parts)


def _mark(kind: str, x: float, y: float, colour: str) -> str:
    if kind == "circle":
        return f'<circle cx="{x}" cy="{y}" r="3.2" fill="{colour}"/>'
    if kind == "square":
        return f'<path d="M{x - 3} {y - 3}h6v6h-6z" fill="{colour}"/>'
    return f'<path d="M{x} {y - 4}l4 7h-8z" fill="{colour}"/>'


def beside(charts: Sequence[Axes], description: str) -> str:
    """One SVG with the charts side by side; `description` is for readers who do not see it."""
    style = (
        "text{font:11px sans-serif;fill:#222}.title{font-weight:bold}.middle{text-anchor:middle}"
        ".end{text-anchor:end}.frame{fill:none;stroke:#444}.tick{stroke:#444}.grid{stroke:#ddd}"
    )
    width = WIDTH * len(charts)
    groups = "\n".join(
        f'<g transform="translate({WIDTH * i} 0)">\n{axes.drawn()}\n</g>' for i, axes in enumerate(charts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">\n'
        f"<title>{escape(description)}</title>\n<style>{style}</style>\n"
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>\n{groups}\n</svg>\n'
    )
