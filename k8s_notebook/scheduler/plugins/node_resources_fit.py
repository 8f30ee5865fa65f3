"""NodeResourcesFit: what a pod asks for must be free; emptier nodes are liked more (as in plugins/noderesources/fit.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Cluster, Ints, NodeArrays
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

if TYPE_CHECKING:
    from k8s_notebook.scheduler.rows import PodArrays

TOO_MANY = "Too many pods"


@kernels.kernel
def lacks(nodes: NodeArrays, pod: PodArrays, slot: int) -> bool:
    """Whether the node has too little of anything. A request of 0 is never checked, even on an overcommitted node."""
    if nodes.pods[slot] + 1 > nodes.room[slot]:
        return True
    for r in range(len(pod.requests)):
        wanted = pod.requests[r]
        if wanted > 0 and wanted > nodes.allocatable[slot, r] - nodes.requested[slot, r]:
            return True
    return False


@lacks.vectorised
def lacks_at(nodes: NodeArrays, pod: PodArrays, slot: Ints) -> plugin.Bools:
    """The same for an array of slots."""
    wanted = np.flatnonzero(pod.requests)
    short = nodes.pods[slot] + 1 > nodes.room[slot]
    for r in wanted:
        short |= pod.requests[r] > nodes.allocatable[slot, r] - nodes.requested[slot, r]
    found: plugin.Bools = short
    return found


@kernels.kernel
def least_allocated(nodes: NodeArrays, pod: PodArrays, slot: int) -> int:
    """0 to 100: the mean of (free * 100) // allocatable over cpu and memory, each division rounded down."""
    total = 0
    resources = 0
    for r in range(2):
        allocatable = nodes.allocatable[slot, r]
        if allocatable > 0:
            resources += 1
            used = nodes.occupied[slot, r] + pod.scored[r]
            if used <= allocatable:
                total += (allocatable - used) * 100 // allocatable
    if resources == 0:
        return 0
    return total // resources


@least_allocated.vectorised
def least_allocated_at(nodes: NodeArrays, pod: PodArrays, slot: Ints) -> Ints:
    """The same for an array of slots."""
    allocatable = nodes.allocatable[slot, :2]
    free = np.maximum(allocatable - nodes.occupied[slot] - pod.scored, 0)
    each = free * 100 // np.maximum(allocatable, 1)
    found: Ints = each.sum(axis=1) // np.maximum((allocatable > 0).sum(axis=1), 1)
    return found


def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
    """Everything that is short on each slot, in kube-scheduler's order."""
    return shortages(cluster.vector(pod.requests), list(cluster.resources), cluster.arrays, at)


def shortages(requests: Ints, names: list[str], nodes: NodeArrays, at: Ints) -> plugin.Reasons:
    """The same for any arrays of nodes; `names` are the resources of the columns."""
    columns = np.flatnonzero(requests)
    wanted, allocatable = requests[columns], nodes.allocatable[at[:, None], columns]
    short = wanted > allocatable - nodes.requested[at[:, None], columns]
    crowded = nodes.pods[at] + 1 > nodes.room[at]
    return plugin.Reasons(
        [TOO_MANY, *(f"Insufficient {names[c]}" for c in columns)],
        np.column_stack((crowded, short)),
        np.any(short & (wanted > allocatable), axis=1),
    )


PLUGIN = plugin.Plugin(
    "NodeResourcesFit",
    weight=1,
    moves_filter=True,
    moves_score=lambda pod: True,
    reasons=reasons,
    helped_by=frozenset((plugin.NODE_ADDED, plugin.NODE_ALLOCATABLE, plugin.POD_GONE)),
)
