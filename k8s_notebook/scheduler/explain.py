"""Why a pod goes, went, or cannot go somewhere: its decision in columns, a sentence, and what would help.

Pure: it works on any cluster's objects. Nothing is made per node until it is shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import amounts, changes, edits, evidence, pods, profiles, sentences
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.changes import Change
from k8s_notebook.scheduler.cycle import Cycle
from k8s_notebook.scheduler.evidence import Evidence
from k8s_notebook.scheduler.profiles import Profile

RECORDED, RECOMPUTED = "recorded", "recomputed"
SOURCES = {
    RECORDED: "recorded: the scheduler's own decision, as it was made",
    RECOMPUTED: "recomputed from what is in the cluster now, with the pod itself taken out; not a record of the scheduler's decision",
}


@dataclass(frozen=True)
class Explanation:
    """Why one pod is (not) on a node. `evidence` has one row per node; `order` names its rows, best first."""

    namespace: str
    name: str
    node: str
    """The node that was, or would now be, chosen; or ""."""
    bound_to: str
    """The node that the pod is on, or ""."""
    message: str
    """kube-scheduler's own sentence if no node fits, else ""."""
    evidence: Evidence
    gates: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    """What would help a pod that is on no node, each tried; the smallest first."""
    nominated: str = ""
    """The node where room is being made, or ""."""
    victims: tuple[str, ...] = ()
    """The pods that must go for that: namespace/name."""
    kind: str = RECOMPUTED
    """"recorded" or "recomputed"."""
    at: float | None = None
    """When the decision was made, in seconds since 1970; None for one that is made now."""
    today: str = ""
    """For a recorded decision: what it would be today, if that differs."""
    room: Mapping[str, Mapping[str, tuple[int, int, int]]] = dataclasses.field(default_factory=dict)
    """node -> resource -> (missing, asked for, free) in whole units, for the nodes that come closest"""

    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """node -> what exactly is in the way there, for the first nodes of each reason"""

    @property
    def source(self) -> str:
        """Whether this is a record or was made again, in a sentence."""
        return SOURCES[self.kind]

    @cached_property
    def order(self) -> list[int]:
        """The rows of the nodes, best first."""
        found: list[int] = self.evidence.order().tolist()
        return found

    @cached_property
    def feasible(self) -> int:
        """How many nodes no filter refuses."""
        return int(self.evidence.feasible.sum())

    @cached_property
    def sentence(self) -> str:
        """The answer in one sentence."""
        said = sentences.answer(self)
        return f"{said}; today: {self.today}" if self.today else said

    def refusals(self) -> list[tuple[str, str, list[int]]]:
        """(plugin, reason, rows): the refused nodes by the reason of the first filter, the most frequent first."""
        found = self.evidence
        return [(found.filters[f], found.texts[t], rows.tolist()) for f, t, rows in found.first_reasons()]

    def annotations(self) -> dict[str, str]:
        """The decision in the annotation keys of kube-scheduler-simulator: filter-result, score-result, …"""
        from k8s_notebook.scheduler import simulator

        return simulator.as_annotations(self)


def explain(
    pod: Obj, nodes: Iterable[Obj], others: Iterable[Obj], *, profile: Profile = profiles.DEFAULT,
    beside: Mapping[str, Iterable[Obj]] | None = None, help: bool = True,
) -> Explanation:  # fmt: skip
    """The explanation for a pod, bound or pending, among `nodes` (in the scheduler's order of arrival) and all `others` pods.

    `beside` has the other objects that decisions rest on, by resource ("services", "persistentvolumeclaims", …). Every node is
    looked at, also where the scheduler would have stopped early in a large cluster. With `help`, changes are looked for if the
    pod is on no node.
    """
    cluster = cluster_of(nodes, others, without=_uid(pod), beside=beside)
    unbound = {**pod, "spec": {k: v for k, v in pod["spec"].items() if k != "nodeName"}}
    incoming = cluster.incoming(unbound)
    cycle = Cycle(cluster, dataclasses.replace(profile, percentage=100))
    found = of_cycle(cycle, incoming, bound_to=pod["spec"].get("nodeName") or "")
    stuck = not found.bound_to and (not found.node or bool(found.gates))
    if help and stuck and len(cluster):
        tried = changes.find(cluster, profile, incoming, found.evidence)
        return dataclasses.replace(found, changes=tuple(tried))
    return found


def of_cycle(cycle: Cycle, incoming: Incoming, *, bound_to: str = "") -> Explanation:
    """The explanation of the decision that a cycle makes for a pod now; the cycle goes on as if nothing had been asked."""
    start = cycle.start
    decision = cycle.decide(incoming)
    cycle.start = start
    rests_on = evidence.of(cycle, incoming, node=decision.node)
    cluster = cycle.cluster
    victims = tuple(f"{p.namespace}/{p.name}" for uid in decision.victims if (p := cluster.placed.get(uid)) is not None)
    gates = tuple(str(g["name"]) for g in incoming.pod["spec"].get("schedulingGates") or ())
    return Explanation(
        incoming.namespace, incoming.name, decision.node, bound_to, decision.message, rests_on, gates,
        nominated=decision.nominated, victims=victims, room={} if decision.node else closest(cluster, incoming, rests_on), notes=_notes(cluster, incoming, rests_on),
    )  # fmt: skip


def _notes(cluster: Cluster, incoming: Incoming, rests_on: Evidence, most: int = 20) -> dict[str, str]:
    """node -> the taints that keep the pod away, for the first such nodes."""
    if "TaintToleration" not in rests_on.filters:
        return {}
    case = edits.Case(cluster, incoming)
    tainted = np.flatnonzero(rests_on.stopped == rests_on.filters.index("TaintToleration"))[:most]
    nodes = [rests_on.nodes[row] for row in tainted.tolist()]
    return {node: ", ".join(map(edits.spelled, edits.untolerated(case, node))) for node in nodes}


def closest(
    cluster: Cluster, incoming: Incoming, rests_on: Evidence, most: int = 40
) -> dict[str, dict[str, tuple[int, int, int]]]:
    """node -> what it lacks, for the nodes with too little room that come closest."""
    if "NodeResourcesFit" not in rests_on.filters:
        return {}
    short = np.flatnonzero(rests_on.stopped == rests_on.filters.index("NodeResourcesFit"))
    case = edits.Case(cluster, incoming)
    found = {rests_on.nodes[row]: edits.shortages(case, rests_on.nodes[row]) for row in short.tolist()}
    share = {n: (max((lack / asked for lack, asked, _ in s.values()), default=0.0), n) for n, s in found.items()}
    return {n: found[n] for n in sorted(found, key=share.__getitem__)[:most]}


def cluster_of(
    nodes: Iterable[Obj], running: Iterable[Obj], *, without: str = "", beside: Mapping[str, Iterable[Obj]] | None = None
) -> Cluster:
    """The arrays of nodes and of the pods that occupy them; the pod with the uid (or name) `without` is left out."""
    cluster = Cluster()
    for resource, objects in (beside or {}).items():
        for obj in objects:
            cluster.set_beside(resource, obj)
    for node in nodes:
        cluster.set_node(node)
    for pod in running:
        uid = _uid(pod)
        if uid != without and not pods.ended(pod):
            _add(cluster, uid, pod)
    return cluster


def _add(cluster: Cluster, uid: str, pod: Obj) -> None:
    if pod["spec"].get("nodeName"):
        cluster.place(uid, cluster.read(pod))
    elif (pod.get("status") or {}).get("nominatedNodeName"):
        cluster.nominate(uid, cluster.incoming(pod), pod["status"]["nominatedNodeName"])


def _uid(pod: Obj) -> str:
    found: str = pod["metadata"].get("uid") or pod["metadata"]["name"]
    return found


__all__ = ["RECOMPUTED", "RECORDED", "Change", "Explanation", "amounts", "closest", "cluster_of", "explain", "of_cycle"]
