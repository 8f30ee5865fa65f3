"""What compiled code reads of a profile and of a pod class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plugins import node_resources_fit
from k8s_notebook.scheduler.profiles import Profile

TIES = {"v1.36": 0, "first": 1, "random": 2}


@kernels.record
class PodArrays(NamedTuple):
    """A pod class."""

    requests: Ints
    """[resource]: what it occupies"""
    checked: Ints
    """[resource]: what must be free"""
    weighed: Ints
    """[resource]: what it counts when nodes are weighed by how full they are"""
    occupies: Ints
    """[2]: what it adds to `NodeArrays.occupied`"""
    conflicts: Ints
    """[any]: columns of `NodeArrays.ports` that must be empty"""
    ports: Ints
    """[any]: columns of `NodeArrays.ports` that it takes"""
    rows: Ints
    """[any]: rows of tallies to which it adds one"""


@kernels.record
class Plan(NamedTuple):
    """A profile: where compiled plugins write what they find (-1: not used), and their arguments."""

    ports_bit: int
    fit_bit: int
    spread_bit: int
    affinity_bit: int
    fit_row: int
    balanced_row: int
    spread_row: int
    affinity_row: int
    spread_weight: int
    affinity_weight: int
    ties: int
    strategy: int
    fit_columns: Ints
    fit_weights: Ints
    shape_x: Ints
    shape_y: Ints
    balanced_columns: Ints


def plan(profile: Profile, cluster: Cluster) -> Plan:
    """The plan of a profile in a cluster; it may add columns for the resources that the profile names."""
    filters, scores = [p.name for p in profile.filters], [p.name for p in profile.scores]
    weights = dict(zip(scores, profile.weights, strict=True))
    fit = profile.args.fit
    return Plan(
        _index(filters, "NodePorts"), _index(filters, "NodeResourcesFit"), _index(filters, "PodTopologySpread"),
        _index(filters, "InterPodAffinity"), _index(scores, "NodeResourcesFit"), _index(scores, "NodeResourcesBalancedAllocation"),
        _index(scores, "PodTopologySpread"), _index(scores, "InterPodAffinity"), weights.get("PodTopologySpread", 0),
        weights.get("InterPodAffinity", 0), TIES[profile.ties], node_resources_fit.STRATEGIES[fit.strategy],
        np.array([cluster.column(name) for name, _ in fit.resources], np.int64),
        np.array([weight for _, weight in fit.resources], np.int64),
        np.array([x for x, _ in fit.shape], np.int64), np.array([10 * y for _, y in fit.shape], np.int64),
        np.array([cluster.column(name) for name, _ in profile.args.balanced], np.int64),
    )  # fmt: skip


def _index(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1
