"""What a plugin is: a row of the registry that points to its functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.pods import PodClass

Bools = npt.NDArray[np.bool_]

RAW, HIGHEST_IS_100, LOWEST_IS_100 = 0, 1, 2
"""How raw scores become 0 to 100: not at all; in proportion to the highest; the same, turned round."""

NODE_ADDED, NODE_LABELS, NODE_TAINTS, NODE_ALLOCATABLE, POD_GONE = "added", "labels", "taints", "allocatable", "pod gone"
"""What can happen in a cluster that lets a pod fit that did not fit before."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why some nodes were refused."""

    texts: list[str]
    given: Bools
    """[node, text]: which reasons a node gave"""
    final: Bools
    """[node]: no other pod's leaving would help"""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of kube-scheduler.

    `fails` and `score` are functions of (pod class, cluster, slots) that depend on nodes alone: which of the slots are refused,
    and the raw score of each; None where the plugin has nothing to say about the pod. What depends on the pods of a node is
    compiled: scheduler/cycle.py calls those kernels, and `moves` says that there is one.
    """

    name: str
    weight: int = 0
    fails: Callable[[PodClass, Cluster, Ints], Bools | None] | None = None
    score: Callable[[PodClass, Cluster, Ints], Ints | None] | None = None
    reasons: Callable[[PodClass, Cluster, Ints], Reasons] | None = None
    moves_filter: bool = False
    moves_score: Callable[[PodClass], bool] | None = None
    """Whether the compiled score has something to say about a pod class."""
    reads_images: bool = False
    """Whether `score` depends on which node has which image."""
    mode: int = RAW
    helped_by: frozenset[str] = frozenset()
    """After which events a pod that it refused is tried again."""

    @property
    def filters(self) -> bool:
        """Whether it can refuse nodes."""
        return self.fails is not None or self.moves_filter

    @property
    def scores(self) -> bool:
        """Whether it weighs nodes."""
        return self.score is not None or self.moves_score is not None


def says(text: str, *, final: bool) -> Callable[[PodClass, Cluster, Ints], Reasons]:
    """The `reasons` of a plugin that has one sentence."""

    def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> Reasons:
        return Reasons([text], np.ones((len(at), 1), np.bool_), np.full(len(at), final))

    return reasons
