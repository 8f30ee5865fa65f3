"""NodeResourcesFit: what a pod asks for must be free, and nodes are liked by how full they would be.

As in plugins/noderesources of 1.36: fit.go, least_allocated.go, most_allocated.go, requested_to_capacity_ratio.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Cluster, Ints, NodeArrays
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

if TYPE_CHECKING:
    from k8s_notebook.scheduler.args import Args
    from k8s_notebook.scheduler.plan import Plan, PodArrays

TOO_MANY = "Too many pods"
LEAST, MOST, RATIO = 0, 1, 2
STRATEGIES = {"LeastAllocated": LEAST, "MostAllocated": MOST, "RequestedToCapacityRatio": RATIO}


@kernels.inner
def lacks(nodes: NodeArrays, pod: PodArrays, slot: int) -> bool:
    """Whether the node has too little of anything. A request of 0 is never checked, even on an overcommitted node."""
    if nodes.pods[slot] + 1 > nodes.room[slot]:
        return True
    for r in range(len(pod.checked)):
        wanted = pod.checked[r]
        if wanted > 0 and wanted > nodes.allocatable[slot, r] - nodes.requested[slot, r]:
            return True
    return False


@lacks.vectorised
def lacks_at(nodes: NodeArrays, pod: PodArrays, slot: Ints) -> plugin.Bools:
    """The same for an array of slots."""
    short = nodes.pods[slot] + 1 > nodes.room[slot]
    for r in np.flatnonzero(pod.checked):
        short |= pod.checked[r] > nodes.allocatable[slot, r] - nodes.requested[slot, r]
    found: plugin.Bools = short
    return found


@kernels.inner
def along(shape_x: Ints, shape_y: Ints, utilization: int) -> int:
    """The height of a broken line, rounded towards zero; level beyond its ends."""
    for j in range(len(shape_x)):
        if utilization <= shape_x[j]:
            if j == 0:
                return int(shape_y[0])
            rise = (shape_y[j] - shape_y[j - 1]) * (utilization - shape_x[j - 1])
            run = shape_x[j] - shape_x[j - 1]
            return int(shape_y[j - 1] + (rise // run if rise >= 0 else -(-rise // run)))
    return int(shape_y[len(shape_y) - 1])


@kernels.inner
def fullness(nodes: NodeArrays, pod: PodArrays, plan: Plan, slot: int) -> int:
    """0 to 100: the weighted mean over the resources of the profile, in the way of its strategy."""
    total, weights = 0, 0
    for i in range(len(plan.fit_columns)):
        r, weight = plan.fit_columns[i], plan.fit_weights[i]
        wanted = pod.weighed[r]
        allocatable = nodes.allocatable[slot, r]
        if allocatable == 0 or (r > 2 and wanted == 0):
            continue
        used = (nodes.occupied[slot, r] if r < 2 else nodes.requested[slot, r]) + wanted
        if plan.strategy == RATIO:
            utilization = 100 if used > allocatable else used * 100 // allocatable
            score = along(plan.shape_x, plan.shape_y, utilization)
            if score <= 0:
                continue
        elif plan.strategy == MOST:
            score = min(used, allocatable) * 100 // allocatable
        else:
            score = (allocatable - used) * 100 // allocatable if used <= allocatable else 0
        total += score * weight
        weights += weight
    if weights == 0:
        return 0
    if plan.strategy == RATIO:
        mean = float(total) / float(weights)
        whole = int(mean)
        return whole + 1 if mean - float(whole) >= 0.5 else whole
    return total // weights


@fullness.vectorised
def fullness_at(nodes: NodeArrays, pod: PodArrays, plan: Plan, slot: Ints) -> Ints:
    """The same for an array of slots."""
    total, weights = np.zeros(len(slot), np.int64), np.zeros(len(slot), np.int64)
    for r, weight in zip(plan.fit_columns, plan.fit_weights, strict=True):
        allocatable = nodes.allocatable[slot, r]
        used = (nodes.occupied[slot, r] if r < 2 else nodes.requested[slot, r]) + pod.weighed[r]
        score = _scores(plan, used, allocatable)
        counts = (allocatable != 0) & (r <= 2 or pod.weighed[r] != 0) & ((plan.strategy != RATIO) | (score > 0))
        total += np.where(counts, score * weight, 0)
        weights += np.where(counts, weight, 0)
    if plan.strategy == RATIO:
        mean = total / np.maximum(weights, 1)
        whole: Ints = mean.astype(np.int64)
        rounded: Ints = whole + (mean - whole >= 0.5)
        return rounded
    found: Ints = total // np.maximum(weights, 1)
    return found


def _scores(plan: Plan, used: Ints, allocatable: Ints) -> Ints:
    """The scores for one resource."""
    size = np.maximum(allocatable, 1)
    if plan.strategy == MOST:
        most: Ints = np.minimum(used, allocatable) * 100 // size
        return most
    if plan.strategy == LEAST:
        least: Ints = np.maximum(allocatable - used, 0) * 100 // size
        return least
    utilization = np.where(used > allocatable, 100, used * 100 // size)
    line = np.array([along.written(plan.shape_x, plan.shape_y, u) for u in range(101)], np.int64)
    found: Ints = line[utilization]
    return found


def shortages(requests: Ints, names: list[str], nodes: NodeArrays, at: Ints) -> plugin.Reasons:
    """Everything that is short on each slot, in kube-scheduler's order; `names` are the resources of the columns."""
    columns = np.flatnonzero(requests)
    wanted, allocatable = requests[columns], nodes.allocatable[at[:, None], columns]
    short = wanted > allocatable - nodes.requested[at[:, None], columns]
    crowded = nodes.pods[at] + 1 > nodes.room[at]
    return plugin.Reasons(
        [TOO_MANY, *(f"Insufficient {names[c]}" for c in columns)],
        np.column_stack((crowded, short)),
        np.any(short & (wanted > allocatable), axis=1),
    )


def checked(pod: PodClass, cluster: Cluster, args: Args) -> Ints:
    """What must be free, as a row of `NodeArrays.requested`: the requests but for the extended resources to be ignored."""
    wanted = cluster.vector(pod.requests).copy()
    for name, column in cluster.resources.items():
        if name in args.fit.ignored or ("/" in name and name.split("/")[0] in args.fit.ignored_groups):
            wanted[column] = 0
    return wanted


PLUGIN = plugin.Plugin(
    "NodeResourcesFit",
    weight=1,
    moves_filter=True,
    moves_score=plugin.always,
)
