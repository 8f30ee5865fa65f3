"""NodeResourcesBalancedAllocation: nodes that a pod makes more even are liked more.

As in plugins/noderesources/balanced_allocation.go of 1.36, which compares the node with and without the pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Ints, NodeArrays
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass

if TYPE_CHECKING:
    from k8s_notebook.scheduler.rows import PodArrays


@kernels.kernel
def evenness(cpu: int, memory: int, cpu_allocatable: int, memory_allocatable: int) -> int:
    """50 to 100: (1 - half the difference of the two shares in use) * 100, rounded down; 100 if a resource is missing."""
    if cpu_allocatable == 0 or memory_allocatable == 0:
        return 100
    first = min(1.0, float(cpu) / float(cpu_allocatable))
    second = min(1.0, float(memory) / float(memory_allocatable))
    return int((1.0 - abs((first - second) / 2.0)) * 100.0)


@kernels.kernel
def balance(nodes: NodeArrays, pod: PodArrays, slot: int) -> int:
    """50 to 100; 75 if the pod leaves the node as even as it is."""
    cpu, memory = nodes.requested[slot, 0], nodes.requested[slot, 1]
    cpu_allocatable, memory_allocatable = nodes.allocatable[slot, 0], nodes.allocatable[slot, 1]
    after = evenness(cpu + pod.requests[0], memory + pod.requests[1], cpu_allocatable, memory_allocatable)
    before = evenness(cpu, memory, cpu_allocatable, memory_allocatable)
    return 50 + (50 + after - before) // 2


@balance.vectorised
def balance_at(nodes: NodeArrays, pod: PodArrays, slot: Ints) -> Ints:
    """The same for an array of slots."""
    allocatable = nodes.allocatable[slot, :2]
    before = _evenness_at(nodes.requested[slot, :2], allocatable)
    after = _evenness_at(nodes.requested[slot, :2] + pod.requests[:2], allocatable)
    found: Ints = 50 + (50 + after - before) // 2
    return found


def _evenness_at(used: Ints, allocatable: Ints) -> Any:
    shares = np.minimum(1.0, used / np.maximum(allocatable, 1))
    uneven = np.abs((shares[:, 0] - shares[:, 1]) / 2.0)
    return np.where((allocatable == 0).any(axis=1), 100, ((1.0 - uneven) * 100.0).astype(np.int64))


def scores(pod: PodClass) -> bool:
    """Whether the pod asks for cpu or memory at all; else this plugin says nothing about it."""
    return bool(pod.requests.exact.get("cpu") or pod.requests.exact.get("memory"))


PLUGIN = plugin.Plugin("NodeResourcesBalancedAllocation", weight=1, moves_score=scores)
