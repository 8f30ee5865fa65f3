"""Where everything stands: a graph -> a picture in pixels. The same graph gives the same picture, without chance or physics.

Left to right: entry, services, workloads, revisions, pods, nodes. One block per application (what owns, routes and scales hold
together), blocks with problems first. A Service routes as one trunk above the block that fans out at the pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from k8s_notebook.graph import blocks, status, wires
from k8s_notebook.graph.blocks import Block, Revision, Workload
from k8s_notebook.graph.picture import Band, Cells, Item, Picture, Zone, cut, text_width
from k8s_notebook.graph.relations import Key

MARGIN, HEAD, ROW, PACKED = 16, 40, 32, 26
"""Pixels: around the picture, of the column heads, of a pod row, of a used object."""
ICON, COLUMN_GAP, INDENT = 22, 56, 28
WIDEST = 176
"""The widest that a name may get before it is cut."""
CELL = 14
CELLS_A_ROW = 12
FOLD = 10
"""More pods of one owner than this are drawn as cells."""
MOST_BLOCKS = 60


@dataclass(frozen=True, slots=True)
class Density:
    """How much room things get: `lane` of a service row, `gap` between blocks, `lines` whether placement is drawn or written."""

    lane: int
    gap: int
    lines: bool
    hidden: frozenset[str] = frozenset()


ROOMY = Density(lane=40, gap=28, lines=True)
DENSE = Density(lane=30, gap=12, lines=False, hidden=frozenset({"ServiceAccount"}))
"""From `MANY` blocks on: service accounts go, and a pod's node is written beside it instead of drawn."""
MANY = 7

COLUMNS = ("Entry", "Service", "Workload", "Revision", "Pod", "Node")
HEADS = {
    "Entry": "Entry",
    "Service": "Services",
    "Workload": "Workloads",
    "Revision": "Revisions",
    "Pod": "Pods",
    "Node": "Nodes",
}


def layout(graph: nx.MultiDiGraph) -> Picture:
    """The picture of a graph that `build` made."""
    found = blocks.blocks(graph)
    shown = found[:MOST_BLOCKS]
    picture = Picture(blocks=len(shown), left_out=len(found) - len(shown))
    density = DENSE if len(shown) >= MANY else ROOMY
    for workload in (w for b in shown for w in b.workloads):
        workload.used = [(k, how) for k, how in workload.used if k.kind not in density.hidden]
    xs = _columns(graph, shown, picture, density)
    placer = _Placer(graph, picture, xs, density)
    y = float(MARGIN + HEAD)
    for block in shown:
        y = placer.block(block, y) + density.gap
    y = _loose(graph, picture, xs, blocks.unused(graph), y)
    bottom = _nodes(graph, picture, xs, y)
    picture.height = max(bottom, y, MARGIN + HEAD + ROW)
    wires.draw(graph, picture, xs["Pod"], placement=density.lines)
    return picture


def _columns(graph: nx.MultiDiGraph, shown: list[Block], picture: Picture, density: Density) -> dict[str, float]:
    """The left edge of each column; empty columns take no room."""
    widths = dict.fromkeys(COLUMNS, 0.0)
    for block in shown:
        for column, keys in block.columns():
            for key in keys:
                lead, tail = _label(graph, key, column)
                widths[column] = max(widths[column], ICON + min(text_width(lead + tail), WIDEST))
        widths["Pod"] = max(widths["Pod"], *(_pods_width(graph, r.pods, density) for r in block.revisions()), 0.0)
        for key in block.used():
            widths["Pod"] = max(widths["Pod"], INDENT + ICON + min(text_width(key.name), WIDEST) + 64)
    if any(k.kind == "Node" for k in graph):
        nodes = [k for k in graph if k.kind == "Node"]
        widths["Node"] = ICON + min(max(text_width(k.name) for k in nodes), WIDEST) + 16
    for key in blocks.unused(graph):
        widths["Pod"] = max(widths["Pod"], ICON + min(text_width(key.name), WIDEST))
    xs: dict[str, float] = {}
    x = float(MARGIN)
    for column in COLUMNS:
        xs[column] = x
        if widths[column]:
            picture.columns.append((x, HEADS[column]))
            x += widths[column] + COLUMN_GAP
    picture.width = max(x - COLUMN_GAP + MARGIN, 560.0)
    return xs


def _pods_width(graph: nx.MultiDiGraph, pods: list[Key], density: Density) -> float:
    if len(pods) > FOLD:
        return CELLS_A_ROW * CELL + 8
    words = [graph.nodes[p]["word"] for p in pods if graph.nodes[p]["status"] not in {"ok", "done"}]
    words += [] if density.lines else [t.name for _, t, r in graph.out_edges(pods, data="relation") if r == "runs-on"]
    return ICON + 60 + max((text_width(w, 11) for w in words), default=0)


def _label(graph: nx.MultiDiGraph, key: Key, column: str) -> tuple[str, str]:
    """The name in two inks: what says something, and the generated end."""
    if column == "Revision":
        return "", key.name.rsplit("-", 1)[-1]
    if column == "Pod" and any(r == "owner" for _, _, r in graph.in_edges(key, data="relation")):
        return "…", key.name[-5:]
    return key.name, ""


def _loose(graph: nx.MultiDiGraph, picture: Picture, xs: dict[str, float], keys: Iterable[Key], y: float) -> float:
    """Config that nothing uses, below everything."""
    for key in keys:
        picture.items.append(item(graph, key, xs["Pod"], y + ROW / 2, sub="not used by a pod"))
        y += ROW
    return y


def item(graph: nx.MultiDiGraph, key: Key, x: float, y: float, *, column: str = "", sub: str = "", id_: str = "") -> Item:
    """The item of a graph node at a place."""
    data = graph.nodes[key]
    lead, name = _label(graph, key, column)
    if not name:
        lead, name = "", cut(lead, WIDEST)
    width = ICON + text_width(lead + name)
    tail = name if lead == "…" else ""
    return Item(
        id_ or str(key), key, x, y, "" if tail else name, tail, sub, data["status"], data["word"], data["reason"], width, lead
    )


def _nodes(graph: nx.MultiDiGraph, picture: Picture, xs: dict[str, float], bottom: float) -> float:
    """Places the nodes by zone and name beside the pods; the lower end."""
    by_zone: dict[str, list[Key]] = {}
    for key in (k for k in graph if k.kind == "Node"):
        by_zone.setdefault(graph.nodes[key]["labels"].get("topology.kubernetes.io/zone", ""), []).append(key)
    height = sum(len(keys) * ROW + (ROW if zone else 0) for zone, keys in by_zone.items())
    first = MARGIN + HEAD
    y = max(first, first + (min(bottom, first + 560) - first - height) / 2)
    for zone in sorted(by_zone):
        if zone:
            picture.zones.append(Zone(xs["Node"] - 12, y + ROW - 4, len(by_zone[zone]) * ROW, zone))
            y += ROW
        for key in by_zone[zone]:
            pods = sum(1 for *_, r in graph.in_edges(key, data="relation") if r == "runs-on")
            sub = f"{pods} pod{'s' * (pods != 1)}"
            picture.items.append(item(graph, key, xs["Node"], y + ROW / 2, sub=sub))
            y += ROW
    return y + MARGIN if by_zone else 0.0


class _Placer:
    """Places one block."""

    def __init__(self, graph: nx.MultiDiGraph, picture: Picture, xs: dict[str, float], density: Density) -> None:
        self._graph, self._picture, self._xs, self._density = graph, picture, xs, density

    def block(self, block: Block, y: float) -> float:
        """Place a block from `y` on; its lower end."""
        top, lane = y, self._density.lane
        for service in block.services:
            self._put(service, "Service", y + lane / 2, blocks.ports(self._graph, service))
            for ingress in (i for i in block.entries if (i, service) in block.routes):
                self._put_once(ingress, "Entry", y + lane / 2)
            y += lane
        for workload in block.workloads:
            y = self._workload(workload, y)
        for entry in block.entries:
            self._put_once(entry, "Entry", self._beside(entry, top + lane / 2))
        return max(y, top + ROW)

    def _beside(self, entry: Key, default: float) -> float:
        """The row of what an autoscaler scales."""
        targets = {str(t) for t in self._graph.successors(entry)}
        return next((i.y for i in self._picture.items if i.id in targets), default)

    def _workload(self, workload: Workload, y: float) -> float:
        middles = []
        for revision in workload.revisions:
            middle, y = self._revision(workload, revision, y)
            middles.append(middle)
        if workload.key is not None:
            self._put(
                workload.key, "Workload", sum(middles) / len(middles) if middles else y + ROW / 2, self._ready(workload.key)
            )
            y = y if middles else y + ROW
        for key, how in workload.used:
            id_ = f"{key}@{workload.id}"
            self._picture.items.append(item(self._graph, key, self._xs["Pod"] + INDENT, y + PACKED / 2, sub=how, id_=id_))
            y += PACKED
        return y + (8 if workload.used else 0)

    def _ready(self, key: Key) -> str:
        return str(self._graph.nodes[key]["word"])

    def _revision(self, workload: Workload, revision: Revision, y: float) -> tuple[float, float]:
        framed = revision.key is not None
        top, y = y, y + (6 if framed else 0)
        first = y
        y = self._pods(revision, y)
        middle = (first + max(y, first + ROW)) / 2
        if revision.key is not None:
            y = max(y, first + ROW)
            self._put(revision.key, "Revision", middle, self._ready(revision.key))
            x = self._xs["Revision"] - 14
            right = self._xs["Node"] - COLUMN_GAP + 8
            self._picture.bands.append(Band(x, top, right - x, y - top + 6, revision.new and len(workload.revisions) > 1))
            y += 6 + 10
        return middle, y

    def _pods(self, revision: Revision, y: float) -> float:
        if len(revision.pods) <= FOLD:
            for pod in revision.pods:
                self._put(pod, "Pod", y + ROW / 2, "" if self._density.lines else self._node(pod))
                y += ROW
            return y
        order = sorted(revision.pods, key=lambda k: (status.CLASSES.index(self._graph.nodes[k]["status"]), k))
        levels = tuple(self._graph.nodes[k]["status"] for k in order)
        caption = _caption(levels)
        id_ = f"{revision.key or revision.pods[0]}#pods"
        rows = -(-len(order) // CELLS_A_ROW)
        self._picture.cells.append(Cells(id_, self._xs["Pod"], y + 20, CELLS_A_ROW, tuple(order), levels, caption))
        return y + 28 + rows * CELL

    def _node(self, pod: Key) -> str:
        return next((t.name for _, t, r in self._graph.out_edges(pod, data="relation") if r == "runs-on"), "")

    def _put(self, key: Key, column: str, y: float, sub: str = "") -> None:
        self._picture.items.append(item(self._graph, key, self._xs[column], y, column=column, sub=sub))

    def _put_once(self, key: Key, column: str, y: float) -> None:
        if all(i.key != key for i in self._picture.items):
            self._put(key, column, y)


def _caption(levels: tuple[str, ...]) -> str:
    words = {"ok": "ready", "bad": "failing", "stuck": "cannot be placed", "wait": "starting", "away": "leaving",
             "done": "finished", "unknown": "unknown", "off": "off"}  # fmt: skip
    counts = [(words[c], levels.count(c)) for c in reversed(status.CLASSES) if c in levels]
    return f"{len(levels)} pods: " + ", ".join(f"{n} {word}" for word, n in counts)
