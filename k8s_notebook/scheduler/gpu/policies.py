"""Where a pod fits, how good each place is, and which GPU of a node it gets: the policies of the published comparison.

Scores are whole numbers, higher is better (as in pkg/simulator/plugin of hkust-adsl/kubernetes-scheduler-simulator).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from k8s_notebook import kernels
from k8s_notebook.scheduler.gpu import fragmentation
from k8s_notebook.scheduler.gpu.fragmentation import Target
from k8s_notebook.scheduler.gpu.traces import Ints

RANDOM, DOT_PROD, GPU_CLUSTERING, GPU_PACKING, BEST_FIT, FGD, OWN = range(7)

NAMES = ("Random", "DotProd", "GpuClustering", "GpuPacking", "BestFit", "FGD")
"""The policies by number; those of published files have such a prefix: `06-FGD`."""

LARGEST_CPU, LARGEST_GPU = 128_000, 8_000
"""What amounts are divided by: the largest node of the trace."""


class Node(NamedTuple):
    """A node as it is when a pod is to be placed."""

    cpu: int
    """thousandths of a CPU that are free"""
    memory: int
    """MiB that are free"""
    gpus: Ints
    """[GPU]: thousandths that are free; read it, do not write"""
    model: int
    """the number of the GPUs' model, -1 without GPU"""
    kinds: int
    """the kinds of pods that it took so far, as a bit set: bit 0 for shared GPUs, bit k for k whole GPUs"""
    fragmentation: float
    """F_n: thousandths of GPUs that the expected pods cannot use"""


class Pod(NamedTuple):
    """What a pod asks for."""

    cpu: int
    memory: int
    gpus: int
    """how many GPUs"""
    milli: int
    """thousandths of each of them"""
    models: int
    """the allowed models, as a bit set"""


def number(name: str) -> int:
    """The number of a policy, however its name is written (`FGD`, `fgd`, `06-FGD`); ValueError says which there are."""
    wanted = name.lower().lstrip("0123456789").removeprefix("-")
    for i, known in enumerate(NAMES):
        if wanted in (known.lower(), known.lower().removeprefix("gpu")):
            return i
    raise ValueError(f"there is no policy {name!r}; there are: {', '.join(NAMES)}")


@kernels.on_demand
def fits(node: Node, pod: Pod) -> bool:
    """Whether the node has the CPU, and GPUs of an allowed model with enough room. Memory changes no score and is asked later."""
    if node.cpu < pod.cpu:
        return False
    if pod.gpus == 0:
        return True
    if node.model < 0 or (pod.models >> node.model) & 1 == 0:
        return False
    fitting = 0
    for g in range(len(node.gpus)):
        if node.gpus[g] >= pod.milli:
            fitting += 1
    return fitting >= pod.gpus


@kernels.on_demand
def kind(pod: Pod) -> int:
    """The bit of the pod's kind in `Node.kinds`; 0 for a pod without GPU."""
    if pod.gpus == 0:
        return 0
    return 1 if pod.milli < 1000 else 1 << pod.gpus


@kernels.on_demand
def free_gpus(node: Node) -> int:
    """Thousandths of GPUs that are free on the node."""
    free = 0
    for g in range(len(node.gpus)):
        free += node.gpus[g]
    return free


@kernels.on_demand
def tightest(node: Node, pod: Pod) -> int:
    """The GPU with the least room that is enough; the first of equals."""
    best = -1
    for g in range(len(node.gpus)):
        if node.gpus[g] >= pod.milli and (best < 0 or node.gpus[g] < node.gpus[best]):
            best = g
    return best


@kernels.on_demand
def any_gpu(node: Node, pod: Pod, chance: float) -> int:
    """One of the GPUs with room, by a number from 0 to 1."""
    fitting = 0
    for g in range(len(node.gpus)):
        if node.gpus[g] >= pod.milli:
            fitting += 1
    left = int(chance * fitting)
    for g in range(len(node.gpus)):
        if node.gpus[g] >= pod.milli:
            if left == 0:
                return g
            left -= 1
    return -1


@kernels.on_demand
def taken(node: Node, pod: Pod, first: int) -> int:
    """The GPUs that the pod gets, as a bit set: the chosen one if it shares one, else the first that are wholly free."""
    if pod.gpus == 0:
        return 0
    if pod.milli < 1000:
        return 1 << first
    bits, left = 0, pod.gpus
    for g in range(len(node.gpus)):
        if left > 0 and node.gpus[g] >= pod.milli:
            bits |= 1 << g
            left -= 1
    return bits


@kernels.on_demand
def best_fit(node: Node, pod: Pod) -> int:
    """How little is left afterwards. (The original spreads the scores of a decision over 0..100, which changes no choice.)"""
    cpu = (node.cpu - pod.cpu) / LARGEST_CPU * 0.5
    gpu = (free_gpus(node) - pod.gpus * pod.milli) / LARGEST_GPU * 0.5
    return int((1.0 - (cpu + gpu)) * 100.0)


@kernels.on_demand
def dot_product(node: Node, pod: Pod) -> int:
    """Tetris: the less the free room points the way of the request, the better."""
    cpu = node.cpu / LARGEST_CPU * (pod.cpu / LARGEST_CPU)
    gpu = free_gpus(node) / LARGEST_GPU * (pod.gpus * pod.milli / LARGEST_GPU)
    return int(100.0 * (1.0 - (cpu + gpu) / 2.0))


@kernels.on_demand
def gpu_packing(node: Node, pod: Pod) -> int:
    """Started GPUs before free GPUs of started nodes, and those before free nodes."""
    if pod.gpus == 0:
        return 0
    free = 0
    for g in range(len(node.gpus)):
        if node.gpus[g] == 1000:
            free += 1
    if free == len(node.gpus):
        return max(33 - free, free)
    if pod.milli == 1000:
        return max(50 - pod.gpus, 33)
    room = node.gpus[tightest(node, pod)]
    return max(50 - 1, 33) if room == 1000 else max(100 - room * 100 // 1000 // 10, 50)


@kernels.on_demand
def gpu_clustering(node: Node, pod: Pod) -> int:
    """Nodes that took the same kind of pods only, then those that took it too, then fresh ones; fuller ones first."""
    if pod.gpus == 0:
        return 0
    full = 25 * (LARGEST_GPU - free_gpus(node)) // LARGEST_GPU
    if node.kinds == kind(pod):
        return full + 75
    if node.kinds & kind(pod):
        return full + 50
    return full + 25 if node.kinds == 0 else full


@kernels.on_demand
def descent(node: Node, cpu: int, gpus: Ints, target: Target) -> int:
    """0..100 for how much less fragmented the node would be with so much left; 50 for no change."""
    change = (node.fragmentation - fragmentation.fragmentation(cpu, gpus, node.model, target)) / 1000
    return int(1.0 / (1.0 + math.exp(-change)) * 100.0)


@kernels.on_demand
def fgd(node: Node, pod: Pod, target: Target) -> tuple[int, int]:
    """(score, GPU) by fragmentation gradient descent: the placement after which the expected pods can use most of the node."""
    gpus = node.gpus.copy()
    if pod.gpus != 1 or pod.milli == 1000:
        bits = taken(node, pod, 0)
        for g in range(len(gpus)):
            if (bits >> g) & 1:
                gpus[g] -= pod.milli
        return descent(node, node.cpu - pod.cpu, gpus, target), 0
    best, chosen = 0, -1
    for g in range(len(gpus)):
        if node.gpus[g] < pod.milli or (g > 0 and node.gpus[g] == node.gpus[g - 1]):
            continue
        gpus[g] -= pod.milli
        score = descent(node, node.cpu - pod.cpu, gpus, target)
        gpus[g] += pod.milli
        if chosen < 0 or score > best:
            best, chosen = score, g
    return best, chosen


@kernels.on_demand
def score(policy: int, node: Node, pod: Pod, target: Target) -> float:
    """How good a node is that fits."""
    if policy == DOT_PROD:
        return float(dot_product(node, pod))
    if policy == GPU_CLUSTERING:
        return float(gpu_clustering(node, pod))
    if policy == GPU_PACKING:
        return float(gpu_packing(node, pod))
    if policy == BEST_FIT:
        return float(best_fit(node, pod))
    if policy == FGD:
        return float(fgd(node, pod, target)[0])
    return 0.0


@kernels.on_demand
def gpu(policy: int, node: Node, pod: Pod, target: Target, chance: float) -> int:
    """The GPU of the chosen node that a pod gets that shares one."""
    if policy == FGD:
        return fgd(node, pod, target)[1]
    if policy == RANDOM:
        return any_gpu(node, pod, chance)
    return tightest(node, pod)
