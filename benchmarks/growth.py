"""The picture of `python -m benchmarks.decisions --growth`: time per decision by number of nodes, kube-scheduler beside ours."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from k8s_notebook.display import svg_text

MIXES = ("basic", "spreading, preferred")
NODES = (500, 1000, 2000, 5000, 10000, 15000)
PERCENTAGES = (0, 100)
FILE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "growth.svg"

WIDTH, HEIGHT, TOP, TALL, WIDE = 960, 436, 116, 264, 300
LEFTS = {0: 64, 100: 536}
LOWEST, HIGHEST = -7, -1
"""Powers of ten of a second, at the foot and at the head of a panel."""
UNITS = {-7: "0.1 µs", -6: "1 µs", -5: "10 µs", -4: "100 µs", -3: "1 ms", -2: "10 ms", -1: "100 ms"}
SHOWN_NODES = (500, 1000, 5000, 15000)


@dataclass(frozen=True)
class Point:
    """One measurement; seconds per pod."""

    mix: str
    percentage: int
    nodes: int
    go: float
    ours: float


def drawn(points: Sequence[Point]) -> str:
    """The SVG document."""
    title = "Time per decision: kube-scheduler in milliseconds, ours in microseconds"
    head, _ = svg_text.heading(
        title, ["solid: basic", "dashed: preferred spreading over zones", "both axes in powers of ten"], 16, 928
    )
    body = "".join(_panel([p for p in points if p.percentage == percentage], percentage) for percentage in PERCENTAGES)
    return svg_text.document(WIDTH, HEIGHT, title, _told(points), head + body)


def _told(points: Sequence[Point]) -> str:
    """The picture in words."""
    ends = [p for p in points if p.nodes == max(q.nodes for q in points)]
    said = [f"{_sort(p)}: kube-scheduler {1e3 * p.go:.2g} ms, ours {1e6 * p.ours:.2g} microseconds" for p in ends]
    return f"At {ends[0].nodes:,} nodes: {'; '.join(said)}." if ends else ""


def _sort(point: Point) -> str:
    return f"{point.mix} at {'the adaptive percentage' if point.percentage == 0 else '100 %'}"


def _panel(points: Sequence[Point], percentage: int) -> str:
    left = LEFTS[percentage]
    said = "percentageOfNodesToScore by default (fewer with more nodes)" if percentage == 0 else "percentageOfNodesToScore 100"
    parts = [svg_text.text(left, TOP - 16, said, "n m")]
    for power, unit in UNITS.items():
        parts += [
            svg_text.line(left, _y(10.0**power), left + WIDE, "r"),
            svg_text.text(left - 8, _y(10.0**power) + 4, unit, "s d e"),
        ]
    for count in SHOWN_NODES:
        parts.append(_middle(_x(left, count), TOP + TALL + 20, f"{count:,}"))
    parts.append(_middle(left + WIDE / 2, TOP + TALL + 40, "nodes"))
    for side in ("go", "ours"):
        for mix in MIXES:
            line = sorted((p.nodes, float(getattr(p, side))) for p in points if p.mix == mix)
            parts.append(_line(left, line, side, dashed=mix != MIXES[0]) if line else "")
        ends = [(p.nodes, float(getattr(p, side))) for p in points if p.nodes == max(q.nodes for q in points)]
        if ends:
            y = sum(_y(seconds) for _, seconds in ends) / len(ends)
            name = "kube-scheduler" if side == "go" else "k8s-notebook"
            parts.append(svg_text.text(left + WIDE + 10, y + 4, name, "a m" if side == "ours" else "d m"))
    return "".join(parts)


def _line(left: float, line: Sequence[tuple[int, float]], side: str, *, dashed: bool) -> str:
    path = "M" + "L".join(f"{_x(left, nodes):.1f} {_y(seconds):.1f}" for nodes, seconds in line)
    look, colour = ("k on", "#1976d2") if side == "ours" else ("k", "#616161")
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    dots = "".join(
        f'<circle class="{look}" cx="{_x(left, nodes):.1f}" cy="{_y(seconds):.1f}" r="2.5" fill="none" stroke="{colour}">'
        f"<title>{nodes:,} nodes: {_amount(seconds)}</title></circle>"
        for nodes, seconds in line
    )
    return f'<path class="{look}" d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>{dots}'


def _amount(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.1f} µs"


def _middle(x: float, y: float, said: str) -> str:
    return f'<text class="d" x="{x:.1f}" y="{y:g}" font-size="11" text-anchor="middle" fill="#616161">{svg_text.esc(said)}</text>'


def _x(left: float, nodes: int) -> float:
    low, high = math.log(NODES[0]), math.log(NODES[-1])
    return left + WIDE * (math.log(nodes) - low) / (high - low)


def _y(seconds: float) -> float:
    part = (math.log10(max(seconds, 10.0**LOWEST)) - LOWEST) / (HIGHEST - LOWEST)
    return TOP + TALL * (1 - min(part, 1.0))
