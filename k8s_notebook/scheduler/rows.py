"""What is known of one pod class on every node: verdicts and raw scores, redone only where something changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import node_affinity, node_ports
from k8s_notebook.scheduler.plugins.plugin import Plugin
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.profiles import Profile


class PodArrays(NamedTuple):
    """What compiled code reads of a pod class."""

    requests: Ints
    """[resource]: what must be free"""
    scored: Ints
    """[2]: cpu and memory with the stand-in for what is not stated"""
    conflicts: Ints
    """[any]: columns of `NodeArrays.ports` that must be empty"""


class RowArrays(NamedTuple):
    """What compiled code keeps of a pod class; a plugin is a bit of a verdict, and a row of scores."""

    fixed: Ints
    """[slot]: bits of the plugins that refuse the node whatever runs there"""
    fails: Ints
    """[slot]: bits of all plugins that refuse the node; the lowest one is the first in order"""
    scores: Ints
    """[plugin, slot]: raw scores"""
    weights: Ints
    """[plugin]: 0 for one that has nothing to say about this class"""
    modes: Ints
    """[plugin]: how raw scores are brought to 0..100"""


class Rows:
    """The rows of one pod class in one cluster, under one profile."""

    def __init__(self, pod: PodClass, cluster: Cluster, profile: Profile) -> None:
        self.pod_class = pod
        self.order: Ints = cluster.order
        """The slots that are looked at, in order."""
        self.rejected = ""
        """Why no node is looked at at all."""
        self._cluster = cluster
        self._profile = profile
        self._version = self._shape = self._epoch = self._images = -1
        self._ports = -1
        self._seen = 0
        self.pod = PodArrays(np.zeros(0, np.int64), np.array(pod.requests.scored, np.int64), np.zeros(0, np.int64))
        self.arrays = self._empty()

    def stale(self) -> Ints:
        """The slots whose compiled part must be redone now; the fixed part is done when this returns."""
        cluster = self._cluster
        cluster.images.look()
        if self._shape != cluster.shape or self._ports != len(cluster.ports):
            self._reshape()
        if self._version != cluster.version:
            self._version, self._images = cluster.version, cluster.images.version
            self._fix()
            self._score(self._profile.scores)
            self._epoch = -1
        elif self._images != cluster.images.version:
            self._images = cluster.images.version
            self._score([p for p in self._profile.scores if p.reads_images])
        if self._epoch == cluster.epoch and cluster.logged - self._seen < len(self.order):
            changed = cluster.log[self._seen : cluster.logged]
            self._seen = cluster.logged
            return changed
        self._epoch, self._seen = cluster.epoch, cluster.logged
        return self.order

    def _empty(self) -> RowArrays:
        slots, profile = len(self._cluster.names), self._profile
        weights = [
            weight if plugin.moves_score is None or plugin.moves_score(self.pod_class) else 0
            for plugin, weight in zip(profile.scores, profile.weights, strict=True)
        ]
        return RowArrays(
            np.zeros(slots, np.int64), np.zeros(slots, np.int64), np.zeros((len(profile.scores), slots), np.int64),
            np.array(weights, np.int64), np.array([p.mode for p in profile.scores], np.int64),
        )  # fmt: skip

    def _reshape(self) -> None:
        """Fit the arrays to the cluster's."""
        cluster = self._cluster
        wanted = cluster.vector(self.pod_class.requests)
        for port in self.pod_class.ports:
            cluster.port(port)
        self.pod = PodArrays(wanted, self.pod.scored, node_ports.conflicts(self.pod_class, cluster))
        self.arrays = self._empty()
        self._shape, self._ports, self._version = cluster.shape, len(cluster.ports), -1

    def _fix(self) -> None:
        """Ask the plugins that depend on nodes alone."""
        cluster, pod, arrays = self._cluster, self.pod_class, self.arrays
        self._choose_nodes()
        at = self.order
        fixed = np.zeros(len(at), np.int64)
        for bit, plugin in enumerate(self._profile.filters):
            refused = plugin.fails(pod, cluster, at) if plugin.fails is not None else None
            if refused is not None:
                fixed |= refused.astype(np.int64) << bit
        arrays.fixed[at] = fixed

    def _score(self, asked: Sequence[Plugin]) -> None:
        """Ask plugins for the scores that depend on nodes alone."""
        arrays, at = self.arrays, self.order
        for row, plugin in enumerate(self._profile.scores):
            if plugin.score is not None and plugin in asked:
                raw = plugin.score(self.pod_class, self._cluster, at)
                arrays.weights[row] = 0 if raw is None else self._profile.weights[row]
                if raw is not None:
                    arrays.scores[row, at] = raw

    def _choose_nodes(self) -> None:
        """Look at the nodes that the pod names, if it does so, else at all."""
        cluster = self._cluster
        self.order, self.rejected = cluster.order, ""
        if not any(plugin is node_affinity.PLUGIN for plugin in self._profile.filters):
            return
        try:
            named = node_affinity.named_nodes(self.pod_class)
        except ValueError as conflict:
            self.order, self.rejected = np.zeros(0, np.int64), str(conflict)
            return
        if named is not None:
            slots = [cluster.slots[name] for name in named if name in cluster.slots]
            self.order = cluster.order[np.isin(cluster.order, slots)]
