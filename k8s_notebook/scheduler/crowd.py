"""The pods of every node as arrays, for preemption: who is there, how important, and what would be free without them.

Pods that occupy the same and are the same to every query are one shape. The arrays are made when they are first needed, and only
nodes whose pods changed are read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.selectors import LabelSelector
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Placed
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.requests import Requests
from k8s_notebook.scheduler.tallies import Identity

NOBODY = -1


@kernels.record
class Shapes(NamedTuple):
    """What pods of one shape occupy."""

    requests: Ints
    """[shape, resource]"""
    ports: Ints
    """[shape, port]"""
    rows: Ints
    """[shape, any]: the tallies that such a pod matches; -1 fills up"""
    budgets: Ints
    """[shape, any]: the disruption budgets that protect it; -1 fills up"""


@kernels.record
class There(NamedTuple):
    """Who is on a node, in kube-scheduler's order."""

    many: Ints
    """[slot]: how many"""
    shape: Ints
    """[slot, any]"""
    priority: Ints
    """[slot, any]"""
    started: npt.NDArray[np.float64]
    """[slot, any]: seconds since 1970, or inf"""


class Budget(NamedTuple):
    """One PodDisruptionBudget."""

    namespace: str
    selector: LabelSelector
    allowed: int
    disrupted: frozenset[str]

    def protects(self, pod: Placed) -> bool:
        """Whether evicting the pod counts against it."""
        labels = (pod.pod.get("metadata") or {}).get("labels") or {}
        if not labels or pod.namespace != self.namespace or self.selector.empty:
            return False
        return self.selector.matches(labels) and pod.name not in self.disrupted


class Crowd:
    """The arrays of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._shapes: dict[tuple[object, ...], int] = {}
        self._members: list[tuple[Requests, tuple[int, ...], Identity, tuple[int, ...]]] = []
        self._tallied: tuple[int, ...] = ()
        self._known = (-1, -1, -1, -1)
        self._epoch = self._seen = -1
        self.budgets: list[Budget] = []
        self.there = There(np.zeros(0, np.int64), *(np.zeros((0, 1), np.int64),) * 2, np.zeros((0, 1)))
        self.shapes = Shapes(*(np.zeros((0, 1), np.int64),) * 4)

    def update(self) -> None:
        """Bring everything up to date."""
        cluster = self._cluster
        known = (
            cluster.tallies.generation,
            cluster.shape,
            len(cluster.ports),
            cluster.beside.version("poddisruptionbudgets.policy"),
        )
        if known != self._known:
            self._known, self._epoch = known, -1
            self._shapes.clear()
            self._members.clear()
            self._tallied = ()
            self.budgets = [_budget(obj) for obj in cluster.beside.list("poddisruptionbudgets.policy")]
            self.there = There(
                np.zeros(len(cluster.names), np.int64), np.zeros((len(cluster.names), 8), np.int64),
                np.zeros((len(cluster.names), 8), np.int64), np.zeros((len(cluster.names), 8)),
            )  # fmt: skip
        for slot in self._changed():
            self._read(slot)
        self._write_shapes()

    def nominees(self, pod: Incoming) -> tuple[Ints, Ints]:
        """(slots, shapes) of the pods for which room is being made and before which this one must stand back, by slot."""
        found = [
            (self._cluster.slots[node], self._shape(other.on(node)))
            for uid, (other, node) in self._cluster.nominated.items()
            if other.priority >= pod.priority and uid != pod.uid and node in self._cluster.slots
        ]
        self._write_shapes()
        found.sort()
        return np.array([slot for slot, _ in found], np.int64), np.array([shape for _, shape in found], np.int64)

    def _changed(self) -> Iterable[int]:
        cluster = self._cluster
        if self._epoch == cluster.epoch:
            changed = set(cluster.log[self._seen : cluster.logged].tolist())
        else:
            changed = set(cluster.slots.values())
            self.there.many[:] = 0
        self._epoch, self._seen = cluster.epoch, cluster.logged
        return sorted(changed)

    def _read(self, slot: int) -> None:
        placed = self._cluster.pods_on(self._cluster.names[slot]) if self._cluster.names[slot] else {}
        while len(placed) > self.there.shape.shape[1]:
            many, *others = self.there
            shape, priority, started = (np.hstack((a, np.zeros_like(a))) for a in others)
            self.there = There(many, shape, priority, started)
        self.there.many[slot] = len(placed)
        for i, pod in enumerate(placed.values()):
            self.there.shape[slot, i] = self._shape(pod)
            self.there.priority[slot, i] = pod.priority
            self.there.started[slot, i] = pod.started

    def _shape(self, pod: Placed) -> int:
        identity = self._cluster.identity_of(pod)
        budgets = tuple(i for i, budget in enumerate(self.budgets) if budget.protects(pod)) if self.budgets else ()
        key = (id(pod.requests), pod.pod_class.ports, id(identity), budgets)
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = len(self._members)
            ports = tuple(self._cluster.port(port) for port in pod.pod_class.ports)
            self._cluster.vector(pod.requests)  # its resources have columns before the arrays are made
            self._members.append((pod.requests, ports, identity, budgets))
        return found

    def _write_shapes(self) -> None:
        """Make the arrays of the shapes anew if there are new ones, or new queries that they match."""
        cluster, members = self._cluster, self._members
        known = (
            len(members),
            len(cluster.resources),
            len(cluster.tallies.rows),
            cluster.arrays.ports.shape[1],
            cluster.tallies.generation,
        )
        if self._tallied == known:
            return
        self._tallied = known
        ports = np.zeros((len(members), cluster.arrays.ports.shape[1]), np.int64)
        for i, member in enumerate(members):
            for port in member[1]:
                ports[i, port] += 1
        requests = np.array([cluster.vector(m[0]) for m in members], np.int64).reshape(len(members), len(cluster.resources))
        self.shapes = Shapes(requests, ports, _padded([m[2].matches for m in members]), _padded([m[3] for m in members]))


def _budget(obj: Obj) -> Budget:
    status = obj.get("status") or {}
    selector = selectors.from_spec((obj.get("spec") or {}).get("selector"))
    namespace = obj["metadata"].get("namespace") or ""
    return Budget(namespace, selector, int(status.get("disruptionsAllowed") or 0), frozenset(status.get("disruptedPods") or ()))


def _padded(lists: list[Iterable[int]] | list[Ints] | list[tuple[int, ...]]) -> Ints:
    """The lists as rows of one array, filled up with -1."""
    rows = [list(each) for each in lists]
    width = max((len(row) for row in rows), default=0)
    return np.array([row + [NOBODY] * (max(width, 1) - len(row)) for row in rows], np.int64).reshape(len(rows), max(width, 1))
