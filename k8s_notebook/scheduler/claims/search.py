"""The first set of devices on a node with which all claims of a pod are met (as allocator_incubating.go).

Claims, requests and devices are tried in order and undone when they lead nowhere, so the first solution is kube-scheduler's, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.claims import constraints, counters, pools, selectors, shares, wishes

MOST_DEVICES = 32
"""of one claim"""
MOST_STEPS = 200_000
"""Devices tried for one node, in place of kube-scheduler's ten seconds"""
INVALID = "invalid resource pools were encountered"

Selectable = dict[tuple[int, int, pools.DeviceId], bool]
"""(request, slice, device) -> whether the selectors match, for all nodes"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What claims have."""

    devices: frozenset[pools.DeviceId]
    """for themselves"""
    shares: dict[pools.DeviceId, shares.Amounts]
    """of devices that are given out in shares"""


@dataclass(frozen=True, slots=True)
class Result:
    """A device, or a share of it, for a request."""

    wish: wishes.Wish
    device: pools.Device


Results = list[list[Result]]
"""[claim][device]"""


class Search:
    """One search on one node."""

    def __init__(self, wants: Sequence[wishes.Want], slot: int, cluster: Cluster, taken: Taken, known: Selectable):
        self._wants, self._taken, self._known, self._slot, self._cluster = wants, taken, known, slot, cluster
        self._pools = pools.of_node(slot, cluster)
        self._devices = [d for pool in self._pools for d in pool.devices]
        self._counters = counters.Counters(self._pools, taken.devices | taken.shares.keys())
        self._shares = shares.Shares(taken.shares)
        self._all: dict[int, list[pools.Device]] = {}
        self._held: dict[pools.DeviceId, set[int]] = {}
        self._constraints = [constraints.of_claim(want.devices) for want in wants]
        self._results: Results = [[] for _ in wants]
        self._counted: list[bool] = []
        """for each result, in the order of their making, whether counters were taken"""
        self._steps = 0

    def run(self) -> Results | None:
        """The devices of each claim, None if there are not enough; Broken if that cannot be decided."""
        for number, want in enumerate(self._wants):
            fewest = sum(min(self._number(number, wish) for wish in alternatives) for alternatives in want.requests)
            if fewest > MOST_DEVICES:
                text = f"claim {want.name}: number of requested devices {fewest} exceeds the claim limit of {MOST_DEVICES}"
                raise selectors.Broken(text)
        if self._request(0, 0):
            return self._results
        if any(pool.invalid for pool in self._pools):
            raise selectors.Broken(INVALID)
        return None

    def _number(self, claim: int, wish: wishes.Wish) -> int:
        """How many devices a request needs here."""
        if not wish.everything:
            return wish.count
        found = self._all[id(wish)] = []
        for pool in self._pools:
            if pool.incomplete or pool.invalid:
                state = "being updated" if pool.incomplete else "invalid"
                text = f"asks for all devices, but resource pool {pool.name} is currently {state}"
                raise selectors.Broken(f"claim {self._wants[claim].name}, request {wish.name}: {text}")
            found += [device for device in pool.devices if self._selects(claim, wish, device)]
        return len(found)

    def _request(self, claim: int, request: int) -> bool:
        """Whether everything from this request on can be met."""
        if claim == len(self._wants):
            return True
        if request == len(self._wants[claim].requests):
            return self._request(claim + 1, 0)
        return any(self._meet(claim, request, wish) for wish in self._wants[claim].requests[request])

    def _meet(self, claim: int, request: int, wish: wishes.Wish) -> bool:
        """Whether one alternative of a request, and everything after it, can be met."""

        def rest() -> bool:
            return self._request(claim, request + 1)

        number = len(self._all[id(wish)]) if wish.everything else wish.count
        if len(self._results[claim]) + number > MOST_DEVICES:
            return False
        if wish.everything:
            return bool(number) and self._take_all(claim, wish, 0, rest)
        return self._take(claim, wish, number, 0, rest)

    def _take_all(self, claim: int, wish: wishes.Wish, position: int, rest: Callable[[], bool]) -> bool:
        devices = self._all[id(wish)]
        if position == len(devices):
            return rest()
        if not self._hold(claim, wish, devices[position], must=True):
            return False
        if self._take_all(claim, wish, position + 1, rest):
            return True
        self._release(claim, wish, devices[position])
        return False

    def _take(self, claim: int, wish: wishes.Wish, number: int, start: int, rest: Callable[[], bool]) -> bool:
        """Whether `number` more devices from position `start` on, and the rest, can be had."""
        if number == 0:
            return rest()
        for position in range(start, len(self._devices)):
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise selectors.Broken(f"node {self._cluster.names[self._slot]}: timed out trying to allocate devices")
            device = self._devices[position]
            if self._in_use(claim, wish, device) or not self._selects(claim, wish, device):
                continue
            if self._hold(claim, wish, device, must=False):
                if self._take(claim, wish, number - 1, position + 1, rest):
                    return True
                self._release(claim, wish, device)
        return False

    def _in_use(self, claim: int, wish: wishes.Wish, device: pools.Device) -> bool:
        holders = self._held.get(device.id, ())
        return claim in holders if wish.admin else device.id in self._taken.devices or bool(holders)

    def _selects(self, claim: int, wish: wishes.Wish, device: pools.Device) -> bool:
        key = (id(wish), id(device.slice), device.id)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = wish.selects(device.obj, device.id[0], self._wants[claim].name)
        here = not device.slice["spec"].get("perDeviceNodeSelection") or pools.matches(device.obj, self._slot, self._cluster)
        return found and here and self._shares.fits(wish.shares, device)

    def _hold(self, claim: int, wish: wishes.Wish, device: pools.Device, *, must: bool) -> bool:
        """Whether a claim can have a device; then it has it."""
        if self._in_use(claim, wish, device):
            return False
        counted = not (_several(device) and self._shares.shared(device))
        if counted and not self._counters.take(device):
            return False
        tolerated = wish.tolerates(device.obj)
        if not tolerated or not self._constrain(claim, wish, device):
            if counted:
                self._counters.give_back(device)
            if tolerated and must:
                text = f"cannot add device {'/'.join(device.id)} because a claim constraint would not be satisfied"
                raise selectors.Broken(f"claim {self._wants[claim].name}, request {wish.name}: {text}")
            return False
        if not self._shares.fits(wish.shares, device):
            self._undo(claim, wish, device, counted=counted)
            return False
        if _several(device):
            self._shares.take(wish.shares, device)
        else:
            self._held.setdefault(device.id, set()).add(claim)
        self._results[claim].append(Result(wish, device))
        self._counted.append(counted)
        return True

    def _undo(self, claim: int, wish: wishes.Wish, device: pools.Device, *, counted: bool) -> None:
        for constraint in self._constraints[claim]:
            constraint.remove(wish, device)
        if counted:
            self._counters.give_back(device)

    def _constrain(self, claim: int, wish: wishes.Wish, device: pools.Device) -> bool:
        """Whether a device keeps to all constraints of a claim; then it counts there."""
        for i, constraint in enumerate(self._constraints[claim]):
            if not constraint.add(wish, device):
                for kept in self._constraints[claim][:i]:
                    kept.remove(wish, device)
                return False
        return True

    def _release(self, claim: int, wish: wishes.Wish, device: pools.Device) -> None:
        self._results[claim].pop()
        if _several(device):
            self._shares.give_back(device)
        else:
            self._held[device.id].discard(claim)
        self._undo(claim, wish, device, counted=self._counted.pop())


def _several(device: pools.Device) -> bool:
    """Whether a device is given out in shares."""
    return bool(device.obj.get("allowMultipleAllocations"))


def selector_of(results: list[Result], node: str) -> Obj | None:
    """Where an allocation can be used: a node selector, None for everywhere (as createNodeSelector)."""
    term: dict[str, list[Obj]] = {"matchFields": [], "matchExpressions": []}
    for result in results:
        spec = result.device.slice["spec"]
        place = result.device.obj if spec.get("perDeviceNodeSelection") else spec
        if place.get("nodeName") is not None or result.device.obj.get("bindsToNode"):
            named = {"key": "metadata.name", "operator": "In", "values": [node]}
            return {"nodeSelectorTerms": [{"matchFields": [named]}]}
        for stated in (place.get("nodeSelector") or {}).get("nodeSelectorTerms") or ():
            for field, kept in term.items():
                kept += [new for new in stated.get(field) or () if not any(_alike(new, old) for old in kept)]
    found = {field: kept for field, kept in term.items() if kept}
    return {"nodeSelectorTerms": [found]} if found else None


def _alike(a: Obj, b: Obj) -> bool:
    return (a["key"], a["operator"], set(a.get("values") or ())) == (b["key"], b["operator"], set(b.get("values") or ()))
