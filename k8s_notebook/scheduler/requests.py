"""What a pod asks for and what a node has, in whole units: cpu in thousandths, everything else as it is counted.

As in component-helpers/resource and pkg/scheduler/framework. Sums are exact; they are rounded up once, at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj, quantity

Amounts = dict[str, int]
"""Resource name -> billionths."""

BILLION = 10**9
UNSTATED = {"cpu": BILLION // 10, "memory": 200 * 2**20 * BILLION}
"""What a container that names no cpu or memory request counts with when nodes are scored (never when they are filtered)."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What one pod counts with, in whole units.

    `exact` is what must fit. `scored` is what the pod adds when it is weighed, `occupied` what it then occupies in that count
    ((cpu, memory)), both with the stand-in for unstated requests; they differ only for pods with pod-level resources.
    """

    exact: dict[str, int]
    scored: dict[str, int]
    occupied: tuple[int, int]


def of_pod(spec: Obj, status: Obj | None = None) -> Requests:
    """The requests of a pod. With `status` those of an assigned pod: a resize under way counts with its largest value."""
    exact = _pod(spec, status, {}, pod_level=True)
    stated = _pod_level(spec)
    occupied = _pod(spec, status, {r: n for r, n in UNSTATED.items() if not stated or r not in exact}, pod_level=True)
    scored = _pod(spec, None, UNSTATED, pod_level=False)
    return Requests(
        {name: units(name, amount) for name, amount in exact.items()},
        {name: units(name, amount) for name, amount in scored.items()},
        (units("cpu", occupied.get("cpu", 0)), units("memory", occupied.get("memory", 0))),
    )


def units(resource: str, nanos: int) -> int:
    """Billionths in whole units, rounded up.

    >>> units("cpu", 1), units("memory", 1)
    (1, 1)
    """
    return -(-nanos // (10**6 if resource == "cpu" else BILLION))


def of_node(allocatable: dict[str, Any]) -> dict[str, int]:
    """What a node can give, in whole units.

    >>> of_node({"cpu": "4", "memory": "1Ki"})
    {'cpu': 4000, 'memory': 1024}
    """
    return {name: units(name, nanos(str(text))) for name, text in allocatable.items()}


@functools.lru_cache(maxsize=8192)
def nanos(text: str) -> int:
    """An amount in billionths."""
    exact = quantity.parse(text) * BILLION
    return -(-exact.numerator // exact.denominator)


def is_scalar(resource: str) -> bool:
    """Whether a resource is counted beside cpu, memory, ephemeral storage and pods.

    >>> is_scalar("example.com/gpu"), is_scalar("hugepages-2Mi"), is_scalar("storage")
    (True, True, False)
    """
    return "/" in resource or resource.startswith(("hugepages-", "attachable-volumes-"))


def _amounts(stated: dict[str, Any] | None) -> Amounts:
    return {name: nanos(str(text)) for name, text in stated.items()} if stated else {}


def _pod(spec: Obj, status: Obj | None, unstated: Amounts, *, pod_level: bool) -> Amounts:
    total = _containers(spec, status, unstated)
    if pod_level:
        stated = _pod_level(spec)
        effective = _resized(stated, status, status) if status else stated
        total.update({name: effective.get(name, 0) for name in stated})
    _add(total, _amounts(spec.get("overhead")))
    return total


def _pod_level(spec: Obj) -> Amounts:
    """The requests that are made for the pod as a whole: cpu, memory and huge pages are possible."""
    stated = (spec.get("resources") or {}).get("requests")
    return {n: a for n, a in _amounts(stated).items() if n in ("cpu", "memory") or n.startswith("hugepages-")}


def _containers(spec: Obj, status: Obj | None, unstated: Amounts) -> Amounts:
    """All containers together, or the greediest moment of the initialisation, whichever is more."""
    total: Amounts = {}
    for _, requests in _each(spec.get("containers"), status, "containerStatuses", unstated):
        _add(total, requests)
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container, requests in _each(spec.get("initContainers"), status, "initContainerStatuses", unstated):
        if container.get("restartPolicy") == "Always":
            _add(total, requests)
            _add(sidecars, requests)
            _most(starting, sidecars)
        else:
            _add(requests, sidecars)
            _most(starting, requests)
    _most(total, starting)
    return total


def _each(containers: Iterable[Obj] | None, status: Obj | None, field: str, unstated: Amounts) -> Iterator[tuple[Obj, Amounts]]:
    """Each container with its own requests."""
    reported = {s["name"]: s for s in (status or {}).get(field) or () if s.get("resources") is not None}
    for container in containers or ():
        requests = _amounts((container.get("resources") or {}).get("requests"))
        said = reported.get(container.get("name", ""))
        if said is not None and (field == "containerStatuses" or container.get("restartPolicy") == "Always"):
            requests = _resized(requests, said, status)
        yield container, {**unstated, **requests}


def _resized(stated: Amounts, said: Obj, status: Obj | None) -> Amounts:
    """The largest of what is asked, in effect and set aside; what is asked does not count once it was found infeasible."""
    if said.get("resources") is None:
        return stated
    infeasible = any(
        c.get("type") == "PodResizePending" and c.get("reason") == "Infeasible" for c in (status or {}).get("conditions") or ()
    )
    found: Amounts = {} if infeasible else dict(stated)
    _most(found, _amounts(said["resources"].get("requests")))
    _most(found, _amounts(said.get("allocatedResources")))
    return found


def _add(into: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, 0) + amount


def _most(into: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        into[name] = max(into.get(name, 0), amount)
