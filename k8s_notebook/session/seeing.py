"""`graph` and `why`: a cluster looked at as a picture, a placement explained."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8s_notebook.display import escaping, html, text
from k8s_notebook.machinery.actions import Get, List
from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import gather, reading, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import error

if TYPE_CHECKING:
    import pandas as pd

    from k8s_notebook.scheduler.explain import Explanation
    from k8s_notebook.widgets.topology import Topology


def graph(door: Door, namespace: str | None = None, *, everywhere: bool = False, live: bool = True) -> Topology:
    """The objects of a namespace (or of all) and the nodes as a picture that follows the cluster; `.nx` is the graph."""
    from k8s_notebook.graph import relations
    from k8s_notebook.widgets import live as feeds
    from k8s_notebook.widgets.topology import Topology

    # Asked first: a feed goes on trying where nobody answers.
    scope, note = _everywhere(door) if everywhere else (_checked(door, namespace or door.namespace), "")
    served = {k.resource for k in door.api.kinds}
    resources = [r for r in relations.READ if r in served]
    meta = [door.title, f"namespace {scope}{note}" if scope else "all namespaces"]
    if not live:
        found = gather.gather(door.api, scope or None, resources)
        return Topology(lambda: (found.objects, frozenset(found.unseen)), meta)
    look = feeds.follow(door.api, resources, scope)
    look.feed.wait()

    def source() -> tuple[list[Obj], frozenset[str]]:
        return look.feed.objects(), frozenset(door.api.kinds.of(r).kind for r in look.feed.unseen())

    return Topology(source, meta, look)


def _checked(door: Door, namespace: str) -> str:
    """The namespace, once the cluster has answered."""
    with contextlib.suppress(errors.Forbidden):
        door.ask(List("pods", namespace, limit=1))
    return namespace


def _everywhere(door: Door) -> tuple[str, str]:
    """(namespace, what to say about it): "" for all, or a namespace that may be seen where all may not."""
    try:
        door.ask(List("pods", limit=1))
        return "", ""
    except errors.Forbidden:
        names = reading.allowed(door, door.kind("pods"))
    if not names:
        return "", ""
    chosen = door.namespace if door.namespace in names else names[0]
    others = [n for n in names if n != chosen]
    more = f"; -n shows {', '.join(others)}" if others else ""
    return chosen, f" (you may not see all{more})"


@dataclass(frozen=True, repr=False)
class Why:
    """Why a pod is where it is, or nowhere. `explanation` has everything; `.df` one row per node and plugin."""

    explanation: Explanation
    cluster: str = ""
    note: str = ""
    """What the answer does not count, for lack of rights."""

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return self.explanation.sentence

    @property
    def df(self) -> pd.DataFrame:
        """One row per node and plugin: node, plugin, passed, reason, raw, normalised, weight, weighted."""
        import pandas as pd

        return pd.DataFrame(self.explanation.rows)

    @property
    def ranking(self) -> pd.DataFrame:
        """One row per node: rank, node, total, feasible, reasons; the chosen one first."""
        import pandas as pd

        return pd.DataFrame(self.explanation.ranking)

    def __str__(self) -> str:
        """The sentence, the nodes in their order, and the scheduler's own words."""
        found = self.explanation
        parts = [f"pod/{found.name}: {found.sentence}", text.columns(self._lines())]
        return escaping.text("\n\n".join(p for p in [*parts, found.message, f"({found.source})", self.note] if p))

    __repr__ = __str__

    def _scores(self) -> tuple[list[str], Mapping[tuple[str, str], Any]]:
        scores = {(r["node"], r["plugin"]): r["weighted"] for r in self.explanation.rows if r["weighted"] is not None}
        return list(dict.fromkeys(plugin for _, plugin in scores)), scores

    def _lines(self) -> list[list[str]]:
        plugins, scores = self._scores()
        lines = [["RANK", "NODE", "TOTAL", *(_short(p).upper() for p in plugins), "WHY NOT"]]
        for row in self.explanation.ranking:
            total = "" if row["total"] is None else str(row["total"])
            cells = [str(scores.get((row["node"], p), "")) for p in plugins]
            lines.append([str(row["rank"] or "-"), row["node"], total, *cells, ", ".join(row["reasons"])])
        return lines

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """Text, and a table with the winner first."""
        return {"text/plain": str(self), "text/html": html.figure(self._table(), label=f"why pod/{self.explanation.name}")}

    def _table(self) -> str:
        found = self.explanation
        rows = self._lines()[1:]
        plugins, _ = self._scores()
        numbers = {0, 2, *range(3, 3 + len(plugins))}
        names = ["Rank", "Node", "Total", *map(_short, plugins), "Why not"]
        heads = "".join(f'<th scope="col"{" class=num" if i in numbers else ""}>{html.esc(n)}</th>' for i, n in enumerate(names))
        body = "".join(_html_row(r, numbers, chosen=r[1] == found.node) for r in rows)
        message = "".join(f"<p class=meta>{html.esc(said)}</p>" for said in (found.message, self.note) if said)
        title = f"{found.name}: {found.sentence}"
        return (
            html.head(title, [self.cluster, f"namespace {found.namespace}", found.source])
            + f'<table class="get"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{message}'
        )


def _html_row(cells: Sequence[str], numbers: set[int], *, chosen: bool) -> str:
    parts = []
    for i, cell in enumerate(cells):
        tag = "th" if i == 1 else "td"
        kind = ' class="num"' if i in numbers else ""
        parts.append(f"<{tag}{' scope=row' if i == 1 else ''}{kind}>{html.esc(escaping.line(cell))}</{tag}>")
    style = ' style="color:var(--kn-accent)"' if chosen else ""
    return f"<tr{style}>{''.join(parts)}</tr>"


def _short(plugin: str) -> str:
    """The plugin's name without what all share: "NodeResourcesFit" -> "ResourcesFit"."""
    return plugin.removeprefix("Node")


def why(door: Door, words: Sequence[str], namespace: str | None = None) -> Why:
    """Why a pod is on its node, or on none; the decision is made again with today's nodes and pods."""
    from k8s_notebook.scheduler import explain

    kind, name = targets.one(door, words, default="pods")
    if kind.resource != "pods":
        raise error(f"only pods are placed: name one of the pods of {targets.spelled(kind)}/{name}, for example pod/{name}-…")
    pod = door.ask(Get("pods", name, namespace or door.namespace))
    found = gather.gather(door.api, None, ["nodes", "pods"])
    if "Node" in found.unseen:
        raise error(f"why needs to read the nodes, and you may not: {found.unseen['Node']}")
    note = ""
    if "Pod" in found.unseen:
        found = gather.gather(door.api, namespace or door.namespace, ["nodes", "pods"])
        note = f"You may see the pods of namespace {namespace or door.namespace} only: others are not counted."
    nodes = sorted(
        (o for o in found.objects if o["kind"] == "Node"),
        key=lambda o: (o["metadata"]["creationTimestamp"], o["metadata"]["name"]),
    )
    return Why(explain.explain(pod, nodes, [o for o in found.objects if o["kind"] == "Pod"]), door.title, note)
