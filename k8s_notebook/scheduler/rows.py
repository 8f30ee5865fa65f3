"""What is known of one pod class on every node: verdicts and raw scores, redone only where something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.objects.selectors import LabelSelector
from k8s_notebook.scheduler import pods, rules
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Ints
from k8s_notebook.scheduler.plan import PodArrays
from k8s_notebook.scheduler.plugins import inter_pod_affinity, node_ports, node_resources_fit, pod_topology_spread
from k8s_notebook.scheduler.plugins.plugin import LOWEST_IS_100, RAW, Plugin, Reasons
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.profiles import Profile

if TYPE_CHECKING:
    from k8s_notebook.scheduler.failures import Failure
    from k8s_notebook.scheduler.preemption import Outcome

BLOCK = 64
"""Positions whose best total is kept together."""
FLAT, COUNTS, SHARED, JUDGE_ALL, BEST = 0, 1, 2, 3, 4
_NO_INTS: Ints = np.zeros(0, np.int64)


@kernels.record
class RowArrays(NamedTuple):
    """What compiled code keeps of a pod class. A plugin is a bit of a verdict, and a row of scores; a position is a node."""

    fixed: Ints
    """[position]: bits of the plugins that refuse the node whatever runs there"""
    moved: Ints
    """[position]: bits of plugins in Python that refuse it for what runs there"""
    fails: Ints
    """[position]: bits of all plugins but those that count other pods"""
    scores: Ints
    """[plugin, position]: raw scores"""
    weights: Ints
    """[plugin]: 0 for one that has nothing to say about this class"""
    modes: Ints
    """[plugin]: how raw scores are brought to 0..100"""
    apart: Ints
    """[position]: 0, or the code with which a plugin that counts other pods refuses the node"""
    base: Ints
    """[position]: the part of a node's total that depends on the node alone"""
    total: Ints
    """[position]: `base` if nothing refuses the node, else -1"""
    best: Ints
    """[block]: the highest of `BLOCK` totals"""
    varies: Ints
    """[plugin]: 1 if its normalised scores depend on which nodes are feasible; those are not in `base`"""
    flags: Ints
    """[FLAT]: whether `total` is all; [COUNTS]: whether other pods can refuse nodes; [SHARED]: the part of the totals that all nodes
    share; [JUDGE_ALL]: whether `apart` must be found anew for all nodes; [BEST]: whether `best` is kept"""


class Rows:
    """The rows of one pod class in one cluster, under one profile."""

    def __init__(self, pod: PodClass, default: LabelSelector | None, cluster: Cluster, profile: Profile) -> None:
        self.pod_class = pod
        self.order: Ints = cluster.order
        """The slots that are looked at, in order."""
        self.rejected = ""
        """Why the whole pod is refused, whatever the nodes."""
        self.rejector = ""
        """The plugin that says so."""
        self.failure: Failure | None = None
        """Why no node takes a pod of this class, as long as nothing changes."""
        self.outcomes: dict[tuple[int, bool], Outcome] = {}
        """What preemption comes to then, by priority and whether the pod may preempt."""
        self.rules = rules.Rules()
        self.default = default
        self._cluster = cluster
        self._profile = profile
        self._version = self._shape = self._epoch = self._images = self._ports = self._beside = self._tallies = -1
        self._moved = 0
        self._terms = 0
        self._seen = 0
        self._own = [(row, p.own.bind(pod, cluster)) for row, p in enumerate(profile.scores) if p.own is not None]
        self._own_filters = [(bit, p.own.bind(pod, cluster)) for bit, p in enumerate(profile.filters) if p.own is not None]
        self._movers = [(bit, p.moves) for bit, p in enumerate(profile.filters) if p.moves is not None] if _claims(pod) else []
        self._reads = sorted({resource for p in profile.filters for resource in p.reads}) if _claims(pod) else []
        self._of_images = [(row, p) for row, p in enumerate(profile.scores) if p.reads_images]
        self._slots: Ints = _NO_INTS
        self.pod = PodArrays(*(_NO_INTS,) * 7)
        self.arrays = self._empty()

    @property
    def in_python(self) -> bool:
        """Whether Python has something to do after each pod that is placed."""
        return bool(self._own or self._own_filters or self._movers)

    def stale(self) -> Ints:
        """The slots whose compiled part must be redone now; the rest is done when this returns."""
        cluster, pulled = self._cluster, _NO_INTS
        cluster.images.look()
        if self._shape != cluster.shape or self._ports != len(cluster.ports):
            self._reshape()
        beside = self._beside_version()
        if self._version != cluster.version or self._beside != beside:
            self._version, self._images, self._beside = cluster.version, cluster.images.version, beside
            self._fix()
            self._score()
            self._moved = cluster.images.forgotten + len(cluster.images.moved)
            self._tallies = -1
        elif self._images != cluster.images.version:
            self._images = cluster.images.version
            pulled = self._score_images()
        if self._outdated():
            self._rule()
        return self._changed(pulled)

    def _changed(self, pulled: Ints) -> Ints:
        """The slots whose pods changed, those in `pulled`, or all."""
        cluster = self._cluster
        if self._epoch == cluster.epoch and cluster.logged - self._seen < len(self.order):
            changed = cluster.log[self._seen : cluster.logged]
            changed = np.concatenate((changed, pulled)) if len(pulled) else changed
        else:
            changed = self.order
        self._epoch, self._seen = cluster.epoch, cluster.logged
        if len(changed):
            self.failure = None
            self.outcomes.clear()
        if self._movers and len(changed):
            changed = self.order
        if self.in_python and len(changed):
            self._move(changed)
        return changed

    def caught_up(self) -> None:
        """Note that compiled code redid the nodes of all that is in the log."""
        self._epoch, self._seen = self._cluster.epoch, self._cluster.logged

    def verdicts(self, positions: Ints) -> Ints:
        """[position]: bits of all plugins that refuse a node; the lowest one is the first in order."""
        found = self.arrays.fails[positions]
        for bit, plugin in enumerate(self._profile.filters):
            if plugin.name in _COUNTING:
                found = found | (self._codes_of(plugin, positions) != 0).astype(np.int64) << bit
        return found

    def reasons(self, plugin: Plugin, positions: Ints) -> Reasons:
        """Why a plugin refuses these nodes."""
        slots = self.order[positions]
        if plugin.name in _COUNTING:
            texts, final = _COUNTING[plugin.name]
            codes = self._codes_of(plugin, positions)
            given = np.column_stack([codes == code for code in texts])
            return Reasons(list(texts.values()), given, np.isin(codes, final))
        if plugin.name == node_resources_fit.PLUGIN.name:
            return node_resources_fit.shortages(self.pod.checked, list(self._cluster.resources), self._cluster.arrays, slots)
        if plugin.reasons is None:
            return Reasons([], np.zeros((len(slots), 0), np.bool_), np.zeros(len(slots), np.bool_))
        return plugin.reasons(self.pod_class, self._cluster, slots)

    def first_refusal(self, bits: int) -> Plugin:
        """The first of the plugins that refuse a node."""
        return self._profile.filters[(bits & -bits).bit_length() - 1]

    def reasons_held(self, plugin: Plugin, positions: Ints, held: Ints, pod: Incoming) -> Reasons:
        """The same where pods for whom room is being made may come first."""
        if not len(held) or not held[positions].any():
            return self.reasons(plugin, positions)
        if plugin.name in _COUNTING:
            texts, final = _COUNTING[plugin.name]
            codes = np.where(held[positions] > 0, (held[positions] - 1) // 64, self._codes_of(plugin, positions))
            return Reasons(list(texts.values()), np.column_stack([codes == code for code in texts]), np.isin(codes, final))
        if plugin.name == node_resources_fit.PLUGIN.name:
            return self._shortages_held(positions, pod)
        return self.reasons(plugin, positions)

    def _shortages_held(self, positions: Ints, pod: Incoming) -> Reasons:
        """What is short on each node once those have come for whom room is being made there."""
        cluster, slots = self._cluster, self.order[positions]
        nodes = cluster.arrays
        nodes = nodes._replace(
            allocatable=nodes.allocatable[slots], requested=nodes.requested[slots], pods=nodes.pods[slots], room=nodes.room[slots]
        )
        for i, slot in enumerate(slots):
            for uid, other in cluster.nominees(cluster.names[slot]).items():
                if other.priority >= pod.priority and uid != pod.uid:
                    nodes.requested[i] += cluster.vector(other.pod_class.requests)
                    nodes.pods[i] += 1
        return node_resources_fit.shortages(self.pod.checked, list(cluster.resources), nodes, np.arange(len(slots)))

    def _codes_of(self, plugin: Plugin, positions: Ints) -> Ints:
        entries, spread = self.rules.entries, self.rules.spread
        if plugin.name == inter_pod_affinity.PLUGIN.name:
            return inter_pod_affinity.refuses_at(entries, self.rules.affinity, positions)
        least = np.zeros(len(spread.hard), np.int64)
        pod_topology_spread.lowest_at(entries, spread, least)
        return pod_topology_spread.refuses_at(entries, spread, least, positions)

    def _empty(self) -> RowArrays:
        nodes, profile = len(self.order), self._profile
        weights = [
            weight if p.moves_score is None or p.moves_score(self.pod_class, profile.args) else 0
            for p, weight in zip(profile.scores, profile.weights, strict=True)
        ]
        return RowArrays(
            np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(nodes, np.int64),
            np.zeros((len(profile.scores), nodes), np.int64), np.array(weights, np.int64),
            np.array([p.mode for p in profile.scores], np.int64), np.zeros(nodes, np.int64), np.zeros(nodes, np.int64),
            np.zeros(nodes, np.int64), np.zeros(-(-nodes // BLOCK), np.int64), np.zeros(len(profile.scores), np.int64),
            np.zeros(5, np.int64),
        )  # fmt: skip

    def _reshape(self) -> None:
        """Fit the pod's arrays to the cluster's."""
        cluster, pod = self._cluster, self.pod_class
        wanted = cluster.vector(pod.requests)
        weighed = cluster.spread({n: a for n, a in pod.requests.scored.items() if n in cluster.resources})
        ports = np.array([cluster.port(port) for port in pod.ports], np.int64)
        self.pod = PodArrays(
            wanted, node_resources_fit.checked(pod, cluster, self._profile.args), weighed, np.array(pod.requests.occupied, np.int64),
            node_ports.conflicts(pod, cluster), ports, _NO_INTS,
        )  # fmt: skip
        self._shape, self._ports, self._version = cluster.shape, len(cluster.ports), -1

    def _fix(self) -> None:
        """Ask the plugins that depend on nodes and the objects beside alone."""
        cluster, pod = self._cluster, self.pod_class
        self.order = cluster.order
        self.arrays = self._empty()
        self.rejected = self.rejector = ""
        for plugin in self._profile.filters:
            if plugin.rejects is not None and not self.rejected:
                self.rejected = plugin.rejects(pod, cluster)
                self.rejector = plugin.name if self.rejected else ""
        for bit, plugin in enumerate(self._profile.filters):
            refused = plugin.fails(pod, cluster, self.order) if plugin.fails is not None else None
            if refused is not None:
                self.arrays.fixed[:] |= refused.astype(np.int64) << bit
        self._epoch = -1

    def _score_images(self) -> Ints:
        """Ask the plugins that look at images about the nodes whose images changed; the slots of which they say something else."""
        cluster, images = self._cluster, self._cluster.images
        since = self._moved - images.forgotten
        self._moved = images.forgotten + len(images.moved)
        slots = np.array(sorted(set(images.moved[since:])), np.int64) if since >= 0 else self.order
        at = cluster.positions[slots]
        slots, at = slots[at >= 0], at[at >= 0]
        found = [_NO_INTS]
        for row, plugin in self._of_images:
            raw = plugin.score(self.pod_class, cluster, slots) if plugin.score is not None else None
            if raw is not None:
                found.append(slots[raw != self.arrays.scores[row, at]])
                self.arrays.scores[row, at] = raw
        return np.concatenate(found)

    def _score(self) -> None:
        """Ask plugins for the scores that depend on nodes alone."""
        arrays = self.arrays
        for row, plugin in enumerate(self._profile.scores):
            if plugin.score is not None:
                raw = plugin.score(self.pod_class, self._cluster, self.order)
                arrays.weights[row] = 0 if raw is None else self._profile.weights[row]
                if raw is not None:
                    arrays.scores[row] = raw
        self._flatten()

    def _flatten(self) -> None:
        """See which parts of the totals depend on nothing but the node."""
        arrays, shared = self.arrays, 0
        counting = (pod_topology_spread.PLUGIN.name, inter_pod_affinity.PLUGIN.name)
        for row, plugin in enumerate(self._profile.scores):
            varies = bool(arrays.scores[row].any()) or plugin.own is not None
            arrays.varies[row] = plugin.name in counting or (arrays.modes[row] != RAW and varies)
            if not arrays.varies[row] and arrays.modes[row] == LOWEST_IS_100:
                shared += int(arrays.weights[row]) * 100
        affinity, spread = self.rules.affinity, self.rules.spread
        extra = any(
            arrays.varies[row] for row in np.flatnonzero(arrays.weights) if self._profile.scores[row].name not in counting
        )
        arrays.flags[FLAT] = not (extra or len(spread.soft) or len(affinity.like))
        arrays.flags[COUNTS] = bool(len(spread.hard) or len(affinity.need) or len(affinity.avoid) or len(affinity.avoided))
        arrays.flags[SHARED] = shared
        arrays.flags[JUDGE_ALL] = 1
        arrays.flags[BEST] = arrays.flags[FLAT] and self._profile.enough(len(self.order)) >= len(self.order)

    def _outdated(self) -> bool:
        """Whether the rules about other pods must be made anew."""
        tallies = self._cluster.tallies
        if self._tallies != tallies.generation:
            return True
        if self._terms == len(tallies.terms):
            return False
        new = tallies.terms[self._terms :]
        self._terms = len(tallies.terms)
        return any(rules.interested(self.pod_class, self._cluster, term) for term in new)

    def _rule(self) -> None:
        """Make the rules about other pods."""
        tallies = self._cluster.tallies
        self.refresh_identity()  # its own terms are among those of others: the second pod of a class meets the first
        self.rules = rules.build(self.pod_class, self.default, self._cluster, self._profile)
        self.refresh_identity()
        self._tallies, self._terms = tallies.generation, len(tallies.terms)
        self._flatten()
        self._epoch = -1

    def refresh_identity(self) -> None:
        """Know the rows of tallies to which the pod adds today."""
        tallies = self._cluster.tallies
        identity = tallies.identity(self.pod_class.namespace, self.pod_class.labels, self.pod_class.terms, alive=True)
        if identity.rows is not self.pod.rows:
            self.pod = self.pod._replace(rows=identity.rows)

    def _move(self, changed: Ints) -> None:
        """Ask plugins in Python about the nodes whose pods changed. What has claims may depend on pods elsewhere, too."""
        cluster, arrays = self._cluster, self.arrays
        arrays.moved[:] = 0 if self._movers else arrays.moved
        for bit, moves in self._movers:
            refused = moves(self.pod_class, cluster, self.order)
            if refused is not None:
                arrays.moved[:] |= refused.astype(np.int64) << bit
        if len(self._slots) < len(cluster.names):
            self._slots = np.zeros(len(cluster.names), np.int64)
        at = cluster.positions[changed]
        there, slots = at[at >= 0], changed[at >= 0]
        for bit, own in self._own_filters:
            own.fill(slots, self._slots)
            arrays.moved[there] = (arrays.moved[there] & ~(1 << bit)) | ((self._slots[slots] != 0).astype(np.int64) << bit)
        for row, own in self._own:
            own.fill(slots, self._slots)
            arrays.scores[row, there] = self._slots[slots]

    def trouble(self, kept: Ints, found: int) -> str:
        """What a person's own policy did wrong with the nodes that were looked at, or ""."""
        arrays = self.arrays
        for row, own in self._own:
            self._slots[self.order] = arrays.scores[row]
            said = own.trouble(self.order[kept[:found]], self._slots) if found > 1 else ""
            if said:
                return said
        for bit, own in self._own_filters:
            first = arrays.fails & -arrays.fails == 1 << bit
            own.fill(self.order[first], self._slots)
            said = own.trouble(self.order[first], self._slots)
            if said:
                return said
        return ""

    def _beside_version(self) -> int:
        """A number that changes when objects changed on which this class's verdicts rest."""
        beside = self._cluster.beside
        found = beside.version("namespaces") if self.pod_class.terms or self._cluster.tallies.terms else 0
        return found + sum(beside.version(resource) for resource in self._reads)


def _claims(pod: PodClass) -> bool:
    """Whether the pod has volumes or devices to be looked at."""
    return bool(pods.read_volumes(pod.spec) or pod.spec.get("resourceClaims")) or any("/" in name for name in pod.requests.exact)


_COUNTING: dict[str, tuple[dict[int, str], list[int]]] = {
    pod_topology_spread.PLUGIN.name: (pod_topology_spread.TEXTS, [pod_topology_spread.NO_LABEL]),
    inter_pod_affinity.PLUGIN.name: (inter_pod_affinity.TEXTS, [inter_pod_affinity.NOT_NEAR]),
}
"""plugin -> (code -> text, the codes that no other pod's leaving changes)"""
