"""Filters: one pod against one node, minding pods that are nominated to it."""

from __future__ import annotations

from tests.oracles.kube_scheduler.cluster import Cluster, Verdict
from tests.oracles.kube_scheduler.nodes_alone import NodeAffinity
from tests.oracles.kube_scheduler.plugin import Plugin, name_of, priority_of
from tests.oracles.kube_scheduler.profile import Profile


class Filters:
    """All filters of a profile, asked about one pod."""

    def __init__(self, cluster: Cluster, pod: dict, profile: Profile) -> None:
        self.cluster = cluster
        self.pod = pod
        self.plugins = [plugin(cluster, pod, profile.args.get(plugin.name, {})) for plugin in profile.filters()]

    def begin(self) -> str:
        """PreFilter: the reason of the first plugin that refuses every node for good, "" if none does."""
        for plugin in self.plugins:
            refused = plugin.begin()
            if refused:
                return refused
        self.plugins = [plugin for plugin in self.plugins if not plugin.skips]
        return ""

    def named_nodes(self) -> set[str] | None:
        """The only nodes that come into question, None for all."""
        for plugin in self.plugins:
            if isinstance(plugin, NodeAffinity):
                return plugin.named_nodes()
        return None

    def copied(self) -> list[Plugin]:
        """The plugins with what they have counted; moving them does not move these."""
        return [plugin.copied() for plugin in self.plugins]

    def refusal(self, node: dict, there: list[dict], plugins: list[Plugin] | None = None) -> Verdict | None:
        """Why the pod cannot run on a node with these pods: with those that are nominated to it, and then without."""
        plugins = self.plugins if plugins is None else plugins
        mine = [p for p in self.cluster.nominated if p["status"]["nominatedNodeName"] == name_of(node)]
        others = [p for p in mine if p["metadata"]["uid"] != self.pod["metadata"].get("uid")]
        coming = [p for p in others if priority_of(p) >= priority_of(self.pod)]
        if coming:
            expecting = [plugin.copied() for plugin in plugins]
            for other in coming:
                for plugin in expecting:
                    plugin.moved(other, node, 1)
            verdict = first_refusal(expecting, node, there + coming)
            if verdict:
                return verdict
        return first_refusal(plugins, node, there)


def names_nodes(pod: dict) -> bool:
    """Whether a pod names the nodes that come into question."""
    return bool(NodeAffinity(Cluster([]), pod, {}).named_nodes())


def first_refusal(plugins: list[Plugin], node: dict, there: list[dict]) -> Verdict | None:
    """What the first plugin that refuses a node says."""
    for plugin in plugins:
        verdict = plugin.refusal(node, there)
        if verdict:
            return verdict
    return None
