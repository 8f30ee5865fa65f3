"""kube-scheduler's sentence for a pod that fits nowhere (as FitError in pkg/scheduler/framework/types.go)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from k8s_notebook.machinery.actions import Action
from k8s_notebook.scheduler import messages, refusals
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import dynamic_resources, node_affinity, node_resources_fit
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.rows import Rows
from k8s_notebook.scheduler.search import Class, View

NO_CLAIMS = "no new claims to deallocate"
"""What the plugin DynamicResources of 1.34 to 1.36 adds for every pod without claims."""
ENDED_EARLY = "not found"
"""What it says when another plugin refused the pod before it was asked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no node was found, the plugins that refused some node, and which nodes other pods could leave for it."""

    nodes: int
    reasons: str
    rejectors: frozenset[str]
    movable: Ints
    """Positions of the nodes where another pod's leaving could help."""
    claims: str
    """What DynamicResources says."""
    writes: tuple[Action, ...] = ()
    """What it writes: the devices of a claim that nobody uses are given back."""

    def message(self, preemption: str = "", *, found: bool = False) -> str:
        """The whole sentence, with what preemption says; if that `found` somebody to evict, nothing is added."""
        if found:
            return messages.sentence(self.nodes, self.reasons)
        said = f"preemption: {preemption}" if preemption else ""
        return messages.sentence(self.nodes, self.reasons, ", ".join(part for part in (self.claims, said) if part))


def everywhere(pod: Incoming, rows: Rows, known: Class, view: View, plan: Plan, cluster: Cluster, profile: Profile) -> Failure:
    """The failure of a pod whose rows are up to date, and that no node takes. Until something changes, alike pods fail alike."""
    if rows.failure is not None:
        return rows.failure
    nodes = len(rows.order)
    first, final = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    counts = np.zeros(refusals.RESOURCES + len(cluster.resources), np.int64)
    refusals.sort_out.run(view, known, plan, first, final, counts)
    reasons: Counter[str] = Counter()
    for bit in np.flatnonzero(counts[: refusals.CODES]):
        if bit not in (plan.fit_bit, plan.spread_bit, plan.affinity_bit):
            at = np.flatnonzero(first == bit)
            found = rows.reasons(profile.filters[bit], at)
            final[at] = found.final
            reasons.update(dict(zip(found.texts, found.given.sum(axis=0).tolist(), strict=True)))
    for code, text in refusals.TEXTS.items():
        reasons[text] += int(counts[refusals.CODES + code])
    reasons[node_resources_fit.TOO_MANY] += int(counts[refusals.CROWDED])
    for name, column in cluster.resources.items():
        reasons[f"Insufficient {name}"] += int(counts[refusals.RESOURCES + column])
    claims, writes = _of_claims(pod, rows.order, first, cluster, profile)
    rows.failure = Failure(
        nodes, messages.histogram(reasons), frozenset(profile.filters[bit].name for bit in np.flatnonzero(counts[: refusals.CODES])),
        np.flatnonzero(final == 0), claims, tuple(writes),
    )  # fmt: skip
    return rows.failure


def describe(pod: Incoming, rows: Rows, positions: Ints, held: Ints, cluster: Cluster, profile: Profile) -> Failure:
    """The same for a pod that looks at the nodes of some positions only, or must stand back for others (`held`)."""
    total, nowhere = len(cluster), np.zeros(0, np.int64)
    if rows.rejected:
        early = ENDED_EARLY if profile.claims else ""
        return Failure(total, f"{rows.rejected}.", frozenset((rows.rejector,)), nowhere, early)
    reasons: Counter[str] = Counter()
    rejectors, movable = set(), []
    first = refusals.lowest_bit(rows.verdicts(positions))
    if len(held):  # there the plugin counts that says so once the others have come
        first = np.where(held[positions] > 0, (held[positions] - 1) % 64, first)
    for bit, plugin in enumerate(profile.filters):
        at = positions[first == bit]
        if len(at):
            rejectors.add(plugin.name)
            found = rows.reasons_held(plugin, at, held, pod)
            for text, given in zip(found.texts, found.given.sum(axis=0), strict=True):
                reasons[text] += int(given)
            movable.append(at[~found.final])
    if pod.named is not None and profile.uses(node_affinity.PLUGIN.name):
        rejectors.add(node_affinity.PLUGIN.name)
    if total > len(positions):
        refusing = {node_affinity.PLUGIN.name, *_nominated(pod, rows, positions, first, cluster, profile)}
        reasons[messages.OUTSIDE.format(" ".join(sorted(refusing)))] += total - len(positions)
    claims, writes = _of_claims(pod, rows.order[positions], first, cluster, profile)
    return Failure(
        total, messages.histogram(reasons), frozenset(rejectors), np.sort(np.concatenate(movable)) if movable else nowhere,
        claims, tuple(writes),
    )  # fmt: skip


def _nominated(pod: Incoming, rows: Rows, positions: Ints, first: Ints, cluster: Cluster, profile: Profile) -> list[str]:
    """The plugin that refused the node where room was made for the pod, which is looked at before all others."""
    here = np.flatnonzero(rows.order[positions] == cluster.slots.get(pod.nominated, -1)) if len(positions) else positions
    return [profile.filters[int(first[i])].name for i in here]


def _of_claims(pod: Incoming, slots: Ints, first: Ints, cluster: Cluster, profile: Profile) -> tuple[str, list[Action]]:
    """What DynamicResources says and writes; it was asked about the nodes that no plugin before it refused."""
    if not profile.claims:
        return "", []
    names = [plugin.name for plugin in profile.filters]
    if not pod.pod["spec"].get("resourceClaims") or dynamic_resources.PLUGIN.name not in names:
        return NO_CLAIMS, []
    return dynamic_resources.afterwards(pod.pod, cluster, slots[first >= names.index(dynamic_resources.PLUGIN.name)])
