"""Changes of a pod or of a node that may lift the refusal of one filter: the candidates, which scheduler/changes.py then tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import amounts
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.plugins import node_affinity, tolerations

PodEdit = Callable[[Obj], Obj]
NodeEdit = Callable[[Obj], Obj]

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
CONDITIONS = {
    "node.kubernetes.io/not-ready": "get {node} ready again",
    "node.kubernetes.io/unreachable": "reach {node} again",
    "node.kubernetes.io/memory-pressure": "relieve the memory pressure on {node}",
    "node.kubernetes.io/disk-pressure": "relieve the disk pressure on {node}",
    "node.kubernetes.io/pid-pressure": "relieve the shortage of process ids on {node}",
    "node.kubernetes.io/network-unavailable": "bring up the network of {node}",
    UNSCHEDULABLE: "uncordon {node}",
}
"""Taints that stand for a state of the node, and what ends it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing to change. `cost` orders what helps: the smaller the change, the smaller it is."""

    family: str
    text: str
    cost: float
    detail: str = ""
    pod: PodEdit | None = None
    node: NodeEdit | None = None
    lifts: tuple[str, ...] = ()
    """Pods that would have to go, by uid."""
    adds: tuple[Obj, ...] = ()
    """Pods that would have to run there."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pod that fits nowhere, and where."""

    cluster: Cluster
    incoming: Incoming

    @property
    def spec(self) -> Obj:
        """The pod's spec."""
        found: Obj = self.incoming.pod["spec"]
        return found

    def object(self, node: str) -> Obj:
        """The node's object."""
        return self.cluster.objects[self.cluster.slots[node]]


def with_spec(pod: Obj, **fields: object) -> Obj:
    """The pod with other fields in its spec."""
    return {**pod, "spec": {**pod["spec"], **fields}}


def uncordon(case: Case, node: str) -> Iterator[Edit]:
    """Let the node take pods again."""
    yield Edit("uncordon", f"uncordon {node}", 0.2, node=_uncordoned)


def _uncordoned(node: Obj) -> Obj:
    return {
        **_without_taints(node, {UNSCHEDULABLE}),
        "spec": {**_without_taints(node, {UNSCHEDULABLE})["spec"], "unschedulable": False},
    }


def _without_taints(node: Obj, keys: set[str]) -> Obj:
    spec = node.get("spec") or {}
    return {**node, "spec": {**spec, "taints": [t for t in spec.get("taints") or () if t["key"] not in keys]}}


def untolerated(case: Case, node: str) -> list[tolerations.Taint]:
    """The taints of a node that keep the pod away."""
    taints = [(t["key"], t.get("value") or "", t["effect"]) for t in (case.object(node).get("spec") or {}).get("taints") or ()]
    stated = case.spec.get("tolerations") or []
    return [t for t in taints if t[2] in ("NoSchedule", "NoExecute") and not tolerations.tolerated(stated, t)]


def spelled(taint: tolerations.Taint) -> str:
    """A taint as kubectl writes it: "gpu=true:NoSchedule"."""
    key, value, effect = taint
    return f"{key}={value}:{effect}" if value else f"{key}:{effect}"


def tolerate(case: Case, node: str) -> Iterator[Edit]:
    """Put up with the node's taints, or end the state that they stand for."""
    taints = untolerated(case, node)
    states = {t[0] for t in taints if t[0] in CONDITIONS}
    if states == {UNSCHEDULABLE} and len(taints) == 1:
        yield from uncordon(case, node)
    elif taints and all(t[0] in CONDITIONS for t in taints):
        said = ", ".join(CONDITIONS[key].format(node=node) for key in sorted(states))
        yield Edit("node state", said, 0.4 + len(states) / 10, node=lambda n: _without_taints(n, states))
    elif taints and not states:
        added = [
            {"key": k, "operator": "Equal" if v else "Exists", **({"value": v} if v else {}), "effect": e} for k, v, e in taints
        ]
        said = ("taint " if len(taints) == 1 else "taints ") + " and ".join(map(spelled, taints))
        yield Edit(
            "tolerate", f"tolerate {said}", 0.2 + len(taints) / 10,
            pod=lambda p: with_spec(p, tolerations=[*(p["spec"].get("tolerations") or ()), *added]),
        )  # fmt: skip


def match(case: Case, node: str) -> Iterator[Edit]:
    """Give the node the labels that the pod asks for, or ask for less."""
    labels = case.object(node)["metadata"].get("labels") or {}
    selector = case.spec.get("nodeSelector") or {}
    missing = {k: v for k, v in selector.items() if labels.get(k) != v}
    wanted = {**missing, **_term_labels(case, node)}
    if wanted:
        said = ", ".join(f"{k}={v}" if v else k for k, v in wanted.items())
        yield Edit("label", f"label {node} with {said}", 0.3 + len(wanted) / 10, node=lambda n: _labelled(n, wanted))
    if missing:
        kept = {k: v for k, v in selector.items() if k not in missing}
        said = ", ".join(f"{k}={v}" for k, v in missing.items())
        yield Edit(
            "selector", f"drop the node selector {said}", 0.4 + len(missing) / 10, pod=lambda p: with_spec(p, nodeSelector=kept)
        )
    if _required(case.spec):
        yield Edit("affinity", "drop the required node affinity", 0.7, pod=_without_node_affinity)


def _required(spec: Obj) -> list[Obj]:
    stanza = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return stanza.get("nodeSelectorTerms") or []


def _without_node_affinity(pod: Obj) -> Obj:
    affinity = pod["spec"].get("affinity") or {}
    kept = {k: v for k, v in (affinity.get("nodeAffinity") or {}).items() if not k.startswith("required")}
    return with_spec(pod, affinity={**affinity, "nodeAffinity": kept})


def _term_labels(case: Case, node: str) -> dict[str, str]:
    """The fewest labels with which the node would match one of the required terms."""
    at = np.array([case.cluster.slots[node]], np.int64)
    found: list[dict[str, str]] = []
    for term in _required(case.spec):
        expressions = term.get("matchExpressions") or []
        unmet = [e for e in expressions if not node_affinity.matches({"matchExpressions": [e]}, case.cluster, at)[0]]
        if all(e.get("operator") in ("In", "Exists") for e in unmet):
            found.append({e["key"]: (e.get("values") or [""])[0] for e in unmet})
    return min(found, key=len, default={})


def _labelled(node: Obj, labels: dict[str, str]) -> Obj:
    metadata = node["metadata"]
    return {**node, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}


def free_port(case: Case, node: str) -> Iterator[Edit]:
    """Take away the pods that hold the port."""
    wanted = {port[2] for port in case.incoming.pod_class.ports}
    holders = {u: p for u, p in case.cluster.pods_on(node).items() if wanted & {port[2] for port in p.pod_class.ports}}
    if holders:
        names = " and ".join(f"{p.namespace}/{p.name}" for p in holders.values())
        ports = ", ".join(str(p) for p in sorted(wanted & {port[2] for p in holders.values() for port in p.pod_class.ports}))
        yield Edit("port", f"free port {ports} on {node}, which {names} holds", 0.5, lifts=tuple(holders))


def shortages(case: Case, node: str) -> dict[str, tuple[int, int, int]]:
    """resource -> (what is missing, what is asked for, what is free), in whole units; "pods" for room that is full."""
    cluster, slot = case.cluster, case.cluster.slots[node]
    arrays, wanted = cluster.arrays, cluster.vector(case.incoming.pod_class.requests)
    found: dict[str, tuple[int, int, int]] = {}
    if arrays.pods[slot] + 1 > arrays.room[slot]:
        found["pods"] = (int(arrays.pods[slot] + 1 - arrays.room[slot]), 1, max(int(arrays.room[slot] - arrays.pods[slot]), 0))
    for name, column in cluster.resources.items():
        asked = int(wanted[column])
        free = int(arrays.allocatable[slot, column] - arrays.requested[slot, column])
        if asked > 0 and asked > free:
            found[name] = (asked - free, asked, free)
    return found


def _allocatable(case: Case, node: str, resource: str) -> int:
    arrays, slot = case.cluster.arrays, case.cluster.slots[node]
    return int(arrays.room[slot] if resource == "pods" else arrays.allocatable[slot, case.cluster.resources[resource]])


def make_room(case: Case, node: str) -> Iterator[Edit]:
    """Ask for less, or free what is missing."""
    short = shortages(case, node)
    if not short:
        return
    said = {name: amounts.text(name, lack, up=True) for name, (lack, _, _) in short.items()}
    detail = "; ".join(
        f"asks for {amounts.text(n, asked)} {n}, {node} has {amounts.text(n, free)} free" for n, (_, asked, free) in short.items()
    )
    share = max(lack / asked for lack, asked, _ in short.values())
    if "pods" not in short and all(lack < asked for lack, asked, _ in short.values()):
        less = " and ".join(f"{amount} less {name}" for name, amount in said.items())
        cut = {name: amounts.rounded(name, lack) for name, (lack, _, _) in short.items()}
        yield Edit("request less", f"request {less}", share, detail, pod=lambda p: amounts.asking_less(p, cut))
    free = " and ".join(f"{amount} {name}" if name != "pods" else "room for one pod" for name, amount in said.items())
    given = {name: lack for name, (lack, _, _) in short.items()}
    if all(asked <= _allocatable(case, node, name) for name, (_, asked, _) in short.items()):
        yield Edit("free", f"free {free} on {node}", 0.1 + share, detail, node=lambda n: amounts.roomier(n, given))
