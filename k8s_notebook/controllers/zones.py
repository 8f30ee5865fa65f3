"""How disturbed a zone is, and how fast its nodes may be emptied (as in pkg/controller/nodelifecycle)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from k8s_notebook.controllers import conditions
from k8s_notebook.objects import Obj

RATE = 0.1
"""Nodes a second that are tainted NoExecute in a zone."""
SLOW_RATE = 0.01
"""The same in a large zone that is partly disturbed."""
LARGE = 50
"""Nodes of a large zone."""
UNHEALTHY = 0.55
"""The part of nodes that are not ready from which a zone counts as disturbed."""
EXCLUDED = "node.kubernetes.io/exclude-disruption"


class State(Enum):
    """How a zone is."""

    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


def zone_of(node: Obj) -> str:
    """The zone that a node counts to: region and zone together, "" if it has neither."""
    labels = node["metadata"].get("labels") or {}
    region, zone = labels.get("topology.kubernetes.io/region", ""), labels.get("topology.kubernetes.io/zone", "")
    return f"{region}:{zone}" if region or zone else ""


def state(ready: int, not_ready: int) -> State:
    """The state of a zone with these numbers of nodes.

    >>> state(2, 3)
    <State.PARTIAL: 'PartialDisruption'>
    """
    if ready == 0 and not_ready > 0:
        return State.FULL
    if not_ready > 2 and not_ready / (not_ready + ready) >= UNHEALTHY:
        return State.PARTIAL
    return State.NORMAL


def survey(nodes: Iterable[Obj]) -> dict[str, tuple[State, int]]:
    """zone -> (its state, its number of nodes)."""
    counts: dict[str, list[int]] = {}
    for node in nodes:
        if EXCLUDED not in (node["metadata"].get("labels") or {}):
            condition = conditions.of(node, "Ready")
            healthy = condition is not None and condition["status"] == "True"
            counts.setdefault(zone_of(node), [0, 0])[0 if healthy else 1] += 1
    return {zone: (state(*numbers), sum(numbers)) for zone, numbers in counts.items()}


def pause(how: State, size: int) -> float | None:
    """Seconds between two nodes that are tainted in a zone; None: none is."""
    if how is State.PARTIAL:
        return 1 / SLOW_RATE if size > LARGE else None
    return 1 / RATE
