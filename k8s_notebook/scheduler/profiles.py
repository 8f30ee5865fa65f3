"""Which plugins decide, with which weights: kube-scheduler's default profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from k8s_notebook.scheduler import plugins
from k8s_notebook.scheduler.plugins.plugin import Plugin


class Plan(NamedTuple):
    """Where compiled code writes what it finds; -1 where a plugin is not used."""

    ports_bit: int
    fit_bit: int
    fit_row: int
    balanced_row: int


@dataclass(frozen=True, slots=True)
class Profile:
    """One `schedulerName` and how its pods are placed."""

    name: str = "default-scheduler"
    filters: tuple[Plugin, ...] = tuple(p for p in plugins.REGISTRY.values() if p.filters)
    scores: tuple[Plugin, ...] = tuple(p for p in plugins.REGISTRY.values() if p.scores)
    weights: tuple[int, ...] = tuple(p.weight for p in plugins.REGISTRY.values() if p.scores)
    percentage: int = 0
    """percentageOfNodesToScore; 0: fewer the more nodes there are."""

    def plan(self) -> Plan:
        """The positions of the compiled plugins."""
        filters, scores = [p.name for p in self.filters], [p.name for p in self.scores]
        return Plan(
            _index(filters, "NodePorts"),
            _index(filters, "NodeResourcesFit"),
            _index(scores, "NodeResourcesFit"),
            _index(scores, "NodeResourcesBalancedAllocation"),
        )

    def enough(self, nodes: int) -> int:
        """How many feasible nodes end the search (as numFeasibleNodesToFind).

        >>> [Profile().enough(n) for n in (50, 1000, 5000, 10000)]
        [50, 420, 500, 500]
        """
        if nodes < 100:
            return nodes
        percentage = self.percentage or max(5, 50 - nodes // 125)
        return max(nodes * percentage // 100, 100)


def _index(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


DEFAULT = Profile()
