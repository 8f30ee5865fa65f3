"""Which plugins decide, with which weights and arguments: kube-scheduler's default profile, or another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from k8s_notebook.scheduler import plugins
from k8s_notebook.scheduler.args import Args, Fit
from k8s_notebook.scheduler.plugins.plugin import Plugin

__all__ = ["DEFAULT", "Args", "Fit", "Profile", "Ties"]

Ties = Literal["v1.36", "first", "random"]
"""Which of several best nodes is taken: the one that kube-scheduler 1.36 takes (with parallelism 1), the first, or any."""


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """One `schedulerName` and how its pods are placed."""

    name: str = "default-scheduler"
    filters: tuple[Plugin, ...] = tuple(p for p in plugins.REGISTRY.values() if p.filters)
    scores: tuple[Plugin, ...] = tuple(p for p in plugins.REGISTRY.values() if p.scores)
    weights: tuple[int, ...] = tuple(p.weight for p in plugins.REGISTRY.values() if p.scores)
    percentage: int = 0
    """percentageOfNodesToScore; 0: fewer the more nodes there are."""
    args: Args = field(default_factory=Args)
    ties: Ties = "v1.36"
    seed: int = 0
    """What chance depends on: ties "random", and where the search for pods to preempt begins."""
    preempts: bool = True
    """Whether pods of lower priority may be evicted (DefaultPreemption)."""
    claims: bool = True
    """Whether DynamicResources takes part; kube-scheduler then says so in every failure."""

    def enough(self, nodes: int) -> int:
        """How many feasible nodes end the search (as numFeasibleNodesToFind).

        >>> [Profile().enough(n) for n in (50, 1000, 5000, 10000)]
        [50, 420, 500, 500]
        """
        if not self.scores:
            return min(nodes, 1)
        if nodes < 100:
            return nodes
        percentage = self.percentage or max(5, 50 - nodes // 125)
        return max(nodes * percentage // 100, 100)

    def __repr__(self) -> str:
        """Its name, how many filters it has, and the scores with their weights.

        >>> Profile(name="few", scores=Profile().scores[:2], weights=(3, 2))
        <profile few: 14 filters; scores TaintToleration 3, NodeAffinity 2>
        """
        scores = ", ".join(f"{plugin.name} {weight}" for plugin, weight in zip(self.scores, self.weights, strict=True))
        return f"<profile {self.name}: {len(self.filters)} filters; scores {scores or 'none'}>"

    def uses(self, plugin: str) -> bool:
        """Whether a filter plugin takes part."""
        return any(p.name == plugin for p in self.filters)


DEFAULT = Profile()
