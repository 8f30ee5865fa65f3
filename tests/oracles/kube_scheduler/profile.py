"""Which plugins take part, with which arguments and weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.oracles.kube_scheduler.images import ImageLocality
from tests.oracles.kube_scheduler.inter_pod_affinity import InterPodAffinity
from tests.oracles.kube_scheduler.node_ports import NodePorts
from tests.oracles.kube_scheduler.node_resources import NodeResourcesBalancedAllocation, NodeResourcesFit
from tests.oracles.kube_scheduler.nodes_alone import (
    NodeAffinity,
    NodeDeclaredFeatures,
    NodeName,
    NodeUnschedulable,
    TaintToleration,
)
from tests.oracles.kube_scheduler.plugin import Plugin
from tests.oracles.kube_scheduler.pod_topology_spread import PodTopologySpread
from tests.oracles.kube_scheduler.volume_binding import VolumeBinding
from tests.oracles.kube_scheduler.volumes import NodeVolumeLimits, VolumeRestrictions, VolumeZone

FILTERS: list[type[Plugin]] = [
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    NodeDeclaredFeatures,
]
SCORES: list[tuple[type[Plugin], int]] = [
    (TaintToleration, 3),
    (NodeAffinity, 2),
    (NodeResourcesFit, 1),
    (PodTopologySpread, 2),
    (InterPodAffinity, 2),
    (NodeResourcesBalancedAllocation, 1),
    (ImageLocality, 1),
]


@dataclass
class Profile:
    """One profile of a KubeSchedulerConfiguration; as it stands, the default one."""

    args: dict[str, dict] = field(default_factory=dict)
    """plugin -> its arguments"""
    off: set[str] = field(default_factory=set)
    """plugins that are switched off altogether"""
    unscored: set[str] = field(default_factory=set)
    """plugins that do not score"""
    scored: set[str] = field(default_factory=set)
    """plugins that score, though they may be off otherwise"""
    weights: dict[str, int] = field(default_factory=dict)
    """plugin -> its weight, where it differs"""
    ties: str = "v1.36"
    """who wins among the best nodes: "v1.36" (the root of Go's heap) or "first" """

    def filters(self) -> list[type[Plugin]]:
        """The plugins that refuse nodes, in order."""
        return [plugin for plugin in FILTERS if plugin.name not in self.off]

    def scores(self) -> list[tuple[type[Plugin], int]]:
        """The plugins that score nodes, in order, with their weights."""
        silent = (self.off | self.unscored) - self.scored
        return [(p, self.weights.get(p.name, weight)) for p, weight in SCORES if p.name not in silent]


def profile_of(configuration: dict, scheduler: str = "default-scheduler") -> Profile:
    """A profile of a KubeSchedulerConfiguration."""
    found = Profile()
    for written in configuration.get("profiles", []):
        if written.get("schedulerName", "default-scheduler") != scheduler:
            continue
        found.args = {entry["name"]: entry["args"] for entry in written.get("pluginConfig", [])}
        points = written.get("plugins", {})
        found.off = _names(points.get("multiPoint", {}), "disabled")
        found.unscored = _names(points.get("score", {}), "disabled")
        found.scored = _names(points.get("score", {}), "enabled")
        for point in ("multiPoint", "score"):
            for entry in points.get(point, {}).get("enabled", []):
                if entry.get("weight"):
                    found.weights[entry["name"]] = entry["weight"]
    return found


def _names(point: dict, which: str) -> set[str]:
    """Plugins that are enabled or disabled at an extension point; "*" is all of them."""
    names = {entry["name"] for entry in point.get(which, [])}
    return names | ({p.name for p in FILTERS} | {p.name for p, _ in SCORES} if "*" in names else set())
