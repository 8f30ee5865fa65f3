"""Objects -> networkx graph."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from typing import TypeAlias

import networkx as nx

from k8s_notebook.graph import relations, status
from k8s_notebook.graph.relations import Key
from k8s_notebook.objects import Obj, masking

Graph: TypeAlias = nx.MultiDiGraph
"""What a graph of a cluster is."""

HIDDEN = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
"""What every namespace has: it is in the graph only when something points at it."""

_MISSED = frozenset({"Pod", "Node", "Service", "Deployment"})
"""Kinds that are named first among those that may not be seen."""


def build(objects: Iterable[Obj], now: float, unseen: Collection[str] = ()) -> Graph:
    """The graph of these objects at time `now` (seconds since the epoch, for ages).

    `unseen` are the kinds that could not be listed: what is referred to of them is "not visible" instead of missing. They are kept
    in order as the graph's attribute "unseen".

    Nodes are `Key`s with the attributes `kind`, `namespace`, `name`, `uid`, `status` (a class of `status.CLASSES`), `word`
    (kubectl's word), `reason`, `created` (RFC 3339), `labels`, `missing` (true for what is referred to and does not exist) and
    `object` (the object itself, Secrets masked). Edges have `relation` (see `relations.RELATIONS`), `via` (the field that says
    so) and `known` ("declared" or "observed"); their networkx key is "relation via". The order of nodes is (kind, namespace,
    name), so the same objects give the same graph. EndpointSlices become edges of their Services.
    """
    by_key = {relations.key_of(o): o for o in objects}
    lookup = _Lookup(by_key)
    edges = [e for key in sorted(by_key) for e in relations.edges_of(by_key[key], lookup)]
    edges = [e for e in edges if e.target.kind != "EndpointSlice"]
    touched = {k for e in edges for k in (e.source, e.target)}
    graph: nx.MultiDiGraph = nx.MultiDiGraph(unseen=sorted(unseen, key=lambda k: (k not in _MISSED, k)))
    shown = {k for k in by_key if k.kind != "EndpointSlice" and ((k.kind, k.name) not in HIDDEN or k in touched)}
    for key in sorted(shown | touched):
        graph.add_node(key, **_attributes(key, by_key.get(key), now, unseen))
    for edge in edges:
        name = f"{edge.relation} {edge.via}"
        graph.add_edge(edge.source, edge.target, name, relation=edge.relation, via=edge.via, known=edge.known)
    return graph


def _attributes(key: Key, obj: Obj | None, now: float, unseen: Container[str]) -> Obj:
    common: Obj = {"kind": key.kind, "namespace": key.namespace, "name": key.name}
    if obj is None:
        return {**common, **_absent(key, unseen), "uid": "", "created": "", "labels": {}, "object": None}
    level, word, reason = status.of(obj, now)
    metadata = obj["metadata"]
    return {
        **common,
        "uid": metadata.get("uid", ""),
        "status": level,
        "word": word,
        "reason": reason,
        "created": metadata.get("creationTimestamp", ""),
        "labels": metadata.get("labels") or {},
        "missing": False,
        "object": masking.masked(obj),
    }


def _absent(key: Key, unseen: Container[str]) -> Obj:
    if key.kind in unseen or key.kind not in relations.KINDS:
        return {"status": "ok", "word": "", "reason": "not visible here", "missing": False}
    return {"status": "bad", "word": "missing", "reason": f"{key.kind} {key.name!r} does not exist", "missing": True}


class _Lookup:
    """Objects by (kind, namespace), filed once."""

    def __init__(self, by_key: dict[Key, Obj]) -> None:
        self._filed: dict[tuple[str, str], list[Obj]] = {}
        for key in sorted(by_key):
            self._filed.setdefault((key.kind, key.namespace), []).append(by_key[key])

    def __call__(self, kind: str, namespace: str) -> list[Obj]:
        return self._filed.get((kind, namespace), [])
