"""The order in which nodes are looked at: zones in turn, one node of each (as in pkg/scheduler/backend/cache/node_tree.go)."""

from __future__ import annotations

from typing import Any

_ZONE = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
_REGION = ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region")


def zone_of(labels: dict[str, Any]) -> tuple[str, str]:
    """(region, zone) of a node's labels; the older names of the labels win.

    >>> zone_of({"topology.kubernetes.io/zone": "a"})
    ('', 'a')
    """
    return _first(labels, _REGION), _first(labels, _ZONE)


def _first(labels: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((labels[k] for k in keys if k in labels), "")


class NodeTree:
    """Node names by zone: zones in the order in which they appeared, nodes in the order in which they were added."""

    def __init__(self) -> None:
        self._zones: dict[tuple[str, str], dict[str, None]] = {}
        self._zone: dict[str, tuple[str, str]] = {}

    def put(self, name: str, zone: tuple[str, str]) -> None:
        """Add a node at the end of its zone. A node that is there stays where it is, unless its zone changed."""
        if self._zone.get(name, zone) != zone:
            self.remove(name)
        self._zones.setdefault(zone, {})[name] = None
        self._zone[name] = zone

    def remove(self, name: str) -> None:
        """Take a node out; a zone without nodes is forgotten."""
        zone = self._zone.pop(name)
        members = self._zones[zone]
        del members[name]
        if not members:
            del self._zones[zone]

    def order(self) -> list[str]:
        """The first node of each zone, then the second of each, and so on."""
        zones = [list(members) for members in self._zones.values()]
        deepest = max(map(len, zones), default=0)
        return [members[turn] for turn in range(deepest) for members in zones if turn < len(members)]
