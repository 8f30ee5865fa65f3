"""The compiled loop of a run: every arriving pod gets its node and its GPUs, or is dropped.

A decision costs what changed since the same request was last seen: scores are kept per request and node, and only the nodes that
took a pod meanwhile are scored again. The decisions are those of scoring every node for every pod.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.gpu import fragmentation, policies
from k8s_notebook.scheduler.gpu.fragmentation import Floats, Target
from k8s_notebook.scheduler.gpu.policies import Node, Pod
from k8s_notebook.scheduler.gpu.traces import Ints

MOST_PODS = 1001
"""How many pods a node takes, as in the published runs."""
NOWHERE = -np.inf
"""The score of a node on which a pod does not fit."""


class State(NamedTuple):
    """The nodes, best rank first."""

    cpu: Ints
    memory: Ints
    gpu_count: Ints
    gpus: Ints
    """[node, GPU]: thousandths that are free"""
    model: Ints
    kinds: Ints
    pods: Ints
    fragmentation: Floats


class Requests(NamedTuple):
    """The different requests of a trace, and the order in which they come."""

    cpu: Ints
    memory: Ints
    gpus: Ints
    milli: Ints
    models: Ints
    arriving: Ints
    """[step]: the number of the request"""


class Kept(NamedTuple):
    """What is known of earlier decisions."""

    scores: Floats
    """[request, node]"""
    upto: Ints
    """[request]: how much of the log its scores know of, -1 before the first"""
    log: Ints
    """the nodes that took pods, in order"""
    last: Ints
    """[node]: its last place in the log"""


class Placements(NamedTuple):
    """What a run fills, one row per step."""

    node: Ints
    gpus: Ints
    fragmentation: Floats


@kernels.on_demand
def node_at(state: State, row: int) -> Node:
    """The node in one row."""
    gpus = state.gpus[row, : state.gpu_count[row]]
    return Node(state.cpu[row], state.memory[row], gpus, state.model[row], state.kinds[row], state.fragmentation[row])


@kernels.on_demand
def request_at(requests: Requests, at: int) -> Pod:
    """The request of that number."""
    return Pod(requests.cpu[at], requests.memory[at], requests.gpus[at], requests.milli[at], requests.models[at])


@kernels.on_demand
def rate(policy: int, node: Node, pod: Pod, target: Target) -> float:
    """The score of a node; a policy of one's own takes this function's place."""
    return policies.score(policy, node, pod, target)


@kernels.on_demand
def rescore(state: State, row: int, pod: Pod, policy: int, target: Target, scores: Floats) -> None:
    """Fill in the score of one node for one request."""
    node = node_at(state, row)
    scores[row] = rate(policy, node, pod, target) if policies.fits(node, pod) else NOWHERE


@kernels.on_demand
def refresh(state: State, at: int, pod: Pod, policy: int, target: Target, kept: Kept, logged: int) -> None:
    """Bring the scores of one request up to date."""
    scores, since = kept.scores[at], kept.upto[at]
    if since < 0:
        for row in range(len(state.cpu)):
            rescore(state, row, pod, policy, target, scores)
    else:
        for place in range(since, logged):
            if kept.last[kept.log[place]] == place:
                rescore(state, kept.log[place], pod, policy, target, scores)
    kept.upto[at] = logged


@kernels.on_demand
def choose(state: State, pod: Pod, scores: Floats) -> int:
    """The best node that has room; of equals the first; -1 if there is none."""
    best = -1
    for row in range(len(scores)):
        if scores[row] == NOWHERE or (best >= 0 and scores[row] <= scores[best]):
            continue
        if state.memory[row] >= pod.memory and state.pods[row] < MOST_PODS:
            best = row
    return best


@kernels.on_demand
def draw(state: State, pod: Pod, scores: Floats, chance: float) -> int:
    """One of the nodes that have room, by a number from 0 to 1; -1 if there is none."""
    found = 0
    for row in range(len(scores)):
        if scores[row] != NOWHERE and state.memory[row] >= pod.memory and state.pods[row] < MOST_PODS:
            found += 1
    left = int(chance * found)
    for row in range(len(scores)):
        if scores[row] != NOWHERE and state.memory[row] >= pod.memory and state.pods[row] < MOST_PODS:
            if left == 0:
                return row
            left -= 1
    return -1


@kernels.on_demand
def place(state: State, row: int, pod: Pod, gpus: int, target: Target) -> float:
    """By how much the cluster's fragmentation grows as the pod gets these GPUs of that node."""
    state.cpu[row] -= pod.cpu
    state.memory[row] -= pod.memory
    state.pods[row] += 1
    state.kinds[row] |= policies.kind(pod)
    for g in range(state.gpu_count[row]):
        if (gpus >> g) & 1:
            state.gpus[row, g] -= pod.milli
    before, node = state.fragmentation[row], node_at(state, row)
    after = fragmentation.fragmentation(node.cpu, node.gpus, node.model, target)
    state.fragmentation[row] = after
    return float(after - before)


@kernels.on_demand
def measure(state: State, target: Target) -> float:
    """The fragmentation of the cluster, with that of each node filled in."""
    total = 0.0
    for row in range(len(state.cpu)):
        node = node_at(state, row)
        state.fragmentation[row] = fragmentation.fragmentation(node.cpu, node.gpus, node.model, target)
        total += state.fragmentation[row]
    return total


@kernels.on_demand
def run_all(
    state: State, requests: Requests, policy: int, target: Target, chance: Floats, kept: Kept, placements: Placements
) -> None:
    """Decide for every pod and place it. `chance` has two numbers from 0 to 1 per step, for the policies that draw."""
    fragmented, logged = measure(state, target), 0
    for step in range(len(requests.arriving)):
        at = requests.arriving[step]
        pod = request_at(requests, at)
        refresh(state, at, pod, policy, target, kept, logged)
        if policy == policies.RANDOM:
            row = draw(state, pod, kept.scores[at], chance[step, 0])
        else:
            row = choose(state, pod, kept.scores[at])
        if row >= 0:
            node = node_at(state, row)
            shared = policies.gpu(policy, node, pod, target, chance[step, 1]) if 0 < pod.milli < 1000 else 0
            placements.gpus[step] = policies.taken(node, pod, shared)
            fragmented += place(state, row, pod, placements.gpus[step], target)
            kept.log[logged], kept.last[row] = row, logged
            logged += 1
        placements.node[step] = row
        placements.fragmentation[step] = fragmented
