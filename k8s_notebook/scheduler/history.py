"""The last decisions, kept as what they rest on: the changes of the cluster in order, with the decisions between them.

Deciding is deterministic, so a decision is shown by making it again: on a copy of the cluster as it was before the oldest kept
decision (`_past`), with the changes up to that decision made to it. What is kept are references to objects that nobody changes.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from k8s_notebook.scheduler import changes, explain, surroundings
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Placed
from k8s_notebook.scheduler.cycle import Cycle, Decision
from k8s_notebook.scheduler.explain import Explanation
from k8s_notebook.scheduler.profiles import Profile

MOST_DECISIONS = 10_000
MOST_CHANGES = 250_000
"""Changes that are kept; with more of them decisions are dropped although there are fewer than `MOST_DECISIONS`."""
PER_TIDYING = 500
"""Changes that `tidy` brings the past forward by at once."""

LOOK = "look"
"""Stands in the journal for a decision: with it a cluster settles the order of its nodes, and what each knows of images."""
_LOOK = (LOOK,)

Change = tuple[Any, ...]
"""(method of Cluster, arguments…)"""


class Record(NamedTuple):
    """One decision. `place` counts the changes of the cluster that came before it, since the history began."""

    place: int
    incoming: Incoming
    profile: Profile
    start: int
    """Where the search began."""
    decision: Decision
    at: float
    """In seconds since 1970."""


class History:
    """The decisions about the pods of one cluster. It is the cluster's journal from the moment it is made."""

    def __init__(self, cluster: Cluster, most: int = MOST_DECISIONS) -> None:
        self._journal: list[Change] = []
        self._dropped = 0
        """How many changes the past has seen."""
        self._past = copy(cluster)
        self._records: deque[Record] = deque()
        self._newest: dict[tuple[str, str], Record] = {}
        self._most = most
        cluster.journal = cluster.beside.journal = self._journal

    def __len__(self) -> int:
        """How many decisions can be shown."""
        return len(self._records)

    def decided(self, incoming: Incoming, profile: Profile, start: int, decision: Decision, at: float) -> None:
        """Note a decision, before its pod is placed. `start` is where the cycle's search began."""
        record = Record(self._dropped + len(self._journal), incoming, profile, start, decision, at)
        self._journal.append(_LOOK)
        self._records.append(record)
        self._newest[incoming.namespace, incoming.name] = record

    def newest(self, namespace: str, name: str) -> Record | None:
        """The last decision about a pod of that name, or None."""
        return self._newest.get((namespace, name))

    def all(self, namespace: str = "") -> list[Record]:
        """The last decision about each pod (of a namespace), by (namespace, name)."""
        return [self._newest[key] for key in sorted(self._newest) if not namespace or key[0] == namespace]

    def about(self, namespace: str, name: str) -> list[Record]:
        """All kept decisions about pods of that name, oldest first."""
        return [r for r in self._records if r.incoming.name == name and r.incoming.namespace == namespace]

    def explain(self, record: Record, *, help: bool = False) -> Explanation:
        """The decision in full, as it was made. With `help`, what would have helped a pod that fitted nowhere."""
        cluster = self.cluster_at(record)
        cycle = Cycle(cluster, record.profile)
        cycle.start = record.start
        incoming = cluster.incoming(record.incoming.pod)
        found = explain.of_cycle(cycle, incoming)
        if found.node != record.decision.node:
            found = _as_decided(found, record.decision)
        if help and not found.node and len(cluster):
            tried = tuple(changes.find(cluster, record.profile, incoming, found.evidence))
            found = dataclasses.replace(found, changes=tried)
        return dataclasses.replace(
            found, kind=explain.RECORDED, at=record.at, message=record.decision.message, bound_to=record.decision.node
        )

    def cluster_at(self, record: Record) -> Cluster:
        """The cluster as it was when a decision was made; the caller's own."""
        cluster = copy(self._past)
        replay(cluster, self._journal[: record.place - self._dropped])
        return cluster

    def tidy(self) -> bool:
        """Whether there is more to do: forget a few of the oldest decisions if there are too many, and bring the past forward."""
        while self._records and (len(self._records) > self._most or len(self._journal) - self._first() > MOST_CHANGES):
            self._forget(self._records.popleft())
        count = min(self._first(), PER_TIDYING)
        replay(self._past, self._journal[:count])
        del self._journal[:count]
        self._dropped += count
        return bool(count)

    def _first(self) -> int:
        """How many changes no kept decision rests on one by one."""
        return self._records[0].place - self._dropped if self._records else len(self._journal)

    def _forget(self, record: Record) -> None:
        key = record.incoming.namespace, record.incoming.name
        if self._newest.get(key) is record:
            del self._newest[key]


def _as_decided(found: Explanation, decision: Decision) -> Explanation:
    """The explanation with the node that was in fact taken: chance decided between equals."""
    nodes = found.evidence.nodes
    row = nodes.index(decision.node) if decision.node in nodes else -1
    return dataclasses.replace(found, node=decision.node, evidence=dataclasses.replace(found.evidence, chosen=row))


def replay(cluster: Cluster, journal: Iterable[Change]) -> None:
    """Make the changes of a journal to a cluster. Pods are read again: classes belong to one cluster."""
    for method, *arguments in journal:
        if method == "place":
            cluster.place(arguments[0], _read(cluster, arguments[1]))
        elif method == LOOK:
            _ = cluster.order
            cluster.images.look()
        elif method == "nominate":
            cluster.nominate(arguments[0], cluster.incoming(arguments[1].pod), arguments[2])
        else:
            getattr(cluster if hasattr(cluster, method) else cluster.beside, method)(*arguments)


def _read(cluster: Cluster, pod: Placed) -> Placed:
    return dataclasses.replace(pod, pod_class=cluster.pod_class(pod.pod))


def copy(cluster: Cluster) -> Cluster:
    """Another cluster that decides alike: the same nodes in the same order, pods, nominations and objects beside."""
    made = Cluster()
    _keep_beside(made, cluster)
    for members in cluster._tree._zones.values():
        for name in members:
            made.set_node(cluster.objects[cluster.slots[name]])
    _keep_order(made, cluster)
    nodes = dict.fromkeys(pod.node for pod in cluster.placed.values())
    for node in nodes:
        for uid, pod in cluster.pods_on(node).items():
            made.place(uid, _read(made, pod))
    _keep_images(made, cluster)
    made.placed = {uid: made.placed[uid] for uid in cluster.placed}
    for uid, (incoming, node) in cluster.nominated.items():
        made.nominate(uid, made.incoming(incoming.pod), node)
    return made


def _keep_beside(made: Cluster, cluster: Cluster) -> None:
    """Have the same objects beside, and assume the same of them."""
    for resource in surroundings.RESOURCES:
        for obj in cluster.beside._stored[resource].values():
            made.set_beside(resource, obj)
        made.beside._assumed[resource].update(cluster.beside._assumed[resource])


def _keep_images(made: Cluster, cluster: Cluster) -> None:
    """Know of images what this one knows: how many nodes have one is as old as the last change of a node."""
    old, new = cluster.images, made.images
    slots = {slot: made.slots[name] for name, slot in cluster.slots.items()}
    new._epoch, new._images = old._epoch, {}
    new._seen[list(slots.values())] = old._seen[list(slots)]
    new._touched = {slots[slot] for slot in old._touched if slot in slots}
    for name, image in old._images.items():
        twin = new._images[name] = type(image)(image.size)
        twin.slots = dict.fromkeys(slots[slot] for slot in image.slots)
        twin.epochs, twin.counts = list(image.epochs), list(image.counts)


def _keep_order(made: Cluster, cluster: Cluster) -> None:
    """Look at nodes in the same order: it is that of their zones when the last node came or went."""
    if cluster._order is not None:
        made._order = np.array([made.slots[cluster.names[slot]] for slot in cluster._order.tolist()], np.int64)
        made._positions = np.full(len(made.names), -1, np.int64)
        made._positions[made._order] = np.arange(len(made._order))
