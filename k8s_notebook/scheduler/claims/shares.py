"""How much of a device a request takes, where devices are given out in shares (as consumable_capacity.go)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.scheduler.claims import pools

Amounts = dict[str, Fraction]
"""capacity -> how much"""


class Shares:
    """What is taken of devices: by claims that have theirs already, and by those that get theirs now."""

    def __init__(self, used: dict[pools.DeviceId, Amounts]) -> None:
        self._used = used
        self._new: dict[pools.DeviceId, list[Amounts]] = {}

    def fits(self, wanted: Obj, device: pools.Device) -> bool:
        """Whether what a request wants of a device is there and may be had in that size (as CmpRequestOverCapacity)."""
        capacities = device.obj.get("capacity") or {}
        if not wanted.keys() <= capacities.keys():
            return False
        taken: Amounts = defaultdict(Fraction, self._used.get(device.id, {}))
        for share in self._new.get(device.id, ()):
            for name, amount in share.items():
                taken[name] += amount
        return all(_admits(capacity, taken[name], wanted.get(name)) for name, capacity in capacities.items())

    def shared(self, device: pools.Device) -> bool:
        """Whether some share of a device is given out."""
        return device.id in self._used or bool(self._new.get(device.id))

    def take(self, wanted: Obj, device: pools.Device) -> None:
        """Give a share out."""
        amounts = {name: quantity.parse(text) for name, text in consumed(wanted, device.obj).items()}
        self._new.setdefault(device.id, []).append(amounts)

    def give_back(self, device: pools.Device) -> None:
        """Undo the last `take` of a device."""
        self._new[device.id].pop()


def consumed(wanted: Obj, device: Obj) -> dict[str, str]:
    """capacity -> how much a request takes of a device."""
    return {name: _share(capacity, wanted.get(name)) for name, capacity in (device.get("capacity") or {}).items()}


def _admits(capacity: Obj, taken: Fraction, wanted: Any) -> bool:
    share = quantity.parse(_share(capacity, wanted))
    return _allowed(share, capacity.get("requestPolicy") or {}) and taken + share <= quantity.parse(capacity["value"])


def _share(capacity: Obj, wanted: Any) -> str:
    """What is taken of one capacity: what is wanted, rounded up to a size that may be had."""
    policy = capacity.get("requestPolicy") or {}
    if wanted is None:
        return quantity.canonical(policy["default"] if policy.get("default") is not None else capacity["value"])
    limits, size = policy.get("validRange") or {}, quantity.parse(wanted)
    if limits.get("min") is not None:
        return _stepped(wanted, size, limits)
    larger = [value for value in policy.get("validValues") or () if size <= quantity.parse(value)]
    return quantity.canonical(larger[0] if larger else wanted)


def _stepped(wanted: Any, size: Fraction, limits: Obj) -> str:
    if size < quantity.parse(limits["min"]):
        return quantity.canonical(limits["min"])
    if limits.get("step") is None:
        return quantity.canonical(wanted)
    least, step = quantity.value(limits["min"]), quantity.value(limits["step"])
    steps = -((least - quantity.value(wanted)) // step)
    return quantity.show(least + steps * step, like="1Ki")


def _allowed(share: Fraction, policy: Obj) -> bool:
    """Whether a share has a size that may be had."""
    limits, values = policy.get("validRange"), policy.get("validValues")
    if policy.get("default") is not None and share == quantity.parse(policy["default"]):
        return True
    if limits is None:
        return not values or any(share == quantity.parse(value) for value in values)
    if limits.get("max") is not None and share > quantity.parse(limits["max"]):
        return False
    over = -(-share // 1) - quantity.value(limits.get("min", 0))
    return limits.get("step") is None or over % quantity.value(limits["step"]) == 0
