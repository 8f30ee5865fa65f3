"""What the oracle is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Cluster:
    """Everything kube-scheduler knows about a cluster."""

    nodes: list[dict]
    """in the order in which they were added"""
    pods: list[dict] = field(default_factory=list)
    """the assigned ones, in the order in which they came"""
    objects: list[dict] = field(default_factory=list)
    """namespaces, services, owners, disruption budgets, volumes: whatever has a kind"""
    nominated: list[dict] = field(default_factory=list)
    """pods that wait for room on the node of their status.nominatedNodeName"""

    def on(self, node: dict) -> list[dict]:
        """The pods that hold room on a node."""
        name = node["metadata"]["name"]
        mine = [p for p in self.pods if p["spec"].get("nodeName") == name]
        return [p for p in mine if p.get("status", {}).get("phase") not in ("Succeeded", "Failed")]

    def kind(self, kind: str, namespace: str | None = None) -> list[dict]:
        """The objects of one kind, all or those of one namespace."""
        found = [o for o in self.objects if o["kind"] == kind]
        return [o for o in found if namespace is None or o["metadata"].get("namespace", "") == namespace]

    def get(self, kind: str, name: str, namespace: str = "") -> dict | None:
        """One object, None if there is no such one."""
        for candidate in self.objects:
            place = candidate["metadata"].get("namespace", "")
            if (candidate["kind"], place, candidate["metadata"]["name"]) == (kind, namespace, name):
                return candidate
        return None


@dataclass
class Verdict:
    """Why a plugin refuses a node."""

    plugin: str
    reasons: list[str]
    final: bool
    """True: no preemption can help (UnschedulableAndUnresolvable)"""


@dataclass
class Victims:
    """Who would have to leave a node."""

    pods: list[dict]
    """the most important first"""
    violations: int
    """how many of them a disruption budget protects"""


@dataclass
class Answer:
    """What was decided, and everything that led to it."""

    node: str
    message: str
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """node -> reasons of the first plugin that refused it"""
    scores: dict[str, dict[str, tuple[int, int, int]]] = field(default_factory=dict)
    """plugin -> node -> (raw, normalised, weighted)"""
    totals: dict[str, int] = field(default_factory=dict)
    next_start: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """node -> who refused it and how; nodes that were not looked at are not here"""
    feasible: list[str] = field(default_factory=list)
    """in the order in which they were found"""
    refused: str = ""
    """why the pod was refused before any node was looked at"""
    elsewhere: str = ""
    """why the nodes that were not looked at will not do, if the pod names its nodes"""
    nominated: str = ""
    """the node on which preemption makes room"""
    victims: list[str] = field(default_factory=list)
    """uids of the pods that leave that node, the most important first"""
    candidates: dict[str, Victims] = field(default_factory=dict)
    """node -> who would have to leave, for every node where preemption would help"""
    best: list[str] = field(default_factory=list)
    """the candidates between which only chance decides"""
    hopeless: dict[str, list[str]] = field(default_factory=dict)
    """node -> why preemption does not help there, for nodes where it was tried"""
    renominates: bool = False
    """whether the pod's nomination becomes `nominated`, be it "" (or else it stays as it was)"""

    @property
    def codes(self) -> dict[str, str]:
        """node -> status code, for nodes that were refused."""
        names = {True: "UnschedulableAndUnresolvable", False: "Unschedulable"}
        return {node: names[verdict.final] for node, verdict in self.verdicts.items()}
