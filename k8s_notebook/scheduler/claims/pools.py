"""The devices that can be reached from a node: ResourceSlices put together to pools (as GatherPools)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import node_affinity

SLICES = "resourceslices.resource.k8s.io"

DeviceId = tuple[str, str, str]
"""(driver, pool, device)"""


class Device(NamedTuple):
    """One device of a pool."""

    id: DeviceId
    obj: Obj
    slice: Obj


@dataclass(frozen=True, slots=True)
class Pool:
    """The devices of one pool for one node."""

    name: str
    """driver/pool"""
    devices: tuple[Device, ...] = ()
    others: tuple[Device, ...] = ()
    """Those that cannot be reached from the node."""
    counters: dict[str, Obj] = field(default_factory=dict)
    """name -> a set of counters that its devices share"""
    incomplete: bool = False
    """Its driver is writing it just now."""
    invalid: bool = False
    """Two of its devices have one name, or take from counters that are not there."""


def of_node(slot: int, cluster: Cluster) -> list[Pool]:
    """The pools of a node, by driver and name; those whose devices are bound in several steps last."""
    slices = cluster.beside.grouped(SLICES, node_of, cluster.names[slot]) + cluster.beside.grouped(SLICES, node_of, "")
    gathered: dict[str, list[Obj]] = {}
    for each in slices:
        if _relevant(each["spec"], slot, cluster):
            _add(gathered, each)
    found = [pool for name, parts in gathered.items() if (pool := _pool(name, parts, cluster)) is not None]
    return sorted(found, key=lambda pool: (_binds_late(pool), *pool.name.split("/", 1)))


def matches(place: Obj, slot: int, cluster: Cluster) -> bool:
    """Whether the node selection of a slice or a device admits a node."""
    if place.get("nodeName"):
        return bool(place["nodeName"] == cluster.names[slot])
    if place.get("allNodes"):
        return True
    return place.get("nodeSelector") is not None and selects(place["nodeSelector"], slot, cluster)


def selects(selector: Obj, slot: int, cluster: Cluster) -> bool:
    """Whether a node selector matches a node."""
    at = np.array([slot], np.int64)
    return any(bool(node_affinity.matches(term, cluster, at)[0]) for term in selector.get("nodeSelectorTerms") or ())


def node_of(each: Obj) -> str:
    """The node of a ResourceSlice; "" if it serves several."""
    return "" if each["spec"].get("sharedCounters") else str(each["spec"].get("nodeName") or "")


def pool_of(each: Obj) -> str:
    """driver/pool of a ResourceSlice."""
    return f"{each['spec']['driver']}/{each['spec']['pool']['name']}"


def _relevant(spec: Obj, slot: int, cluster: Cluster) -> bool:
    if spec.get("sharedCounters"):
        return True
    if spec.get("nodeName") or spec.get("allNodes") or spec.get("nodeSelector") is not None:
        return matches(spec, slot, cluster)
    return bool(spec.get("perDeviceNodeSelection")) and any(matches(d, slot, cluster) for d in spec.get("devices") or ())


def _add(gathered: dict[str, list[Obj]], each: Obj) -> None:
    """Put a slice to its pool; only the newest generation counts."""
    parts = gathered.setdefault(pool_of(each), [])
    ahead = _generation(each) - _generation(parts[0]) if parts else 0
    if ahead > 0:
        parts.clear()
    if ahead >= 0:
        parts.append(each)


def _generation(each: Obj) -> int:
    return int(each["spec"]["pool"].get("generation") or 0)


def _pool(name: str, parts: list[Obj], cluster: Cluster) -> Pool | None:
    """The pool of some slices; None if they are of a generation that is being replaced."""
    wanted = parts[0]["spec"]["pool"].get("resourceSliceCount")
    others: list[Obj] = []
    if len(parts) != wanted:
        everywhere = cluster.beside.grouped(SLICES, pool_of, name)
        if max(_generation(each) for each in everywhere) > _generation(parts[0]):
            return None
        everywhere = [each for each in everywhere if _generation(each) == _generation(parts[0])]
        if len(everywhere) != wanted:
            return Pool(name, incomplete=True)
        others = [each for each in everywhere if not any(each is part for part in parts)]
    devices, sets = _devices(parts), [s for each in parts for s in each["spec"].get("sharedCounters") or ()]
    pool = Pool(name, devices, _devices(others), {s["name"]: s.get("counters") or {} for s in sets})
    distinct = len({device.id for device in devices}) == len(devices) and len(pool.counters) == len(sets)
    return pool if distinct and _counted(pool) else Pool(name, invalid=True)


def _devices(parts: list[Obj]) -> tuple[Device, ...]:
    """The devices of slices, by the slices' names; a slice has counters or devices."""
    return tuple(
        Device((each["spec"]["driver"], each["spec"]["pool"]["name"], device["name"]), device, each)
        for each in sorted(parts, key=lambda part: part["metadata"]["name"])
        if not each["spec"].get("sharedCounters")
        for device in each["spec"].get("devices") or ()
    )


def _counted(pool: Pool) -> bool:
    """Whether all that the devices take from is there."""
    taken = (t for device in (*pool.devices, *pool.others) for t in device.obj.get("consumesCounters") or ())
    return all(t["counterSet"] in pool.counters and t["counters"].keys() <= pool.counters[t["counterSet"]].keys() for t in taken)


def _binds_late(pool: Pool) -> bool:
    return any(device.obj.get("bindingConditions") is not None for device in pool.devices)
