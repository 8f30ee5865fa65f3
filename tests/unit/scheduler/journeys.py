"""Random journeys: a cluster that changes between decisions, with the slow twin's answer at every step."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

from tests.oracles import kube_scheduler as twin
from tests.oracles import random_clusters
from tests.oracles.kube_scheduler.order import zone_of
from tests.oracles.random_clusters import nodes, pods
from tests.parity import ours

Json = dict[str, Any]
Change = tuple[str, Any]
ZONAL = ("zone", "region")


@dataclass(frozen=True)
class Step:
    """What changes, the pod that is decided then, and what comes of it."""

    changes: tuple[Change, ...]
    pod: Json
    answer: twin.Answer


@dataclass(frozen=True)
class Journey:
    """A case, and steps that begin with it."""

    case: random_clusters.Case
    steps: tuple[Step, ...]


@functools.cache
def journey(
    seed: int, features: tuple[str, ...] = random_clusters.ALL, size: tuple[int, int] = (1, 12), percentage: int = 100,
    length: int = 7, ties: str = "v1.36",
) -> Journey:  # fmt: skip
    """The journey of a seed."""
    case = random_clusters.random_cluster(seed, features=features, nodes=size, percentage=percentage)
    return Journey(case, tuple(_World(case, features, ties).steps(length)))


def apply(there: ours.Ours, change: Change) -> None:
    """The same change in our scheduler's cluster."""
    what, value = change
    cluster = there.cluster
    match what:
        case "node":
            cluster.set_node(value)
        case "no node":
            cluster.remove_node(value)
        case "pod":
            cluster.place(value["metadata"]["uid"], cluster.read(value))
        case "no pod":
            cluster.lift(value)
        case _:
            there.beside(value)


class _World:
    """The twin's cluster; zone by zone, each in the order in which its nodes came."""

    def __init__(self, case: random_clusters.Case, features: tuple[str, ...], ties: str) -> None:
        self._dice = random_clusters.Dice(case.seed, features)
        self._case, self._start, self._gone = case, 0, list[Json]()
        self._cluster = twin.Cluster([], list(case.pods), list(case.objects), list(case.nominated))
        self._kind = case.pending[0]
        self._profile = replace(twin.profile_of(case.config), ties=ties)
        self._memory = twin.ImageMemory()
        self._zones: dict[tuple[str, str], list[Json]] = {}
        for node in case.nodes:
            self._set_node(node)

    def steps(self, length: int) -> list[Step]:
        found: list[Step] = []
        again: Json | None = None
        changes: list[Change] = []
        for number in range(length):
            for _ in range(self._dice.choice([0, 1, 1, 2]) if number and again is None else 0):
                changes += self._change(number)
            pod = again or self._next(number)
            step = Step(tuple(changes), pod, self._decide(pod))
            found.append(step)
            again, changes = self._evicted(step)
        return found

    def _next(self, number: int) -> Json:
        """One of the pending pods, or another one of its kind; often of the kind of the last."""
        if number < len(self._case.pending) and self._dice.often(0.4):
            self._kind = self._case.pending[number]
            return self._kind
        pod = self._kind = self._kind if self._dice.often(0.6) else self._dice.choice(self._case.pending)
        name = f"again-{number}"
        return {**pod, "metadata": {**pod["metadata"], "name": name, "uid": f"uid-{name}"}}

    def _decide(self, pod: Json) -> twin.Answer:
        self._memory.decide()
        found = twin.answer(
            self._cluster, pod, start=self._start, percentage=self._case.percentage, profile=self._profile, memory=self._memory
        )
        twin.settle(self._cluster, pod, found, self._profile)
        self._start = found.next_start
        if found.node:
            self._memory.changed.add(found.node)
        return found

    def _evicted(self, step: Step) -> tuple[Json | None, list[Change]]:
        """The pod once more and what leaves for it, if its victims leave."""
        if not step.answer.nominated or self._dice.often(0.4):
            return None, []
        status = {**step.pod.get("status", {}), "nominatedNodeName": step.answer.nominated}
        return {**step.pod, "status": status}, [self._without(uid) for uid in step.answer.victims]

    # ------------------------------------------------------------ changes

    def _change(self, number: int) -> list[Change]:
        kinds = [self._node_changes, self._node_changes, self._node_comes, self._node_goes, self._pod_comes, self._pod_goes]
        return self._dice.choice([*kinds, self._pod_goes, self._pod_ends, self._object_changes])(number)

    def _set_node(self, node: Json) -> Change:
        zone = self._zones.setdefault(zone_of(node), [])
        same = [i for i, other in enumerate(zone) if other["metadata"]["name"] == node["metadata"]["name"]]
        if same:
            zone[same[0]] = node
        else:
            zone.append(node)
        self._memory.set_node(node)
        self._cluster.nodes = [each for zone in self._zones.values() for each in zone]
        return "node", node

    def _node_changes(self, number: int) -> list[Change]:
        """Other labels, taints, room and images; the zone stays."""
        old = self._dice.choice(self._cluster.nodes)
        new = nodes.node(self._dice, 1)
        kept = {k: v for k, v in old["metadata"]["labels"].items() if k.endswith(ZONAL)}
        labels = {k: v for k, v in new["metadata"]["labels"].items() if not k.endswith(ZONAL)}
        if "kubernetes.io/hostname" in labels:
            labels["kubernetes.io/hostname"] = old["metadata"]["name"]
        part = self._dice.choice(["metadata", "spec", "status", ""])
        new["metadata"] = {**old["metadata"], "labels": {**labels, **kept}}
        return [self._set_node({**old, part: new[part]} if part else new)]

    def _node_comes(self, number: int) -> list[Change]:
        if self._gone and self._dice.often(0.5):
            return [self._set_node(self._gone.pop())]
        made = nodes.node(self._dice, 100 + number)
        known = {node["metadata"]["name"] for node in self._cluster.nodes + self._gone}
        return [] if made["metadata"]["name"] in known else [self._set_node(made)]

    def _node_goes(self, number: int) -> list[Change]:
        """Its pods are still known."""
        if len(self._cluster.nodes) < 2:
            return []
        node = self._dice.choice(self._cluster.nodes)
        zone = self._zones[zone_of(node)]
        zone.remove(node)
        if not zone:
            del self._zones[zone_of(node)]
        self._cluster.nodes.remove(node)
        self._gone.append(node)
        name = node["metadata"]["name"]
        self._memory.set_node({**node, "status": {}})
        for known in (self._memory.images_of, self._memory.counted):
            known.pop(name, None)
        self._memory.changed.discard(name)
        return [("no node", name)]

    def _pod_comes(self, number: int) -> list[Change]:
        """Another scheduler, or a person, put it there."""
        pod = pods.pod(self._dice, f"other-{number}-{len(self._cluster.pods)}", self._cluster.nodes, modest=True)
        pod["spec"]["nodeName"] = self._dice.choice(self._cluster.nodes)["metadata"]["name"]
        pod["spec"]["containers"] = [{k: v for k, v in c.items() if k != "ports"} for c in pod["spec"]["containers"]]
        pod["status"] = {"phase": "Running", "startTime": f"2026-01-01T02:00:{len(self._cluster.pods) % 60:02d}Z"}
        self._cluster.pods.append(pod)
        self._memory.changed.add(pod["spec"]["nodeName"])
        return [("pod", pod)]

    def _pod_goes(self, number: int) -> list[Change]:
        if not self._cluster.pods:
            return []
        return [self._without(self._dice.choice(self._cluster.pods)["metadata"]["uid"])]

    def _pod_ends(self, number: int) -> list[Change]:
        """A pod is deleted, but still there."""
        if not self._cluster.pods:
            return []
        at = self._dice.randrange(len(self._cluster.pods))
        old = self._cluster.pods[at]
        new = {**old, "metadata": {**old["metadata"], "deletionTimestamp": "2026-01-01T03:00:00Z"}}
        self._cluster.pods[at] = new
        self._touch(new["spec"]["nodeName"])
        return [("pod", new)]

    def _without(self, uid: str) -> Change:
        pod = next(p for p in self._cluster.pods if p["metadata"]["uid"] == uid)
        self._cluster.pods.remove(pod)
        self._touch(pod["spec"]["nodeName"])
        return "no pod", uid

    def _touch(self, node: str) -> None:
        if node in self._memory.images_of:
            self._memory.changed.add(node)

    def _object_changes(self, number: int) -> list[Change]:
        """A namespace gets other labels, a Service another selector, a budget another number."""
        kinds = ("Namespace", "Service", "PodDisruptionBudget")
        some = [i for i, obj in enumerate(self._cluster.objects) if obj["kind"] in kinds]
        at = self._dice.choice(some)
        old = self._cluster.objects[at]
        if old["kind"] == "Namespace":
            new = {**old, "metadata": {**old["metadata"], "labels": {"team": self._dice.choice("abc")}}}
        elif old["kind"] == "Service":
            new = {**old, "spec": {**old["spec"], "selector": self._dice.labels()}}
        else:
            new = {**old, "status": {**old["status"], "disruptionsAllowed": self._dice.randint(0, 2)}}
        self._cluster.objects[at] = new
        return [("object", new)]
