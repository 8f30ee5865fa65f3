"""Amounts of resources in whole units (thousandths of cpu, bytes) as people write them, and pods and nodes with other amounts."""

from __future__ import annotations

import math
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import requests

_BINARY = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
_BYTES = ("memory", "ephemeral-storage")


def text(resource: str, amount: int, *, up: bool = False) -> str:
    """An amount as a person writes it, rounded down to one decimal; up where that is asked for.

    >>> text("cpu", 1500), text("cpu", 500), text("memory", 3 * 2**29), text("example.com/gpu", 2)
    ('1.5', '500m', '1.5Gi', '2')
    """
    if resource == "cpu":
        return f"{amount / 1000:g}" if abs(amount) >= 1000 or amount == 0 else f"{amount}m"
    if not _counts_bytes(resource):
        return f"{amount:,}"
    for letters, unit in _BINARY:
        if abs(amount) >= unit:
            tenths = -(-amount * 10 // unit) if up else amount * 10 // unit
            return f"{tenths / 10:g}{letters}"
    return str(amount)


def rounded(resource: str, amount: int) -> int:
    """At least `amount`, as much as `text` says with `up`."""
    if _counts_bytes(resource):
        for _, unit in _BINARY:
            if amount >= unit:
                tenths = math.ceil(amount * 10 / unit)
                return math.ceil(tenths * unit / 10)
    return amount


def _counts_bytes(resource: str) -> bool:
    return resource in _BYTES or resource.startswith("hugepages-")


def asking_less(pod: Obj, less: dict[str, int]) -> Obj:
    """The pod with its requests cut by these amounts, from the greediest container on."""
    spec = pod["spec"]
    changed = {**spec, "containers": [dict(c) for c in spec.get("containers") or ()]}
    for resource, amount in less.items():
        if resource in ((spec.get("resources") or {}).get("requests") or {}):
            changed["resources"], _ = _cut(changed, resource, amount)
            continue
        for container in sorted(changed["containers"], key=lambda c: -_stated(c, resource)):
            container["resources"], amount = _cut(container, resource, amount)
    return {**pod, "spec": changed}


def _stated(of: Obj, resource: str) -> int:
    said = ((of.get("resources") or {}).get("requests") or {}).get(resource)
    return requests.units(resource, requests.nanos(str(said))) if said is not None else 0


def _cut(of: Obj, resource: str, amount: int) -> tuple[Obj, int]:
    """(resources with less of one, what could not be cut)."""
    resources, there = of.get("resources") or {}, _stated(of, resource)
    taken = min(there, amount)
    if not taken:
        return resources, amount
    kept = {**resources["requests"], resource: _quantity(resource, there - taken)}
    return {**resources, "requests": kept}, amount - taken


def _quantity(resource: str, amount: int) -> str:
    return f"{amount}m" if resource == "cpu" else str(amount)


def roomier(node: Obj, more: dict[str, int]) -> Obj:
    """The node with more to give."""
    status = node.get("status") or {}
    given: dict[str, Any] = dict(status.get("allocatable") or {})
    for resource, amount in more.items():
        there = requests.units(resource, requests.nanos(str(given.get(resource, "0"))))
        given[resource] = _quantity(resource, there + amount)
    return {**node, "status": {**status, "allocatable": given}}
