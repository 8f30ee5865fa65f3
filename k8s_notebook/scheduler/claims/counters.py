"""What devices take from the counters that they share with others of their pool (as checkAvailableCounters)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Set
from fractions import Fraction

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.scheduler.claims import pools

Key = tuple[str, str]
"""(set of counters, counter)"""


class Counters:
    """The counters of all pools of a node. Pools are told apart by their name alone, as kube-scheduler does."""

    def __init__(self, found: list[pools.Pool], taken: Set[pools.DeviceId]) -> None:
        self._pools = {pool.name: pool for pool in found}
        self._taken = taken
        self._left: dict[str, dict[Key, Fraction]] = {}
        self._used: dict[str, dict[Key, Fraction]] = {}

    def take(self, device: pools.Device) -> bool:
        """Whether enough is left for a device; then it counts."""
        if not device.obj.get("consumesCounters"):
            return True
        left = self._available(device)
        used = self._used.setdefault(device.id[1], defaultdict(Fraction))
        for key, amount in _amounts(device.obj):
            used[key] += amount
        if all(used.get(key, 0) <= amount for key, amount in left.items()):
            return True
        self.give_back(device)
        return False

    def give_back(self, device: pools.Device) -> None:
        """Forget a device that counted."""
        for key, amount in _amounts(device.obj):
            self._used[device.id[1]][key] -= amount

    def _available(self, device: pools.Device) -> dict[Key, Fraction]:
        """What devices that claims have leave of the counters of a device's pool."""
        found = self._left.get(device.id[1])
        if found is None:
            pool = self._pools["/".join(device.id[:2])]
            found = self._left[device.id[1]] = {
                (name, counter): quantity.parse(stated["value"])
                for name, some in pool.counters.items()
                for counter, stated in some.items()
            }
            for other in (*pool.devices, *pool.others):
                for key, amount in _amounts(other.obj) if other.id in self._taken else ():
                    found[key] -= amount
        return found


def _amounts(device: Obj) -> Iterator[tuple[Key, Fraction]]:
    for taken in device.get("consumesCounters") or ():
        for counter, stated in taken["counters"].items():
            yield (taken["counterSet"], counter), quantity.parse(stated["value"])
