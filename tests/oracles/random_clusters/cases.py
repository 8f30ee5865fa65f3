"""A case: one random cluster and the pods that wait for a node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tests.oracles.kube_scheduler import node_ports
from tests.oracles.random_clusters import beside, containers, nodes, pods, strategies, volumes
from tests.oracles.random_clusters.dice import ALL, Dice, Json, timestamp

PREEMPTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "PreemptionByScheduler",
    "message": "default-scheduler: preempting to accommodate a higher priority pod",
    "lastTransitionTime": timestamp(900),
}


@dataclass
class Case:
    """Everything kube-scheduler knows, and what it is asked."""

    seed: int
    nodes: list[Json]
    """in the order in which they are added"""
    pods: list[Json]
    """assigned pods, in the order in which they are added"""
    objects: list[Json]
    """what lies beside nodes and pods"""
    pending: list[Json]
    """pods that wait for a node, to be decided one after the other"""
    nominated: list[Json]
    """pods that wait for room on the node of their status.nominatedNodeName; not to be decided"""
    percentage: int
    """percentageOfNodesToScore, 0 = adaptive"""
    config: Json
    """a KubeSchedulerConfiguration"""

    def to_json(self) -> Json:
        """The case as plain JSON values, with the objects that a scheduler watches."""
        return {**asdict(self), "objects": [o for o in self.objects if o["kind"] not in ("PriorityClass", "RuntimeClass")]}


def random_cluster(seed: int, *, features: Iterable[str] = ALL, nodes: tuple[int, int] = (1, 40), percentage: int = 100) -> Case:
    """The case of a seed; `features` are the families that take part (see ALL), `nodes` the least and most nodes."""
    dice = Dice(seed, features)
    machines = _machines(dice, dice.randint(*nodes))
    objects = [*beside.objects(dice), *volumes.objects(dice, machines)]
    assigned = [_assigned(dice, f"old-{i}", machines, objects) for i in range(_crowd(dice, len(machines)))]
    _distinct_ports(assigned)
    _distinct_times(dice, assigned)
    pending = [_pending(dice, f"new-{i}", machines, objects) for i in range(dice.randint(2, 6))]
    waiting = [_nominated(dice, f"named-{i}", machines, objects) for i in range(dice.randint(0, 4))]
    waiting = waiting if "nominated" in dice.features else []
    config = strategies.configuration(dice)
    config["percentageOfNodesToScore"] = percentage
    return Case(seed, machines, assigned, objects, pending, waiting, percentage, config)


def _machines(dice: Dice, count: int) -> list[Json]:
    return [nodes.node(dice, number) for number in range(1, count + 1)]


def _crowd(dice: Dice, machines: int) -> int:
    """How many pods run already: from none to several per node, more when pods compete for room."""
    if dice.crowded:
        return dice.randint(3 * machines, 6 * machines)
    return dice.randint(0, dice.choice([0, 1, 2, 4]) * machines)


def _pending(dice: Dice, name: str, machines: list[Json], objects: list[Json]) -> Json:
    made = pods.pod(dice, name, machines)
    beside.own(dice, made, objects)
    volumes.use(dice, made, objects)
    made["status"]["startTime"] = timestamp(3000 + int(name.split("-")[1]))  # it may become a victim once it has a node
    if dice.uses("nominated", 0.15):
        made["status"]["nominatedNodeName"] = dice.choice(machines)["metadata"]["name"]
    return made


def _nominated(dice: Dice, name: str, machines: list[Json], objects: list[Json]) -> Json:
    made = pods.pod(dice, name, machines, modest=dice.often(0.5))
    beside.own(dice, made, objects)
    pods.prioritise(made["spec"], dice.choice([0, 10, 100]))
    made["status"]["nominatedNodeName"] = dice.choice(machines)["metadata"]["name"]
    return made


def _assigned(dice: Dice, name: str, machines: list[Json], objects: list[Json]) -> Json:
    made = pods.pod(dice, name, machines, modest=dice.often(0.8))
    made["spec"]["nodeName"] = dice.choice(machines)["metadata"]["name"]
    made["status"] = {"phase": "Running"}
    beside.own(dice, made, objects)
    volumes.use(dice, made, objects, assigned=True)
    if dice.uses("resize", 0.2):
        containers.resize(dice, made)
    if dice.often(0.06):
        made["metadata"] |= {"deletionTimestamp": timestamp(900), "deletionGracePeriodSeconds": 30}
        if dice.often(0.4):
            made["status"]["conditions"] = [PREEMPTED]
    return made


def _distinct_ports(assigned: list[Json]) -> None:
    """Takes the ports from pods whose host ports others on the node hold: no kubelet would have run them."""
    held: dict[str, list[node_ports.Port]] = {}
    for one in assigned:
        there, wanted = held.setdefault(one["spec"]["nodeName"], []), node_ports.ports_of(one)
        if any(node_ports.clash(a, b) for a in wanted for b in there):
            for container in one["spec"]["containers"] + one["spec"].get("initContainers", []):
                container.pop("ports", None)
        else:
            there += wanted


def _distinct_times(dice: Dice, assigned: list[Json]) -> None:
    """Start times: no two alike on one node, many alike on different ones."""
    by_node: dict[str, list[Json]] = {}
    for one in assigned:
        by_node.setdefault(one["spec"]["nodeName"], []).append(one)
    for there in by_node.values():
        moments = dice.sample(range(60, 60 + dice.choice([1, 3]) * len(there)), len(there))
        for one, moment in zip(there, moments, strict=True):
            one["status"]["startTime"] = timestamp(moment)
            one["metadata"]["creationTimestamp"] = timestamp(moment - 1)
