"""One run of a policy over a trace: pods arrive one at a time and stay; one that fits nowhere is dropped."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.gpu import fragmentation, loop, policies, traces
from k8s_notebook.scheduler.gpu.fragmentation import Floats, Target
from k8s_notebook.scheduler.gpu.policies import Node, Pod
from k8s_notebook.scheduler.gpu.traces import Ints, Trace

Policy = str | Callable[[Node, Pod], float]


@dataclass(frozen=True)
class Run:
    """What became of every pod, and of the cluster after it; one row per arriving pod."""

    trace: str
    policy: str
    seed: int
    capacity: int
    """thousandths of a GPU in the cluster"""
    pod_row: Ints
    """which pod of the list arrived"""
    node_row: Ints
    """where it went; -1 if it fits nowhere"""
    gpus: Ints
    """which GPUs of the node it got, as a bit set"""
    arrived: Ints
    """thousandths of GPUs that were asked for so far, by pods that fit nowhere too"""
    used: Ints
    """thousandths of GPUs that are allocated"""
    fragmentation: Floats
    """thousandths of GPUs that are free and of no use to the expected pods"""

    @property
    def failed(self) -> int:
        """How many pods fit nowhere."""
        return int((self.node_row < 0).sum())

    def columns(self) -> dict[str, Any]:
        """`step, pod_row, node_row, gpus` by name; GPUs as text: `0`, `3-4`, empty."""
        texts = {bits: "-".join(str(g) for g in range(traces.MOST_GPUS) if bits >> g & 1) for bits in set(self.gpus.tolist())}
        gpus = [texts[bits] for bits in self.gpus.tolist()]
        return {"step": np.arange(len(self.pod_row)), "pod_row": self.pod_row, "node_row": self.node_row, "gpus": gpus}

    def curve(self, decimals: int | None = None) -> dict[str, Any]:
        """Percentages by arrived percent of the cluster's GPUs, the mean over the pods of each whole percent.

        `arrived, allocation, fragmentation` (of all GPUs) and `ratio` (fragmented share of the free GPUs). With `decimals` the
        percentages of each pod are rounded before the mean is taken, as they are in the published tables.
        """
        gpus, idle = self.capacity / traces.WHOLE, np.maximum(self.capacity - self.used, 1)
        each = {
            "allocation": self.used / gpus / 10,
            "fragmentation": self.fragmentation / gpus / 10,
            "ratio": self.fragmentation * 100 / idle,
        }
        if decimals is not None:
            each = {name: np.array([round(value, decimals) for value in column.tolist()]) for name, column in each.items()}
        found, start = np.unique(np.rint(self.arrived / gpus / 10), return_index=True)
        means = {name: np.array([part.mean() for part in np.split(column, start[1:])]) for name, column in each.items()}
        return {"arrived": found.astype(np.int64), **means}


def replay(trace: Trace, policy: Policy = "FGD", seed: int = 42, order: Sequence[int] | Ints | None = None) -> Run:
    """The run of a policy over a trace, always the same for the same arguments.

    `policy` is one of `policies.NAMES`, or a function `(node, pod) -> score` of what Numba compiles, which gets `policies.Node`
    and `policies.Pod` of a node that fits; the highest score wins, and a pod that shares a GPU gets the fullest that has room.
    `order` gives rows of pods to arrive instead of those that belong to the seed. Raises ValueError for an unknown policy.
    """
    number = policies.number(policy) if isinstance(policy, str) else policies.OWN
    rows = trace.order(seed) if order is None else np.asarray(order, np.int64)
    by_rank = np.argsort(trace.rank(seed), kind="stable")
    requests, steps = _requests(trace, rows), len(rows)
    chance = np.random.default_rng([seed, 2]).random((steps, 2))
    placed = loop.Placements(np.full(steps, -1, np.int64), np.zeros(steps, np.int64), np.zeros(steps))
    compiles = kernels.enable_package(__package__)
    run_all = _with_own(policy, compiles) if callable(policy) else loop.run_all
    kept = _kept(len(requests.cpu), len(by_rank), steps)
    run_all(_state(trace, by_rank), requests, number, fragmentation.target(trace), chance, kept, placed)
    asked = trace.pods.gpus[rows] * trace.pods.milli[rows]
    fitted = placed.node >= 0
    return Run(
        trace.name, policy.__name__ if callable(policy) else policies.NAMES[number], seed, trace.capacity, rows,
        np.where(fitted, by_rank[placed.node], -1), placed.gpus, np.cumsum(asked), np.cumsum(np.where(fitted, asked, 0)),
        placed.fragmentation,
    )  # fmt: skip


def _state(trace: Trace, by_rank: Ints) -> loop.State:
    """All nodes, free."""
    cpu, memory, gpu_count, model = (column[by_rank] for column in trace.nodes)
    gpus = np.where(np.arange(max(gpu_count.max(initial=0), 1)) < gpu_count[:, None], traces.WHOLE, 0)
    return loop.State(cpu, memory, gpu_count, gpus, model, np.zeros_like(cpu), np.zeros_like(cpu), np.zeros(len(cpu)))


def _requests(trace: Trace, rows: Ints) -> loop.Requests:
    """The different requests among these rows."""
    pods = trace.pods
    table = np.stack([pods.cpu, pods.memory, pods.gpus, pods.milli, trace.allowed()[pods.spec]], axis=1)[rows]
    different, arriving = np.unique(table, axis=0, return_inverse=True)
    cpu, memory, gpus, milli, models = different.T.copy()
    return loop.Requests(cpu, memory, gpus, milli, models, arriving.reshape(-1))


def _kept(requests: int, nodes: int, steps: int) -> loop.Kept:
    """Nothing known."""
    scores = np.zeros((requests, nodes))
    return loop.Kept(scores, np.full(requests, -1, np.int64), np.zeros(steps, np.int64), np.full(nodes, -1, np.int64))


@functools.lru_cache(maxsize=32)
def _with_own(policy: Callable[[Node, Pod], float], compiles: bool) -> Callable[..., None]:
    """The loop with a policy of one's own in it: the same functions, with another one where they call `rate`."""

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        if not compiles or hasattr(function, "py_func"):
            return function
        import numba

        made: Callable[..., Any] = numba.jit(**kernels.SETTINGS)(function)
        return made

    def calling(kernel: kernels.Kernel[..., Any], **others: Callable[..., Any]) -> Callable[..., Any]:
        """The kernel's function anew, with other functions under these names."""
        written: Any = kernel.written
        return compiled(FunctionType(written.__code__, {**written.__globals__, **others}, written.__name__))

    score = compiled(policy)

    def rate(policy: int, node: Node, pod: Pod, target: Target) -> float:
        return float(score(node, pod))

    rescore = calling(loop.rescore, rate=compiled(rate))
    return calling(loop.run_all, refresh=calling(loop.refresh, rescore=rescore))
