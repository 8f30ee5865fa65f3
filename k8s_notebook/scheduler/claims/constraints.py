"""What the devices of a claim must have in common, or must not (as the constraints of the structured allocator)."""

from __future__ import annotations

from typing import Any, Protocol

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.claims import pools, wishes


class Constraint(Protocol):
    """A condition on the devices that a claim has so far."""

    def add(self, wish: wishes.Wish, device: pools.Device) -> bool:
        """Whether one more device keeps to it; then it counts."""
        ...

    def remove(self, wish: wishes.Wish, device: pools.Device) -> None:
        """Forget a device that counted."""
        ...


class Match:
    """All devices have the same value of an attribute."""

    def __init__(self, name: str, requests: frozenset[str]) -> None:
        self._name, self._requests = name, requests
        self._value: Any = None
        self._count = 0

    def add(self, wish: wishes.Wish, device: pools.Device) -> bool:
        """Whether the device has the value of those before it."""
        if not concerned(self._requests, wish):
            return True
        value = wishes.attribute(device.obj, device.id[0], self._name)
        if value is None or (self._count and (value != self._value or not value[0])):
            return False
        self._value = value if not self._count else self._value
        self._count += 1
        return True

    def remove(self, wish: wishes.Wish, device: pools.Device) -> None:
        """One device fewer."""
        self._count -= concerned(self._requests, wish)


class Distinct:
    """No two requests have the same value of an attribute.

    Only the value of the last device of each request is remembered, as in kube-scheduler.
    """

    def __init__(self, name: str, requests: frozenset[str]) -> None:
        self._name, self._requests = name, requests
        self._values: dict[str, Any] = {}
        self._count = 0

    def add(self, wish: wishes.Wish, device: pools.Device) -> bool:
        """Whether the device has a value that none of the others has."""
        if not concerned(self._requests, wish):
            return True
        value = wishes.attribute(device.obj, device.id[0], self._name)
        if value is None or (self._count and (value in self._values.values() or (self._values and not value[0]))):
            return False
        self._values[wish.base] = value
        self._count += 1
        return True

    def remove(self, wish: wishes.Wish, device: pools.Device) -> None:
        """One device fewer."""
        if concerned(self._requests, wish):
            self._values.pop(wish.base, None)
            self._count -= 1


def concerned(requests: frozenset[str], wish: wishes.Wish) -> bool:
    """Whether a list of request names means a request or its alternative; an empty one means all."""
    return not requests or wish.base in requests or wish.reference in requests


def of_claim(devices: Obj) -> list[Constraint]:
    """The constraints of the stanza `spec.devices`."""
    made: list[Constraint] = []
    for constraint in devices.get("constraints") or ():
        requests = frozenset(constraint.get("requests") or ())
        if constraint.get("matchAttribute"):
            made.append(Match(constraint["matchAttribute"], requests))
        else:
            made.append(Distinct(constraint["distinctAttribute"], requests))
    return made
