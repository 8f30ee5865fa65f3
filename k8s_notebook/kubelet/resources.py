"""What statuses say about requests and limits: of one container, and of a pod as a whole."""

from __future__ import annotations

import functools
from typing import Any

from k8s_notebook.objects import Obj, quantity

_Amounts = tuple[tuple[str, str], ...]


def of_container(container: Obj) -> Obj:
    """`allocatedResources` and `resources` of a container that runs."""
    asked = container.get("resources") or {}
    found: Obj = {"resources": {k: v for k, v in asked.items() if k in ("requests", "limits")}}
    if asked.get("requests"):
        found["allocatedResources"] = asked["requests"]
    return found


def of_pod(spec: Obj) -> Obj:
    """`allocatedResources` and `resources` of a pod: sums over what runs together; limits where every container has one."""
    running = [*spec["containers"], *(c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")]
    asked = [c.get("resources") or {} for c in running]
    requests, limits = (tuple(_amounts(a.get(field)) for a in asked) for field in ("requests", "limits"))
    return _summed(requests, limits)


def _amounts(listed: Obj | None) -> _Amounts:
    return tuple(listed.items()) if listed else ()


@functools.lru_cache(maxsize=1024)
def _summed(requests: tuple[_Amounts, ...], limits: tuple[_Amounts, ...]) -> Obj:
    requested = _sum(requests)
    limited = {k: v for k, v in _sum(limits).items() if all(k in dict(of_one) for of_one in limits)}
    whole: dict[str, Any] = {k: v for k, v in (("limits", limited), ("requests", requested)) if v}
    return {"allocatedResources": requested, "resources": whole} if requested else {"resources": whole}


def _sum(listed: tuple[_Amounts, ...]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for amounts in listed:
        for name, amount in amounts:
            found.setdefault(name, []).append(str(amount))
    return {name: amounts[0] if len(amounts) == 1 else quantity.total(amounts) for name, amounts in sorted(found.items())}
