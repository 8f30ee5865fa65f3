"""kube-scheduler's sentence for a pod that fits nowhere (as FitError in pkg/scheduler/framework/types.go)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from k8s_notebook.scheduler import messages, preemption
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import node_affinity
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.rows import Rows

OUTSIDE = f"node(s) didn't satisfy plugin(s) [{node_affinity.PLUGIN.name}]"
"""The reason of nodes that a pod excludes by naming others."""
NO_CLAIMS = "no new claims to deallocate"
"""What the plugin DynamicResources of 1.34 to 1.36 adds for every pod without claims."""
ENDED_EARLY = "not found"
"""What it says when another plugin refused the pod before it was asked."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no node was found, and the plugins that refused some node."""

    message: str
    rejectors: frozenset[str]


def describe(rows: Rows, cluster: Cluster, profile: Profile, *, priority: int, preempts: bool) -> Failure:
    """The failure of a pod whose `rows` are up to date and have no feasible node."""
    total = len(cluster)
    if rows.rejected:
        return Failure(messages.sentence(total, f"{rows.rejected}.", ENDED_EARLY), frozenset((node_affinity.PLUGIN.name,)))
    reasons: Counter[str] = Counter()
    rejectors = set()
    movable = []
    first = _lowest_bit(rows.arrays.fails[rows.order])
    for bit, plugin in enumerate(profile.filters):
        at = rows.order[first == bit]
        if len(at) and plugin.reasons is not None:
            rejectors.add(plugin.name)
            found = plugin.reasons(rows.pod_class, cluster, at)
            for text, given in zip(found.texts, found.given.sum(axis=0), strict=True):
                reasons[text] += int(given)
            movable.append(at[~found.final])
    if total > len(rows.order):
        rejectors.add(node_affinity.PLUGIN.name)
        reasons[OUTSIDE] += total - len(rows.order)
    tried = np.concatenate(movable) if movable else np.zeros(0, np.int64)
    outlook = preemption.outlook(rows, cluster, tried, priority=priority, preempts=preempts)
    afterwards = f"{NO_CLAIMS}, {outlook}" if outlook else ""
    return Failure(messages.sentence(total, messages.histogram(reasons), afterwards), frozenset(rejectors))


def _lowest_bit(bits: Ints) -> Ints:
    """The position of the lowest bit that is set."""
    positions: Ints = np.frexp(bits & -bits)[1].astype(np.int64) - 1
    return positions
