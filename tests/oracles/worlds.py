"""Clusters for the slow twin, from builders."""

from __future__ import annotations

from typing import Any

from tests.builders import NodeBuilder, PodBuilder
from tests.oracles import kube_scheduler as twin


def cluster(nodes: list[NodeBuilder], *others: Any) -> twin.Cluster:
    """A cluster of nodes, pods and anything else."""
    stored = [other.stored() for other in others]
    pods = [o for o in stored if o["kind"] == "Pod"]
    running = [p for p in pods if p["spec"].get("nodeName")]
    waiting = [p for p in pods if p.get("status", {}).get("nominatedNodeName")]
    objects = [o for o in stored if o["kind"] != "Pod"]
    return twin.Cluster([n.stored() for n in nodes], running, objects, waiting)


def decide(pending: PodBuilder, nodes: list[NodeBuilder], *others: Any, **settings: Any) -> twin.Answer:
    """The decision for a pod."""
    return twin.answer(cluster(nodes, *others), pending.stored(), **settings)
