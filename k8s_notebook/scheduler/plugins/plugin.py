"""What a plugin is: a row of the registry that points to its functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.pods import PodClass

if TYPE_CHECKING:
    from k8s_notebook.scheduler.args import Args
    from k8s_notebook.scheduler.own import Own

Bools = npt.NDArray[np.bool_]

RAW, HIGHEST_IS_100, LOWEST_IS_100 = 0, 1, 2
"""How raw scores become 0 to 100: not at all; in proportion to the highest; the same, turned round."""


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

    `fails` and `score` are functions of (pod class, cluster, slots) that depend on nodes and the objects beside alone: which of
    the slots are refused, and the raw score of each; None where the plugin has nothing to say about the pod. `moves` is like
    `fails` for what also depends on the pods of a node. `rejects` gives the sentence with which the whole pod is refused, or "".
    Of the plugins that are compiled (scheduler/cycle.py calls their kernels), `moves_filter` and `moves_score` say so.
    """

    name: str
    weight: int = 0
    fails: Callable[[PodClass, Cluster, Ints], Bools | None] | None = None
    score: Callable[[PodClass, Cluster, Ints], Ints | None] | None = None
    reasons: Callable[[PodClass, Cluster, Ints], Reasons] | None = None
    moves: Callable[[PodClass, Cluster, Ints], Bools | None] | None = None
    rejects: Callable[[PodClass, Cluster], str] | None = None
    moves_filter: bool = False
    moves_score: Callable[[PodClass, Args], bool] | None = None
    """Whether the compiled score has something to say about a pod class."""
    reads_images: bool = False
    """Whether `score` depends on which node has which image."""
    reads: tuple[str, ...] = ()
    """The resources beside nodes and pods that `fails`, `moves` and `rejects` read of."""
    mode: int = RAW
    own: Own | None = None
    """A person's own compiled function."""

    @property
    def filters(self) -> bool:
        """Whether it can refuse nodes."""
        own = self.own is not None and self.own.filters
        return self.fails is not None or self.moves is not None or self.rejects is not None or self.moves_filter or own

    @property
    def scores(self) -> bool:
        """Whether it weighs nodes."""
        own = self.own is not None and not self.own.filters
        return self.score is not None or self.moves_score is not None or own


def always(pod: PodClass, args: Args) -> bool:
    """True: the compiled score has something to say about every pod class, if only that nothing counts."""
    return True


def says(text: str, *, final: bool) -> Callable[[PodClass, Cluster, Ints], Reasons]:
    """The `reasons` of a plugin that has one sentence."""

    def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> Reasons:
        return Reasons([text], np.ones((len(at), 1), np.bool_), np.full(len(at), final))

    return reasons
