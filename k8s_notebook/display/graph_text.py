"""A graph in words: the text twin of the picture, and the facts about one object."""

from __future__ import annotations

from k8s_notebook.display import escaping, words
from k8s_notebook.graph import relations, status
from k8s_notebook.graph.build import Graph
from k8s_notebook.graph.relations import Key
from k8s_notebook.objects import tables
from k8s_notebook.sim import clock

MOST_LINES = 60
MOST_NAMES = 6


def text(graph: Graph) -> str:
    """The sentence, then a line for each object: kind/name, kubectl's word, and what it points at. Problems first."""
    order = sorted(graph, key=lambda k: (graph.nodes[k]["status"] not in status.PROBLEMS, k))
    lines = [words.sentence(graph), *(_line(graph, k) for k in order[:MOST_LINES])]
    if len(order) > MOST_LINES:
        lines.append(f"... and {len(order) - MOST_LINES:,} more objects")
    return escaping.text("\n".join(lines))


def facts(graph: Graph, key: Key, now: float) -> list[tuple[str, str]]:
    """Rows of (label, text) about one object: what it is, how it is, and its relations with the fields that say so."""
    data = graph.nodes[key]
    rows = [(key.kind, "/".join(p for p in (key.namespace, key.name) if p))]
    rows += [("status", data["word"])] if data["word"] else []
    rows += [("because", data["reason"])] if data["reason"] else []
    rows += [("age", tables.human_duration(now - clock.seconds(data["created"])))] if data["created"] else []
    for relation, label in relations.RELATIONS.items():
        out = sorted({t for _, t, r in graph.out_edges(key, data="relation") if r == relation})
        into = sorted({s for s, _, r in graph.in_edges(key, data="relation") if r == relation})
        rows += [(label, _names(out))] if out else []
        rows += [(_BACK[relation], _names(into))] if into else []
    return [(label, escaping.line(said)) for label, said in rows]


_BACK = {
    "owner": "owned by", "runs-on": "runs", "selects": "selected by", "routes": "reached through", "mounts": "mounted by",
    "env": "read by", "uses": "used by", "scales": "scaled by",
}  # fmt: skip


def _names(keys: list[Key]) -> str:
    shown = ", ".join(f"{k.kind} {k.name}" for k in keys[:MOST_NAMES])
    return shown + (f" and {len(keys) - MOST_NAMES} more" if len(keys) > MOST_NAMES else "")


def _line(graph: Graph, key: Key) -> str:
    said: dict[str, list[Key]] = {}
    for _, target, relation in graph.out_edges(key, data="relation"):
        said.setdefault(relation, []).append(target)
    pointing = "; ".join(f"{relations.RELATIONS[r]} {_names(sorted(set(t)))}" for r, t in said.items())
    word = graph.nodes[key]["word"]
    return f"{key}{f'  {word}' if word else ''}{f'  ({pointing})' if pointing else ''}"
