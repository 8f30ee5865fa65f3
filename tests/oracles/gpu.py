"""GPU sharing as plainly as it can be written: every node is scored for every pod, with lists and nothing kept.

Slow on purpose: no arrays, no shared code with the package. Compare `../shared/reference/data.md`, section 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

WHOLE = 1000
LARGEST_CPU, LARGEST_GPU = 128_000, 8_000
MOST_PODS = 1001


@dataclass
class Node:
    """What is free on a machine."""

    cpu: int
    memory: int
    gpus: list[int]
    model: str = ""
    rank: int = 0
    kinds: set[str] = field(default_factory=set)
    pods: int = 0


@dataclass(frozen=True)
class Pod:
    """What is asked for."""

    cpu: int
    memory: int = 0
    gpus: int = 0
    milli: int = 0
    spec: str = ""


Workload = list[tuple[Pod, float]]
"""What pods are to be expected, and how often."""


def workload(pods: list[Pod], share: float = 0.95) -> Workload:
    """The most frequent requests (memory apart) that together are this share of all pods."""
    without_memory = [Pod(p.cpu, 0, p.gpus, p.milli, p.spec) for p in pods]
    kinds = set(without_memory)
    counted = [(without_memory.count(k), k.cpu, k.milli, k.gpus, k.spec, k) for k in kinds]
    counted.sort(key=lambda row: row[:5], reverse=True)
    taken: list[tuple[Pod, int]] = []
    while sum(n for _, n in taken) < share * len(pods):
        taken.append((counted[len(taken)][5], counted[len(taken)][0]))
    frequency = [(pod, count / len(pods)) for pod, count in taken]
    if len(taken) == len(kinds):
        return frequency
    covered = sum(n for _, n in taken) / len(pods)
    return [(pod, f / covered) for pod, f in frequency]


# ---------------------------------------------------------------- where a pod fits


def allowed(node: Node, pod: Pod) -> bool:
    """Whether the node's GPUs are of a model that the pod takes."""
    return node.model != "" and (pod.spec == "" or node.model in pod.spec.split("|"))


def gpus_with_room(node: Node, pod: Pod) -> list[int]:
    """The GPUs on which one part of the pod fits."""
    return [g for g in range(len(node.gpus)) if node.gpus[g] >= pod.milli]


def fits(node: Node, pod: Pod) -> bool:
    """Whether the pod can go there."""
    if node.cpu < pod.cpu or node.memory < pod.memory or node.pods >= MOST_PODS:
        return False
    return pod.gpus == 0 or (allowed(node, pod) and len(gpus_with_room(node, pod)) >= pod.gpus)


def kind(pod: Pod) -> str:
    """What GPU pods of a sort are called."""
    return "shared" if pod.milli < WHOLE else f"{pod.gpus} whole"


def tightest(node: Node, pod: Pod) -> int:
    """The fullest GPU that has room, the first of equals."""
    return min(gpus_with_room(node, pod), key=lambda g: node.gpus[g])


def placed(node: Node, pod: Pod, gpus: list[int]) -> Node:
    """The node with the pod on it."""
    left = [free - pod.milli if g in gpus else free for g, free in enumerate(node.gpus)]
    kinds = node.kinds | {kind(pod)} if pod.gpus else node.kinds
    return Node(node.cpu - pod.cpu, node.memory - pod.memory, left, node.model, node.rank, kinds, node.pods + 1)


# ---------------------------------------------------------------- fragmentation


def fragmentation(node: Node, expected: Workload) -> float:
    """What of the node's free GPUs is of no use to the expected pods, on average."""
    sums = {"both": 0.0, "gpu": 0.0, "cpu": 0.0, "no gpu wanted": 0.0, "no gpu, no cpu": 0.0, "model": 0.0}
    for pod, frequency in expected:
        enough_cpu = node.cpu >= pod.cpu
        enough_gpus = len(gpus_with_room(node, pod)) >= pod.gpus
        if pod.milli == 0:
            sums["no gpu wanted" if enough_cpu else "no gpu, no cpu"] += frequency * sum(node.gpus)
        elif not allowed(node, pod):
            sums["model"] += frequency * sum(node.gpus)
        elif enough_cpu and enough_gpus:
            sums["gpu"] += frequency * sum(free for free in node.gpus if free < pod.milli)
        else:
            lacking = "cpu" if enough_gpus else ("gpu" if enough_cpu else "both")
            sums[lacking] += frequency * sum(node.gpus)
    total = 0.0
    for part in sums.values():
        total += part
    return total


# ---------------------------------------------------------------- policies: (score, GPUs of the node)


def plain(node: Node, pod: Pod) -> list[int]:
    """The GPUs that most policies take."""
    if pod.gpus == 0:
        return []
    return [tightest(node, pod)] if pod.milli < WHOLE else gpus_with_room(node, pod)[: pod.gpus]


def best_fit(node: Node, pod: Pod, expected: Workload) -> tuple[int, list[int]]:
    left = 0.0
    left += (node.cpu - pod.cpu) / LARGEST_CPU * 0.5
    left += (sum(node.gpus) - pod.gpus * pod.milli) / LARGEST_GPU * 0.5
    return int((1.0 - left) * 100.0), plain(node, pod)


def dot_prod(node: Node, pod: Pod, expected: Workload) -> tuple[int, list[int]]:
    product = 0.0
    product += (node.cpu / LARGEST_CPU) * (pod.cpu / LARGEST_CPU)
    product += (sum(node.gpus) / LARGEST_GPU) * (pod.gpus * pod.milli / LARGEST_GPU)
    return int(100.0 * (1.0 - product / 2)), plain(node, pod)


def gpu_packing(node: Node, pod: Pod, expected: Workload) -> tuple[int, list[int]]:
    if pod.gpus == 0:
        return 0, []
    free_ones = sum(free == WHOLE for free in node.gpus)
    if free_ones == len(node.gpus):
        return max(33 - free_ones, free_ones), plain(node, pod)
    fullest_first = sorted(gpus_with_room(node, pod), key=lambda g: (node.gpus[g], g))[: pod.gpus]
    new_ones = sum(node.gpus[g] == WHOLE for g in fullest_first)
    if new_ones:
        return max(50 - new_ones, 33), plain(node, pod)
    percent = sum(node.gpus[g] * 100 // WHOLE for g in fullest_first)
    return max(100 - percent // 10, 50), plain(node, pod)


def gpu_clustering(node: Node, pod: Pod, expected: Workload) -> tuple[int, list[int]]:
    if pod.gpus == 0:
        return 0, []
    used = 25 * (LARGEST_GPU - sum(node.gpus)) // LARGEST_GPU
    if kind(pod) in node.kinds:
        return used + (75 if len(node.kinds) == 1 else 50), plain(node, pod)
    return used + (0 if node.kinds else 25), plain(node, pod)


def fgd(node: Node, pod: Pod, expected: Workload) -> tuple[int, list[int]]:
    shares = pod.gpus == 1 and pod.milli < WHOLE
    choices = [[g] for g in gpus_with_room(node, pod)] if shares else [plain(node, pod)]
    scored = []
    for gpus in choices:
        gain = fragmentation(node, expected) - fragmentation(placed(node, pod, gpus), expected)
        scored.append((int(1.0 / (1.0 + math.exp(-gain / 1000)) * 100.0), gpus))
    return max(scored, key=lambda each: each[0])


POLICIES = {
    "BestFit": best_fit,
    "DotProd": dot_prod,
    "GpuPacking": gpu_packing,
    "GpuClustering": gpu_clustering,
    "FGD": fgd,
}


# ---------------------------------------------------------------- a run


def spread(scores: list[int]) -> list[int]:
    """Scores as 0..100 from the lowest to the highest (BestFit's last step)."""
    low, high = min(scores), max(scores)
    return [(score - low) * 100 // (high - low) if high > low else 0 for score in scores]


def run(nodes: list[Node], arriving: list[Pod], expected: Workload, policy: str) -> list[tuple[int, list[int]]]:
    """(number of the node or -1, its GPUs) for each pod; the nodes change."""
    answers: list[tuple[int, list[int]]] = []
    for pod in arriving:
        feasible = [n for n in range(len(nodes)) if fits(nodes[n], pod)]
        if not feasible:
            answers.append((-1, []))
            continue
        answered = [POLICIES[policy](nodes[n], pod, expected) for n in feasible]
        scores = [score for score, _ in answered]
        if policy == "BestFit":
            scores = spread(scores)
        best = min(range(len(feasible)), key=lambda i: (-scores[i], nodes[feasible[i]].rank))
        n, gpus = feasible[best], answered[best][1]
        nodes[n] = placed(nodes[n], pod, gpus)
        answers.append((n, gpus))
    return answers
