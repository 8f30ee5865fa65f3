"""A cluster as the scheduler sees it: nodes, the pods that are on them or wait for room there, and the objects beside.

The only translation of objects for the scheduler. Every change comes through one of the methods that `journal` records.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import pods, requests
from k8s_notebook.scheduler.node_table import BASE, Ints, NodeArrays, NodeTable
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.surroundings import Surroundings
from k8s_notebook.scheduler.tallies import Identity
from k8s_notebook.sim import clock

__all__ = ["BASE", "Cluster", "Incoming", "Ints", "NodeArrays", "Placed"]

MOST_CLASSES = 4096


@dataclass(frozen=True, slots=True)
class Placed:
    """A pod that occupies a node. Two are equal if they count alike."""

    namespace: str
    name: str
    node: str
    pod_class: PodClass
    requests: requests.Requests
    priority: int
    uid: str = ""
    started: float = math.inf
    """`status.startTime` in seconds since 1970."""
    terminating: bool = False
    pod: Obj = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A pod that looks for a node."""

    uid: str
    namespace: str
    name: str
    pod: Obj
    pod_class: PodClass
    priority: int
    named: frozenset[str] | None
    """The only nodes that can match, if the pod names its nodes (as pods of a DaemonSet do)."""
    nominated: str
    """The node where room is being made for it, or ""."""
    preempts: bool

    def on(self, node: str) -> Placed:
        """The pod as it will count on a node."""
        wanted = self.pod_class
        return Placed(
            self.namespace, self.name, node, wanted, wanted.requests, self.priority, self.uid, _started(self.pod), pod=self.pod
        )


class Cluster(NodeTable):
    """All nodes, the pods that are on them, and the objects beside."""

    def __init__(self) -> None:
        super().__init__()
        self.beside = Surroundings()
        self.placed: dict[str, Placed] = {}
        self.nominated: dict[str, tuple[Incoming, str]] = {}
        """uid -> a pod, and the node where room is being made for it"""
        self.journal: list[tuple[Any, ...]] | None = None
        """Where every change is noted, as (method, arguments…), if somebody wants that."""
        self._on: dict[str, dict[str, Placed]] = {}
        self._nominees: dict[str, dict[str, Incoming]] = {}
        self._identities: dict[str, Identity] = {}
        self._classes: dict[tuple[Any, ...], PodClass] = {}
        self._vectors: dict[int, tuple[requests.Requests, Ints]] = {}

    # ------------------------------------------------------------ reading pods

    def pod_class(self, pod: Obj, spec: Obj | None = None) -> PodClass:
        """The class of a pod (with another `spec`, if one is given)."""
        spec = pod["spec"] if spec is None else spec
        metadata = pod["metadata"]
        labels = self.tallies.read(metadata.get("labels") or {})
        namespace = metadata.get("namespace") or ""
        name = metadata["name"] if pods.named_apart(spec) else ""
        key = (pods.signature(spec), namespace, tuple(labels.items()), name)
        found = self._classes.get(key)
        if found is None:
            if len(self._classes) >= MOST_CLASSES:
                del self._classes[next(iter(self._classes))]
            made = PodClass.of(spec, namespace, labels, name, self.tallies.generation)
            self.note_keys(made.keys)
            if made.generation != self.tallies.generation:
                return self.pod_class(pod, spec)
            found = self._classes[key] = made
        return found

    def read(self, pod: Obj, node: str = "") -> Placed:
        """A pod as it counts on its node, or on `node`."""
        metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
        pod_class = self.pod_class(pod)
        return Placed(
            metadata.get("namespace") or "", metadata["name"], node or spec.get("nodeName") or "", pod_class,
            pods.assigned_requests(pod_class, status), spec.get("priority") or 0, metadata.get("uid") or metadata["name"],
            _started(pod), "deletionTimestamp" in metadata, pod,
        )  # fmt: skip

    def incoming(self, pod: Obj) -> Incoming:
        """A pod that looks for a node."""
        metadata, spec = pod["metadata"], pod["spec"]
        named, nominated = pods.named_nodes(spec), (pod.get("status") or {}).get("nominatedNodeName") or ""
        alike = named is not None and not nominated and pods.shares_name(spec, named)
        shared = pods.without_name(spec, next(iter(named or ()))) if alike else spec
        return Incoming(
            metadata.get("uid") or metadata["name"], metadata.get("namespace") or "", metadata["name"], pod,
            self.pod_class(pod, shared), spec.get("priority") or 0, named, nominated, spec.get("preemptionPolicy") != "Never",
        )  # fmt: skip

    def vector(self, wanted: requests.Requests) -> Ints:
        """Exact requests as a row of `arrays.requested`."""
        known = self._vectors.get(id(wanted))
        if known is not None and known[0] is wanted and len(known[1]) == len(self.resources):
            return known[1]
        made = self.spread({n: a for n, a in wanted.exact.items() if n in BASE or (requests.is_scalar(n) and a)})
        if len(self._vectors) > 2 * MOST_CLASSES:
            self._vectors.clear()
        self._vectors[id(wanted)] = (wanted, made)
        return made

    def spread(self, amounts: dict[str, int]) -> Ints:
        """Amounts by resource as a row of `arrays.requested`."""
        columns = [self.column(name) for name in amounts]
        made = np.zeros(len(self.resources), np.int64)
        made[columns] = list(amounts.values())
        return made

    def pods_on(self, node: str) -> dict[str, Placed]:
        """uid -> pod, in the order in which kube-scheduler keeps them: a pod that leaves has its place taken by the last."""
        return self._on.get(node, {})

    def nominees(self, node: str) -> dict[str, Incoming]:
        """uid -> the pods for which room is being made on a node."""
        return self._nominees.get(node, {})

    def identity(self, uid: str) -> Identity:
        """What a placed pod is to queries."""
        return self._identities[uid]

    def identity_of(self, pod: Incoming | Placed) -> Identity:
        """What a pod is, or would be, to queries."""
        wanted = pod.pod_class
        alive = not (isinstance(pod, Placed) and pod.terminating)
        if wanted.generation == self.tallies.generation:
            labels = wanted.labels
        else:
            labels = self.tallies.read((pod.pod.get("metadata") or {}).get("labels") or {})
        return self.tallies.identity(wanted.namespace, labels, wanted.terms, alive=alive)

    def note_keys(self, keys: Any) -> None:
        """See to it that pods are told apart by these label keys; if one is new, classes and counts are made anew."""
        if self.tallies.reads(keys) or self.tallies.full:
            self._recount()

    # ------------------------------------------------------------ changes

    def set_node(self, node: Obj) -> frozenset[str]:
        """Add or change a node; what changed: "added", or some of "labels", "taints", "allocatable", "images", "features"."""
        if self.journal is not None:
            self.journal.append(("set_node", node))
        name = node["metadata"]["name"]
        slot = self.slots.get(name)
        if slot is not None:
            return self._set(name, slot, node)
        slot = self._add(name, node)
        for uid, pod in self.pods_on(name).items():
            self._count(uid, pod, 1)
        self.arrays.nominated[slot] = len(self.nominees(name))
        return frozenset(("added",))

    def remove_node(self, name: str) -> None:
        """Take a node out. Pods that were on it are remembered, in case it comes back."""
        if self.journal is not None:
            self.journal.append(("remove_node", name))
        for uid, pod in self.pods_on(name).items():
            self._count(uid, pod, -1)
        self._remove(name)

    def place(self, uid: str, pod: Placed) -> None:
        """Count a pod on its node, instead of what was counted for it before."""
        if self.journal is not None:
            self.journal.append(("place", uid, pod))
        self._lift(uid)
        self._keep(uid, pod)
        self._count(uid, pod, 1)

    def lift(self, uid: str) -> Placed | None:
        """Take a pod off its node; what was counted for it."""
        if self.journal is not None and uid in self.placed:
            self.journal.append(("lift", uid))
        return self._lift(uid)

    def adopt(self, uid: str, pod: Placed) -> None:
        """Note a pod that compiled code has counted on its node already."""
        if self.journal is not None:
            self.journal.append(("place", uid, pod))
        self._keep(uid, pod)
        slot = self.slots[pod.node]
        self._identities[uid].on[slot] += 1
        self.changed(slot)

    def renew(self, uid: str, pod: Obj) -> None:
        """Note a newer version of a placed pod that counts exactly as the one before."""
        if self.journal is not None:
            self.journal.append(("renew", uid, pod))
        known, started = self.placed[uid], (pod.get("status") or {}).get("startTime")
        made = replace(known, started=clock.seconds(started) if started else math.inf, pod=pod)
        self.placed[uid] = self._on[known.node][uid] = made

    def nominate(self, uid: str, pod: Incoming, node: str) -> None:
        """Note that room is being made for a pod on a node."""
        self.denominate(uid)
        if self.journal is not None:
            self.journal.append(("nominate", uid, pod, node))
        self.identity_of(pod)
        self.vector(pod.pod_class.requests)
        for port in pod.pod_class.ports:
            self.port(port)
        self.nominated[uid] = (pod, node)
        self._nominees.setdefault(node, {})[uid] = pod
        if node in self.slots:
            self.arrays.nominated[self.slots[node]] += 1

    def denominate(self, uid: str) -> None:
        """Note that no room is being made for a pod any more."""
        if uid not in self.nominated:
            return
        if self.journal is not None:
            self.journal.append(("denominate", uid))
        _, node = self.nominated.pop(uid)
        del self._nominees[node][uid]
        if not self._nominees[node]:
            del self._nominees[node]
        if node in self.slots:
            self.arrays.nominated[self.slots[node]] -= 1

    def set_beside(self, resource: str, obj: Obj) -> None:
        """Add or change an object beside nodes and pods."""
        if self.journal is not None:
            self.journal.append(("set_beside", resource, obj))
        self.beside.put(resource, obj)

    def remove_beside(self, resource: str, namespace: str, name: str) -> None:
        """Take an object beside nodes and pods out."""
        if self.journal is not None:
            self.journal.append(("remove_beside", resource, namespace, name))
        self.beside.remove(resource, namespace, name)

    # ------------------------------------------------------------ counting

    def _keep(self, uid: str, pod: Placed) -> None:
        self.placed[uid] = pod
        self._on.setdefault(pod.node, {})[uid] = pod
        self._identities[uid] = self.identity_of(pod)

    def _lift(self, uid: str) -> Placed | None:
        pod = self.placed.pop(uid, None)
        if pod is None:
            return None
        self._count(uid, pod, -1)
        del self._identities[uid]
        there = self._on[pod.node]
        last = next(reversed(there))
        if last == uid:
            del there[uid]
        else:
            moved = there.pop(last)
            self._on[pod.node] = {(last if u == uid else u): (moved if u == uid else p) for u, p in there.items()}
        if not self._on[pod.node]:
            del self._on[pod.node]
        return pod

    def _count(self, uid: str, pod: Placed, sign: int) -> None:
        slot = self.slots.get(pod.node)
        if slot is None:
            return
        vector = self.vector(pod.requests)
        for port in pod.pod_class.ports:
            column = self.port(port)
            self.arrays.ports[slot, column] += sign
        arrays = self.arrays
        arrays.requested[slot] += sign * vector
        cpu, memory = pod.requests.occupied
        arrays.occupied[slot, 0] += sign * cpu
        arrays.occupied[slot, 1] += sign * memory
        arrays.pods[slot] += sign
        self.tallies.add(self._identities[uid], slot, sign)
        self.changed(slot)

    def _recount(self) -> None:
        """Tell pods apart by the labels that matter now, and count them again."""
        self.tallies.restart()
        self._classes.clear()
        for uid, pod in self.placed.items():
            self._identities[uid] = identity = self.identity_of(pod)
            if pod.node in self.slots:
                self.tallies.add(identity, self.slots[pod.node], 1)
        for waiting, _ in self.nominated.values():
            self.identity_of(waiting)


def _started(pod: Obj) -> float:
    """When a pod was started, or inf."""
    started = (pod.get("status") or {}).get("startTime")
    return clock.seconds(started) if started else math.inf
