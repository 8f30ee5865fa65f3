"""The applications in a graph: what owning, routing, selecting and scaling hold together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import networkx as nx

from k8s_notebook.graph import status
from k8s_notebook.graph.relations import Key

TOGETHER = frozenset({"owner", "routes", "selects", "scales"})
USES = frozenset({"env", "mounts", "uses"})
CONFIG = frozenset({"ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"})
ENTRIES = frozenset({"Ingress", "HorizontalPodAutoscaler"})
APART = frozenset({"Node", "PersistentVolume", "PodDisruptionBudget", *CONFIG})
"""Kinds that hold nothing together: they are shared, or look at others from outside."""
_HOW = {"env": "env", "mounts": "mount", "uses": ""}


@dataclass(slots=True)
class Revision:
    """A ReplicaSet (or nothing, for pods owned directly) and its pods in order of age, then name."""

    key: Key | None
    pods: list[Key] = field(default_factory=list)
    new: bool = False


@dataclass(slots=True)
class Workload:
    """What owns revisions or pods; `key` is None for pods that nobody owns. `used` are (config, "env" / "mount")."""

    key: Key | None
    revisions: list[Revision] = field(default_factory=list)
    used: list[tuple[Key, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """A name that is the same in the next picture."""
        return str(self.key or next((p for r in self.revisions for p in r.pods), ""))


@dataclass(slots=True)
class Block:
    """One application."""

    name: str
    entries: list[Key] = field(default_factory=list)
    services: list[Key] = field(default_factory=list)
    workloads: list[Workload] = field(default_factory=list)
    routes: set[tuple[Key, Key]] = field(default_factory=set)
    worst: str = "ok"

    def columns(self) -> Iterator[tuple[str, list[Key]]]:
        """(column, keys) for all that stands in a column of its own."""
        yield "Entry", self.entries
        yield "Service", self.services
        yield "Workload", [w.key for w in self.workloads if w.key is not None]
        yield "Revision", [r.key for r in self.revisions() if r.key is not None]
        yield "Pod", [p for r in self.revisions() for p in r.pods]

    def revisions(self) -> list[Revision]:
        """All revisions of all workloads."""
        return [r for w in self.workloads for r in w.revisions]

    def used(self) -> list[Key]:
        """All config that its pods use."""
        return [k for w in self.workloads for k, _ in w.used]


def blocks(graph: nx.MultiDiGraph) -> list[Block]:
    """The applications, those with problems first, then by namespace and name."""
    members = [k for k in graph if k.kind not in APART and not _idle(graph, k)]
    held: nx.Graph = nx.Graph()
    held.add_nodes_from(members)
    inside = set(members)
    for source, target, relation in graph.edges(data="relation"):
        if relation in TOGETHER and source in inside and target in inside:
            held.add_edge(source, target)
    found = [_block(graph, sorted(c)) for c in nx.connected_components(held)]
    return sorted(found, key=lambda b: (b.worst not in status.PROBLEMS, b.name))


def unused(graph: nx.MultiDiGraph) -> list[Key]:
    """Config that no pod uses."""
    return [k for k in graph if k.kind in CONFIG - {"ServiceAccount"} and not graph.in_degree(k)]


def ports(graph: nx.MultiDiGraph, service: Key) -> str:
    """What a Service listens on and where it goes: ":80 → 8080"; "" where that is not known."""
    obj = graph.nodes[service]["object"]
    found = (obj or {}).get("spec", {}).get("ports") or ()
    shown = [
        f":{p['port']} → {p['targetPort']}" if p.get("targetPort", p["port"]) != p["port"] else f":{p['port']}" for p in found
    ]
    return ", ".join(shown[:2]) + (" …" if len(shown) > 2 else "")


def _idle(graph: nx.MultiDiGraph, key: Key) -> bool:
    """An old revision without pods, or the API server's own Service: true, and not worth a place."""
    if key.kind == "ReplicaSet":
        return graph.nodes[key]["status"] == "off" and not graph.out_degree(key) and bool(graph.in_degree(key))
    return (key.kind, key.namespace, key.name) == ("Service", "default", "kubernetes")


def _block(graph: nx.MultiDiGraph, members: list[Key]) -> Block:
    inside = set(members)
    entries = [k for k in members if k.kind in ENTRIES]
    services = [k for k in members if k.kind == "Service"]
    owned = {t for s, t, r in graph.edges(members, data="relation") if r == "owner"}
    tops = [k for k in members if k not in owned and k not in entries and k not in services]
    block = Block("/".join(min((k.namespace, k.name) for k in [*tops, *services, *members])), entries, services)
    block.routes = {(s, t) for s, t, r in graph.edges(entries, data="relation") if r == "routes" and t in inside}
    single = [k for k in tops if k.kind == "Pod"]
    for key in (k for k in tops if k.kind != "Pod"):
        block.workloads += _workloads(graph, key)
    block.workloads += [_finished(graph, Workload(None, [Revision(None, [pod])])) for pod in single]
    block.worst = status.worst([graph.nodes[k]["status"] for k in members])
    return block


def _workloads(graph: nx.MultiDiGraph, key: Key) -> list[Workload]:
    """A workload, or the workloads that it owns in turn (the Jobs of a CronJob)."""
    children = _children(graph, key)
    if key.kind == "CronJob":
        return [w for child in children for w in _workloads(graph, child)] or [Workload(key)]
    workload = Workload(key)
    sets = [c for c in children if c.kind == "ReplicaSet" and not _idle(graph, c)]
    pods = [c for c in children if c.kind == "Pod"]
    for set_ in sorted(sets, key=lambda k: (_revision_number(graph, k), k)):
        workload.revisions.append(Revision(set_, _by_age(graph, [c for c in _children(graph, set_) if c.kind == "Pod"])))
    if workload.revisions:
        workload.revisions[-1].new = True
    if pods or not workload.revisions:
        workload.revisions.append(Revision(None, _by_age(graph, pods)))
    return [_finished(graph, workload)]


def _finished(graph: nx.MultiDiGraph, workload: Workload) -> Workload:
    """The workload with what its pods use, each once, by kind and name."""
    pods = [p for r in workload.revisions for p in r.pods]
    found: dict[Key, set[str]] = {}
    for _, target, relation in graph.edges(pods, data="relation"):
        if relation in USES:
            found.setdefault(target, set()).add(_HOW[relation])
    workload.used = [(k, ", ".join(sorted(h for h in how if h))) for k, how in sorted(found.items())]
    return workload


def _children(graph: nx.MultiDiGraph, key: Key) -> list[Key]:
    return sorted({t for _, t, r in graph.out_edges(key, data="relation") if r == "owner"})


def _by_age(graph: nx.MultiDiGraph, pods: list[Key]) -> list[Key]:
    return sorted(pods, key=lambda p: (graph.nodes[p]["created"], p))


def _revision_number(graph: nx.MultiDiGraph, key: Key) -> int:
    obj = graph.nodes[key]["object"] or {"metadata": {}}
    text = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(text) if text.isdigit() else 0
