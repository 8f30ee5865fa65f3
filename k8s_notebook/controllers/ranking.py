"""Which pods a shrinking ReplicaSet gives up first (as in pkg/controller: ActivePodsWithRanks)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from k8s_notebook.controllers import pods
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import seconds

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class _Rank:
    """What is compared, smaller first: `first` and `restarts` as they are, the two ages by rank and then uid."""

    first: tuple[int, ...]
    ready_since: float | None
    ready_age: int
    restarts: tuple[int, int]
    created: float
    age: int
    uid: str
    pod: Obj


def first_to_go(active: Sequence[Obj], related: Sequence[Obj], count: int, now: float) -> list[Obj]:
    """The `count` pods that are deleted first; `related` are all pods of the same owner's sets, for rule 5."""
    if count >= len(active):
        return list(active)
    on_node: dict[str, int] = {}
    for pod in related:
        if pods.active(pod) and (node := pod["spec"].get("nodeName")):
            on_node[node] = on_node.get(node, 0) + 1
    ranks = sorted((_rank(p, on_node, now) for p in active), key=functools.cmp_to_key(_compare))
    return [r.pod for r in ranks[:count]]


def _rank(pod: Obj, on_node: dict[str, int], now: float) -> _Rank:
    node = pod["spec"].get("nodeName", "")
    condition = pods.ready_condition(pod)
    since = seconds(condition["lastTransitionTime"]) if condition and condition.get("lastTransitionTime") else None
    created = seconds(pod["metadata"]["creationTimestamp"])
    together = on_node.get(node, 0) if node else 0
    first = (bool(node), _PHASES.get(pods.phase(pod), 0), condition is not None, _cost(pod), -together)
    return _Rank(
        first, since, _bucket(since, now), _restarts(pod), created, _bucket(created, now), pod["metadata"].get("uid", ""), pod
    )


def _compare(a: _Rank, b: _Rank) -> int:
    if a.first != b.first:
        return -1 if a.first < b.first else 1
    if a.ready_since is not None and b.ready_since is not None and a.ready_since != b.ready_since:
        return _by_age(a.ready_age, b.ready_age, a.uid, b.uid)
    if a.restarts != b.restarts:
        return -1 if a.restarts > b.restarts else 1
    if a.created != b.created:
        return _by_age(a.age, b.age, a.uid, b.uid)
    return -1 if a.uid < b.uid else 1


def _by_age(age: int, other: int, uid: str, other_uid: str) -> int:
    if age != other:
        return -1 if age < other else 1
    return -1 if uid < other_uid else 1


def _bucket(since: float | None, now: float) -> int:
    """The age on a logarithmic scale: floor(log2(nanoseconds)), -1 for none."""
    age = (now - since) * 1e9 if since is not None else 0.0
    return int(math.log2(age)) if age > 0 else -1


def _cost(pod: Obj) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _restarts(pod: Obj) -> tuple[int, int]:
    """The most restarts of a regular container, and of a sidecar."""
    status = pod.get("status") or {}
    sidecars = {c["name"] for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"}
    regular = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    beside = (c.get("restartCount", 0) for c in status.get("initContainerStatuses") or () if c["name"] in sidecars)
    return regular, max(beside, default=0)
