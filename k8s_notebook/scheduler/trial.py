"""Where pods would go: one decision after the other on a copy of a cluster, with nothing written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import mistakes, pods, surroundings
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.cycle import Cycle
from k8s_notebook.scheduler.mistakes import Mistake
from k8s_notebook.scheduler.profiles import Profile

READ = ("nodes", "pods", *surroundings.RESOURCES)
"""The resources that decisions rest on."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What was decided for one pod."""

    namespace: str
    name: str
    node: str
    """Where it goes, "" if nowhere."""
    was: str
    """Where it is now, or ""."""
    feasible: int
    nodes: int
    message: str = ""
    """kube-scheduler's sentence if it goes nowhere."""
    nominated: str = ""
    """Where preemption would make room."""
    victims: int = 0


def place(objects: Mapping[str, Iterable[Obj]], wanted: Iterable[Obj], profile: Profile) -> list[Placement]:
    """The decisions for `wanted` in their order of priority and age; `objects` by resource are the cluster as it is.

    A pod that is on a node already is taken off first, with all others of `wanted`. Each one counts for those after it. What
    preemption would do is told and not done. Mistake if an own policy gives an answer that is not allowed.
    """
    chosen = sorted(wanted, key=_rank)
    cluster = _cluster(objects, {_uid(pod) for pod in chosen})
    cycle = Cycle(cluster, profile)
    try:
        return [_decide(cycle, pod) for pod in chosen]
    except mistakes.PolicyError as problem:
        raise Mistake(str(problem)) from None


def _cluster(objects: Mapping[str, Iterable[Obj]], without: set[str]) -> Cluster:
    cluster = Cluster()
    for resource in surroundings.RESOURCES:
        for obj in objects.get(resource, ()):
            cluster.set_beside(resource, obj)
    for node in sorted(objects.get("nodes", ()), key=_age):
        cluster.set_node(node)
    for pod in objects.get("pods", ()):
        if pod["spec"].get("nodeName") and not pods.ended(pod) and _uid(pod) not in without:
            cluster.place(_uid(pod), cluster.read(pod))
    return cluster


def _decide(cycle: Cycle, pod: Obj) -> Placement:
    metadata, spec = pod["metadata"], pod["spec"]
    was = spec.get("nodeName") or ""
    gates = [gate["name"] for gate in spec.get("schedulingGates") or ()]
    nodes = len(cycle.cluster)
    if gates:
        said = f"waiting for scheduling gates: [{' '.join(gates)}]"
        return Placement(metadata.get("namespace", ""), metadata["name"], "", was, 0, nodes, said)
    incoming = cycle.cluster.incoming({**pod, "spec": {k: v for k, v in spec.items() if k != "nodeName"}})
    decision = cycle.decide(incoming)
    if decision.node:
        cycle.cluster.place(incoming.uid, incoming.on(decision.node))
    return Placement(
        metadata.get("namespace", ""), metadata["name"], decision.node, was, decision.feasible, nodes, decision.message,
        decision.nominated, len(decision.victims),
    )  # fmt: skip


def _uid(pod: Obj) -> str:
    metadata: dict[str, Any] = pod["metadata"]
    return str(metadata.get("uid") or metadata["name"])


def _age(obj: Obj) -> tuple[str, str, str]:
    metadata = obj["metadata"]
    return str(metadata.get("creationTimestamp") or ""), metadata.get("namespace", ""), metadata["name"]


def _rank(pod: Obj) -> tuple[Any, ...]:
    """The order of the queue: by priority, then by age."""
    return -(pod["spec"].get("priority") or 0), *_age(pod)
