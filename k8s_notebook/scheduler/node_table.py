"""Nodes as arrays, kept up to date change by change.

A node is a row ("slot") of every array; slots are reused. `log` names the slots whose room changed, so that whoever keeps results
per node (scheduler/rows.py) redoes only those.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import node_tree, requests
from k8s_notebook.scheduler.images import Images
from k8s_notebook.scheduler.labels import Labels
from k8s_notebook.scheduler.pods import Port
from k8s_notebook.scheduler.tallies import Tallies

Ints = npt.NDArray[np.int64]

BASE = ("cpu", "memory", "ephemeral-storage")
"""The resources of the first columns; extended ones get further columns as they appear."""
FIRST_SLOTS = 16
LONGEST_LOG = 20_000


@kernels.record
class NodeArrays(NamedTuple):
    """What compiled code reads of nodes; one row per slot."""

    allocatable: Ints
    """[slot, resource]"""
    requested: Ints
    """[slot, resource]: the sum over the pods that are there"""
    occupied: Ints
    """[slot, 2]: cpu and memory, with the stand-in for what pods did not state"""
    room: Ints
    """[slot]: how many pods the node takes"""
    pods: Ints
    """[slot]: how many are there"""
    ports: Ints
    """[slot, port]: how many pods hold that (protocol, IP, port)"""
    nominated: Ints
    """[slot]: how many pods wait for room that is being made there"""


class NodeTable:
    """All nodes. What runs on them is added by `arrays.Cluster`."""

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.names: list[str] = [""] * FIRST_SLOTS
        self.objects: list[Obj] = [{}] * FIRST_SLOTS
        self.labels = Labels(FIRST_SLOTS)
        self.taint_sets: dict[tuple[tuple[str, str, str], ...], int] = {(): 0}
        self.taints: Ints = np.zeros(FIRST_SLOTS, np.int64)
        self.unschedulable: npt.NDArray[np.bool_] = np.zeros(FIRST_SLOTS, np.bool_)
        self.images = Images(FIRST_SLOTS)
        self.tallies = Tallies(FIRST_SLOTS)
        self.resources: dict[str, int] = {name: i for i, name in enumerate(BASE)}
        self.ports: dict[Port, int] = {}
        self.version = 0
        """Goes up whenever anything changed that does not depend on the pods of a node."""
        self.shape = 0
        """Goes up whenever arrays were replaced."""
        self.log: Ints = np.zeros(LONGEST_LOG, np.int64)
        self.logged = 0
        self.epoch = 0
        """Goes up whenever the log starts again."""
        self._tree = node_tree.NodeTree()
        self._order: Ints | None = None
        self._positions: Ints = np.zeros(0, np.int64)
        self._free: list[int] = list(range(FIRST_SLOTS - 1, -1, -1))
        self.arrays = NodeArrays(
            np.zeros((FIRST_SLOTS, len(BASE)), np.int64), np.zeros((FIRST_SLOTS, len(BASE)), np.int64),
            np.zeros((FIRST_SLOTS, 2), np.int64), np.zeros(FIRST_SLOTS, np.int64), np.zeros(FIRST_SLOTS, np.int64),
            np.zeros((FIRST_SLOTS, 1), np.int64), np.zeros(FIRST_SLOTS, np.int64),
        )  # fmt: skip

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self.slots)

    @property
    def order(self) -> Ints:
        """All slots in the order in which nodes are looked at. It is made anew only after a node came or went."""
        if self._order is None:
            self._order = np.array([self.slots[name] for name in self._tree.order()], np.int64)
            self._positions = np.full(len(self.names), -1, np.int64)
            self._positions[self._order] = np.arange(len(self._order))
        return self._order

    @property
    def positions(self) -> Ints:
        """[slot]: where a node stands in `order`, or -1."""
        _ = self.order
        return self._positions

    def port(self, wanted: Port) -> int:
        """The column of a (protocol, IP, port) in `arrays.ports`."""
        found = self.ports.get(wanted)
        if found is None:
            found = self.ports[wanted] = len(self.ports)
            if found >= self.arrays.ports.shape[1]:
                wider = np.zeros((len(self.names), 2 * found), np.int64)
                wider[:, :found] = self.arrays.ports
                self.arrays = self.arrays._replace(ports=wider)
                self.shape += 1
        return found

    def column(self, resource: str) -> int:
        """The column of a resource; the arrays get wider for a new one."""
        found = self.resources.get(resource)
        if found is None:
            found = self.resources[resource] = len(self.resources)
            extra = np.zeros((len(self.names), 1), np.int64)
            self.arrays = self.arrays._replace(
                allocatable=np.hstack((self.arrays.allocatable, extra)), requested=np.hstack((self.arrays.requested, extra))
            )
            self.shape += 1
        return found

    def changed(self, slot: int) -> None:
        """Note that the room on a node changed."""
        if self.logged == LONGEST_LOG:
            self.logged = 0
            self.epoch += 1
        self.log[self.logged] = slot
        self.logged += 1
        self.images.touch(slot)

    def _set(self, name: str, slot: int, node: Obj) -> frozenset[str]:
        """Change a node; what changed."""
        old, self.objects[slot] = self.objects[slot], node
        changed = frozenset(what for what, path in _PARTS.items() if _part(old, path) != _part(node, path))
        if "labels" in changed:
            self._tree.put(name, node_tree.zone_of(node["metadata"].get("labels") or {}))
            self.labels.put(slot, node["metadata"].get("labels") or {})
        self.images.touch(slot)
        if changed:
            self._write(slot, node, changed)
        return frozenset("taints" if what == "unschedulable" else what for what in changed)

    def _add(self, name: str, node: Obj) -> int:
        """Add a node; its slot."""
        if not self._free:
            self._grow()
        slot = self.slots[name] = self._free.pop()
        self.names[slot], self.objects[slot] = name, node
        labels = node["metadata"].get("labels") or {}
        self._tree.put(name, node_tree.zone_of(labels))
        self.labels.put(slot, labels)
        self._order = None
        self._write(slot, node, frozenset(_PARTS))
        return slot

    def _remove(self, name: str) -> int:
        """Take a node out; the slot that it had."""
        slot = self.slots.pop(name)
        self._tree.remove(name)
        self._order = None
        self.labels.put(slot, {})
        self.images.put(slot, ())
        for array in self.arrays:
            array[slot] = 0
        self.names[slot], self.objects[slot] = "", {}
        self._free.append(slot)
        self.version += 1
        return slot

    def _write(self, slot: int, node: Obj, what: frozenset[str]) -> None:
        spec, status = node.get("spec") or {}, node.get("status") or {}
        if "taints" in what or "unschedulable" in what:
            taints = tuple((t["key"], t.get("value") or "", t["effect"]) for t in spec.get("taints") or ())
            self.taints[slot] = self.taint_sets.setdefault(taints, len(self.taint_sets))
            self.unschedulable[slot] = bool(spec.get("unschedulable"))
        if "images" in what:
            self.images.put(slot, status.get("images") or ())
        if "allocatable" in what:
            self._write_allocatable(slot, requests.of_node(status.get("allocatable") or {}))
        if what - {"images"}:
            self.version += 1
        self.changed(slot)

    def _write_allocatable(self, slot: int, amounts: dict[str, int]) -> None:
        for name in amounts:
            if requests.is_scalar(name):
                self.column(name)
        self.arrays.allocatable[slot] = [amounts.get(name, 0) for name in self.resources]
        self.arrays.room[slot] = amounts.get("pods", 0)

    def _grow(self) -> None:
        """Twice as many slots."""
        before = len(self.names)
        self.arrays = NodeArrays(*(np.concatenate((a, np.zeros_like(a))) for a in self.arrays))
        self.taints = np.concatenate((self.taints, np.zeros_like(self.taints)))
        self.unschedulable = np.concatenate((self.unschedulable, np.zeros_like(self.unschedulable)))
        self.labels.grow()
        self.images.grow()
        self.tallies.grow()
        self.names += [""] * before
        self.objects += [{}] * before
        self._free = list(range(2 * before - 1, before - 1, -1))
        self.shape += 1


def _part(node: Obj, path: tuple[str, str]) -> Any:
    return (node.get(path[0]) or {}).get(path[1])


_PARTS: dict[str, tuple[str, Any]] = {
    "labels": ("metadata", "labels"),
    "taints": ("spec", "taints"),
    "unschedulable": ("spec", "unschedulable"),
    "allocatable": ("status", "allocatable"),
    "images": ("status", "images"),
    "features": ("status", "declaredFeatures"),
}
"""What a change of a node can matter in: (stanza, field)."""
