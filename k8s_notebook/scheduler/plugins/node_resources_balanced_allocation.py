"""NodeResourcesBalancedAllocation: nodes that a pod makes more even are liked more.

As in plugins/noderesources/balanced_allocation.go of 1.36, which compares the node with and without the pod.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Ints, NodeArrays
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

if TYPE_CHECKING:
    from k8s_notebook.scheduler.args import Args
    from k8s_notebook.scheduler.plan import Plan, PodArrays


@kernels.inner
def share(used: int, allocatable: int) -> float:
    """How much of a resource is in use, 0 to 1."""
    return min(1.0, float(used) / float(allocatable))


@kernels.inner
def evenness(nodes: NodeArrays, pod: PodArrays, plan: Plan, slot: int, times: int) -> int:
    """0 to 100: (1 - the standard deviation of the shares in use) * 100, rounded down, with the pod `times` times."""
    count = 0
    total, first, second = 0.0, 0.0, 0.0
    for i in range(len(plan.balanced_columns)):
        r = plan.balanced_columns[i]
        if nodes.allocatable[slot, r] == 0 or (r > 2 and pod.requests[r] == 0):
            continue
        part = share(nodes.requested[slot, r] + times * pod.requests[r], nodes.allocatable[slot, r])
        total += part
        if count == 0:
            first = part
        elif count == 1:
            second = part
        count += 1
    deviation = 0.0
    if count == 2:
        deviation = abs((first - second) / 2.0)
    elif count > 2:
        mean = total / float(count)
        squares = 0.0
        for i in range(len(plan.balanced_columns)):
            r = plan.balanced_columns[i]
            if nodes.allocatable[slot, r] == 0 or (r > 2 and pod.requests[r] == 0):
                continue
            part = share(nodes.requested[slot, r] + times * pod.requests[r], nodes.allocatable[slot, r])
            squares = squares + (part - mean) * (part - mean)
        deviation = math.sqrt(squares / float(count))
    return int((1.0 - deviation) * 100.0)


@kernels.inner
def balance(nodes: NodeArrays, pod: PodArrays, plan: Plan, slot: int) -> int:
    """50 to 100; 75 if the pod leaves the node as even as it is."""
    after = evenness(nodes, pod, plan, slot, 1)
    before = evenness(nodes, pod, plan, slot, 0)
    return 50 + (50 + after - before) // 2


@balance.vectorised
def balance_at(nodes: NodeArrays, pod: PodArrays, plan: Plan, slot: Ints) -> Ints:
    """The same for an array of slots."""
    columns = np.array([r for r in plan.balanced_columns if r <= 2 or pod.requests[r]], np.int64)
    allocatable = nodes.allocatable[slot[:, None], columns]
    used = nodes.requested[slot[:, None], columns]
    before = _evenness_at(used, allocatable)
    after = _evenness_at(used + pod.requests[columns], allocatable)
    found: Ints = 50 + (50 + after - before) // 2
    return found


def _evenness_at(used: Ints, allocatable: Ints) -> Ints:
    there = allocatable != 0
    shares = np.where(there, np.minimum(1.0, used / np.maximum(allocatable, 1)), 0.0)
    count = there.sum(axis=1)
    total, squares = np.zeros(len(used)), np.zeros(len(used))
    signed = np.zeros(len(used))
    seen = np.zeros(len(used), np.int64)
    for part, counts in zip(shares.T, there.T, strict=True):
        total = np.where(counts, total + part, total)
        signed = np.where(counts, np.where(seen == 0, part, signed - part), signed)
        seen += counts
    mean = total / np.maximum(count, 1)
    for part, counts in zip(shares.T, there.T, strict=True):
        squares = np.where(counts, squares + (part - mean) * (part - mean), squares)
    several = np.sqrt(squares / np.maximum(count, 1))
    deviation = np.where(count == 2, np.abs(signed / 2.0), np.where(count > 2, several, 0.0))
    found: Ints = ((1.0 - deviation) * 100.0).astype(np.int64)
    return found


def scores(pod: PodClass, args: Args) -> bool:
    """Whether the pod asks for any of the resources at all; else this plugin says nothing about it."""
    return any(pod.requests.exact.get(name) for name, _ in args.balanced)


PLUGIN = plugin.Plugin("NodeResourcesBalancedAllocation", weight=1, moves_score=scores)
