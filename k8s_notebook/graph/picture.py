"""A picture of a graph as data: what is drawn where, in pixels. Drawn as SVG without a browser, and by the widget."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_notebook.graph.relations import Key


@dataclass(frozen=True, slots=True)
class Item:
    """One object: its shape at (x, y) is 16 wide, its name begins at x + 22; y is the middle."""

    id: str
    key: Key
    x: float
    y: float
    name: str
    tail: str
    sub: str
    level: str
    word: str
    reason: str
    width: float
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """Many pods of one owner as a grid of squares, worst first; `keys` and `levels` go together."""

    id: str
    x: float
    y: float
    columns: int
    keys: tuple[Key, ...]
    levels: tuple[str, ...]
    caption: str


@dataclass(frozen=True, slots=True)
class Band:
    """The ground behind one revision; `new` for the one being rolled out."""

    x: float
    y: float
    width: float
    height: float
    new: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A bracket around the nodes of a zone, from y to y + height."""

    x: float
    y: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One relation as an SVG path. `look` is its style: owner, route, select, use or place."""

    id: str
    source: Key
    target: Key
    look: str
    path: str
    via: str
    hurt: bool = False


@dataclass(slots=True)
class Picture:
    """Everything to draw, in pixels; y grows downwards."""

    width: float = 0
    height: float = 0
    columns: list[tuple[float, str]] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    blocks: int = 0
    left_out: int = 0


def text_width(text: str, size: float = 12, weight: int = 400) -> float:
    """Pixels that a text takes at most, without a browser: 0.60 em a character, 0.65 em when bold."""
    return len(text) * size * (0.65 if weight >= 600 else 0.60)


def cut(text: str, width: float, size: float = 12) -> str:
    """The text, or its beginning with an ellipsis, so that it is at most `width` pixels wide.

    >>> cut("recommendationservice", 100)
    'recommendati…'
    """
    most = max(int(width / (size * 0.60) + 1e-9), 2)
    return text if len(text) <= most else text[: most - 1].rstrip("-.") + "…"
