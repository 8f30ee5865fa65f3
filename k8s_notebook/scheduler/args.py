"""What plugins can be told: the arguments of kube-scheduler's plugins, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Strategy = Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"]
Weighted = tuple[tuple[str, int], ...]

CPU_AND_MEMORY: Weighted = (("cpu", 1), ("memory", 1))


@dataclass(frozen=True, slots=True)
class Fit:
    """NodeResourcesFitArgs: how NodeResourcesFit weighs nodes, and what it does not look at."""

    strategy: Strategy = "LeastAllocated"
    resources: Weighted = CPU_AND_MEMORY
    """(resource, weight 1..100)"""
    shape: tuple[tuple[int, int], ...] = ()
    """(utilisation 0..100, score 0..10) by utilisation; for RequestedToCapacityRatio alone"""
    ignored: frozenset[str] = frozenset()
    """Extended resources that are not looked at, by name"""
    ignored_groups: frozenset[str] = frozenset()
    """The same by what stands before the slash"""


@dataclass(frozen=True, slots=True)
class Args:
    """The arguments of all plugins of one profile."""

    fit: Fit = Fit()
    balanced: Weighted = CPU_AND_MEMORY
    """NodeResourcesBalancedAllocationArgs.resources"""
    hard_pod_affinity_weight: int = 1
    ignore_preferred_terms_of_existing_pods: bool = False
    default_constraints: tuple[dict[str, Any], ...] | None = None
    """PodTopologySpreadArgs: None is the built-in list (System), () an empty list."""
    added_affinity: dict[str, Any] = field(default_factory=dict)
    """NodeAffinityArgs.addedAffinity, {} if there is none"""
    min_candidates_percentage: int = 10
    min_candidates: int = 100
    bind_timeout: int = 600
    """VolumeBindingArgs.bindTimeoutSeconds"""


DEFAULT = Args()
