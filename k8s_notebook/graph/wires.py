"""The lines of a picture: cubic curves with horizontal ends, one trunk for each Service."""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx

from k8s_notebook.graph import blocks, status
from k8s_notebook.graph.picture import Cells, Item, Line, Picture
from k8s_notebook.graph.relations import Key

_GAP = 8
"""Pixels between a name and the line that starts there."""
_LOOKS = {"owner": "owner", "routes": "route", "scales": "use"}


def draw(graph: nx.MultiDiGraph, picture: Picture, column: float, *, placement: bool = True) -> None:
    """Add the lines of everything that the picture shows; `column` is the left edge of the pods; without `placement`
    the lines from pods to nodes are left out.
    """
    wires = _Wires(graph, picture, column)
    routed = {(s, t) for s, t, r in graph.edges(data="relation") if r == "routes"}
    for source, target, data in graph.edges(data=True):
        if data["relation"] == "selects" and (source, target) in routed:
            continue
        if data["relation"] == "runs-on" and not placement:
            continue
        wires.draw(source, target, data["relation"], data["via"])
    wires.draw_uses()
    picture.lines = list(wires.drawn.values())


@dataclass(slots=True)
class _Wires:
    """The lines drawn so far, and where everything stands."""

    graph: nx.MultiDiGraph
    picture: Picture
    column: float
    drawn: dict[str, Line] = field(default_factory=dict)
    places: dict[str, Item] = field(init=False)
    cells: dict[Key, Cells] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {i.id: i for i in self.picture.items}
        self.cells = {k: c for c in self.picture.cells for k in c.keys}

    def draw(self, source: Key, target: Key, relation: str, via: str) -> None:
        """Draw one relation, if both ends are shown."""
        start = self.places.get(str(source))
        end = self._end(target)
        if start is None or end is None:
            return
        x, y, key = end
        if source.kind == "Service" and relation in {"selects", "routes"}:
            look = "route" if relation == "routes" else "select"
            self._add(source, key, look, trunk(start, x, y - 3, self.column), via)
        elif relation in _LOOKS:
            self._add(source, key, _LOOKS[relation], curve(start.x + start.width + _GAP, start.y, x, y), via)
        elif relation == "runs-on":
            self._add(source, key, "place", curve(start.x + start.width + _tail(start), start.y, x, y), via)

    def draw_uses(self) -> None:
        """Dotted lines down from what runs to the config that it uses."""
        for item in self.picture.items:
            name, _, user = item.id.partition("@")
            start = self._runs(user) if user else None
            if start is not None:
                edges = self.graph.in_edges(item.key, data=True)
                via = next((d["via"] for _, _, d in edges if d["relation"] in blocks.USES), "")
                self._add(start.key, item.key, "use", down(start, item), via, f"{name} {user}")

    def _end(self, target: Key) -> tuple[float, float, Key] | None:
        item, grid = self.places.get(str(target)), self.cells.get(target)
        if item is not None:
            return item.x - 6, item.y, target
        return (grid.x - 6, grid.y - 10, Key("Pods", target.namespace, grid.id)) if grid is not None else None

    def _runs(self, user: str) -> Item | None:
        """The newest revision of a workload, or what stands for it."""
        workload = self.places.get(user)
        if workload is None:
            return None
        edges = self.graph.out_edges(workload.key, data="relation")
        sets = [self.places.get(str(t)) for _, t, r in edges if r == "owner" and t.kind == "ReplicaSet"]
        return max((i for i in sets if i is not None), key=lambda i: i.y, default=workload)

    def _add(self, source: Key, target: Key, look: str, path: str, via: str, id_: str = "") -> None:
        hurt = look == "use" and self.graph.nodes[target]["status"] in status.PROBLEMS
        name = f"{look} {id_ or f'{source} {target}'}"
        self.drawn.setdefault(name, Line(name, source, target, look, path, via, hurt))


def _tail(item: Item) -> float:
    """Room after a pod's name for the word that says what is wrong."""
    return _GAP + (len(item.word) * 6.7 + 6 if item.level not in {"ok", "done"} else 0)


def curve(x1: float, y1: float, x2: float, y2: float) -> str:
    """A cubic curve with horizontal ends."""
    if abs(y1 - y2) < 0.5:
        return f"M{x1:g} {y1:g}H{x2:g}"
    bend = max(12.0, min(56.0, (x2 - x1) / 2))
    turn = x2 - 2 * bend
    straight = f"H{turn:g}" if turn > x1 + 4 else ""
    from_x = turn if straight else x1
    return f"M{x1:g} {y1:g}{straight}C{from_x + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"


def trunk(start: Item, x: float, y: float, column: float) -> str:
    """A Service's line: straight along its row above the block, then down to a pod."""
    bend = column - 44
    x1, y1 = start.x + start.width + _GAP, start.y
    if bend <= x1:
        return curve(x1, y1, x, y)
    return f"M{x1:g} {y1:g}H{bend:g}C{bend + 22:g} {y1:g} {x - 24:g} {y:g} {x:g} {y:g}"


def down(start: Item, end: Item) -> str:
    """From below a shape down and round the corner to a used object."""
    x1, y1, x2, y2 = start.x + 8, start.y + 13, end.x - 6, end.y
    return f"M{x1:g} {y1:g}V{y2 - 10:g}Q{x1:g} {y2:g} {x1 + 10:g} {y2:g}H{x2:g}"
